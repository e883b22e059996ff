"""Figures of lesson 09: exported formats, quantization, confidence and drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.plots._style import (
    HATCHES,
    INK,
    LINE_STYLES,
    MARKERS,
    PALETTE,
    PRECISION,
    QUIET,
    RECALL,
    VARIANTS,
    described,
    grouped_bars,
    in_percent,
    legend_above,
    listed,
    new_axes,
    note,
    open_frame,
    panels,
    require_some,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.deployment import Quantized
    from course_utils.evaluation import Predictions


def export_formats(table: pd.DataFrame) -> Figure:
    """Draw size, time and differing answers of the formats of an export.

    First met in lesson 09.

    Parameters
    ----------
    table : DataFrame
        Of ``deployment.compare``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    require_some("format", table)
    figure, axes = panels(1, 3, (9.0, 0.8 + 0.55 * len(table)), sharey=True)
    size, time, answers = axes[0]
    differ = 100 * (1 - table[["same answers"]])
    for ax, part, label, form in (
        (size, table[["MB"]], "size in MB", "{:.1f}"),
        (time, table[["ms alone", "ms in batches"]], "ms per picture", "{:.2f}"),
        (answers, differ, f"other answers than {table.index[0]}, %", "{:.1f}"),
    ):
        for _, bars in grouped_bars(ax, part):
            ax.bar_label(bars, fmt=form, padding=3, fontsize=9)
        ax.set_xlabel(label)
        ax.margins(x=0.22)
        open_frame(ax)
    size.yaxis.set_inverted(True)  # shared by the three panels, which turn it over each time
    answers.set_xlim(0, max(1.0, 1.25 * float(differ.to_numpy().max())))
    legend_above(time, 2)
    rows = [
        f"{name} {row['MB']:.1f} MB, {row['ms alone']:.2f} ms alone, "
        f"{1 - row['same answers']:.1%} other answers"
        for name, row in table.iterrows()
    ]
    return described(figure, f"Exported formats: {'; '.join(rows)}.")


def number_line(values: Any, quantized: Quantized, ax: Axes | None = None) -> Axes:
    """Draw numbers, the steps of a quantization, and the step that each number takes.

    First met in lesson 09.

    Parameters
    ----------
    values : array (N,)
        The original numbers.
    quantized : Quantized
        Of ``deployment.quantize``, with one scale.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    given = np.asarray(values, float).ravel()
    require_some("number", given)
    restored = quantized.restored.ravel()
    ax = new_axes(ax, (9, 2.4))
    whole = np.round(restored / quantized.scale).astype(int)
    steps = np.arange(whole.min() - 1, whole.max() + 2) * quantized.scale
    ax.vlines(steps, -0.35, 0.35, color=QUIET, lw=0.6 if len(steps) > 60 else 1.2)
    for before, after in zip(given, restored, strict=True):
        ax.plot([before, after], [1, 0], color=QUIET, lw=1)
    ax.plot(given, np.ones_like(given), "o", color=PALETTE[0], ms=8, label="number")
    ax.plot(restored, np.zeros_like(given), "s", color=PALETTE[5], ms=7, label="what is kept")
    for place, value in dict(zip(restored, quantized.values.ravel(), strict=True)).items():
        note(ax, str(value), (place, -0.35), (0, -12), ha="center", fontsize=8)
    ax.set(ylim=(-1.1, 1.6), yticks=[], xlabel="value (below each square: its whole number)")
    ax.spines[["top", "right", "left"]].set_visible(False)
    legend_above(ax, 2)
    largest = np.abs(quantized.error).max()
    return described(
        ax,
        f"{len(given)} numbers and the steps of {quantized.scale:.3g} that they snap to; whole "
        f"numbers {listed(quantized.values.ravel().tolist())}; largest error {largest:.2g}.",
    )


def answered(
    predictions: Predictions, threshold: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw precision and share of the answered pictures over the threshold.

    First met in lesson 09.

    Parameters
    ----------
    predictions : Predictions
        With labels.
    threshold : float or Threshold, optional
        Marked by a line.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    predictions.require_labels("precision")
    ax = new_axes(ax, (6.6, 3.6))
    levels = np.linspace(0, 1, 201)
    said = predictions.confidence[None] >= levels[:, None]  # (levels, pictures)
    count = said.sum(axis=1)
    hits = (said & predictions.correct).sum(axis=1)
    precision = np.divide(hits, count, out=np.full(len(levels), np.nan), where=count > 0)
    ax.plot(levels, precision, color=PRECISION, lw=2, label="right answers among the answers")
    ax.plot(levels, count / len(predictions), "--", color=RECALL, lw=2, label="answered")
    text = f"From {predictions.accuracy:.0%} right answers if all pictures are answered"
    if threshold is not None:
        value = float(threshold)
        ax.axvline(value, color=INK, lw=1.2, ls=":", label=f"threshold {value:.2f}")
        answered = predictions.confidence >= value
        text += f" to {answered.mean():.0%} answered at {value:.2f}"
        if answered.any():
            text += f", of which {predictions.correct[answered].mean():.0%} are right"
    ax.set(xlabel="threshold on the confidence", ylabel="share", xlim=(0, 1), ylim=(0, 1.02))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="lower left", fontsize=9)
    return described(ax, f"Precision and share of answers over the threshold. {text}.")


def confidences(
    groups: Mapping[str, Any], threshold: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how confident a network is, for several groups of pictures.

    First met in lesson 09.

    Parameters
    ----------
    groups : mapping of str to array (N,)
        Confidences from 0 to 1 by name.
    threshold : float or Threshold, optional
        Marked by a line.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    require_some("group", groups)
    ax = new_axes(ax, (7.2, 3.8))
    edges = np.linspace(0, 1, 11)
    width = 0.09 / len(groups)
    texts = []
    for number, (name, values) in enumerate(groups.items()):
        shares = np.histogram(np.clip(values, 0, 1), edges)[0] / len(values)
        places = edges[:-1] + 0.005 + width * (number + 0.5)
        ax.bar(
            places,
            shares,
            width,
            color=PALETTE[(number + 2) % len(PALETTE)],
            hatch=(*HATCHES, "xx")[number % (len(HATCHES) + 1)],
            edgecolor="white",
            label=name,
        )
        texts.append(f"{name} {np.mean(values):.2f}")
    if threshold is not None:
        ax.axvline(float(threshold), color=INK, lw=1.2, ls=":", label="threshold")
    ax.set(xlabel="confidence", ylabel="share of the pictures", xlim=(0, 1), xticks=edges)
    in_percent(ax.yaxis)
    open_frame(ax)
    ax.legend(frameon=False, loc="upper left", fontsize=9)
    return described(ax, f"Histograms of the confidence. Means: {listed(texts)}.")


def drift(log: pd.DataFrame, hidden: str = "accuracy") -> Figure:
    """Draw what was logged of a service, week by week, one panel for each column.

    First met in lesson 09.

    Parameters
    ----------
    log : DataFrame
        One row per week; all columns are numbers.
    hidden : str
        The column that nobody knows while the service runs; drawn dashed.

    Returns
    -------
    matplotlib.figure.Figure
    """
    require_some("week", log)
    columns = [str(column) for column in log.columns]
    figure, axes = panels(1, len(columns), (2.2 * len(columns), 2.6))
    for number, (ax, column) in enumerate(zip(axes[0], columns, strict=True)):
        known = column != hidden
        values = log[column].to_numpy(float)
        ax.plot(
            log.index,
            values,
            LINE_STYLES[0 if known else 1],
            marker=MARKERS[number % len(MARKERS)],
            color=VARIANTS[0 if known else 3],
        )
        ax.set_title(column if known else f"{column} (not known)", fontsize=10)
        ax.set_xlabel(log.index.name or "week")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylim(0, 1.15 * values.max() or 1)
        ax.grid(alpha=0.3)
        open_frame(ax)
    texts = [f"{name} from {log[name].iloc[0]:.2f} to {log[name].iloc[-1]:.2f}" for name in columns]
    return described(figure, f"A log of {len(log)} weeks: {listed(texts)}.")
