"""Figures of lesson 08."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba

from course_utils.datasets import displayable
from course_utils.plots._style import LINE_STYLES, MARKERS, PALETTE, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def few_pictures(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw test accuracy against the number of pictures of each class, one mark for each run.

    Parameters
    ----------
    results : DataFrame
        One row per run, with the columns "per class", "pictures" (in the whole training split),
        "way" and "test accuracy" (0-1).
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (6.5, 4.0))
    for number, (way, rows) in enumerate(results.groupby("way", sort=False)):
        colour, marker = PALETTE[number], MARKERS[number]
        means = rows.groupby("pictures")["test accuracy"].mean()
        ax.plot(rows["pictures"], rows["test accuracy"], marker, color=colour, alpha=0.4, ms=5)
        ax.plot(
            means.index,
            means.to_numpy(),
            LINE_STYLES[number],
            color=colour,
            marker=marker,
            ms=8,
            label=str(way),
        )
    counts = results.drop_duplicates("pictures").sort_values("pictures")
    ax.set_xscale("log")
    ax.set_xticks(
        counts["pictures"],
        [
            f"{total}\n({size} a class)" if size != "all" else f"{total}\n(all)"
            for total, size in zip(counts["pictures"], counts["per class"], strict=True)
        ],
    )
    ax.minorticks_off()
    ax.set_xlabel("training pictures")
    ax.set_ylabel("test accuracy")
    ax.set_ylim(0, 1)
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    return ax


def sweeps(curves: Mapping[tuple[str, Any], Mapping[str, list[float]]]) -> Figure:
    """Draw the validation accuracy of many heads, one panel for each thing that was varied.

    Parameters
    ----------
    curves : mapping of (what was varied, its value) to history
        A history is a mapping with a list "val_accuracy" (0-1), one number per epoch.

    Returns
    -------
    Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    topics = list(dict.fromkeys(what for what, _ in curves))
    figure, axes = plt.subplots(
        1, len(topics), figsize=(3.6 * len(topics), 3.6), sharey=True, layout="constrained"
    )
    for ax, topic in zip([axes] if len(topics) == 1 else axes, topics, strict=True):
        values = [value for what, value in curves if what == topic]
        for number, value in enumerate(values):
            accuracy = curves[topic, value]["val_accuracy"]
            ax.plot(
                range(1, len(accuracy) + 1),
                accuracy,
                LINE_STYLES[number % len(LINE_STYLES)],
                color=PALETTE[number % len(PALETTE)],
                marker=MARKERS[number % len(MARKERS)],
                markevery=max(1, len(accuracy) // 6),
                ms=5,
                label=f"{value:g}",
            )
        ax.set_title(topic)
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.3)
        ax.legend(title=topic)
    figure.axes[0].set_ylabel("validation accuracy")
    return figure


def base_and_head(
    picture: Any,
    maps_shape: tuple[int, int, int],
    hidden: int,
    class_names: Sequence[str],
    ax: Axes | None = None,
) -> Axes:
    """Draw the frozen base at the bottom and the trained head on top, with what flows between.

    First met in lesson 08.

    Parameters
    ----------
    picture : array (H, W, 3)
        Pixels 0-255.
    maps_shape : tuple of int
        Height, width and number of the base's feature maps.
    hidden : int
        Units of the head's hidden layer.
    class_names : sequence of str
        The classes of the head.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from matplotlib.patches import FancyBboxPatch

    ax = new_axes(ax, (9.6, 3.3))
    ax.set(xlim=(0, 12.4), ylim=(0, 4))
    ax.set_axis_off()
    height, width, count = maps_shape
    shown = displayable(np.asarray(picture))
    ax.imshow(shown, extent=(0.1, 1.7, 1.2, 2.8), aspect="auto", zorder=3)
    ax.text(0.9, 0.95, "pixels 0–255", ha="center", va="top", fontsize=9)

    def group(left: float, right: float, colour: str, title: str, below: str) -> None:
        ax.add_patch(
            FancyBboxPatch(
                (left, 0.5), right - left, 3.0, boxstyle="round,pad=0,rounding_size=0.15",
                facecolor="none", edgecolor=colour, linewidth=1.8,
            )
        )  # fmt: skip
        ax.text((left + right) / 2, 3.6, title, ha="center", fontsize=11, weight="bold")
        ax.text((left + right) / 2, 0.35, below, ha="center", va="top", fontsize=9)

    group(2.2, 5.9, PALETTE[0], "base: frozen", "trained before, on other pictures")
    group(6.5, 11.1, PALETTE[1], "head: new, trained", "the only part that learns here")
    boxes = (
        (2.4, "its own\npreprocessing", PALETTE[0]),
        (4.2, f"convolutions\n\n{count} maps of\n{height} × {width}", PALETTE[0]),
        (6.7, f"global average\npooling\n\n{count} numbers", PALETTE[1]),
        (8.2, f"dense\n{hidden} units\n+ dropout", PALETTE[1]),
        (9.7, f"dense\n{len(class_names)} logits", PALETTE[1]),
    )
    ends = [1.7]
    for left, words, colour in boxes:
        wide = 1.5 if left in (2.4, 4.2) else 1.25
        ax.add_patch(
            FancyBboxPatch(
                (left, 1.0), wide, 2.0, boxstyle="round,pad=0,rounding_size=0.08",
                facecolor=to_rgba(colour, 0.15), edgecolor=colour,
            )
        )  # fmt: skip
        ax.text(left + wide / 2, 2.0, words, ha="center", va="center", fontsize=8.5)
        _arrow(ax, ends[-1], left)
        ends.append(left + wide)
    _arrow(ax, ends[-1], 11.3)
    ax.text(11.35, 2.0, "\n".join(class_names[:6]), va="center", fontsize=8.5)
    return ax


def _arrow(ax: Axes, start: float, end: float) -> None:
    style = {"arrowstyle": "-|>", "color": "#222222", "lw": 1.2}
    ax.annotate("", (end - 0.03, 2.0), (start + 0.03, 2.0), arrowprops=style)
