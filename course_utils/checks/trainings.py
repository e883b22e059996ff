"""Checks of training curves that a student measured, which are not measured again.

They ask whether the numbers can be what trainings of new networks on the given images give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import wrong

#: The curves of some trainings: by the training's name and the curve's name a number per epoch.
Curves = Mapping[str, Mapping[str, Sequence[float]]]


def history(value: Any) -> dict[Any, Any] | None:
    """Return the curves in what `fit` returns, or in its attribute `history`; otherwise None."""
    if isinstance(value, dict) and isinstance(value.get("history"), dict):
        value = value["history"]
    return value if isinstance(value, dict) else None


def curve(value: Any) -> list[float]:
    """Return the finite numbers of a list; [] if there are none, or if one is something else."""
    numbers = [compare.one_number(entry) for entry in compare.listed(value) or []]
    found = [float(number) for number in numbers if number is not None and np.isfinite(number)]
    return found if len(found) == len(numbers) else []


def require_epochs(curves: Curves, keys: Sequence[str], most: int) -> None:
    """Check that all trainings have the same number of epochs, `most` or fewer."""
    lengths = {len(curve[key]) for curve in curves.values() for key in keys}
    if len(lengths) > 1 or max(lengths) > most:
        raise wrong("different epochs")


def all_different(curves: Curves) -> bool:
    """Whether no two trainings have the same loss in all epochs."""
    return len({tuple(curve["loss"]) for curve in curves.values()}) == len(curves)


def require_new(curves: Curves, first_loss: tuple[float, float], images: Mapping[str, int]) -> None:
    """Check that each training began with a new network, and was measured on the given images.

    Parameters
    ----------
    curves : mapping
        The curves of each training.
    first_loss : tuple of float
        The lowest and the highest mean loss that a new network can have in its first epoch.
    images : mapping of str to int
        The number of images by which each accuracy was measured, by the name of its curve.
    """
    low, high = first_loss
    for name, curve in curves.items():
        if not low <= curve["loss"][0] <= high:
            raise wrong("not a new network", name=name)
        for key, number in images.items():
            if not all(is_share(number, value) for value in curve.get(key, [])):
                which = "validation" if key.startswith("val_") else "training"
                mistake = f"other pictures for {which}"
                raise wrong("other pictures", mistake=mistake, key=key, name=name, number=number)


def is_share(number: int, value: float) -> bool:
    """Whether an accuracy is a whole number of `number` images; rounded ones may be a bit off."""
    digits = next((d for d in (2, 3, 4) if abs(round(value, d) - value) < 1e-7), 6)
    allowed = number * 0.5 * 10.0**-digits + 2e-3
    return 0 <= value <= 1 and abs(value * number - round(value * number)) <= allowed
