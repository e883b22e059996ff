"""Figures about training: curves, schedules, experiments, and what the loss and a step are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import LINE_STYLES, MARKERS, PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#222222"
_QUIET = "#8a8a8a"


def history(
    histories: Any, *, best: bool = True, title: str | None = None, guessing: int | None = None
) -> Figure:
    """Draw loss and accuracy over the epochs, for training and validation.

    First met in lesson 03; lesson 04 writes it out with Matplotlib.

    Parameters
    ----------
    histories : History, dict of lists, DataFrame, or mapping of str to any of them
        One training, or several by name. For one, training is a solid blue line and validation a
        dashed orange one. For several, each has a colour, and only their validation is dashed.
    best : bool
        Mark the epoch with the lowest validation loss (of one training only).
    title : str, optional
        Title of the figure.
    guessing : int, optional
        Number of classes; draws the loss and the accuracy of guessing.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If it is no history.
    """
    import matplotlib.pyplot as plt

    several = _several(histories)
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
        if several is None:
            _one_history(ax, _curves(histories), name, best)
        else:
            for number, (label, one) in enumerate(several.items()):
                lines = _curves(one)
                for prefix, style, fill in (("", "-", "full"), ("val_", "--", "none")):
                    values = lines.get(prefix + name)
                    if values is None:
                        continue
                    ax.plot(
                        np.arange(1, len(values) + 1),
                        values,
                        color=PALETTE[number % len(PALETTE)],
                        linestyle=style,
                        marker=MARKERS[number % len(MARKERS)],
                        fillstyle=fill,
                        markersize=4,
                        label=f"{label}, {'validation' if prefix else 'training'}",
                    )
        ax.set(xlabel="epoch", ylabel=name)
        _whole_epochs(ax)
        _tidy(ax)
    if guessing is not None:
        for ax, level in zip(axes, (np.log(guessing), 1 / guessing), strict=True):
            ax.axhline(level, color=_QUIET, linestyle="-.", label="guessing")
    axes[1].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    if several is None:
        axes[0].legend(frameon=False, fontsize=9)
        axes[1].legend(frameon=False, fontsize=9)
    else:
        handles, labels = axes[1].get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, loc="outside right center", fontsize=9)
    if title:
        figure.suptitle(title)
    return figure


def compare_curves(
    histories: Mapping[str, Any],
    quantity: str = "val_accuracy",
    ax: Axes | None = None,
    log: bool = False,
    limits: tuple[float, float] | None = None,
    guessing: float | None = None,
) -> Axes:
    """Draw one quantity of several trainings over the epochs, with the names at the lines' ends.

    First met in lesson 04.

    Parameters
    ----------
    histories : mapping of str to a history or to a list of histories
        By name. Of a list (several seeds) the mean is drawn, and the range as a band.
    quantity : str
        For instance "loss", "val_loss", "val_accuracy" or "learning_rate".
    ax : Axes, optional
        Where to draw.
    log : bool
        Logarithmic scale for the quantity.
    limits : tuple of float, optional
        Lowest and highest value that is shown; what lies outside is cut off.
    guessing : float, optional
        The value that guessing gives; drawn as a level line.

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If a history does not have the quantity.
    """
    ax = new_axes(ax, (7.0, 3.8))
    for number, (name, some) in enumerate(histories.items()):
        runs = some if isinstance(some, list | tuple) else [some]
        if not runs:
            continue
        tables = [_table(run) for run in runs]
        if any(quantity not in table for table in tables):
            raise InvalidInput(
                f"The history {name!r} has no {quantity!r}; it has {', '.join(tables[0])}."
            )
        shortest = min(len(table[quantity]) for table in tables)
        values = np.array([list(table[quantity])[:shortest] for table in tables], dtype=float)
        epochs = np.arange(1, shortest + 1)
        colour = PALETTE[number % len(PALETTE)]
        ax.plot(
            epochs,
            values.mean(axis=0),
            color=colour,
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=4.5,
            label=name,
        )
        if len(values) > 1:
            ax.fill_between(epochs, values.min(0), values.max(0), color=colour, alpha=0.15, lw=0)
    if guessing is not None:
        ax.axhline(guessing, color=_QUIET, linestyle="-.", linewidth=1, label="guessing")
    if log:
        ax.set_yscale("log")
    if limits is not None:
        ax.set_ylim(limits)
    words = {"val_": "validation ", "learning_rate": "learning rate"}
    label = quantity.replace("val_", words["val_"]).replace("_", " ")
    ax.set(xlabel="epoch", ylabel=label)
    if "accuracy" in quantity:
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _whole_epochs(ax)
    _tidy(ax)
    _name_ends(ax)
    return ax


def schedules(
    rates: Mapping[str, Any], steps_per_epoch: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw learning rates over the course of a training.

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
        ax.plot(
            np.arange(len(values)) / (steps_per_epoch or 1),
            values,
            color=PALETTE[number % len(PALETTE)],
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            linewidth=2,
            label=name,
        )
    ax.set(xlabel="epoch" if steps_per_epoch else "batch", ylabel="learning rate")
    ax.set_ylim(bottom=0)
    _tidy(ax)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def experiment(result: Any, ax: Axes | None = None) -> Axes:
    """Draw the validation accuracy of each variant: every seed, their mean, and the training's.

    First met in lesson 04.

    Parameters
    ----------
    result : course_utils.training.Experiment
        What :func:`course_utils.training.experiment` returned.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Axes
    """
    histories = result.histories
    ax = new_axes(ax, (8.0, 1.3 + 0.5 * len(histories)))
    for row, runs in enumerate(histories.values()):
        validation = [run.final("val_accuracy") for run in runs]
        train = [run.final("accuracy") for run in runs]
        first = row == 0
        if not validation:
            across = ax.get_yaxis_transform()  # x from 0 to 1, y as the data
            ax.text(0.02, row, "failed", va="center", color=_QUIET, transform=across)
            continue
        ax.plot([np.mean(train), np.mean(validation)], [row, row], color="#d0d0d0", lw=5, zorder=1)
        ax.scatter(
            [np.mean(train)],
            [row],
            color=PALETTE[0],
            marker=MARKERS[0],
            s=45,
            zorder=3,
            label="training, mean" if first else None,
        )
        ax.scatter(
            validation,
            [row] * len(validation),
            facecolor="none",
            edgecolor=PALETTE[1],
            marker=MARKERS[1],
            s=38,
            zorder=2,
            label="validation, each seed" if first and len(validation) > 1 else None,
        )
        ax.scatter(
            [np.mean(validation)],
            [row],
            color=PALETTE[1],
            marker=MARKERS[1],
            s=70,
            zorder=3,
            label="validation, mean" if first else None,
        )
    ax.set_yticks(range(len(histories)), list(histories))
    ax.set_ylim(len(histories) - 0.5, -0.5)
    ax.set_xlabel("accuracy")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    ax.grid(axis="x", color="#e6e6e6")
    ax.set_axisbelow(True)
    _tidy(ax)
    ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return ax


def cross_entropy(points: Mapping[str, float] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the loss of one image against the probability that the network gave the right class.

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
    ax = new_axes(ax, (5.6, 3.6))
    probability = np.linspace(0.005, 1, 400)
    ax.plot(probability, -np.log(probability), color=PALETTE[0], linewidth=2)
    for name, value in (points or {}).items():
        ax.scatter([value], [-np.log(value)], color=PALETTE[1], marker=MARKERS[1], s=55, zorder=3)
        ax.annotate(
            f"{name}: −ln {value:.2f} = {-np.log(value):.2f}",
            (value, -np.log(value)),
            (10, 6) if value < 0.6 else (4, 26),
            textcoords="offset points",
            ha="left" if value < 0.6 else "right",
            fontsize=9,
        )
    ax.set(
        xlabel="probability that was given to the right class",
        ylabel="loss of this image",
        xlim=(0, 1.02),
        ylim=(-0.15, 5.4),
    )
    _tidy(ax)
    return ax


def descent(paths: Mapping[str, Sequence[float]], size: float = 3.0) -> Figure:
    """Draw gradient descent on a parabola, the loss of a network with a single weight.

    First met in lesson 04, which computes the steps.

    Parameters
    ----------
    paths : mapping of str to sequence of float
        Name (for instance the learning rate) to the weight after each step; the loss is the
        weight squared.
    size : float
        Width of one panel in inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1,
        len(paths),
        figsize=(size * len(paths), size),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    reach = 1.15 * max(abs(path[0]) for path in paths.values())
    widest = max(reach, min(2.2 * reach, max(np.abs(list(p)).max() for p in paths.values())))
    weight = np.linspace(-widest, widest, 300)
    for ax, (name, path) in zip(axes[0], paths.items(), strict=True):
        steps = np.asarray(path, dtype=float)
        ax.plot(weight, weight**2, color=_QUIET)
        shown = steps[np.abs(steps) <= widest]
        ax.plot(shown, shown**2, color=PALETTE[1], linestyle="--", linewidth=1.2)
        ax.scatter(shown, shown**2, color=PALETTE[0], marker="o", s=28, zorder=3)
        ax.scatter(
            shown[:1], shown[:1] ** 2, color=PALETTE[5], marker="P", s=80, zorder=4, label="start"
        )
        ax.set_title(name, fontsize=10)
        ax.set_xlabel("weight")
        _tidy(ax)
    axes[0, 0].set_ylabel("loss")
    axes[0, 0].legend(frameon=False, fontsize=9, loc="upper center")
    return figure


def epoch_diagram(images: int, batch_size: int, epochs: int = 3, ax: Axes | None = None) -> Axes:
    """Draw how images make batches and batches make epochs.

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
    from matplotlib.patches import Rectangle

    ax = new_axes(ax, (8.0, 0.7 + 0.55 * epochs))
    batches = -(-images // batch_size)
    for row in range(epochs):
        for number in range(batches):
            wide = min(batch_size, images - number * batch_size)
            ax.add_patch(
                Rectangle(
                    (number * batch_size, row + 0.1),
                    wide,
                    0.8,
                    facecolor=PALETTE[0] if number % 2 else PALETTE[4],
                    edgecolor="white",
                    linewidth=0.6,
                )
            )
        ax.annotate(
            f"{batches} batches, {batches} steps",
            (images, row + 0.5),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.set_yticks(np.arange(epochs) + 0.5, [f"epoch {row + 1}" for row in range(epochs)])
    ax.set(xlim=(0, images * 1.24), ylim=(epochs, 0), xlabel="training images")
    ax.set_xticks([0, images])
    _tidy(ax)
    return ax


def _one_history(ax: Axes, lines: Mapping[str, np.ndarray], name: str, best: bool) -> None:
    for number, (prefix, label) in enumerate((("", "training"), ("val_", "validation"))):
        values = lines.get(prefix + name)
        if values is None:
            continue
        ax.plot(
            np.arange(1, len(values) + 1),
            values,
            color=PALETTE[number],
            linestyle=LINE_STYLES[number],
            marker=MARKERS[number],
            markersize=4.5,
            label=label,
        )
    if best and "val_loss" in lines and len(lines["val_loss"]) > 1:
        epoch = int(np.argmin(lines["val_loss"])) + 1
        ax.axvline(epoch, color=_QUIET, linestyle=":", label=f"lowest validation loss ({epoch})")


def _several(histories: Any) -> Mapping[str, Any] | None:
    """Return the histories by name if several were given, else None."""
    if not isinstance(histories, Mapping) or hasattr(histories, "columns") or not histories:
        return None
    values = list(histories.values())
    is_one = all(isinstance(value, list | tuple | np.ndarray) for value in values)
    return None if is_one else histories


def _table(one: Any) -> Mapping[str, Any]:
    table = getattr(one, "history", one)
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise InvalidInput(
            f"A history is what fit returns, its .history dict or a DataFrame, but this is a "
            f"{type(one).__name__}."
        )
    return table


def _curves(one: Any) -> dict[str, np.ndarray]:
    table = _table(one)
    names = ("loss", "val_loss", "accuracy", "val_accuracy")
    found = {name: np.asarray(table[name], dtype=float) for name in names if name in table}
    if "loss" not in found:
        raise InvalidInput(
            "The history has no 'loss'; give what training.fit or model.fit returned."
        )
    return found


def _whole_epochs(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    low, high = ax.get_xlim()
    if high - low < 1:  # a single epoch
        ax.set_xlim(0.5, 1.5)


def _name_ends(ax: Axes, distance: float = 0.075) -> None:
    """Write the name of each line beside its end, `distance` (of the axes' height) apart."""
    to_axes = ax.transScale + ax.transLimits
    right = ax.get_xlim()[1]
    ends = []
    for line in ax.lines:
        xs, ys = np.asarray(line.get_xdata()), np.asarray(line.get_ydata(), dtype=float)
        if len(ys):
            across = line.get_transform() != ax.transData  # a level line, as axhline draws it
            end = (right if across else xs[-1], ys[-1])
            height = to_axes.transform(end)[1]
            # a line that ends in nan, or outside the figure, is named at the edge
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
            color=_INK,
            fontsize=9,
            va="center",
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "shrinkA": 2, "shrinkB": 4},
        )


def _spread(heights: Sequence[float], distance: float) -> list[float]:
    """Move rising heights as little as possible, so that they lie at least `distance` apart."""
    groups: list[tuple[float, int]] = []  # where each group of touching names begins, and its size
    for number, height in enumerate(heights):
        groups.append((height - number * distance, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (first, few), (second, more) = groups[-2:]
            groups[-2:] = [((first * few + second * more) / (few + more), few + more)]
    starts = [start for start, size in groups for _ in range(size)]
    return [start + number * distance for number, start in enumerate(starts)]


def _tidy(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
