"""Training on the photographs of tf_flowers, against the ways of the course's source documents.

The network and the pipelines of "source 002" are written anew from their description: three
convolutions of 16, 32 and 64 filters, each with 2×2 max pooling, then 128 dense units; pictures
read and decoded again in every epoch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
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
    """The pipeline of source 002: read, decode, resize, flip and batch again in each epoch."""
    import tensorflow as tf

    def read(path: Any, label: Any) -> Any:
        return tf.io.decode_jpeg(tf.io.read_file(path), channels=3), label

    def preprocess(image: Any, label: Any) -> Any:
        image = tf.image.resize(image, (SIDE, SIDE))
        return tf.image.random_flip_left_right(image) if train else image, label

    files = tf.data.Dataset.from_tensor_slices(_split_files(data, split))
    if train:
        files = files.shuffle(len(data.ids(split)), seed=0)
    # Loaders of Keras and TensorFlow Datasets decode in parallel; its own map did not.
    return files.map(read, num_parallel_calls=tf.data.AUTOTUNE).map(preprocess).batch(BATCH)


def _source_network(num_classes: int) -> Any:
    """The network of source 002, compiled as it is there."""
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
    """Seconds of an epoch: ours, from tensors in memory, and the source's; turn by turn."""
    import keras
    import tensorflow as tf

    data = datasets.load("tf_flowers", image_size=SIDE, batch_size=BATCH, seed=0)
    images = tf.constant(data.images("train"), tf.float32)
    labels = tf.constant(data.labels("train"))
    floor = (
        tf.data.Dataset.range(len(labels))
        .shuffle(len(labels), seed=0)
        .batch(BATCH)
        .map(lambda rows: (tf.gather(images, rows), tf.gather(labels, rows)))
        .prefetch(tf.data.AUTOTUNE)
    )
    ways = {"ours": data.train, "floor": floor, "source": _decoding(data, "train", True)}
    keras.utils.set_random_seed(0)
    model = _source_network(data.num_classes)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    epochs = 2 if quick else 9
    for epoch in range(epochs):
        # The order changes from round to round, so that no way always comes after the same one. The
        # source's way is slow, and no bound hangs on it: a few rounds are enough.
        for name in np.roll(list(ways), epoch):
            if name == "source" and epoch > 2:
                continue
            began = time.perf_counter()
            model.fit(ways[name], epochs=1, shuffle=False, verbose=0)
            seconds[name].append(time.perf_counter() - began)
    median = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    ratio = median["ours"] / median["floor"]
    return measured(
        median["ours"],
        median["floor"],
        "s",
        "ratio at most 1.15",
        None if quick else ratio <= 1.15,
        f"median of {epochs - 1} epochs; the source's own pipeline: {median['source']:.1f} s",
        seconds=seconds,
    )


def _rate(batches: Callable[[int], Any], passes: int) -> float:
    """Pictures per second of a pipeline alone; a first pass, which fills caches, is not counted.

    `batches` gives the pictures of so many epochs.
    """
    for _ in batches(1):
        pass
    began, count = time.perf_counter(), 0
    for _, labels in batches(passes):
        count += len(labels)
    return count / (time.perf_counter() - began)


def _pipeline_rate(quick: bool) -> dict[str, Any]:
    from course_utils import augmentation
    from course_utils.training.pipeline import training_stream

    data = datasets.load("tf_flowers", image_size=SIDE, batch_size=BATCH, seed=0)
    flip = augmentation.geometric(rotation=0, zoom=0, translation=0)
    ours = partial(training_stream, data, seed=0, num_classes=data.num_classes, augment=[flip])
    theirs = _decoding(data, "train", True)
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(1 if quick else 3):  # turn by turn: a machine's speed changes
        rates["ours"].append(_rate(lambda epochs: ours(range(epochs)), 3))
        rates["theirs"].append(_rate(theirs.repeat, 1))
    fast, slow = (statistics.median(values) for values in rates.values())
    return measured(
        fast,
        slow,
        "images/s",
        "ratio at least 5",
        fast / slow >= 5,
        "what fit() feeds to a model; both flip half of the pictures, theirs reads and decodes "
        "them again in each epoch",
        rates=rates,
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _recipe(quick: bool) -> dict[str, Any]:
    """The recipe of lesson 04 in the time that source 002 took for its 10 epochs.

    The comparison is by wall-clock time. ``flowers_run`` counts training time only, so it gets what
    is left of the source's time after loading, start-up and the last measurement, which a run of
    hardly any training measures first.
    """
    import keras

    from course_utils import training

    data = datasets.load("tf_flowers", image_size=SIDE, batch_size=BATCH, seed=0)
    keras.utils.set_random_seed(0)
    source = _source_network(data.num_classes)
    budget, history = _timed(
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
    around, _ = _timed(partial(training.flowers_run, 0.01, seed=0))
    for seed in range(1 if quick else 3):
        spent, (_, ours) = _timed(
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
        f"source 002: {budget:.0f} s, best epoch {max(theirs):.3f}",
        accuracies=accuracies,
        seconds=seconds,
        budget=budget,
        around=around,
        source=theirs,
    )


ROWS = [
    Row(
        "tf_flowers, one epoch",
        "the network of source 002 at 128 px, batch 32: our pipeline against tensors in memory",
        _epoch_seconds,
        _needs_flowers,
        limit=900,
    ),
    Row(
        "tf_flowers, pipeline alone",
        "pictures per second, decoded once against decoded in each epoch, equal augmentation",
        _pipeline_rate,
        _needs_flowers,
    ),
    Row(
        "tf_flowers, recipe of lesson 04",
        "validation accuracy in the time that source 002's 10 epochs took in the same run",
        _recipe,
        _needs_flowers,
        limit=1200,
    ),
]
