"""Figures about networks: their layers as blocks, their parameters, what one number sees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#222222"
_KINDS = {  # what a layer does: (colour, hatch)
    "images": ("#bbbbbb", ""),
    "convolution": (PALETTE[0], ""),
    "pooling": (PALETTE[2], "///"),
    "flattening": (PALETTE[3], "..."),
    "dense": (PALETTE[1], ""),
    "normalisation": (PALETTE[4], ""),
    "other": ("#dddddd", ""),
}


@dataclass
class _Block:
    """Layers that are drawn as one block, with what comes out of them."""

    kind: str
    lines: list[str]
    shape: tuple[int, ...]
    quiet: list[str] = field(default_factory=list)


def architecture(model: Any, ax: Axes | None = None) -> Axes:
    """Draw a network as a row of blocks, from the image to the logits.

    The height of a block stands for height and width of the feature maps, its thickness for their
    number, the height of a bar for the numbers in a row; all on scales that let small ones be
    seen. Layers that change none of them, such as batch normalisation or dropout, are named under
    the block before them.

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
    gap, for_words = 0.62, 0.3  # the words below two bars in a row need more room
    width = sum(thick + 0.35 * high for high, thick in sizes) + gap * (len(blocks) + 1)
    ax = new_axes(ax, (min(max(0.85 * width, 6.5), 12.0), 4.0))
    left, tallest = gap / 2, max(high for high, _ in sizes)
    middle = tallest / 2
    previous_end, bar_before = None, False
    for block, (high, thick) in zip(blocks, sizes, strict=True):
        is_bar = len(block.shape) < 3
        if is_bar and bar_before:
            left += for_words
        slant = 0.0 if is_bar else 0.22 * high
        bottom = middle - high / 2
        _draw_block(ax, block.kind, left, bottom, thick, high, slant)
        right = left + thick + slant
        centre = left + thick / 2
        if previous_end is not None:
            ax.annotate(
                "",
                (left - 0.05, middle),
                (previous_end + 0.05, middle),
                arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1},
            )
        ax.text(
            centre + slant / 2,
            bottom + high + slant + 0.12,
            "×".join(str(n) for n in block.shape),
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=_INK,
        )
        ax.text(
            centre,
            middle - tallest / 2 - 0.18,
            "\n".join(block.lines + block.quiet),
            ha="center",
            va="top",
            fontsize=8.5,
            color=_INK,
            linespacing=1.25,
        )
        previous_end, bar_before = right, is_bar
        left = right + gap
    most_lines = max(len(block.lines) + len(block.quiet) for block in blocks)
    ax.set_xlim(0, left)
    ax.set_ylim(-0.35 - 0.3 * most_lines, tallest * 1.25 + 0.5)
    ax.axis("off")
    _legend(ax, [block.kind for block in blocks])
    return ax


def parameter_bars(models: Mapping[str, Any] | Sequence[Any], ax: Axes | None = None) -> Axes:
    """Draw the number of weights of some models, divided by the kind of layer they belong to.

    First met in lesson 03.

    Parameters
    ----------
    models : mapping of str to keras.Model, or sequence of keras.Model
        Built models; those of a sequence go by their own names.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    if not isinstance(models, Mapping):
        models = {model.name: model for model in models}
    if not models:
        raise InvalidInput("There is no model to draw; give at least one.")
    ax = new_axes(ax, (8.0, 1.2 + 0.55 * len(models)))
    counts = {name: _parameters_by_kind(model) for name, model in models.items()}
    kinds = [kind for kind in _KINDS if any(kind in count for count in counts.values())]
    left = np.zeros(len(models))
    for kind in kinds:
        values = np.array([count.get(kind, 0) for count in counts.values()], dtype=float)
        colour, hatch = _KINDS[kind]
        ax.barh(
            range(len(models)),
            values,
            left=left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=f"{kind} layers",
        )
        left += values
    for row, total in enumerate(left):
        ax.annotate(f"{total:,.0f}", (total, row), (5, 0), textcoords="offset points", va="center")
    ax.set_yticks(range(len(models)), list(models))
    ax.invert_yaxis()
    ax.set_xlabel("number of parameters")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.locator_params(axis="x", nbins=5)
    ax.margins(x=0.14)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=len(kinds), loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return ax


def receptive_fields(image: Any, sizes: Mapping[str, int], ax: Axes | None = None) -> Axes:
    """Draw on a picture how much of it one number of each layer can see.

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
    from matplotlib.patches import Rectangle

    picture = np.clip(np.asarray(image), 0, 255).astype("uint8")
    height, width = picture.shape[:2]
    ax = new_axes(ax, (6.4, 3.6))
    ax.imshow(picture[..., 0] if picture.shape[-1] == 1 else picture, cmap="gray")
    centre_x, centre_y = width / 2 - 0.5, height / 2 - 0.5
    handles = []
    for number, (name, side) in enumerate(sizes.items()):
        style: dict[str, Any] = {
            "edgecolor": PALETTE[(number + 4) % len(PALETTE)],
            "linestyle": ("-", "--", "-.", ":")[number % 4],
            "linewidth": 2.2,
            "fill": False,
        }
        corner = (centre_x - side / 2, centre_y - side / 2)
        ax.add_patch(Rectangle(corner, side, side, edgecolor="white", linewidth=3.6, fill=False))
        handles.append(
            ax.add_patch(Rectangle(corner, side, side, label=f"{name}: {side}×{side}", **style))
        )
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.axis("off")
    ax.legend(handles=handles, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def shuffled_pixels(images: Any, order: np.ndarray, size: float = 1.4) -> Figure:
    """Show pictures above the same pictures with their pixels in another order.

    First met in lesson 03.

    Parameters
    ----------
    images : array (N, H, W, C)
        uint8, or float in 0 to 255.
    order : array (H * W,) of int
        The order of the pixels, the same for all pictures.
    size : float
        Width of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    pictures = np.clip(np.asarray(images), 0, 255).astype("uint8")
    count, height, width, channels = pictures.shape
    mixed = pictures.reshape(count, height * width, channels)[:, order].reshape(pictures.shape)
    figure, axes = plt.subplots(
        2, count, figsize=(count * (size + 0.1), 2 * size + 0.3), layout="constrained"
    )
    for row, (name, some) in enumerate((("as they are", pictures), ("shuffled", mixed))):
        for column, picture in enumerate(some):
            ax = axes[row, column]
            ax.imshow(picture[..., 0] if channels == 1 else picture, cmap="gray")
            ax.set_xticks([])
            ax.set_yticks([])
            if column == 0:
                ax.set_ylabel(name)
    return figure


def _blocks(model: Any) -> list[_Block]:
    if not getattr(model, "built", False):
        raise InvalidInput(
            "The model has no weights yet; begin it with keras.Input((height, width, channels))."
        )
    blocks = [_Block("images", ["image"], tuple(model.input_shape[1:]))]
    for layer in model.layers:
        kind, lines = _describe(layer)
        shape = tuple(layer.output.shape[1:])
        if kind == "images":
            continue
        if kind in ("other", "normalisation") and shape == blocks[-1].shape:
            blocks[-1].quiet += lines
            continue
        blocks.append(_Block(kind, lines, shape))
    return blocks


def _describe(layer: Any) -> tuple[str, list[str]]:
    """Return what a layer does and the lines that say so."""
    name = type(layer).__name__
    kind = _kind(layer)
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    behind = [] if activation == "linear" else [{"relu": "ReLU"}.get(activation, activation)]
    if name == "Conv2D":
        stride = "" if layer.strides[0] == 1 else f", stride {layer.strides[0]}"
        window = "×".join(str(n) for n in layer.kernel_size)
        return kind, [f"conv {window}{stride}", f"{layer.filters} filters", *behind]
    if name in ("MaxPooling2D", "AveragePooling2D"):
        window = "×".join(str(n) for n in layer.pool_size)
        return kind, [f"{'max' if name.startswith('Max') else 'average'} pool", window]
    if name == "Dense":
        is_logits = activation == "linear" and layer.name.startswith("logits")
        return kind, [f"dense {layer.units}", *(["logits"] if is_logits else behind)]
    words = {
        "Flatten": "flatten",
        "GlobalAveragePooling2D": "global\naverage\npool",
        "GlobalMaxPooling2D": "global\nmax\npool",
        "Rescaling": "rescaling",
        "BatchNormalization": "batch norm",
        "ReLU": "ReLU",
        "Dropout": "dropout",
    }
    if name == "Dropout":
        return kind, [f"dropout {layer.rate:g}"]
    return kind, words.get(name, name).split("\n")


def _kind(layer: Any) -> str:
    name = type(layer).__name__
    if name == "InputLayer":
        return "images"
    if "Conv" in name:
        return "convolution"
    if name == "Flatten":
        return "flattening"
    if "Pooling" in name:
        return "pooling"
    if name == "Dense":
        return "dense"
    if "Normalization" in name:
        return "normalisation"
    return "other"


def _parameters_by_kind(model: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for layer in model.layers:
        if hasattr(layer, "layers"):
            for kind, number in _parameters_by_kind(layer).items():
                counts[kind] = counts.get(kind, 0) + number
        elif layer.count_params():
            counts[_kind(layer)] = counts.get(_kind(layer), 0) + layer.count_params()
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
    from matplotlib.patches import Polygon

    colour, hatch = _KINDS[kind]
    right, top = left + thick, bottom + high
    faces = [([(left, bottom), (right, bottom), (right, top), (left, top)], 1.0)]
    if slant:
        faces += [
            (
                [
                    (left, top),
                    (right, top),
                    (right + slant, top + slant),
                    (left + slant, top + slant),
                ],
                0.75,
            ),
            (
                [
                    (right, bottom),
                    (right + slant, bottom + slant),
                    (right + slant, top + slant),
                    (right, top),
                ],
                0.55,
            ),
        ]
    for corners, strength in faces:
        ax.add_patch(
            Polygon(
                corners,
                facecolor=_mixed(colour, strength),
                edgecolor="white",
                hatch=hatch,
                linewidth=0.8,
            )
        )


def _mixed(colour: str, strength: float) -> tuple[float, ...]:
    """Return a colour lightened towards white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def _legend(ax: Axes, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    shown = [kind for kind in _KINDS if kind in kinds]
    ax.legend(
        handles=[
            Patch(facecolor=_KINDS[kind][0], hatch=_KINDS[kind][1], edgecolor="white", label=kind)
            for kind in shown
        ],
        frameon=False,
        ncols=len(shown),
        loc="upper center",
        bbox_to_anchor=(0.5, 1.04),
        fontsize=9,
    )
