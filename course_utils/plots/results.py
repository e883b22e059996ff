"""Figures of results in several lessons: training curves, confusion matrices, class metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.evaluation.diagnosis import history_table
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    MARKERS,
    PALETTE,
    QUIET,
    SEQUENTIAL,
    VARIANTS,
    described,
    grouped_bars,
    in_percent,
    legend_above,
    listed,
    new_axes,
    open_frame,
    panels,
    series_style,
    whole_epochs,
    write,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.evaluation import Predictions

_MEASURES = ("precision", "recall", "f1")


# ------------------------------------------------------------------------ training curves
def history(
    histories: Any, *, best: bool = True, title: str | None = None, guessing: int | None = None
) -> Figure:
    """Draw loss and accuracy over the epochs, for training and validation.

    First met in lesson 03; lesson 04 writes it out with Matplotlib.

    Parameters
    ----------
    histories : History, dict of lists, DataFrame, or mapping of str to any of them
        One training run, or several by name. For one, training is a solid blue line and validation
        a dashed orange one. For several, each has a color, and validation is dashed.
    best : bool
        Mark the epoch with the lowest validation loss (for a single run only).
    title : str, optional
        Title of the figure.
    guessing : int, optional
        Number of classes; if given, loss and accuracy of random guessing are drawn.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the argument is not a history.
    """
    several = _several(histories)
    figure, axes = panels(1, 2, (9.5, 3.6))
    for ax, name in zip(axes[0], ("loss", "accuracy"), strict=True):
        if several is None:
            _one_history(ax, _curves(histories), name, best)
        else:
            _several_histories(ax, several, name)
        ax.set(xlabel="epoch", ylabel=name)
        label_epochs(ax)
        open_frame(ax)
    if guessing is not None:
        for ax, level in zip(axes[0], (np.log(guessing), 1 / guessing), strict=True):
            ax.axhline(level, color=QUIET, linestyle="-.", label="guessing")
    in_percent(axes[0, 1].yaxis)
    if several is None:
        for ax in axes[0]:
            ax.legend(frameon=False, fontsize=9)
    else:
        handles, labels = axes[0, 1].get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, loc="outside right center", fontsize=9)
    if title:
        figure.suptitle(title)
    ends = {"": histories} if several is None else several
    texts = [_ends_in_words(name, _curves(one)) for name, one in ends.items()]
    return described(figure, f"Loss and accuracy over the epochs. {' '.join(texts)}")


def label_epochs(ax: Axes) -> None:
    """Put ticks at whole epochs, and widen the axis around a single epoch."""
    whole_epochs(ax)
    low, high = ax.get_xlim()
    if high - low < 1:
        ax.set_xlim(0.5, 1.5)


def _several(histories: Any) -> Mapping[str, Any] | None:
    """Return the histories by name if several were given, else None."""
    if not isinstance(histories, Mapping) or hasattr(histories, "columns") or not histories:
        return None
    values = list(histories.values())
    is_one = all(isinstance(value, list | tuple | np.ndarray) for value in values)
    return None if is_one else histories


def _curves(one: Any) -> dict[str, np.ndarray]:
    table = history_table(one)
    names = ("loss", "val_loss", "accuracy", "val_accuracy")
    found = {name: np.asarray(table[name], dtype=float) for name in names if name in table}
    if "loss" not in found:
        raise InvalidInput(
            "The history has no 'loss'; give what training.fit or model.fit returned."
        )
    return found


def _plot_over_epochs(ax: Axes, values: np.ndarray | None, **style: Any) -> None:
    if values is not None:
        ax.plot(np.arange(1, len(values) + 1), values, **style)


def _one_history(ax: Axes, lines: Mapping[str, np.ndarray], name: str, best: bool) -> None:
    for number, (key, label) in enumerate(((name, "training"), (f"val_{name}", "validation"))):
        style = series_style(number, PALETTE, markersize=4.5, label=label)
        _plot_over_epochs(ax, lines.get(key), **style)
    if best and len(lines.get("val_loss", ())) > 1:
        epoch = int(np.argmin(lines["val_loss"])) + 1
        ax.axvline(epoch, color=QUIET, linestyle=":", label=f"lowest validation loss ({epoch})")


def _several_histories(ax: Axes, histories: Mapping[str, Any], name: str) -> None:
    for number, (label, one) in enumerate(histories.items()):
        lines = _curves(one)
        style = {
            "color": VARIANTS[number % len(VARIANTS)],
            "marker": MARKERS[number % len(MARKERS)],
            "markersize": 4,
        }
        solid: dict[str, Any] = {"linestyle": "-", "label": f"{label}, training"}
        dashed: dict[str, Any] = {"linestyle": "--", "label": f"{label}, validation"}
        _plot_over_epochs(ax, lines.get(name), fillstyle="full", **solid, **style)
        _plot_over_epochs(ax, lines.get(f"val_{name}"), fillstyle="none", **dashed, **style)


def _ends_in_words(name: str, lines: Mapping[str, np.ndarray]) -> str:
    """Return the last values of the curves, for the alternative text."""
    words = {"loss": "training loss", "val_loss": "validation loss"}
    words |= {"accuracy": "training accuracy", "val_accuracy": "validation accuracy"}
    ends = [f"{words[key]} {values[-1]:.2f}" for key, values in lines.items() if len(values)]
    ends = ends or ["no values"]
    head = f"{name}, last epoch" if name else "Last epoch"
    return f"{head}: {', '.join(ends)}."


# ------------------------------------------------------------------------ classes
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
        A DataFrame as ``evaluation.confusion_matrix`` returns it.
    normalize : {None, "true"}
        "true" shows the shares of each row: the diagonal holds the recalls.
    ax : Axes, optional
    title : str, optional

    Returns
    -------
    Axes
    """
    import seaborn as sns

    matrix = matrix_of(predictions, normalize)
    shares = any(kind.kind == "f" for kind in matrix.dtypes)
    count = len(matrix)
    side = max(3.6, 1.9 + 0.62 * count)
    ax = new_axes(ax, (side + 0.5, side))
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
        write(ax, column + 0.5, row + 0.5, "–", 10, color=QUIET)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.tick_params(axis="x", rotation=30 if count <= 10 else 90, length=0)
    ax.tick_params(axis="y", rotation=0, length=0)
    if count <= 10:
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("right")
    if title:
        ax.set_title(title, fontsize=11)
    return described(ax, _matrix_in_words(matrix, shares))


def matrix_of(predictions: Predictions | pd.DataFrame, normalize: str | None) -> pd.DataFrame:
    """Return the confusion matrix of predictions, or a given one, normalized if requested."""
    from course_utils import evaluation

    if not hasattr(predictions, "columns"):
        return evaluation.confusion_matrix(predictions, normalize)
    if normalize is None:
        return predictions
    validate.choice("normalize", normalize, ("true",))
    totals = predictions.sum(axis=1)
    return predictions.div(totals.where(totals > 0), axis=0)


def _matrix_in_words(matrix: pd.DataFrame, shares: bool) -> str:
    values = np.nan_to_num(matrix.to_numpy(dtype=float))
    mistakes = values * (1 - np.eye(*values.shape))
    row, column = np.unravel_index(int(mistakes.argmax()), values.shape)
    text = f"Confusion matrix of {len(matrix)} classes in {'shares' if shares else 'counts'}."
    if not mistakes.any():
        return f"{text} There is no mistake."
    most = f"{mistakes.max():.2f}" if shares else f"{mistakes.max():.0f}"
    names = matrix.index[row], matrix.columns[column]
    return f"{text} The most frequent mistake: {names[0]} predicted as {names[1]} ({most})."


def per_class_bars(predictions: Predictions | pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw precision, recall and F1 of each class.

    Parameters
    ----------
    predictions : Predictions or DataFrame
        A DataFrame as ``evaluation.classification_report`` returns it.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If the table lacks one of the three columns.
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
    rows = report.drop(index=["weighted average"], errors="ignore")
    undefined = set(map(tuple, report.attrs.get("undefined", ())))
    ax = new_axes(ax, (7.2, 0.9 + 0.58 * len(rows)))
    places = np.arange(len(rows), dtype=float)
    if "macro average" in rows.index:
        places[-1] += 0.25
        ax.axhline(places[-1] - 0.62, color=QUIET, lw=0.8)
    scores = rows[list(_MEASURES)].rename(columns={"f1": "F1"})
    for measure, bars in grouped_bars(ax, scores, places):
        texts = [
            "not defined" if (name, measure.lower()) in undefined else f"{value:.2f}"
            for name, value in scores[measure].items()
        ]
        ax.bar_label(bars, texts, padding=3, fontsize=8)
    ax.set(xlim=(0, 1.08), xlabel="precision, recall, F1 (1 is perfect)", ylabel="class")
    open_frame(ax)
    legend_above(ax)
    f1 = [f"{name} {value:.2f}" for name, value in scores["F1"].items()]
    return described(ax, f"Bars for precision, recall and F1 of each class. F1: {listed(f1)}.")
