"""Figures about what a network looks at: filters, feature maps, heat maps and their checks.

First met in lesson 07.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets import displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import LINE_STYLES, MARKERS, PALETTE, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAT = "viridis"  # purple is little, yellow is much
_BASELINES = ("random", "centre", "edges", "even")
_INK = "#222222"
_QUIET = "#6f6f6f"
_MOST_PANELS = 160
_DPI = 80  # of figures made of pictures, which take much room in a notebook


def first_layer_filters(filters: np.ndarray, columns: int = 8, *, size: float = 0.8) -> Figure:
    """Draw the filters of the first convolution as small pictures.

    Parameters
    ----------
    filters : array (filters, height, width, channels)
        As `explain.first_layer_filters` gives them. Of a filter with 3 channels the weights for
        red, green and blue are drawn as these colours; mid-grey is a weight of zero.
    columns : int
        Filters per row.
    size : float
        Width of one filter in inches.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If there are no filters of this kind.
    """
    import matplotlib.pyplot as plt

    weights = np.asarray(filters, dtype="float32")
    if weights.ndim != 4 or not weights.size:
        raise InvalidInput(
            f"filters must have the shape (filters, height, width, channels), but it is "
            f"{weights.shape}; explain.first_layer_filters(model) gives them so."
        )
    weights = weights[:_MOST_PANELS]
    columns = max(1, min(columns, len(weights)))
    rows = -(-len(weights) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size, rows * (size + 0.2)),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for number, (ax, one) in enumerate(zip(axes.flat, weights, strict=False)):
        picture = 0.5 + 0.5 * one / max(float(np.abs(one).max()), 1e-12)
        if picture.shape[-1] != 3:
            picture = picture.mean(axis=-1)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.set_title(str(number), fontsize=8, pad=2)
    return figure


def activation_grid(
    activations: Mapping[str, np.ndarray],
    image: Any = None,
    most: int = 6,
    *,
    size: float = 1.05,
) -> Figure:
    """Draw the feature maps that one image causes, one layer per row.

    Parameters
    ----------
    activations : dict of str to array (height, width, channels)
        As `explain.activations` gives them.
    image : array (H, W, C), optional
        The image itself, drawn in front.
    most : int
        Feature maps per layer; those with the largest values are drawn.
    size : float
        Width of one map in inches.

    Returns
    -------
    Figure
        Each row has one scale: dark is zero, bright is the largest value of the layer. The number
        in a corner is that of the map.

    Raises
    ------
    InvalidInput
        If there is no layer.
    """
    import matplotlib.pyplot as plt

    if not activations:
        raise InvalidInput("There are no feature maps to draw; name at least one layer.")
    first = 0 if image is None else 1
    columns = first + min(most, max(maps.shape[-1] for maps in activations.values()))
    figure, axes = plt.subplots(
        len(activations),
        columns,
        figsize=(columns * (size + 0.05), len(activations) * (size + 0.28)),
        squeeze=False,
        layout="constrained",
        dpi=_DPI,
    )
    for ax in axes.flat:
        ax.set_axis_off()
    if image is not None:
        axes[0, 0].imshow(displayable(image), cmap="gray", vmin=0, vmax=255)
        axes[0, 0].set_title("image", fontsize=8.5, pad=3)
    for row, (name, maps) in zip(axes, activations.items(), strict=True):
        strongest = np.argsort(-maps.max(axis=(0, 1)), kind="stable")[: columns - first]
        for ax, channel in zip(row[first:], strongest, strict=False):
            ax.imshow(maps[..., channel], cmap=_HEAT, vmin=0, vmax=max(float(maps.max()), 1e-12))
            ax.text(
                *(0.04, 0.95, str(channel)),
                transform=ax.transAxes,
                va="top",
                fontsize=7,
                color="white",
                bbox={"facecolor": "black", "alpha": 0.45, "pad": 1, "edgecolor": "none"},
            )
        height, width, count = maps.shape
        row[first].set_title(
            f"{name.split('/')[-1]}: {count} maps of {height} × {width}",
            fontsize=8.5,
            pad=3,
            loc="left",
        )
    return figure


def grad_cam_steps(
    image: Any,
    feature_maps: np.ndarray,
    weights: np.ndarray,
    class_name: str = "the class",
    shown: int = 4,
) -> Figure:
    """Draw the formula of Grad-CAM: feature maps times weights, added up, cut off, laid over.

    Parameters
    ----------
    image : array (H, W, C)
        0-255.
    feature_maps : array (h, w, channels)
        Output of the convolution for this image.
    weights : array (channels,)
        The mean gradient of the class's logit with respect to each feature map.
    class_name : str
    shown : int
        How many feature maps are drawn: those that add or take away most.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If weights and feature maps do not go together.
    """
    import matplotlib.pyplot as plt

    maps, alphas = np.asarray(feature_maps), np.asarray(weights)
    if maps.ndim != 3 or alphas.shape != maps.shape[-1:]:
        raise InvalidInput(
            f"feature_maps of shape {maps.shape} and weights of shape {alphas.shape} do not go "
            f"together; (h, w, channels) goes with (channels,)."
        )
    picture = displayable(image)
    total = maps @ alphas
    heat = np.maximum(total, 0)
    share = np.abs(alphas) * maps.mean(axis=(0, 1))
    chosen = sorted(np.argsort(-share, kind="stable")[:shown], key=lambda k: -alphas[k])
    columns = len(chosen) + 4
    figure, axes = plt.subplots(
        1, columns, figsize=(1.42 * columns, 2.0), squeeze=False, layout="constrained", dpi=_DPI
    )
    for ax in axes[0]:
        ax.set(xticks=[], yticks=[])
    panels = list(axes[0])
    panels[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
    panels[0].set_title("image", fontsize=9)
    for ax, k in zip(panels[1:], chosen, strict=False):
        ax.imshow(maps[..., k], cmap=_HEAT, vmin=0)
        ax.set_title(f"map {k}", fontsize=9)
        ax.set_xlabel(f"weight {alphas[k]:+.3f}", fontsize=9)
    limit = max(float(np.abs(total).max()), 1e-12)
    panels[-3].imshow(total, cmap="PuOr_r", vmin=-limit, vmax=limit)
    panels[-3].set_title("weighted sum", fontsize=9)
    panels[-3].set_xlabel(f"of all {len(alphas)}", fontsize=9)
    panels[-2].imshow(heat, cmap=_HEAT, vmin=0)
    panels[-2].set_title("after ReLU", fontsize=9)
    panels[-2].set_xlabel(f"{maps.shape[0]} × {maps.shape[1]}", fontsize=9)
    panels[-1].imshow(_blend(picture, _resized(heat, picture.shape[:2])))
    panels[-1].set_title("laid over", fontsize=9)
    panels[-1].set_xlabel(class_name, fontsize=9)
    return figure


def heat_maps(
    images: Any,
    maps: np.ndarray | Mapping[str, np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    boxes: Any = None,
    alpha: float = 0.6,
    size: float = 1.05,
    colour_bar: bool = True,
) -> Figure:
    """Draw images in the first column and what methods make of them beside it.

    The heat is laid over a grey version of the image, so that every colour means heat. The hottest
    hundredth of the pixels is drawn alike, else single pixels would hide the rest.

    Parameters
    ----------
    images : array (N, H, W, C)
        0-255.
    maps : array (N, H, W), or dict of str to such arrays
        One column for each entry. A map that is zero everywhere is said to be so.
    titles : sequence of str, optional
        Text on the left of each image.
    boxes : array (N, 4), optional
        x0, y0, x1, y1 in pixels, drawn on the images.
    alpha : float
        How much of the heat is seen, 0-1.
    size : float
        Width of one picture in inches.
    colour_bar : bool
        Whether to draw the scale: each map runs from none to its own most.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If images and maps differ in number, or there are too many.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    columns = maps if isinstance(maps, Mapping) else {"heat": maps}
    count = len(images)
    for name, one in columns.items():
        if len(one) != count:
            raise InvalidInput(f"There are {count} images but {len(one)} maps of {name!r}.")
    if not count or count * (1 + len(columns)) > _MOST_PANELS:
        raise InvalidInput(
            f"{count} images with {len(columns)} maps each make {count * (1 + len(columns))} "
            f"pictures; a figure has between 1 and {_MOST_PANELS}."
        )
    figure, axes = plt.subplots(
        count,
        1 + len(columns),
        figsize=((1 + len(columns)) * size + 1.4, count * size + 0.3),
        squeeze=False,
        layout="constrained",
        dpi=_DPI,
    )
    for i, row in enumerate(axes):
        picture = displayable(images[i])
        row[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
        if titles is not None:
            row[0].set_ylabel(titles[i], rotation=0, ha="right", va="center", fontsize=8.5)
        for ax, one in zip(row[1:], columns.values(), strict=True):
            heat = np.maximum(np.asarray(one[i], dtype="float32"), 0)
            heat = np.minimum(heat, np.percentile(heat, 99) or heat.max())
            if heat.max() > 0:
                ax.imshow(_blend(picture, heat, alpha))
            else:
                ax.imshow(_blend(picture, None, alpha))
                ax.text(
                    *(0.5, 0.5, "zero\neverywhere"),
                    transform=ax.transAxes,
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white",
                )
        for ax in row:
            ax.set(xticks=[], yticks=[])
            if boxes is not None:
                x0, y0, x1, y1 = (float(value) for value in boxes[i])
                for colour, width in (("black", 2.4), ("white", 1.1)):
                    ax.add_patch(
                        Rectangle(
                            (x0 - 0.5, y0 - 0.5),
                            x1 - x0,
                            y1 - y0,
                            fill=False,
                            edgecolor=colour,
                            linewidth=width,
                        )
                    )
    axes[0, 0].set_title("image", fontsize=9)
    for ax, name in zip(axes[0, 1:], columns, strict=True):
        ax.set_title(name, fontsize=9)
    if colour_bar:
        _colour_bar(figure, axes)
    return figure


def class_heat(
    maps: np.ndarray, classes: Sequence[int], class_names: Sequence[str], *, size: float = 1.4
) -> Figure:
    """Draw the mean map of each class: a habit of the model that one picture does not show.

    White dots are the peaks of the single maps.

    Parameters
    ----------
    maps : array (N, H, W)
        Each is divided by its sum first, so that every picture counts the same.
    classes : sequence of N ints
        The class of each picture.
    class_names : sequence of str
    size : float
        Width of one map in inches.

    Returns
    -------
    Figure
        Each map runs from none to its own most. A class without pictures is left blank.

    Raises
    ------
    InvalidInput
        If maps and classes differ in number.
    """
    import matplotlib.pyplot as plt

    heat, indices = np.maximum(np.asarray(maps, "float64"), 0), np.asarray(classes)
    if heat.ndim != 3 or indices.shape != heat.shape[:1]:
        raise InvalidInput(
            f"maps of shape {heat.shape} and classes of shape {indices.shape} do not go together."
        )
    sums = heat.sum(axis=(1, 2), keepdims=True)
    heat = heat / np.where(sums > 0, sums, 1)
    columns = min(len(class_names), 6)
    rows = -(-len(class_names) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size + 0.9, rows * (size + 0.3)),
        squeeze=False,
        layout="constrained",
        dpi=_DPI,
    )
    means = {
        k: heat[indices == k].mean(axis=0) for k in range(len(class_names)) if (indices == k).any()
    }
    for ax in axes.flat:
        ax.set_axis_off()
    for k, (ax, name) in enumerate(zip(axes.flat, class_names, strict=False)):
        if k in means:
            ax.imshow(means[k], cmap=_HEAT, vmin=0)
            of_class = heat[(indices == k) & (heat.max(axis=(1, 2)) > 0)]
            places = [np.unravel_index(one.argmax(), one.shape) for one in of_class]
            if places:
                y, x = np.transpose(places)
                ax.scatter(x, y, s=7, color="white", edgecolor="black", linewidth=0.3, alpha=0.8)
            ax.set(xlim=(-0.5, heat.shape[2] - 0.5), ylim=(heat.shape[1] - 0.5, -0.5))
        ax.set_title(f"{name} ({int((indices == k).sum())})", fontsize=9, pad=3)
    _colour_bar(figure, axes)
    return figure


def randomisation(tables: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Draw how the maps of several methods take the destruction of the model.

    Parameters
    ----------
    tables : dict of str to DataFrame
        What `explain.randomisation_check` returned for each method, of one model.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (7.2, 3.6))
    layers: list[str] = []
    for i, (name, table) in enumerate(tables.items()):
        layers = [str(layer).split("/")[-1] for layer in table["layer"]]
        steps = np.arange(len(table))
        ax.plot(
            steps,
            table["correlation"],
            linestyle=LINE_STYLES[i % len(LINE_STYLES)],
            marker=MARKERS[i % len(MARKERS)],
            color=PALETTE[i % len(PALETTE)],
            label=name,
        )
    ax.set_xticks(range(len(layers)), layers, rotation=25, ha="right")
    ax.set(
        xlabel="weights shuffled down to this layer",
        ylabel="correlation with the map\nof the trained network",
    )
    ax.axhline(0, color=_QUIET, linewidth=0.8)
    ax.set_ylim(min(-0.25, ax.get_ylim()[0]), 1.08)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def insertion_deletion(table: pd.DataFrame) -> Figure:
    """Draw the curves of deletion and insertion of every map and baseline.

    Parameters
    ----------
    table : DataFrame
        What `explain.insertion_deletion` returned.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If the table holds no curves.
    """
    import matplotlib.pyplot as plt

    curves = table.attrs.get("curves")
    if not curves:
        raise InvalidInput(
            "The table holds no curves; give what explain.insertion_deletion returned, unchanged."
        )
    figure, axes = plt.subplots(1, 2, figsize=(9.4, 3.4), layout="constrained", sharey=True)
    for ax, game, better in zip(
        axes, ("deletion", "insertion"), ("low is good", "high is good"), strict=True
    ):
        for name, style in _styles(curves).items():
            curve = curves[name][game]
            ax.plot(np.linspace(0, 100, len(curve)), curve, label=name, markevery=4, **style)
        ax.set_title(f"{game}: {better}", fontsize=10)
        ax.set_xlabel("hottest pixels moved (%)")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set(ylabel="probability of the class", ylim=(0, None))
    axes[1].legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def localisation(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how well the heat of several methods falls on the object, baselines set apart.

    Parameters
    ----------
    table : DataFrame
        Rows: methods and baselines ("random", "centre", "edges", "even"). Columns: scores between
        0 and 1, for instance "peak in the box" and "heat in the box".
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (7.0, 0.9 + 0.5 * len(table)))
    height = 0.8 / len(table.columns)
    base = np.arange(len(table))
    for i, column in enumerate(table.columns):
        bars = ax.barh(
            base + (i - (len(table.columns) - 1) / 2) * height,
            table[column].astype(float).fillna(0),
            height * 0.9,
            label=column,
            color=PALETTE[i % len(PALETTE)],
            hatch=("", "///", "...")[i % 3],
            edgecolor="white",
            linewidth=0.5,
        )
        for bar, name, value in zip(bars, table.index, table[column], strict=True):
            bar.set_alpha(0.45 if name in _BASELINES else 1.0)
            text = "–" if value != value else f"{100 * value:.0f} %"
            ax.annotate(
                text,
                (bar.get_width(), bar.get_y() + bar.get_height() / 2),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
    names = [f"{name} (knows nothing)" if name in _BASELINES else name for name in table.index]
    ax.set_yticks(base, names)
    ax.invert_yaxis()
    ax.set(xlabel="share", xlim=(0, 1.08))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return ax


def explanation_methods(ax: Axes | None = None) -> Axes:
    """Draw a map of ways to explain a model: what they need, and what they explain.

    Parameters
    ----------
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (9.2, 4.4))
    ax.set(xlim=(-0.52, 2), ylim=(-0.02, 2.3))
    ax.set_axis_off()
    fields = {
        (0, 1): ("Grad-CAM", "saliency", "integrated gradients", "feature maps of a picture"),
        (1, 1): ("occlusion", "LIME", "SHAP", "Anchors"),
        (0, 0): ("filters of the first layer", "mean Grad-CAM of a class"),
        (1, 0): ("confusion matrix", "accuracy on changed pictures", "a simple stand-in model"),
    }
    for (column, row), names in fields.items():
        ax.add_patch(_rounded(column + 0.02, row + 0.03, 0.96, 0.92, PALETTE[(0, 2)[column]], 0.13))
        spaces = np.linspace(0.83, 0.15, len(names) + 2)[1:-1]
        for name, y in zip(names, spaces, strict=True):
            ax.text(
                column + 0.5, row + y, name, ha="center", va="center", fontsize=10.5, color=_INK
            )
    for column, (name, need) in enumerate(
        (
            ("model-specific", "needs the inside: layers, gradients"),
            ("model-agnostic", "needs predictions only"),
        )
    ):
        ax.text(column + 0.5, 2.18, name, ha="center", weight="bold", fontsize=11.5, color=_INK)
        ax.text(column + 0.5, 2.05, need, ha="center", fontsize=9.5, color=_QUIET)
    for row, (name, what) in enumerate(
        (("global", "how the model\nworks in general"), ("local", "why this one\nprediction"))
    ):
        ax.text(-0.04, row + 0.58, name, ha="right", weight="bold", fontsize=11.5, color=_INK)
        ax.text(-0.04, row + 0.5, what, ha="right", va="top", fontsize=9.5, color=_QUIET)
    return ax


def _rounded(x: float, y: float, width: float, height: float, colour: str, alpha: float) -> Any:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.04",
        facecolor=to_rgba(colour, alpha),
        edgecolor=colour,
        linewidth=1.2,
    )


def _styles(names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Strong lines for methods, thin dotted ones for baselines; never by colour alone."""
    styles: dict[str, dict[str, Any]] = {}
    methods = [name for name in names if name not in _BASELINES]
    for i, name in enumerate(methods):
        styles[name] = {
            "color": PALETTE[i % len(PALETTE)],
            "linestyle": LINE_STYLES[i % 3],
            "marker": MARKERS[i % len(MARKERS)],
            "linewidth": 2,
            "markersize": 5,
        }
    for i, name in enumerate(name for name in names if name in _BASELINES):
        styles[name] = {
            "color": _QUIET,
            "linestyle": ":",
            "marker": ("x", "+", "1", "2")[i % 4],
            "linewidth": 1.2,
            "markersize": 7,
        }
    return styles


def _blend(picture: np.ndarray, heat: np.ndarray | None, alpha: float = 0.55) -> np.ndarray:
    import matplotlib

    # The picture in grey, so that every colour is heat.
    grey = picture if picture.ndim == 2 else picture[..., :3].mean(axis=-1)
    rgb = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    if heat is None:
        return np.rint(rgb * (1 - alpha)).astype("uint8")
    colours = matplotlib.colormaps[_HEAT](heat / heat.max())[..., :3]
    return np.rint((1 - alpha) * rgb + alpha * 255 * colours).astype("uint8")


def _resized(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    large = cv2.resize(heat.astype("float32"), (size[1], size[0]))
    return large if large.max() > 0 else np.full(size, 1e-12, "float32")


def _colour_bar(figure: Figure, axes: np.ndarray) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(
        ScalarMappable(cmap=_HEAT), ax=axes, shrink=0.8, aspect=14 * len(axes), pad=0.015
    )
    bar.set_ticks([0, 1], labels=["none", "most"])
    bar.ax.tick_params(labelsize=8, length=0)
    bar.outline.set_visible(False)
