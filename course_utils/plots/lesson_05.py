"""Figures of lesson 05: metrics, calibration, and the diagnosis of training curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    INK,
    LINE_STYLES,
    MARKERS,
    PALETTE,
    QUIET,
    TAG,
    described,
    listed,
    new_axes,
    note,
    open_frame,
    panels,
    rectangle,
    series_style,
    show_image,
    write,
)
from course_utils.plots.results import matrix_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.evaluation import CalibrationTable, Diagnosis, Predictions

_FEW = 10  # images; the accuracy of a bin with fewer is uncertain
_CELL_LOOKS = {  # (color, hatch)
    "TP": (PALETTE[2], ""),
    "FP": (PALETTE[4], "//"),
    "FN": (PALETTE[3], "\\\\"),
    "TN": ("#dddddd", ""),
}


# ------------------------------------------------------------------------ scores
def one_vs_rest(predictions: Predictions | pd.DataFrame, class_name: str) -> Figure:
    """Draw the cells of a confusion matrix that are TP, FP, FN and TN for one class.

    The left panel shows the whole matrix with its four regions, the right panel their sums in a
    2 × 2 table, with precision and recall.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions or DataFrame
        A DataFrame holds counts.
    class_name : str
        The positive class.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no such class.
    """
    matrix = matrix_of(predictions, None)
    names = [str(name) for name in matrix.index]
    if class_name not in matrix.index:
        raise InvalidInput(f"There is no class {class_name!r}; the classes are {', '.join(names)}.")
    counts, k = matrix.to_numpy(), list(matrix.index).index(class_name)
    figure, axes = panels(1, 2, (9.6, 4.3), width_ratios=(1.15, 1))
    left, right = axes[0]
    n = len(counts)
    for (row, column), value in np.ndenumerate(counts):
        which = _outcome(row == k, column == k)
        text, size = (f"{which}\n{value}", 9) if n <= 8 else (f"{value}", 7)
        _outcome_cell(left, column, row, which, text, size)
    left.set_xticks(np.arange(n) + 0.5, names, rotation=30, ha="right")
    left.set_yticks(np.arange(n) + 0.5, names)
    left.set(xlabel="predicted class", ylabel="true class", xlim=(0, n), ylim=(n, 0))
    left.set_title(f"every cell, seen from {class_name!r}", fontsize=11)

    tp = int(counts[k, k])
    fp, fn = int(counts[:, k].sum() - tp), int(counts[k].sum() - tp)
    table = (
        (0, 0, tp, "true positive"),
        (1, 0, fn, "false negative"),
        (0, 1, fp, "false positive"),
        (1, 1, int(counts.sum() - tp - fp - fn), "true negative"),
    )
    for x, y, value, meaning in table:
        which = _outcome(y == 0, x == 0)
        _outcome_cell(right, x, y, which, f"{which} = {value}\n{meaning}", 10.5)
    right.set_xticks([0.5, 1.5], [class_name, "any other"])
    right.set_yticks([0.5, 1.5], [class_name, "any other"])
    right.set(xlabel="predicted", ylabel="true", xlim=(0, 2), ylim=(2, 0))
    precision = f"precision = TP / (TP + FP) = {_ratio(tp, tp + fp)}"
    recall = f"recall = TP / (TP + FN) = {_ratio(tp, tp + fn)}"
    right.set_title(f"{precision}\n{recall}", fontsize=11)
    for ax in (left, right):
        ax.set_aspect("equal")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return described(
        figure,
        f"A confusion matrix with the cells that are TP, FP, FN and TN for {class_name}, and their "
        f"sums: {listed(f'{value} {meaning}' for *_, value, meaning in table)}. {precision}; "
        f"{recall}.",
    )


def _outcome(is_true: bool, is_predicted: bool) -> str:
    if is_true:
        return "TP" if is_predicted else "FN"
    return "FP" if is_predicted else "TN"


def _outcome_cell(ax: Axes, x: float, y: float, which: str, text: str, fontsize: float) -> None:
    color, hatch = _CELL_LOOKS[which]
    rectangle(ax, x, y, 1, 1, facecolor=color, hatch=hatch, edgecolor="white")
    write(ax, x + 0.5, y + 0.5, text, fontsize, bbox={**TAG, "alpha": 0.85})


def _ratio(above: int, below: int) -> str:
    return f"{above} / {below} = {above / below:.2f}" if below else "not defined"


def top_k(predictions: Predictions, max_k: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw top-k accuracy over k, and that of random guessing.

    Parameters
    ----------
    predictions : Predictions
    max_k : int, optional
        By default the number of classes, at most 10.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from course_utils import evaluation

    classes = len(predictions.class_names)
    ks = np.arange(1, (min(classes, 10) if max_k is None else max_k) + 1)
    values = [evaluation.top_k_accuracy(predictions, int(k)) for k in ks]
    ax = new_axes(ax, (5.4, 3.6))
    ax.plot(ks, values, color=PALETTE[2], marker=MARKERS[2], label="network")
    ax.plot(ks, ks / classes, color=QUIET, ls=LINE_STYLES[1], label="guessing")
    texts = [f"{value:.2f}" for value in values]
    for k, value, text in zip(ks, values, texts, strict=True):
        note(ax, text, (k, value), (0, 6), ha="center")
    ax.set(xticks=ks, ylim=(0, 1.1), xlabel="k", ylabel="top-k accuracy")
    ax.set_title("true class among the k most probable", fontsize=11)
    open_frame(ax)
    ax.legend(frameon=False, loc="lower right")
    return described(
        ax, f"Top-k accuracy beside that of guessing, for k from 1 to {len(ks)}: {listed(texts)}."
    )


def probability_bars(
    image: Any,
    probabilities: Any,
    class_names: Sequence[str],
    true: int | str | None = None,
    *,
    most: int = 10,
) -> Figure:
    """Draw an image and, beside it, the probability of each class.

    Parameters
    ----------
    image : array (H, W, C)
        0 to 255.
    probabilities : array (classes,)
        Adding up to 1.
    class_names : sequence of str
    true : int or str, optional
        The true class, marked in the chart.
    most : int
        The largest number of classes; the most probable ones are shown.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is not one probability per class, or they do not add up to 1.
    """
    values = np.asarray(probabilities, dtype=float)
    if values.shape != (len(class_names),):
        raise InvalidInput(
            f"There are {len(class_names)} class names, but the probabilities have the shape "
            f"{values.shape}."
        )
    if not (values >= 0).all() or abs(values.sum() - 1) > 1e-2:
        raise InvalidInput(
            "The numbers do not add up to 1, so they may be logits; "
            "give evaluation.softmax(logits)."
        )
    wanted = class_names[true] if isinstance(true, int | np.integer) else true
    shown = np.argsort(-values, kind="stable")[:most]
    if len(class_names) <= most:
        shown = np.sort(shown)
    names = [class_names[i] for i in shown]
    places = np.arange(len(shown))
    height = max(2.2, 0.6 + 0.3 * len(shown))
    figure, axes = panels(1, 2, (6.6, height), width_ratios=(1, 1.7), dpi=100)
    left, right = axes[0]
    show_image(left, image)
    left.set_axis_off()
    colors = [PALETTE[0] if i == values.argmax() else "#b8c4cc" for i in shown]
    bars = right.barh(places, values[shown], 0.7, color=colors)
    texts = [f"{value:.2f}" for value in values[shown]]
    right.bar_label(bars, texts, padding=3, fontsize=9)
    ticks = [f"{name} (true)" if name == wanted else name for name in names]
    right.set_yticks(places, ticks)
    right.invert_yaxis()
    right.set(xlim=(0, 1.12), xlabel="probability")
    open_frame(right)
    for label, name in zip(right.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == wanted else "normal")
    in_words = [f"{tick} {text}" for tick, text in zip(ticks, texts, strict=True)]
    return described(figure, f"An image and the probabilities of its classes: {listed(in_words)}.")


# ------------------------------------------------------------------------ confidence
def calibration(
    predictions: Predictions | CalibrationTable,
    bins: int = 10,
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw a reliability diagram: accuracy over confidence, and the number of images in each bin.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions or CalibrationTable
    bins : int
        Number of bins, for Predictions.
    ax : Axes, optional
        The histogram is drawn in its lower part.
    title : str, optional

    Returns
    -------
    Axes

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, figure 1.
    """
    from matplotlib.font_manager import FontProperties

    from course_utils import evaluation

    found = predictions
    if not isinstance(found, evaluation.CalibrationTable):
        found = evaluation.calibration(found, bins)
    table = found.table
    ax = new_axes(ax, (4.6, 5.6))
    width = table["upper"] - table["lower"]
    middle = table["lower"] + width / 2
    filled, few = table["count"] > 0, table["count"] < _FEW
    for chosen, color, label in (
        (filled & ~few, PALETTE[0], "accuracy in the bin"),
        (filled & few, "#a9cbe0", f"the same, fewer than {_FEW} images"),
    ):
        if chosen.any():
            heights = table["accuracy"][chosen]
            ax.bar(middle[chosen], heights, 0.94 * width[chosen], color=color, label=label)
    gap = (table["confidence"] - table["accuracy"])[filled]
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": PALETTE[5], "hatch": "///"}
    look |= {"bottom": table["accuracy"][filled], "label": "gap to the mean confidence"}
    ax.bar(middle[filled], gap, 0.94 * width[filled], **look)
    ax.plot([0, 1], [0, 1], color=INK, ls=LINE_STYLES[1], lw=1.2, label="perfectly calibrated")
    ax.text(0.97, 0.04, f"ECE {found.ece:.3f}", ha="right", fontsize=11, bbox=TAG)
    legend = ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8.5)
    if title:
        legend.set_title(title, prop=FontProperties(size=11, weight="bold"))
        legend.set_alignment("left")
    _histogram_below(ax, middle, table["count"], width)
    bins_in_words = [
        f"{row.confidence:.2f} and {row.accuracy:.2f}" for row in table[filled].itertuples()
    ]
    return described(
        ax,
        f"Reliability diagram{f' ({title})' if title else ''} with an expected calibration error "
        f"of {found.ece:.3f}. Confidence and accuracy of the bins: {'; '.join(bins_in_words)}.",
    )


def _histogram_below(ax: Axes, middle: Any, count: Any, width: Any) -> None:
    """Draw the number of images of each bin under the diagram, in the same axes."""
    floor, height = -0.36, 0.2
    ax.axhline(0, color=INK, lw=0.8)
    ax.bar(middle, height * count / max(count.max(), 1), 0.94 * width, bottom=floor, color=QUIET)
    for x, number in zip(middle, count, strict=True):
        if number:
            y = floor + height * number / count.max() + 0.01
            write(ax, x, y, f"{number}", 8, va="bottom")
    ax.text(0.01, floor + height + 0.08, "images in the bin", va="center", fontsize=8.5)
    ax.set(xlim=(0, 1), ylim=(floor, 1), xlabel="confidence", xticks=np.linspace(0, 1, 6))
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set_ylabel("accuracy", y=(0.5 - floor) / (1 - floor))
    open_frame(ax)


# ------------------------------------------------------------------------ diagnosis
def diagnosis(
    history: Any,
    found: Diagnosis | None = None,
    *,
    num_classes: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw loss and accuracy with the evidence for a diagnosis: the best epoch and the gap.

    First met in lesson 05.

    Parameters
    ----------
    history : History, dict of lists, or DataFrame
    found : Diagnosis, optional
        By default ``evaluation.diagnose(history, num_classes)``.
    num_classes : int, optional
        Draw the accuracy of random guessing.
    title : str, optional
        By default the name of the diagnosis.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from course_utils import evaluation

    lines = evaluation.curves(history)
    if found is None:
        found = evaluation.diagnose(history, num_classes)
    names = [name for name in ("loss", "accuracy") if name in lines]
    figure, axes = panels(1, len(names), (4.4 * len(names), 3.3))
    chance = found.evidence.get("chance")
    best = found.evidence.get("best_epoch")
    for ax, name in zip(axes[0], names, strict=True):
        _curve_panel(ax, lines[name], lines[f"val_{name}"], name, found)
        if chance is not None:
            level = chance if name == "accuracy" else -np.log(chance)
            ax.axhline(level, color=QUIET, ls=LINE_STYLES[3], lw=1.4, label="guessing")
    axes[0, 0].legend(frameon=False, fontsize=8.5)
    if "accuracy" in lines:
        axes[0, 1].set_ylim(0, 1.02)
    figure.suptitle(title if title is not None else found.name, fontsize=12, weight="bold")
    ends = [
        f"{name} {lines[name][-1]:.2f} in training and {lines[f'val_{name}'][-1]:.2f} in validation"
        for name in names
    ]
    lowest = "" if best is None else f" The best epoch is {best:.0f}."
    return described(
        figure,
        f"{' and '.join(names).capitalize()} over the epochs, diagnosis: {found.name}. At the end: "
        f"{listed(ends)}.{lowest}",
    )


def _curve_panel(
    ax: Axes, train: np.ndarray, validation: np.ndarray, name: str, found: Diagnosis
) -> None:
    """Draw one quantity for training and validation, its best epoch and the final gap.

    The gap is that of the diagnosis: of the means over the last epochs.
    """
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(1, len(train) + 1)
    every = max(1, len(epochs) // 12)
    for i, (values, label) in enumerate(((train, "train"), (validation, "validation"))):
        style = series_style(i, PALETTE, ms=4.5, markevery=every, label=label)
        ax.plot(epochs, values, **style)
    ax.set(xlabel="epoch", ylabel=name, xlim=(0.5, 1.04 * len(train) + 0.5))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    open_frame(ax)
    both = np.concatenate([train, validation])
    finite = both[np.isfinite(both)]
    if not len(finite):
        ax.text(0.5, 0.5, "no finite value", transform=ax.transAxes, ha="center")
        return
    if name == "loss" and finite.max() > 20 * max(np.median(finite), 1e-9):
        ax.set_yscale("log")  # one very large value would flatten all the others
    elif name == "loss":
        ax.set_ylim(bottom=0)
    best = found.evidence.get("best_epoch")
    if best is not None:
        _mark_best_epoch(ax, best, len(epochs))
    last = slice(-int(found.evidence.get("averaged_epochs", 1)), None)
    ends = [float(values[last].mean()) for values in (train, validation)]
    if np.isfinite(ends).all():
        _mark_gap(ax, len(epochs), min(ends), max(ends))


def _mark_best_epoch(ax: Axes, best: float, epochs: int) -> None:
    ax.axvline(best, color=INK, lw=1, ls=LINE_STYLES[2])
    offset, side = ((3, 2), "left") if best <= epochs / 2 else ((-3, 2), "right")
    place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "ha": side, "va": "bottom"}
    note(ax, f"best epoch: {best:.0f}", (best, 1), offset, fontsize=8, **place)


def _mark_gap(ax: Axes, epochs: int, low: float, high: float) -> None:
    """Draw the gap between the two curves behind the last epoch."""
    x = epochs + 0.03 * max(1, epochs)
    arrow = {"arrowstyle": "<->", "color": INK, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, low), (x, high), arrowprops=arrow, annotation_clip=False)
    text = f"gap\n{high - low:.2f}" if high - low < 100 else f"gap\n{high - low:.2g}"
    place: dict[str, Any] = {"va": "center", "annotation_clip": False}
    note(ax, text, (x, (low + high) / 2), (5, 0), fontsize=8.5, **place)
