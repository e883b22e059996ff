"""Figures of lesson 01: how a filter slides, what pooling keeps, how the letters are told apart.

Small arrays are drawn as tables of cells with the numbers in them, all in one scale: one cell of
an image is as large as one cell of a kernel. ``explore_convolution`` lives in ``_explorer``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import convolution as cv
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import DIVERGING, PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#222222"
_QUIET = "#777777"
_FRAME = PALETTE[5]
_POOL_COLOURS = (PALETTE[0], PALETTE[5], PALETTE[2], PALETTE[3])


# ------------------------------------------------------------------------ cells of a grid
def _number(value: float, digits: int = 2) -> str:
    """Write `value` as short as it goes, with a real minus sign."""
    return f"{round(float(value), digits) + 0.0:g}".replace("-", "−")


def _term(value: float) -> str:
    """`value` as it stands in a sum: negative numbers in brackets."""
    text = _number(value)
    return f"({text})" if text.startswith("−") else text


def _small(name: str, values: ArrayLike, most: int = 16) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise InvalidInput(
            f"{name} must be a table of numbers of shape (height, width) to be drawn cell by cell, "
            f"but its shape is {array.shape} and its type {array.dtype}."
        )
    if max(array.shape) > most:
        raise InvalidInput(
            f"{name} is too large to be drawn cell by cell: its shape is {array.shape}, and at "
            f"most {most}×{most} cells can be read."
        )
    return array


def _cells(
    ax: Axes,
    values: ArrayLike,
    x: float,
    y: float,
    look: str = "signed",
    *,
    title: str | None = None,
    note: str | None = None,
    shown: ArrayLike | None = None,
    numbers: bool = True,
    scale: float | None = None,
    fontsize: float = 9,
) -> None:
    """Draw a table with its upper left corner at (x, y); a cell is 1 wide, y points down.

    look "pixel": 0 is white and 1 is black. "signed": one colour above zero, another below.
    """
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    table = np.asarray(values, dtype=float)
    visible = np.ones(table.shape, bool) if shown is None else np.asarray(shown, bool)
    reach = scale or max(float(np.abs(table[visible]).max(initial=0)), 1e-9)
    for (row, column), value in np.ndenumerate(table):
        ink = _INK
        if not visible[row, column]:
            colour: Any = "white"
        elif look == "pixel":
            colour = str(1 - 0.87 * float(np.clip(value, 0, 1)))
            ink = "white" if value > 0.5 else "#8c8c8c"
        else:
            # pale colours, so that the number stays readable
            colour = mpl.colormaps[DIVERGING](0.5 + 0.28 * float(np.clip(value / reach, -1, 1)))
        ax.add_patch(
            Rectangle((x + column, y + row), 1, 1, facecolor=colour, edgecolor="#a0a0a0", lw=0.8)
        )
        if numbers and visible[row, column]:
            ax.text(
                x + column + 0.5,
                y + row + 0.53,
                _number(value),
                ha="center",
                va="center",
                fontsize=fontsize,
                color=ink,
            )
    height, width = table.shape
    ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=_INK, lw=1.3))
    if title:
        ax.text(x + width / 2, y - 0.25, title, ha="center", va="bottom", fontsize=fontsize + 1)
    if note:
        ax.text(
            x + width / 2,
            y + height + 0.25,
            note,
            ha="center",
            va="top",
            fontsize=fontsize - 0.5,
            color="#444444",
        )


def _frame(
    ax: Axes, x: float, y: float, width: float, height: float, colour: str = _FRAME, lw: float = 2.6
) -> None:
    """Draw a coloured frame that can be seen on black and on white."""
    from matplotlib.patches import Rectangle

    for edge, line in (("white", 1.7 * lw), (colour, lw)):
        ax.add_patch(
            Rectangle((x, y), width, height, fill=False, edgecolor=edge, lw=line, zorder=4)
        )


def _sign(ax: Axes, x: float, y: float, text: str, size: float = 17) -> None:
    ax.text(x, y, text, ha="center", va="center", fontsize=size, color=_INK)


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = _INK
) -> None:
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0},
    )


def _canvas(ax: Axes | None, width: float, height: float, scale: float = 0.42) -> Axes:
    """Axes of `width` × `height` cells without ticks, one cell being `scale` inches."""
    ax = new_axes(ax, (width * scale, height * scale))
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()
    return ax


# ------------------------------------------------------------------------ letters
def letters(
    images: Mapping[str, ArrayLike] | None = None, *, numbers: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw small black-and-white images with the number of each pixel in it.

    Parameters
    ----------
    images : mapping of title to array of shape (H, W), optional
        0 is white, 1 is black. By default the letters O and X of lesson 01.
    numbers : bool
        Whether the numbers are written into the pixels.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If there is no image, or one is not small and flat.
    """
    images = {"O": cv.LETTER_O, "X": cv.LETTER_X} if images is None else images
    tables = {title: _small(f"the image {title!r}", image) for title, image in images.items()}
    if not tables:
        raise InvalidInput("There is no image to draw: the mapping of images is empty.")
    width = sum(table.shape[1] + 1.2 for table in tables.values()) + 0.4
    ax = _canvas(ax, width, max(table.shape[0] for table in tables.values()) + 1.7)
    x = 0.8
    for title, table in tables.items():
        _cells(ax, table, x, 1.3, "pixel", title=title, numbers=numbers, fontsize=10)
        x += table.shape[1] + 1.2
    return ax


def kernels(tables: Mapping[str, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw several kernels side by side with their numbers.

    Parameters
    ----------
    tables : mapping of title to array of shape (kh, kw)
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If there is no kernel, or one is not small and flat.
    """
    arrays = {title: _small(f"the kernel {title!r}", table) for title, table in tables.items()}
    if not arrays:
        raise InvalidInput("There is no kernel to draw: the mapping of kernels is empty.")
    gap = 2.4
    width = sum(table.shape[1] + gap for table in arrays.values())
    ax = _canvas(ax, width, max(table.shape[0] for table in arrays.values()) + 2.0, scale=0.5)
    x = gap / 2
    for title, table in arrays.items():
        _cells(ax, table, x, 1.4, title=title, fontsize=9)
        x += table.shape[1] + gap
    return ax


# ------------------------------------------------------------------------ one window
def window_arithmetic(
    image: ArrayLike,
    kernel: ArrayLike,
    bias: float = 0.0,
    row: int = 0,
    column: int = 0,
    stride: int = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw one step of a convolution: window, kernel, products, sum, bias, place in the map.

    Parameters
    ----------
    image : array of shape (H, W)
        0 is white, 1 is black.
    kernel : array of shape (kh, kw)
    bias : float
    row, column : int
        Place in the feature map that is computed.
    stride : int
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If the arrays cannot be drawn cell by cell, or the feature map has no such place.
    """
    pixels, weights = _small("image", image), _small("kernel", kernel, most=5)
    result = cv.feature_map(pixels, weights, bias, stride)
    if not (0 <= row < result.shape[0] and 0 <= column < result.shape[1]):
        raise InvalidInput(
            f"The feature map has {result.shape[0]} rows and {result.shape[1]} columns, counted "
            f"from 0, so there is no place in row {row}, column {column}."
        )
    (height, width), (kh, kw) = pixels.shape, weights.shape
    top, left = row * stride, column * stride
    window = pixels[top : top + kh, left : left + kw].astype(float)
    products = window * weights
    done = np.arange(result.size).reshape(result.shape) <= row * result.shape[1] + column

    tall = max(height, kh, len(result))
    total = width + 3 * kw + result.shape[1] + 8.4
    ax = _canvas(ax, total, tall + 4.3, scale=0.40)
    middle = 1.4 + tall / 2
    x = 0.4
    _cells(ax, pixels, x, middle - height / 2, "pixel", title="image")
    _frame(ax, x + left, middle - height / 2 + top, kw, kh)
    x += width + 1.8
    _arrow(ax, (x - 1.5, middle), (x - 0.25, middle))
    _cells(ax, window, x, middle - kh / 2, "pixel", title="window")
    _frame(ax, x, middle - kh / 2, kw, kh)
    _sign(ax, x + kw + 0.6, middle, "×")
    x += kw + 1.2
    _cells(ax, weights, x, middle - kh / 2, title="filter", scale=1.0)
    _sign(ax, x + kw + 0.6, middle, "=")
    x += kw + 1.2
    _cells(ax, products, x, middle - kh / 2, title="products", scale=1.0)
    x += kw + 2.0
    _arrow(ax, (x - 1.7, middle), (x - 0.25, middle))
    _cells(ax, result, x, middle - len(result) / 2, title="feature map", shown=done)
    _frame(ax, x + column, middle - len(result) / 2 + row, 1, 1)

    terms = [f"{_term(a)}×{_term(b)}" for a, b in zip(window.ravel(), weights.ravel(), strict=True)]
    ax.text(
        total / 2,
        tall + 2.35,
        " + ".join(terms) + f" = {_number(products.sum())}",
        ha="center",
        va="center",
        fontsize=11,
    )
    ax.text(
        total / 2,
        tall + 3.35,
        f"{_number(products.sum())} + {_term(bias)} (the bias) = {_number(result[row, column])}",
        ha="center",
        va="center",
        fontsize=11.5,
        weight="bold",
        color=_FRAME,
    )
    return ax


def feature_map_steps(
    image: ArrayLike, kernel: ArrayLike, bias: float = 0.0, stride: int = 1
) -> Figure:
    """Draw every stop of a filter on its way over an image, and the feature map that results.

    The little images are arranged as the feature map is: the one in row 2, column 3 gives the value
    in row 2, column 3.

    Parameters
    ----------
    image : array of shape (H, W)
        0 is white, 1 is black; at most 8×8.
    kernel : array of shape (kh, kw)
    bias : float
    stride : int

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the arrays cannot be drawn cell by cell.
    """
    import matplotlib.pyplot as plt

    pixels, weights = _small("image", image, most=8), _small("kernel", kernel, most=5)
    result = cv.feature_map(pixels, weights, bias, stride)
    rows, columns = result.shape
    height, width = pixels.shape
    figure, (ax, right) = plt.subplots(
        1,
        2,
        figsize=(1.02 * columns + 3.4, 1.16 * rows + 0.4),
        width_ratios=(1.02 * columns, 3.2),
        layout="constrained",
    )
    step_x, step_y = width + 1.3, height + 2.1
    ax.set(xlim=(0, columns * step_x), ylim=(rows * step_y, -0.6), aspect="equal")
    ax.set_axis_off()
    for (row, column), value in np.ndenumerate(result):
        x, y = column * step_x + 0.6, row * step_y
        _cells(ax, pixels, x, y, "pixel", numbers=False)
        _frame(
            ax, x + column * stride, y + row * stride, weights.shape[1], weights.shape[0], lw=1.8
        )
        ax.text(
            x + width / 2,
            y + height + 0.2,
            f"stop {row * columns + column + 1}:  {_number(value)}",
            ha="center",
            va="top",
            fontsize=8.5,
        )
    right.set(xlim=(-0.4, columns + 0.4), ylim=(rows + 0.4, -1.2), aspect="equal")
    right.set_axis_off()
    _cells(right, result, 0, 0, title=f"feature map {rows}×{columns}", fontsize=11)
    return figure


# ------------------------------------------------------------------------ pooling
def pooling_steps(
    feature_map: ArrayLike, size: int = 2, kind: str = "max", ax: Axes | None = None
) -> Axes:
    """Draw a feature map, what ReLU makes of it, its pooling windows, and the inputs that remain.

    Parameters
    ----------
    feature_map : array of shape (H, W)
        At most 8×8.
    size : int
        Height and width of a pooling window, and its stride.
    kind : {"max", "average"}
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If the map cannot be drawn cell by cell, or `kind` is unknown.
    """
    if kind not in ("max", "average"):
        raise InvalidInput(f"kind must be 'max' or 'average', but it is {kind!r}.")
    table = _small("feature_map", feature_map, most=8)
    active = cv.relu(table)
    pooled = (cv.max_pool if kind == "max" else cv.average_pool)(active, size)
    (height, width), (rows, columns) = table.shape, pooled.shape
    total = 2 * width + columns + 9.2
    ax = _canvas(ax, total, max(height, rows * columns) + 2.6)
    middle = 1.5 + max(height, rows * columns) / 2
    reach = max(float(np.abs(table).max()), 1.0)

    x = 0.5
    _cells(ax, table, x, middle - height / 2, title="feature map", scale=reach)
    x += width + 2.1
    _arrow(ax, (x - 1.8, middle), (x - 0.3, middle))
    ax.text(x - 1.05, middle - 0.25, "ReLU", ha="center", va="bottom", fontsize=9)
    _cells(ax, active, x, middle - height / 2, title="after ReLU", scale=reach)
    small_x = x + width + 2.3
    _arrow(ax, (small_x - 2.0, middle), (small_x - 0.3, middle))
    ax.text(
        small_x - 1.15,
        middle - 0.25,
        f"{kind} of\n{size}×{size}",
        ha="center",
        va="bottom",
        fontsize=9,
    )
    _cells(ax, pooled, small_x, middle - rows / 2, title="pooled", scale=reach)
    for index, (row, column) in enumerate(np.ndindex(rows, columns)):
        colour = _POOL_COLOURS[index % len(_POOL_COLOURS)]
        inset = 0.08
        _frame(
            ax,
            x + column * size + inset,
            middle - height / 2 + row * size + inset,
            size - 2 * inset,
            size - 2 * inset,
            colour,
            lw=2.2,
        )
        _frame(
            ax,
            small_x + column + inset,
            middle - rows / 2 + row + inset,
            1 - 2 * inset,
            1 - 2 * inset,
            colour,
            lw=2.2,
        )
    list_x = small_x + columns + 2.0
    _arrow(ax, (list_x - 1.7, middle), (list_x - 0.3, middle))
    _cells(
        ax,
        pooled.reshape(-1, 1),
        list_x,
        middle - pooled.size / 2,
        title=f"{pooled.size} inputs",
        scale=reach,
    )
    return ax


# ------------------------------------------------------------------------ the network
def network_diagram(
    network: cv.LetterNetwork | None = None,
    pooled: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the network 4 → 1 → 2 with its weights and biases, and the values that flow through it.

    Parameters
    ----------
    network : LetterNetwork, optional
        By default the one of lesson 01.
    pooled : array of shape (2, 2) or (4,), optional
        What goes in. Without it, only weights and biases are drawn.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from matplotlib.patches import Circle

    network = cv.LetterNetwork() if network is None else network
    inputs = None if pooled is None else np.ravel(np.asarray(pooled, dtype=float))
    hidden = None if inputs is None else network.hidden(inputs)
    outputs = None if inputs is None else network.outputs(inputs)
    ax = new_axes(ax, (7.6, 3.5))
    ax.set(xlim=(-1.9, 9.8), ylim=(-2.55, 2.6), aspect="equal")
    ax.set_axis_off()
    radius = 0.46
    spots_in = [(0.0, 1.95 - 1.3 * i) for i in range(4)]
    spot_hidden = (4.2, 0.0)
    spots_out = [(8.0, 1.2), (8.0, -1.2)]

    def edge(
        start: tuple[float, float], end: tuple[float, float], weight: float, at: float
    ) -> None:
        # solid and blue above zero, dashed and orange below: never by colour alone
        style, colour = ("-", PALETTE[0]) if weight >= 0 else ("--", PALETTE[5])
        ax.plot(
            [start[0], end[0]],
            [start[1], end[1]],
            style,
            color=colour,
            lw=1 + 1.6 * min(abs(weight), 1.5),
            zorder=1,
        )
        place = (start[0] + at * (end[0] - start[0]), start[1] + at * (end[1] - start[1]))
        ax.text(
            *place,
            f"× {_term(weight)}",
            ha="center",
            va="center",
            fontsize=9,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            zorder=2,
        )

    def node(spot: tuple[float, float], value: float | None, strong: bool = False) -> None:
        ax.add_patch(
            Circle(
                spot, radius, facecolor="white", edgecolor=_INK, lw=3 if strong else 1.4, zorder=3
            )
        )
        if value is not None:
            ax.text(
                *spot,
                f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if value % 1 else _number(value),
                ha="center",
                va="center",
                fontsize=9.5,
                weight="bold" if strong else "normal",
                zorder=4,
            )

    for i, spot in enumerate(spots_in):
        edge(spot, spot_hidden, float(network.hidden_weights[i]), 0.42)
        node(spot, None if inputs is None else float(inputs[i]))
        ax.text(spot[0] - 0.65, spot[1], f"input {i + 1}", ha="right", va="center", fontsize=9)
    node(spot_hidden, hidden)
    ax.text(
        spot_hidden[0],
        -0.65,
        f"bias {_number(network.hidden_bias)}\nReLU",
        ha="center",
        va="top",
        fontsize=9,
    )
    ax.text(spot_hidden[0], 0.65, "hidden node", ha="center", va="bottom", fontsize=9)
    best = None if outputs is None else int(np.argmax(outputs))
    for i, spot in enumerate(spots_out):
        edge(spot_hidden, spot, float(network.output_weights[i]), 0.5)
        node(spot, None if outputs is None else float(outputs[i]), strong=i == best)
        ax.text(
            spot[0] + 0.65,
            spot[1],
            f"{network.letters[i]}\nbias {_number(network.output_biases[i])}",
            ha="left",
            va="center",
            fontsize=9.5,
            weight="bold" if i == best else "normal",
        )
    return ax


def letter_paths(
    images: Mapping[str, ArrayLike] | None = None,
    network: cv.LetterNetwork | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw images on their whole way through the letter network, one below the other.

    Parameters
    ----------
    images : mapping of title to array of shape (6, 6), optional
        By default O, X and the shifted X.
    network : LetterNetwork, optional
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If an image is not 6×6 or there is none.
    """
    if images is None:
        images = {"O": cv.LETTER_O, "X": cv.LETTER_X, "shifted X": cv.LETTER_X_SHIFTED}
    if not images:
        raise InvalidInput("There is no image to draw: the mapping of images is empty.")
    network = cv.LetterNetwork() if network is None else network
    step = 8.0
    ax = _canvas(ax, 31.5, step * len(images) - 0.2, scale=0.32)
    for index, (title, image) in enumerate(images.items()):
        middle = step * index + 4.1
        pooled = network.pooled(image)
        signed = cv.feature_map(image, network.kernel, network.bias)
        outputs = network.outputs(pooled)
        _cells(ax, image, 0.5, middle - 3, "pixel", title=title, numbers=False, fontsize=10)
        _arrow(ax, (6.9, middle), (8.2, middle))
        _cells(ax, signed, 8.5, middle - 2, title="feature map", scale=2, fontsize=8)
        _arrow(ax, (12.9, middle), (14.2, middle))
        _cells(ax, cv.relu(signed), 14.5, middle - 2, title="ReLU", scale=2, fontsize=8)
        _arrow(ax, (18.9, middle), (20.2, middle))
        _cells(ax, pooled, 20.5, middle - 1, title="max pool", scale=2, fontsize=8)
        _arrow(ax, (22.9, middle), (24.2, middle))
        best = int(np.argmax(outputs))
        for place, (name, value) in enumerate(zip(network.letters, outputs, strict=True)):
            ax.text(
                24.7,
                middle + (place - 0.5) * 1.5,
                f"{name}: {value + 0.0:.2f}".replace("-", "−")
                + ("  ←  the answer" if place == best else ""),
                va="center",
                fontsize=11,
                weight="bold" if place == best else "normal",
                color=_INK if place == best else "#555555",
            )
    return ax


# ------------------------------------------------------------------------ stride, padding, channels
def kernel_stride_padding(
    n: int = 6, kernel: int = 3, strides: Sequence[int] = (1, 2, 3)
) -> Figure:
    """Draw where the kernel is put for several strides, without and with a border of zeros.

    Parameters
    ----------
    n : int
        Height and width of the image, in pixels; at most 12.
    kernel : int
        Height and width of the kernel.
    strides : sequence of int

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the kernel does not fit or there is no stride.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    if not strides:
        raise InvalidInput("There is no stride to draw; give for instance strides=(1, 2).")
    _small("the image", np.zeros((n, n)), most=12)
    figure, axes = plt.subplots(
        2,
        len(strides),
        figsize=(2.75 * len(strides), 6.1),
        squeeze=False,
        layout="constrained",
    )
    low, high = (kernel - 1) // 2, kernel // 2  # the widest border of zeros, for a stride of 1
    for row, padding in enumerate(("valid", "same")):
        for column, stride in enumerate(strides):
            ax = axes[row, column]
            size = cv.output_size(n, kernel, stride, padding)
            total = max((size - 1) * stride + kernel - n, 0) if padding == "same" else 0
            before, after = total // 2, total - total // 2
            used = (size - 1) * stride + kernel - before
            for i in range(-before, n + after):
                for j in range(-before, n + after):
                    inside = 0 <= i < n and 0 <= j < n
                    seen = i < used and j < used
                    style: dict[str, Any] = {
                        "facecolor": "white",
                        "edgecolor": "#a0a0a0",
                        "lw": 0.8,
                    }
                    if not inside:
                        style |= {"facecolor": "#eef4fa", "edgecolor": "#a9bccd", "ls": ":"}
                    elif not seen:
                        style |= {"facecolor": "#dddddd", "hatch": "xxx"}
                    ax.add_patch(Rectangle((j, i), 1, 1, **style))
                    if not inside:
                        ax.text(
                            j + 0.5,
                            i + 0.5,
                            "0",
                            ha="center",
                            va="center",
                            fontsize=8,
                            color=_QUIET,
                        )
            ax.add_patch(Rectangle((0, 0), n, n, fill=False, edgecolor=_INK, lw=1.5))
            places = [i * stride - before for i in range(size)]
            for y in places:
                for x in places:
                    ax.plot(x + kernel / 2, y + kernel / 2, "o", color=_INK, ms=4, zorder=5)
            if size > 1:
                second = Rectangle((places[1], places[0]), kernel, kernel, fill=False, zorder=3)
                second.set(edgecolor=PALETTE[0], linewidth=2.2, linestyle=(0, (3, 1.5)))
                ax.add_patch(second)
            _frame(ax, places[0], places[0], kernel, kernel)
            ax.set(xlim=(-low - 0.2, n + high + 0.2), ylim=(n + high + 0.2, -low - 0.2))
            ax.set(aspect="equal")
            ax.set_axis_off()
            unseen = max(n - used, 0)
            rows = "row and column" if unseen == 1 else f"{unseen} rows and columns"
            left_over = f"\nlast {rows} never seen" if unseen else ""
            ax.set_title(
                f'stride {stride}, "{padding}"\n{n}×{n} → {size}×{size}{left_over}',
                fontsize=9.5,
                va="bottom",
            )
    return figure


def channels_and_filters(
    size: int = 6, channels: int = 3, filters: int = 4, kernel: int = 3, ax: Axes | None = None
) -> Axes:
    """Draw how many filters turn an image of several channels into as many feature maps.

    Parameters
    ----------
    size : int
        Height and width of the image, in pixels.
    channels : int
        1 to 4.
    filters : int
        1 to 6.
    kernel : int
        Height and width of each filter.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If there would be too much to draw, or the kernel does not fit.
    """
    from matplotlib.patches import Rectangle

    if not (1 <= channels <= 4 and 1 <= filters <= 6):
        raise InvalidInput(
            f"This figure has room for 1 to 4 channels and 1 to 6 filters, but it was asked for "
            f"{channels} and {filters}."
        )
    result = cv.output_size(size, kernel)
    colour_names = "\n(red, green, blue)" if channels == 3 else ""
    colours = ("#f3b8a8", "#bfe3c5", "#b3cdee", "#dddddd")[:channels] if channels > 1 else ("#ddd",)
    shift, cell = 0.42, 0.7  # between two layers; size of a pixel
    each = max(kernel, result) * cell + channels * shift + 0.7  # height of one row
    head = 2.4
    tall = max(filters * each, size * cell + channels * shift + 3)
    middle = head + tall / 2
    ax = _canvas(ax, 22.4, head + tall + 0.2, scale=0.36)

    def stack(x: float, y: float, side: int, layers: Sequence[str]) -> None:
        """Squares of side × side cells, one behind the other, centred on height y."""
        top = y - (side * cell - (len(layers) - 1) * shift) / 2
        for layer in range(len(layers) - 1, -1, -1):
            for i, j in np.ndindex(side, side):
                corner = (x + layer * shift + j * cell, top - layer * shift + i * cell)
                square = Rectangle(corner, cell, cell, facecolor=layers[layer], lw=0.5)
                square.set(edgecolor="#8a8a8a", zorder=3 + len(layers) - layer)
                ax.add_patch(square)

    depth = (channels - 1) * shift
    stack(0.6, middle, size, colours)
    ax.text(
        0.6 + (size * cell + depth) / 2,
        middle + (size * cell + depth) / 2 + 0.35,
        f"image\n{size}×{size}×{channels}{colour_names}",
        ha="center",
        va="top",
        fontsize=9.5,
    )
    filter_x, map_x = 9.2, 16.4
    filter_end = filter_x + kernel * cell + depth
    for index in range(filters):
        y = middle + each * (index - (filters - 1) / 2)
        _arrow(ax, (0.6 + size * cell + depth + 0.4, middle), (filter_x - 0.8, y), _QUIET)
        ax.text(filter_x - 0.2, y, f"{index + 1}", ha="right", va="center", weight="bold")
        stack(filter_x, y, kernel, colours)
        ax.text(filter_end + 0.25, y, "+ bias", va="center", fontsize=9, color=_INK)
        _arrow(ax, (filter_end + 2.2, y), (map_x - 0.3, y), _QUIET)
        stack(map_x, y, result, ("#e8e2f0",))
        ax.text(map_x + result * cell + 0.3, y, f"map {index + 1}", va="center", fontsize=9.5)
    plural = "s" * (filters > 1)
    count = cv.parameter_count(filters, kernel, channels)
    ax.text(
        (filter_x + filter_end) / 2,
        0.1,
        f"{filters} filter{plural} of {kernel}×{kernel}×{channels}\n"
        f"{filters} × ({channels}×{kernel}×{kernel} + 1) = {count} parameters",
        ha="center",
        va="top",
        fontsize=9.5,
    )
    ax.text(
        map_x + result * cell / 2 + 0.8,
        0.1,
        f"{filters} feature map{plural}\n{result}×{result}×{filters}",
        ha="center",
        va="top",
        fontsize=9.5,
    )
    return ax


def weights_against_size(
    sides: Sequence[int] = (6, 28, 64, 128, 256, 512, 1024),
    units: int = 100,
    filters: int = 8,
    kernel_size: int = 3,
    channels: int = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw how the weights of a dense layer grow with the image, and those of a filter do not.

    Parameters
    ----------
    sides : sequence of int
        Heights (and widths) of the image, in pixels.
    units : int
        Nodes of the dense layer.
    filters, kernel_size, channels : int
        Those of the convolution layer.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (6.6, 3.6))
    dense = [units * (channels * side * side + 1) for side in sides]
    few = [cv.parameter_count(filters, kernel_size, channels)] * len(sides)
    ax.plot(sides, dense, "--s", color=PALETTE[5], label=f"dense layer, {units} nodes")
    ax.plot(
        sides,
        few,
        "-o",
        color=PALETTE[0],
        label=f"convolution layer, {filters} filters {kernel_size}×{kernel_size}",
    )
    ax.set(xscale="log", yscale="log", xlabel="height and width of the image in pixels")
    ax.set_ylabel("parameters to learn")
    ax.set_xticks(list(sides), [str(side) for side in sides])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    for side, count in ((sides[0], dense[0]), (sides[-1], dense[-1]), (sides[-1], few[-1])):
        last = side == sides[-1]
        ax.annotate(
            f"{count:,}",
            (side, count),
            xytext=(-6, 7) if last else (8, -12),
            textcoords="offset points",
            ha="right" if last else "left",
            fontsize=9,
        )
    ax.margins(y=0.15)
    return ax


# ------------------------------------------------------------------------ photographs
def filter_on_photo(
    image: ArrayLike, filters: Mapping[str, ArrayLike], *, columns: int = 3, size: float = 2.6
) -> Figure:
    """Draw a photograph and what several filters make of it.

    Parameters
    ----------
    image : array of shape (H, W)
        Grey values from 0 to 255.
    filters : mapping of title to array of shape (kh, kw)
        Where the numbers of a filter add up to 0 (edges), the result is drawn with 0 in middle
        grey; else (blur, sharpen) it is cut off at 0 and 255 and drawn like a photograph.
    columns : int
    size : float
        Width of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the image is not grey or there is no filter.
    """
    import matplotlib.pyplot as plt

    photo = np.asarray(image)
    if photo.ndim != 2:
        raise InvalidInput(
            f"filter_on_photo takes a grey image of shape (height, width), but this one has the "
            f"shape {photo.shape}; take the mean of the channels first: image.mean(axis=2)."
        )
    if not filters:
        raise InvalidInput("There is no filter to apply: the mapping of filters is empty.")
    count = len(filters) + 1
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size, rows * (size * photo.shape[0] / photo.shape[1] + 0.3)),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.set_axis_off()
    axes.flat[0].imshow(photo, cmap="gray", vmin=0, vmax=255)
    axes.flat[0].set_title("the image in grey", fontsize=10)
    for ax, (title, kernel) in zip(list(axes.flat)[1:], filters.items(), strict=False):
        weights = np.asarray(kernel, dtype=float)
        result = cv.feature_map(photo, weights)
        if abs(weights.sum()) < 1e-9:
            reach = float(np.quantile(np.abs(result), 0.995)) or 1.0
            ax.imshow(result, cmap="gray", vmin=-reach, vmax=reach)
        else:
            ax.imshow(np.clip(result, 0, 255), cmap="gray", vmin=0, vmax=255)
        ax.set_title(title, fontsize=10)
    return figure
