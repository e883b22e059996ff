"""Figures about pictures and datasets: grids, counts, splits, the way through the course.

Pictures are uint8 or float arrays (H, W, C) or (H, W) with values 0 to 255, as everywhere in the
course. No function here needs TensorFlow, except :func:`augmentation_grid`, which is given layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets import SPLITS, displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import LINE_STYLES, PALETTE, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.datasets import ImageDataset

_HATCHES = ("", "///", "...")
_MOST_PICTURES = 150
_INK = "#222222"
_QUIET = "#8a8a8a"


# --------------------------------------------------------------------------------------------------
# pictures


def _pictures(images: Any) -> list[np.ndarray]:
    pictures = [np.asarray(image) for image in images]
    if not pictures:
        raise InvalidInput("There is no picture to show: the list of images is empty.")
    if len(pictures) > _MOST_PICTURES:
        raise InvalidInput(
            f"{len(pictures)} pictures are too many for one figure; show at most {_MOST_PICTURES}, "
            f"for instance images[:{_MOST_PICTURES}]."
        )
    floats = [p for p in pictures if p.dtype.kind == "f" and p.size]
    if len(floats) == len(pictures) and 0 < max(float(p.max()) for p in floats) <= 1:
        raise InvalidInput(
            "All pixels lie between 0 and 1, but the course keeps them between 0 and 255; "
            "show images * 255."
        )
    return [displayable(picture) for picture in pictures]


def _label_text(label: Any, class_names: Sequence[str] | None) -> str:
    def name(index: int) -> str:
        if class_names is None:
            return str(index)
        if not 0 <= index < len(class_names):
            raise InvalidInput(
                f"The label {index} has no class name; there are {len(class_names)} names, for the "
                f"labels 0 to {len(class_names) - 1}."
            )
        return str(class_names[index])

    label = np.asarray(label)
    if label.ndim == 0:
        return str(label) if label.dtype.kind in "US" else name(int(label))
    parts = [i for i in np.argsort(-label, kind="stable") if label[i] > 0.005]
    if len(parts) == 1:
        return name(int(parts[0]))
    return "\n".join(f"{label[i]:.2f} {name(int(i))}" for i in parts)


def image_grid(
    images: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    columns: int | None = None,
    *,
    titles: Sequence[str] | None = None,
    boxes: Any = None,
    size: float = 1.5,
    title: str | None = None,
) -> Figure:
    """Show pictures side by side, with their classes above them.

    First met in lesson 02, which writes it out with ``plt.subplots`` and ``imshow``.

    Parameters
    ----------
    images : array (N, H, W, C) or sequence of arrays
        uint8 or float, 0 to 255; the pictures of a sequence may differ in size. A batch of
        tensors will do.
    labels : sequence, optional
        For each picture a class index, a name, or a row of class shares (one-hot labels, or what
        mixup and cutmix make of them).
    class_names : sequence of str, optional
        Names that the class indices stand for.
    columns : int, optional
        Pictures per row; by default at most 6.
    titles : sequence of str, optional
        Texts to show instead of labels.
    boxes : array (N, 4), optional
        For each picture the box (x0, y0, x1, y1) in pixels to draw on it.
    size : float
        Width of one picture in inches.
    title : str, optional
        Title of the whole figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there is no picture or too many, if labels and pictures differ in number, or if the
        pixels lie in 0 to 1.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    pictures = _pictures(images)
    count = len(pictures)
    for what, values in (("labels", labels), ("titles", titles), ("boxes", boxes)):
        if values is not None and len(values) != count:
            raise InvalidInput(f"There are {count} pictures but {len(values)} {what}.")
    if titles is None and labels is not None:
        titles = [_label_text(label, class_names) for label in labels]
    columns = min(count, 6) if columns is None else columns
    if columns < 1:
        raise InvalidInput(f"columns must be at least 1, but it is {columns}.")
    rows = -(-count // columns)

    lines = max((text.count("\n") + 1 for text in titles), default=0) if titles is not None else 0
    height = rows * (size + 0.17 * lines + 0.06) + (0.35 if title else 0.05)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * (size + 0.1), height), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        if titles is not None:
            ax.set_title(titles[i], fontsize=8.5, pad=3)
        if boxes is not None:
            x0, y0, x1, y1 = (float(value) for value in boxes[i])
            for colour, width in (("black", 2.6), ("white", 1.2)):
                outline = Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False)
                outline.set(edgecolor=colour, linewidth=width)
                ax.add_patch(outline)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def class_examples(
    dataset: ImageDataset, per_class: int = 6, split: str = "train", *, size: float = 1.1
) -> Figure:
    """Show the first few pictures of every class, one class per row.

    Parameters
    ----------
    dataset : ImageDataset
    per_class : int
        Pictures per class; a class with fewer shows what it has.
    split : {"train", "validation", "test"}
    size : float
        Width of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there would be too many pictures.
    """
    import matplotlib.pyplot as plt

    labels, images = dataset.labels(split), dataset.images(split)
    names = dataset.class_names
    if len(names) * per_class > _MOST_PICTURES:
        raise InvalidInput(
            f"{len(names)} classes with {per_class} pictures each are too many for one figure; "
            f"take a smaller per_class or dataset.subset(classes=…)."
        )
    figure, axes = plt.subplots(
        len(names),
        per_class,
        figsize=(per_class * (size + 0.06) + 1.1, len(names) * (size + 0.06)),
        squeeze=False,
        layout="constrained",
    )
    for row, name in zip(range(len(names)), names, strict=True):
        chosen = np.flatnonzero(labels == row)[:per_class]
        for column, ax in enumerate(axes[row]):
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if column < len(chosen):
                ax.imshow(displayable(images[chosen[column]]), cmap="gray", vmin=0, vmax=255)
        axes[row, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9.5)
    return figure


def pixel_values(image: Any, row: int, column: int, size: int = 6) -> Figure:
    """Show that a picture is numbers: a small window of it, once per colour channel.

    Parameters
    ----------
    image : array (H, W, 3) or (H, W)
        uint8 or float, 0 to 255.
    row, column : int
        Upper left corner of the window, in pixels.
    size : int
        Width and height of the window in pixels, at most 10.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the window does not lie in the picture.
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    picture = displayable(image)
    height, width = picture.shape[:2]
    if min(row, column) < 0 or row + size > height or column + size > width:
        raise InvalidInput(
            f"The window of {size} × {size} pixels at row {row}, column {column} does not lie in "
            f"the picture of {height} × {width} pixels."
        )
    if not 1 <= size <= 10:
        raise InvalidInput(f"size must be between 1 and 10 pixels, but it is {size}.")
    channels = [picture] if picture.ndim == 2 else [picture[..., c] for c in range(3)]
    names = ["grey"] if picture.ndim == 2 else ["red", "green", "blue"]
    figure, axes = plt.subplots(
        1, 1 + len(channels), figsize=(2.7 * (1 + len(channels)), 2.9), layout="constrained"
    )
    axes[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
    for colour, line in (("black", 3.0), ("white", 1.4)):
        frame = Rectangle((column - 0.5, row - 0.5), size, size, fill=False, ec=colour, lw=line)
        axes[0].add_patch(frame)
    axes[0].set_title(f"{height} × {width} pixels", fontsize=10)
    for ax, channel, name in zip(axes[1:], channels, names, strict=True):
        window = channel[row : row + size, column : column + size]
        ax.imshow(window, cmap="gray", vmin=0, vmax=255)
        for (r, c), value in np.ndenumerate(window):
            ink = "black" if value > 127 else "white"
            ax.text(c, r, str(int(value)), ha="center", va="center", fontsize=8, color=ink)
        ax.set_title(name, fontsize=10)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    return figure


def augmentation_grid(
    images: Any,
    augmentations: Callable | Mapping[str, Callable],
    times: int = 6,
    *,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    size: float = 1.25,
) -> Figure:
    """Show what augmentation makes of a picture: the original, then several random versions.

    First met in lesson 02; lesson 04 shows the batch augmentations with it.

    Parameters
    ----------
    images : array (H, W, C) or (N, H, W, C)
        One picture, of which every row shows versions; or a batch, whose pictures are augmented
        together (mixup and cutmix need that) and shown once each.
    augmentations : callable or dict of name to callable
        Keras layers (called with ``training=True``), or the batch augmentations of
        :mod:`course_utils.augmentation`, which map (images, one-hot labels) to the same. One row
        each.
    times : int
        Versions per row.
    labels : array (N,) of int or (N, classes), optional
        The classes of a batch; mixup and cutmix need them, and their new labels are shown.
    class_names : sequence of str, optional
    size : float
        Width of one picture in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If an augmentation of batches is given without labels.
    """
    import matplotlib.pyplot as plt

    array = np.asarray(images, dtype=np.float32)
    if array.ndim == 3:
        batch = np.repeat(array[None], times, axis=0)
        first: np.ndarray | None = array
    elif array.ndim == 4:
        batch, first = array[:times], None
    else:
        raise InvalidInput(
            f"augmentation_grid needs one picture (H, W, C) or a batch (N, H, W, C), but it was "
            f"given the shape {array.shape}."
        )
    rows = augmentations if isinstance(augmentations, Mapping) else {"": augmentations}
    one_hot = _one_hot(labels, len(batch), class_names)

    made: list[tuple[str, np.ndarray, np.ndarray | None]] = []
    if first is None:
        made.append(("original", batch, one_hot))
    for name, augmentation in rows.items():
        made.append((name, *_augmented(augmentation, batch, one_hot)))
    columns = len(batch) + (first is not None)
    shares = any(row_labels is not None for _, _, row_labels in made)
    named = any(name for name, _, _ in made)
    figure, axes = plt.subplots(
        len(made),
        columns,
        figsize=(columns * (size + 0.06) + named, len(made) * (size + 0.06 + 0.34 * shares) + 0.2),
        squeeze=False,
        layout="constrained",
    )
    for r, (name, pictures, row_labels) in enumerate(made):
        shown = [*pictures] if first is None else [first, *pictures]
        for c, ax in enumerate(axes[r]):
            ax.imshow(displayable(shown[c]), cmap="gray", vmin=0, vmax=255)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if row_labels is not None and first is None:
                ax.set_title(_label_text(row_labels[c], class_names), fontsize=8, pad=3)
        if named:
            axes[r, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9.5)
    if first is not None:
        axes[0, 0].set_title("original", fontsize=9)
        for ax in axes[:, 0]:
            ax.spines[:].set(visible=True, linewidth=2, color=_INK)
    return figure


def _one_hot(labels: Any, count: int, class_names: Sequence[str] | None) -> np.ndarray | None:
    if labels is None:
        return None
    labels = np.asarray(labels)
    if len(labels) < count:
        raise InvalidInput(f"There are {count} pictures but {len(labels)} labels.")
    labels = labels[:count]
    if labels.ndim == 2:
        return labels.astype(np.float32)
    classes = len(class_names) if class_names is not None else int(labels.max()) + 1
    return np.eye(classes, dtype=np.float32)[labels.astype(int)]


def _augmented(
    augmentation: Callable, batch: np.ndarray, one_hot: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    import keras

    if isinstance(augmentation, keras.layers.Layer):
        return np.asarray(augmentation(batch, training=True)), one_hot
    if one_hot is None:
        raise InvalidInput(
            "An augmentation of whole batches (cutout, mixup, cutmix) needs a batch of pictures "
            "and their labels: augmentation_grid(images, …, labels=labels)."
        )
    import tensorflow as tf

    pictures, labels = augmentation(tf.constant(batch), tf.constant(one_hot))
    return np.asarray(pictures), np.asarray(labels)


# --------------------------------------------------------------------------------------------------
# counts and splits


def _counts(dataset: ImageDataset | pd.DataFrame) -> pd.DataFrame:
    """Rows: classes; columns: splits; without the totals."""
    frame: Any = dataset if hasattr(dataset, "columns") else dataset.describe()
    missing = [split for split in SPLITS if split not in frame.columns]
    if missing:
        raise InvalidInput(
            f"The table of counts has no column {missing[0]!r}; give an ImageDataset or what its "
            f"describe() returns."
        )
    return frame.loc[[name for name in frame.index if name != "total"], list(SPLITS)]


def class_counts(dataset: ImageDataset | pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many images each class has in each split.

    Parameters
    ----------
    dataset : ImageDataset or DataFrame
        A dataset, or the table that its ``describe()`` returns.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    counts = _counts(dataset)
    ax = new_axes(ax, (7.0, 0.9 + 0.55 * len(counts)))
    height = 0.8 / len(SPLITS)
    base = np.arange(len(counts))
    for i, split in enumerate(SPLITS):
        bars = ax.barh(
            base + (i - 1) * height,
            counts[split],
            height * 0.92,
            label=split,
            color=PALETTE[i],
            hatch=_HATCHES[i],
            edgecolor="white",
            linewidth=0.5,
        )
        ax.bar_label(bars, padding=3, fontsize=8)
    ax.set_yticks(base, counts.index)
    ax.invert_yaxis()
    ax.set_xlabel("number of images")
    ax.set_ylabel("class")
    ax.margins(x=0.1)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return ax


def split_bars(dataset: ImageDataset | pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw which share of each class went to which split: alike where the split is stratified.

    Parameters
    ----------
    dataset : ImageDataset or DataFrame
        A dataset, or the table that its ``describe()`` returns.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    counts = _counts(dataset)
    counts.loc["all classes"] = counts.sum()
    shares = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    ax = new_axes(ax, (7.0, 0.9 + 0.42 * len(counts)))
    left = np.zeros(len(counts))
    for i, split in enumerate(SPLITS):
        width = shares[split].to_numpy(dtype=float)
        bars = ax.barh(
            np.arange(len(counts)),
            width,
            0.72,
            left=left,
            label=split,
            color=PALETTE[i],
            hatch=_HATCHES[i],
            edgecolor="white",
        )
        texts = [f"{n}" if share > 4 else "" for n, share in zip(counts[split], width, strict=True)]
        for text in ax.bar_label(bars, texts, label_type="center", fontsize=8.5):
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9})
        left += width
    ax.set_yticks(np.arange(len(counts)), counts.index)
    ax.invert_yaxis()
    ax.set(xlim=(0, 100), xlabel="share of the class's images in %", ylabel="class")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)
    return ax


# --------------------------------------------------------------------------------------------------
# the input pipeline


def pipeline_timing(
    measured: Mapping[str, float], unit: str = "images per second", ax: Axes | None = None
) -> Axes:
    """Compare measured speeds (or times) of several ways to feed a network.

    Parameters
    ----------
    measured : dict of name to number
        The first entry is the one that the others are compared with.
    unit : str
        What the numbers are; it labels the axis.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If nothing was measured or a value is not positive.
    """
    if not measured:
        raise InvalidInput("pipeline_timing was given no measurement.")
    values = np.array([float(value) for value in measured.values()])
    if not (np.isfinite(values) & (values > 0)).all():
        raise InvalidInput("pipeline_timing needs positive numbers; one of the values is not.")
    ax = new_axes(ax, (7.0, 0.8 + 0.45 * len(values)))
    colours = [_QUIET, *[PALETTE[0]] * (len(values) - 1)]
    bars = ax.barh(np.arange(len(values)), values, 0.66, color=colours)
    texts = [f"{value:,.0f}" if value >= 10 else f"{value:.2g}" for value in values]
    texts[1:] = [
        f"{text}   ({value / values[0]:.1f} ×)"
        for text, value in zip(texts[1:], values[1:], strict=True)
    ]
    ax.bar_label(bars, texts, padding=4, fontsize=9)
    ax.set_yticks(np.arange(len(values)), list(measured))
    ax.invert_yaxis()
    ax.set_xlabel(unit)
    ax.margins(x=0.22)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def pipeline_timeline(
    prepare: float = 2.0, train: float = 3.0, steps: int = 4, ax: Axes | None = None
) -> Axes:
    """Draw why prefetching helps: the next batch is prepared while the network trains.

    Parameters
    ----------
    prepare, train : float
        Time to prepare a batch and to train on it, in any unit.
    steps : int
        Number of batches.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If a time is not positive or there is no step.
    """
    if prepare <= 0 or train <= 0 or steps < 1:
        raise InvalidInput("pipeline_timeline needs positive times and at least one step.")
    ax = new_axes(ax, (8.0, 2.9))

    def bar(y: float, start: float, length: float, text: str, kind: int) -> None:
        ax.barh(
            y,
            length,
            0.78,
            left=start,
            color=(PALETTE[4], PALETTE[1])[kind],
            hatch=("//", "")[kind],
            edgecolor="white",
        )
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
        ax.text(start + length / 2, y, text, ha="center", va="center", fontsize=8.5, bbox=box)

    clock = 0.0
    for step in range(1, steps + 1):
        bar(0, clock, prepare, str(step), 0)
        bar(1, clock + prepare, train, str(step), 1)
        clock += prepare + train
    ready, free = 0.0, 0.0
    for step in range(1, steps + 1):
        bar(2.6, ready, prepare, str(step), 0)
        ready += prepare
        start = max(ready, free)
        bar(3.6, start, train, str(step), 1)
        free = start + train
    for y, end in ((0.5, clock), (3.1, free)):
        ax.plot([end, end], [y - 1, y + 1], color=_INK, lw=1.6, ls=LINE_STYLES[1])
        ax.text(end + 0.02 * clock, y, f"ends at {end:g}", va="center", fontsize=9)
    ax.set_yticks(
        [0, 1, 2.6, 3.6], ["prepare a batch", "train on it", "prepare a batch", "train on it"]
    )
    ax.text(0, -0.72, "one after the other", fontsize=10, weight="bold")
    ax.text(0, 1.88, "with prefetch", fontsize=10, weight="bold")
    ax.set(xlabel="time", xlim=(0, clock * 1.16), ylim=(4.2, -1.15))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


# --------------------------------------------------------------------------------------------------
# explaining figures


def _box(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    head: str,
    text: str,
    colour: str,
    *,
    strong: bool = False,
    head_size: float = 11.0,
    text_size: float = 9.0,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    patch = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.09",
        facecolor="#fff7d6" if strong else "white",
        edgecolor=colour,
        linewidth=3.2 if strong else 1.6,
    )
    ax.add_patch(patch)
    top = y + height
    ax.text(x + 0.1, top - 0.1, head, va="top", fontsize=head_size, weight="bold", color=_INK)
    ax.text(x + 0.1, y + 0.09, text, va="bottom", fontsize=text_size, color=_INK, linespacing=1.25)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1.4, "mutation_scale": 13, **style},
    )


#: Lesson number, title, what happens in it, and the stage it belongs to.
LESSONS = (
    ("00", "Start here", "what image classification is\nyour machine", 0),
    ("01", "Convolution by hand", "filter, ReLU, pooling:\nevery number on paper", 0),
    ("02", "Loading data", "folders, splits, quality,\na fast pipeline", 1),
    ("03", "Building a CNN", "layers, shapes,\nparameters", 2),
    ("04", "Training", "loss, optimiser, schedules,\nregularisation", 2),
    ("05", "Evaluation", "curves, confusion matrix,\nprecision, recall, F1", 3),
    ("06", "Error analysis", "the worst mistakes\nand their causes", 3),
    ("07", "Grad-CAM", "what the network\nlooks at", 3),
    ("08", "Transfer learning", "start from what another\nnetwork has learnt", 2),
)
_STAGES = ("understand", "prepare the data", "build and train", "judge and improve")


def roadmap(current: str | int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the way through the course: nine lessons, four stages.

    Parameters
    ----------
    current : str or int, optional
        Number of the lesson to mark as "you are here", for instance "05" or 5.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If there is no such lesson.
    """
    numbers = [number for number, *_ in LESSONS]
    here = None if current is None else f"{int(current):02d}"
    if here is not None and here not in numbers:
        raise InvalidInput(f"There is no lesson {current!r}; the lessons are {', '.join(numbers)}.")
    ax = new_axes(ax, (9.6, 5.2))
    width, height, gap_x, gap_y = 2.6, 1.0, 0.55, 0.5
    colours = (PALETTE[4], PALETTE[1], PALETTE[0], PALETTE[2])
    spots = []
    for i, (number, title, text, stage) in enumerate(LESSONS):
        row, place = divmod(i, 3)
        column = place if row % 2 == 0 else 2 - place
        x, y = column * (width + gap_x), -row * (height + gap_y)
        spots.append((x, y))
        strong = number == here
        _box(ax, x, y, width, height, f"{number}  {title}", text, colours[stage], strong=strong)
        ax.text(
            x + width - 0.08,
            y + height + 0.04,
            _STAGES[stage],
            ha="right",
            va="bottom",
            fontsize=7.5,
            style="italic",
            color="#555555",
        )
        if strong:
            ax.text(x, y + height + 0.04, "▼ you are here", va="bottom", fontsize=9, weight="bold")
    for (x0, y0), (x1, y1) in zip(spots, spots[1:], strict=False):
        middle = height / 2
        if y0 == y1:
            start, end = (x0 + width, x1) if x1 > x0 else (x0, x1 + width)
            _arrow(ax, (start, y0 + middle), (end, y1 + middle))
        else:
            _arrow(ax, (x0 + width / 2, y0), (x1 + width / 2, y1 + height))
    ax.set(xlim=(-0.1, 3 * width + 2 * gap_x + 0.1), ylim=(-2 * (height + gap_y) - 0.1, 1.35))
    ax.set_axis_off()
    return ax


def workflow(ax: Axes | None = None) -> Axes:
    """Draw the steps of an image classification project, with the loop from mistakes to data.

    Parameters
    ----------
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (9.6, 2.5))
    steps = (
        ("1  Data", "collect, label, check,\nsplit, augment", PALETTE[1]),
        ("2  Model", "architecture, new or\npretrained", PALETTE[0]),
        ("3  Training", "loss, optimiser,\nlearning rate", PALETTE[0]),
        ("4  Evaluation", "test split, confusion\nmatrix, mistakes", PALETTE[2]),
        ("5  Use", "export, predict,\nkeep watching", PALETTE[3]),
    )
    width, gap = 1.85, 0.4
    for i, (head, text, colour) in enumerate(steps):
        x = i * (width + gap)
        _box(ax, x, 0, width, 0.95, head, text, colour)
        if i:
            _arrow(ax, (x - gap, 0.48), (x, 0.48))
    start = 3 * (width + gap) + width / 2
    ax.plot([start, start, width / 2], [0, -0.45, -0.45], color=_QUIET, lw=1.4, ls="--")
    for i in (0, 1, 2):
        target = i * (width + gap) + width / 2
        _arrow(ax, (target, -0.45), (target, 0), color=_QUIET, ls="--")
    ax.text(
        (start + width / 2) / 2,
        -0.55,
        "what the mistakes show: better data, another model, another training",
        ha="center",
        va="top",
        fontsize=9,
        color="#555555",
    )
    ax.set(xlim=(-0.1, 5 * width + 4 * gap + 0.1), ylim=(-0.85, 1.1))
    ax.set_axis_off()
    return ax


def split_roles(ax: Axes | None = None) -> Axes:
    """Draw what the three splits are for: learn, choose, report.

    Parameters
    ----------
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (9.0, 2.7))
    parts = (
        ("train", 5.6, "sets the weights", "seen in every epoch", 0),
        ("validation", 2.2, "chooses", "epochs, learning rate,\narchitecture", 1),
        ("test", 2.2, "is reported", "used once,\nat the very end", 2),
    )
    left = 0.0
    for name, width, verb, text, i in parts:
        ax.barh(
            0,
            width,
            0.9,
            left=left,
            color=PALETTE[i],
            hatch=_HATCHES[i],
            edgecolor="white",
            linewidth=2,
        )
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
        ax.text(left + width / 2, 0, name, ha="center", va="center", weight="bold", bbox=box)
        ax.text(left + width / 2, -0.58, verb, ha="center", va="top", fontsize=11, weight="bold")
        ax.text(left + width / 2, -0.92, text, ha="center", va="top", fontsize=9)
        left += width
    ax.set(xlim=(-0.05, left + 0.05), ylim=(-1.65, 0.6))
    ax.set_axis_off()
    return ax


# A little scene in a frame of 4 × 3: (class, x, y, size). Drawn back to front.
_SCENE = (("tulip", 3.05, 1.55, 0.52), ("daisy", 0.95, 1.75, 0.62), ("daisy", 2.05, 1.05, 0.48))
_PETALS = 12


def _flower_patches(kind: str, x: float, y: float, size: float) -> list[tuple[str, Any]]:
    """Patches (part, patch) of one flower whose head has its centre at (x, y)."""
    from matplotlib.patches import Circle, Ellipse, Polygon

    stem = Polygon([(x - 0.035, y), (x + 0.035, y), (x + 0.06, -0.1), (x - 0.02, -0.1)])
    leaf = Ellipse((x + 0.2, y - 1.25 * size - 0.2), 0.42, 0.13, angle=38)
    parts: list[tuple[str, Any]] = [("stem", stem), ("leaf", leaf)]
    if kind == "daisy":
        for k in range(_PETALS):
            angle = 2 * np.pi * k / _PETALS
            centre = (x + 0.66 * size * np.cos(angle), y + 0.66 * size * np.sin(angle))
            petal = Ellipse(centre, 0.68 * size, 0.27 * size, angle=np.degrees(angle))
            parts.append(("petal", petal))
        parts.append(("centre", Circle((x, y), 0.33 * size)))
    else:
        cup = np.array(
            [(-0.62, 0.95), (-0.3, 0.45), (0, 1.0), (0.3, 0.45), (0.62, 0.95), (0.66, -0.1)]
            + [(0.45, -0.62), (0, -0.85), (-0.45, -0.62), (-0.66, -0.1)]
        )
        parts.append(("petal", Polygon(cup * size + (x, y))))
        inner = np.array([(0, 1.0), (0.26, 0.3), (0.1, -0.8), (-0.1, -0.8), (-0.26, 0.3)])
        parts.append(("fold", Polygon(inner * size + (x, y))))
    return parts


def _draw_scene(ax: Axes, classes: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Draw the scene in its own colours, or flat in the (colour, hatch) of each class."""
    from matplotlib.patches import Rectangle

    natural = {
        ("daisy", "petal"): "#fbfbf4",
        ("daisy", "centre"): "#f2b90f",
        ("tulip", "petal"): "#d8345f",
        ("tulip", "fold"): "#b6214a",
    }
    sky, meadow = ("#bfe0f2", "#8fbf6a") if classes is None else ("#4a4a4a", "#4a4a4a")
    ax.add_patch(Rectangle((0, 0), 4, 3, color=sky, lw=0))
    ax.add_patch(Rectangle((0, 0), 4, 1.15, color=meadow, lw=0))
    for kind, x, y, size in _SCENE:
        for part, patch in _flower_patches(kind, x, y, size):
            green = part in ("stem", "leaf")
            if classes is not None:
                if green:
                    continue
                colour, hatch = classes[kind]
                patch.set(facecolor=colour, edgecolor=colour, linewidth=0.6)
                ax.add_patch(patch)
                if part in ("centre", "fold"):
                    patch.set(hatch=hatch, edgecolor="white", linewidth=0)
            else:
                colour = "#4d8a3c" if green else natural[kind, part]
                patch.set(facecolor=colour, edgecolor="#00000030", linewidth=0.5)
                ax.add_patch(patch)
    ax.set(xlim=(0, 4), ylim=(0, 3), aspect="equal", xticks=[], yticks=[])


def task_comparison() -> Figure:
    """Draw one scene as three tasks see it: classification, detection, segmentation.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, axes = plt.subplots(1, 3, figsize=(10.2, 3.35), layout="constrained")
    looks = {"daisy": (PALETTE[6], ""), "tulip": (PALETTE[3], "xx")}
    _draw_scene(axes[0])
    _draw_scene(axes[1])
    _draw_scene(axes[2], looks)
    label = {"facecolor": "white", "edgecolor": _INK, "boxstyle": "round,pad=0.25"}
    axes[0].text(2, 2.72, "daisy", ha="center", va="center", fontsize=12, bbox=label)
    for kind, x, y, size in _SCENE:
        reach = size if kind == "daisy" else 0.7 * size
        top, bottom = (size, size) if kind == "daisy" else (size, 0.87 * size)
        left, low = x - reach, y - bottom
        style = "-" if kind == "daisy" else "--"
        for colour, line, dash in ((_INK, 3.4, "-"), ("white", 1.6, style)):
            box = Rectangle((left, low), 2 * reach, top + bottom, fill=False)
            box.set(edgecolor=colour, linewidth=line, linestyle=dash)
            axes[1].add_patch(box)
        tag = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
        axes[1].text(left + 0.03, y + top, kind, va="bottom", fontsize=9, bbox=tag)
    for kind, x, y, size in (_SCENE[0], _SCENE[1]):
        tag = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
        axes[2].text(x, y + size + 0.06, kind, ha="center", va="bottom", fontsize=9, bbox=tag)
    axes[2].text(0.12, 0.12, "background", va="bottom", fontsize=9, color="white")
    for ax, head, text in zip(
        axes,
        ("Classification", "Detection", "Segmentation"),
        ("What is in the picture?\none label for all of it",)
        + ("What is where?\na box and a label for each object",)
        + ("Which pixel belongs to what?\na label for each pixel",),
        strict=True,
    ):
        ax.set_title(head, fontsize=12, weight="bold")
        ax.set_xlabel(text, fontsize=9.5)
    return figure
