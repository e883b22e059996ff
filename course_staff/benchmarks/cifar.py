"""CIFAR-10 enlarged to 128×128: streamed, against an array of all enlarged images."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
from course_utils import datasets
from course_utils.exceptions import CourseError
from course_utils.workspace.notebook_runner import ResourceMeter

SIDE, BATCH = 128, 32


def _needs_cifar() -> str | None:
    table = datasets.available().reset_index()
    row = table[table["name"] == "cifar10"].iloc[0]
    return None if row["here"] else "CIFAR-10 is not here; get it with 'course data get cifar10'"


def _memory(quick: bool) -> dict[str, Any]:
    import keras

    from course_utils import models, training

    memory = ResourceMeter(os.getpid())
    try:
        data = datasets.load("cifar10", image_size=SIDE, batch_size=BATCH, seed=0)
    except CourseError as error:
        raise SystemExit(str(error)) from error
    model = training.compile_model(models.small_cnn(data.input_shape, data.num_classes))
    keras.utils.set_random_seed(0)
    model.fit(data.train.take(20 if quick else 100), shuffle=False, verbose=0)
    memory.look()
    peak = memory.stop() / 1e9
    images = len(data.ids("train")) + len(data.ids("validation"))
    return measured(
        peak,
        images * SIDE * SIDE * 3 * 4 / 1e9,
        "GB",
        "at most 2.0 GB",
        peak <= 2.0,
        "peak of the whole process over 100 training steps; theirs: the enlarged training images "
        "alone, computed",
    )


def _same_loss(quick: bool) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    from course_utils import models, training

    number = 320 if quick else 2000
    data = datasets.load("cifar10", image_size=SIDE, batch_size=BATCH, seed=0)
    small = datasets.load("cifar10", image_size=32, batch_size=BATCH, seed=0)
    native, labels = small.images("train")[:number], data.labels("train")[:number]
    enlarged = np.concatenate(
        [
            tf.image.resize(native[start : start + 500].astype(np.float32), (SIDE, SIDE)).numpy()
            for start in range(0, number, 500)
        ]
    )
    streamed = data.ordered("train").unbatch().take(number).batch(BATCH)
    losses = []
    for source in (streamed, tf.data.Dataset.from_tensor_slices((enlarged, labels)).batch(BATCH)):
        keras.utils.set_random_seed(0)
        model = training.compile_model(models.small_cnn(data.input_shape, data.num_classes))
        losses.append(model.fit(source, epochs=1, shuffle=False, verbose=0).history["loss"][0])
    difference = abs(losses[0] - losses[1])
    return measured(
        losses[0],
        losses[1],
        "",
        "differ by at most 1e-4",
        difference <= 1e-4,
        f"training loss of {number} images in the same order; difference {difference:.1e}",
    )


ROWS = [
    Row(
        "CIFAR-10 at 128 px, memory",
        "peak memory of training on streamed images, against the array of enlarged ones",
        _memory,
        _needs_cifar,
    ),
    Row(
        "CIFAR-10 at 128 px, loss",
        "the same images in the same order, streamed and from the array",
        _same_loss,
        _needs_cifar,
    ),
]
