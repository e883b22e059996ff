"""Figures of lesson 03: layers, architectures, parameters, and what trained filters respond to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    INK,
    LINE_STYLES,
    PALETTE,
    QUIET,
    TAG,
    VARIANTS,
    arrow,
    described,
    grid_shape,
    hide_ticks,
    legend_above,
    legend_right,
    listed,
    new_axes,
    note,
    open_frame,
    panels,
    rectangle,
    require_some,
    row_name,
    show_image,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = {  # what a layer does: (color, hatch)
    "images": ("#bbbbbb", ""),
    "convolution": (VARIANTS[0], ""),
    "pooling": (VARIANTS[1], "///"),
    "flattening": (VARIANTS[2], "..."),
    "dense": (VARIANTS[4], ""),
    "normalization": (VARIANTS[5], ""),
    "other": ("#dddddd", ""),
}


def architecture(model: Any, ax: Axes | None = None) -> Axes:
    """Draw a network as a row of blocks, from the image to the logits.

    The height of a block shows height and width of the feature maps, its thickness their number;
    the height of a bar shows the length of a vector. The scales are not linear, so that small
    blocks are visible. Layers that do not change the shape, such as batch normalization or dropout,
    are named under the block before them.

    First met in lesson 03.

    Parameters
    ----------
    model : keras.Model
        A built model whose layers follow one another.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If the model is not built.
    """
    blocks = _blocks(model)
    sizes = [_size(block.shape) for block in blocks]
    gap, for_words = 0.62, 0.3  # the text below two adjacent bars needs more room
    width = sum(thick + 0.35 * high for high, thick in sizes) + gap * (len(blocks) + 1)
    ax = new_axes(ax, (min(max(0.85 * width, 6.5), 12.0), 4.0))
    left, tallest = gap / 2, max(high for high, _ in sizes)
    middle = tallest / 2
    end, bar_before = None, False
    for block, (high, thick) in zip(blocks, sizes, strict=True):
        is_bar = len(block.shape) < 3
        if is_bar and bar_before:
            left += for_words
        slant = 0.0 if is_bar else 0.22 * high
        bottom = middle - high / 2
        _draw_block(ax, block.kind, left, bottom, thick, high, slant)
        if end is not None:
            arrow(ax, (end + 0.05, middle), (left - 0.05, middle), lw=1)
        center, top = left + thick / 2, bottom + high + slant
        shape = _times(block.shape)
        write(ax, center + slant / 2, top + 0.12, shape, 8.5, va="bottom", color=INK)
        words = "\n".join(block.lines + block.quiet)
        style: dict[str, Any] = {"va": "top", "color": INK, "linespacing": 1.25}
        write(ax, center, middle - tallest / 2 - 0.18, words, 8.5, **style)
        end, bar_before = left + thick + slant, is_bar
        left = end + gap
    most_lines = max(len(block.lines) + len(block.quiet) for block in blocks)
    ax.set_xlim(0, left)
    ax.set_ylim(-0.35 - 0.3 * most_lines, tallest * 1.25 + 0.5)
    ax.axis("off")
    _legend(ax, [block.kind for block in blocks])
    steps = [f"{' '.join(block.lines)} ({_times(block.shape)})" for block in blocks]
    return described(ax, f"A network as a row of blocks: {', '.join(steps)}.".replace("\n", " "))


def parameter_bars(models: Mapping[str, Any] | Sequence[Any], ax: Axes | None = None) -> Axes:
    """Draw the number of parameters of several models by kind of layer.

    First met in lesson 03.

    Parameters
    ----------
    models : mapping of str to keras.Model, or sequence of keras.Model
        Built models; a sequence is labeled with the names of the models.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    if not isinstance(models, Mapping):
        models = {model.name: model for model in models}
    require_some("model", models)
    ax = new_axes(ax, (8.0, 1.2 + 0.55 * len(models)))
    rows = range(len(models))
    counts = [_parameters_by_kind(model) for model in models.values()]
    kinds = [kind for kind in _KINDS if any(kind in count for count in counts)]
    left = np.zeros(len(models))
    for kind in kinds:
        values = np.array([count[kind] for count in counts], dtype=float)
        color, hatch = _KINDS[kind]
        look: dict[str, Any] = {"color": color, "hatch": hatch, "edgecolor": "white"}
        ax.barh(rows, values, left=left, label=f"{kind} layers", **look)
        left += values
    for row, total in enumerate(left):
        note(ax, f"{total:,.0f}", (total, row), (5, 0), fontsize=10, va="center")
    ax.set_yticks(rows, list(models))
    ax.invert_yaxis()
    ax.set_xlabel("number of parameters")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.locator_params(axis="x", nbins=5)
    ax.margins(x=0.14)
    open_frame(ax)
    legend_above(ax, len(kinds))
    totals = [f"{name} {total:,.0f}" for name, total in zip(models, left, strict=True)]
    return described(ax, f"Bars for the number of parameters: {listed(totals)}.")


def receptive_fields(image: Any, sizes: Mapping[str, int], ax: Axes | None = None) -> Axes:
    """Draw on an image the receptive field of one value of each layer.

    First met in lesson 03, which computes the sizes.

    Parameters
    ----------
    image : array (H, W, C)
        uint8, or float in 0 to 255.
    sizes : mapping of str to int
        Name of each layer to the side of its receptive field in pixels, smallest first.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    picture = np.asarray(image)
    height, width = picture.shape[:2]
    ax = new_axes(ax, (11.8, 5.9))
    show_image(ax, picture)
    center_x, center_y = width / 2 - 0.5, height / 2 - 0.5
    handles = []
    for number, (name, side) in enumerate(sizes.items()):
        box = (center_x - side / 2, center_y - side / 2, side, side)
        rectangle(ax, *box, edgecolor="white", linewidth=3.6, fill=False)
        look: dict[str, Any] = {
            "edgecolor": PALETTE[(number + 4) % len(PALETTE)],
            "linestyle": LINE_STYLES[number % len(LINE_STYLES)],
        }
        text = f"{name}: {side}×{side}"
        handles.append(rectangle(ax, *box, label=text, linewidth=2.2, fill=False, **look))
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.axis("off")
    legend_right(ax, handles=handles)
    seen = [str(handle.get_label()) for handle in handles]
    return described(
        ax, f"An image with the receptive field of each layer, in pixels: {listed(seen)}."
    )


def shuffled_pixels(images: Any, order: np.ndarray, size: float = 1.6) -> Figure:
    """Draw images above the same images with permuted pixels.

    First met in lesson 03.

    Parameters
    ----------
    images : array (N, H, W, C)
        uint8, or float in 0 to 255.
    order : array (H * W,) of int
        The order of the pixels, the same for all images.
    size : float
        Width of one image in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    pictures = np.clip(np.asarray(images), 0, 255).astype("uint8")
    count, height, width, channels = pictures.shape
    mixed = pictures.reshape(count, height * width, channels)[:, order].reshape(pictures.shape)
    figure, axes = panels(2, count, (count * (size + 0.1), 2 * size + 0.3))
    for row, name, some in zip(axes, ("as they are", "shuffled"), (pictures, mixed), strict=True):
        row[0].set_ylabel(name)
        for ax, picture in zip(row, some, strict=True):
            show_image(ax, picture)
            hide_ticks(ax)
    return described(
        figure, f"{count} images above the same images with their pixels in another order."
    )


def dropout_steps(panels_of: Mapping[str, Any]) -> Figure:
    """Draw the same numbers behind a dropout layer at several times, one panel each.

    First met in lesson 03.

    Parameters
    ----------
    panels_of : mapping of str to array (rows, columns)
        Title of each panel to its numbers, for instance "training step 1". Zeros are hatched.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no panel, or an array has not two axes.
    """
    tables = {title: _two_axes(values) for title, values in panels_of.items()}
    require_some("panel", tables)
    figure, axes = panels(1, len(tables), (3.2 * len(tables), 2.7))
    largest = max(float(np.abs(table).max()) for table in tables.values()) or 1.0
    said = []
    for ax, (title, table) in zip(axes.flat, tables.items(), strict=True):
        rows, columns = table.shape
        for row in range(rows):
            for column in range(columns):
                _draw_number(ax, column, row, table[row, column], largest)
        ax.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", title=title)
        hide_ticks(ax)
        said.append(f"{title}: {int((table == 0).sum())} of {table.size} are zero")
    return described(figure, f"The same numbers behind dropout. {'; '.join(said)}.")


def _two_axes(values: Any) -> np.ndarray:
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or not table.size:
        raise InvalidInput(f"A panel needs numbers in rows and columns, not shape {table.shape}.")
    return table


def _draw_number(ax: Axes, left: int, top: int, value: float, largest: float) -> None:
    """Draw one number in a square: the larger the darker; a zero is hatched."""
    if value == 0:
        look: dict[str, Any] = {"facecolor": "white", "edgecolor": QUIET, "hatch": "///"}
    else:
        strength = 0.15 + 0.55 * abs(value) / largest
        look = {"facecolor": _lightened(VARIANTS[0], strength), "edgecolor": "white"}
    rectangle(ax, left + 0.04, top + 0.04, 0.92, 0.92, **look)
    text = "0" if value == 0 else f"{value:.1f}"
    style: dict[str, Any] = {"bbox": TAG} if value == 0 else {}
    write(ax, left + 0.5, top + 0.5, text, 9, color=INK, **style)


def batch_distributions(before: Any, after: Any, channels: Sequence[int] = (0, 1, 2)) -> Figure:
    """Draw the values of some channels of a batch before and after batch normalization.

    First met in lesson 03.

    Parameters
    ----------
    before, after : array (N, H, W, C)
        What goes into the layer, and what comes out while training.
    channels : sequence of int
        The channels that are drawn, one row each.

    Returns
    -------
    matplotlib.figure.Figure
        The dashed line is the mean; the bar below the histogram is one standard deviation to each
        side.

    Raises
    ------
    InvalidInput
        If no channel is given.
    """
    require_some("channel", channels)
    sides = {"before": np.asarray(before), "after": np.asarray(after)}
    size = (8.6, 1.3 * len(channels) + 0.9)
    figure, axes = panels(len(channels), 2, size, sharex="col")
    said = []
    for column, (side, values) in enumerate(sides.items()):
        for row, channel in enumerate(channels):
            ax, of_channel = axes[row, column], values[..., channel].ravel()
            mean, spread = float(of_channel.mean()), float(of_channel.std())
            shown = f"mean {round(mean, 2) + 0:.2f}, standard deviation {spread:.2f}"
            color, hatch = (VARIANTS[0], "") if column == 0 else (VARIANTS[1], "///")
            look = {"color": color, "hatch": hatch, "edgecolor": "white", "histtype": "stepfilled"}
            ax.hist(of_channel, bins=60, density=True, **look)
            ax.axvline(mean, color=INK, linestyle="--", linewidth=1.2)
            low = -0.06 * ax.get_ylim()[1]
            ax.plot([mean - spread, mean + spread], [low, low], color=INK, linewidth=4)
            ax.set_title(shown, fontsize=9, loc="left")
            ax.set_yticks([])
            open_frame(ax)
            if column == 0:
                ax.set_ylabel(f"channel {channel}")
            said.append(f"channel {channel} {side}: {shown}")
        axes[-1, column].set_xlabel(f"value {side} batch normalization")
    text = "Histograms of the values of a batch before and after batch normalization"
    return described(figure, f"{text}: {'; '.join(said)}.")


def filters_and_maps(image: Any, filters: Any, maps: Any, most: int = 11) -> Figure:
    """Draw an image, and filters of the first convolution above their feature maps.

    First met in lesson 03.

    Parameters
    ----------
    image : array (H, W, C)
        uint8, or float in 0 to 255.
    filters : array (height, width, C, F)
        The weights of the layer, as its ``kernel``; those of 3 channels are drawn in color.
    maps : array (H', W', F)
        What the layer makes of the image.
    most : int
        Number of filters: those whose maps have the largest mean are drawn.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If filters and maps do not belong to one layer.
    """
    weights, responses = np.asarray(filters, dtype=float), np.asarray(maps, dtype=float)
    if weights.ndim != 4 or responses.ndim != 3 or weights.shape[3] != responses.shape[2]:
        raise InvalidInput(
            f"The filters have the shape {weights.shape} and the maps {responses.shape}; they must "
            "be (height, width, channels, filters) and (height, width, filters)."
        )
    order = np.argsort(-responses.mean(axis=(0, 1)), kind="stable")[:most]
    rows, columns = grid_shape(len(order) + 1, 6)  # the image comes first
    heights = [0.45, 1.0] * rows
    figsize = (columns * 1.65, rows * 2.55)
    figure, axes = panels(2 * rows, columns, figsize, bare=True, height_ratios=heights)
    show_image(axes[1, 0], image)
    axes[0, 0].text(0.5, 0.0, "the picture", ha="center", va="bottom", fontsize=9)
    for place, number in enumerate(order, start=1):
        row, column = divmod(place, columns)
        above, below = axes[2 * row, column], axes[2 * row + 1, column]
        above.imshow(_as_picture(weights[..., number]), cmap="gray", vmin=0, vmax=1)
        above.set_title(f"filter {number}", fontsize=9, pad=3)
        below.imshow(responses[..., number], cmap="gray")
    shown = listed(order)
    return described(
        figure,
        f"A picture, and filters {shown} of the first convolution as small images, each above its "
        "feature map: bright where the filter responds.",
    )


def _as_picture(weights: np.ndarray) -> np.ndarray:
    """Return the weights of one filter as values from 0 to 1; 0.5 is a weight of zero."""
    scaled = 0.5 + 0.5 * weights / max(float(np.abs(weights).max()), 1e-12)
    return scaled if scaled.shape[-1] == 3 else scaled.mean(axis=-1)


def strongest_patches(patches: Mapping[str, Sequence[Any]]) -> Figure:
    """Draw the parts of images to which filters respond most strongly, one filter per row.

    First met in lesson 03.

    Parameters
    ----------
    patches : mapping of str to sequence of array (H, W, C)
        Name of each filter to parts of images, strongest first; uint8, or float in 0 to 255.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no filter, or a filter has no patch.
    """
    require_some("filter", patches)
    for name, some in patches.items():
        require_some(f"patch of {name}", some)
    columns = max(len(some) for some in patches.values())
    figure, axes = panels(len(patches), columns, (1.55 * columns + 0.8, 1.6 * len(patches)))
    for row, (name, some) in zip(axes, patches.items(), strict=True):
        row_name(row[0], name)
        for ax in row[len(some) :]:
            ax.set_axis_off()
        for ax, patch in zip(row, some, strict=False):
            show_image(ax, patch)
            hide_ticks(ax, frame=False)
    text = "For each filter, the parts of pictures to which it responds most strongly"
    return described(figure, f"{text}: {listed(patches)}.")


@dataclass
class _Block:
    """Layers that are drawn as one block, with the shape of their output."""

    kind: str
    lines: list[str]
    shape: tuple[int, ...]
    quiet: list[str] = field(default_factory=list)


def _blocks(model: Any) -> list[_Block]:
    if not getattr(model, "built", False):
        raise InvalidInput(
            "The model has no weights yet; start it with keras.Input((height, width, channels))."
        )
    blocks = [_Block("images", ["image"], tuple(model.input_shape[1:]))]
    for layer in model.layers:
        kind, lines = _describe(layer)
        shape = tuple(layer.output.shape[1:])
        if kind == "images":
            continue
        if kind in ("other", "normalization") and shape == blocks[-1].shape:
            blocks[-1].quiet += lines
            continue
        blocks.append(_Block(kind, lines, shape))
    return blocks


def _describe(layer: Any) -> tuple[str, list[str]]:
    """Return what a layer does and the lines that say so."""
    name = type(layer).__name__
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    behind = [] if activation == "linear" else [{"relu": "ReLU"}.get(activation, activation)]
    if name == "Conv2D":
        stride = "" if layer.strides[0] == 1 else f", stride {layer.strides[0]}"
        lines = [f"conv {_times(layer.kernel_size)}{stride}", f"{layer.filters} filters", *behind]
    elif name in ("MaxPooling2D", "AveragePooling2D"):
        how = "max" if name.startswith("Max") else "average"
        lines = [f"{how} pool", _times(layer.pool_size)]
    elif name == "Dense":
        is_logits = activation == "linear" and layer.name.startswith("logits")
        lines = [f"dense {layer.units}", *(["logits"] if is_logits else behind)]
    elif name == "Dropout":
        lines = [f"dropout {layer.rate:g}"]
    else:
        lines = _WORDS.get(name, name).split("\n")
    return _kind(name), lines


_WORDS = {
    "Flatten": "flatten",
    "GlobalAveragePooling2D": "global\naverage\npool",
    "GlobalMaxPooling2D": "global\nmax\npool",
    "Rescaling": "rescaling",
    "BatchNormalization": "batch norm",
    "ReLU": "ReLU",
}
_KIND_BY_PART = {  # part of a layer's class name: kind; the first match is used
    "InputLayer": "images",
    "Conv": "convolution",
    "Flatten": "flattening",
    "Pooling": "pooling",
    "Dense": "dense",
    "Normalization": "normalization",
}


def _kind(name: str) -> str:
    return next((kind for part, kind in _KIND_BY_PART.items() if part in name), "other")


def _times(numbers: Sequence[int]) -> str:
    return "×".join(str(number) for number in numbers)


def _parameters_by_kind(model: Any) -> Counter[str]:
    """Return the number of parameters of each kind of layer, of nested models too."""
    counts: Counter[str] = Counter()
    for layer in model.layers:
        if hasattr(layer, "layers"):
            counts += _parameters_by_kind(layer)
        elif layer.count_params():
            counts[_kind(type(layer).__name__)] += layer.count_params()
    return counts


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return height and thickness of a block in units of the figure."""
    if len(shape) == 3:
        high = 0.35 * math.sqrt(max(shape[0], shape[1]))
        return high, 0.08 + 0.09 * math.log2(shape[2] + 1)
    return min(0.26 * shape[-1] ** 0.3, 5.0), 0.22


def _draw_block(
    ax: Axes, kind: str, left: float, bottom: float, thick: float, high: float, slant: float
) -> None:
    """Draw a block: its front and, where it is slanted, its upper and its right side."""
    from matplotlib.patches import Polygon

    color, hatch = _KINDS[kind]
    front = np.array([(0, 0), (thick, 0), (thick, high), (0, high)]) + (left, bottom)
    faces = [(front, 1.0)]
    if slant:
        low_left, low_right, top_right, top_left = front
        faces += [
            (np.array([top_left, top_right, top_right + slant, top_left + slant]), 0.75),
            (np.array([low_right, low_right + slant, top_right + slant, top_right]), 0.55),
        ]
    for corners, strength in faces:
        look: dict[str, Any] = {"facecolor": _lightened(color, strength), "hatch": hatch}
        ax.add_patch(Polygon(corners, edgecolor="white", linewidth=0.8, **look))


def _lightened(color: str, strength: float) -> tuple[float, ...]:
    """Return a color mixed with white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(color))


def _legend(ax: Axes, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=kind)
        for kind, (color, hatch) in _KINDS.items()
        if kind in kinds
    ]
    place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, 1.04)}
    ax.legend(handles=handles, frameon=False, ncols=len(handles), fontsize=9, **place)
