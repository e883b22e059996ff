"""The piece of lesson 09: numbers of few bits in the place of numbers of 32 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course_utils import validate
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, figure_address, sentence, still_image

_MOST = 20  # numbers that can be told apart on the line


def quantization(values: Any, accuracies: Mapping[int, float], accuracy: float) -> Widget:
    """Return a slider for the number of bits: numbers snap to steps, and a network loses accuracy.

    First met in lesson 09.

    Parameters
    ----------
    values : array (N,)
        A few numbers, at most 20, which are quantized in the browser.
    accuracies : mapping of int to float
        The accuracy of a network whose weights have that many bits (2 to 8).
    accuracy : float
        Its accuracy with 32 bits.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If there are too many numbers, or numbers of bits other than 2 to 8.
    """
    from course_utils import deployment, plots

    given = np.asarray(values, dtype=float).ravel()
    if not 2 <= len(given) <= _MOST or given.min() >= given.max():
        raise InvalidInput(f"Between 2 and {_MOST} different numbers are shown, not {len(given)}.")
    bits = [validate.whole_number("A number of bits", b, 2, 8, example=4) for b in accuracies]
    data = {
        "values": [round(value, 4) for value in given.tolist()],
        "accuracies": {b: round(float(accuracies[b]), 4) for b in sorted(bits)},
        "accuracy": round(float(accuracy), 4),
    }
    small = deployment.quantize(given, 4)
    summary = (
        f"{len(given)} numbers with 4 bits: steps of {small.scale:.3g}, largest error "
        f"{np.abs(small.error).max():.3f}. A network whose weights have fewer bits loses accuracy: "
        f"{accuracy:.3f} with 32 bits, "
        + ", ".join(f"{accuracies[b]:.3f} with {b}" for b in sorted(bits, reverse=True))
        + "."
    )
    figure = plots.number_line(given, small).figure
    still = still_image(figure_address(figure), summary) + sentence(summary)
    return Widget("quantization", data, still, summary)
