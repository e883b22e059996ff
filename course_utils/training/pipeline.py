"""The stream of training batches: the order of the images and every random change to them.

All random numbers are computed from (seed, epoch, batch), not drawn from a generator with a state.
So a training that is resumed gets exactly the batches that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from course_utils.augmentation import augmenter, plain
from course_utils.datasets.pipeline_options import run_as_written
from course_utils.exceptions import InvalidInput


def split_parts(dataset: Any) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """Return the training and the validation batches of a dataset.

    Parameters
    ----------
    dataset : ImageDataset or tuple
        An object with ``train`` and ``validation``, or (training, validation) as tf.data datasets
        of batches; the second may be None.

    Returns
    -------
    tuple

    Raises
    ------
    InvalidInput
        If it is neither.
    """
    if isinstance(dataset, tuple) and len(dataset) == 2:
        train, validation = dataset
    else:
        train = getattr(dataset, "train", None)
        validation = getattr(dataset, "validation", None)
    if not isinstance(train, tf.data.Dataset):
        raise InvalidInput(
            f"The data must be what datasets.load() returns, or (training, validation) as tf.data "
            f"datasets of batches, but it is {type(dataset).__name__}."
        )
    if validation is not None and not isinstance(validation, tf.data.Dataset):
        raise InvalidInput(
            f"The validation data must be a tf.data dataset of batches or None, but it is "
            f"{type(validation).__name__}."
        )
    return train, validation


def batches_per_epoch(train: tf.data.Dataset) -> int:
    """Count the batches of one epoch.

    Parameters
    ----------
    train : tf.data.Dataset
        The training batches.

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If the dataset is empty or never ends.
    """
    count = int(train.cardinality())
    if count == tf.data.INFINITE_CARDINALITY:
        raise InvalidInput(
            "The training data never end, so there are no epochs; leave out .repeat()."
        )
    if count == tf.data.UNKNOWN_CARDINALITY:
        count = sum(1 for _ in train)
    if count == 0:
        raise InvalidInput("The training split holds no images, so there is nothing to learn from.")
    return count


def training_stream(
    dataset: Any,
    epochs: range,
    *,
    seed: int,
    num_classes: int,
    augment: Sequence[Any] = (),
    one_hot: bool = False,
    label_smoothing: float = 0.0,
    class_weight: Mapping[int, float] | None = None,
) -> tf.data.Dataset:
    """Return the training batches of several epochs, one after the other.

    Parameters
    ----------
    dataset : ImageDataset or tuple
        Where the training batches come from: (images float32 (B, H, W, C), labels int (B,)),
        shuffled again in each iteration.
    epochs : range
        The epochs, counted from 0; ``range(3, 10)`` resumes a training of ten epochs after three.
    seed : int
        Seed of everything random.
    num_classes : int
        Number of classes.
    augment : sequence
        Augmentations, as for :func:`course_utils.augmentation.apply`.
    one_hot : bool
        Whether to make the labels one-hot, float32 (B, num_classes).
    label_smoothing : float
        This share of the label is spread over all classes evenly (needs `one_hot`).
    class_weight : mapping, optional
        Weight of each class index; then batches are (images, labels, weights).

    Returns
    -------
    tf.data.Dataset
    """
    train = _from_epoch(dataset, epochs.start, seed, as_stored=bool(augment))
    change = augmenter(augment, num_classes=num_classes, one_hot=one_hot) if augment else None
    finish = _finisher(num_classes, one_hot, label_smoothing, class_weight)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        batches = train if change is None else change.numbered(train, (seed, epoch))
        if finish is not None:
            batches = batches.map(plain(finish), num_parallel_calls=tf.data.AUTOTUNE)
        return batches

    stream = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(plain(one_epoch))
    return run_as_written(stream.prefetch(tf.data.AUTOTUNE))


def _from_epoch(dataset: Any, first_epoch: int, seed: int, as_stored: bool) -> tf.data.Dataset:
    """Return training batches whose next iteration has the order of epoch `first_epoch`.

    With `as_stored` the pixels may be uint8; the augmentation makes them float32.
    """
    if hasattr(dataset, "shuffled"):
        # The order depends on the dataset's own seed and a number; far apart for different seeds.
        return dataset.shuffled(seed * 1_000_000 + first_epoch, as_stored)
    train, _ = split_parts(dataset)
    for _ in range(first_epoch):
        iter(train)  # each iterator of a shuffled tf.data dataset takes the next order
    return train


def validation_batches(
    validation: tf.data.Dataset | None, num_classes: int, one_hot: bool
) -> tf.data.Dataset | None:
    """Return the validation batches with labels in the form that the loss expects.

    Parameters
    ----------
    validation : tf.data.Dataset or None
        Batches (images, int labels).
    num_classes : int
        Number of classes.
    one_hot : bool
        Whether to make the labels one-hot, float32 (B, num_classes).

    Returns
    -------
    tf.data.Dataset or None
    """
    if validation is None or not one_hot or label_rank(validation) == 2:
        return validation
    return validation.map(
        lambda images, labels: (images, tf.one_hot(tf.reshape(labels, [-1]), num_classes)),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def label_rank(batches: tf.data.Dataset) -> int | None:
    """Return 1 for class indices, 2 for one-hot labels, None where the shape is unknown."""
    shape = batches.element_spec[1].shape
    if shape.rank is None:
        return None
    return 1 if shape.rank == 2 and shape[1] == 1 else int(shape.rank)


def balanced_weights(labels: np.ndarray, num_classes: int) -> dict[int, float]:
    """Return class weights that give every class the same share of the loss.

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices of shape (N,) or (N, 1), or one-hot labels (N, num_classes).
    num_classes : int
        Number of classes.

    Returns
    -------
    dict
        Class index to weight: N / (num_classes * images of that class), as scikit-learn's
        "balanced" (King and Zeng, 2001).
    """
    labels = np.asarray(labels)
    one_hot = labels.ndim == 2 and labels.shape[1] > 1
    indices = labels.argmax(axis=1) if one_hot else labels.reshape(-1).astype(int)
    counts = np.bincount(indices, minlength=num_classes)
    return {
        index: float(len(labels) / (num_classes * count)) if count else 0.0
        for index, count in enumerate(counts)
    }


def _finisher(
    num_classes: int,
    one_hot: bool,
    label_smoothing: float,
    class_weight: Mapping[int, float] | None,
) -> Callable[..., tuple] | None:
    """Return a function from (images, labels) to the arguments of the loss; None for no change."""
    if not one_hot and class_weight is None:
        return None
    weights = None
    if class_weight is not None:
        weights = np.array([class_weight[k] for k in range(num_classes)], dtype="float32")

    def finish(images: tf.Tensor, labels: tf.Tensor) -> tuple:
        if one_hot and (labels.shape.rank == 1 or labels.shape[1] == 1):
            labels = tf.one_hot(tf.reshape(labels, [-1]), num_classes)
        sample_weight = None
        if weights is not None:
            if labels.shape.rank == 2 and labels.shape[1] != 1:
                sample_weight = tf.linalg.matvec(tf.cast(labels, tf.float32), weights)
            else:
                sample_weight = tf.gather(weights, tf.cast(tf.reshape(labels, [-1]), tf.int32))
        if label_smoothing:
            labels = labels * (1 - label_smoothing) + label_smoothing / num_classes
        return (images, labels) if sample_weight is None else (images, labels, sample_weight)

    return finish
