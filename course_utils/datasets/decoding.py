"""Decode image files into arrays of one size.

Every image is rotated as its EXIF record says, converted to 8 bits and to RGB or grayscale, put on
white where it is transparent, and resized to the given height and width with an antialiased
bilinear filter (``keras.utils.image_dataset_from_directory`` resizes without the antialiasing). Of
an animation the first frame is used.

Values of more than 8 bits are scaled to 0-255 in the same way for all images of a dataset
(``bit_depth``). First used in lesson 02.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from course_utils.progress import progress_bar

if TYPE_CHECKING:
    from PIL import Image

#: Endings of image files, in lower case. Some that Pillow may not be able to read are here too, so
#: that such a file is reported instead of ignored.
IMAGE_ENDINGS = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".avif"),
    }
)

WORKERS = min(16, os.cpu_count() or 1)  # threads that decode
_CHUNK = 256  # images decoded between two writes
ORIENTATION = 0x0112  # the EXIF tag of the rotation


@dataclass(frozen=True)
class ImageFile:
    """An image file that was found in a folder.

    Attributes
    ----------
    id : str
        Path relative to the dataset's folder, with ``/``.
    path : Path
        The file.
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
    """Register HEIC, the format of iPhone photographs, in Pillow."""
    try:
        import pi_heif
    except ImportError:  # an older environment: such files are reported as unreadable
        return
    pi_heif.register_heif_opener()


@contextmanager
def _plain_reasons(data: bytes) -> Iterator[None]:
    """Convert every error of a decoder to `Unreadable`."""
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
        If `data` is not an image, is truncated or damaged, also later in the block.
    """
    from PIL import Image

    _open_heic()
    with _plain_reasons(data), Image.open(io.BytesIO(data)) as picture:
        yield picture


def is_gray(path: Path) -> bool | None:
    """Return whether a file stores an image without color, or None if it cannot be read.

    Only the header of the file is read. An RGB image has color, whatever its pixels are.
    """
    from PIL import Image

    _open_heic()
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")  # about huge images, which decoding reports
            with Image.open(file) as picture:
                mode, palette = picture.mode, picture.getpalette()
    except Exception:  # decoders raise all kinds of errors; decoding reports the file
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
    """Decode one image.

    Parameters
    ----------
    data : bytes
        Content of an image file.
    image_size : tuple of int or None
        Height and width in pixels; None keeps the size of the image.
    channels : int
        3 for RGB, 1 for grayscale.
    scales : mapping of kind to (low, high), optional
        For each kind of values beyond 8 bits, the values that become black and white. Kinds that
        are missing are scaled by this image alone.

    Returns
    -------
    ndarray of uint8, shape (height, width, channels)
        Values 0 to 255.

    Raises
    ------
    Unreadable
        If `data` is not an image, is truncated or damaged, or if its scale is not known.
    """
    with opened(data) as picture:
        if image_size is not None and picture.format in ("JPEG", "MPO"):
            # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is much faster. It
            # stays at least twice as large as wanted, also after a rotation.
            picture.draft(None, (2 * max(image_size), 2 * max(image_size)))
        picture.load()
        return _finished(_upright(picture, data, scales), image_size, channels)


def _upright(picture: Image.Image, data: bytes, scales: Scales | None) -> Image.Image:
    """Return a loaded PIL image in 8 bits, without transparency, rotated as EXIF says."""
    from PIL import ImageOps

    deep = bit_depth.values_of(picture, data)
    if deep is None:
        return _without_transparency(ImageOps.exif_transpose(picture))
    flat = _without_transparency(bit_depth.to_8_bits(deep, scales))
    turned = picture.getexif().get(ORIENTATION)
    if turned is not None:
        flat.getexif()[ORIENTATION] = turned
        flat = ImageOps.exif_transpose(flat)
    return flat


def _finished(flat: Image.Image, image_size: tuple[int, int] | None, channels: int) -> np.ndarray:
    """Convert an 8-bit PIL image to the given channels and size."""
    from PIL import Image

    flat = flat.convert("RGB" if channels == 3 else "L")
    height, width = image_size or (flat.height, flat.width)
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(flat, dtype=np.uint8).reshape(height, width, channels)


def _without_transparency(picture: Image.Image) -> Image.Image:
    """Put a PIL image with transparent parts on white."""
    from PIL import Image

    has_alpha = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    if has_alpha or "transparency" in picture.info:
        # Pillow converts premultiplied gray to RGBA only through plain gray.
        layer = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture


#: Place of the first bytes of a file, the bytes, and what to say if it cannot be read.
_KINDS = (
    (0, b"%PDF", "it is a PDF"),
    (0, b"PK", "it is a ZIP archive"),
    (0, b"\x1f\x8b", "it is a gzip archive"),
    (0, b"Rar!", "it is a RAR archive"),
    (0, b"\xff\x0a", "it is JPEG XL; save it as JPEG"),
    (4, b"JXL ", "it is JPEG XL; save it as JPEG"),
    (128, b"DICM", "it is DICOM; export it as PNG"),
    (0, b"8BPS", "it is a file of Photoshop; export it as PNG"),
    (0, b"version https://git-lfs", "it is a pointer of Git LFS; run 'git lfs pull' to get it"),
)


def _kind(data: bytes) -> str:
    """Return a guess at the type of a file that cannot be read."""
    if data[4:12] == b"ftypavif":
        return "it begins like AVIF, but what follows is damaged"
    if data[4:8] == b"ftyp":
        return "it is HEIC or another film format, of a kind that is not read; save it as JPEG"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "it is a TIFF of a kind that is not read; save it as PNG of 8 or 16 bits"
    if data.lstrip()[:1] == b"<":
        return "it looks like a web page or SVG"
    for at, begin, what in _KINDS:
        if data.startswith(begin, at):
            return what
    if not data.strip(b"\0"):
        return "it holds zeros only, as after a copy or a download that was broken off"
    return "its first bytes belong to no known format"


@dataclass(frozen=True)
class Decoded:
    """The result for one file: its image and digest, or the reason why there is none."""

    image: np.ndarray | None
    digest: str
    reason: str | None = None
    passing: bool = False


def decode_file(
    path: Path, image_size: tuple[int, int], channels: int, scales: Scales | None = None
) -> Decoded:
    """Read and decode one file; an error becomes the reason in the result."""
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
    """Decode files on all cores, in order, in chunks."""

    def decode_one(file: ImageFile) -> Decoded:
        return decode_file(file.path, image_size, channels, scales)

    return map_in_chunks(decode_one, files, len(files), f"reading {label}")


def map_in_chunks(
    function: Callable[[Any], Any], items: Iterable[Any], total: int, text: str
) -> Iterator[list[Any]]:
    """Call a function for `total` items on all cores; yield lists of results, in order.

    A progress bar with `text` is shown after two seconds. Warnings are turned off, since Pillow
    warns about unusual metadata.
    """
    remaining = iter(items)
    bar = progress_bar(total, text, unit=" images", delay=2, file=sys.stderr)
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool, bar:
        warnings.simplefilter("ignore")
        while chunk := list(itertools.islice(remaining, _CHUNK)):
            yield list(pool.map(function, chunk))
            bar.update(len(chunk))


def extents(files: Sequence[ImageFile]) -> dict[str, bit_depth.Extent]:
    """Return the smallest and largest value of images of more than 8 bits, for each kind.

    Only such images are decoded; of the others a few bytes are read.
    """
    found: dict[str, bit_depth.Extent] = {}
    with warnings.catch_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        warnings.simplefilter("ignore")
        for extent in filter(None, pool.map(_extent, files)):
            kind = extent.kind
            found[kind] = found[kind].joined(extent) if kind in found else extent
    return found


def _extent(file: ImageFile) -> bit_depth.Extent | None:
    """Return the extent of one file beyond 8 bits, or None, also if it cannot be read."""
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


# --- one image of any kind -----------------------------------------------------------------


def decode(
    source: Any,
    image_size: int | tuple[int, int] | None = None,
    channels: int = 3,
    value_range: tuple[float, float] | None = None,
) -> np.ndarray:
    """Decode one image of any kind in the same way as the files of a dataset.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL image or array
        An image file, its content, or an image. Arrays are (H, W), (H, W, 1), (H, W, 3) or, with
        transparency, (H, W, 4), with values 0 to 255.
    image_size : int or tuple of int, optional
        Height and width in pixels to which the image is stretched; by default its own.
    channels : {3, 1}
        RGB or grayscale.
    value_range : (low, high), optional
        For values of more than 8 bits: the values that become black (0) and white (255); values
        outside are clipped. Images of 8 bits are unchanged.

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
            warnings.simplefilter("ignore")  # Pillow's warnings about unusual metadata
            return _decode_any(source, size, channels, scales)
    except Unscaled as error:
        raise InvalidInput(f"{what} {error}.") from None
    except Unreadable as error:
        raise InvalidInput(f"{what} {error}; give another file.") from None


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
        path = Path(os.path.expanduser(source))
        if not (os.path.isfile(path) or os.path.islink(path)):
            raise MissingData(f"There is no image file {path}; check its name and folder.")
        return read(path)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, Mapping) and "content" in source:  # the value of an upload widget
        return bytes(source["content"])
    if callable(getattr(source, "read", None)):
        return _read_stream(source)
    return None


def _read_stream(stream: Any) -> bytes:
    """Read all of a file object, from its beginning if it is seekable."""
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
    """Return the file content of a PIL image that was opened but not decoded yet, else None.

    An image that was decoded may have been changed, so its pixels are used.
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
    """Convert an array, (H, W) or (H, W, channels), to a PIL image."""
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
    shaped = displayable(np.zeros(array.shape, np.uint8))  # checks the shape
    pixels = bit_depth.array_to_8_bits(array.reshape(shaped.shape), scales)
    return _without_transparency(Image.fromarray(pixels))
