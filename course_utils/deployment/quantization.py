"""Quantization: numbers of few bits in the place of numbers of 32 bits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils import validate
from course_utils.exceptions import InvalidInput


@dataclass(frozen=True, eq=False)
class Quantized:
    """Values as whole numbers with a scale and a zero point.

    Attributes
    ----------
    scale : float or np.ndarray
        The step between two neighboring whole numbers; one for each channel if `axis` was given.
    zero_point : int
        The whole number that stands for 0.
    values : np.ndarray
        int8 (int16 for more than 8 bits), of the shape of the original values.
    restored : np.ndarray
        float64, ``scale * (values - zero_point)``: what a program computes with.
    error : np.ndarray
        float64, ``restored`` minus the original values.
    """

    scale: Any
    zero_point: int
    values: np.ndarray = field(repr=False)
    restored: np.ndarray = field(repr=False)
    error: np.ndarray = field(repr=False)


def quantize(
    values: Any, bits: int = 8, *, symmetric: bool = False, axis: int | None = None
) -> Quantized:
    """Quantize numbers: ``round(value / scale) + zero_point``.

    As in LiteRT, the range that the whole numbers span always holds 0, so that 0 is kept exactly:
    without `symmetric` (pixels, activations) from the lowest to the highest value; with it
    (weights) from minus to plus the largest absolute value, and the zero point is 0.

    First met in lesson 09.

    Parameters
    ----------
    values : array
        Finite numbers of any shape.
    bits : int
        2 to 16.
    symmetric : bool
        Whether the zero point is 0.
    axis : int, optional
        The axis of the channels, each of which gets a scale of its own; only with `symmetric`.

    Returns
    -------
    Quantized

    Raises
    ------
    InvalidInput
        If the values are no finite numbers, or an argument cannot be used.

    References
    ----------
    Jacob et al. (2018), Quantization and training of neural networks for efficient
    integer-arithmetic-only inference, section 2.1.

    Examples
    --------
    >>> small = quantize([-1.0, 0.0, 0.32, 2.0], bits=4)
    >>> small.scale, small.zero_point, small.values.tolist()
    (0.2, -3, [-8, -3, -1, 7])
    """
    bits = validate.whole_number("bits", bits, 2, 16, example=8)
    given = _finite(values)
    if axis is not None and not symmetric:
        raise InvalidInput("One scale for each channel (axis) needs symmetric=True.")
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric:
        lowest = -highest
        scale, zero_point = _symmetric_scale(given, highest, axis), 0
    else:
        low, high = min(0.0, given.min()), max(0.0, given.max())
        scale = (high - low) / (highest - lowest) or 1.0
        zero_point = int(_rounded(lowest - low / scale))
    whole = np.clip(_rounded(given / scale) + zero_point, lowest, highest)
    restored = scale * (whole - zero_point)
    return Quantized(
        scale=float(scale) if np.ndim(scale) == 0 else np.squeeze(scale),
        zero_point=zero_point,
        values=whole.astype(np.int8 if bits <= 8 else np.int16),
        restored=restored,
        error=restored - given,
    )


def _finite(values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size == 0 or not np.isfinite(array).all():
        raise InvalidInput(
            f"quantize needs finite numbers, but it was given {validate.shown(values)}."
        )
    return array


def _symmetric_scale(values: np.ndarray, highest: int, axis: int | None) -> Any:
    """Return the largest absolute value, of each channel if `axis` is given, over `highest`."""
    if axis is None:
        return np.abs(values).max() / highest or 1.0
    if not validate.is_whole(axis) or not -values.ndim <= axis < values.ndim:
        raise InvalidInput(
            f"axis is {validate.shown(axis)}, but the values have {values.ndim} axes; the last one "
            f"is -1."
        )
    others = tuple(k for k in range(values.ndim) if k != axis % values.ndim)
    largest = np.abs(values).max(axis=others, keepdims=True)
    return np.where(largest > 0, largest / highest, 1.0)


def _rounded(values: Any) -> Any:
    """Round to the nearest whole number, halves away from 0 as LiteRT does."""
    return np.sign(values) * np.floor(np.abs(values) + 0.5)
