"""Figures about predictions and training curves: where a network is right, wrong, and how certain.

Right and wrong never differ by colour alone: a tick or a cross says it too, and the frame of a
wrong picture is dashed. None of these functions needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import settings
from course_utils.datasets import displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import LINE_STYLES, MARKERS, PALETTE, SEQUENTIAL, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.evaluation import CalibrationTable, Diagnosis, Predictions

_RIGHT, _WRONG = PALETTE[2], PALETTE[5]
_INK = "#222222"
_QUIET = "#8a8a8a"
_TAG = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9}
_MEASURES = ("precision", "recall", "f1")
_HATCHES = ("", "///", "...")
_FEW = 10  # a bin of the reliability diagram with fewer images says little


# --------------------------------------------------------------------------------------------------
# confusion


def confusion_matrix(
    predictions: Predictions | pd.DataFrame,
    normalize: str | None = None,
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw a confusion matrix as a heatmap: rows are true classes, columns predicted ones.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions or DataFrame
        A DataFrame is what ``evaluation.confusion_matrix`` returns.
    normalize : {None, "true"}
        "true" shows the shares of each row: the diagonal holds the recalls.
    ax : Axes, optional
    title : str, optional

    Returns
    -------
    Axes
    """
    import seaborn as sns

    matrix = _matrix(predictions, normalize)
    shares = all(kind.kind == "f" for kind in matrix.dtypes)
    count = len(matrix)
    if ax is None:
        side = max(3.6, 1.9 + 0.62 * count)
        ax = new_axes(None, (side + 0.5, side))
    texts = matrix.map(lambda value: f"{value:.2f}" if shares else f"{value:d}")
    sns.heatmap(
        matrix,
        annot=texts if count <= 20 else False,
        fmt="",
        cmap=SEQUENTIAL,
        vmin=0,
        vmax=1 if shares else None,
        square=True,
        linewidths=0.6,
        linecolor="white",
        annot_kws={"fontsize": 10 if count <= 10 else 7},
        cbar_kws={"label": "share of the true class" if shares else "images", "shrink": 0.8},
        ax=ax,
    )
    for row, column in np.argwhere(matrix.isna().to_numpy()):  # classes without images
        ax.text(column + 0.5, row + 0.5, "–", ha="center", va="center", color=_QUIET)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.tick_params(axis="x", rotation=30 if count <= 10 else 90, length=0)
    ax.tick_params(axis="y", rotation=0, length=0)
    if count <= 10:
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("right")
    if title:
        ax.set_title(title, fontsize=11)
    return ax


def _matrix(predictions: Predictions | pd.DataFrame, normalize: str | None) -> pd.DataFrame:
    from course_utils import evaluation

    if not hasattr(predictions, "columns"):
        return evaluation.confusion_matrix(predictions, normalize)
    if normalize is None:
        return predictions
    if normalize != "true":
        raise InvalidInput(f"normalize must be None or 'true', but it is {normalize!r}.")
    totals = predictions.sum(axis=1)
    return predictions.div(totals.where(totals > 0), axis=0)


def one_vs_rest(predictions: Predictions | pd.DataFrame, class_name: str) -> Figure:
    """Show which cells of a confusion matrix are TP, FP, FN and TN for one class.

    On the left the whole matrix with its four regions, on the right the same numbers added up in
    a 2 × 2 table, with the precision and recall that follow.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions or DataFrame
        A DataFrame holds counts.
    class_name : str
        The class to compare with all others.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no such class.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    matrix = _matrix(predictions, None)
    if class_name not in matrix.index:
        raise InvalidInput(
            f"There is no class {class_name!r}; the classes are "
            f"{', '.join(map(str, matrix.index))}."
        )
    counts, k = matrix.to_numpy(), list(matrix.index).index(class_name)
    looks = {
        "TP": (PALETTE[2], ""),
        "FP": (PALETTE[1], "//"),
        "FN": (PALETTE[3], "\\\\"),
        "TN": ("#dddddd", ""),
    }

    def kind(row: int, column: int) -> str:
        if row == k:
            return "TP" if column == k else "FN"
        return "FP" if column == k else "TN"

    def cell(ax: Axes, x: float, y: float, size: float, which: str, text: str, font: float) -> None:
        colour, hatch = looks[which]
        patch = Rectangle((x, y), size, size, facecolor=colour, hatch=hatch, edgecolor="white")
        ax.add_patch(patch)
        box = {**_TAG, "alpha": 0.85}
        ax.text(x + size / 2, y + size / 2, text, ha="center", va="center", fontsize=font, bbox=box)

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 4.3), width_ratios=(1.15, 1), layout="constrained"
    )
    n = len(counts)
    for (row, column), value in np.ndenumerate(counts):
        which = kind(row, column)
        show = f"{which}\n{value}" if n <= 8 else f"{value}"
        cell(left, column, row, 1, which, show, 9 if n <= 8 else 7)
    names = [str(name) for name in matrix.index]
    left.set_xticks(np.arange(n) + 0.5, names, rotation=30, ha="right")
    left.set_yticks(np.arange(n) + 0.5, names)
    left.set(xlabel="predicted class", ylabel="true class", xlim=(0, n), ylim=(n, 0))
    left.set_title(f"every cell, seen from {class_name!r}", fontsize=11)

    tp = int(counts[k, k])
    fp, fn = int(counts[:, k].sum() - tp), int(counts[k].sum() - tp)
    tn = int(counts.sum() - tp - fp - fn)
    table = {
        ("TP", 0, 0): (tp, "true positive"),
        ("FN", 1, 0): (fn, "false negative"),
        ("FP", 0, 1): (fp, "false positive"),
        ("TN", 1, 1): (tn, "true negative"),
    }
    for (which, x, y), (value, meaning) in table.items():
        cell(right, x, y, 1, which, f"{which} = {value}\n{meaning}", 10.5)
    right.set_xticks([0.5, 1.5], [class_name, "any other"])
    right.set_yticks([0.5, 1.5], [class_name, "any other"])
    right.set(xlabel="predicted", ylabel="true", xlim=(0, 2), ylim=(2, 0))
    right.set_title(
        f"precision = TP / (TP + FP) = {_ratio(tp, tp + fp)}\n"
        f"recall = TP / (TP + FN) = {_ratio(tp, tp + fn)}",
        fontsize=11,
    )
    for ax in (left, right):
        ax.set_aspect("equal")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return figure


def _ratio(above: int, below: int) -> str:
    return f"{above} / {below} = {above / below:.2f}" if below else "not defined"


def per_class_bars(predictions: Predictions | pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw precision, recall and F1 of each class.

    Parameters
    ----------
    predictions : Predictions or DataFrame
        A DataFrame is what ``evaluation.classification_report`` returns.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from course_utils import evaluation

    report = predictions
    if not hasattr(report, "columns"):
        report = evaluation.classification_report(report)
    missing = [name for name in _MEASURES if name not in report.columns]
    if missing:
        raise InvalidInput(
            f"The table has no column {missing[0]!r}; give what classification_report returns."
        )
    classes = report.drop(index=["weighted average"], errors="ignore")
    undefined = set(map(tuple, report.attrs.get("undefined", ())))
    ax = new_axes(ax, (7.2, 0.9 + 0.58 * len(classes)))
    height = 0.8 / len(_MEASURES)
    base = np.arange(len(classes), dtype=float)
    if "macro average" in classes.index:
        base[-1] += 0.25
        ax.axhline(base[-1] - 0.62, color=_QUIET, lw=0.8)
    for i, measure in enumerate(_MEASURES):
        bars = ax.barh(
            base + (i - 1) * height,
            classes[measure],
            height * 0.92,
            color=PALETTE[i],
            hatch=_HATCHES[i],
            edgecolor="white",
            linewidth=0.5,
            label="F1" if measure == "f1" else measure,
        )
        texts = [
            "not defined" if (name, measure) in undefined else f"{value:.2f}"
            for name, value in classes[measure].items()
        ]
        ax.bar_label(bars, texts, padding=3, fontsize=8)
    ax.set_yticks(base, classes.index)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.08), xlabel="precision, recall, F1 (1 is perfect)", ylabel="class")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return ax


def top_k(predictions: Predictions, max_k: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw top-k accuracy over k, beside what guessing would reach.

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
    ax.plot(ks, ks / classes, color=_QUIET, ls=LINE_STYLES[1], label="guessing")
    for k, value in zip(ks, values, strict=True):
        ax.annotate(
            f"{value:.2f}",
            (k, value),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    ax.set(
        xticks=ks,
        ylim=(0, 1.1),
        xlabel="k",
        ylabel="top-k accuracy",
        title="true class among the k most probable",
    )
    ax.title.set_fontsize(11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="lower right")
    return ax


# --------------------------------------------------------------------------------------------------
# certainty


def calibration(
    predictions: Predictions | CalibrationTable,
    bins: int = 10,
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Axes:
    """Draw a reliability diagram: accuracy against confidence, and how many images each bin has.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions or CalibrationTable
    bins : int
        Number of bins, for Predictions.
    ax : Axes, optional
        The histogram takes its lower part.
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

    if isinstance(predictions, evaluation.CalibrationTable):
        found = predictions
    else:
        found = evaluation.calibration(predictions, bins)
    table = found.table
    ax = new_axes(ax, (4.6, 5.6))
    width = table["upper"] - table["lower"]
    middle = table["lower"] + width / 2
    filled = table["count"] > 0
    few = table["count"] < _FEW
    for chosen, colour, label in (
        (filled & ~few, PALETTE[0], "accuracy in the bin"),
        (filled & few, "#a9cbe0", f"the same, fewer than {_FEW} images"),
    ):
        if chosen.any():
            heights = table["accuracy"][chosen]
            ax.bar(middle[chosen], heights, 0.94 * width[chosen], color=colour, label=label)
    ax.bar(
        middle[filled],
        (table["confidence"] - table["accuracy"])[filled],
        0.94 * width[filled],
        bottom=table["accuracy"][filled],
        facecolor="none",
        edgecolor=PALETTE[5],
        hatch="///",
        label="gap to the mean confidence",
    )
    ax.plot([0, 1], [0, 1], color=_INK, ls=LINE_STYLES[1], lw=1.2, label="perfectly calibrated")
    ax.text(0.97, 0.04, f"ECE {found.ece:.3f}", ha="right", fontsize=11, bbox=_TAG)
    legend = ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8.5)
    if title:
        legend.set_title(title, prop=FontProperties(size=11, weight="bold"))
        legend.set_alignment("left")
    _histogram_below(ax, middle, table["count"], width)
    return ax


def _histogram_below(ax: Axes, middle: Any, count: Any, width: Any) -> None:
    """Draw the number of images of each bin under the diagram, in the same axes."""
    floor, height = -0.36, 0.2
    ax.axhline(0, color=_INK, lw=0.8)
    ax.bar(middle, height * count / max(count.max(), 1), 0.94 * width, bottom=floor, color=_QUIET)
    for x, number in zip(middle, count, strict=True):
        if number:
            y = floor + height * number / count.max() + 0.01
            ax.text(x, y, f"{number}", ha="center", va="bottom", fontsize=8)
    ax.text(0.01, floor + height + 0.08, "images in the bin", va="center", fontsize=8.5)
    ax.set(xlim=(0, 1), ylim=(floor, 1), xlabel="confidence", xticks=np.linspace(0, 1, 6))
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set_ylabel("accuracy", y=(0.5 - floor) / (1 - floor))
    ax.spines[["top", "right"]].set_visible(False)


def probability_bars(
    image: Any,
    probabilities: Any,
    class_names: Sequence[str],
    true: int | str | None = None,
    *,
    most: int = 10,
) -> Figure:
    """Show a picture and, beside it, the probability of each class.

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
        Show at most so many classes, the most probable ones.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is not one probability per class, or they are no probabilities.
    """
    import matplotlib.pyplot as plt

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
    wanted = None if true is None else (true if isinstance(true, str) else class_names[true])
    shown = np.argsort(-values, kind="stable")[:most]
    shown = np.sort(shown) if len(class_names) <= most else shown
    figure, (left, right) = plt.subplots(
        1,
        2,
        figsize=(6.6, max(2.2, 0.6 + 0.3 * len(shown))),
        width_ratios=(1, 1.7),
        layout="constrained",
    )
    left.imshow(displayable(image), cmap="gray", vmin=0, vmax=255)
    left.set_axis_off()
    top = int(values.argmax())
    colours = [PALETTE[0] if i == top else "#b8c4cc" for i in shown]
    bars = right.barh(np.arange(len(shown)), values[shown], 0.7, color=colours)
    right.bar_label(bars, [f"{values[i]:.2f}" for i in shown], padding=3, fontsize=9)
    names = [
        f"{class_names[i]} (true)" if class_names[i] == wanted else class_names[i] for i in shown
    ]
    right.set_yticks(np.arange(len(shown)), names)
    right.invert_yaxis()
    right.set(xlim=(0, 1.12), xlabel="probability")
    right.spines[["top", "right"]].set_visible(False)
    for label, i in zip(right.get_yticklabels(), shown, strict=True):
        label.set_fontweight("bold" if class_names[i] == wanted else "normal")
    return figure


def predictions_grid(
    predictions: Predictions,
    which: str | Sequence[int] = "first",
    count: int = 12,
    columns: int = 6,
    *,
    size: float = 1.45,
    seed: int | None = None,
    title: str | None = None,
) -> Figure:
    """Show pictures with predicted and true class and the confidence.

    A right prediction has a tick and a full frame, a wrong one a cross and a dashed frame.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions
    which : {"first", "random", "wrong", "right", "most certain mistakes"} or sequence of int
        Which images, or their positions.
    count : int
        At most so many.
    columns : int
        Pictures per row.
    size : float
        Width of one picture in inches.
    seed : int, optional
        For "random"; by default ``settings.seed()``.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If `which` is unknown, or no image belongs to it.
    """
    import matplotlib.pyplot as plt

    places = _choose(predictions, which, count, seed)
    images, known = predictions.images, bool((predictions.labels >= 0).all())
    columns = min(columns, len(places))
    rows = -(-len(places) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * (size + 0.14), rows * (size + 0.44) + (0.35 if title else 0.05)),
        squeeze=False,
        layout="constrained",
    )
    names, predicted, confidence = (
        predictions.class_names,
        predictions.predicted,
        predictions.confidence,
    )
    for ax in axes.flat[len(places) :]:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, places, strict=False):
        ax.imshow(displayable(images[i]), cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
        first = f"{names[predicted[i]]} {confidence[i]:.2f}"
        if not known:
            ax.set_title(first, fontsize=8.5, pad=4)
            continue
        right = predicted[i] == predictions.labels[i]
        ax.spines[:].set(
            color=_RIGHT if right else _WRONG,
            linewidth=2.6,
            linestyle="-" if right else (0, (3, 2)),
        )
        second = "" if right else f"\ntrue: {names[predictions.labels[i]]}"
        mark = "✓" if right else "✗"
        ax.set_title(
            f"{mark} {first}{second}", fontsize=8.5, pad=4, color=_INK if right else "#8f3800"
        )
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _choose(
    predictions: Predictions, which: str | Sequence[int], count: int, seed: int | None
) -> np.ndarray:
    if count < 1:
        raise InvalidInput(f"count must be at least 1, but it is {count}.")
    everything = np.arange(len(predictions))
    if not isinstance(which, str):
        places = np.asarray(which)
        places = np.flatnonzero(places) if places.dtype == bool else places.astype(int)
        if len(places) and (places.min() < -len(everything) or places.max() >= len(everything)):
            raise InvalidInput(
                f"There are {len(everything)} images, so their positions are 0 to "
                f"{len(everything) - 1}; {places.max()} is not among them."
            )
    elif which == "first":
        places = everything
    elif which == "random":
        generator = np.random.default_rng(settings.seed() if seed is None else seed)
        places = generator.permutation(everything)
    elif which == "wrong":
        places = everything[~predictions.correct]
    elif which == "right":
        places = everything[predictions.correct]
    elif which == "most certain mistakes":
        wrong = everything[~predictions.correct]
        places = wrong[np.argsort(-predictions.confidence[wrong], kind="stable")]
    else:
        raise InvalidInput(
            f"which is {which!r}; it can be 'first', 'random', 'wrong', 'right', "
            f"'most certain mistakes', or the positions of the images."
        )
    if not len(places):
        raise InvalidInput(f"There is no image to show: none is {which!r}.")
    return places[:count]


# --------------------------------------------------------------------------------------------------
# training curves


def diagnosis(
    history: Any,
    found: Diagnosis | None = None,
    *,
    num_classes: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw loss and accuracy with what a diagnosis looks at: the best epoch and the gap.

    First met in lesson 05.

    Parameters
    ----------
    history : History, dict of lists, or DataFrame
    found : Diagnosis, optional
        By default ``evaluation.diagnose(history, num_classes)``.
    num_classes : int, optional
        Draws the level of guessing.
    title : str, optional
        By default the name of the diagnosis.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    from course_utils import evaluation

    lines = evaluation.curves(history)
    if found is None:
        found = evaluation.diagnose(history, num_classes)
    panels = [("loss", "loss"), *([("accuracy", "accuracy")] if "accuracy" in lines else [])]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.4 * len(panels), 3.3), squeeze=False, layout="constrained"
    )
    chance = found.evidence.get("chance")
    for ax, (key, name) in zip(axes[0], panels, strict=True):
        _curve_panel(ax, lines[key], lines[f"val_{key}"], name, found)
        if chance is not None:
            level = chance if key == "accuracy" else -np.log(chance)
            ax.axhline(level, color=_QUIET, ls=LINE_STYLES[3], lw=1.4, label="guessing")
    axes[0, 0].legend(frameon=False, fontsize=8.5)
    if "accuracy" in lines:
        axes[0, 1].set_ylim(0, 1.02)
    figure.suptitle(title if title is not None else found.name, fontsize=12, weight="bold")
    return figure


def _curve_panel(
    ax: Axes, train: np.ndarray, validation: np.ndarray, name: str, found: Diagnosis
) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = np.arange(1, len(train) + 1)
    every = max(1, len(epochs) // 12)
    for i, (values, label) in enumerate(((train, "train"), (validation, "validation"))):
        ax.plot(
            epochs,
            values,
            color=PALETTE[i],
            ls=LINE_STYLES[i],
            marker=MARKERS[i],
            ms=4.5,
            markevery=every,
            label=label,
        )
    ax.set(xlabel="epoch", ylabel=name, xlim=(0.5, 1.04 * len(train) + 0.5))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines[["top", "right"]].set_visible(False)
    finite = np.concatenate([train, validation])
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        ax.text(0.5, 0.5, "no finite value", transform=ax.transAxes, ha="center")
        return
    if name == "loss":
        # A first epoch that is far off must not flatten everything else.
        if finite.max() > 20 * max(np.median(finite), 1e-9):
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
    best = found.evidence.get("best_epoch")
    if best is not None:
        ax.axvline(best, color=_INK, lw=1, ls=LINE_STYLES[2])
        ax.annotate(
            f"best epoch: {best:.0f}",
            (best, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if best <= len(epochs) / 2 else -3, 2),
            textcoords="offset points",
            ha="left" if best <= len(epochs) / 2 else "right",
            va="bottom",
            fontsize=8,
        )
    low, high = sorted((train[-1], validation[-1]))
    if not np.isfinite([low, high]).all():
        return
    x = epochs[-1] + 0.03 * max(1, len(epochs))
    ax.annotate(
        "",
        (x, low),
        (x, high),
        arrowprops={"arrowstyle": "<->", "color": _INK, "shrinkA": 0, "shrinkB": 0},
        annotation_clip=False,
    )
    ax.annotate(
        f"gap\n{high - low:.2f}" if high - low < 100 else f"gap\n{high - low:.2g}",
        (x, (low + high) / 2),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        annotation_clip=False,
    )
