"""Figures of lesson 04: training curves, schedules, experiments, losses and gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.evaluation.diagnosis import history_table
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    INK,
    MARKERS,
    PALETTE,
    QUIET,
    VARIANTS,
    described,
    in_percent,
    legend_above,
    legend_right,
    listed,
    new_axes,
    note,
    open_frame,
    panels,
    rectangle,
    require_some,
    series_style,
    write,
)
from course_utils.plots.results import label_epochs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def compare_curves(
    histories: Mapping[str, Any],
    quantity: str = "val_accuracy",
    ax: Axes | None = None,
    log: bool = False,
    limits: tuple[float, float] | None = None,
    guessing: float | None = None,
) -> Axes:
    """Draw one quantity of several training runs over the epochs; label each line at its end.

    First met in lesson 04.

    Parameters
    ----------
    histories : mapping of str to a history or to a list of histories
        By name. For a list (several seeds) the mean is drawn, and the range as a band.
    quantity : str
        For instance "loss", "val_loss", "val_accuracy" or "learning_rate".
    ax : Axes, optional
        Where to draw.
    log : bool
        Logarithmic scale for the quantity.
    limits : tuple of float, optional
        Lowest and highest value that is shown; values outside are clipped.
    guessing : float, optional
        Value of random guessing; drawn as a horizontal line.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If a history does not have the quantity.
    """
    ax = new_axes(ax, (7.0, 3.8))
    ends = []
    for number, (name, some) in enumerate(histories.items()):
        runs = some if isinstance(some, list | tuple) else [some]
        if not runs:
            continue
        values = _values_of_runs(name, runs, quantity)
        epochs, mean = np.arange(1, values.shape[1] + 1), values.mean(axis=0)
        style = series_style(number, markersize=4.5, label=name)
        ax.plot(epochs, mean, **style)
        if len(values) > 1:
            band: dict[str, Any] = {"color": style["color"], "alpha": 0.15, "lw": 0}
            ax.fill_between(epochs, values.min(0), values.max(0), **band)
        ends.append(_ends_of_runs(name, values))
    if guessing is not None:
        ax.axhline(guessing, color=QUIET, linestyle="-.", linewidth=1, label="guessing")
    if log:
        ax.set_yscale("log")
    if limits is not None:
        ax.set_ylim(limits)
    label = quantity.replace("val_", "validation ").replace("_", " ")
    ax.set(xlabel="epoch", ylabel=label)
    if "accuracy" in quantity:
        in_percent(ax.yaxis)
    label_epochs(ax)
    open_frame(ax)
    _name_ends(ax)
    return described(ax, f"The {label} over the epochs. In the last one: {listed(ends)}.")


def _ends_of_runs(name: str, values: np.ndarray) -> str:
    """Return the last value of a variant, and for several runs the range, for a description."""
    if not values.shape[1]:
        return name
    last = values[:, -1]
    spread = f" ({last.min():.3g} to {last.max():.3g})" if len(last) > 1 else ""
    return f"{name} {last.mean():.3g}{spread}"


def _values_of_runs(name: str, runs: Sequence[Any], quantity: str) -> np.ndarray:
    """Return one row per run, truncated to the length of the shortest run."""
    tables = [history_table(run) for run in runs]
    if any(quantity not in table for table in tables):
        raise InvalidInput(
            f"The history {name!r} has no {quantity!r}; it has {', '.join(tables[0])}."
        )
    shortest = min(len(table[quantity]) for table in tables)
    return np.array([list(table[quantity])[:shortest] for table in tables], dtype=float)


def _name_ends(ax: Axes, distance: float = 0.075) -> None:
    """Write the label of each line at its end, at least `distance` (of the axes' height) apart."""
    to_axes = ax.transScale + ax.transLimits
    right = ax.get_xlim()[1]
    ends = []
    for line in ax.lines:
        xs, ys = np.asarray(line.get_xdata()), np.asarray(line.get_ydata(), dtype=float)
        if len(ys):
            across = line.get_transform() != ax.transData  # a horizontal line from axhline
            end = (right if across else xs[-1], ys[-1])
            height = to_axes.transform(end)[1]
            # a line that ends in NaN, or outside the figure, is labeled at the edge
            ends.append((float(np.clip(np.nan_to_num(height, nan=1.0), 0, 1)), end, line))
    ends.sort(key=lambda item: item[0])
    places = _spread([height for height, _, _ in ends], distance)
    for place, (height, end, line) in zip(places, ends, strict=True):
        inside = np.isfinite(end[1]) and 0 < height < 1
        ax.annotate(
            str(line.get_label()),
            end if inside else (right, ax.get_ylim()[int(height > 0.5)]),
            (1.09, place),
            textcoords="axes fraction",
            color=INK,
            fontsize=9,
            va="center",
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "shrinkA": 2, "shrinkB": 4},
        )


def _spread(heights: Sequence[float], distance: float) -> list[float]:
    """Move sorted heights as little as possible so that they are at least `distance` apart."""
    groups: list[tuple[float, int]] = []  # where each group of touching names begins, and its size
    for number, height in enumerate(heights):
        groups.append((height - number * distance, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (first, few), (second, more) = groups[-2:]
            groups[-2:] = [((first * few + second * more) / (few + more), few + more)]
    starts = [start for start, size in groups for _ in range(size)]
    return [start + number * distance for number, start in enumerate(starts)]


def schedules(
    rates: Mapping[str, Any], steps_per_epoch: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the learning rate over the batches of a training run.

    First met in lesson 04.

    Parameters
    ----------
    rates : mapping of str to array
        Name of each schedule to the learning rate of every batch, as
        :func:`course_utils.training.learning_rates` returns it.
    steps_per_epoch : int, optional
        Batches in an epoch; with it the horizontal axis counts epochs, else batches.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (7.0, 3.6))
    for number, (name, values) in enumerate(rates.items()):
        values = np.asarray(values, dtype=float)
        places = np.arange(len(values)) / (steps_per_epoch or 1)
        style = series_style(number, marker=None, linewidth=2, label=name)
        ax.plot(places, values, **style)
    unit = "epoch" if steps_per_epoch else "batch"
    ax.set(xlabel=unit, ylabel="learning rate")
    ax.set_ylim(bottom=0)
    open_frame(ax)
    legend_right(ax, fontsize=9)
    return described(ax, f"The learning rate in each {unit} for the schedules {listed(rates)}.")


def experiment(result: Any, ax: Axes | None = None) -> Axes:
    """Draw the validation accuracy of each variant (all seeds and the mean) and the training mean.

    First met in lesson 04.

    Parameters
    ----------
    result : course_utils.training.Experiment
        As :func:`course_utils.training.experiment` returns it.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    histories = result.histories
    ax = new_axes(ax, (8.0, 1.3 + 0.5 * len(histories)))
    means = []
    for row, (name, runs) in enumerate(histories.items()):
        if not runs:
            across = ax.get_yaxis_transform()  # x from 0 to 1, y as the data
            write(ax, 0.02, row, "failed", 10, ha="left", color=QUIET, transform=across)
            means.append(f"{name} failed")
            continue
        means.append(f"{name}: {_draw_runs(ax, row, runs, in_legend=row == 0)}")
    ax.set_yticks(range(len(histories)), list(histories))
    ax.set_ylim(len(histories) - 0.5, -0.5)
    ax.set_xlabel("accuracy")
    in_percent(ax.xaxis)
    ax.grid(axis="x", color="#e6e6e6")
    ax.set_axisbelow(True)
    open_frame(ax)
    legend_above(ax)
    return described(ax, f"Training and validation accuracy. {'; '.join(means)}.")


def _draw_runs(ax: Axes, row: int, runs: Sequence[Any], in_legend: bool) -> str:
    """Draw the runs of one variant and return its accuracies in words."""
    validation = [run.final("val_accuracy") for run in runs]
    train, mean = np.mean([run.final("accuracy") for run in runs]), float(np.mean(validation))
    ax.plot([train, mean], [row, row], color="#d0d0d0", lw=5, zorder=1)
    for number, (xs, size, label) in enumerate(
        (
            ([train], 45, "training, mean"),
            (validation, 38, "validation, each seed"),
            ([mean], 70, "validation, mean"),
        )
    ):
        color, marker = PALETTE[min(number, 1)], MARKERS[min(number, 1)]
        hollow = number == 1
        ax.scatter(
            xs,
            [row] * len(xs),
            facecolor="none" if hollow else color,
            edgecolor=color,
            marker=marker,
            s=size,
            zorder=2 if hollow else 3,
            label=label if in_legend and not (hollow and len(xs) == 1) else None,
        )
    seeds = f" (seeds from {min(validation):.1%} to {max(validation):.1%})" if len(runs) > 1 else ""
    return f"training {train:.1%}, validation {mean:.1%}{seeds}"


def cross_entropy(points: Mapping[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the cross-entropy loss over the predicted probability of the true class.

    First met in lesson 04, which computes it by hand.

    Parameters
    ----------
    points : mapping of str to float, optional
        Probabilities to mark, by name.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (8.0, 3.8))
    probability = np.linspace(0.005, 1, 400)
    ax.plot(probability, -np.log(probability), color=INK, linewidth=2)
    texts = []
    for name, value in (points or {}).items():
        loss = -np.log(value)
        ax.scatter([value], [loss], color=VARIANTS[0], marker="o", s=55, zorder=3)
        texts.append(f"{name}: −ln {value:.2f} = {loss:.2f}")
        offset, side = ((10, 6), "left") if value < 0.6 else ((4, 26), "right")
        note(ax, texts[-1], (value, loss), offset, ha=side)
    ax.set(xlabel="probability that was given to the right class", ylabel="loss of this image")
    ax.set(xlim=(0, 1.02), ylim=(-0.15, 5.4))
    open_frame(ax)
    marked = f" Marked: {listed(texts)}." if texts else ""
    return described(
        ax,
        "The loss of an image falls from far above 5 to 0 as the probability of the right class "
        f"rises from 0 to 1.{marked}",
    )


def descent(paths: Mapping[str, Sequence[float]], size: float = 3.0) -> Figure:
    """Draw gradient descent on a parabola, the loss of a model with a single weight.

    Arrows lead from each weight to the next one, and the first of them are numbered; steps that
    leave the panel are named in its title.

    First met in lesson 04, which computes the steps.

    Parameters
    ----------
    paths : mapping of str to sequence of float
        Name (for instance the learning rate) to the weight after each step, the start first; the
        loss is the weight squared.
    size : float
        Width of one panel in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    require_some("path", paths)
    figure, axes = panels(1, len(paths), (size * len(paths), 1.15 * size), sharey=True)
    reach = max(abs(path[0]) for path in paths.values()) or 1.0
    furthest = max(float(np.abs(np.asarray(path)).max()) for path in paths.values())
    widest = min(1.8 * reach, 1.2 * furthest) or 1.0
    for ax, (name, path) in zip(axes[0], paths.items(), strict=True):
        _draw_descent(ax, np.asarray(path, dtype=float), widest)
        outside = int(np.sum(np.abs(path) > widest))
        left = f"\nlast {outside} of {len(path) - 1} steps outside" if outside else ""
        ax.set_title(f"{name}{left}", fontsize=10)
    axes[0, 0].set_ylabel("loss")
    ends = [f"{name}: from {path[0]:.3g} to {path[-1]:.3g}" for name, path in paths.items()]
    return described(
        figure,
        "Steps of gradient descent on a parabola, one panel for each path, with an arrow for each "
        f"step. The weight goes, {'; '.join(ends)}.",
    )


def _draw_descent(ax: Axes, path: np.ndarray, widest: float) -> None:
    """Draw the parabola, the steps as arrows, and the numbers of those that do not crowd."""
    from matplotlib.patches import FancyArrowPatch

    weight = np.linspace(-widest, widest, 300)
    ax.plot(weight, weight**2, color=QUIET)
    ax.set(xlim=(-1.08 * widest, 1.08 * widest), ylim=(-0.12 * widest**2, 1.05 * widest**2))
    shown = path[np.abs(path) <= widest]
    for before, after in pairwise(path):
        if abs(before) > widest:
            break
        ends = (before, before**2), (after, after**2)
        step = FancyArrowPatch(*ends, arrowstyle="->", mutation_scale=11, shrinkA=2, shrinkB=2)
        step.set(color=PALETTE[5], linewidth=1.3)
        ax.add_patch(step)
    ax.scatter(shown, shown**2, color=INK, marker="o", s=22, zorder=3)
    for number, value in enumerate(shown):
        if np.any(np.abs(shown[:number] - value) < 0.2 * widest):
            break
        side, align = (8, "left") if value > 0 else (-8, "right")
        text = "start" if number == 0 else str(number)
        note(ax, text, (value, value**2), (side, -4), ha=align)
    ax.set_xlabel("weight")
    open_frame(ax)


def epoch_diagram(images: int, batch_size: int, epochs: int = 3, ax: Axes | None = None) -> Axes:
    """Draw how images are divided into batches, and batches into epochs.

    First met in lesson 04.

    Parameters
    ----------
    images : int
        Number of training images.
    batch_size : int
        Images per batch.
    epochs : int
        Rows to draw.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (8.0, 0.7 + 0.55 * epochs))
    firsts = range(0, images, batch_size)
    for row in range(epochs):
        for number, first in enumerate(firsts):
            color = PALETTE[0] if number % 2 else PALETTE[4]
            look: dict[str, Any] = {"facecolor": color, "edgecolor": "white", "linewidth": 0.6}
            rectangle(ax, first, row + 0.1, min(batch_size, images - first), 0.8, **look)
        steps = f"{len(firsts)} batches, {len(firsts)} steps"
        note(ax, steps, (images, row + 0.5), (6, 0), va="center")
    ax.set_yticks(np.arange(epochs) + 0.5, [f"epoch {row + 1}" for row in range(epochs)])
    ax.set(xlim=(0, images * 1.24), ylim=(epochs, 0), xlabel="training images")
    ax.set_xticks([0, images])
    open_frame(ax)
    return described(
        ax,
        f"{epochs} rows, one for each epoch: {images} training images in {len(firsts)} batches of "
        f"at most {batch_size}, one step for each batch.",
    )
