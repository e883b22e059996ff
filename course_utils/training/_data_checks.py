"""Checks before a training: arguments, and whether model, data and loss fit together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from course_utils.exceptions import InvalidInput
from course_utils.models import check_pixels, last_activation
from course_utils.validate import counted, first_line, number_between, whole_number

_LOSSES = {
    "sparse": keras.losses.SparseCategoricalCrossentropy,
    "categorical": keras.losses.CategoricalCrossentropy,
    "binary": keras.losses.BinaryCrossentropy,
}


def require_model(model: Any) -> None:
    """Raise InvalidInput unless `model` is a Keras model."""
    if isinstance(model, keras.Model):
        return
    if callable(model) and not isinstance(model, keras.layers.Layer):
        raise InvalidInput(
            f"A Keras model is needed, but {getattr(model, '__name__', 'this')!r} is a function; "
            f"call it, for instance models.small_cnn(dataset.input_shape, dataset.num_classes)."
        )
    raise InvalidInput(
        f"A Keras model is needed, but this is {type(model).__module__}.{type(model).__name__}."
    )


def require_learning_rate(learning_rate: Any) -> float:
    """Return `learning_rate` as a float, or raise InvalidInput unless it is above 0."""
    return number_between("learning_rate", learning_rate, 0, math.inf, 0.001, open_low=True)


def require_epochs(epochs: Any) -> int:
    """Return `epochs` as an int, or raise InvalidInput unless it is at least 1."""
    return whole_number("epochs", epochs, 1, example=10)


def require_arguments(
    epochs: Any,
    learning_rate: Any,
    patience: Any,
    label_smoothing: Any,
    callbacks: Any,
    seed: Any,
    class_weight: Any,
) -> None:
    """Raise InvalidInput for an argument of `fit` that cannot be used."""
    require_epochs(epochs)
    if learning_rate is not None:
        require_learning_rate(learning_rate)
    if patience is not None:
        whole_number("patience", patience, 0, example=5)
    number_between("label_smoothing", label_smoothing, 0, 1, 0.1, open_high=True)
    if not isinstance(callbacks, list | tuple):
        raise InvalidInput("callbacks must be a list; write callbacks=[...] around the callback.")
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise InvalidInput(
                f"callbacks must be a list of Keras callbacks, but one entry is {callback!r}; a "
                f"class needs parentheses after its name."
            )
    if seed is not None:
        whole_number("seed", seed, 0, example=42)
    if class_weight is not None and not (
        isinstance(class_weight, str) and class_weight == "balanced"
    ):
        _require_mapping(class_weight)


def class_weights(weights: Any, num_classes: int) -> dict[int, float]:
    """Return the weight of every class index; classes that are not named have the weight 1."""
    _require_mapping(weights)
    result = dict.fromkeys(range(num_classes), 1.0)
    for index, weight in weights.items():
        if index not in result:
            raise InvalidInput(
                f"class_weight names the class {index!r}, but the classes are numbered from 0 to "
                f"{num_classes - 1}."
            )
        result[int(index)] = number_between(
            f"class_weight of class {index}", weight, 0, math.inf, 1.0
        )
    return result


def require_match(model: keras.Model, dataset: Any, train: tf.data.Dataset) -> int:
    """Check that a model and training data fit together; build the model if it is not built.

    Parameters
    ----------
    model : keras.Model
        The model.
    dataset : ImageDataset or tuple
        The data; an ImageDataset says how many classes there are.
    train : tf.data.Dataset
        Its training batches.

    Returns
    -------
    int
        Number of classes; 2 for a model with a single output.

    Raises
    ------
    InvalidInput
        With one sentence that says what does not fit.
    """
    spec = train.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        raise InvalidInput(
            "The training data must be batches of (images, labels); this dataset yields something "
            "else."
        )
    if spec[1].shape.rank == 0 or spec[0].shape.rank == 3:
        raise InvalidInput(
            "The training data are single images and not batches; add .batch(32) to the dataset."
        )
    images, labels = _sample(dataset, train)
    if images.ndim != 4:
        raise InvalidInput(
            f"Images must come as batches of shape (batch, height, width, channels), but they have "
            f"the shape {images.shape}."
        )
    if not np.isfinite(images).all():
        raise InvalidInput(
            "Some pixels are not numbers (NaN) or infinite; fix the images before training."
        )
    _require_input(model, images)
    outputs = _outputs(model, images)
    num_classes = 2 if outputs == 1 else outputs
    names = getattr(dataset, "class_names", None)
    if names is not None and num_classes != len(names):
        raise InvalidInput(
            f"The model has {counted(outputs, 'output')}, but the dataset has "
            f"{counted(len(names), 'class', 'classes')}; build it with "
            f"num_classes=dataset.num_classes, so that there is one output per class."
        )
    _require_label_values(labels, outputs)
    check_pixels(model, images)
    return num_classes


def output_width(model: keras.Model) -> int | None:
    """Return the number of outputs of a model for each image, None where it is unknown.

    A subclass of ``keras.Model`` has no ``output_shape``; once it was called, the shape follows
    from that of its input.
    """
    try:
        shape = model.output_shape
    except (AttributeError, ValueError):
        seen = list(getattr(model, "_build_shapes_dict", None) or {})
        if not model.built or len(seen) != 1:
            return None
        image = keras.KerasTensor(model._build_shapes_dict[seen[0]])
        shape = getattr(model.compute_output_spec(image), "shape", None)
    return shape[-1] if isinstance(shape, tuple) and shape else None


def require_loss(model: keras.Model, one_hot: bool, mixes: bool) -> None:
    """Check that the loss fits the labels and the last layer.

    Parameters
    ----------
    model : keras.Model
        A compiled model.
    one_hot : bool
        Whether `fit` makes the labels one-hot.
    mixes : bool
        Whether it does so for an augmentation (else for label smoothing).

    Raises
    ------
    InvalidInput
        With one sentence that says what does not fit.
    """
    kind, from_logits = _loss_kind(model)
    width = output_width(model)
    if width == 1 and one_hot:
        raise InvalidInput(
            "Label smoothing and augmentations that mix labels need one output per class, but the "
            "model has a single output; end it with Dense(2), or leave them out."
        )
    if width == 1 and kind in ("sparse", "categorical"):
        raise InvalidInput(
            "The model has a single output, but its loss expects one output per class; compile it "
            "with BinaryCrossentropy, or end it with Dense(2)."
        )
    if kind == "sparse" and one_hot:
        what = "An augmentation that changes labels" if mixes else "Label smoothing"
        raise InvalidInput(
            f"{what} makes one-hot labels, but the model was compiled with a loss for class "
            f"indices; compile it with CategoricalCrossentropy(from_logits=True), or give fit a "
            f"model that is not compiled."
        )
    if from_logits is None:
        return
    probabilities = _ends_in_probabilities(model)
    if from_logits and probabilities:
        raise InvalidInput(
            f"The model ends in {probabilities}, so it gives probabilities, but the loss expects "
            f"logits (from_logits=True); leave the activation of the last layer out."
        )
    if not from_logits and probabilities is None:
        raise InvalidInput(
            "The model ends in logits, but its loss expects probabilities; compile it with "
            "from_logits=True."
        )


def require_labels(model: keras.Model, train: tf.data.Dataset, one_hot: bool) -> None:
    """Check that labels have the form that the loss expects: class indices or one-hot.

    Raises
    ------
    InvalidInput
        With one sentence that says what does not fit.
    """
    shape = train.element_spec[1].shape
    rank = 1 if shape.rank == 2 and shape[1] == 1 else shape.rank
    kind, _ = _loss_kind(model)
    width = output_width(model)
    if rank == 1 and kind == "binary" and width not in (1, None):
        raise InvalidInput(
            f"The labels are class indices, but the model has {width} outputs and "
            f"a binary loss; compile it with SparseCategoricalCrossentropy(from_logits=True), or "
            f"end it with Dense(1)."
        )
    if rank == 2 and kind == "sparse":
        raise InvalidInput(
            "The labels are one-hot, but the loss expects class indices; give labels as whole "
            "numbers (keras.ops.argmax(labels, axis=-1) makes them), as all datasets of the course "
            "do."
        )
    if rank == 1 and kind == "categorical" and not one_hot:
        raise InvalidInput(
            "The labels are class indices, but the model was compiled with a loss for one-hot "
            "labels; compile it with SparseCategoricalCrossentropy(from_logits=True), or give fit "
            "a model that is not compiled."
        )


def _require_mapping(class_weight: Any) -> None:
    if not isinstance(class_weight, Mapping):
        raise InvalidInput(
            f"class_weight is {class_weight!r}, but it must be 'balanced' or a dictionary from "
            f"class index to weight."
        )


def _sample(dataset: Any, train: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(dataset, "images"):  # without a pipeline, which takes longer to build than to read
        ids = dataset.ids("train")[: dataset.batch_size]
        images = np.asarray(dataset.images("train", ids), np.float32)
        return images, dataset.labels("train")[: len(ids)]
    for images, labels in train.take(1):
        return np.asarray(images), np.asarray(labels)
    raise InvalidInput("The training split holds no images, so there is nothing to learn from.")


def _require_input(model: keras.Model, images: np.ndarray) -> None:
    shape = images.shape[1:]
    if not model.built:
        try:
            with model.distribute_strategy.scope():
                model(images[:1], training=False)
        except (ValueError, TypeError, tf.errors.OpError) as error:
            raise InvalidInput(
                f"The model cannot be given images of {_size(shape)}: "
                f"{first_line(error).rstrip('.')}."
            ) from None
        return
    expected = getattr(model, "input_shape", None)
    if not isinstance(expected, tuple) or not expected or isinstance(expected[0], tuple):
        return
    if len(expected) != 4:
        raise InvalidInput(
            f"The model expects inputs of shape {expected}, but images come as (batch, height, "
            f"width, channels); begin it with keras.Input({tuple(shape)})."
        )
    if expected[3] is not None and expected[3] != shape[2]:
        raise InvalidInput(
            f"The model expects images with {counted(expected[3], 'channel')}, but the dataset's "
            f"have {counted(shape[2], 'channel')}; build it with input_shape=dataset.input_shape, "
            f"or load the images in the other color_mode."
        )
    if any(
        side is not None and side != given
        for side, given in zip(expected[1:3], shape[:2], strict=True)
    ):
        raise InvalidInput(
            f"The model expects images of {_size(expected[1:])}, but the dataset's are "
            f"{_size(shape)}; build it with input_shape=dataset.input_shape, or load the dataset "
            f"with image_size=({expected[1]}, {expected[2]})."
        )


def _require_label_values(labels: np.ndarray, outputs: int) -> None:
    """Raise InvalidInput unless labels (B,), (B, 1) or one-hot (B, classes) fit the outputs."""
    if labels.ndim == 2 and labels.shape[1] not in (1, outputs):
        raise InvalidInput(
            f"The model has {counted(outputs, 'output')}, but the one-hot labels have "
            f"{counted(labels.shape[1], 'class', 'classes')}."
        )
    if labels.ndim not in (1, 2):
        raise InvalidInput(
            f"Labels must have the shape (batch,) or (batch, classes), but they have "
            f"{labels.shape}."
        )
    if labels.ndim == 2 and labels.shape[1] > 1:
        return
    whole = labels.dtype.kind in "iub" or (
        outputs == 1 and labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels))
    )
    if not whole:
        raise InvalidInput(
            f"Labels must be whole numbers, the index of the class, but they are {labels.dtype}."
        )
    highest = max(outputs - 1, 1)  # one output tells two classes apart, 0 and 1
    if labels.size and not 0 <= labels.min() <= labels.max() <= highest:
        raise InvalidInput(
            f"The model has {counted(outputs, 'output')}, so labels must lie between 0 and "
            f"{highest}, but there are labels from {labels.min():g} to {labels.max():g}."
        )


def _outputs(model: keras.Model, images: np.ndarray) -> int:
    try:
        shape = model.output_shape
    except (AttributeError, ValueError):
        shape = model(images[:1], training=False).shape
    if not isinstance(shape, tuple | tf.TensorShape) or len(shape) != 2:
        raise InvalidInput(
            f"The model must give one number per class, so outputs of shape (batch, classes), but "
            f"its outputs have the shape {shape}; end it with a Dense layer."
        )
    return int(shape[1])


def _loss_kind(model: keras.Model) -> tuple[str | None, bool | None]:
    """Return the kind of the loss ("sparse", "categorical", "binary" or None) and from_logits."""
    loss = model.loss
    for kind, loss_class in _LOSSES.items():
        if isinstance(loss, loss_class):
            return kind, bool(loss.from_logits)
        if isinstance(loss, str) and loss.lower().replace("_", "") == loss_class.__name__.lower():
            return kind, False
    return None, None


def _ends_in_probabilities(model: keras.Model) -> str | None:
    """Return the name of the last activation if it gives probabilities, None for logits.

    "" means that the last activation is unknown; then the loss is trusted.
    """
    name = last_activation(model)
    if name in ("softmax", "sigmoid"):
        return name
    return None if name == "linear" else ""


def _size(shape: Sequence[int | None]) -> str:
    return "×".join("any" if n is None else str(n) for n in shape)
