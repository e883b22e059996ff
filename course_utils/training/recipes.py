"""The recipes that lesson 04 arrives at, for the drawn flowers and for photographs.

Both were chosen on validation data; the test splits were not looked at.
"""

from __future__ import annotations

import math
import time
from typing import Any

import keras

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

# Of the time that is given, this share is planned for, since epochs differ in length.
_PLANNED = 0.92

# One of so many pictures is enough to measure how long an epoch takes.
_PART = 6


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
        Wall-clock time for everything, loading included. A part of the pictures is timed first,
        which decides how many epochs are trained. None trains `FLOWERS_EPOCHS`.
    seed : int, optional
        Decides the first weights and the order; COURSE_SEED or 42 by default.
    verbose : int
        0 shows nothing.

    Returns
    -------
    model : keras.Model
    history : History

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

    def build() -> keras.Model:
        keras.utils.set_random_seed(seed)
        with strategy().scope():
            return models.deep_cnn(data.input_shape, data.num_classes)

    epochs = FLOWERS_EPOCHS
    if seconds is not None:
        preparation, epoch = _measure(build(), data, seed)
        left = _PLANNED * seconds - (time.monotonic() - began) - preparation
        epochs = max(1, int(left / epoch))
    model = build()
    history = fit(model, data, epochs, seed=seed, verbose=verbose, **flowers_recipe())
    return model, history


def _measure(model: keras.Model, data: Any, seed: int) -> tuple[float, float]:
    """Time a training on a part of the pictures: seconds of preparation, and of a whole epoch."""
    some = {
        split: max(1, len(data.ids(split)) // (data.num_classes * _PART))
        for split in ("train", "validation")
    }
    part = data.subset(per_class=some)
    clock = _Clock()
    fit(model, part, 3, seed=seed, verbose=0, callbacks=[clock], **flowers_recipe())
    first, second, third = clock.epochs
    short = min(second, third)
    return max(first - short, 0.0), short * len(data.ids("train")) / len(part.ids("train"))


class _Clock(keras.callbacks.Callback):
    """Measures the seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[float] = []
        self._last = 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._last = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        now = time.monotonic()
        self.epochs.append(now - self._last)
        self._last = now
