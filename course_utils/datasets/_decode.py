"""Reading image files into arrays of one size.

Every picture is decoded once: turned upright as its EXIF record says, brought to 8 bits and to
RGB or grayscale, transparent parts laid on white, of an animation the first frame, and stretched
to the wanted height and width with an antialiased bilinear filter
(``keras.utils.image_dataset_from_directory`` stretches too, without the antialiasing). Sixteen-bit
values are divided by 257, so that 65535 becomes 255. First met in lesson 02.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: Endings of the files that count as images (compared without regard to case). Endings that
#: Pillow may not be able to read are here too, so that such a file is named rather than ignored.
IMAGE_ENDINGS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".avif"),
    }
)

_CHUNK = 256  # images decoded between two writes


@dataclass(frozen=True)
class ImageFile:
    """An image file that was found in a folder.

    Attributes
    ----------
    id : str
        Path relative to the dataset's folder, with ``/``.
    path : Path
        Where the file is.
    stamp : tuple of int
        Size in bytes, and the times of the last change of content and of record, in ns.
    """

    id: str
    path: Path
    stamp: tuple[int, int, int]


class Unreadable(Exception):
    """A file that cannot be decoded; the message is the reason, for use inside a sentence."""


class Passing(Unreadable):
    """A reason that may be gone the next time (a file that has disappeared, no permission)."""


def read(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    Unreadable
        If it has disappeared, may not be read or is empty.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise Unreadable("is a link that leads nowhere") from None
        raise Passing("has disappeared since the folder was listed") from None
    except PermissionError:
        raise Passing("may not be read (no permission)") from None
    except OSError as error:
        raise Passing(f"cannot be read ({error.strerror or error})") from None
    if not data:
        raise Unreadable("is empty (0 bytes)")
    return data


def to_array(data: bytes, image_size: tuple[int, int], channels: int) -> np.ndarray:
    """Decode one picture.

    Parameters
    ----------
    data : bytes
        Content of an image file.
    image_size : tuple of int
        Height and width in pixels.
    channels : int
        3 for RGB, 1 for grayscale.

    Returns
    -------
    ndarray of uint8, shape (height, width, channels)
        Values 0 to 255.

    Raises
    ------
    Unreadable
        If `data` is no image, is cut off or damaged.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    height, width = image_size
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format in ("JPEG", "MPO"):
                # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is much faster. It
                # stays at least twice as large as wanted, whichever way up it is.
                picture.draft(None, (2 * max(image_size), 2 * max(image_size)))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
        flat = _to_8_bits(upright)
        flat = flat.convert("RGB" if channels == 3 else "L")
        if flat.size != (width, height):
            flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    except UnidentifiedImageError:
        raise Unreadable(f"is no image that can be read ({_kind(data)})") from None
    except Image.DecompressionBombError:
        raise Unreadable("has too many pixels") from None
    except MemoryError:
        raise Unreadable("is too large for the memory") from None
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        if "truncated" in str(error).lower() or isinstance(error, EOFError):
            raise Unreadable("is cut off (truncated)") from None
        raise Unreadable("is damaged") from None
    return np.asarray(flat, dtype=np.uint8).reshape(height, width, channels)


def _to_8_bits(picture):
    """Return `picture` in a mode of 8 bits a channel without transparency."""
    from PIL import Image

    if picture.mode.startswith("I;16") or picture.mode == "I":
        values = np.asarray(picture).astype(np.float64)
        if picture.mode == "I" and values.size and values.max() <= 255:
            scaled = values
        else:
            scaled = np.round(values / 257.0)
        return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
    if picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        if values.size and values.max() <= 1.0:  # floats are usually stored as 0-1
            values = values * 255.0
        return Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8))
    see_through = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    if see_through or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture


def _kind(data: bytes) -> str:
    """Say what a file that is no readable image seems to be."""
    if data[4:8] == b"ftyp":
        return "it is HEIC or another film format; save it as JPEG"
    if data.lstrip()[:1] == b"<":
        return "it looks like a web page or SVG"
    if data[:4] == b"%PDF":
        return "it is a PDF"
    if data[:2] == b"PK":
        return "it is a ZIP archive"
    return "its first bytes belong to no known format"


@dataclass(frozen=True)
class Decoded:
    """What became of one file: its picture and digest, or the reason why there is none."""

    image: np.ndarray | None
    digest: str
    reason: str | None = None
    passing: bool = False


def decode_file(path: Path, image_size: tuple[int, int], channels: int) -> Decoded:
    """Read and decode one file; never raises for what is wrong with the file."""
    digest = ""
    try:
        data = read(path)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        return Decoded(to_array(data, image_size, channels), digest)
    except Unreadable as error:
        return Decoded(None, digest, str(error), isinstance(error, Passing))


def decode_all(
    files: Sequence[ImageFile],
    image_size: tuple[int, int],
    channels: int,
    label: str,
    decode: Callable[[Path, tuple[int, int], int], Decoded] = decode_file,
) -> Iterator[list[Decoded]]:
    """Decode files on all cores, in order, in chunks; show a bar where it takes long."""
    from tqdm import tqdm

    workers = min(16, os.cpu_count() or 1)
    bar = tqdm(
        total=len(files),
        desc=f"reading {label}",
        unit=" images",
        delay=2,
        file=sys.stderr,
        leave=False,
    )
    with (
        warnings.catch_warnings(),
        ThreadPoolExecutor(workers) as pool,
        bar,
    ):
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
        for start in range(0, len(files), _CHUNK):
            chunk = files[start : start + _CHUNK]
            yield list(pool.map(lambda file: decode(file.path, image_size, channels), chunk))
            bar.update(len(chunk))
