"""Figures of lesson 06: images with suspect labels, and the gain from cleaning."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    DASHED_FRAME,
    INK,
    MARKERS,
    PRECISION,
    QUIET,
    RECALL,
    RIGHT,
    WRONG,
    described,
    grid_shape,
    hide_ticks,
    listed,
    new_axes,
    note,
    panels,
    require_some,
    show_image,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.evaluation import Predictions


def suspect_grid(
    suspects: pd.DataFrame,
    predictions: Predictions,
    count: int = 12,
    columns: int = 6,
    *,
    wrong_ids: Collection[str] | None = None,
    size: float = 1.45,
) -> Figure:
    """Draw the images with the most suspect labels, with the label and the suggested class.

    First met in lesson 06.

    Parameters
    ----------
    suspects : DataFrame
        As ``error_analysis.suspect_labels`` returns it; the first `count` rows are shown.
    predictions : Predictions
        The predictions from which the suspects were computed; they contain the images.
    count, columns : int
        Number of images in total, and per row.
    wrong_ids : collection of str, optional
        The ids whose labels are known to be wrong: they get a solid frame and the text "wrong
        label", the others a dashed frame and "label is right".
    size : float
        Width of one image in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no row to show.
    """
    shown = suspects.head(count)
    if not len(shown):
        raise InvalidInput("There is no image to show: the table of suspects is empty.")
    rows, columns = grid_shape(len(shown), columns)
    lines = 2 if wrong_ids is None else 3
    height = rows * (size + 0.2 + 0.17 * lines) + 0.05
    figure, axes = panels(rows, columns, (columns * (size + 0.2), height))
    for ax in axes.flat[len(shown) :]:
        ax.set_axis_off()
    for ax, row in zip(axes.flat, shown.itertuples(), strict=False):
        show_image(ax, predictions.images[row.position])
        hide_ticks(ax, frame=wrong_ids is not None)
        words = f"label: {row.label} {row.p_label:.2f}\n{row.suggested} {row.p_suggested:.2f}?"
        if wrong_ids is not None and row.id in wrong_ids:
            words += "\n✗ wrong label"
            ax.spines[:].set(color=WRONG, linewidth=2.6, linestyle="-")
        elif wrong_ids is not None:
            words += "\n✓ label is right"
            ax.spines[:].set(color=RIGHT, linewidth=2.6, linestyle=DASHED_FRAME)
        ax.set_title(words, fontsize=8.5, pad=4)
    text = f"The {len(shown)} most suspect images with label and suggested class"
    if wrong_ids is not None:
        text += f"; wrong labels: {shown['id'].isin(wrong_ids).sum()}"
    return described(figure, f"{text}.")


def tagged_grid(
    predictions: Predictions, tags: pd.DataFrame, count: int = 20, columns: int = 5
) -> Figure:
    """Draw wrong predictions with the cause that a person saw.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
        The first `count` of them are drawn.
    tags : DataFrame
        As ``error_analysis.tags`` returns them.
    count, columns : int
        Number of images in total, and per row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no image to show.
    """
    require_some("prediction", predictions)
    count = min(count, len(predictions))
    causes = dict(zip(tags["id"], tags["cause"], strict=True))
    shown = [causes.get(name, "not tagged") for name in predictions.ids[:count]]
    rows, columns = grid_shape(count, columns)
    figure, axes = panels(rows, columns, (columns * 1.42, rows * 1.85), bare=True)
    names = predictions.class_names
    for i, ax in enumerate(axes.flat[:count]):
        show_image(ax, predictions.images[i])
        true, predicted = (
            names[int(values[i])] for values in (predictions.labels, predictions.predicted)
        )
        words = f"{true}\n→ {predicted} {predictions.confidence[i]:.2f}\n{shown[i]}"
        ax.set_title(words, fontsize=8, pad=3)
    numbers = [f"{shown.count(cause)} {cause}" for cause in dict.fromkeys(shown)]
    return described(
        figure, f"{count} wrong predictions with the cause of each: {listed(numbers)}."
    )


def inspection_curve(
    curve: pd.DataFrame,
    share: float = 0.05,
    ax: Axes | None = None,
    *,
    others: Mapping[str, tuple[int, int]] | None = None,
) -> Axes:
    """Draw recall and precision of wrong labels over the number of inspected suspects.

    First met in lesson 06.

    Parameters
    ----------
    curve : DataFrame
        As ``error_analysis.inspection_curve`` returns it.
    share : float
        A share of all images (0-1) that is marked.
    ax : Axes, optional
    others : mapping of str to (int, int), optional
        Other ways to choose what to look at, by name: how many images were inspected, and how many
        wrong labels were found.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (6.6, 4.0))
    total = len(curve)
    recall, precision = curve["recall"].to_numpy(), curve["precision"].to_numpy()
    inspected = curve["inspected"].to_numpy()
    ax.plot(inspected, recall, "--", color=RECALL, lw=2, label="recall: found, of all wrong")
    text = "precision: wrong, of those seen"
    ax.plot(inspected, precision, "-", color=PRECISION, lw=2, label=text)
    ax.plot(inspected, inspected / total, ":", color=QUIET, label="recall in random order")
    marked = max(1, round(share * total))
    found = recall[marked - 1]
    ax.axvline(marked, color=QUIET, lw=1)
    note(
        ax, f"{share:.0%} of the pictures:\n{found:.0%} found", (marked, found), (12, -26), va="top"
    )
    wrong = max(1, int(curve["found"].iloc[-1]))
    text = ""
    for i, (name, (looked, caught)) in enumerate((others or {}).items()):
        style: dict[str, Any] = {
            "color": INK,
            "marker": MARKERS[i + 2],
            "ms": 9,
            "linestyle": "none",
        }
        ax.plot(looked, caught / wrong, **style, label=name)
        text += f" {name}: {looked} images inspected, {caught / wrong:.0%} found."
    ax.set(xlim=(0, max(1, min(total, 5 * marked))), ylim=(0, 1.02))
    ax.set(xlabel="suspects looked at, the most suspect first", ylabel="share")
    ax.grid(alpha=0.3)
    ax.legend(loc="center right", fontsize=9)
    return described(
        ax,
        f"Recall and precision over the number of inspected suspects. After {share:.0%} of the "
        f"images, {found:.0%} of the wrong labels are found; precision is "
        f"{precision[marked - 1]:.0%}.{text}",
    )


def cleaning(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the test accuracy of each run, for each method of cleaning the training data.

    First met in lesson 06.

    Parameters
    ----------
    results : DataFrame
        One row per run, with the columns "training data" and "test accuracy" (0-1).
    ax : Axes, optional

    Returns
    -------
    Axes
        A mark for each run, a line at the mean of each method, and for at least two runs an error
        bar of one standard deviation in both directions.
    """
    groups = list(results.groupby("training data", sort=False)["test accuracy"])
    ax = new_axes(ax, (6.4, 0.9 + 0.62 * len(groups)))
    for place, (_, values) in enumerate(groups):
        count, mean = len(values), values.mean()
        spread = float(values.std()) if count > 1 else None
        shift = np.linspace(-0.12, 0.12, count) if count > 1 else np.zeros(1)
        ax.plot(values, place + shift, MARKERS[place], color=QUIET, ms=6)
        look: dict[str, Any] = {"marker": "|", "ms": 22, "mew": 2.5, "capsize": 5}
        ax.errorbar(mean, place, xerr=spread, color=INK, **look)
        note(ax, f"{mean:.3f}", (mean, place), (0, 13), ha="center")
    ax.set_yticks(range(len(groups)), [str(name) for name, _ in groups])
    ax.set(ylim=(len(groups) - 0.5, -0.6), xlabel="test accuracy")
    ax.margins(x=0.12)
    ax.grid(axis="x", alpha=0.3)
    means = [f"{name} {values.mean():.3f}" for name, values in groups]
    return described(ax, f"Test accuracy of every run. Means: {listed(means)}.")
