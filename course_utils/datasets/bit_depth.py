"""Convert images of more than 8 bits: medical images, raw photographs, measurements.

Screens and the networks of the course use 0-255. One image does not show which stored value is
white: scanners write 12 bits into files of 16, and a dark image of 16 bits looks the same. So all
images of a dataset have one scale, linear from ``low`` (0) to ``high`` (255):

* the argument ``value_range=(low, high)``;
* else the range of the file's type, if the values of the dataset reach its upper half: 0-65535
  for 16 bits, 0-255 or 0-65535 for integers of 32 bits, 0-1 or 0-255 for floating point;
* else loading fails with a message that names the values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    from PIL import Image

#: For each kind of values: the values that become 0 and 255.
Scales = Mapping[str, tuple[float, float]]

#: The usual ranges of each kind of values, the smallest first.
_USUAL: dict[str, tuple[tuple[float, float], ...]] = {
    "16-bit": ((0, 65535),),
    "32-bit": ((0, 255), (0, 65535)),
    "floating-point": ((0, 1), (0, 255)),
}
KINDS = tuple(_USUAL)

#: A graymap (PGM) contains its own maximum, and Pillow scales it to 16 bits.
_STRETCHED = "16-bit, stretched"


class Unreadable(Exception):
    """A file that cannot be decoded; the message is the reason, as a part of a sentence."""


class Passing(Unreadable):
    """A temporary reason (a file that has disappeared, no permission)."""


class Unscaled(Unreadable):
    """An image whose white value is not clear; the message says what to do."""


@dataclass(frozen=True)
class Deep:
    """The values of an image beyond 8 bits.

    Attributes
    ----------
    kind : str
        One of `KINDS`, or a kind that needs no scale.
    values : ndarray, shape (height, width) or (height, width, 3)
    alpha : ndarray of uint16, shape (height, width), or None
        0 where the image is transparent, 65535 where it is opaque.
    """

    kind: str
    values: np.ndarray
    alpha: np.ndarray | None = None


@dataclass(frozen=True)
class Extent:
    """The smallest and the largest value of images of one kind."""

    kind: str
    low: float
    high: float
    example: str
    number: int = 1

    def joined(self, other: Extent) -> Extent:
        """Return the extent of both together."""
        return replace(
            self,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            number=self.number + other.number,
        )

    def scale(self) -> tuple[float, float] | None:
        """Return the usual range that these values fill, or None if it is not clear."""
        for low, high in _USUAL[self.kind]:
            if low <= self.low and self.high <= high and (2 * self.high > high or not self.high):
                return low, high
        return None

    def span(self) -> tuple[float, float]:
        """Return the values themselves as a scale, to show images whose scale is not clear."""
        return self.low, max(self.high, self.low + 1e-9 * max(1.0, abs(self.low)))

    def words(self) -> str:
        """Return a text with the range of the values and how to give a scale."""
        return (
            f"{self.kind} values from {self.low:,.9g} to {self.high:,.9g}, so it is not clear "
            f"which value is white; give value_range=(low, high), for example "
            f"{self.suggestion()}, to bring them to 0-255"
        )

    def suggestion(self) -> str:
        """Return a likely value_range, as text."""
        if self.kind == "floating-point" or self.low < 0:
            high = self.high if self.high > self.low else self.low + 1
            return f"({self.low:.9g}, {high:.9g})"
        return f"(0, {2 ** max(1, math.ceil(math.log2(self.high + 1))) - 1})"  # 12 bits: (0, 4095)


def may_be_deep(head: bytes) -> bool:
    """Return whether a file with these first 32 bytes may have more than 8 bits per channel."""
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return head[24:25] == b"\x10"
    eight = (b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")
    return not head.startswith(eight) and head[4:8] != b"ftyp"


def is_deep(picture: Image.Image, data: bytes) -> bool:
    """Return whether a picture that was opened has more than 8 bits per channel."""
    return (
        picture.mode in ("I", "F") or picture.mode.startswith("I;16") or _deep_color(picture, data)
    )


def _deep_color(picture: Image.Image, data: bytes) -> bool:
    """Return whether it is a PNG or TIFF with 16-bit color or alpha, which Pillow reduces to 8."""
    if picture.format == "PNG":
        return data[24:25] == b"\x10" and data[25:26] in (b"\x02", b"\x04", b"\x06")
    if picture.format == "TIFF" and picture.mode in ("RGB", "RGBA"):
        return max(picture.tag_v2.get(258, (8,))) > 8  # type: ignore[attr-defined]
    return False


def values_of(picture: Image.Image, data: bytes) -> Deep | None:
    """Return the values of a loaded picture of more than 8 bits per channel, or None for others.

    Raises
    ------
    Unreadable
        If it holds NaN or infinity.
    """
    if not is_deep(picture, data):
        return None
    if picture.mode.startswith("I;16"):
        return Deep("16-bit", np.asarray(picture))
    if picture.mode == "I":
        return Deep(_STRETCHED if picture.format == "PPM" else "32-bit", np.asarray(picture))
    if picture.mode == "F":
        return Deep("floating-point", _finite(np.asarray(picture)))
    return _read_color(picture, data)


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise Unreadable("holds values that are not numbers (NaN or infinity)")
    return values


def _read_color(picture: Image.Image, data: bytes) -> Deep:
    """Decode color of 16 bits with OpenCV."""
    import cv2

    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16 or array.shape[:2] != picture.size[::-1]:
        raise Unreadable("has 16 bits a channel, of a kind that is not read; save it with 8 bits")
    if array.ndim == 2:
        return Deep("16-bit", array)
    alpha = array[..., 3] if array.shape[2] == 4 else None
    return Deep("16-bit", array[..., 2::-1], alpha)


def extent_of(deep: Deep, example: str) -> Extent | None:
    """Return the smallest and the largest value; None if the kind needs no scale."""
    if deep.kind not in _USUAL:
        return None
    return Extent(deep.kind, float(deep.values.min()), float(deep.values.max()), example)


def scales_for(value_range: Any) -> Scales | None:
    """Return the scales for an argument `value_range`, or None if it is None.

    Raises
    ------
    InvalidInput
        If it is not a pair of numbers in increasing order.
    """
    if value_range is None:
        return None
    try:
        low, high = (float(value) for value in value_range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InvalidInput(
            f"value_range is {value_range!r}, but it must be the value that becomes black and the "
            f"one that becomes white, for example (0, 4095)."
        )
    return dict.fromkeys(KINDS, (low, high))


def _scale(deep: Deep, scales: Scales | None) -> tuple[float, float]:
    """Return the scale of an image.

    Raises
    ------
    Unscaled
        If it is neither given nor clear from the image.
    """
    if deep.kind not in _USUAL:
        return 0, 65535
    if scales and deep.kind in scales:
        return scales[deep.kind]
    extent = extent_of(deep, "")
    assert extent is not None
    found = extent.scale()
    if found is None:
        raise Unscaled(f"has {extent.words()}")
    return found


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale values to 0-255, uint8, and clip those outside `low` to `high`."""
    exact = values.astype(np.float32) if values.dtype.itemsize <= 2 else values.astype(np.float64)
    return np.clip(np.rint((exact - low) * (255 / (high - low))), 0, 255).astype(np.uint8)


def to_8_bits(deep: Deep, scales: Scales | None) -> Image.Image:
    """Return the picture in 8 bits: L or RGB, RGBA where it has transparent parts."""
    from PIL import Image

    pixels = _scaled(deep.values, *_scale(deep, scales))
    if deep.alpha is not None:
        pixels = np.dstack([pixels, _scaled(deep.alpha, 0, 65535)])
    return Image.fromarray(np.ascontiguousarray(pixels))


def array_to_8_bits(array: np.ndarray, scales: Scales | None) -> np.ndarray:
    """Return an array of pixels, (H, W) or (H, W, channels), as uint8.

    Raises
    ------
    Unreadable
        If it holds NaN or infinity, or if its scale is neither given nor clear.
    InvalidInput
        If floating-point pixels lie between 0 and 1.
    """
    if array.dtype == np.uint8:
        return array
    if array.ndim == 3 and array.shape[2] == 4:  # transparency has a scale of its own
        alpha = _alpha_to_8_bits(array[..., 3])
        return np.dstack([array_to_8_bits(array[..., :3], scales), alpha])
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    low, high = float(_finite(array).min()), float(array.max())
    if scales:
        return _scaled(array, *next(iter(scales.values())))
    if array.dtype == np.uint16:
        return _scaled(array, *_scale(Deep("16-bit", array), None))
    if array.dtype.kind == "f" and 0 < high <= 1:
        raise InvalidInput(
            "The pixels lie between 0 and 1, but the course keeps them between 0 and 255; "
            "give image * 255."
        )
    if low < -1 or high > 256:  # rounding may leave a little more than 0 to 255
        kind = "floating-point" if array.dtype.kind == "f" else "whole-number"
        raise Unscaled(f"has {Extent(kind, low, high, '').words()}")
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)


def _alpha_to_8_bits(alpha: np.ndarray) -> np.ndarray:
    if alpha.dtype == bool or (alpha.dtype.kind == "f" and alpha.max() <= 1):
        return _scaled(alpha, 0, 1)
    return _scaled(alpha, 0, 65535 if alpha.dtype == np.uint16 else 255)
