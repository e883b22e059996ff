"""Figures about collecting and preparing images: folders, copies, sizes, resizing (lesson 02)."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import PALETTE, new_axes
from course_utils.plots.data import displayable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.quality import QualityReport

_INK = "#222222"
_QUIET = "#8a8a8a"
_MOST_CLASSES = 12


def _open(path: Path, most: int = 256) -> np.ndarray:
    """Read a picture for a figure, uint8 (H, W, 3), at most `most` pixels high and wide."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        image.draft("RGB", (most, most))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((most, most))
    return np.asarray(upright)


def folder_tree(path: str | os.PathLike[str], per_class: int = 4, ax: Axes | None = None) -> Axes:
    """Draw a folder of images: one folder per class, and what is in each.

    Parameters
    ----------
    path : str or path
        A folder with one folder per class, or with train, validation and test above them (then
        the first split is shown with its classes, the others folded up).
    per_class : int
        Pictures to show of each class.
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
    splits = listing.splits or (None,)
    names = listing.class_names[:_MOST_CLASSES]
    rows: list[tuple[int, str, str, list[Path]]] = [(0, f"{listing.root.name}/", "", [])]
    for split in splits:
        inside = [one for one in listing.images if one.split == split]
        level = 0
        if split is not None:
            level = 1
            rows.append((1, f"{split}/", f"{len(inside):,} images", []))
        if split != splits[0]:
            rows.append((2, "…", "the same folders again", []))
            continue
        for k, name in enumerate(names):
            files = [one.file.path for one in inside if one.class_name == name]
            text = f"{len(files):,} images   → label {k}"
            rows.append((level + 1, f"{name}/", text, files[:per_class]))
        if len(listing.class_names) > len(names):
            more = len(listing.class_names) - len(names)
            rows.append((level + 1, "…", f"{more} more classes", []))

    ax = new_axes(ax, (7.6, 0.44 * len(rows) + 0.2))
    parents: dict[int, float] = {}
    for at, (level, name, text, files) in enumerate(rows):
        x, y = 0.55 * level, -float(at)
        parents[level] = y
        if level:
            top = parents[level - 1] - 0.25
            ax.plot([x - 0.4, x - 0.4, x - 0.08], [top, y, y], color=_QUIET, lw=1.1)
        weight = "bold" if name != "…" else "normal"
        ax.text(x, y, name, va="center", fontsize=10.5, weight=weight, family="monospace")
        ax.text(3.1, y, text, va="center", fontsize=9.5, color=_INK)
        for k, file in enumerate(files):
            small = OffsetImage(_open(file, 64), zoom=26 / 64, interpolation="antialiased")
            ax.add_artist(AnnotationBbox(small, (5.9 + 0.5 * k, y), frameon=False, pad=0))
    ax.set(xlim=(-0.1, 5.9 + 0.5 * max(per_class, 1)), ylim=(-len(rows) + 0.4, 0.6))
    ax.set_axis_off()
    return ax


def copies(
    report: QualityReport,
    folder: str | os.PathLike[str],
    most: int = 9,
    columns: int = 3,
    *,
    size: float = 1.1,
) -> Figure:
    """Show the copies that a quality report found, each beside the picture it is a copy of.

    Parameters
    ----------
    report : QualityReport
        What `quality.report` said of `folder`.
    folder : str or path
        The folder that the report is about.
    most : int
        Show at most so many pairs, spread over all that were found.
    columns : int
        Pairs per row.
    size : float
        Width of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the report found no copies.
    """
    import matplotlib.pyplot as plt

    if not report.pairs:
        raise InvalidInput(f"The report on {report.name} found no copies, so none can be shown.")
    step = max(1, -(-len(report.pairs) // most))
    chosen = report.pairs[::step][:most]
    rows = -(-len(chosen) // columns)
    figure = plt.figure(figsize=(2.35 * size * columns, (size + 0.75) * rows), layout="constrained")
    cells = np.ravel(figure.subfigures(rows, columns, squeeze=False))
    for cell, (copy, original, how) in zip(cells, chosen, strict=False):
        axes = cell.subplots(1, 2)
        for ax, name in zip(axes, (original, copy), strict=True):
            ax.imshow(_open(Path(folder, name)))
            ax.set_title(_two_lines(name), fontsize=7, pad=3)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_color(_QUIET)
        words = how.replace(f" as {original}", "").replace(f" of {original}", "")
        cell.suptitle(words, fontsize=8.5)
    return figure


def _two_lines(name: str, most: int = 20) -> str:
    """Return folder and file name below each other, long ones shortened in the middle."""
    parts = [
        part if len(part) <= most else part[: most // 2] + "…" + part[-most // 2 + 1 :]
        for part in name.rsplit("/", 1)
    ]
    return "\n".join(parts)


def image_sizes(path: str | os.PathLike[str], ax: Axes | None = None) -> Axes:
    """Draw how wide and how tall the images of a folder are.

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
    for one in scan(path).images:
        try:
            with Image.open(one.file.path) as image:  # reads the beginning of the file only
                sizes[image.size] += 1
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
            continue  # the quality report names unreadable files
    if not sizes:
        raise InvalidInput(f"There is no readable image in {path}; give a folder of images.")
    ax = new_axes(ax, (5.0, 3.8))
    widths, heights = np.array(list(sizes)).T
    counts = np.array(list(sizes.values()))
    longest = 1.12 * max(widths.max(), heights.max())
    ax.plot([0, longest], [0, longest], color=_QUIET, lw=1, ls="--", zorder=1)
    ax.text(0.93 * longest, 0.95 * longest, "square", ha="right", color=_QUIET, fontsize=9)
    area = 12 + 400 * counts / counts.sum()
    ax.scatter(widths, heights, area, color=PALETTE[0], alpha=0.6, ec="white", zorder=2)
    (width, height), most = sizes.most_common(1)[0]
    ax.annotate(
        f"{most:,} of {counts.sum():,} images:\n{width} × {height}",
        (width, height),
        (0.05 * longest, 0.8 * longest),
        fontsize=9,
        arrowprops={"arrowstyle": "-", "color": _QUIET},
    )
    ax.set(xlabel="width in pixels", ylabel="height in pixels")
    ax.set(xlim=(0, longest), ylim=(0, longest))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def resizings(pictures: dict[str, Any]) -> Figure:
    """Show one picture as it is and after several ways to bring it to one size.

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
        If an entry is no picture.
    """
    import matplotlib.pyplot as plt

    shown = {name: displayable(picture) for name, picture in pictures.items()}
    widths = [picture.shape[1] for picture in shown.values()]
    tallest = max(picture.shape[0] for picture in shown.values())
    scale = 5.2 / sum(widths)
    figure, axes = plt.subplots(
        1,
        len(shown),
        figsize=(5.8, scale * tallest + 0.7),
        width_ratios=widths,
        layout="constrained",
    )
    for ax, (name, picture) in zip(np.atleast_1d(axes), shown.items(), strict=True):
        height, width = picture.shape[:2]
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"{name}\n{height} × {width}", fontsize=9.5)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_color(PALETTE[5])
        ax.spines[:].set_linewidth(1.6)
    return figure


def shuffle_buffers(orders: dict[str, Any], ax: Axes | None = None) -> Axes:
    """Draw the classes of images in the order in which a pipeline gives them.

    Parameters
    ----------
    orders : dict of name to sequence of int
        Class indices, one row of coloured lines each.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from matplotlib.colors import ListedColormap

    ax = new_axes(ax, (8.2, 0.55 * len(orders) + 0.7))
    longest = max(len(order) for order in orders.values())
    for row, order in enumerate(orders.values()):
        strip = np.asarray(order)[None, :]
        ax.imshow(
            strip,
            aspect="auto",
            extent=(0, len(order), row + 0.4, row - 0.4),
            cmap=ListedColormap(PALETTE[:7]),
            vmin=-0.5,
            vmax=6.5,
            interpolation="nearest",
        )
    ax.set(xlim=(0, longest), ylim=(len(orders) - 0.5, -0.5), xlabel="position in the epoch")
    ax.set_yticks(range(len(orders)), list(orders))
    ax.spines[:].set_visible(False)
    return ax


def harmful_augmentations(flower: Any) -> Figure:
    """Show three changes that change what a picture means, and one that does not.

    Parameters
    ----------
    flower : array (H, W, 3)
        A picture of a flower, 0-255.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import hsv_to_rgb, rgb_to_hsv

    figure = plt.figure(figsize=(9.6, 2.0), layout="constrained")
    parts = np.asarray(figure.subfigures(1, 4, wspace=0.06), dtype=object)
    digit, xray, hue, mirror = parts.ravel()

    def pair(cell: Any, title: str, verdict: str, good: bool = False) -> Any:
        axes = cell.subplots(1, 2)
        cell.suptitle(title, fontsize=9.5)
        cell.supxlabel(verdict, fontsize=9.5, weight="bold", color=PALETTE[2 if good else 5])
        for ax in axes:
            ax.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1), aspect="equal")
            ax.spines[:].set_color(_QUIET)
        return axes

    for ax, angle in zip(pair(digit, "half a turn", "✗ a 6 becomes a 9"), (0, 180), strict=True):
        ax.text(
            *(0.5, 0.5),
            "6",
            fontsize=50,
            rotation=angle,
            ha="center",
            va="center",
            family="DejaVu Sans",
        )
    for ax, way in zip(
        pair(xray, "upside down (a drawn X-ray)", "✗ no patient looks so"), (1, -1), strict=True
    ):
        _draw_chest(ax)
        if way < 0:
            ax.set_ylim(1, 0)
    picture = displayable(flower)[..., :3]
    hsv = rgb_to_hsv(picture / 255.0)
    hsv[..., 0] = (hsv[..., 0] + 0.62) % 1.0
    other = (hsv_to_rgb(hsv) * 255).astype(np.uint8)
    for cell, title, verdict, changed, good in (
        (hue, "another hue", "✗ colour tells flowers apart", other, False),
        (mirror, "mirrored", "✓ still the same flower", picture[:, ::-1], True),
    ):
        for ax, shown in zip(pair(cell, title, verdict, good), (picture, changed), strict=True):
            ax.imshow(shown, extent=(0, 1, 0, 1))
    return figure


def _draw_chest(ax: Axes) -> None:
    """Draw a simple chest X-ray: ribs, lungs, the heart on the right of the picture."""
    from matplotlib.patches import Arc, Ellipse, Rectangle

    ax.set_facecolor("black")
    ax.add_patch(Ellipse((0.5, 0.36), 0.86, 1.1, color="#565656"))
    ax.add_patch(Rectangle((0.43, 0.82), 0.14, 0.2, color="#7a7a7a"))
    for x in (0.31, 0.69):
        ax.add_patch(Ellipse((x, 0.48), 0.27, 0.6, color="#1d1d1d"))
        for y in (0.28, 0.4, 0.52, 0.64):
            ax.add_patch(Arc((x, y), 0.36, 0.14, theta1=10, theta2=170, color="#8f8f8f", lw=1.3))
    ax.add_patch(Ellipse((0.57, 0.35), 0.3, 0.3, angle=35, color="#c9c9c9"))
    ax.add_patch(Rectangle((0.475, 0.05), 0.05, 0.85, color="#a8a8a8"))
    ax.text(0.1, 0.9, "R", color="white", fontsize=10, ha="center", va="center")
