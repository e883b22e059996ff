"""Turn the bytes of a request into pixels for the model and a preview for the page."""

from __future__ import annotations

import functools
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils import datasets
from course_utils.datasets import decoding
from course_utils.deployment.service._refusals import Refused
from course_utils.exceptions import InvalidInput

MOST_PIXELS = 50_000_000
#: Pixels of the longer side, as in a JPEG. One row of 50 million pixels takes very long to decode.
MOST_SIDE = 65_535
#: Longer side of the preview.
PREVIEW_SIDE = 640
#: One picture of more pixels is decoded at a time, so that their memory does not add up.
_LARGE_PIXELS = 12_000_000

_large_pictures = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width, channels)
        The picture in the size of the model, as `datasets.decode` gives it.
    preview : ndarray of uint8, shape (height, width, 3), or None
        The upright picture for the page.
    """

    pixels: np.ndarray
    preview: np.ndarray | None


def decode(data: bytes, shape: tuple[int, int, int], with_preview: bool) -> Picture:
    """Check and decode a picture.

    Parameters
    ----------
    data : bytes
        Content of an image file.
    shape : (int, int, int)
        Height, width and channels of the model's input.
    with_preview : bool
        Whether the page needs the picture.

    Raises
    ------
    Refused
        413 if it has too many pixels, 415 if it is no picture or of a kind that is not read, 422 if
        it is damaged or its values are not clear.
    """
    if not data:
        raise Refused(400, "The file is empty (0 bytes); send an image file.")
    header = _read_header(data)
    try:
        if header.size[0] * header.size[1] > _LARGE_PIXELS:
            with _large_pictures:
                return _decode(data, header, shape, with_preview)
        return _decode(data, header, shape, with_preview)
    except InvalidInput as error:
        raise Refused(422, _for_visitors(str(error))) from None


@dataclass(frozen=True)
class _Header:
    size: tuple[int, int]  # height and width; of a JPEG the upright ones
    is_jpeg: bool


def _decode(
    data: bytes, header: _Header, shape: tuple[int, int, int], with_preview: bool
) -> Picture:
    from PIL import Image

    source: Any
    height, width, channels = shape
    if not with_preview:
        return Picture(datasets.decode(data, (height, width), channels), None)
    # A JPEG is decoded at a part of its size, so twice takes less time than once as a whole.
    if header.is_jpeg:
        source, size = data, header.size
    else:
        whole = datasets.decode(data)
        source, size = Image.fromarray(whole), whole.shape[:2]
    preview = datasets.decode(source, _preview_size(size))
    return Picture(datasets.decode(source, (height, width), channels), preview)


def _read_header(data: bytes) -> _Header:
    """Check the kind and the size of a picture without decoding it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about huge pictures, which are refused here
            with decoding.opened(data) as picture:
                width, height = picture.size
                kind = picture.format
                is_jpeg = kind in ("JPEG", "MPO")
                lies = is_jpeg and picture.getexif().get(decoding.ORIENTATION, 1) >= 5
    except decoding.Unreadable as error:
        if "too many pixels" in str(error):
            raise _too_many_pixels("far too many pixels") from None
        raise Refused(415, f"The file {error}; send a picture.") from None
    if kind not in _kinds():
        raise Refused(415, f"Pictures of the kind {kind} are not read; save it as JPEG.")
    if width * height > MOST_PIXELS:
        raise _too_many_pixels(f"{width * height / 1e6:.1f} million pixels")
    if max(width, height) > MOST_SIDE:
        raise Refused(
            413, f"One side has more than {MOST_SIDE:,} pixels; make the picture smaller."
        )
    return _Header((width, height) if lies else (height, width), is_jpeg)


def _for_visitors(sentence: str) -> str:
    """Replace the advice to give an argument of `datasets.decode`, which visitors cannot."""
    reason, argument, _ = sentence.partition("; give value_range=")
    return f"{reason}; save it with 8 bits for each color." if argument else sentence


def _too_many_pixels(text: str) -> Refused:
    return Refused(
        413,
        f"The picture has {text}, and at most {MOST_PIXELS // 10**6} million are read; make it "
        f"smaller.",
    )


@functools.cache
def _kinds() -> frozenset[str]:
    """Return Pillow's names of the kinds of files that the loader of folders reads."""
    from PIL import Image

    known = Image.registered_extensions()
    kinds = {known[ending] for ending in decoding.IMAGE_ENDINGS if ending in known}
    return frozenset(kinds | {"MPO"})  # MPO: a JPEG with a second picture, by some cameras


def _preview_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, PREVIEW_SIDE / max(size))
    height, width = (max(1, round(side * factor)) for side in size)
    return height, width
