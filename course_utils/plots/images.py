"""Grids of images that several lessons show.

Images are uint8 or float arrays (H, W, C) or (H, W) with values from 0 to 255. No function here
needs TensorFlow, except :func:`augmentation_grid`, which takes Keras layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.datasets import displayable
from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    DASHED_FRAME,
    INK,
    RIGHT,
    WRONG,
    described,
    grid_shape,
    hide_ticks,
    listed,
    outline_box,
    panels,
    require_some,
    row_name,
    show_image,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_utils.evaluation import Predictions

MOST_IMAGES = 150  # in one figure

# Inches, at 100 dots each: the smallest and the largest image of a grid, and its smallest width.
_SMALLEST, _LARGEST, _WIDTH = 1.35, 3.4, 6.8


def image_grid(
    images: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    columns: int | None = None,
    *,
    titles: Sequence[str] | None = None,
    boxes: Any = None,
    size: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a grid of images with their classes above them.

    First met in lesson 02, which writes it out with ``plt.subplots`` and ``imshow``.

    Parameters
    ----------
    images : array (N, H, W, C) or sequence of arrays
        uint8 or float, 0 to 255; the images of a sequence may differ in size. A batch of tensors
        is accepted too.
    labels : sequence, optional
        For each image a class index, a name, or a row of class shares (one-hot labels, or labels
        after mixup and cutmix).
    class_names : sequence of str, optional
        Names of the class indices.
    columns : int, optional
        Images per row; by default at most 6.
    titles : sequence of str, optional
        Texts to show instead of labels.
    boxes : array (N, 4), optional
        For each image the box (x0, y0, x1, y1) in pixels to draw on it.
    size : float, optional
        Width of one image in inches; by default so large that the grid is easy to see.
    title : str, optional
        Title of the whole figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If there are no images or too many, if the numbers of labels and images differ, or if the
        pixels are between 0 and 1.
    """
    shown = _checked_images(images)
    count = len(shown)
    for what, values in (("labels", labels), ("titles", titles), ("boxes", boxes)):
        if values is not None and len(values) != count:
            raise InvalidInput(f"There are {count} images but {len(values)} {what}.")
    if titles is None and labels is not None:
        titles = [_label_text(label, class_names) for label in labels]
    if columns is None:
        columns = min(count, 6)
    rows = -(-count // validate.whole_number("columns", columns, 1, example=6))
    size = _size(size, columns)

    lines = 0 if titles is None else max(text.count("\n") + 1 for text in titles)
    height = rows * (size + 0.17 * lines + 0.06) + (0.35 if title else 0.05)
    figure, axes = panels(rows, columns, (columns * (size + 0.1), height), bare=True)
    for i, (ax, image) in enumerate(zip(axes.flat, shown, strict=False)):
        show_image(ax, image)
        if titles is not None:
            ax.set_title(titles[i], fontsize=8.5, pad=3)
        if boxes is not None:
            outline_box(ax, boxes[i])
    if title:
        figure.suptitle(title, fontsize=11)
    names = "" if titles is None else f": {listed(dict.fromkeys(titles))}".replace("\n", " ")
    return described(figure, f"{count} image{'s' * (count > 1)}{names}.")


def _size(size: float | None, columns: int, besides: float = 0) -> float:
    """Return the width of one image in inches, chosen by the number of columns if it is None."""
    if size is not None:
        return size
    return float(np.clip((_WIDTH - besides) / columns, _SMALLEST, _LARGEST))


def _checked_images(images: Any) -> list[np.ndarray]:
    """Return images as :func:`displayable` arrays; raise InvalidInput if they cannot be shown."""
    arrays = [np.asarray(image) for image in images]
    if not arrays:
        raise InvalidInput("There is no image to show: the list of images is empty.")
    if len(arrays) > MOST_IMAGES:
        raise InvalidInput(
            f"{len(arrays)} images are too many for one figure; show at most {MOST_IMAGES}, "
            f"for instance images[:{MOST_IMAGES}]."
        )
    floats = [array for array in arrays if array.dtype.kind == "f" and array.size]
    if len(floats) == len(arrays) and 0 < max(float(array.max()) for array in floats) <= 1:
        raise InvalidInput(
            "All pixels lie between 0 and 1, but the course keeps them between 0 and 255; "
            "show images * 255."
        )
    return [displayable(array) for array in arrays]


def _label_text(label: Any, class_names: Sequence[str] | None) -> str:
    """Return the text for a class name, a class index, or a row of class shares."""
    label = np.asarray(label)
    if label.ndim == 0:
        return str(label) if label.dtype.kind in "US" else _class_name(int(label), class_names)
    parts = [int(i) for i in np.argsort(-label, kind="stable") if label[i] > 0.005]
    if len(parts) == 1:
        return _class_name(parts[0], class_names)
    return "\n".join(f"{label[i]:.2f} {_class_name(i, class_names)}" for i in parts)


def _class_name(index: int, class_names: Sequence[str] | None) -> str:
    if class_names is None:
        return str(index)
    if not 0 <= index < len(class_names):
        raise InvalidInput(
            f"The label {index} has no class name; there are {len(class_names)} names, for the "
            f"labels 0 to {len(class_names) - 1}."
        )
    return str(class_names[index])


def pixel_values(image: Any, row: int, column: int, size: int = 6) -> Figure:
    """Draw an image and the pixel values in a small window of it, for each color channel.

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
        If the window is not inside the image.
    """
    picture = displayable(image)
    height, width = picture.shape[:2]
    size = validate.whole_number("size", size, 1, 10, example=6)
    if min(row, column) < 0 or row + size > height or column + size > width:
        raise InvalidInput(
            f"The window of {size} × {size} pixels at row {row}, column {column} does not lie in "
            f"the image of {height} × {width} pixels."
        )
    if picture.ndim == 2:
        channels = {"gray": picture}
    else:
        channels = {name: picture[..., c] for c, name in enumerate(("red", "green", "blue"))}
    columns = 1 + len(channels)
    panel = max(2.7, _size(None, columns))
    figure, axes = panels(1, columns, (columns * panel, panel + 0.2))
    first = axes[0, 0]
    show_image(first, picture)
    outline_box(first, (column, row, column + size, row + size), 3.0, 1.4)
    first.set_title(f"{height} × {width} pixels", fontsize=10)
    for ax, (name, channel) in zip(axes[0, 1:], channels.items(), strict=True):
        window = channel[row : row + size, column : column + size]
        show_image(ax, window)
        for (r, c), value in np.ndenumerate(window):
            write(ax, c, r, str(int(value)), 8, color="black" if value > 127 else "white")
        ax.set_title(name, fontsize=10)
    for ax in axes.flat:
        hide_ticks(ax)
    return described(
        figure,
        f"An image of {height} × {width} pixels and the numbers in a window of {size} × {size} "
        f"pixels, for {listed(channels)}.",
    )


def augmentation_grid(
    images: Any,
    augmentations: Callable | Mapping[str, Callable],
    times: int = 6,
    *,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    size: float | None = None,
) -> Figure:
    """Draw an image and several randomly augmented versions of it.

    First met in lesson 02; lesson 04 shows the batch augmentations with it.

    Parameters
    ----------
    images : array (H, W, C) or (N, H, W, C)
        One image, several versions of which are shown in each row; or a batch, whose images are
        augmented together (as mixup and cutmix need) and shown once each.
    augmentations : callable or dict of name to callable
        Keras layers (called with ``training=True``), or batch augmentations of
        :mod:`course_utils.augmentation`, which map (images, one-hot labels) to the same. One row
        each.
    times : int
        Versions per row.
    labels : array (N,) of int or (N, classes), optional
        The classes of a batch; mixup and cutmix need them, and their new labels are shown.
    class_names : sequence of str, optional
    size : float, optional
        Width of one image in inches; by default so large that the grid is easy to see.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the shape is neither of the two, or if a batch augmentation gets no labels.
    """
    array = np.asarray(images, dtype=np.float32)
    if array.ndim not in (3, 4):
        raise InvalidInput(
            f"augmentation_grid needs one image (H, W, C) or a batch (N, H, W, C), but it was "
            f"given the shape {array.shape}."
        )
    single = array.ndim == 3
    batch = np.repeat(array[None], times, axis=0) if single else array[:times]
    one_hot = _one_hot(labels, len(batch), class_names)
    named = augmentations if isinstance(augmentations, Mapping) else {"": augmentations}
    require_some("augmentation", named)
    rows = [(name, *_augmented(one, batch, one_hot)) for name, one in named.items()]
    if single:  # the original stands first in each row and has no label
        rows = [(name, np.concatenate([array[None], made]), None) for name, made, _ in rows]
    else:
        rows.insert(0, ("original", batch, one_hot))

    columns, has_names = len(batch) + single, any(name for name, *_ in rows)
    size = _size(size, columns, besides=has_names)
    row_height = size + 0.06 + 0.44 * (one_hot is not None)
    figure, axes = panels(
        len(rows), columns, (columns * (size + 0.06) + has_names, len(rows) * row_height + 0.2)
    )
    for row, (name, made, new_labels) in zip(axes, rows, strict=True):
        for c, ax in enumerate(row):
            show_image(ax, made[c])
            hide_ticks(ax, frame=False)
            if new_labels is not None:
                ax.set_title(_label_text(new_labels[c], class_names), fontsize=10.5, pad=3)
        if has_names:
            row_name(row[0], name)
        if single:
            row[0].spines[:].set(visible=True, linewidth=2, color=INK)
    if single:
        axes[0, 0].set_title("original", fontsize=9)
    what = "One image" if single else f"{len(batch)} images"
    ways = f": {listed(named)}" if any(named) else ""
    return described(figure, f"{what}, as the original and augmented{ways}.")


def _one_hot(labels: Any, count: int, class_names: Sequence[str] | None) -> np.ndarray | None:
    if labels is None:
        return None
    labels = np.asarray(labels)
    if len(labels) < count:
        raise InvalidInput(f"There are {count} images but {len(labels)} labels.")
    labels = labels[:count]
    if labels.ndim == 2:
        return labels.astype(np.float32)
    classes = len(class_names) if class_names is not None else int(labels.max()) + 1
    return np.eye(classes, dtype=np.float32)[labels.astype(int)]


def _augmented(
    augmentation: Callable, batch: np.ndarray, one_hot: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the output images and labels of a Keras layer or a batch augmentation."""
    import keras

    if isinstance(augmentation, keras.layers.Layer):
        return np.asarray(augmentation(batch, training=True)), one_hot
    if one_hot is None:
        raise InvalidInput(
            "An augmentation of whole batches (cutout, mixup, cutmix) needs a batch of images "
            "and their labels: augmentation_grid(images, …, labels=labels)."
        )
    import tensorflow as tf

    images, labels = augmentation(tf.constant(batch), tf.constant(one_hot))
    return np.asarray(images), np.asarray(labels)


def predictions_grid(
    predictions: Predictions,
    which: str | Sequence[int] = "first",
    count: int = 12,
    columns: int = 6,
    *,
    size: float | None = None,
    seed: int | None = None,
    title: str | None = None,
) -> Figure:
    """Draw images with predicted class, true class and confidence.

    A correct prediction has a tick and a solid frame, a wrong one a cross and a dashed frame.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions
    which : {"first", "random", "wrong", "right", "most certain mistakes"} or sequence of int
        Which images, or their positions.
    count : int
        The largest number of images.
    columns : int
        Images per row.
    size : float, optional
        Width of one image in inches; by default so large that the grid is easy to see.
    seed : int, optional
        For "random"; by default ``settings.seed()``.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If `which` is unknown, or selects no image.
    """
    places = _chosen(predictions, which, seed)[: validate.whole_number("count", count, 1)]
    if not len(places):
        raise InvalidInput(f"There is no image to show: none is {which!r}.")
    known = bool((predictions.labels >= 0).all())
    rows, columns = grid_shape(len(places), columns)
    size = _size(size, columns)
    height = rows * (size + 0.44) + (0.35 if title else 0.05)
    figure, axes = panels(rows, columns, (columns * (size + 0.14), height))
    for ax in axes.flat[len(places) :]:
        ax.set_axis_off()
    for ax, i in zip(axes.flat, places, strict=False):
        show_image(ax, predictions.images[i])
        hide_ticks(ax)
        _judged_title(ax, predictions, i, known)
    if title:
        figure.suptitle(title, fontsize=11)
    text = f"{len(places)} images with the predicted class and the confidence"
    if known:
        text += f"; {int((~predictions.correct[places]).sum())} of them wrong"
    return described(figure, f"{text}.")


def _judged_title(ax: Axes, predictions: Predictions, i: int, known: bool) -> None:
    """Write the prediction above image i and, if its label is known, mark it as right or wrong."""
    names, answer, label = predictions.class_names, predictions.predicted[i], predictions.labels[i]
    words = f"{names[answer]} {predictions.confidence[i]:.2f}"
    if not known:
        ax.set_title(words, fontsize=8.5, pad=4)
    elif answer == label:
        ax.spines[:].set(color=RIGHT, linewidth=2.6, linestyle="-")
        ax.set_title(f"✓ {words}", fontsize=8.5, pad=4, color=INK)
    else:
        ax.spines[:].set(color=WRONG, linewidth=2.6, linestyle=DASHED_FRAME)
        ax.set_title(f"✗ {words}\ntrue: {names[label]}", fontsize=8.5, pad=4, color="#8f3800")


def _chosen(predictions: Predictions, which: str | Sequence[int], seed: int | None) -> np.ndarray:
    """Return the positions of the images selected by `which`, in display order."""
    if not isinstance(which, str):
        return _positions(which, len(predictions))
    count = len(predictions)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "first": lambda: np.arange(count),
        "random": lambda: np.random.default_rng(validate.seed(seed)).permutation(count),
        "wrong": lambda: np.flatnonzero(~predictions.correct),
        "right": lambda: np.flatnonzero(predictions.correct),
        "most certain mistakes": lambda: _most_certain_mistakes(predictions),
    }
    if which not in ways:
        raise InvalidInput(
            f"which is {which!r}; it can be {', '.join(map(repr, ways))}, or the positions of the "
            f"images."
        )
    return ways[which]()


def _most_certain_mistakes(predictions: Predictions) -> np.ndarray:
    wrong = np.flatnonzero(~predictions.correct)
    return wrong[np.argsort(-predictions.confidence[wrong], kind="stable")]


def _positions(which: Any, count: int) -> np.ndarray:
    """Return positions given as integers or as a mask; raise InvalidInput for an unknown one."""
    places = np.asarray(which)
    places = np.flatnonzero(places) if places.dtype == bool else places.astype(int)
    outside = places[(places < -count) | (places >= count)]
    if len(outside):
        raise InvalidInput(
            f"There are {count} images, so their positions are 0 to {count - 1}; {outside[0]} is "
            f"not among them."
        )
    return places
