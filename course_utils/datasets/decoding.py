"""Reading image files into arrays of one size.

Every picture is decoded once: turned upright as its EXIF record says, brought to 8 bits and to
RGB or grayscale, transparent parts laid on white, of an animation the first frame, and stretched
to the wanted height and width with an antialiased bilinear filter
(``keras.utils.image_dataset_from_directory`` stretches too, without the antialiasing).

Values of more than 8 bits are brought to 0-255 by one scale for all pictures of a dataset
(``_depth``). First met in lesson 02.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.datasets import bit_depth
from course_utils.datasets.bit_depth import Passing, Scales, Unreadable, Unscaled
from course_utils.datasets.display import displayable
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    from PIL import Image

#: Endings of the files that count as images (compared without regard to case). Endings that
#: Pillow may not be able to read are here too, so that such a file is named rather than ignored.
IMAGE_ENDINGS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".avif"),
    }
)

WORKERS = min(16, os.cpu_count() or 1)  # threads that decode
_CHUNK = 256  # images decoded between two writes
_ORIENTATION = 0x0112  # the EXIF tag that says which side of a picture is up


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


@functools.cache
def _open_heic() -> None:
    """Let Pillow read HEIC, the format of iPhone photographs."""
    try:
        import pi_heif
    except ImportError:  # an older environment: such files are then named as unreadable
        return
    pi_heif.register_heif_opener()


@contextmanager
def _plain_reasons(data: bytes) -> Iterator[None]:
    """Turn whatever a decoder raises into `Unreadable`."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except Unreadable:
        raise
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


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open the content of an image file, HEIC too, without decoding it yet.

    Raises
    ------
    Unreadable
        If `data` is no image, is cut off or damaged, then or while the picture is used.
    """
    from PIL import Image

    _open_heic()
    with _plain_reasons(data), Image.open(io.BytesIO(data)) as picture:
        yield picture


def is_gray(path: Path) -> bool | None:
    """Return whether a file stores a picture without color, or None where it cannot be read.

    Only the head of the file is read. A picture in RGB counts as one with color, whatever its
    pixels are.
    """
    from PIL import Image

    _open_heic()
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # of huge pictures; decoding them says it
            with Image.open(file) as picture:
                mode, palette = picture.mode, picture.getpalette()
    except Exception:  # decoders raise all kinds of errors; decoding the file names them
        return None
    if palette is not None:
        return palette[0::3] == palette[1::3] == palette[2::3]
    return mode in ("1", "L", "LA", "La", "F") or mode.startswith("I")


def to_array(
    data: bytes,
    image_size: tuple[int, int] | None,
    channels: int,
    scales: Scales | None = None,
) -> np.ndarray:
    """Decode one picture.

    Parameters
    ----------
    data : bytes
        Content of an image file.
    image_size : tuple of int or None
        Height and width in pixels; None leaves the picture as large as it is.
    channels : int
        3 for RGB, 1 for grayscale.
    scales : mapping of kind to (low, high), optional
        For each kind of values beyond 8 bits, which become black and white. What is not named is
        decided by this picture alone.

    Returns
    -------
    ndarray of uint8, shape (height, width, channels)
        Values 0 to 255.

    Raises
    ------
    Unreadable
        If `data` is no image, is cut off or damaged, or if its scale is not known.
    """
    with opened(data) as picture:
        if image_size is not None and picture.format in ("JPEG", "MPO"):
            # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is much faster. It
            # stays at least twice as large as wanted, whichever way up it is.
            picture.draft(None, (2 * max(image_size), 2 * max(image_size)))
        picture.load()
        return _finished(_upright(picture, data, scales), image_size, channels)


def _upright(picture: Image.Image, data: bytes, scales: Scales | None) -> Image.Image:
    """Return a loaded picture in 8 bits, without transparency and the right way up."""
    from PIL import ImageOps

    deep = bit_depth.values_of(picture, data)
    if deep is None:
        return _without_transparency(ImageOps.exif_transpose(picture))
    flat = _without_transparency(bit_depth.to_8_bits(deep, scales))
    turned = picture.getexif().get(_ORIENTATION)
    if turned is not None:
        flat.getexif()[_ORIENTATION] = turned
        flat = ImageOps.exif_transpose(flat)
    return flat


def _finished(flat: Image.Image, image_size: tuple[int, int] | None, channels: int) -> np.ndarray:
    """Bring an 8-bit picture to the wanted channels and size."""
    from PIL import Image

    flat = flat.convert("RGB" if channels == 3 else "L")
    height, width = image_size or (flat.height, flat.width)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(flat, dtype=np.uint8).reshape(height, width, channels)


def _without_transparency(picture: Image.Image) -> Image.Image:
    """Lay a picture with transparent parts on white."""
    from PIL import Image

    see_through = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    if see_through or "transparency" in picture.info:
        # Pillow knows no way from premultiplied gray to RGBA but by plain gray.
        layer = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture


def _kind(data: bytes) -> str:
    """Say what a file that is no readable image seems to be."""
    if data[4:8] == b"ftyp":
        return "it is HEIC or another film format, of a kind that is not read; save it as JPEG"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "it is a TIFF of a kind that is not read; save it as PNG of 8 or 16 bits"
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


def decode_file(
    path: Path, image_size: tuple[int, int], channels: int, scales: Scales | None = None
) -> Decoded:
    """Read and decode one file; never raises for what is wrong with the file."""
    digest = ""
    try:
        data = read(path)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        return Decoded(to_array(data, image_size, channels, scales), digest)
    except Unreadable as error:
        return Decoded(None, digest, str(error), isinstance(error, Passing))


def decode_all(
    files: Sequence[ImageFile],
    image_size: tuple[int, int],
    channels: int,
    label: str,
    scales: Scales | None = None,
) -> Iterator[list[Decoded]]:
    """Decode files on all cores, in order, in chunks; show a bar where it takes long."""
    from tqdm import tqdm

    def decode_one(file: ImageFile) -> Decoded:
        return decode_file(file.path, image_size, channels, scales)

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
        ThreadPoolExecutor(WORKERS) as pool,
        bar,
    ):
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
        for start in range(0, len(files), _CHUNK):
            chunk = files[start : start + _CHUNK]
            yield list(pool.map(decode_one, chunk))
            bar.update(len(chunk))


def extents(files: Sequence[ImageFile]) -> dict[str, bit_depth.Extent]:
    """Return the values that the pictures of more than 8 bits hold, for each kind of values.

    Only such pictures are decoded; of the others a few bytes are read.
    """
    found: dict[str, bit_depth.Extent] = {}
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")
        for one in pool.map(_extent, files):
            if one is not None:
                before = found.get(one.kind)
                found[one.kind] = one if before is None else before.joined(one)
    return found


def _extent(file: ImageFile) -> bit_depth.Extent | None:
    """Return what one file holds beyond 8 bits; files that cannot be read are told elsewhere."""
    try:
        with file.path.open("rb") as stream:
            if not bit_depth.may_be_deep(stream.read(32)):
                return None
        data = read(file.path)
        with opened(data) as picture:
            if not bit_depth.is_deep(picture, data):
                return None
            picture.load()
            deep = bit_depth.values_of(picture, data)
            return None if deep is None else bit_depth.extent_of(deep, file.id)
    except (Unreadable, OSError):
        return None


# --- pictures from anywhere ----------------------------------------------------------------


def decode(
    source: Any,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Decode one picture, wherever it comes from, as the datasets decode files.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL picture or array
        An image file, its content, or a picture. Arrays are (H, W), (H, W, 1), (H, W, 3) or, with
        transparency, (H, W, 4), with values 0 to 255.
    image_size : int or tuple of int, optional
        Height and width in pixels to which the picture is stretched; by default its own.
    channels : {3, 1}
        RGB or grayscale.
    value_range : (low, high), optional
        For values of more than 8 bits: what becomes black (0) and what white (255); values outside
        are cut off. Pictures of 8 bits stay as they are.

    Returns
    -------
    ndarray of uint8, shape (height, width, channels)
        Values 0 to 255.

    Raises
    ------
    MissingData
        If there is no such file.
    InvalidInput
        If it cannot be decoded, or if its values have more than 8 bits and it is not clear which of
        them is white.

    Examples
    --------
    >>> decode(np.array([[0, 4095]], np.uint16), value_range=(0, 4095), channels=1)[..., 0]
    array([[  0, 255]], dtype=uint8)
    """
    if channels not in (1, 3):
        raise InvalidInput(f"channels is {channels!r}, but it must be 3 (RGB) or 1 (grayscale).")
    size = None if image_size is None else validate.image_size(image_size)
    scales = bit_depth.scales_for(value_range)
    what = "The picture"
    if isinstance(source, (str, Path)):
        what = f"The image file {source}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata
            return _decode_any(source, size, channels, scales)
    except Unscaled as error:
        raise InvalidInput(validate.printable(f"{what} {error}.")) from None
    except Unreadable as error:
        raise InvalidInput(validate.printable(f"{what} {error}; give another file.")) from None


def _decode_any(
    source: Any, size: tuple[int, int] | None, channels: int, scales: Scales | None
) -> np.ndarray:
    from PIL import Image

    data = _content(source)
    if data is not None:
        if not data:
            raise Unreadable("is empty (0 bytes)")
        return to_array(data, size, channels, scales)
    if isinstance(source, Image.Image):
        content = _undecoded(source)
        if content is not None:
            return to_array(content, size, channels, scales)
        with _plain_reasons(b""):
            source.load()
            return _finished(_upright(source, b"", scales), size, channels)
    return _finished(_from_array(source, scales), size, channels)


def _content(source: Any) -> bytes | None:
    """Return the content of a path, of bytes or of a file object; None for other things."""
    if isinstance(source, (str, Path)):
        path = Path(source).expanduser()
        if not _is_file(path):
            raise MissingData(
                validate.printable(f"There is no image file {path}; check its name and folder.")
            )
        return read(path)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, Mapping) and "content" in source:  # what an upload widget holds
        return bytes(source["content"])
    if callable(getattr(source, "read", None)):
        return _read_stream(source)
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file() or path.is_symlink()
    except (OSError, ValueError):  # a name too long, or one with a null character
        return False


def _read_stream(stream: Any) -> bytes:
    """Read all of a file object, from its beginning where it can go back."""
    try:
        if stream.seekable():
            stream.seek(0)
    except (AttributeError, OSError, ValueError):
        pass
    try:
        data = stream.read()
    except UnicodeDecodeError:
        data = ""
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot be read ({error})") from None
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InvalidInput("The file was opened as text; open pictures with open(path, 'rb').")
    return bytes(data)


def _undecoded(picture: Image.Image) -> bytes | None:
    """Return the file of a picture that was opened and not decoded yet, so that it is read as one.

    A picture that was decoded may have been changed, and is taken as it is.
    """
    stream = getattr(picture, "fp", None)
    waiting = getattr(picture, "tile", None)
    first = getattr(picture, "tell", lambda: 0)() == 0
    if stream is None or not waiting or not first:
        return None
    try:
        place = stream.tell()
        stream.seek(0)
        data = stream.read()
        stream.seek(place)
    except (AttributeError, OSError, ValueError):
        return None
    return data or None


def _from_array(source: Any, scales: Scales | None) -> Image.Image:
    """Make a picture of an array, (H, W) or (H, W, channels)."""
    from PIL import Image

    try:
        array = np.asarray(source)
    except Exception:  # an object that only looks like an array, such as a ragged list
        array = np.array(None)
    if array.dtype.kind not in "buif":
        raise InvalidInput(
            f"A picture is needed: a path, the bytes of an image file, an open file, a PIL picture "
            f"or an array, but it is of the type {type(source).__name__}."
        )
    if array.size == 0:
        raise InvalidInput(f"A picture has no pixels: its shape is {array.shape}.")
    shaped = displayable(np.zeros(array.shape, np.uint8))  # refuses what has no picture's shape
    pixels = bit_depth.array_to_8_bits(array.reshape(shaped.shape), scales)
    return _without_transparency(Image.fromarray(pixels))
