"""The training settings for photographs of flowers.

They were chosen on validation data; the test split was not used.
"""

from __future__ import annotations

import math
import time
from typing import Any

import keras
import tensorflow as tf

from course_utils import augmentation, models, settings
from course_utils.training.device import strategy
from course_utils.training.fitting import fit
from course_utils.training.history import History
from course_utils.validate import number_between

#: Side of the photographs and number of epochs of :func:`flowers_run`.
FLOWERS_SIZE = 72
FLOWERS_EPOCHS = 20

#: Side of the small photographs on which a training of limited time begins, and the share of the
#: time for them: a step takes less than half as long, and the filters suit larger images, too.
FLOWERS_FIRST_SIZE = 48
SMALL_IMAGE_SHARE = 0.5

#: The share of the training time in which the learning rate rises.
WARM_UP_SHARE = 0.1

#: Epochs of a training that a time limit ends.
MAX_EPOCHS = 100_000


def flowers_recipe() -> dict[str, Any]:
    """Return the arguments of :func:`fit` for ``models.deep_cnn`` on photographs.

    Random crops of at least 70 % of the side, flips, warm-up and cosine, Adam with 0.004.
    """
    return {
        "learning_rate": 4e-3,
        "schedule": "cosine",
        "warmup_epochs": 2,
        "augment": augmentation.geometric(rotation=0, zoom=0, translation=0, crop=0.7),
    }


def flowers_run(
    seconds: float | None = None, seed: int | None = None, verbose: int = 0
) -> tuple[keras.Model, History]:
    """Train ``models.deep_cnn`` on the photographs of tf_flowers, in a given time.

    No stored model is used, so that the training can be timed.

    Parameters
    ----------
    seconds : float, optional
        Time for the training steps, from the end of the first step on. Loading, start-up
        (TensorFlow traces the training step of each image size in its first call) and the last
        evaluation are not included; on a GPU start-up can take longer than the training. The
        learning rate follows this time, and training stops at its end, so the same seed gives
        another model on another machine. None trains `FLOWERS_EPOCHS`.
    seed : int, optional
        Seed of the initial weights and the order; COURSE_SEED or 42 by default.
    verbose : int
        0 shows nothing.

    Returns
    -------
    model : keras.Model
    history : History
        Its last ``val_accuracy`` is that of the model; with a time limit it is the only one.

    Raises
    ------
    InvalidInput
        If `seconds` is not a number above 0.
    MissingData
        If tf_flowers is not on this machine.
    """
    from course_utils import datasets

    if seconds is not None:
        seconds = number_between("seconds", seconds, 0, math.inf, 60, open_low=True)
    seed = settings.seed() if seed is None else seed
    data = datasets.load("tf_flowers", image_size=FLOWERS_SIZE)
    if seconds is not None:
        return timed_run(data, seconds, seed, verbose)
    model = _network(data.input_shape, data.num_classes, seed)
    return model, fit(model, data, FLOWERS_EPOCHS, seed=seed, verbose=verbose, **flowers_recipe())


def timed_run(
    data: Any, seconds: float, seed: int, verbose: int = 0
) -> tuple[keras.Model, History]:
    """Train ``models.deep_cnn`` with :func:`flowers_recipe` for a given training time.

    Parameters
    ----------
    data : ImageDataset
        Photographs; the first part of the time is spent on smaller copies of them.
    seconds : float
        Training time, as in :func:`flowers_run`.
    seed : int
        Seed of the initial weights and the order.
    verbose : int
        0 shows nothing.

    Returns
    -------
    model : keras.Model
    history : History
        Its last ``val_accuracy`` is that of the model; it is the only one.
    """
    recipe = flowers_recipe()
    clock = _TrainingClock(seconds, recipe["learning_rate"])

    def train(model: keras.Model, images: Any, until: float) -> History:
        clock.until = until
        return fit(
            model,
            images,
            MAX_EPOCHS,
            learning_rate=recipe["learning_rate"],
            augment=recipe["augment"],
            callbacks=[clock],
            validate=False,
            seed=seed,
            verbose=verbose,
        )

    small = _network((FLOWERS_FIRST_SIZE, FLOWERS_FIRST_SIZE, 3), data.num_classes, seed)
    first = train(small, (_smaller(data.shuffled(seed)), None), SMALL_IMAGE_SHARE)
    model = _network(data.input_shape, data.num_classes, seed)
    model.set_weights(small.get_weights())
    history = train(model, data, 1.0)
    for name, values in first.history.items():
        history.history[name] = values + history.history[name]
    history.seconds += first.seconds
    metrics = model.evaluate(data.validation, return_dict=True, verbose=0)
    for name, value in metrics.items():
        history.history[f"val_{name}"] = [math.nan] * (len(history.epoch) - 1) + [value]
    return model, history


def _network(shape: tuple[int, int, int], num_classes: int, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    with strategy().scope():
        return models.deep_cnn(shape, num_classes)


def _smaller(batches: tf.data.Dataset) -> tf.data.Dataset:
    size = (FLOWERS_FIRST_SIZE, FLOWERS_FIRST_SIZE)
    return batches.map(
        lambda images, labels: (tf.image.resize(images, size, antialias=True), labels),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


class _TrainingClock(keras.callbacks.Callback):
    """Set the learning rate by training time, not by batches: warm-up, then half a cosine wave.

    The time runs from the end of the first step of a training to the end of its last step, so
    loading, tracing and compiling do not count; two trainings may share it. The last step is the
    one after which the time is over, if it takes as long as the step before.

    Parameters
    ----------
    seconds : float
        The training time.
    learning_rate : float
        The highest learning rate.

    Attributes
    ----------
    until : float
        The share of the time after which training stops.
    elapsed : float
        Seconds of training time so far.
    """

    def __init__(self, seconds: float, learning_rate: float):
        super().__init__()
        self.until = 1.0
        self.elapsed = 0.0
        self._seconds = seconds
        self._rate = learning_rate
        self._steps = 0
        self._last = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._steps = 0

    # Not on_train_batch_end: Keras waits for the device at each end of a batch where a callback
    # listens to it.
    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        step = self._count() if self._steps > 1 else 0.0
        if self._steps == 1:
            float(self.model.get_metrics_result()["loss"])  # waits for the device's first step
            self._last = time.monotonic()
        self._steps += 1
        self.model.optimizer.learning_rate = self._rate * cosine_factor(
            self.elapsed / self._seconds
        )
        if self.elapsed + step >= self.until * self._seconds:
            self.model.stop_training = True  # after this step

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._steps > 1:
            self._count()

    def _count(self) -> float:
        """Add the time since the last call to `elapsed`, and return it."""
        now = time.monotonic()
        spent, self._last = now - self._last, now
        self.elapsed += spent
        return spent


def cosine_factor(share: float) -> float:
    """Return the learning rate as a share of its maximum, after `share` of the training time."""
    if share < WARM_UP_SHARE:
        return max(share / WARM_UP_SHARE, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min((share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE), 1)))
