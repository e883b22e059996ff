"""What is noted of each image while it is read."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils.datasets import bit_depth, decoding

if TYPE_CHECKING:
    from PIL import Image

#: Side of the small gray image that duplicates are searched with, in pixels.
THUMB = 64
#: Standard deviation of the gray values below which an image shows one flat colour.
FLAT = 2.0


@dataclass(slots=True)
class Picture:
    """What is known of one file: nothing but small things, so that 50,000 fit into memory."""

    id: str
    split: str
    label: str
    error: str | None = None
    digest: bytes = b""
    kind: str = ""  # "JPEG", "PNG", ...; empty where the image did not come from a file
    mistyped: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)  # width, height
    thumb: np.ndarray = field(default_factory=lambda: np.zeros((THUMB, THUMB), np.uint8))
    colours: np.ndarray = field(default_factory=lambda: np.zeros((8, 8, 3), np.uint8))
    bits: np.ndarray | None = None  # (2, 256) perceptual hash of the image and of its mirror image


def read_file(
    file_id: str, split: str, label: str, path: Path, scales: bit_depth.Scales | None = None
) -> Picture:
    """Read one file; whatever is wrong with it becomes `Picture.error`."""
    picture = Picture(file_id, split, label)
    try:
        data = decoding.read(path)
        picture.digest = hashlib.blake2b(data, digest_size=16).digest()
        small = decoding.to_array(data, (THUMB, THUMB), 3, scales)
    except decoding.Unreadable as error:
        picture.error = str(error)
        return picture
    _look_at_header(picture, data, path.suffix)
    _look_at_pixels(picture, small)
    return picture


def _look_at_header(picture: Picture, data: bytes, suffix: str) -> None:
    """Note format, colour mode and size of a file that is known to be readable."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        picture.kind = str(image.format)
        picture.size = image.size
        picture.mode = image.mode
        if image.mode in ("P", "L", "RGB") and "transparency" in image.info:
            picture.mode += " with transparency"
        if image.format != "MPO" and _has_frames(image):
            picture.mode += ", animated"
        if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):  # stored lying on its side
            picture.size = image.size[::-1]
    promised = Image.registered_extensions().get(suffix.lower())
    same = {"MPO": "JPEG", "JPEG": "JPEG", "PPM": "PPM", "DIB": "BMP"}
    if promised and same.get(promised, promised) != same.get(picture.kind, picture.kind):
        picture.mistyped = f"is {picture.kind} data, but its name ends in {suffix}"


def _has_frames(image: Image.Image) -> bool:
    """Whether there is more than one picture in the file; damage after the first does not count."""
    try:
        return getattr(image, "n_frames", 1) > 1
    except Exception:  # decoders raise all kinds of errors on damaged files
        return True


def _look_at_pixels(picture: Picture, small: np.ndarray) -> None:
    """Keep the small gray image, 8 x 8 mean colours and the perceptual hashes.

    `small` is uint8 (64, 64, 3).
    """
    import imagehash
    from PIL import Image

    weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 luma
    picture.thumb = (small @ weights).round().astype(np.uint8)
    picture.colours = small.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3)).astype(np.uint8)
    if picture.thumb.std() >= FLAT:
        image = Image.fromarray(picture.thumb)
        mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        picture.bits = np.stack(
            [imagehash.phash(one, hash_size=16).hash.ravel() for one in (image, mirrored)]
        )


def read_array(image_id: str, split: str, label: str, image: np.ndarray) -> Picture:
    """Look at one image that is in memory already, uint8 (H, W, C)."""
    from PIL import Image

    picture = Picture(image_id, split, label)
    gray = image.shape[-1] == 1
    picture.digest = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
    picture.mode = "L" if gray else "RGB"
    picture.size = (image.shape[1], image.shape[0])
    whole = Image.fromarray(image[..., 0] if gray else image).convert("RGB")
    small = whole.resize((THUMB, THUMB), Image.Resampling.BILINEAR)
    _look_at_pixels(picture, np.asarray(small))
    return picture


def read_all(
    jobs: Iterable[tuple], read: Callable[..., Picture], name: str, total: int
) -> list[Picture]:
    """Do all jobs on all cores, in order, with a progress bar where it takes long."""
    from tqdm import tqdm

    jobs = iter(jobs)
    pictures: list[Picture] = []
    bar = tqdm(total=total, desc=f"looking at {name}", unit=" images", delay=2, leave=False)
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool,
        bar,
    ):
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
        while some := list(itertools.islice(jobs, 256)):
            pictures += pool.map(lambda job: read(*job), some)
            bar.update(len(some))
    return pictures
