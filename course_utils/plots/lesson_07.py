"""Figures of lesson 07: filters, feature maps, heat maps and sanity checks of heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import explain
from course_utils.datasets import displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    LINE_STYLES,
    MARKERS,
    VARIANTS,
    described,
    grid_shape,
    grouped_bars,
    hide_ticks,
    legend_above,
    legend_right,
    listed,
    new_axes,
    note,
    open_frame,
    outline_box,
    panels,
    row_name,
    series_style,
    show_image,
    write,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAT = explain.HEAT  # purple is low, yellow is high
_MAPS = "gray"  # of feature maps: black is zero, white is high
_BASELINES = ("random", "center", "edges", "even")
_QUIET = "#6f6f6f"
_MOST_PANELS = 160
_DPI = 80  # of figures of images, which need much space in a notebook
_PANEL = 1.5  # inches of one image: 120 pixels
_LEVELS = 16  # shades that are drawn: more are hardly seen, and make notebooks much larger


# ------------------------------------------------------------------------ filters and feature maps
def first_layer_filters(filters: np.ndarray, columns: int = 8, *, size: float = 1.0) -> Figure:
    """Draw the filters of the first convolution layer as small images.

    Parameters
    ----------
    filters : array (filters, height, width, channels)
        As ``explain.first_layer_filters`` returns them. The weights of a filter with 3 channels
        are drawn as red, green and blue; medium gray is a weight of zero.
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
        If the array does not have this shape, or there are no filters.
    """
    weights = np.asarray(filters, dtype="float32")
    if weights.ndim != 4 or not weights.size:
        raise InvalidInput(
            f"filters must have the shape (filters, height, width, channels), but it is "
            f"{weights.shape}; explain.first_layer_filters(model) returns this shape."
        )
    weights = weights[:_MOST_PANELS]
    rows, columns = grid_shape(len(weights), columns)
    figure, axes = panels(rows, columns, (columns * size, rows * (size + 0.2)), bare=True)
    for number, (ax, one) in enumerate(zip(axes.flat, weights, strict=False)):
        picture = 0.5 + 0.5 * one / max(float(np.abs(one).max()), 1e-12)
        if picture.shape[-1] != 3:
            picture = picture.mean(axis=-1)
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.set_title(str(number), fontsize=8, pad=2)
    height, width = weights.shape[1:3]
    return described(
        figure,
        f"{len(weights)} filters of {height} × {width} weights, each as a tiny image of colored "
        f"squares around medium gray.",
    )


def activation_grid(
    activations: Mapping[str, np.ndarray],
    image: Any = None,
    most: int = 4,
    *,
    size: float = _PANEL,
) -> Figure:
    """Draw the feature maps of one image, one layer per row.

    Parameters
    ----------
    activations : dict of str to array (height, width, channels)
        As ``explain.activations`` returns them.
    image : array (H, W, C), optional
        The image itself, drawn first.
    most : int
        Feature maps per layer; those with the largest values are drawn.
    size : float
        Width of one map in inches.

    Returns
    -------
    Figure
        Each row has one scale: black is zero, white is the largest value of the layer. The number
        in a corner is the index of the map.

    Raises
    ------
    InvalidInput
        If no layer is given.
    """
    if not activations:
        raise InvalidInput("There are no feature maps to draw; name at least one layer.")
    first = 0 if image is None else 1
    columns = first + min(most, max(maps.shape[-1] for maps in activations.values()))
    figsize = (columns * (size + 0.05), len(activations) * (size + 0.28))
    figure, axes = panels(len(activations), columns, figsize, bare=True, dpi=_DPI)
    if image is not None:
        show_image(axes[0, 0], image)
        axes[0, 0].set_title("image", fontsize=8.5, pad=3)
    titles = []
    for row, (name, maps) in zip(axes[:, first:], activations.items(), strict=True):
        strongest = np.argsort(-maps.max(axis=(0, 1)), kind="stable")[: columns - first]
        for ax, channel in zip(row, strongest, strict=False):
            _show_map(ax, maps[..., channel], _MAPS, max(float(maps.max()), 1e-12))
            box = {"facecolor": "black", "alpha": 0.45, "pad": 1, "edgecolor": "none"}
            style: dict[str, Any] = {"ha": "left", "va": "top", "color": "white", "bbox": box}
            write(ax, 0.04, 0.95, str(channel), 7, transform=ax.transAxes, **style)
        height, width, count = maps.shape
        titles.append(f"{name.split('/')[-1]}: {count} maps of {height} × {width}")
        row[0].set_title(titles[-1], fontsize=8.5, pad=3, loc="left")
    return described(figure, f"The strongest feature maps of each layer. {'; '.join(titles)}.")


# ------------------------------------------------------------------------ heat maps
def grad_cam_steps(
    image: Any,
    feature_maps: np.ndarray,
    weights: np.ndarray,
    class_name: str = "the class",
    shown: int = 4,
) -> Figure:
    """Draw the steps of Grad-CAM: feature maps times weights, their sum, ReLU, the overlay.

    Parameters
    ----------
    image : array (H, W, C)
        0-255.
    feature_maps : array (h, w, channels)
        Output of the convolution layer for this image.
    weights : array (channels,)
        The mean gradient of the class's logit with respect to each feature map.
    class_name : str
    shown : int
        The number of feature maps that are drawn: those with the largest contributions.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If the shapes of weights and feature maps do not match.
    """
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
    columns = max(4, len(chosen))
    figure, axes = panels(2, columns, (2 * columns, 5), bare=True, dpi=_DPI)
    for ax, k in zip(axes[0], chosen, strict=False):
        _show_map(ax, maps[..., k], _MAPS)
        _name_panel(ax, f"map {k}", f"weight {alphas[k]:+.3f}")
    first, summed, positive, over = axes[1, :4]
    show_image(first, picture)
    _name_panel(first, "image")
    limit = max(float(np.abs(total).max()), 1e-12)
    summed.imshow(total, cmap="PiYG", vmin=-limit, vmax=limit)
    _name_panel(summed, f"weighted sum of all {len(alphas)}")
    _show_map(positive, heat, _HEAT)
    _name_panel(positive, "after ReLU")
    over.imshow(_blend(picture, _resized(heat, picture.shape[:2])), interpolation="nearest")
    _name_panel(over, f"over the image: {class_name}")
    weights_in_words = [f"map {k} with weight {alphas[k]:+.3f}" for k in chosen]
    return described(
        figure,
        f"Grad-CAM for {class_name} in steps: {listed(weights_in_words)}, the image, the weighted "
        f"sum of all {len(alphas)} maps, the sum after ReLU, and the heat over the image.",
    )


def _name_panel(ax: Axes, above: str, below: str = "") -> None:
    ax.set_axis_on()
    hide_ticks(ax)
    ax.set_title(above, fontsize=9)
    if below:
        ax.set_xlabel(below, fontsize=9)


def heat_maps(
    images: Any,
    maps: np.ndarray | Mapping[str, np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    boxes: Any = None,
    alpha: float = 0.75,
    size: float = _PANEL,
    color_bar: bool = True,
) -> Figure:
    """Draw images in the first column and the heat maps of several methods beside it.

    The map is overlaid on a pale gray version of the image, so that all color comes from the map;
    where there is no heat the image stays as it is. The color scale ends at the 99th percentile,
    so that single pixels do not hide the rest.

    Parameters
    ----------
    images : array (N, H, W, C)
        0-255.
    maps : array (N, H, W), or dict of str to such arrays
        One column for each entry. A map of another size is enlarged to its image; one that is
        zero everywhere gets a note.
    titles : sequence of str, optional
        Labels on the left of the rows.
    boxes : array (N, 4), optional
        x0, y0, x1, y1 in pixels, drawn on the images.
    alpha : float
        Opacity where the map is highest, 0-1.
    size : float
        Width of one image in inches.
    color_bar : bool
        Whether to draw a color bar; each map is scaled to its own maximum.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If the numbers of images and maps differ, or there are too many.
    """
    columns = maps if isinstance(maps, Mapping) else {"heat": maps}
    count = len(images)
    for name, heats in columns.items():
        if len(heats) != count:
            raise InvalidInput(f"There are {count} images but {len(heats)} maps of {name!r}.")
    number = count * (1 + len(columns))
    if not 1 <= number <= _MOST_PANELS:
        raise InvalidInput(
            f"{count} images with {len(columns)} maps each make {number} panels; a figure has "
            f"between 1 and {_MOST_PANELS}."
        )
    figsize = ((1 + len(columns)) * size + 1.4, count * size + 0.3)
    figure, axes = panels(count, 1 + len(columns), figsize, dpi=_DPI)
    for i, row in enumerate(axes):
        show_image(row[0], images[i])
        row_name(row[0], "" if titles is None else titles[i], 8.5)
        for ax, heats in zip(row[1:], columns.values(), strict=True):
            _show_heat(ax, displayable(images[i]), heats[i], alpha, round(size * _DPI))
        for ax in row:
            hide_ticks(ax)
            if boxes is not None:
                outline_box(ax, boxes[i], 2.4, 1.1)
    for ax, name in zip(axes[0], ("image", *columns), strict=True):
        ax.set_title(name, fontsize=9)
    if color_bar:
        _color_bar(figure, axes)
    rows = "" if titles is None else f" ({listed(' '.join(title.split()) for title in titles)})"
    names = listed(" ".join(name.split()) for name in columns)
    pictures = f"{count} images{rows}" if count > 1 else f"An image{rows}"
    return described(figure, f"{pictures}, and laid over each the heat maps: {names}.")


def _show_heat(ax: Axes, picture: np.ndarray, values: Any, alpha: float, pixels: int) -> None:
    """Show a heat map over a gray version of an image, or a note that it is zero everywhere.

    An image of more than `pixels` in a row is reduced, so that the figure needs less space.
    """
    import cv2

    height, width = picture.shape[:2]
    if max(height, width) > pixels:
        scale = pixels / max(height, width)
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
        picture = picture.reshape(*picture.shape[:2], -1)
    heat = np.maximum(np.asarray(values, dtype="float32"), 0)
    if heat.shape != picture.shape[:2] and heat.max() > 0:
        heat = _resized(heat, picture.shape[:2])
    heat = np.minimum(heat, np.percentile(heat, 99) or heat.max())
    edges = (-0.5, width - 0.5, height - 0.5, -0.5)
    ax.imshow(_blend(picture, heat, alpha), interpolation="nearest", extent=edges)
    if not heat.max() > 0:
        write(ax, 0.5, 0.5, "zero\neverywhere", 9, transform=ax.transAxes)


def class_heat(
    maps: np.ndarray, classes: Sequence[int], class_names: Sequence[str], *, size: float = 2.4
) -> Figure:
    """Draw the mean heat map of each class, which shows a bias that single images do not show.

    White dots mark the maxima of the single maps.

    Parameters
    ----------
    maps : array (N, H, W)
        Each map is first divided by its sum, so that every image has the same weight.
    classes : sequence of N ints
        The class of each image.
    class_names : sequence of str
    size : float
        Width of one map in inches.

    Returns
    -------
    Figure
        Each map is scaled to its own maximum. A class without images stays empty.

    Raises
    ------
    InvalidInput
        If the numbers of maps and classes differ.
    """
    heat, indices = np.maximum(np.asarray(maps, "float64"), 0), np.asarray(classes)
    if heat.ndim != 3 or indices.shape != heat.shape[:1]:
        raise InvalidInput(
            f"maps of shape {heat.shape} and classes of shape {indices.shape} do not go together."
        )
    sums = heat.sum(axis=(1, 2), keepdims=True)
    heat = heat / np.where(sums > 0, sums, 1)
    rows, columns = grid_shape(len(class_names), 3)
    figsize = (columns * size + 0.9, rows * (size + 0.3))
    figure, axes = panels(rows, columns, figsize, bare=True, dpi=_DPI)
    titles = []
    for k, (ax, name) in enumerate(zip(axes.flat, class_names, strict=False)):
        of_class = heat[indices == k]
        spread = ""
        if len(of_class):
            _show_map(ax, of_class.mean(axis=0), _HEAT)
            spread = _mark_peaks(ax, of_class[of_class.max(axis=(1, 2)) > 0])
        ax.set_title(f"{name} ({len(of_class)})", fontsize=9, pad=3)
        titles.append(f"{name}, {len(of_class)} images{spread}")
    _color_bar(figure, axes)
    return described(
        figure,
        f"The mean heat map of each class, with a dot for the peak of each image: "
        f"{'; '.join(titles)}.",
    )


def _mark_peaks(ax: Axes, maps: np.ndarray) -> str:
    """Mark the highest value of each map with a dot, and return in words where they lie."""
    if not len(maps):
        return ""
    limits = {"xlim": ax.get_xlim(), "ylim": ax.get_ylim()}
    y, x = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    ax.scatter(x, y, s=9, color="white", edgecolor="black", linewidth=0.4, alpha=0.8)
    ax.set(**limits)
    middle = f"row {np.median(y):.0f}, column {np.median(x):.0f}"
    distance = np.median(np.maximum(abs(y - np.median(y)), abs(x - np.median(x))))
    return f" (peaks around {middle}, half of them at most {distance:.0f} pixels away)"


# ------------------------------------------------------------------------ checks of heat maps
def randomization(tables: Mapping[str, pd.DataFrame], ax: Axes | None = None) -> Axes:
    """Draw the model randomization test: the correlation of maps while weights are randomized.

    Parameters
    ----------
    tables : dict of str to DataFrame
        The result of ``explain.randomization_check`` for each method, all for one model.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (7.2, 3.6))
    layers: list[str] = []
    ends = []
    for i, (name, table) in enumerate(tables.items()):
        layers = [str(layer).split("/")[-1] for layer in table["layer"]]
        ax.plot(np.arange(len(table)), table["correlation"], label=name, **series_style(i))
        ends.append(f"{name} {table['correlation'].iloc[-1]:.2f}")
    ax.set_xticks(range(len(layers)), layers, rotation=25, ha="right")
    ax.set_xlabel("weights shuffled down to this layer")
    ax.set_ylabel("correlation with the map\nof the trained network")
    ax.axhline(0, color=_QUIET, linewidth=0.8)
    ax.set_ylim(min(-0.25, ax.get_ylim()[0]), 1.08)
    open_frame(ax)
    legend_right(ax, fontsize=9)
    return described(
        ax,
        "Correlation of each map with the map of the trained network, as more and more layers are "
        f"randomized. At the end: {listed(ends)}.",
    )


def insertion_deletion(table: pd.DataFrame) -> Figure:
    """Draw the deletion and insertion curves of every map and baseline.

    Parameters
    ----------
    table : DataFrame
        As ``explain.insertion_deletion`` returns it.

    Returns
    -------
    Figure

    Raises
    ------
    InvalidInput
        If the table holds no curves.
    """
    curves = table.attrs.get("curves")
    if not curves:
        raise InvalidInput(
            "The table holds no curves; give what explain.insertion_deletion returned, unchanged."
        )
    figure, axes = panels(1, 2, (9.4, 3.4), sharey=True, dpi=_DPI)
    better = {"deletion": "low is good", "insertion": "high is good"}
    for ax, (game, words) in zip(axes[0], better.items(), strict=True):
        for name, style in _styles(curves).items():
            curve = curves[name][game]
            ax.plot(np.linspace(0, 100, len(curve)), curve, label=name, markevery=4, **style)
        ax.set_title(f"{game}: {words}", fontsize=10)
        ax.set_xlabel("hottest pixels moved (%)")
        open_frame(ax)
    axes[0, 0].set(ylabel="probability of the class", ylim=(0, None))
    legend_right(axes[0, 1], fontsize=9)
    scores = [
        f"{name} {row['deletion']:.2f} and {row['insertion']:.2f}" for name, row in table.iterrows()
    ]
    return described(
        figure,
        "Probability of the class while the hottest pixels are deleted (low is good) and inserted "
        f"(high is good). Areas under the two curves: {listed(scores)}.",
    )


def localization(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw localization scores of several methods, with baselines in paler colors.

    Parameters
    ----------
    table : DataFrame
        Rows: methods and baselines ("random", "center", "edges", "even"). Columns: scores between
        0 and 1, for instance "peak in the box" and "heat in the box".
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (7.0, 0.9 + 0.5 * len(table)))
    for column, bars in grouped_bars(ax, table.astype(float).fillna(0), fill=0.9):
        for bar, name, value in zip(bars, table.index, table[column], strict=True):
            bar.set_alpha(0.45 if name in _BASELINES else 1.0)
            end = (bar.get_width(), bar.get_y() + bar.get_height() / 2)
            note(ax, _percent(value), end, (4, 0), va="center", fontsize=8)
    names = [f"{name} (baseline)" if name in _BASELINES else name for name in table.index]
    ax.set_yticks(range(len(table)), names)
    ax.set(xlabel="share", xlim=(0, 1.08))
    open_frame(ax)
    legend_above(ax)
    rows = [
        f"{name} {', '.join(_percent(value) for value in row)}"
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return described(ax, f"Bars for {listed(table.columns)}: {'; '.join(rows)}.")


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{100 * share:.0f} %"


def _styles(names: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return strong lines for methods and thin dotted ones for baselines, so that both differ."""
    methods = [name for name in names if name not in _BASELINES]
    styles = {
        name: {
            "color": VARIANTS[i % len(VARIANTS)],
            "linestyle": LINE_STYLES[i % 3],
            "marker": MARKERS[i % len(MARKERS)],
            "linewidth": 2,
            "markersize": 5,
        }
        for i, name in enumerate(methods)
    }
    thin = {"color": _QUIET, "linestyle": ":", "linewidth": 1.2, "markersize": 7}
    for i, name in enumerate(name for name in names if name in _BASELINES):
        styles[name] = {**thin, "marker": "x+12"[i % 4]}
    return styles


# ------------------------------------------------------------------------ heat over an image
def _blend(picture: np.ndarray, heat: np.ndarray, alpha: float = 0.75) -> np.ndarray:
    """Overlay a heat map on a pale gray version of the image, so that all color is heat."""
    gray = picture if picture.ndim == 2 else picture[..., :3].mean(axis=-1)
    step = 165 / _LEVELS
    pale = np.rint(90 + step * np.rint(gray * (165 / 255) / step)).astype("uint8")
    rgb = np.repeat(pale[..., np.newaxis], 3, axis=-1)
    if not heat.max() > 0:
        return rgb
    return explain.overlay(rgb, np.rint(heat / heat.max() * _LEVELS), alpha)


def _show_map(ax: Axes, values: np.ndarray, colors: str, top: float | None = None) -> None:
    """Show a map from zero to its largest value, or to `top`, in a limited number of shades."""
    import matplotlib

    shades = matplotlib.colormaps[colors].resampled(_LEVELS)
    ax.imshow(values, cmap=shades, vmin=0, vmax=top, interpolation="nearest")


def _resized(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    import cv2

    large = cv2.resize(heat.astype("float32"), (size[1], size[0]))
    return large if large.max() > 0 else np.full(size, 1e-12, "float32")


def _color_bar(figure: Figure, axes: np.ndarray) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(
        ScalarMappable(cmap=_HEAT), ax=axes, shrink=0.8, aspect=14 * len(axes), pad=0.015
    )
    bar.set_ticks([0, 1], labels=["none", "most"])
    bar.ax.tick_params(labelsize=8, length=0)
    bar.outline.set_visible(False)
