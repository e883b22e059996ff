"""Read images and compute the properties that the checks use."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils.datasets import bit_depth, decoding

if TYPE_CHECKING:
    from PIL import Image

#: Side of the small gray image for the search of duplicates, in pixels.
THUMB = 64
#: Standard deviation of the gray values below which an image is of one flat color.
FLAT = 2.0


@dataclass(slots=True)
class Picture:
    """Properties of one image for the checks; small, so that 50,000 fit into memory."""

    id: str
    split: str
    label: str
    error: str | None = None
    digest: bytes = b""
    kind: str = ""  # "JPEG", "PNG", ...; empty if the image is not from a file
    mistyped: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)  # width, height
    thumb: np.ndarray = field(default_factory=lambda: np.zeros((THUMB, THUMB), np.uint8))
    colors: np.ndarray = field(default_factory=lambda: np.zeros((8, 8, 3), np.uint8))
    bits: np.ndarray | None = None  # (2, 256) perceptual hash of the image and of its mirror image


def read_file(
    file_id: str, split: str, label: str, path: Path, scales: bit_depth.Scales | None = None
) -> Picture:
    """Read one file; an error becomes `Picture.error`."""
    picture = Picture(file_id, split, label)
    try:
        data = decoding.read(path)
        picture.digest = hashlib.blake2b(data, digest_size=16).digest()
        small = decoding.to_array(data, (THUMB, THUMB), 3, scales)
    except decoding.Unreadable as error:
        picture.error = str(error)
        return picture
    _read_header(picture, data, path.suffix)
    _set_pixels(picture, small)
    return picture


def _read_header(picture: Picture, data: bytes, suffix: str) -> None:
    """Set format, color mode and size of a file that can be read."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        picture.kind = str(image.format)
        picture.size = image.size
        picture.mode = image.mode
        if image.mode in ("P", "L", "RGB") and "transparency" in image.info:
            picture.mode += " with transparency"
        if image.format != "MPO" and _has_frames(image):
            picture.mode += ", animated"
        if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):  # stored rotated by 90 degrees
            picture.size = image.size[::-1]
    promised = Image.registered_extensions().get(suffix.lower())
    same = {"MPO": "JPEG", "JPEG": "JPEG", "PPM": "PPM", "DIB": "BMP"}
    if promised and same.get(promised, promised) != same.get(picture.kind, picture.kind):
        picture.mistyped = f"is {picture.kind} data, but its name ends in {suffix}"


def _has_frames(image: Image.Image) -> bool:
    """Return whether the file has several frames; damage after the first does not matter."""
    try:
        return getattr(image, "n_frames", 1) > 1
    except Exception:  # decoders raise all kinds of errors on damaged files
        return True


def _set_pixels(picture: Picture, small: np.ndarray) -> None:
    """Set the small gray image, 8 x 8 mean colors and the perceptual hashes.

    `small` is uint8 (64, 64, 3).
    """
    import imagehash
    from PIL import Image

    weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma
    picture.thumb = (small @ weights).round().astype(np.uint8)
    picture.colors = small.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3)).astype(np.uint8)
    if picture.thumb.std() >= FLAT:
        image = Image.fromarray(picture.thumb)
        mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        picture.bits = np.stack(
            [imagehash.phash(view, hash_size=16).hash.ravel() for view in (image, mirrored)]
        )


def read_array(image_id: str, split: str, label: str, image: np.ndarray) -> Picture:
    """Read one image that is in memory, uint8 (H, W, C)."""
    from PIL import Image

    picture = Picture(image_id, split, label)
    gray = image.shape[-1] == 1
    picture.digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
    picture.mode = "L" if gray else "RGB"
    picture.size = (image.shape[1], image.shape[0])
    whole = Image.fromarray(image[..., 0] if gray else image).convert("RGB")
    small = whole.resize((THUMB, THUMB), Image.Resampling.BILINEAR)
    _set_pixels(picture, np.asarray(small))
    return picture


def read_all(
    jobs: Iterable[tuple], read: Callable[..., Picture], name: str, total: int
) -> list[Picture]:
    """Call `read` with the arguments of each job, on all cores, and return the results in order."""
    chunks = decoding.map_in_chunks(lambda job: read(*job), jobs, total, f"checking {name}")
    return [picture for chunk in chunks for picture in chunk]
