"""Compiling and training a model.

Lesson 04 writes all of this out in Keras: compile, fit, early stopping, schedules, checkpoints.
"""

from __future__ import annotations

import contextlib
import math
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from course_utils import augmentation, settings
from course_utils.exceptions import InvalidInput, TrainingStopped
from course_utils.models import last_activation
from course_utils.training import _data_checks, pipeline
from course_utils.training._progress import ProgressBar
from course_utils.training._signature import signature
from course_utils.training.checkpoint import RunFolder, restore_callbacks
from course_utils.training.device import refuse_several_machines
from course_utils.training.history import History
from course_utils.training.schedules import make_schedule

#: How the schedule "plateau" lowers the learning rate: halved when the validation loss has not
#: improved for three epochs.
PLATEAU: dict[str, Any] = {"monitor": "val_loss", "factor": 0.5, "patience": 3, "min_lr": 1e-6}

DEFAULT_LEARNING_RATE = 1e-3

# Optimisers that `fit` made itself; when it trains the model again, it makes a new one.
_MADE_BY_FIT: weakref.WeakSet = weakref.WeakSet()


def compile_model(
    model: keras.Model,
    learning_rate: float = DEFAULT_LEARNING_RATE,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    schedule: str | None = None,
    warmup_epochs: float = 0,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    one_hot: bool = False,
    jit_compile: bool = False,
) -> keras.Model:
    """Compile a model for classification: loss, optimizer, metric.

    Cross-entropy from logits, Adam and accuracy, as lesson 04 writes them out. A model with a
    single output gets the binary cross-entropy of that output.

    Parameters
    ----------
    model : keras.Model
        A model that ends in logits; it is changed in place.
    learning_rate : float
        The learning rate, or the highest one where there is a schedule.
    optimizer : str or keras.optimizers.Optimizer
        Name of an optimiser of Keras, such as "adam" or "sgd", or one that is set up already with
        a learning rate of its own.
    schedule : {"cosine", "step", "plateau", None}
        How the learning rate changes; see :func:`make_schedule`.
    warmup_epochs : float
        Number of epochs in which the learning rate rises to its highest value.
    epochs, steps_per_epoch : int, optional
        Length of the training; needed for a schedule or a warm-up.
    one_hot : bool
        Whether labels are one-hot and not class indices.
    jit_compile : bool
        Whether the training step is compiled with XLA. It makes the networks of the course slower
        on a processor.

    Returns
    -------
    keras.Model
        The same model.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    """
    _data_checks.require_model(model)
    loss, accuracy = _loss_and_accuracy(model, one_hot)
    with model.distribute_strategy.scope():
        model.compile(
            optimizer=_make_optimizer(
                optimizer, learning_rate, schedule, warmup_epochs, epochs, steps_per_epoch
            ),
            loss=loss,
            metrics=[accuracy],
            jit_compile=jit_compile,
        )
    return model


def fit(
    model: keras.Model,
    dataset: Any,
    epochs: int,
    *,
    learning_rate: float | None = None,
    optimizer: str | keras.optimizers.Optimizer | None = None,
    schedule: str | None = None,
    warmup_epochs: float = 0,
    patience: int | None = None,
    augment: Any = None,
    label_smoothing: float = 0.0,
    class_weight: Mapping[int, float] | str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoint: str | Path | None = None,
    seed: int | None = None,
    validate: bool = True,
    jit_compile: bool = False,
    verbose: int | ProgressBar = 1,
) -> History:
    """Train a model, with one progress bar over the whole training.

    Born in lesson 04, which does the same step by step with Keras alone. Before anything is
    trained, it is checked that model and data fit together.

    Parameters
    ----------
    model : keras.Model
        A model that ends in logits, one per class; trained in place. One that you compiled
        yourself keeps its optimiser and loss, unless you give `learning_rate`, `optimizer`,
        `schedule` or `warmup_epochs`; every other one is compiled here.
    dataset : ImageDataset or tuple
        What :func:`course_utils.datasets.load` returns, or (training, validation) as tf.data
        datasets of batches (images in 0-255, labels). Labels are class indices (B,) or (B, 1), or
        one-hot (B, classes) where the model was compiled for them; 0 and 1 for a model with a
        single output. Only these two splits are used.
    epochs : int
        Number of times the training images are gone through, at most.
    learning_rate : float, optional
        The learning rate, or the highest one where there is a schedule; 0.001 by default.
    optimizer : str or keras.optimizers.Optimizer, optional
        "adam" by default.
    schedule : {"cosine", "step", "plateau", None}
        How the learning rate changes; see :func:`make_schedule`. "plateau" halves it when the
        validation loss has not improved for three epochs.
    warmup_epochs : float
        Number of epochs in which the learning rate rises to its highest value.
    patience : int, optional
        Stop when the validation loss has not improved for so many epochs. The model then has the
        weights of its best epoch; also where it was not stopped early. None trains to the end.
    augment : layer, callable or list of them, optional
        What :mod:`course_utils.augmentation` offers. It changes the training images only.
    label_smoothing : float
        This share of each training label is spread over all classes evenly (Szegedy et al., 2016,
        section 7). The validation loss is computed from the true labels.
    class_weight : mapping of int to float, or "balanced", optional
        Weight of each class in the training loss; "balanced" gives each class the same share.
    callbacks : sequence of keras.callbacks.Callback
        Further callbacks of Keras.
    checkpoint : str or Path, optional
        A folder in which the state is kept after each epoch. The same call with the same folder
        goes on where an interrupted training stopped, and returns at once if it was finished.
    seed : int, optional
        Decides the order of the images and the augmentation; COURSE_SEED or 42 by default. (The
        initial weights and dropout are decided where the model is built: call
        ``keras.utils.set_random_seed`` before.)
    validate : bool
        False leaves the validation data alone: quicker, for trainings whose curves nobody reads.
    jit_compile : bool
        Whether a model that is compiled here computes its training steps with XLA.
    verbose : int
        0 shows nothing.

    Returns
    -------
    History
        Loss and accuracy of every epoch, also of those before an interruption.

    Raises
    ------
    InvalidInput
        If model, data and arguments do not fit together, or `checkpoint` holds another training.
    TrainingStopped
        If the loss is no number any more, or the memory is not enough.
    """
    refuse_several_machines()
    _data_checks.require_model(model)
    _data_checks.require_arguments(
        epochs, learning_rate, patience, label_smoothing, callbacks, seed, class_weight
    )
    seed = settings.seed() if seed is None else int(seed)
    train, validation = pipeline.split_parts(dataset)
    if not validate:
        validation = None
    if validation is None and (patience is not None or schedule == "plateau"):
        raise InvalidInput(
            "Early stopping and the schedule 'plateau' watch the validation loss, but "
            + (
                "there are no validation data; give some"
                if validate
                else "validate is False; leave it"
            )
            + ", or leave patience and schedule out."
        )
    parts = augmentation.as_list(augment)
    mixes = any(not isinstance(part, keras.layers.Layer) for part in parts)

    num_classes = _data_checks.require_match(model, dataset, train)
    one_hot = mixes or label_smoothing > 0 or pipeline.label_rank(train) == 2
    steps = pipeline.batches_per_epoch(train)
    given = (learning_rate, optimizer, schedule) != (None, None, None) or warmup_epochs
    own_compile = model.compiled and model.optimizer not in _MADE_BY_FIT and not given
    if own_compile:
        # An optimiser that the user chose stays; what it is goes into the signature.
        how: Any = [model.optimizer.get_config(), str(_data_checks.loss_of(model))]
    else:
        how = None
        _compile(
            model,
            learning_rate=DEFAULT_LEARNING_RATE if learning_rate is None else learning_rate,
            optimizer="adam" if optimizer is None else optimizer,
            schedule=schedule,
            warmup_epochs=warmup_epochs,
            epochs=epochs,
            steps_per_epoch=steps,
            one_hot=one_hot,
            jit_compile=jit_compile,
        )
    _data_checks.require_labels(model, train, one_hot)
    _data_checks.require_loss(model, one_hot, mixes)

    weights: Any = class_weight
    if isinstance(class_weight, str):
        weights = pipeline.balanced_weights(_labels_of(dataset, train), num_classes)
    elif class_weight is not None:
        weights = _data_checks.class_weights(class_weight, num_classes)

    run = None
    if checkpoint is not None:
        run = RunFolder(
            checkpoint,
            signature(
                model,
                dataset,
                epochs=epochs,
                learning_rate=learning_rate,
                optimizer=optimizer,
                schedule=schedule,
                warmup_epochs=warmup_epochs,
                patience=patience,
                augment=augment,
                label_smoothing=label_smoothing,
                class_weight=class_weight,
                callbacks=[type(callback).__name__ for callback in callbacks],
                compiled=how,
                seed=seed,
            ),
        )

    watching: list[keras.callbacks.Callback] = []
    if patience is not None:
        watching.append(
            keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
        )
    if schedule == "plateau" and not own_compile:
        warmup = round(min(warmup_epochs, epochs / 2) * steps)
        if warmup:
            watching.append(_WarmUpSteps(model.optimizer.learning_rate, warmup, steps))
        watching.append(keras.callbacks.ReduceLROnPlateau(**PLATEAU))
    watching += callbacks

    history = History(params={"epochs": epochs, "steps": steps})
    first_epoch = 0
    state = run.load() if run is not None else None
    if state is not None:
        history, first_epoch = state.history, state.history_length
        with model.distribute_strategy.scope():
            state.restore_model(model)
        if state.finished:
            return history

    shared = isinstance(verbose, ProgressBar)
    bar = (
        verbose
        if isinstance(verbose, ProgressBar)
        else ProgressBar(epochs * steps, shown=bool(verbose))
    )
    recorder = _Recorder(bar, steps, epochs, history, run, watching, state)
    began = time.monotonic()
    with contextlib.nullcontext() if shared else bar:
        if state is None or not state.stopped:
            stream = pipeline.training_stream(
                dataset,
                first_epoch=first_epoch,
                epochs=epochs,
                seed=seed,
                num_classes=num_classes,
                augment=parts,
                one_hot=one_hot,
                label_smoothing=label_smoothing,
                class_weight=weights,
            )
            with _clear_errors(train):
                model.fit(
                    stream,
                    validation_data=pipeline.validation_batches(validation, num_classes, one_hot),
                    initial_epoch=first_epoch,
                    epochs=epochs,
                    steps_per_epoch=steps,
                    callbacks=[*watching, recorder],
                    shuffle=False,  # the stream has its order already
                    verbose=0,
                )
        else:
            # Killed after early stopping had decided, before the best weights were put back.
            recorder.set_model(model)
            recorder.finish_stopped()
        history.seconds = recorder.seconds_before + time.monotonic() - began
        if recorder.broken_at is not None:
            raise TrainingStopped(_not_a_number(recorder.broken_at, epochs, learning_rate, model))
        if run is not None:
            run.save(model, history, watching, finished=True)
        if not shared:
            bar.finish(repr(history))
    return history


def compile_trained(model: keras.Model, arguments: Mapping[str, Any]) -> None:
    """Compile a model whose trained weights were loaded, so that it can be evaluated at once.

    Parameters
    ----------
    model : keras.Model
        One that was compiled before stays as it is.
    arguments : mapping
        Those that :func:`fit` had: its optimiser, loss and metrics are used again, without the
        schedule, which is over.
    """
    if model.compiled:
        return
    parts = augmentation.as_list(arguments.get("augment"))
    mixes = any(not isinstance(part, keras.layers.Layer) for part in parts)
    rate, optimizer = arguments.get("learning_rate"), arguments.get("optimizer")
    _compile(
        model,
        learning_rate=DEFAULT_LEARNING_RATE if rate is None else rate,
        optimizer="adam" if optimizer is None else optimizer,
        one_hot=mixes or arguments.get("label_smoothing", 0.0) > 0,
    )
    # Keras builds it in the first step; a model that is stored before would be stored without it,
    # and loading that file prints a warning.
    model.optimizer.build(model.trainable_variables)


def _loss_and_accuracy(model: keras.Model, one_hot: bool) -> tuple[keras.losses.Loss, Any]:
    """Return the loss and the accuracy that fit the number of outputs and the labels."""
    if _data_checks.output_width(model) == 1:
        from_logits = last_activation(model) != "sigmoid"
        accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0 if from_logits else 0.5)
        return keras.losses.BinaryCrossentropy(from_logits=from_logits), accuracy
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=True), "accuracy"
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True), "accuracy"


def _compile(model: keras.Model, **arguments: Any) -> None:
    compile_model(model, **arguments)
    if not isinstance(arguments["optimizer"], keras.optimizers.Optimizer):
        _MADE_BY_FIT.add(model.optimizer)


def _make_optimizer(
    optimizer: str | keras.optimizers.Optimizer,
    learning_rate: float,
    schedule: str | None,
    warmup_epochs: float,
    epochs: int | None,
    steps_per_epoch: int | None,
) -> keras.optimizers.Optimizer:
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if schedule is not None or warmup_epochs:
            raise InvalidInput(
                "An optimiser that is set up already has a learning rate of its own, so a schedule "
                "or a warm-up cannot be added; give its name, such as 'adam', or give the "
                "optimiser the schedule."
            )
        return optimizer
    _data_checks.require_learning_rate(learning_rate)
    rate: Any = float(learning_rate)
    if schedule is not None or warmup_epochs:
        if epochs is None or steps_per_epoch is None:
            raise InvalidInput(
                "A schedule or a warm-up needs to know how long the training is; give epochs= and "
                "steps_per_epoch=, or let training.fit compile the model."
            )
        rate = make_schedule(schedule, learning_rate, epochs, steps_per_epoch, warmup_epochs)
        if schedule == "plateau":
            rate = float(learning_rate)  # changed while training, by callbacks
    try:
        made = keras.optimizers.get(optimizer)
    except (ValueError, TypeError):
        raise InvalidInput(
            f"There is no optimiser {optimizer!r}; take for instance 'adam' or 'sgd'."
        ) from None
    return type(made).from_config({**made.get_config(), "learning_rate": rate})


def _labels_of(dataset: Any, train: tf.data.Dataset) -> Any:
    import numpy as np

    if hasattr(dataset, "labels"):
        return dataset.labels("train")
    return np.concatenate([labels.numpy() for _, labels in train])


class _WarmUpSteps(keras.callbacks.Callback):
    """Raises the learning rate in the first batches, for an optimiser without a schedule."""

    def __init__(self, learning_rate: Any, warmup: int, steps: int):
        super().__init__()
        self._rate = float(learning_rate)
        self._warmup = warmup
        self._steps = steps
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        done = self._epoch * self._steps + batch
        if done < self._warmup:
            self.model.optimizer.learning_rate = self._rate * (done + 1) / self._warmup


class _Recorder(keras.callbacks.Callback):
    """Keeps the history, shows the progress, saves the state and notices a broken loss.

    It comes last, so that it sees what the other callbacks have decided.
    """

    def __init__(
        self,
        bar: ProgressBar,
        steps: int,
        epochs: int,
        history: History,
        run: RunFolder | None,
        watching: Sequence[keras.callbacks.Callback],
        state: Any,
    ):
        super().__init__()
        self._bar = bar
        self._first = bar.done
        self._steps = steps
        self._epochs = epochs
        self._history = history
        self._run = run
        self._watching = watching
        self._state = state
        self._epoch = 0
        self._began = time.monotonic()
        self.seconds_before = history.seconds
        self.broken_at: tuple[int, int] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self._state is not None:  # the others have just forgotten everything
            restore_callbacks(self._watching, self._state)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        # The begin and not the end of a batch, since Keras waits for the device at each end where
        # a callback listens to it.
        self._bar.done = self._first + self._epoch * self._steps + batch
        if not self._bar.due:
            return
        now = {}
        if batch:
            now = {name: float(value) for name, value in self.model.get_metrics_result().items()}
            self._notice(now.get("loss", 0.0), batch)
        self._bar.show(self._text(batch, now))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = dict(logs or {})
        rate = logs.pop("learning_rate", None)
        if rate is None:
            rate = _last_rate(self.model.optimizer)
        self._notice(logs.get("loss", 0.0), self._steps)
        for name, value in {**logs, "learning_rate": rate}.items():
            self._history.history.setdefault(name, []).append(float(value))
        self._bar.done = self._first + (epoch + 1) * self._steps
        if self.broken_at is not None:
            return
        self._history.seconds = self.seconds_before + time.monotonic() - self._began
        if self._run is not None:
            self._run.save(self.model, self._history, self._watching)

    def on_train_end(self, logs: dict | None = None) -> None:
        for callback in self._watching:
            if isinstance(callback, keras.callbacks.EarlyStopping):
                if callback.restore_best_weights and callback.best_weights is not None:
                    self._history.best_epoch = int(callback.best_epoch)
                self._history.stopped_early |= callback.stopped_epoch > 0

    def finish_stopped(self) -> None:
        """Do what is left to do after the last epoch of a training that was killed there."""
        for callback in self._watching:
            callback.set_model(self.model)
        restore_callbacks(self._watching, self._state)
        for callback in self._watching:
            if isinstance(callback, keras.callbacks.EarlyStopping):
                callback.on_train_end()
        self.on_train_end()

    def _notice(self, loss: float, batch: int) -> None:
        if not math.isfinite(loss) and self.broken_at is None:
            self.broken_at = (self._epoch + 1, batch)
            self.model.stop_training = True

    def _text(self, batch: int, now: Mapping[str, float]) -> str:
        parts = [f"epoch {self._epoch + 1}/{self._epochs}", f"batch {batch}/{self._steps}"]
        if "loss" in now:
            parts.append(f"loss {now['loss']:.3f}")
        if "accuracy" in now:
            parts.append(f"accuracy {now['accuracy']:.1%}")
        if self._history.history.get("val_accuracy"):
            parts.append(f"validation {self._history.history['val_accuracy'][-1]:.1%}")
        return " · ".join(parts)


def _last_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """Return the learning rate of the batch that was trained last."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of mixed precision
    rate = getattr(optimizer, "_learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        step = keras.ops.convert_to_numpy(optimizer.iterations)
        return float(keras.ops.convert_to_numpy(rate(max(int(step) - 1, 0))))
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def _not_a_number(
    where: tuple[int, int], epochs: int, learning_rate: float | None, model: keras.Model
) -> str:
    rate = learning_rate or float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    return (
        f"The loss is not a finite number any more (epoch {where[0]} of {epochs}, by batch "
        f"{where[1]}), so training was stopped; build the model anew and try a smaller learning "
        f"rate, for instance {rate / 10:.2g} instead of {rate:.2g}, and if that does not help, "
        f"look for broken images or labels with quality.report."
    )


class _clear_errors:  # noqa: N801
    """Turns TensorFlow's errors that a reader can do something about into one sentence."""

    def __init__(self, train: tf.data.Dataset):
        self._train = train

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, tf.errors.ResourceExhaustedError):
            shape = self._train.element_spec[0].shape
            raise TrainingStopped(
                f"The memory is not enough to train on batches of shape {tuple(shape)}; load the "
                f"data with a smaller batch_size or image_size, or take a smaller network."
            ) from None
        if isinstance(error, tf.errors.InvalidArgumentError) and "label value" in str(error):
            raise InvalidInput(
                "A label is not one of the classes: labels must be whole numbers from 0 to the "
                "number of classes minus 1."
            ) from None
