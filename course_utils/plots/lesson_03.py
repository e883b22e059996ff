"""Figures of lesson 03: architectures, parameters, receptive fields."""

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
    arrow,
    described,
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
    show_image,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = {  # what a layer does: (color, hatch)
    "images": ("#bbbbbb", ""),
    "convolution": (PALETTE[0], ""),
    "pooling": (PALETTE[2], "///"),
    "flattening": (PALETTE[3], "..."),
    "dense": (PALETTE[1], ""),
    "normalization": (PALETTE[4], ""),
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
    ax = new_axes(ax, (6.4, 3.6))
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


def shuffled_pixels(images: Any, order: np.ndarray, size: float = 1.4) -> Figure:
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
