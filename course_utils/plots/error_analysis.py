"""Figures of lesson 06: pictures whose labels are disputed, and what cleaning gained."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from course_utils.datasets import displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import MARKERS, PALETTE, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.evaluation import Predictions

_QUIET = "#8a8a8a"


def suspect_grid(
    suspects: pd.DataFrame,
    predictions: Predictions,
    count: int = 12,
    columns: int = 6,
    *,
    wrong_ids: Collection[str] | None = None,
    size: float = 1.45,
) -> Figure:
    """Show the pictures whose labels are disputed most, with the label and what is suggested.

    First met in lesson 06.

    Parameters
    ----------
    suspects : DataFrame
        As ``errors.suspect_labels`` gives it; the first `count` rows are shown.
    predictions : Predictions
        Those that the suspects were found with; they hold the pictures.
    count, columns : int
        Pictures in all, and in a row.
    wrong_ids : collection of str, optional
        The ids whose labels are known to be wrong: they get a full frame and the words "wrong
        label", the others a dashed frame and "label is right".
    size : float
        Width of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no row to show.
    """
    import matplotlib.pyplot as plt

    shown = suspects.head(count)
    if not len(shown):
        raise InvalidInput("There is no picture to show: the table of suspects is empty.")
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    lines = 3 if wrong_ids is not None else 2
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * (size + 0.2), rows * (size + 0.2 + 0.17 * lines) + 0.05),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat[len(shown) :]:
        ax.set_axis_off()
    for ax, row in zip(axes.flat, shown.itertuples(), strict=False):
        ax.imshow(displayable(predictions.images[row.position]), cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
        words = f"label: {row.label} {row.p_label:.2f}\n{row.suggested} {row.p_suggested:.2f}?"
        if wrong_ids is None:
            ax.spines[:].set_visible(False)
        else:
            wrong = row.id in wrong_ids
            words += "\n✗ wrong label" if wrong else "\n✓ label is right"
            ax.spines[:].set(
                color=PALETTE[5] if wrong else PALETTE[2],
                linewidth=2.6,
                linestyle="-" if wrong else (0, (3, 2)),
            )
        ax.set_title(words, fontsize=8.5, pad=4)
    return figure


def inspection_curve(curve: pd.DataFrame, share: float = 0.05, ax: Axes | None = None) -> Axes:
    """Draw how many of the wrong labels are found against how many suspects were looked at.

    First met in lesson 06.

    Parameters
    ----------
    curve : DataFrame
        As ``errors.inspection_curve`` gives it.
    share : float
        A share of all pictures (0-1) that is marked.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (6.4, 3.9))
    total = len(curve)
    recall, precision = curve["recall"].to_numpy(), curve["precision"].to_numpy()
    inspected = curve["inspected"].to_numpy()
    ax.plot(inspected, recall, "-", color=PALETTE[0], lw=2, label="recall: found, of all wrong")
    ax.plot(
        inspected, precision, "--", color=PALETTE[1], lw=2, label="precision: wrong, of those seen"
    )
    ax.plot(inspected, inspected / total, ":", color=_QUIET, label="recall in random order")
    marked = max(1, round(share * total))
    ax.axvline(marked, color=_QUIET, lw=1)
    ax.annotate(
        f"{share:.0%} of the pictures:\n{recall[marked - 1]:.0%} found",
        (marked, recall[marked - 1]),
        xytext=(12, -4),
        textcoords="offset points",
        va="top",
        fontsize=9,
    )
    ax.set(
        xlim=(0, max(1, min(total, 5 * marked))),
        ylim=(0, 1.02),
        xlabel="suspects looked at, the most suspect first",
        ylabel="share",
    )
    ax.grid(alpha=0.3)
    ax.legend(loc="center right", fontsize=9)
    return ax


def cleaning(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the test accuracy of each run, for each way of cleaning the training data.

    First met in lesson 06.

    Parameters
    ----------
    results : DataFrame
        One row per run, with the columns "training data" and "test accuracy" (0-1).
    ax : Axes, optional

    Returns
    -------
    Axes
        A mark for each run; a line at the mean of each way, and a bar of one standard deviation to
        both sides where there are at least two runs.
    """
    groups = list(results.groupby("training data", sort=False)["test accuracy"])
    ax = new_axes(ax, (6.4, 0.9 + 0.62 * len(groups)))
    for place, (_, values) in enumerate(groups):
        colour = PALETTE[place % len(PALETTE)]
        spread = float(values.std()) if len(values) > 1 else None
        shift = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0.0]
        ax.plot(values, place + np.asarray(shift), MARKERS[place], color=colour, alpha=0.6, ms=6)
        ax.errorbar(
            values.mean(), place, xerr=spread, color=colour, marker="|", ms=22, mew=2.5, capsize=5
        )
        ax.annotate(
            f"{values.mean():.3f}", (values.mean(), place), xytext=(0, 13), fontsize=9,
            textcoords="offset points", ha="center",
        )  # fmt: skip
    ax.set_yticks(range(len(groups)), [str(name) for name, _ in groups])
    ax.set(ylim=(len(groups) - 0.5, -0.6), xlabel="test accuracy")
    ax.margins(x=0.12)
    ax.grid(axis="x", alpha=0.3)
    return ax
