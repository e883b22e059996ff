"""Figures of lesson 08."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
        ax.grid(alpha=0.3)
        ax.legend(title=topic)
    figure.axes[0].set_ylabel("validation accuracy")
    return figure
