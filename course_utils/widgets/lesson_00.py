"""A picture and its numbers: each pixel under the pointer, channel by channel.

First used in lesson 00.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from course_utils import datasets, validate
from course_utils.datasets.display import image_address
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, sentence, still_image

_LARGEST = 160  # pixels on the longer side, so that a lesson stays small
_WINDOW = 5


def pixels(picture: Any, row: int | None = None, column: int | None = None) -> Widget:
    """Show a picture, its channels, and the numbers of the pixels under the pointer.

    Parameters
    ----------
    picture : array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or an image file
        Values from 0 to 255, or what :func:`course_utils.datasets.decode` reads. Transparent
        pixels become white. A picture of more than 160 pixels on its longer side is shown as a
        smaller copy.
    row, column : int, optional
        The pixel that is chosen first, in the picture as it is shown; by default the middle.

    Returns
    -------
    Widget
        The pointer or the arrow keys choose a pixel; a window of 5 × 5 pixels around it is shown
        as numbers, for each channel.

    Raises
    ------
    MissingData
        If there is no such file.
    InvalidInput
        If it is not a picture with values from 0 to 255, or the pixel is not in it.
    """
    shown, size = _shown(picture)
    height, width, channels = shown.shape
    chosen = [_place("row", row, height), _place("column", column, width)]
    kind = "gray" if channels == 1 else "color"
    summary = f"The numbers of a {kind} picture of {size[0]} × {size[1]} pixels, one by one."
    smaller = ""
    if (height, width) != size:
        smaller = (
            f"The picture has {size[0]} × {size[1]} pixels. Here is a copy that was made smaller, "
            f"{height} × {width} pixels."
        )
    data = {
        "shape": [height, width, channels],
        "values": base64.b64encode(shown.tobytes()).decode(),
        "chosen": chosen,
        "window": _WINDOW,
        "smaller": smaller,
    }
    return Widget("pixels", data, _still(shown, chosen, smaller), summary)


def _shown(picture: Any) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the picture as uint8 (H, W, 1 or 3), made smaller if need be, and its own size."""
    array = np.asarray(picture)
    if array.dtype.kind == "f" and array.size and 0 < array.max() <= 1:
        raise InvalidInput(
            "All pixels lie between 0 and 1, but the course keeps them between 0 and 255; "
            "show picture * 255."
        )
    gray = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    channels = 1 if gray else 3
    own = datasets.decode(picture, channels=channels)
    height, width = own.shape[:2]
    factor = min(1, _LARGEST / max(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    shown = own if factor == 1 else datasets.decode(own, size, channels)
    return shown, (height, width)


def _place(what: str, value: int | None, length: int) -> int:
    if value is None:
        return length // 2
    return validate.whole_number(what, value, 0, length - 1, example=length // 2)


def _still(shown: np.ndarray, chosen: list[int], smaller: str) -> str:
    """Return the picture and the numbers of one pixel, for readers without scripts."""
    height, width, channels = shown.shape
    names = ("gray",) if channels == 1 else ("red", "green", "blue")
    numbers = zip(names, shown[*chosen].tolist(), strict=True)
    pixel = ", ".join(f"{name} {number}" for name, number in numbers)
    alt = f"A picture of {height} rows and {width} columns of pixels."
    row, column = chosen
    return (
        still_image(image_address(shown, quality=85), alt, width=300)
        + (smaller and sentence(smaller))
        + sentence(f"The pixel in row {row}, column {column}: {pixel}.")
    )
