"""Figures of lesson 02: folders, copies, sizes, splits and the input pipeline."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils import validate
from course_utils.datasets import SPLITS, displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    INK,
    PALETTE,
    QUIET,
    RIGHT,
    VARIANTS,
    WRONG,
    described,
    grouped_bars,
    hide_ticks,
    legend_above,
    listed,
    new_axes,
    open_frame,
    panels,
    require_some,
    row_name,
    show_image,
    write,
)
from course_utils.plots.images import MOST_IMAGES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.datasets import ImageDataset
    from course_utils.datasets.folder import Listing
    from course_utils.quality import QualityReport

_MOST_CLASSES = 12


# ------------------------------------------------------------------------ folders and files
def folder_tree(path: str | os.PathLike[str], per_class: int = 4, ax: Axes | None = None) -> Axes:
    """Draw a folder of images as a tree: one folder per class, with example images.

    Parameters
    ----------
    path : str or path
        A folder with one folder per class, or with train, validation and test above them (then
        the first split is shown with its classes, the others collapsed).
    per_class : int
        Images to show of each class.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    MissingData, InvalidInput
        If there is no such folder, or no images in it.
    """
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    from course_utils.datasets.folder import scan

    listing = scan(path)
    if not listing.images:
        raise InvalidInput(f"There are no images in {listing.root}; give a folder of images.")
    rows = _tree_rows(listing, per_class)
    heights = np.array([2.9 if row.files else 1.0 for row in rows])  # images need more room
    places = heights / 2 - heights.cumsum()
    ax = new_axes(ax, (5.9 + 1.3 * max(per_class, 1), 0.44 * heights.sum() + 0.2))
    parents: dict[int, float] = {}
    for row, y in zip(rows, places.tolist(), strict=True):
        x = 0.55 * row.level
        parents[row.level] = y
        if row.level:
            top = parents[row.level - 1] - 0.25
            ax.plot([x - 0.4, x - 0.4, x - 0.08], [top, y, y], color=QUIET, lw=1.1)
        weight = "bold" if row.name != "…" else "normal"
        write(ax, x, y, row.name, 10.5, ha="left", weight=weight, family="monospace")
        write(ax, 3.1, y, row.text, 9.5, ha="left", color=INK)
        for k, file in enumerate(row.files):
            small = OffsetImage(_open(file, 96), zoom=88 / 96, interpolation="antialiased")
            ax.add_artist(AnnotationBbox(small, (6.2 + 1.3 * k, y), frameon=False, pad=0))
    ax.set(xlim=(-0.1, 5.6 + 1.3 * max(per_class, 1)), ylim=(-heights.sum(), 0.1))
    ax.set_axis_off()
    return described(
        ax,
        f"The folder {listing.root.name} as a tree: a folder for each class "
        f"({listed(listing.class_names[:_MOST_CLASSES])}), with its number of images and label.",
    )


class _TreeRow(NamedTuple):
    level: int
    name: str
    text: str = ""
    files: list[Path] = []


def _tree_rows(listing: Listing, per_class: int) -> list[_TreeRow]:
    """Return the rows of the tree: the folder, its splits, and the classes of the first split."""
    names = listing.class_names[:_MOST_CLASSES]
    more = len(listing.class_names) - len(names)
    rows = [_TreeRow(0, f"{listing.root.name}/")]
    for number, split in enumerate(listing.splits or (None,)):
        inside = [image for image in listing.images if image.split == split]
        if split is not None:
            rows.append(_TreeRow(1, f"{split}/", f"{len(inside):,} images"))
        if number:
            rows.append(_TreeRow(2, "…", "the same folders again"))
            continue
        level = 1 if split is None else 2
        for k, name in enumerate(names):
            files = [image.file.path for image in inside if image.class_name == name]
            text = f"{len(files):,} images   → label {k}"
            rows.append(_TreeRow(level, f"{name}/", text, files[:per_class]))
        if more:
            rows.append(_TreeRow(level, "…", f"{more} more classes"))
    return rows


def duplicates(
    report: QualityReport,
    folder: str | os.PathLike[str],
    most: int = 9,
    columns: int = 3,
    *,
    files: Sequence[str] | None = None,
    size: float = 1.3,
) -> Figure:
    """Draw the copies found by a quality report, each beside its original.

    Parameters
    ----------
    report : QualityReport
        The result of ``quality.report`` for `folder`.
    folder : str or path
        The folder of the report.
    most : int
        The largest number of pairs, spread over all that were found.
    columns : int
        Pairs per row.
    files : sequence of str, optional
        Ids of copies or originals whose pairs are drawn; by default all.
    size : float
        Width of one image in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the report found no copies, or none of one of `files`.
    """
    import matplotlib.pyplot as plt

    if not report.pairs:
        raise InvalidInput(f"The report on {report.name} found no copies, so none can be shown.")
    pairs = list(report.pairs)
    if files is not None:
        pairs = [pair for pair in pairs if pair[0] in files or pair[1] in files]
        unknown = set(files) - {name for pair in pairs for name in pair[:2]}
        if unknown or not pairs:
            raise InvalidInput(
                f"The report on {report.name} found no copy of "
                f"{min(unknown, default='these files')}; report.pairs has those that it found."
            )
    step = max(1, -(-len(pairs) // most))
    chosen = pairs[::step][:most]
    rows = -(-len(chosen) // columns)
    figure = plt.figure(figsize=(2.35 * size * columns, (size + 0.75) * rows), layout="constrained")
    cells = np.ravel(figure.subfigures(rows, columns, squeeze=False))
    for cell, (copy, original, how) in zip(cells, chosen, strict=False):
        for ax, name in zip(cell.subplots(1, 2), (original, copy), strict=True):
            ax.imshow(_open(Path(folder, name)))
            ax.set_title(_two_lines(name), fontsize=8, pad=3)
            hide_ticks(ax)
            ax.spines[:].set_color(QUIET)
        words = how.replace(f" as {original}", "").replace(f" of {original}", "")
        cell.suptitle(words, fontsize=9.5)
    told = [f"{copy} ({how})" for copy, _, how in chosen]
    return described(
        figure,
        f"{len(chosen)} of the {len(report.pairs)} pairs of copies in {report.name}, the original "
        f"on the left and the copy on the right: {listed(told)}.",
    )


def _open(path: Path, most: int = 256) -> np.ndarray:
    """Read an image for a figure, uint8 (H, W, 3), at most `most` pixels high and wide."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        image.draft("RGB", (most, most))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((most, most))
    return np.asarray(upright)


def _two_lines(name: str, most: int = 20) -> str:
    """Return folder and file name on two lines, long names shortened in the middle."""
    parts = [
        part if len(part) <= most else part[: most // 2] + "…" + part[-most // 2 + 1 :]
        for part in name.rsplit("/", 1)
    ]
    return "\n".join(parts)


def image_sizes(path: str | os.PathLike[str], ax: Axes | None = None) -> Axes:
    """Draw a scatter plot of width and height of the images in a folder.

    Parameters
    ----------
    path : str or path
        A folder with one folder per class, or with splits above them.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    MissingData, InvalidInput
        If there is no such folder, or no image in it that can be read.
    """
    from PIL import Image, UnidentifiedImageError

    from course_utils.datasets.folder import scan

    sizes: Counter[tuple[int, int]] = Counter()
    for found in scan(path).images:
        try:
            with Image.open(found.file.path) as image:
                size = image.size
                image.draft("RGB", (64, 64))  # a JPEG is decoded at an eighth of its size
                image.load()  # a file that is cut off still has a size in its header
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
            continue  # the quality report names unreadable files
        sizes[size] += 1
    if not sizes:
        raise InvalidInput(f"There is no readable image in {path}; give a folder of images.")
    ax = new_axes(ax, (5.0, 3.8))
    widths, heights = np.array(list(sizes)).T
    counts = np.array(list(sizes.values()))
    longest = 1.12 * max(widths.max(), heights.max())
    ax.plot([0, longest], [0, longest], color=QUIET, lw=1, ls="--", zorder=1)
    x, y = 0.93 * longest, 0.95 * longest
    write(ax, x, y, "square", color=QUIET, ha="right", va="baseline")
    area = 12 + 400 * counts / counts.sum()
    ax.scatter(widths, heights, area, color=PALETTE[0], alpha=0.6, ec="white", zorder=2)
    (width, height), most = sizes.most_common(1)[0]
    text = f"{most:,} of {counts.sum():,} images:\n{width} × {height}"
    line = {"arrowstyle": "-", "color": QUIET}
    target = (0.05 * longest, 0.8 * longest)
    ax.annotate(text, (width, height), target, fontsize=9, arrowprops=line)
    ax.set(xlabel="width in pixels", ylabel="height in pixels")
    ax.set(xlim=(0, longest), ylim=(0, longest))
    open_frame(ax)
    return described(
        ax,
        f"Width and height of {counts.sum():,} images. The most frequent size is {width} × "
        f"{height} pixels ({most:,} images); widths range from {widths.min()} to {widths.max()}, "
        f"heights from {heights.min()} to {heights.max()}.",
    )


def resizings(pictures: dict[str, Any]) -> Figure:
    """Draw an image and the results of several ways to resize it.

    Parameters
    ----------
    pictures : dict of name to array
        (H, W, C) uint8 or float, 0-255. The first is the original; all are drawn to one scale.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If an entry is not an image.
    """
    require_some("image", pictures)
    shown = {name: displayable(picture) for name, picture in pictures.items()}
    widths = [picture.shape[1] for picture in shown.values()]
    tallest = max(picture.shape[0] for picture in shown.values())
    height = 7.6 / sum(widths) * tallest + 0.7
    figure, axes = panels(1, len(shown), (8.0, height), width_ratios=widths)
    sizes = {name: f"{image.shape[0]} × {image.shape[1]}" for name, image in shown.items()}
    for ax, (name, image) in zip(axes[0], shown.items(), strict=True):
        show_image(ax, image)
        ax.set_title(f"{name}\n{sizes[name]}", fontsize=9.5)
        hide_ticks(ax)
        ax.spines[:].set(color=PALETTE[5], linewidth=1.6)
    ways = [f"{name} ({size})" for name, size in sizes.items()]
    return described(figure, f"One image at one scale, height × width in pixels: {listed(ways)}.")


def harmful_augmentations(flower: Any) -> Figure:
    """Draw three augmentations that change the meaning of an image, and one that does not.

    Parameters
    ----------
    flower : array (H, W, 3)
        An image of a flower, 0-255.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import hsv_to_rgb, rgb_to_hsv

    figure = plt.figure(figsize=(7.2, 4.9), layout="constrained")
    cells = np.asarray(figure.subfigures(2, 2, wspace=0.06, hspace=0.06), dtype=object)
    digit, xray, hue, mirror = cells.flat
    for ax, angle in zip(_pair(digit, "half a turn", "✗ a 6 becomes a 9"), (0, 180), strict=True):
        write(ax, 0.5, 0.5, "6", 80, rotation=angle, family="DejaVu Sans")
    upright, flipped = _pair(xray, "upside down (a drawn X-ray)", "✗ no X-ray looks like this")
    _draw_chest(upright)
    _draw_chest(flipped)
    flipped.set_ylim(1, 0)
    image = displayable(flower)[..., :3]
    hsv = rgb_to_hsv(image / 255.0)
    hsv[..., 0] = (hsv[..., 0] + 0.62) % 1.0
    other = (hsv_to_rgb(hsv) * 255).astype(np.uint8)
    changed = _pair(hue, "another hue", "✗ color tells flowers apart"), other
    harmless = _pair(mirror, "mirrored", "✓ still the same flower"), image[:, ::-1]
    for axes, after in (changed, harmless):
        for ax, shown in zip(axes, (image, after), strict=True):
            ax.imshow(shown, extent=(0, 1, 0, 1))
    return described(
        figure,
        "Four pairs, before and after. Harmful: a 6 turned by half becomes a 9, a chest X-ray "
        "upside down, a flower in another hue. Harmless: a mirrored flower.",
    )


def _pair(cell: Any, title: str, verdict: str) -> Any:
    """Return two empty frames in one part of a figure; a verdict with ✗ is written in red."""
    axes = cell.subplots(1, 2)
    cell.suptitle(title, fontsize=10.5)
    color = WRONG if verdict.startswith("✗") else RIGHT
    cell.supxlabel(verdict, fontsize=10.5, weight="bold", color=color)
    for ax in axes:
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        hide_ticks(ax)
        ax.spines[:].set_color(QUIET)
    return axes


def _draw_chest(ax: Axes) -> None:
    """Draw a simple chest X-ray: ribs, lungs, the heart on the right of the image."""
    from matplotlib.patches import Arc, Ellipse, PathPatch, Rectangle
    from matplotlib.textpath import TextPath

    ax.set_facecolor("black")
    ax.add_patch(Ellipse((0.5, 0.36), 0.86, 1.1, color="#565656"))
    ax.add_patch(Rectangle((0.43, 0.82), 0.14, 0.2, color="#7a7a7a"))
    for x in (0.31, 0.69):
        ax.add_patch(Ellipse((x, 0.48), 0.27, 0.6, color="#1d1d1d"))
        for y in (0.28, 0.4, 0.52, 0.64):
            ax.add_patch(Arc((x, y), 0.36, 0.14, theta1=10, theta2=170, color="#8f8f8f", lw=1.3))
    ax.add_patch(Ellipse((0.57, 0.35), 0.3, 0.3, angle=35, color="#c9c9c9"))
    ax.add_patch(Rectangle((0.475, 0.05), 0.05, 0.85, color="#a8a8a8"))
    letter = TextPath((0.05, 0.86), "R", size=0.12)  # a shape, so that it is flipped with the rest
    ax.add_patch(PathPatch(letter, color="white", lw=0))


# ------------------------------------------------------------------------ classes and splits
def class_examples(
    dataset: ImageDataset, per_class: int = 6, split: str = "train", *, size: float = 1.1
) -> Figure:
    """Draw the first few images of every class, one class per row.

    Parameters
    ----------
    dataset : ImageDataset
    per_class : int
        Images per class; a class with fewer shows what it has.
    split : {"train", "validation", "test"}
    size : float
        Width of one image in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there would be too many images.
    """
    labels, images = dataset.labels(split), dataset.images(split)
    names = dataset.class_names
    if len(names) * per_class > MOST_IMAGES:
        raise InvalidInput(
            f"{len(names)} classes with {per_class} images each are too many for one figure; "
            f"take a smaller per_class or dataset.subset(classes=…)."
        )
    side = size + 0.06
    figure, axes = panels(len(names), per_class, (per_class * side + 1.1, len(names) * side))
    for ax in axes.flat:
        hide_ticks(ax, frame=False)
    for k, (row, name) in enumerate(zip(axes, names, strict=True)):
        for ax, position in zip(row, np.flatnonzero(labels == k), strict=False):
            show_image(ax, images[position])
        row_name(row[0], name)
    return described(figure, f"The first images of each class, one class per row: {listed(names)}.")


def class_counts(dataset: ImageDataset | pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the number of images of each class in each split.

    Parameters
    ----------
    dataset : ImageDataset or DataFrame
        A dataset, or the table that its ``describe()`` returns.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    counts = _counts(dataset)
    ax = new_axes(ax, (7.0, 0.9 + 0.55 * len(counts)))
    for _, bars in grouped_bars(ax, counts, colors=PALETTE):
        ax.bar_label(bars, padding=3, fontsize=8)
    ax.set(xlabel="number of images", ylabel="class")
    ax.margins(x=0.1)
    open_frame(ax)
    legend_above(ax)
    totals = [f"{name} {count}" for name, count in counts.sum(axis=1).items()]
    return described(ax, f"Bars for the images of each class and split. In all: {listed(totals)}.")


def _counts(dataset: ImageDataset | pd.DataFrame) -> pd.DataFrame:
    """Return the number of images by class (rows) and split (columns), without totals."""
    frame: Any = dataset if hasattr(dataset, "columns") else dataset.describe()
    missing = [split for split in SPLITS if split not in frame.columns]
    if missing:
        raise InvalidInput(
            f"The table of counts has no column {missing[0]!r}; give an ImageDataset or what its "
            f"describe() returns."
        )
    return frame.loc[[name for name in frame.index if name != "total"], list(SPLITS)]


# ------------------------------------------------------------------------ the input pipeline
def shuffle_buffers(orders: dict[str, Any], ax: Axes | None = None) -> Axes:
    """Draw the classes of images in the order in which a pipeline returns them.

    Parameters
    ----------
    orders : dict of name to sequence of int
        Class indices, one row of colored lines each.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from matplotlib.colors import ListedColormap

    require_some("order", orders)
    ax = new_axes(ax, (8.2, 0.55 * len(orders) + 0.7))
    colors: dict[str, Any] = {"cmap": ListedColormap(VARIANTS), "vmin": -0.5, "vmax": 6.5}
    for row, order in enumerate(orders.values()):
        extent = (0, len(order), row + 0.4, row - 0.4)
        strip = np.asarray(order)[None, :]
        ax.imshow(strip, aspect="auto", extent=extent, interpolation="nearest", **colors)
    longest = max(len(order) for order in orders.values())
    ax.set(xlim=(0, longest), ylim=(len(orders) - 0.5, -0.5), xlabel="position in the epoch")
    ax.set_yticks(range(len(orders)), list(orders))
    ax.spines[:].set_visible(False)
    return described(
        ax, f"A row of colored lines, one color per class, for each order: {listed(orders)}."
    )


def pipeline_timing(
    measured: Mapping[str, float], unit: str = "images per second", ax: Axes | None = None
) -> Axes:
    """Draw measured speeds (or times) of several input pipelines.

    Parameters
    ----------
    measured : dict of name to number
        The others are compared with the first entry.
    unit : str
        The unit of the numbers; it labels the axis.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If nothing was measured or a value is not positive.
    """
    require_some("measurement", measured)
    values = np.array([float(value) for value in measured.values()])
    if not (np.isfinite(values) & (values > 0)).all():
        raise InvalidInput("pipeline_timing needs positive numbers; one of the values is not.")
    ax = new_axes(ax, (7.0, 0.8 + 0.45 * len(values)))
    colors = [QUIET, *[PALETTE[0]] * (len(values) - 1)]
    bars = ax.barh(np.arange(len(values)), values, 0.66, color=colors)
    texts = [f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for value in values]
    for k in range(1, len(values)):
        texts[k] += f"   ({values[k] / values[0]:.1f} ×)"
    ax.bar_label(bars, texts, padding=4, fontsize=9)
    ax.set_yticks(np.arange(len(values)), list(measured))
    ax.invert_yaxis()
    ax.set_xlabel(unit)
    ax.margins(x=0.22)
    open_frame(ax)
    bars_in_words = [f"{name}: {text}" for name, text in zip(measured, texts, strict=True)]
    return described(ax, f"Bars for {unit}. {'; '.join(bars_in_words)}.".replace("   ", " "))


def pipeline_timeline(
    prepare: float = 2.0, train: float = 3.0, steps: int = 4, ax: Axes | None = None
) -> Axes:
    """Draw why prefetching helps: the next batch is prepared while the network trains.

    Parameters
    ----------
    prepare, train : float
        Time to prepare a batch and to train on it, in any unit.
    steps : int
        Number of batches.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If a time is not positive or there is no step.
    """
    validate.number_between("prepare", prepare, 0, math.inf, 2.0, open_low=True)
    validate.number_between("train", train, 0, math.inf, 3.0, open_low=True)
    validate.whole_number("steps", steps, 1, example=4)
    ax = new_axes(ax, (8.0, 2.9))
    ready = prepare * np.arange(1, steps + 1)  # with prefetch: when each batch is prepared
    starts = [ready[0]]
    for step in range(1, steps):
        starts.append(max(ready[step], starts[-1] + train))
    both = prepare + train
    for step in range(steps):
        for y, start in ((0, both * step), (2.6, prepare * step)):
            _timeline_bar(ax, y, start, prepare, f"{step + 1}", QUIET, "//")
        for y, start in ((1, both * step + prepare), (3.6, starts[step])):
            _timeline_bar(ax, y, start, train, f"{step + 1}", PALETTE[0], "")
    clock, prefetched = both * steps, starts[-1] + train
    for y, end in ((0.5, clock), (3.1, prefetched)):
        ax.plot([end, end], [y - 1, y + 1], color=INK, lw=1.6, ls="--")
        write(ax, end + 0.02 * clock, y, f"ends at {end:g}", ha="left")
    ax.set_yticks([0, 1, 2.6, 3.6], ["prepare a batch", "train on it"] * 2)
    for y, text in ((-0.72, "one after the other"), (1.88, "with prefetch")):
        write(ax, 0, y, text, 10, ha="left", va="baseline", weight="bold")
    ax.set(xlabel="time", xlim=(0, clock * 1.16), ylim=(4.2, -1.15))
    open_frame(ax)
    return described(
        ax,
        f"Preparing a batch and training on it, {steps} times: one after the other it ends at "
        f"{clock:g}, with prefetch at {prefetched:g}.",
    )


def _timeline_bar(
    ax: Axes, y: float, start: float, length: float, text: str, color: str, hatch: str
) -> None:
    ax.barh(y, length, 0.78, left=start, color=color, hatch=hatch, edgecolor="white")
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
    write(ax, start + length / 2, y, text, 8.5, bbox=box)
