"""Learning-rate schedules: how the step size changes while a network is trained.

First met in lesson 04, which draws them and writes them out in Keras. A schedule takes effect in
one of three places:

- "cosine", "step" and a warm-up: in the optimizer. :func:`compile_model` in ``fitting.py`` gives it
  what :func:`make_schedule` returns as its learning rate.
- "plateau": in callbacks that :func:`fit` in ``fitting.py`` adds, since it depends on the
  validation loss: Keras's ``ReduceLROnPlateau``, and ``WarmUpSteps`` of ``_callbacks.py`` where
  there is a warm-up.
- A training of limited time: in the callback ``_TrainingClock`` of ``recipes.py``, which sets the
  learning rate by the time that has passed.

``RecordHistory`` in ``_callbacks.py`` writes the learning rate of each epoch into the history.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.validate import number_between

#: After these shares of the training the schedule "step" divides the learning rate by ten.
STEPS_AT = (0.5, 0.75)
STEP_FACTOR = 0.1

SCHEDULES = ("cosine", "step", "plateau")


@keras.saving.register_keras_serializable(package="course_utils")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Raise the learning rate in equal steps from near zero, then hand over to a schedule.

    Parameters
    ----------
    after : float or keras.optimizers.schedules.LearningRateSchedule
        The constant rate or the schedule after the warm-up; a schedule counts its steps from the
        end of the warm-up.
    steps : int
        Number of batches of the warm-up; in batch i (from 0) the rate is (i + 1) / steps of the
        first rate of `after`.

    References
    ----------
    Goyal et al. (2017), "Accurate, Large Minibatch SGD", section 2.2.
    """

    def __init__(self, after: Any, steps: int):
        super().__init__()
        self.after = after
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate for the batch number `step`, counted from 0."""
        ops = keras.ops
        step = ops.cast(step, "float32")
        if callable(self.after):
            first = self.after(ops.cast(0, "float32"))
            later = self.after(ops.maximum(step - self.steps, 0.0))
        else:
            first = later = ops.cast(self.after, "float32")
        return ops.where(step < self.steps, first * (step + 1) / max(self.steps, 1), later)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the schedule."""
        after = self.after
        if isinstance(after, keras.optimizers.schedules.LearningRateSchedule):
            after = keras.saving.serialize_keras_object(after)
        return {"after": after, "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        """Build the schedule from the arguments that :meth:`get_config` returned."""
        after = config["after"]
        if isinstance(after, dict):
            after = keras.saving.deserialize_keras_object(after)
        return cls(after, config["steps"])


def make_schedule(
    name: str | None,
    learning_rate: float,
    epochs: int,
    steps_per_epoch: int,
    warmup_epochs: float = 0,
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return a learning-rate schedule, for the argument ``learning_rate`` of an optimizer.

    Parameters
    ----------
    name : {"cosine", "step", "plateau", None}
        "cosine" falls along half a cosine wave to zero (Loshchilov and Hutter, 2017, "SGDR",
        equation 5 with one cycle); "step" divides the rate by ten after half and after three
        quarters of the epochs that follow the warm-up; "plateau" and None stay constant here
        ("plateau" is lowered during training, by a callback).
    learning_rate : float
        The highest learning rate.
    epochs : int
        Number of epochs of the whole training.
    steps_per_epoch : int
        Number of batches in an epoch.
    warmup_epochs : float
        Number of epochs in which the rate rises to `learning_rate`, at most half of `epochs`.

    Returns
    -------
    float or keras.optimizers.schedules.LearningRateSchedule

    Raises
    ------
    InvalidInput
        If the name is unknown or a number cannot be used.
    """
    if name is not None and name not in SCHEDULES:
        raise InvalidInput(
            f"There is no schedule {name!r}; take one of {', '.join(map(repr, SCHEDULES))}, or "
            f"None for a constant learning rate."
        )
    warmup = warmup_steps(warmup_epochs, epochs, steps_per_epoch)
    rest = max(epochs * steps_per_epoch - warmup, 1)
    schedules = keras.optimizers.schedules
    after: Any = float(learning_rate)
    if name == "cosine":
        after = schedules.CosineDecay(learning_rate, decay_steps=rest)
    elif name == "step":
        after = schedules.PiecewiseConstantDecay(
            [max(round(share * rest) - 1, 0) for share in STEPS_AT],
            [learning_rate * STEP_FACTOR**i for i in range(len(STEPS_AT) + 1)],
        )
    return WarmUp(after, warmup) if warmup else after


def warmup_steps(warmup_epochs: float, epochs: int, steps_per_epoch: int) -> int:
    """Return the number of batches of a warm-up; the arguments are those of `make_schedule`."""
    warmup_epochs = number_between("warmup_epochs", warmup_epochs, 0, float("inf"), 2)
    return round(min(warmup_epochs, epochs / 2) * steps_per_epoch)


def learning_rates(
    name: str | None,
    learning_rate: float = 1e-3,
    epochs: int = 10,
    steps_per_epoch: int = 100,
    warmup_epochs: float = 0,
) -> np.ndarray:
    """Return the learning rate of every batch, for instance to draw it.

    Parameters
    ----------
    name, learning_rate, epochs, steps_per_epoch, warmup_epochs
        As for :func:`make_schedule`. "plateau" depends on the training itself and is constant
        here.

    Returns
    -------
    numpy.ndarray
        float32 of shape (epochs * steps_per_epoch,).
    """
    schedule = make_schedule(name, learning_rate, epochs, steps_per_epoch, warmup_epochs)
    steps = np.arange(epochs * steps_per_epoch)
    if not callable(schedule):
        return np.full(len(steps), schedule, dtype="float32")
    return np.array([float(schedule(int(step))) for step in steps], dtype="float32")
