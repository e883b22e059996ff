"""Figures of lesson 01: convolution step by step, pooling, and a network that reads letters.

Small arrays are drawn as tables of cells with the numbers in them, all at one scale: one cell of
an image is as large as one cell of a kernel. The same number has the same color in all figures, and
1 is always dark. The interactive explorer is in :mod:`course_utils.widgets.lesson_01`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import convolution as cv
from course_utils import validate
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    INK,
    PALETTE,
    VARIANTS,
    arrow,
    described,
    grid_shape,
    listed,
    new_axes,
    note,
    panels,
    rectangle,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_QUIET = "#777777"
_FRAME = PALETTE[5]
_INSET = 0.08  # of the frames of pooling windows
_POSITIVE, _NEGATIVE = (84, 39, 136), (241, 163, 64)  # colors of 1 and of −2; 0 is white
_PURPLE = "#542788"  # the color of 1 as text
_POOL_COLORS = (PALETTE[0], PALETTE[5], PALETTE[2], PALETTE[3])


# ------------------------------------------------------------------------ letters
def letters(
    images: Mapping[str, ArrayLike] | None = None, *, numbers: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw small black-and-white images with the value of each pixel.

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
        If there is no image, or if one is not a small 2-dimensional array.
    """
    tables = _tables("image", {"O": cv.LETTER_O, "X": cv.LETTER_X} if images is None else images)
    width = sum(table.shape[1] + 1.2 for table in tables.values()) + 0.4
    ax = _canvas(ax, width, max(table.shape[0] for table in tables.values()) + 1.7, scale=0.45)
    x = 0.8
    for title, table in tables.items():
        _cells(ax, table, (x, 1.3), pixels=True, title=title, numbers=numbers, fontsize=10)
        x += table.shape[1] + 1.2
    rows = "; ".join(f"{title}: {_rows(table)}" for title, table in tables.items())
    return described(ax, f"Images pixel by pixel, row by row; 0 is white and 1 is black. {rows}.")


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
        If there is no kernel, or if one is not a small 2-dimensional array.
    """
    arrays = _tables("kernel", tables)
    gap = 1.2
    width = sum(table.shape[1] + gap for table in arrays.values())
    scale = max(0.5, 7.0 / width)  # at least 700 pixels wide
    ax = _canvas(ax, width, max(table.shape[0] for table in arrays.values()) + 1.7, scale=scale)
    x = gap / 2
    for title, table in arrays.items():
        _cells(ax, table, (x, 1.4), title=title, fontsize=11 if scale > 0.7 else 8.5)
        x += table.shape[1] + gap
    rows = "; ".join(f"{title}: {_rows(table)}" for title, table in arrays.items())
    return described(ax, f"Kernels with their numbers, row by row. {rows}.")


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
    """Draw one step of a convolution: window, kernel, products, sum, bias, feature map.

    Parameters
    ----------
    image : array of shape (H, W)
        0 is white, 1 is black.
    kernel : array of shape (kh, kw)
    bias : float
    row, column : int
        Position in the feature map that is computed.
    stride : int
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If the arrays are too large to be drawn cell by cell, or there is no such position.
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
    _cells(ax, pixels, (x, middle - height / 2), pixels=True, title="image")
    _frame(ax, x + left, middle - height / 2 + top, kw, kh)
    x += width + 1.8
    _level_arrow(ax, x - 1.5, x - 0.25, middle)
    _cells(ax, window, (x, middle - kh / 2), pixels=True, title="window")
    _frame(ax, x, middle - kh / 2, kw, kh)
    for sign, table, title in (("×", weights, "filter"), ("=", products, "products")):
        write(ax, x + kw + 0.6, middle, sign, 17, color=INK)
        x += kw + 1.2
        _cells(ax, table, (x, middle - kh / 2), title=title)
    x += kw + 2.0
    _level_arrow(ax, x - 1.7, x - 0.25, middle)
    so_far = np.where(done, result, np.nan)
    _cells(ax, so_far, (x, middle - len(result) / 2), title="feature map")
    _frame(ax, x + column, middle - len(result) / 2 + row, 1, 1)

    pairs = zip(window.ravel(), weights.ravel(), strict=True)
    the_sum = _number(products.sum())
    sums = " + ".join(f"{_term(a)}×{_term(b)}" for a, b in pairs) + f" = {the_sum}"
    write(ax, total / 2, tall + 2.35, sums, 11)
    value = f"{the_sum} + {_term(bias)} (the bias) = {_number(result[row, column])}"
    write(ax, total / 2, tall + 3.35, value, 11.5, weight="bold", color=_FRAME)
    return described(
        ax,
        f"One window of the image times the filter: {sums}; {value}. The value is marked in row "
        f"{row + 1}, column {column + 1} of the feature map.",
    )


def feature_map_steps(
    image: ArrayLike, kernel: ArrayLike, bias: float = 0.0, stride: int = 1
) -> Figure:
    """Draw every position of a filter on an image, and the feature map that results.

    The small images are arranged like the feature map: the one in row 2, column 3 gives the value
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
        If the arrays are too large to be drawn cell by cell.
    """
    pixels, weights = _small("image", image, most=8), _small("kernel", kernel, most=5)
    result = cv.feature_map(pixels, weights, bias, stride)
    (rows, columns), (height, width), (kh, kw) = result.shape, pixels.shape, weights.shape
    figure, axes = panels(
        1,
        2,
        (1.02 * columns + 3.4, 1.16 * rows + 0.4),
        bare=True,
        width_ratios=(1.02 * columns, 3.2),
    )
    ax, right = axes[0]
    step_x, step_y = width + 1.3, height + 2.1
    ax.set(xlim=(0, columns * step_x), ylim=(rows * step_y, -0.6), aspect="equal")
    for stop, ((row, column), value) in enumerate(np.ndenumerate(result), start=1):
        x, y = column * step_x + 0.6, row * step_y
        _cells(ax, pixels, (x, y), pixels=True, numbers=False)
        _frame(ax, x + column * stride, y + row * stride, kw, kh, lw=1.8)
        below = f"stop {stop}:  {_number(value)}"
        write(ax, x + width / 2, y + height + 0.45, below, 8.5, va="top")
    right.set(xlim=(-0.4, columns + 0.4), ylim=(rows + 0.4, -1.2), aspect="equal")
    _cells(right, result, (0, 0), title=f"feature map {rows}×{columns}", fontsize=11)
    return described(
        figure,
        f"The {result.size} positions of a {kh}×{kw} filter on an image of {height}×{width} "
        f"pixels, each with its value, and the feature map of {rows}×{columns} values, row by row: "
        f"{_rows(result)}.",
    )


# ------------------------------------------------------------------------ ReLU and pooling
def relu_graph(values: ArrayLike = (-2, -1, 1), ax: Axes | None = None) -> Axes:
    """Draw ReLU, and what it makes of some values.

    Parameters
    ----------
    values : array of any shape
        Finite numbers; equal ones are drawn once.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If there is no value, or one is not finite.
    """
    points = np.unique(np.asarray(values, dtype=float))
    if not points.size or not np.isfinite(points).all():
        raise InvalidInput("relu_graph takes finite numbers, at least one.")
    reach = max(2.5, 1.25 * float(np.abs(points).max()))
    ax = new_axes(ax, (7.0, 3.4))
    line = np.array([-reach, 0.0, reach])
    ax.plot(line, line, ":", color=_QUIET, label="unchanged")
    ax.plot(line, cv.relu(line), "-", color=INK, lw=2.5, label="ReLU: max(0, value)")
    active = cv.relu(points)
    ax.plot(points, active, "o", color=_FRAME, ms=9, label="values of the feature map", zorder=3)
    for value, kept in zip(points, active, strict=True):
        text = f"{_number(value)} → {_number(kept)}"
        note(ax, text, (value, kept), (0, 9), ha="right" if value > 0 else "center", fontsize=11)
    ax.set(xlabel="value of the feature map", ylabel="value after ReLU")
    ax.axhline(0, color="#bbbbbb", lw=0.8, zorder=0)
    ax.axvline(0, color="#bbbbbb", lw=0.8, zorder=0)
    ax.legend(frameon=False, loc="lower right")
    made = listed(f"{_number(a)} becomes {_number(b)}" for a, b in zip(points, active, strict=True))
    return described(ax, f"The graph of ReLU: 0 on the left of 0, then a rising line. {made}.")


def pooling_steps(
    feature_map: ArrayLike, size: int = 2, kind: str = "max", ax: Axes | None = None
) -> Axes:
    """Draw a feature map, the map after ReLU, its pooling windows, and the pooled values.

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
        If the map is too large to be drawn cell by cell, or `kind` is unknown.
    """
    validate.choice("kind", kind, ("max", "average"))
    table = _small("feature_map", feature_map, most=8)
    active = cv.relu(table)
    pooled = (cv.max_pool if kind == "max" else cv.average_pool)(active, size)
    (height, width), (rows, columns) = table.shape, pooled.shape
    ax = _canvas(ax, 2 * width + columns + 9.2, max(height, pooled.size) + 2.6)
    middle = 1.5 + max(height, pooled.size) / 2

    x = 0.5
    _cells(ax, table, (x, middle - height / 2), title="feature map")
    x += width + 2.1
    _level_arrow(ax, x - 1.8, x - 0.3, middle, "ReLU")
    top = middle - height / 2
    _cells(ax, active, (x, top), title="after ReLU")
    small_x, small_top = x + width + 2.3, middle - rows / 2
    _level_arrow(ax, small_x - 2.0, small_x - 0.3, middle, f"{kind} of\n{size}×{size}")
    _cells(ax, pooled, (small_x, small_top), title="pooled")
    for index, (row, column) in enumerate(np.ndindex(rows, columns)):
        for left, above, side in ((x, top, size), (small_x, small_top, 1)):
            corner = left + column * side + _INSET, above + row * side + _INSET
            inner = side - 2 * _INSET
            _frame(ax, *corner, inner, inner, _POOL_COLORS[index % len(_POOL_COLORS)], lw=2.2)
    list_x = small_x + columns + 2.0
    _level_arrow(ax, list_x - 1.7, list_x - 0.3, middle)
    column_of_inputs, title = pooled.reshape(-1, 1), f"{pooled.size} inputs"
    _cells(ax, column_of_inputs, (list_x, middle - pooled.size / 2), title=title)
    return described(
        ax,
        f"A feature map of {height}×{width} values, the map after ReLU, its {kind} pooling with "
        f"windows of {size}×{size}, and the {pooled.size} values that remain: "
        f"{', '.join(_number(float(value)) for value in pooled.flat)}.",
    )


# ------------------------------------------------------------------------ the network
def network_diagram(
    network: cv.LetterNetwork | None = None,
    pooled: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the network 4 → 1 → 2 with its weights, biases and activations.

    Parameters
    ----------
    network : LetterNetwork, optional
        By default the one of lesson 01.
    pooled : array of shape (2, 2) or (4,), optional
        The inputs. Without them, only weights and biases are drawn.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    network = cv.LetterNetwork() if network is None else network
    values: dict[str, Any] = {"inputs": [None] * 4, "hidden": None, "outputs": [None] * 2}
    best = None
    if pooled is not None:
        inputs = np.ravel(np.asarray(pooled, dtype=float))
        outputs = network.outputs(inputs)
        values = {"inputs": inputs, "hidden": network.hidden(inputs), "outputs": outputs}
        best = int(np.argmax(outputs))
    ax = new_axes(ax, (7.6, 3.5))
    ax.set(xlim=(-1.9, 9.8), ylim=(-2.55, 2.6), aspect="equal")
    ax.set_axis_off()
    hidden = (4.2, 0.0)
    for i, weight in enumerate(network.hidden_weights):
        spot = (0.0, 1.95 - 1.3 * i)
        _edge(ax, spot, hidden, float(weight), 0.42)
        _node(ax, spot, values["inputs"][i])
        write(ax, spot[0] - 0.65, spot[1], f"input {i + 1}", ha="right")
    _node(ax, hidden, values["hidden"])
    bias = f"bias {_number(network.hidden_bias)}\nReLU"
    write(ax, hidden[0], -0.65, bias, va="top")
    write(ax, hidden[0], 0.65, "hidden node", va="bottom")
    for i, weight in enumerate(network.output_weights):
        spot = (8.0, (1.2, -1.2)[i])
        _edge(ax, hidden, spot, float(weight), 0.5)
        _node(ax, spot, values["outputs"][i], strong=i == best)
        text = f"{network.letters[i]}\nbias {_number(network.output_biases[i])}"
        bold = "bold" if i == best else "normal"
        write(ax, spot[0] + 0.65, spot[1], text, 9.5, ha="left", weight=bold)
    answer = "" if best is None else f" The larger output is {network.letters[best]}."
    return described(
        ax,
        "A network with four inputs, one hidden node with ReLU and the outputs "
        f"{listed(network.letters)}. {_network_in_words(network, values)}{answer}",
    )


def _network_in_words(network: cv.LetterNetwork, values: Mapping[str, Any]) -> str:
    """Return the weights, biases and (where they are known) values of a network as a sentence."""
    weights = listed(_number(weight) for weight in network.hidden_weights)
    text = f"Weights of the hidden node: {weights}; its bias: {_number(network.hidden_bias)}."
    for i, letter in enumerate(network.letters):
        weight, bias = network.output_weights[i], network.output_biases[i]
        text += f" Output {letter}: weight {_number(weight)}, bias {_number(bias)}."
    if values["hidden"] is not None:
        inputs = listed(_number(value) for value in values["inputs"])
        outputs = listed(_number(value) for value in values["outputs"])
        hidden = _number(values["hidden"])
        text += f" Values: inputs {inputs}, hidden node {hidden}, outputs {outputs}."
    return text


def _edge(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], weight: float, at: float
) -> None:
    """Draw a connection and write its weight at the fraction `at` of its length."""
    # positive: solid and purple; negative: dashed and orange, so that color is not the only sign
    style, color = ("-", _PURPLE) if weight >= 0 else ("--", PALETTE[5])
    (x0, y0), (x1, y1) = start, end
    thick = 1 + 1.6 * min(abs(weight), 1.5)
    ax.plot([x0, x1], [y0, y1], style, color=color, lw=thick, zorder=1)
    place = (x0 + at * (x1 - x0), y0 + at * (y1 - y0))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    write(ax, *place, f"× {_term(weight)}", color=color, bbox=box, zorder=2)


def _node(ax: Axes, spot: tuple[float, float], value: float | None, strong: bool = False) -> None:
    """Draw a node with its value."""
    from matplotlib.patches import Circle

    line = 3 if strong else 1.4
    ax.add_patch(Circle(spot, 0.46, facecolor="white", edgecolor=INK, lw=line, zorder=3))
    if value is not None:
        value = float(value)
        text = f"{round(value, 2) + 0.0:.2f}".replace("-", "−") if value % 1 else _number(value)
        write(ax, *spot, text, 9.5, weight="bold" if strong else "normal", zorder=4)


def letter_paths(
    images: Mapping[str, ArrayLike] | None = None,
    network: cv.LetterNetwork | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw every step of the letter network for several images, one image per row.

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
        If there is no image, or if one is not 6×6.
    """
    if images is None:
        images = {"O": cv.LETTER_O, "X": cv.LETTER_X, "shifted X": cv.LETTER_X_SHIFTED}
    images = _tables("image", images)
    network = cv.LetterNetwork() if network is None else network
    step = 8.0
    ax = _canvas(ax, 31.5, step * len(images) - 0.2, scale=0.32)
    answers = []
    for index, (title, image) in enumerate(images.items()):
        middle = step * index + 4.1
        pooled = network.pooled(image)
        signed = cv.feature_map(image, network.kernel, network.bias)
        _cells(ax, image, (0.5, middle - 3), pixels=True, title=title, numbers=False, fontsize=10)
        x = 8.5
        for name, table in (
            ("feature map", signed),
            ("ReLU", cv.relu(signed)),
            ("max pool", pooled),
        ):
            _level_arrow(ax, x - 1.6, x - 0.3, middle)
            _cells(ax, table, (x, middle - len(table) / 2), title=name, fontsize=10)
            x += 6.0
        _level_arrow(ax, 22.9, 24.2, middle)
        outputs = network.outputs(pooled)
        best = int(np.argmax(outputs))
        inputs = _rows(pooled.reshape(1, -1))
        answers.append(f"{title}: pooled {inputs}, the answer is {network.letters[best]}")
        for place, (name, value) in enumerate(zip(network.letters, outputs, strict=True)):
            text = f"{name}: {value + 0.0:.2f}".replace("-", "−")
            style: dict[str, Any] = {"color": "#555555"}
            if place == best:
                text += "  ←  the answer"
                style = {"color": INK, "weight": "bold"}
            write(ax, 24.7, middle + (place - 0.5) * 1.5, text, 11, ha="left", **style)
    return described(
        ax,
        "Images on their way through the letter network (feature map, ReLU, max pooling, two "
        f"outputs). {'; '.join(answers)}.",
    )


# ------------------------------------------------------------------------ stride, padding, channels
def kernel_stride_padding(
    n: int = 6, kernel: int = 3, strides: Sequence[int] = (1, 2, 3)
) -> Figure:
    """Draw the positions of a kernel for several strides, without and with zero padding.

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
        If the kernel is larger than the image, or there is no stride.
    """
    if not strides:
        raise InvalidInput("There is no stride to draw; give for instance strides=(1, 2).")
    validate.whole_number("n", n, 1, 12, example=6)
    figure, axes = panels(2, len(strides), (2.75 * len(strides), 6.1), bare=True)
    low, high = (kernel - 1) // 2, kernel // 2  # the widest zero padding, for a stride of 1
    sizes = []
    for row, padding in zip(axes, ("valid", "same"), strict=True):
        for ax, stride in zip(row, strides, strict=True):
            size = cv.output_size(n, kernel, stride, padding)
            unseen = _draw_positions(ax, n, kernel, stride, size, padding == "same")
            ax.set(xlim=(-low - 0.2, n + high + 0.2), ylim=(n + high + 0.2, -low - 0.2))
            ax.set(aspect="equal")
            rows = "row and column" if unseen == 1 else f"{unseen} rows and columns"
            left_over = f"\nlast {rows} never seen" if unseen else ""
            title = f'stride {stride}, "{padding}"\n{n}×{n} → {size}×{size}{left_over}'
            ax.set_title(title, fontsize=9.5, va="bottom")
            sizes.append(f"stride {stride}, {padding}: {size}×{size}")
    return described(
        figure,
        f"The positions of a {kernel}×{kernel} kernel on an image of {n}×{n} pixels and the size "
        f"of the feature map. {'; '.join(sizes)}.",
    )


def _draw_positions(ax: Axes, n: int, kernel: int, stride: int, size: int, padded: bool) -> int:
    """Draw an image, its zero padding and the centers of a kernel.

    Return the number of last rows (and columns) that no position covers.
    """
    reached = (size - 1) * stride + kernel
    border = max(reached - n, 0) if padded else 0
    before = border // 2
    used = reached - before
    plain = {"facecolor": "white", "edgecolor": "#a0a0a0", "lw": 0.8}
    zero = {**plain, "facecolor": "#eef4fa", "edgecolor": "#a9bccd", "ls": ":"}
    unseen = {**plain, "facecolor": "#dddddd", "hatch": "xxx"}
    for i, j in product(range(-before, n + border - before), repeat=2):
        inside = min(i, j) >= 0 and max(i, j) < n
        seen = plain if max(i, j) < used else unseen
        rectangle(ax, j, i, 1, 1, **(seen if inside else zero))
        if not inside:
            write(ax, j + 0.5, i + 0.5, "0", 8, color=_QUIET)
    rectangle(ax, 0, 0, n, n, fill=False, edgecolor=INK, lw=1.5)
    corners = [i * stride - before for i in range(size)]
    for y, x in product(corners, repeat=2):
        ax.plot(x + kernel / 2, y + kernel / 2, "o", color=INK, ms=4, zorder=5)
    if size > 1:
        second = rectangle(ax, corners[1], corners[0], kernel, kernel, fill=False, zorder=3)
        second.set(edgecolor=PALETTE[0], linewidth=2.2, linestyle=(0, (3, 1.5)))
    _frame(ax, corners[0], corners[0], kernel, kernel)
    return max(n - used, 0)


def shrinking_maps(side: int = 96, kernel: int = 5, layers: int = 10) -> Axes:
    """Draw how convolution layers without padding make a map smaller.

    Parameters
    ----------
    side : int
        Height and width of the image, in pixels.
    kernel : int
        Height and width of the filters of each layer.
    layers : int
        At most 20.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If a number is not in its range, or a kernel does not fit on a map.
    """
    validate.whole_number("layers", layers, 1, 20, example=10)
    sizes = [validate.whole_number("side", side, 1, example=96)]
    for _ in range(layers):
        sizes.append(cv.output_size(sizes[-1], kernel))
    ax = new_axes(figsize=(7.2, 4.2))
    ax.set(xlim=(-0.05 * side, 1.75 * side), ylim=(1.04 * side, -0.04 * side), aspect="equal")
    ax.set_axis_off()
    lost = {"facecolor": "#eeeeee", "hatch": "///", "edgecolor": "#bdbdbd"}
    rectangle(ax, 0, 0, side, side, **lost)
    last = sizes[-1]
    edge = (side - last) / 2
    rectangle(ax, edge, edge, last, last, facecolor="white", edgecolor="none")
    for size in sizes:
        corner = (side - size) / 2
        strong = size in (side, last)
        style = {"edgecolor": INK if strong else PALETTE[0], "lw": 2.0 if strong else 0.9}
        rectangle(ax, corner, corner, size, size, fill=False, **style)
    share = last**2 / side**2
    for y, size, text in (
        (0.02, side, f"the image: {side}×{side}"),
        (0.24, sizes[1], f"after 1 layer: {sizes[1]}×{sizes[1]}"),
        (0.50, last, f"after {layers} layers: {last}×{last},\n{share:.0%} of the values are left"),
    ):
        edge = (side + size) / 2
        arrow(ax, (1.08 * side, y * side), (edge, y * side), color=_QUIET, lw=1.0)
        write(ax, 1.1 * side, y * side, text, 10.5, ha="left")
    return described(
        ax,
        f"Nested squares, the size of a map after 0 to {layers} layers of {kernel}×{kernel} "
        f"without padding: {', '.join(str(size) for size in sizes)} pixels wide. {share:.0%} of "
        "the values are left; what is gone lies around the middle.",
    )


def channel_sum(image: ArrayLike, kernel: ArrayLike, bias: float = 0.0) -> Axes:
    """Draw the first value of a convolution over several channels, with all its numbers.

    Parameters
    ----------
    image : array of shape (H, W, C)
        At most 6×6 pixels and 4 channels.
    kernel : array of shape (kh, kw, C)
    bias : float

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If the arrays have no channels, or are too large to be drawn cell by cell.
    """
    pixels, weights = np.asarray(image), np.asarray(kernel)
    if pixels.ndim != 3 or weights.ndim != 3 or not 1 <= pixels.shape[2] <= 4:
        raise InvalidInput(
            "channel_sum takes an image and a kernel of shape (height, width, channels) with at "
            f"most 4 channels, but theirs are {pixels.shape} and {weights.shape}."
        )
    _small("image", pixels[:, :, 0], most=6)
    result = cv.feature_map(pixels, weights, bias)
    (height, width, channels), (kh, kw) = pixels.shape, weights.shape[:2]
    step = max(height, kh) + 1.5
    ax = _canvas(ax=None, width=width + 2 * kw + result.shape[1] + 10.2, height=step * channels)
    names = _channel_names(channels)
    sums = []
    for channel, name in enumerate(names):
        top = channel * step + 1.1
        middle = top + max(height, kh) / 2
        x = 0.4
        _cells(
            ax, pixels[:, :, channel], (x, middle - height / 2), title=f"image, {name}", fontsize=11
        )
        _frame(ax, x, middle - height / 2, kw, kh)
        products = pixels[:kh, :kw, channel] * weights[:, :, channel]
        x += width
        for sign, table, title in (
            ("×", weights[:, :, channel], f"filter, {name}"),
            ("=", products, "products"),
        ):
            write(ax, x + 0.6, middle, sign, 15)
            _cells(ax, table, (x + 1.2, middle - kh / 2), title=title, fontsize=11)
            x += 1.2 + kw
        sums.append(_term(products.sum()))
        write(ax, x + 1.1, middle, f"sum {_number(products.sum())}", 11, weight="bold")
        _arrow(ax, (x + 2.1, middle), (x + 3.4, step * channels / 2 + 0.4), _QUIET)
    middle, map_x = step * channels / 2 + 0.4, x + 4.2
    _cells(ax, result, (map_x, middle - len(result) / 2), title="one feature map", fontsize=11)
    _frame(ax, map_x, middle - len(result) / 2, 1, 1)
    added = f"{' + '.join(sums)}\n+ {_term(bias)} (the bias) = {_number(result[0, 0])}"
    center = map_x + result.shape[1] / 2
    write(ax, center, middle + len(result) / 2 + 1.1, added, 11, weight="bold", color=_FRAME)
    return described(
        ax,
        f"The first window of an image with {channels} channels times a filter with {channels} "
        f"tables of {kh}×{kw} numbers. Sums of the products: "
        f"{listed(f'{name} {part}' for name, part in zip(names, sums, strict=True))}. All are "
        f"added to one value: {' '.join(added.split())}.",
    )


def _channel_names(channels: int) -> list[str]:
    if channels == 3:
        return ["red", "green", "blue"]
    return [f"channel {number}" for number in range(1, channels + 1)]


def weights_against_size(
    sides: Sequence[int] = (6, 28, 64, 128, 256, 512, 1024),
    units: int = 100,
    filters: int = 8,
    kernel_size: int = 3,
    channels: int = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw the number of parameters of a dense and of a convolution layer over the image size.

    Parameters
    ----------
    sides : sequence of int
        Heights (and widths) of the image, in pixels.
    units : int
        Nodes of the dense layer.
    filters, kernel_size, channels : int
        Arguments of the convolution layer.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (6.6, 3.6))
    dense = [units * (channels * side * side + 1) for side in sides]
    few = [cv.parameter_count(filters, kernel_size, channels)] * len(sides)
    ax.plot(sides, dense, "--s", color=PALETTE[5], label=f"dense layer, {units} nodes")
    filter_text = f"convolution layer, {filters} filters {kernel_size}×{kernel_size}"
    ax.plot(sides, few, "-o", color=VARIANTS[0], label=filter_text)
    ax.set(xscale="log", yscale="log", xlabel="height and width of the image in pixels")
    ax.set_ylabel("parameters to learn")
    ax.set_xticks(list(sides), [str(side) for side in sides])
    ax.minorticks_off()
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    note(ax, f"{dense[0]:,}", (sides[0], dense[0]), (8, -12))
    for counts in (dense, few):
        note(ax, f"{counts[-1]:,}", (sides[-1], counts[-1]), (-6, 7), ha="right")
    ax.margins(y=0.15)
    return described(
        ax,
        f"Parameters over the size of the image, both axes logarithmic: those of a dense layer "
        f"grow from {dense[0]:,} to {dense[-1]:,}, those of a convolution layer stay at "
        f"{few[0]:,}.",
    )


# ------------------------------------------------------------------------ photographs
def filter_on_photo(
    image: ArrayLike, filters: Mapping[str, ArrayLike], *, columns: int = 3, size: float = 2.2
) -> Figure:
    """Draw a photograph and the outputs of several filters.

    Parameters
    ----------
    image : array of shape (H, W)
        Gray values from 0 to 255.
    filters : mapping of title to array of shape (kh, kw)
        If the weights of a filter add up to 0 (edges), its output is drawn with 0 in medium gray;
        else (blur, sharpen) it is clipped to 0–255 and drawn like a photograph.
    columns : int
    size : float
        Width of one image in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the image is not gray or there is no filter.
    """
    photo = np.asarray(image)
    if photo.ndim != 2:
        raise InvalidInput(
            f"filter_on_photo takes a gray image of shape (height, width), but this one has the "
            f"shape {photo.shape}; take the mean of the channels first: image.mean(axis=2)."
        )
    if not filters:
        raise InvalidInput("There is no filter to apply: the mapping of filters is empty.")
    rows, columns = grid_shape(len(filters) + 1, columns)
    height = rows * (size * photo.shape[0] / photo.shape[1] + 0.3)
    figure, axes = panels(rows, columns, (columns * size, height), bare=True)
    axes.flat[0].imshow(photo, cmap="gray", vmin=0, vmax=255)
    axes.flat[0].set_title("the image in gray", fontsize=10)
    for ax, (title, kernel) in zip(axes.flat[1:], filters.items(), strict=False):
        weights = np.asarray(kernel, dtype=float)
        result = cv.feature_map(photo, weights)
        low, high = 0.0, 255.0
        if abs(weights.sum()) < 1e-9:
            high = float(np.quantile(np.abs(result), 0.995)) or 1.0
            low = -high
        ax.imshow(result, cmap="gray", vmin=low, vmax=high)
        ax.set_title(title, fontsize=10)
    names = listed(f'"{title}"' for title in filters)
    return described(figure, f"A gray photograph and the results of the filters {names}.")


# ------------------------------------------------------------------------ cells of a grid
def _number(value: float, digits: int = 2) -> str:
    """Write `value` with as few digits as possible and a real minus sign."""
    return f"{round(float(value), digits) + 0.0:g}".replace("-", "−")


def _rows(table: ArrayLike) -> str:
    """Write a table for an alternative text: the numbers of each row, rows separated by a slash."""
    return " / ".join(" ".join(_number(value) for value in row) for row in np.asarray(table))


def _term(value: float) -> str:
    """Write `value` as a term of a sum: negative numbers in brackets."""
    text = _number(value)
    return f"({text})" if text.startswith("−") else text


def _small(name: str, values: ArrayLike, most: int = 16) -> NDArray[Any]:
    """Return `values` as an array; raise InvalidInput if it cannot be drawn cell by cell."""
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
    corner: tuple[float, float],
    *,
    pixels: bool = False,
    title: str = "",
    numbers: bool = True,
    fontsize: float = 9,
) -> None:
    """Draw a table below and right of `corner`; a cell is 1 wide, y points down, NaN is empty.

    With `pixels`, 0 is white and 1 is black; else positive and negative values differ in color.
    """
    table = np.asarray(values, dtype=float)
    x, y = corner
    for (row, column), value in np.ndenumerate(table):
        ink = INK
        if np.isnan(value):
            color: Any = "white"
        elif pixels:
            color = str(1 - 0.87 * float(np.clip(value, 0, 1)))
            ink = "white" if value > 0.5 else "#8c8c8c"
        else:
            color, ink = _shade(float(value))
        rectangle(ax, x + column, y + row, 1, 1, facecolor=color, edgecolor="#a0a0a0", lw=0.8)
        if numbers and not np.isnan(value):
            write(ax, x + column + 0.5, y + row + 0.53, _number(value), fontsize, color=ink)
    height, width = table.shape
    rectangle(ax, x, y, width, height, fill=False, edgecolor=INK, lw=1.3)
    if title:
        write(ax, x + width / 2, y - 0.25, title, fontsize + 1, va="bottom")


def _shade(value: float) -> tuple[tuple[float, ...], str]:
    """Return the color of a number, the same in all figures, and the color of its text.

    White is 0, dark violet 1, orange −2; the explorer's ``shade`` does the same.
    """
    end, part = (_NEGATIVE, -value / 2) if value < 0 else (_POSITIVE, value)
    white = np.full(3, 255.0)
    color = white + (np.array(end) - white) * min(1.0, part)
    if value > 1:
        color = color * (1 - min(1.0, (value - 1) / 2) / 2)
    return tuple(color / 255), "white" if value > 0.7 else INK


def _frame(
    ax: Axes, x: float, y: float, width: float, height: float, color: str = _FRAME, lw: float = 2.6
) -> None:
    """Draw a colored frame that is visible on black and on white."""
    for edge, line in (("white", 1.7 * lw), (color, lw)):
        rectangle(ax, x, y, width, height, fill=False, edgecolor=edge, lw=line, zorder=4)


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], color: str = INK
) -> None:
    arrow(ax, start, end, color=color, lw=1.6, shrinkA=0, shrinkB=0)


def _level_arrow(ax: Axes, start: float, end: float, y: float, text: str = "") -> None:
    """Draw an arrow to the right, with text above it."""
    _arrow(ax, (start, y), (end, y))
    if text:
        write(ax, (start + end) / 2, y - 0.25, text, va="bottom")


def _canvas(ax: Axes | None, width: float, height: float, scale: float = 0.42) -> Axes:
    """Return axes of `width` × `height` cells without ticks; a cell measures `scale` inches."""
    ax = new_axes(ax, (width * scale, height * scale))
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.set_axis_off()
    return ax


def _tables(what: str, tables: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Return small arrays by title; raise InvalidInput if there are none."""
    if not tables:
        raise InvalidInput(f"There is no {what} to draw: the mapping of {what}s is empty.")
    return {title: _small(f"the {what} {title!r}", table) for title, table in tables.items()}
