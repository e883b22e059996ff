"""The Keras callbacks that :func:`course_utils.training.fit` adds, one task each.

:class:`WarmUpSteps` belongs to the schedule "plateau" and comes before Keras's
``ReduceLROnPlateau``. All others come after early stopping, the schedule and the callbacks of the
caller, so that they see what those have decided. None listens to the end of a batch: Keras waits
for the device at each end of a batch where a callback does.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import keras
from tqdm import tqdm

from course_utils.training.checkpoint import RunFolder, State, restore_callbacks
from course_utils.training.history import History


class _KnowsEpoch(keras.callbacks.Callback):
    """A callback that knows the current epoch, counted from 0, in all of its methods."""

    _epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch


class WarmUpSteps(_KnowsEpoch):
    """Raise the learning rate during the first batches, for an optimizer without a schedule.

    Parameters
    ----------
    learning_rate : float
        The learning rate after the warm-up.
    warmup : int
        Number of batches of the warm-up.
    steps : int
        Number of batches in an epoch.
    """

    def __init__(self, learning_rate: float, warmup: int, steps: int):
        super().__init__()
        self._rate = learning_rate
        self._warmup = warmup
        self._steps = steps

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        done = self._epoch * self._steps + batch
        if done < self._warmup:
            self.model.optimizer.learning_rate = self._rate * (done + 1) / self._warmup


class RecordHistory(keras.callbacks.Callback):
    """Write the loss, the metrics and the learning rate of each epoch into a history.

    Parameters
    ----------
    history : History
        The history, with the epochs before an interruption.
    watched : sequence of keras.callbacks.Callback
        The other callbacks; early stopping among them tells the best epoch.
    """

    def __init__(self, history: History, watched: Sequence[keras.callbacks.Callback]):
        super().__init__()
        self._history = history
        self._watched = watched
        self._began = time.monotonic() - history.seconds

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        values = dict(logs or {})
        values["learning_rate"] = values.pop("learning_rate", _last_rate(self.model.optimizer))
        for name, value in values.items():
            self._history.history.setdefault(name, []).append(float(value))
        self.stop_clock()

    def on_train_end(self, logs: dict | None = None) -> None:
        for callback in self._watched:
            if isinstance(callback, keras.callbacks.EarlyStopping):
                if callback.restore_best_weights and callback.best_weights is not None:
                    self._history.best_epoch = int(callback.best_epoch)
                self._history.stopped_early |= callback.stopped_epoch > 0

    def stop_clock(self) -> None:
        """Write the duration of the training so far into the history."""
        self._history.seconds = time.monotonic() - self._began


class ShowProgress(_KnowsEpoch):
    """Move a progress bar, and show the loss and the accuracy beside it.

    Metrics are read only when the bar is drawn, since reading them waits for the device.

    Parameters
    ----------
    bar : tqdm
        A bar that counts batches; it goes on from where it is.
    steps, epochs : int
        Number of batches in an epoch, and number of epochs.
    history : History
        The history, for the last validation accuracy.
    """

    def __init__(self, bar: tqdm, steps: int, epochs: int, history: History):
        super().__init__()
        self._bar = bar
        self._first = bar.n
        self._steps = steps
        self._epochs = epochs
        self._history = history

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self._is_due(batch):
            self._show(batch, self.model.get_metrics_result() if batch else {})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not self._bar.disable:
            self._show(self._steps, logs or {})

    def _is_due(self, batch: int) -> bool:
        bar = self._bar
        return not bar.disable and (
            self._done(batch) - bar.last_print_n >= bar.miniters
            and time.time() - bar.last_print_t >= bar.mininterval
        )

    def _done(self, batch: int) -> int:
        return self._first + self._epoch * self._steps + batch

    def _show(self, batch: int, metrics: dict[str, Any]) -> None:
        parts = [f"epoch {self._epoch + 1}/{self._epochs}", f"batch {batch}/{self._steps}"]
        if "loss" in metrics:
            parts.append(f"loss {float(metrics['loss']):.3f}")
        if "accuracy" in metrics:
            parts.append(f"accuracy {float(metrics['accuracy']):.1%}")
        if self._history.history.get("val_accuracy"):
            parts.append(f"validation {self._history.history['val_accuracy'][-1]:.1%}")
        self._bar.set_postfix_str(" · ".join(parts), refresh=False)
        self._bar.update(self._done(batch) - self._bar.n)


class StopWhenNotFinite(_KnowsEpoch):
    """Stop the training when the loss becomes NaN or infinite.

    Keras's ``TerminateOnNaN`` looks at the end of each batch, and so waits for the device there.
    This callback looks once a second and at the end of each epoch: the loss is a mean over the
    epoch so far, so a NaN stays in it.

    Parameters
    ----------
    steps : int
        Number of batches in an epoch.

    Attributes
    ----------
    found_at : tuple of two int, or None
        The epoch, counted from 1, and the number of its batches when it was found.
    """

    def __init__(self, steps: int):
        super().__init__()
        self.found_at: tuple[int, int] | None = None
        self._steps = steps
        self._last = time.monotonic()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if batch and time.monotonic() - self._last >= 1.0:
            self._last = time.monotonic()
            self._check(self.model.get_metrics_result(), batch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._check(logs or {}, self._steps)

    def _check(self, metrics: dict[str, Any], batch: int) -> None:
        if self.found_at is None and not math.isfinite(float(metrics.get("loss", 0.0))):
            self.found_at = (self._epoch + 1, batch)
            self.model.stop_training = True


class SaveState(keras.callbacks.Callback):
    """Keep the state of the training in a folder after each epoch with a finite loss.

    Parameters
    ----------
    run : RunFolder
        The folder.
    history : History
        The history; :class:`RecordHistory` adds the epoch before this callback keeps it.
    watched : sequence of keras.callbacks.Callback
        The callbacks whose counters are kept.
    state : State or None
        The state to go on from.
    """

    def __init__(
        self,
        run: RunFolder,
        history: History,
        watched: Sequence[keras.callbacks.Callback],
        state: State | None,
    ):
        super().__init__()
        self._run = run
        self._history = history
        self._watched = watched
        self._state = state

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self._state is not None:  # the other callbacks have just reset their counters
            restore_callbacks(self._watched, self._state)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if math.isfinite((logs or {}).get("loss", 0.0)):
            self._run.save(self.model, self._history, self._watched)


def end_stopped_training(
    model: keras.Model,
    watched: Sequence[keras.callbacks.Callback],
    record: RecordHistory,
    state: State,
) -> None:
    """Put the best weights back after a training that was killed before early stopping could.

    Parameters
    ----------
    model : keras.Model
        The model, with the weights of the last epoch.
    watched : sequence of keras.callbacks.Callback
        The callbacks of the training.
    record : RecordHistory
        It gets the best epoch.
    state : State
        The state that was kept after the last epoch.
    """
    for callback in (*watched, record):
        callback.set_model(model)
    restore_callbacks(watched, state)
    for callback in (*watched, record):
        if isinstance(callback, keras.callbacks.EarlyStopping | RecordHistory):
            callback.on_train_end()


def _last_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Return the learning rate of the last batch."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of mixed precision
    rate = getattr(optimizer, "_learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        step = keras.ops.convert_to_numpy(optimizer.iterations)
        return float(keras.ops.convert_to_numpy(rate(max(int(step) - 1, 0))))
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
