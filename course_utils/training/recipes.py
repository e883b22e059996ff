"""The recipes that lesson 04 arrives at, for the drawn flowers and for photographs.

Both were chosen on validation data; the test splits were not looked at.
"""

from __future__ import annotations

import math
import time
from typing import Any

import keras
import tensorflow as tf

from course_utils import augmentation, models, settings
from course_utils.exceptions import InvalidInput
from course_utils.training.device import strategy
from course_utils.training.fit import fit
from course_utils.training.history import History
from course_utils.training.store import fit_or_load

#: Number of epochs of :func:`lesson_model`.
LESSON_EPOCHS = 25

#: Side of the photographs and number of epochs of :func:`flowers_run`.
FLOWERS_SIZE = 72
FLOWERS_EPOCHS = 20

#: In a given time, half of it is spent on smaller pictures first: they take less than half as long,
#: and what the filters learn from them holds for larger ones.
FLOWERS_FIRST_SIZE = 48
_FIRST = 0.5

# This share of the training warms up.
_WARM_UP = 0.1

# More epochs than any time is enough for.
_ENDLESS = 100_000


def lesson_recipe() -> dict[str, Any]:
    """Return the arguments of :func:`fit` that lesson 04 arrives at, without the epochs.

    Returns
    -------
    dict
    """
    return {
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "patience": 6,
        "augment": augmentation.geometric(),
    }


def lesson_model(dataset: Any, verbose: int = 1) -> tuple[keras.Model, History]:
    """Return the model that lessons 05 to 07 look at: trained once, then loaded.

    It is ``models.small_cnn`` with :func:`lesson_recipe`. Born in lesson 04.

    Parameters
    ----------
    dataset : ImageDataset
        The data.
    verbose : int
        0 shows nothing.

    Returns
    -------
    model : keras.Model
    history : History
    """
    return fit_or_load(
        lambda: models.small_cnn(dataset.input_shape, dataset.num_classes),
        dataset,
        settings.epochs(LESSON_EPOCHS),
        name="lesson model",
        verbose=verbose,
        **lesson_recipe(),
    )


def flowers_recipe() -> dict[str, Any]:
    """Return the arguments of :func:`fit` for ``models.deep_cnn`` on photographs.

    A window of at least 70 % of the side at a random place, flips, warm-up and cosine, Adam with
    0.004.

    Returns
    -------
    dict
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

    Nothing is stored, so that it can be timed.

    Parameters
    ----------
    seconds : float, optional
        Training time: that of the training steps, from the end of the first step on. Loading,
        start-up (TensorFlow builds the training step of each picture size in its first call) and
        the last measurement come on top; on a GPU start-up can take longer than the training. The
        learning rate follows this time, and training stops when it is over, so the same seed gives
        another model on another machine. None trains `FLOWERS_EPOCHS`.
    seed : int, optional
        Decides the first weights and the order; COURSE_SEED or 42 by default.
    verbose : int
        0 shows nothing.

    Returns
    -------
    model : keras.Model
    history : History
        Its last ``val_accuracy`` is that of the model; in a given time there is no other one.

    Raises
    ------
    InvalidInput
        If `seconds` is not a number above 0.
    MissingData
        If tf_flowers is not on this machine.
    """
    from course_utils import datasets

    if seconds is not None and not (isinstance(seconds, int | float) and 0 < seconds < math.inf):
        raise InvalidInput(f"seconds must be a number above 0, or None, but it is {seconds!r}.")
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
        Photographs; the first part of the time is spent on smaller ones.
    seconds : float
        Training time, as in :func:`flowers_run`.
    seed : int
        Decides the first weights and the order.
    verbose : int
        0 shows nothing.

    Returns
    -------
    model : keras.Model
    history : History
        Its last ``val_accuracy`` is that of the model; there is no other one.
    """
    recipe = flowers_recipe()
    clock = _TrainingClock(seconds, recipe["learning_rate"])

    def train(model: keras.Model, pictures: Any, until: float) -> History:
        clock.until = until
        return fit(
            model,
            pictures,
            _ENDLESS,
            learning_rate=recipe["learning_rate"],
            augment=recipe["augment"],
            callbacks=[clock],
            validate=False,
            seed=seed,
            verbose=verbose,
        )

    small = _network((FLOWERS_FIRST_SIZE, FLOWERS_FIRST_SIZE, 3), data.num_classes, seed)
    first = train(small, (_smaller(data.shuffled(seed)), None), _FIRST)
    model = _network(data.input_shape, data.num_classes, seed)
    model.set_weights(small.get_weights())
    history = train(model, data, 1.0)
    for name, values in first.history.items():
        history.history[name] = values + history.history[name]
    history.seconds += first.seconds
    found = model.evaluate(data.validation, return_dict=True, verbose=0)
    for name, value in found.items():
        before = [math.nan] * (len(history.epoch) - 1)
        history.history[f"val_{name}"] = [*before, value]
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
    """Warm-up and half a cosine wave over training time, not over batches.

    The clock runs from the end of the first step of a training to its end, and stands still between
    two trainings: what is loaded, traced or compiled before does not count. The step at whose end
    the time will be over, judged by the step before it, is the last one.

    Parameters
    ----------
    seconds : float
        How long the training time is.
    learning_rate : float
        The highest learning rate.

    Attributes
    ----------
    until : float
        Training stops when this share of the time is over.
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

    # The begin and not the end of a batch, since Keras waits for the device at each end where a
    # callback listens to it.
    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        step = self._count() if self._steps > 1 else 0.0
        if self._steps == 1:
            float(self.model.get_metrics_result()["loss"])  # waits for the device's first step
            self._last = time.monotonic()
        self._steps += 1
        self.model.optimizer.learning_rate = self._rate * by_the_clock(self.elapsed / self._seconds)
        if self.elapsed + step >= self.until * self._seconds:
            self.model.stop_training = True  # after this step

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._steps > 1:
            self._count()

    def _count(self) -> float:
        """Add the time since it was counted last, and return it."""
        now = time.monotonic()
        spent, self._last = now - self._last, now
        self.elapsed += spent
        return spent


def by_the_clock(share: float) -> float:
    """Return the share of the highest learning rate, when `share` of the time is over."""
    if share < _WARM_UP:
        return max(share / _WARM_UP, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min((share - _WARM_UP) / (1 - _WARM_UP), 1)))
