"""The explorer of a convolution, and the game *fool the network*: ``explorer.js``.

Both show the numbers of lesson 01 and compute in the reader's browser; the tests compare them with
:mod:`course_utils.convolution`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import convolution as cv
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, sentence

#: What a reader can change or see in the explorer, in the order in which lesson 01 teaches it.
CONTROLS = ("image", "kernel", "bias", "relu", "pooling", "network", "stride", "padding")

_LARGEST, _LARGEST_KERNEL = 12, 5

_LETTERS = {"O": cv.LETTER_O, "X": cv.LETTER_X, "shifted X": cv.LETTER_X_SHIFTED}

#: The rounds of the game: name, first image, the answer to be reached, and the fewest pixels that
#: must change for it (found by trying all, see the tests).
_ROUNDS = (
    ("O", cv.LETTER_O, "X", 1),
    ("X", cv.LETTER_X, "O", 2),
    ("shifted X", cv.LETTER_X_SHIFTED, "O", 2),
)


def explore_convolution(
    image: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    bias: float | None = None,
    *,
    controls: Sequence[str] = ("image", "kernel", "bias"),
) -> Widget:
    """Return a page on which an image, a filter and a bias can be changed.

    Point at (or tab to) a value of the feature map to see its window and its arithmetic.

    Parameters
    ----------
    image : array of shape (H, W), optional
        0 is white, 1 is black; at most 12×12. By default the letter O of lesson 01.
    kernel : array of shape (kh, kw), optional
        At most 5×5. By default the filter of lesson 01.
    bias : float, optional
        By default the bias of lesson 01.
    controls : sequence of str
        What can be changed or seen: ``"image"``, ``"kernel"``, ``"bias"``, ``"stride"`` and
        ``"padding"`` can be changed; ``"relu"``, ``"pooling"`` (max pooling, 2×2) and ``"network"``
        (the letter network; it needs the other two and an image of 6×6) are computed and shown.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If an array is not a table of finite numbers, or too large for the page, if the kernel does
        not fit, or if a control is unknown.
    """
    pixels = _table("image", cv.LETTER_O if image is None else image, _LARGEST)
    weights = _table("kernel", cv.ANTI_DIAGONAL if kernel is None else kernel, _LARGEST_KERNEL)
    offset = float(cv.BIAS if bias is None else bias)
    if not np.isfinite(offset):
        raise InvalidInput(f"The bias must be a finite number, but it is {offset}.")
    result = cv.feature_map(pixels, weights, offset)  # raises where the kernel does not fit
    shown = _known_controls(controls, pixels.shape)
    data = {
        "image": _plain(pixels),
        "kernel": _plain(weights),
        "bias": offset,
        "controls": shown,
        "letters": {
            name: letter.tolist() for name, letter in _LETTERS.items() if pixels.shape == (6, 6)
        },
        "network": _network(),
    }
    tables = {"image": pixels, "filter": weights, "feature map": result}
    summary = (
        f"Explorer of a convolution: an image of {_size(pixels)}, a filter of {_size(weights)} "
        f"and a bias of {offset:g}."
    )
    still = _still("One image, one filter, and the feature map they give.", tables)
    return Widget("explorer", data, still, summary)


def fool_the_network() -> Widget:
    """Return a game: change as few pixels as possible until the letter network is wrong.

    Returns
    -------
    Widget
        The reader's best results are kept in the browser.
    """
    rounds = [
        {
            "id": name.replace(" ", "-"),
            "title": f"{name} → {wanted}",
            "task": (
                f"Click on pixels until the network says {wanted}, and a person would still say "
                f"{name[-1]}. The fewest changed pixels win."
            ),
            "image": image.tolist(),
            "wanted": wanted,
            "fewest": fewest,
        }
        for name, image, wanted, fewest in _ROUNDS
    ]
    data = {
        "key": "01.fool",
        "rounds": rounds,
        "kernel": cv.ANTI_DIAGONAL.tolist(),
        "bias": cv.BIAS,
        "network": _network(),
    }
    words = "Which pixels must change, so that the network names these letters wrongly?"
    still = _still(words, {name: letter for name, letter, _, _ in _ROUNDS})
    return Widget("explorer", data, still, f"Fool the network, a game: {len(rounds)} rounds.")


def _table(name: str, values: ArrayLike, most: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "biuf":
        raise InvalidInput(
            f"The explorer shows one image and one kernel of shape (height, width), but the "
            f"{name} has the shape {array.shape} and the type {array.dtype}."
        )
    if max(array.shape) > most:
        raise InvalidInput(
            f"The explorer has room for images up to {_LARGEST}×{_LARGEST} and kernels up to "
            f"{_LARGEST_KERNEL}×{_LARGEST_KERNEL}, but the {name} is {_size(array)}."
        )
    if not np.isfinite(array).all():
        raise InvalidInput(f"The {name} must hold finite numbers, but it has NaN or infinity.")
    return array


def _known_controls(controls: Sequence[str], shape: tuple[int, ...]) -> list[str]:
    asked = [controls] if isinstance(controls, str) else list(controls)
    unknown = [name for name in asked if name not in CONTROLS]
    if unknown:
        raise InvalidInput(
            f"The explorer has no control {unknown[0]!r}; it has {', '.join(CONTROLS)}."
        )
    if "network" in asked and not {"relu", "pooling"} <= set(asked):
        raise InvalidInput('The control "network" needs "relu" and "pooling".')
    if "network" in asked and shape != (6, 6):
        raise InvalidInput(
            f"The letter network takes images of 6×6 pixels, but this one has {shape}; leave out "
            f'the control "network".'
        )
    return asked


def _network() -> dict[str, Any]:
    network = cv.LetterNetwork()
    return {
        "weights": network.hidden_weights.tolist(),
        "bias": network.hidden_bias,
        "outputs": network.output_weights.tolist(),
        "biases": network.output_biases.tolist(),
    }


def _plain(table: NDArray[Any]) -> list[list[float]]:
    """Return a table as lists; whole numbers as int, which is shorter in JSON."""
    return [[int(v) if v == int(v) else float(v) for v in row] for row in table]


def _size(table: NDArray[Any]) -> str:
    return "×".join(map(str, table.shape))


def _still(words: str, tables: dict[str, NDArray[Any]]) -> str:
    shown = "".join(
        f"<table><caption>{escape(name)}</caption>{_rows(table)}</table>"
        for name, table in tables.items()
    )
    return f'{sentence(words)}<div class="cw-row">{shown}</div>'


def _rows(table: NDArray[Any]) -> str:
    return "".join(
        "<tr>" + "".join(f"<td>{_number(value)}</td>" for value in row) + "</tr>" for row in table
    )


def _number(value: float) -> str:
    return f"{round(float(value), 2) + 0.0:g}".replace("-", "\N{MINUS SIGN}")
