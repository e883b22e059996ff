"""Report the results of a lesson, so that ``make lessons`` can list them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.progress import show_line

if TYPE_CHECKING:
    from course_utils.datasets import ImageDataset

#: The datasets for which the expected results of the lessons are known.
_MEASURED = ("paper_flowers", "tf_flowers")

#: The MIME type of a result in the output of a notebook cell, beside its plain text.
MIME = "application/vnd.course.result+json"


def report_result(name: str, value: float, format: str = ".1%") -> None:
    """Print a result and store it in the cell's output for ``course lessons``.

    Parameters
    ----------
    name : str
        Name of the measure, for example ``"validation accuracy"``.
    value : float
        The result; an accuracy as a fraction between 0 and 1.
    format : str
        Format specification, as in an f-string; ``".1%"`` formats 0.8312 as 83.1%.

    Raises
    ------
    InvalidInput
        If `value` is not finite, or `format` is no format of a number.

    Examples
    --------
    >>> report_result("validation accuracy", 0.8312)
    validation accuracy: 83.1%
    """
    value = float(value)
    if not math.isfinite(value):
        raise InvalidInput(
            f"The result {name!r} is {value}, not a finite number; "
            f"look for a loss that became NaN in a cell above."
        )
    try:
        text = f"{value:{format}}"
    except ValueError as error:
        raise InvalidInput(
            f"{format!r} is no format for a number; take for instance '.1%' or '.3f'."
        ) from error
    show_line(f"{name}: {text}", {MIME: {"name": name, "value": value, "text": text}})


def can_check(data: ImageDataset) -> bool:
    """Return whether a lesson can check its results; if not, print the reason.

    The expected results are known for the flower datasets of the course with all epochs only.

    Parameters
    ----------
    data : ImageDataset
        The training data.

    Returns
    -------
    bool
    """
    if settings.is_quick_run():
        print("The check is skipped: epochs are reduced.")
        return False
    if data.source not in _MEASURED:
        print(f"The check is skipped: what to expect on {data.name} is not known.")
        return False
    return True


def collect(notebook: Any) -> list[dict[str, Any]]:
    """Return all results that the cells of an executed notebook reported, in order."""
    return [
        dict(output.data[MIME])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]
