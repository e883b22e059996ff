"""The interactive convolution of lesson 01: a small HTML page inside the notebook.

The page needs no extension and no running kernel. Where scripts do not run (a notebook that is not
trusted, a preview on a website), it shows the tables that Python computed. ``explorer.html`` is the
page, ``explorer.js`` holds its pure functions, which the tests run with Node.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import convolution as cv
from course_utils.exceptions import InvalidInput

_LARGEST = 12
_FOLDER = Path(__file__).parent
_SCRIPT = (_FOLDER / "explorer.js").read_text(encoding="utf-8")
_PAGE = (_FOLDER / "explorer.html").read_text(encoding="utf-8").rstrip("\n")


@dataclass(frozen=True)
class ConvolutionExplorer:
    """Result of :func:`explore_convolution`; notebooks show it as an interactive page."""

    html: str
    summary: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.summary


def explore_convolution(
    image: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
    bias: float | None = None,
) -> ConvolutionExplorer:
    """Return an interactive page where image, filter, bias, stride and padding can be changed.

    Point at (or tab to) a value of the feature map to see its window and its arithmetic.

    Parameters
    ----------
    image : array of shape (H, W), optional
        0 is white, 1 is black; at most 12×12. By default the letter O of lesson 01.
    kernel : array of shape (kh, kw), optional
        At most 5×5. By default the filter of lesson 01.
    bias : float, optional
        By default the bias of lesson 01.

    Returns
    -------
    ConvolutionExplorer
        Shown by notebooks as HTML.

    Raises
    ------
    InvalidInput
        If an array is not 2-dimensional or too large for the page, or the kernel does not fit.
    """
    pixels = np.asarray(cv.LETTER_O if image is None else image)
    weights = np.asarray(cv.ANTI_DIAGONAL if kernel is None else kernel, dtype=float)
    offset = cv.BIAS if bias is None else float(bias)
    if pixels.ndim != 2 or weights.ndim != 2:
        raise InvalidInput(
            f"The explorer shows one image and one kernel of shape (height, width), but theirs are "
            f"{pixels.shape} and {weights.shape}."
        )
    if max(pixels.shape) > _LARGEST or max(weights.shape) > 5:
        raise InvalidInput(
            f"The explorer has room for images up to {_LARGEST}×{_LARGEST} and kernels up to 5×5, "
            f"but it was given {pixels.shape} and {weights.shape}."
        )
    result = cv.feature_map(pixels, weights, offset)  # raises where the kernel does not fit
    letters = {"O": cv.LETTER_O, "X": cv.LETTER_X, "shifted X": cv.LETTER_X_SHIFTED}
    if pixels.shape != (6, 6):
        letters = {}
    network = cv.LetterNetwork()
    start = {
        "image": pixels.astype(int).tolist(),
        "kernel": weights.tolist(),
        "bias": offset,
        "letters": {name: letter.tolist() for name, letter in letters.items()},
        "network": {
            "hidden": [*network.hidden_weights.tolist(), network.hidden_bias],
            "outputs": network.output_weights.tolist(),
            "biases": network.output_biases.tolist(),
        },
    }
    html = (
        _PAGE.replace("/*SCRIPT*/", _SCRIPT)
        .replace("/*START*/", json.dumps(start, separators=(",", ":")))
        .replace("<!--IMAGE-->", _table(pixels, "image"))
        .replace("<!--KERNEL-->", _table(weights, "filter"))
        .replace("<!--MAP-->", _table(result, "feature map"))
    )
    shapes = "×".join(map(str, pixels.shape)), "×".join(map(str, weights.shape))
    return ConvolutionExplorer(
        html, f"Explorer of a convolution: an image of {shapes[0]} and a filter of {shapes[1]}."
    )


def _table(values: NDArray, caption: str) -> str:
    rows = "".join(
        "<tr>" + "".join(f"<td>{value:g}</td>" for value in row) + "</tr>"
        for row in np.asarray(values, dtype=float)
    )
    return f"<table><caption>{caption}</caption>{rows}</table>"
