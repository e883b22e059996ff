"""Figures of lesson 08: small training sets, sweeps over heads, and base and head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba

from course_utils.datasets import displayable
from course_utils.plots._style import (
    LINE_STYLES,
    MARKERS,
    PALETTE,
    VARIANTS,
    arrow,
    described,
    listed,
    new_axes,
    panels,
    require_some,
    rounded_box,
    series_style,
    whole_epochs,
    write,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def few_pictures(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw test accuracy over the number of images per class, one mark for each run.

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
    ends = []
    for number, (way, rows) in enumerate(results.groupby("way", sort=False)):
        color, marker = VARIANTS[number], MARKERS[number]
        means = rows.groupby("pictures")["test accuracy"].mean()
        ax.plot(rows["pictures"], rows["test accuracy"], marker, color=color, alpha=0.4, ms=5)
        style: dict[str, Any] = {"color": color, "marker": marker, "ms": 8, "label": str(way)}
        ax.plot(means.index, means.to_numpy(), LINE_STYLES[number], **style)
        ends.append(f"{way} from {means.iloc[0]:.2f} to {means.iloc[-1]:.2f}")
    counts = results.drop_duplicates("pictures").sort_values("pictures")
    ticks = [
        f"{total}\n({size} a class)" if size != "all" else f"{total}\n(all)"
        for total, size in zip(counts["pictures"], counts["per class"], strict=True)
    ]
    ax.set_xscale("log")
    ax.set_xticks(counts["pictures"], ticks)
    ax.minorticks_off()
    ax.set(xlabel="training pictures", ylabel="test accuracy", ylim=(0, 1))
    ax.grid(alpha=0.3)
    ax.legend(loc="lower right")
    totals = counts["pictures"].to_list()
    return described(
        ax,
        f"Test accuracy over the number of training images, from {totals[0]} to {totals[-1]}. "
        f"Means: {listed(ends)}.",
    )


def sweeps(curves: Mapping[tuple[str, Any], Mapping[str, list[float]]]) -> Figure:
    """Draw the validation accuracy of many heads, one panel for each hyperparameter.

    Parameters
    ----------
    curves : mapping of (hyperparameter, its value) to history
        A history is a mapping with a list "val_accuracy" (0-1), one number per epoch.

    Returns
    -------
    Figure
    """
    require_some("curve", curves)
    topics = list(dict.fromkeys(what for what, _ in curves))
    figure, axes = panels(1, len(topics), (3.6 * len(topics), 3.6), sharey=True)
    texts = []
    for ax, topic in zip(axes[0], topics, strict=True):
        values = [value for what, value in curves if what == topic]
        for number, value in enumerate(values):
            accuracy = curves[topic, value]["val_accuracy"]
            style = series_style(number, ms=5, label=f"{value:g}")
            every = max(1, len(accuracy) // 6)
            ax.plot(range(1, len(accuracy) + 1), accuracy, markevery=every, **style)
            texts.append(f"{topic} {value:g}: {accuracy[-1]:.2f}")
        ax.set_title(topic)
        ax.set_xlabel("epoch")
        whole_epochs(ax)
        ax.grid(alpha=0.3)
        ax.legend(title=topic)
    axes[0, 0].set_ylabel("validation accuracy")
    return described(
        figure, f"Validation accuracy over the epochs. In the last one: {'; '.join(texts)}."
    )


def fine_tuning(
    before: Mapping[str, list[float]], after: Mapping[str, list[float]], ax: Axes | None = None
) -> Axes:
    """Draw the accuracy over the epochs of two phases, with a line where fine-tuning starts.

    First met in lesson 08.

    Parameters
    ----------
    before, after : mapping of str to list of float
        Histories with "accuracy" and "val_accuracy" (0-1), one number per epoch: of the head on the
        frozen base, and of fine-tuning.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    require_some("epoch", before["accuracy"])
    require_some("epoch", after["accuracy"])
    ax = new_axes(ax, (7.5, 4.0))
    first, second = len(before["accuracy"]), len(after["accuracy"])
    epochs = range(1, first + second + 1)
    for number, (name, label) in enumerate(
        (("accuracy", "training"), ("val_accuracy", "validation"))
    ):
        style = series_style(number, PALETTE, ms=5, label=label)
        ax.plot(epochs, [*before[name], *after[name]], **style)
    ax.axvline(first + 0.5, color="black", lw=1.2, ls=":")
    low, high = ax.get_ylim()
    place = low + 0.06 * (high - low)
    write(ax, first + 0.4, place, "fine-tuning starts here →", 10, ha="right")
    ax.set(xlabel="epoch", ylabel="accuracy")
    whole_epochs(ax)
    ax.grid(alpha=0.3)
    ax.legend()
    reached = before["val_accuracy"][-1], after["val_accuracy"][-1]
    return described(
        ax,
        f"Accuracy over {first + second} epochs; fine-tuning starts after epoch {first}. "
        f"Validation accuracy: {reached[0]:.3f} before fine-tuning, {reached[1]:.3f} at the end.",
    )


def base_and_head(
    picture: Any,
    maps_shape: tuple[int, int, int],
    hidden: int,
    class_names: Sequence[str],
    ax: Axes | None = None,
) -> Axes:
    """Draw the frozen base and the trained head on top of it, with the shapes between them.

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
    ax = new_axes(ax, (9.6, 3.3))
    ax.set(xlim=(0, 12.4), ylim=(0, 4))
    ax.set_axis_off()
    height, width, count = maps_shape
    shown = displayable(np.asarray(picture))
    ax.imshow(shown, extent=(0.1, 1.7, 1.2, 2.8), aspect="auto", zorder=3)
    write(ax, 0.9, 0.95, "pixels 0–255", va="top")
    base, head = VARIANTS[1], VARIANTS[0]
    for left, right, color, title, below in (
        (2.2, 5.9, base, "base: frozen", "trained before, on other pictures"),
        (6.5, 11.1, head, "head: new, trained", "the only part that learns here"),
    ):
        look: dict[str, Any] = {"facecolor": "none", "edgecolor": color, "linewidth": 1.8}
        rounded_box(ax, left, 0.5, right - left, 3.0, 0.15, **look)
        write(ax, (left + right) / 2, 3.6, title, 11, va="baseline", weight="bold")
        write(ax, (left + right) / 2, 0.35, below, va="top")
    end = 1.7
    for left, wide, words, color in (
        (2.4, 1.5, "its own\npreprocessing", base),
        (4.2, 1.5, f"convolutions\n\n{count} maps of\n{height} × {width}", base),
        (6.7, 1.25, f"global average\npooling\n\n{count} numbers", head),
        (8.2, 1.25, f"dense\n{hidden} units\n+ dropout", head),
        (9.7, 1.25, f"dense\n{len(class_names)} logits", head),
    ):
        look = {"facecolor": to_rgba(color, 0.15), "edgecolor": color}
        rounded_box(ax, left, 1.0, wide, 2.0, 0.08, **look)
        write(ax, left + wide / 2, 2.0, words, 8.5)
        arrow(ax, (end + 0.03, 2.0), (left - 0.03, 2.0), lw=1.2)
        end = left + wide
    arrow(ax, (end + 0.03, 2.0), (11.3 - 0.03, 2.0), lw=1.2)
    write(ax, 11.35, 2.0, "\n".join(class_names[:6]), 8.5, ha="left")
    return described(
        ax,
        f"From an image to the classes. The frozen base: preprocessing and convolutions, {count} "
        f"maps of {height} × {width}. The trained head: global average pooling, dense with "
        f"{hidden} units and dropout, dense with {len(class_names)} logits.",
    )
