"""Compile and train a model.

Lesson 04 writes all of this out in Keras: compile, fit, early stopping, schedules, checkpoints.
:func:`fit` has three steps: it checks the arguments and plans the training, compiles the model
unless the caller has, and runs Keras's ``fit`` with the callbacks of ``training/_callbacks.py``.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from course_utils import augmentation, settings
from course_utils.exceptions import InvalidInput, TrainingStopped
from course_utils.models import last_activation, without_tracing_warning
from course_utils.progress import progress_bar, show_line
from course_utils.training import _data_checks, pipeline
from course_utils.training._callbacks import (
    RecordHistory,
    SaveState,
    ShowProgress,
    StopWhenNotFinite,
    WarmUpSteps,
    end_stopped_training,
)
from course_utils.training._signature import compiled_config, signature
from course_utils.training.checkpoint import RunFolder
from course_utils.training.device import refuse_several_machines
from course_utils.training.graphs import free_training_graphs
from course_utils.training.history import History
from course_utils.training.schedules import make_schedule, warmup_steps

#: How the schedule "plateau" lowers the learning rate: halved after three epochs in which the
#: validation loss did not improve.
PLATEAU: dict[str, Any] = {"monitor": "val_loss", "factor": 0.5, "patience": 3, "min_lr": 1e-6}

DEFAULT_LEARNING_RATE = 1e-3

# Optimizers that `fit` made itself; when it trains the model again, it makes a new one.
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
        Name of an optimizer of Keras, such as "adam" or "sgd", or an optimizer object, which
        has a learning rate of its own.
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
    verbose: int | tqdm = 1,
) -> History:
    """Train a model, with one progress bar over the whole training.

    Lesson 04 does the same step by step with Keras alone. Whether model, data and arguments fit
    together is checked before the first step.

    Parameters
    ----------
    model : keras.Model
        A model that ends in logits, one per class; trained in place. A model that you compiled
        yourself keeps its optimizer and loss, unless you give `learning_rate`, `optimizer`,
        `schedule` or `warmup_epochs`; every other model is compiled here.
    dataset : ImageDataset or tuple
        What :func:`course_utils.datasets.load` returns, or (training, validation) as tf.data
        datasets of batches (images in 0-255, labels). Labels are class indices (B,) or (B, 1), or
        one-hot (B, classes) where the model was compiled for them; 0 and 1 for a model with a
        single output. Only these two splits are used.
    epochs : int
        Maximum number of epochs.
    learning_rate : float, optional
        The learning rate, or the highest one where there is a schedule; 0.001 by default.
    optimizer : str or keras.optimizers.Optimizer, optional
        "adam" by default.
    schedule : {"cosine", "step", "plateau", None}
        How the learning rate changes; see :func:`make_schedule`. "plateau" halves it after
        three epochs in which the validation loss did not improve.
    warmup_epochs : float
        Number of epochs in which the learning rate rises to its highest value.
    patience : int, optional
        Number of epochs with no improvement of the validation loss after which training stops.
        The model ends with the weights of its best epoch, whether it was stopped early or not.
        None trains all epochs and keeps the last weights.
    augment : layer, callable or list of them, optional
        Augmentations, such as those of :mod:`course_utils.augmentation`, for the training images.
    label_smoothing : float
        This share of each training label is spread over all classes evenly (Szegedy et al., 2016,
        section 7). The validation loss is computed from the true labels.
    class_weight : mapping of int to float, or "balanced", optional
        Weight of each class in the training loss; "balanced" gives each class the same share.
    callbacks : sequence of keras.callbacks.Callback
        Further Keras callbacks.
    checkpoint : str or Path, optional
        A folder in which the state is kept after each epoch. The same call with the same folder
        resumes an interrupted training, and returns at once if it was finished.
    seed : int, optional
        Seed of the order of the images and of the augmentation; COURSE_SEED or 42 by default. (The
        initial weights and dropout depend on the global seed when the model is built: call
        ``keras.utils.set_random_seed`` before.)
    validate : bool
        Whether to validate after each epoch; False is quicker.
    jit_compile : bool
        Whether to compile the training steps with XLA, for a model that is compiled here.
    verbose : int or tqdm
        0 shows nothing; a bar of tqdm is shared with the caller, who closes it.

    Returns
    -------
    History
        Loss and accuracy of every epoch, also of those before an interruption.

    Raises
    ------
    InvalidInput
        If model, data and arguments do not fit together, or `checkpoint` holds another training.
    TrainingStopped
        If the loss becomes NaN or infinite, or memory runs out.
    """
    # Plan.
    refuse_several_machines()
    _data_checks.require_model(model)
    _data_checks.require_arguments(
        epochs, learning_rate, patience, label_smoothing, callbacks, seed, class_weight
    )
    train, validation = pipeline.split_parts(dataset)
    if patience is not None or schedule == "plateau":
        _require_validation(validation, validate)
    num_classes = _data_checks.require_match(model, dataset, train)
    plan = _Plan(
        dataset=dataset,
        train=train,
        validation=validation if validate else None,
        epochs=int(epochs),
        steps=pipeline.batches_per_epoch(train),
        seed=settings.seed() if seed is None else int(seed),
        num_classes=num_classes,
        augment=augmentation.as_list(augment),
        label_smoothing=label_smoothing,
        class_weight=_class_weights(class_weight, dataset, train, num_classes),
        learning_rate=learning_rate,
    )

    # Compile.
    choices: dict[str, Any] = {
        "learning_rate": learning_rate,
        "optimizer": optimizer,
        "schedule": schedule,
        "warmup_epochs": warmup_epochs,
    }
    free_training_graphs()
    own_compile = _own_compile(model, choices)
    if own_compile is None:
        _compile(
            model,
            **choices,
            epochs=epochs,
            steps_per_epoch=plan.steps,
            one_hot=plan.one_hot,
            jit_compile=jit_compile,
        )
    _data_checks.require_labels(model, train, plan.one_hot)
    _data_checks.require_loss(model, plan.one_hot, plan.mixes_labels)

    # Run.
    watched = [*_stopping_and_schedule(model, plan, patience, schedule, warmup_epochs), *callbacks]
    run = None
    if checkpoint is not None:
        arguments = signature(
            model,
            dataset,
            epochs=epochs,
            **choices,
            patience=patience,
            augment=augment,
            label_smoothing=label_smoothing,
            class_weight=class_weight,
            callbacks=[type(callback).__name__ for callback in callbacks],
            compiled=own_compile,
            seed=plan.seed,
        )
        run = RunFolder(checkpoint, arguments)
    return _run(model, plan, watched, run, verbose)


def compile_trained(model: keras.Model, arguments: Mapping[str, Any]) -> None:
    """Compile a model whose trained weights were loaded, so that it can be evaluated at once.

    Parameters
    ----------
    model : keras.Model
        A model that is compiled already stays as it is.
    arguments : mapping
        The arguments that :func:`fit` had: its optimizer, loss and metrics are used again, without
        the schedule, which is over.
    """
    if model.compiled:
        return
    mixes_labels = _mix_labels(augmentation.as_list(arguments.get("augment")))
    _compile(
        model,
        arguments.get("learning_rate"),
        arguments.get("optimizer"),
        one_hot=mixes_labels or arguments.get("label_smoothing", 0.0) > 0,
    )
    # Keras builds the optimizer in the first step. A model that is stored before that would be
    # stored without it, and loading the file prints a warning.
    model.optimizer.build(model.trainable_variables)


@dataclass(frozen=True)
class _Plan:
    """What is decided before a training begins."""

    dataset: Any
    train: tf.data.Dataset
    validation: tf.data.Dataset | None
    epochs: int
    steps: int
    seed: int
    num_classes: int
    augment: list[Any]
    label_smoothing: float
    class_weight: dict[int, float] | None
    learning_rate: float | None

    @property
    def mixes_labels(self) -> bool:
        """Whether an augmentation returns labels that are no class indices."""
        return _mix_labels(self.augment)

    @property
    def one_hot(self) -> bool:
        """Whether the loss gets one-hot labels."""
        return self.mixes_labels or self.label_smoothing > 0 or pipeline.label_rank(self.train) == 2

    def training_stream(self, first_epoch: int) -> tf.data.Dataset:
        """Return the training batches of all epochs from `first_epoch` on."""
        return pipeline.training_stream(
            self.dataset,
            range(first_epoch, self.epochs),
            seed=self.seed,
            num_classes=self.num_classes,
            augment=self.augment,
            one_hot=self.one_hot,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
        )


def _run(
    model: keras.Model,
    plan: _Plan,
    watched: Sequence[keras.callbacks.Callback],
    run: RunFolder | None,
    verbose: int | tqdm,
) -> History:
    """Train a compiled model from the beginning, or from the state that `run` holds."""
    history = History(params={"epochs": plan.epochs, "steps": plan.steps})
    state = run.load() if run is not None else None
    if state is not None:
        history = state.history
        with model.distribute_strategy.scope():
            state.restore_model(model)
        if state.finished:
            return history

    record = RecordHistory(history, watched)
    finite = StopWhenNotFinite(plan.steps)
    shared = isinstance(verbose, tqdm)
    with (
        contextlib.nullcontext(verbose)
        if shared
        else progress_bar(plan.epochs * plan.steps, shown=bool(verbose))
    ) as bar:
        if state is not None and state.stopped:
            end_stopped_training(model, watched, record, state)
        else:
            progress = ShowProgress(bar, plan.steps, plan.epochs, history)
            saving = [] if run is None else [SaveState(run, history, watched, state)]
            first_epoch = len(history.epoch)
            with _readable_errors(plan.train), without_tracing_warning():
                model.fit(
                    plan.training_stream(first_epoch),
                    validation_data=pipeline.validation_batches(
                        plan.validation, plan.num_classes, plan.one_hot
                    ),
                    initial_epoch=first_epoch,
                    epochs=plan.epochs,
                    steps_per_epoch=plan.steps,
                    callbacks=[*watched, record, progress, finite, *saving],
                    shuffle=False,  # the stream is shuffled already
                    verbose=0,
                )
    record.stop_clock()
    if finite.found_at is not None:
        rate = plan.learning_rate or float(model.optimizer.learning_rate)
        raise TrainingStopped(_not_finite(*finite.found_at, plan.epochs, rate))
    if run is not None:
        run.save(model, history, watched, finished=True)
    if verbose and not shared:
        show_line(history.summary(timed=not settings.storing_outputs()))
    return history


def _mix_labels(augment: Sequence[Any]) -> bool:
    """Return whether an augmentation is no layer, and so changes labels too."""
    return any(not isinstance(part, keras.layers.Layer) for part in augment)


def _require_validation(validation: tf.data.Dataset | None, validate: bool) -> None:
    if validation is None or not validate:
        remedy = (
            "validate is False; leave that out"
            if not validate
            else "there are no validation data; give some"
        )
        raise InvalidInput(
            f"Early stopping and the schedule 'plateau' watch the validation loss, but {remedy}, "
            f"or leave patience and schedule out."
        )


def _class_weights(
    class_weight: Any, dataset: Any, train: tf.data.Dataset, num_classes: int
) -> dict[int, float] | None:
    if class_weight is None:
        return None
    if not isinstance(class_weight, str):
        return _data_checks.class_weights(class_weight, num_classes)
    if hasattr(dataset, "labels"):
        return pipeline.balanced_weights(dataset.labels("train"), num_classes)
    labels = np.concatenate([labels.numpy() for _, labels in train])
    return pipeline.balanced_weights(labels, num_classes)


def _own_compile(model: keras.Model, choices: Mapping[str, Any]) -> list[Any] | None:
    """Describe the optimizer and the loss of a model that the caller compiled, to be kept as is.

    None means that `fit` compiles the model: nobody did, `fit` did before, or there are `choices`.
    """
    if not model.compiled or model.optimizer in _MADE_BY_FIT:
        return None
    if any(choice is not None and choice != 0 for choice in choices.values()):
        return None
    return compiled_config(model)


def _compile(
    model: keras.Model,
    learning_rate: float | None,
    optimizer: str | keras.optimizers.Optimizer | None,
    **arguments: Any,
) -> None:
    """Compile a model with the defaults of `fit`."""
    compile_model(
        model,
        DEFAULT_LEARNING_RATE if learning_rate is None else learning_rate,
        "adam" if optimizer is None else optimizer,
        **arguments,
    )
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        _MADE_BY_FIT.add(model.optimizer)


def _loss_and_accuracy(model: keras.Model, one_hot: bool) -> tuple[keras.losses.Loss, Any]:
    """Return the loss and the accuracy that fit the number of outputs and the labels."""
    if _data_checks.output_width(model) == 1:
        from_logits = last_activation(model) != "sigmoid"
        accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0 if from_logits else 0.5)
        return keras.losses.BinaryCrossentropy(from_logits=from_logits), accuracy
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=True), "accuracy"
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True), "accuracy"


def _make_optimizer(
    optimizer: str | keras.optimizers.Optimizer,
    learning_rate: float,
    schedule: str | None,
    warmup_epochs: float,
    epochs: int | None,
    steps_per_epoch: int | None,
) -> keras.optimizers.Optimizer:
    scheduled = schedule is not None or warmup_epochs
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if scheduled:
            raise InvalidInput(
                "An optimizer object has a learning rate of its own, so a schedule or a warm-up "
                "cannot be added; give its name, such as 'adam', or give the optimizer the "
                "schedule."
            )
        return optimizer
    rate: Any = _data_checks.require_learning_rate(learning_rate)
    if scheduled:
        if epochs is None or steps_per_epoch is None:
            raise InvalidInput(
                "A schedule or a warm-up depends on the length of the training; give epochs= and "
                "steps_per_epoch=, or let training.fit compile the model."
            )
        planned = make_schedule(schedule, learning_rate, epochs, steps_per_epoch, warmup_epochs)
        if schedule != "plateau":  # that one is only checked here; callbacks change its rate
            rate = planned
    try:
        made = keras.optimizers.get(optimizer)
    except (ValueError, TypeError):
        raise InvalidInput(
            f"There is no optimizer {optimizer!r}; take for instance 'adam' or 'sgd'."
        ) from None
    return type(made).from_config({**made.get_config(), "learning_rate": rate})


def _stopping_and_schedule(
    model: keras.Model,
    plan: _Plan,
    patience: int | None,
    schedule: str | None,
    warmup_epochs: float,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks for early stopping and for the schedule "plateau"."""
    found: list[keras.callbacks.Callback] = []
    if patience is not None:
        found.append(
            keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
        )
    if schedule == "plateau":
        warmup = warmup_steps(warmup_epochs, plan.epochs, plan.steps)
        if warmup:
            rate = float(model.optimizer.learning_rate)
            found.append(WarmUpSteps(rate, warmup, plan.steps))
        found.append(keras.callbacks.ReduceLROnPlateau(**PLATEAU))
    return found


def _not_finite(epoch: int, batch: int, epochs: int, rate: float) -> str:
    return (
        f"The loss became NaN or infinite (epoch {epoch} of {epochs}, by batch {batch}), so "
        f"training was stopped; build the model again and try a smaller learning rate, for "
        f"instance {rate / 10:.2g} instead of {rate:.2g}, and if that does not help, look for "
        f"broken images or labels with quality.report."
    )


@contextlib.contextmanager
def _readable_errors(train: tf.data.Dataset) -> Iterator[None]:
    """Replace TensorFlow's errors that the reader can do something about by one sentence."""
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise TrainingStopped(
            f"There is not enough memory to train on batches of shape "
            f"{tuple(train.element_spec[0].shape)}; load the data with a smaller batch_size or "
            f"image_size, or take a smaller network."
        ) from None
    except tf.errors.InvalidArgumentError as error:
        if "label value" not in str(error):
            raise
        raise InvalidInput(
            "A label is not one of the classes: labels must be whole numbers from 0 to the "
            "number of classes minus 1."
        ) from None
