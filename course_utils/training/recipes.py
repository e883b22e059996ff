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

# Of the time that is given, this share is trained; the rest is for the last measurement.
_TRAINED = 0.97

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
        Wall-clock time for everything, loading included: the learning rate follows the clock, and
        training stops when the time is over. So the same seed gives another model on another
        machine. None trains `FLOWERS_EPOCHS`.
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
    began = time.monotonic()
    seed = settings.seed() if seed is None else seed
    data = datasets.load("tf_flowers", image_size=FLOWERS_SIZE)
    recipe = flowers_recipe()
    if seconds is None:
        model = _network(data.input_shape, data.num_classes, seed)
        return model, fit(model, data, FLOWERS_EPOCHS, seed=seed, verbose=verbose, **recipe)

    clock = _Clock(began, _TRAINED * seconds, recipe["learning_rate"])

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


class _Clock(keras.callbacks.Callback):
    """Warm-up and half a cosine wave over seconds, not over batches.

    Parameters
    ----------
    began : float
        When the time began, by ``time.monotonic()``.
    seconds : float
        How long it is.
    learning_rate : float
        The highest learning rate.

    Attributes
    ----------
    until : float
        Training stops when this share of the time is over.
    """

    def __init__(self, began: float, seconds: float, learning_rate: float):
        super().__init__()
        self.until = 1.0
        self._began = began
        self._seconds = seconds
        self._rate = learning_rate

    def _share(self) -> float:
        return (time.monotonic() - self._began) / self._seconds

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self.model.optimizer.learning_rate = self._rate * by_the_clock(self._share())

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._share() >= self.until:
            self.model.stop_training = True


def by_the_clock(share: float) -> float:
    """Return the share of the highest learning rate, when `share` of the time is over."""
    if share < _WARM_UP:
        return max(share / _WARM_UP, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min((share - _WARM_UP) / (1 - _WARM_UP), 1)))
