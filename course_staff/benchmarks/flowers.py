"""Training on the photographs of tf_flowers, against a common beginner's recipe.

The recipe ("the source" below): three convolutions of 16, 32 and 64 filters, each with 2×2 max
pooling, then 128 dense units; images are read and decoded again in every epoch.
"""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import compare_pipelines, in_turn, medians, timed
from course_utils import datasets
from course_utils.exceptions import CourseError

SIDE, BATCH = 128, 32


def _needs_flowers() -> str | None:
    try:
        datasets.image_folder("tf_flowers")
    except CourseError as error:
        return str(error)
    return None


def _split_files(data: Any, split: str) -> tuple[list[str], np.ndarray]:
    folder = datasets.image_folder("tf_flowers")
    return [str(folder / id_) for id_ in data.ids(split)], data.labels(split)


def _decoding(data: Any, split: str, train: bool) -> Any:
    """Return the source's pipeline: read, decode, resize, flip and batch again in each epoch."""
    import tensorflow as tf

    def read(path: Any, label: Any) -> Any:
        return tf.io.decode_jpeg(tf.io.read_file(path), channels=3), label

    def preprocess(image: Any, label: Any) -> Any:
        image = tf.image.resize(image, (SIDE, SIDE))
        return tf.image.random_flip_left_right(image) if train else image, label

    files = tf.data.Dataset.from_tensor_slices(_split_files(data, split))
    if train:
        files = files.shuffle(len(data.ids(split)), seed=0)
    # Decoded in parallel, as by the loaders of Keras and TensorFlow Datasets.
    return files.map(read, num_parallel_calls=tf.data.AUTOTUNE).map(preprocess).batch(BATCH)


def _source_network(num_classes: int) -> Any:
    """Return the source's network, compiled."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Rescaling(1.0 / 255),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(num_classes, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return model


def _epoch_seconds(quick: bool) -> dict[str, Any]:
    """Time an epoch: from our pipeline, from tensors in memory, and from the source's pipeline."""
    import keras
    import tensorflow as tf

    data = datasets.load("tf_flowers", image_size=SIDE, batch_size=BATCH, seed=0)
    images = tf.constant(data.images("train"), tf.float32)
    labels = tf.constant(data.labels("train"))
    in_memory = (
        tf.data.Dataset.range(len(labels))
        .shuffle(len(labels), seed=0)
        .batch(BATCH)
        .map(lambda rows: (tf.gather(images, rows), tf.gather(labels, rows)))
        .prefetch(tf.data.AUTOTUNE)
    )
    keras.utils.set_random_seed(0)
    model = _source_network(data.num_classes)

    def epoch(stream: Any, _: int) -> None:
        model.fit(stream, epochs=1, shuffle=False, verbose=0)

    rounds = 1 if quick else 8
    ways = {"ours": partial(epoch, data.train), "floor": partial(epoch, in_memory)}
    seconds, _ = in_turn(ways, rounds)
    # The source's pipeline is slow and decides nothing, so two rounds are enough.
    source, _ = in_turn({"source": partial(epoch, _decoding(data, "train", True))}, min(rounds, 2))
    ours, floor = medians(seconds)
    return measured(
        ours,
        floor,
        "s",
        "ratio at most 1.15",
        None if quick else ours / floor <= 1.15,
        f"median of {rounds} epochs; the source's own pipeline: {medians(source)[0]:.1f} s",
        seconds=seconds | source,
    )


def _pipeline_rate(quick: bool) -> dict[str, Any]:
    from course_utils import augmentation
    from course_utils.training.pipeline import training_stream

    data = datasets.load("tf_flowers", image_size=SIDE, batch_size=BATCH, seed=0)
    flip = augmentation.geometric(rotation=0, zoom=0, translation=0)
    ours = partial(training_stream, data, seed=0, num_classes=data.num_classes, augment=[flip])
    return compare_pipelines(
        lambda epochs: ours(range(epochs)),
        _decoding(data, "train", True).repeat,
        5,
        quick,
        "what fit() feeds to a model; both flip half of the images, theirs reads and decodes "
        "them again in each epoch",
    )


def _recipe(quick: bool) -> dict[str, Any]:
    """Train by the recipe of lesson 04 for the time that the source takes for 10 epochs.

    The comparison is by wall-clock time. ``flowers_run`` counts training time only. A run with
    almost no training therefore measures loading, start-up and the last evaluation first, and this
    time is subtracted.
    """
    import keras

    from course_utils import training

    data = datasets.load("tf_flowers", image_size=SIDE, batch_size=BATCH, seed=0)
    keras.utils.set_random_seed(0)
    source = _source_network(data.num_classes)
    budget, history = timed(
        lambda: source.fit(
            _decoding(data, "train", True),
            validation_data=_decoding(data, "validation", False),
            epochs=2 if quick else 10,
            shuffle=False,
            verbose=0,
        )
    )
    theirs = history.history["val_accuracy"]
    accuracies, seconds = [], []
    around, _ = timed(partial(training.flowers_run, 0.01, seed=0))
    for seed in range(1 if quick else 3):
        spent, (_, ours) = timed(
            partial(training.flowers_run, max(budget - around, 0.01), seed=seed)
        )
        accuracies.append(ours.final("val_accuracy"))
        seconds.append(spent)
    mean = statistics.fmean(accuracies)
    return measured(
        mean,
        theirs[-1],
        "",
        "at least 0.78 in the same wall-clock time",
        None if quick else mean >= 0.78 and max(seconds) <= 1.05 * budget,
        f"validation accuracy, mean of {len(accuracies)} seeds in {max(seconds):.0f} s at most, of "
        f"which {around:.0f} s for loading and start-up; "
        f"the source: {budget:.0f} s, best epoch {max(theirs):.3f}",
        accuracies=accuracies,
        seconds=seconds,
        budget=budget,
        around=around,
        source=theirs,
    )


ROWS = [
    Row(
        "tf_flowers, one epoch",
        "the source's network at 128 px, batch 32: our pipeline against tensors in memory",
        _epoch_seconds,
        _needs_flowers,
        limit=900,
    ),
    Row(
        "tf_flowers, pipeline alone",
        "images per second, decoded once against decoded in each epoch, equal augmentation",
        _pipeline_rate,
        _needs_flowers,
    ),
    Row(
        "tf_flowers, recipe of lesson 04",
        "validation accuracy in the time that 10 epochs of the source took in the same run",
        _recipe,
        _needs_flowers,
        limit=1200,
    ),
]
