"""The networks of the course, as plain Keras models.

All of them take pixels in 0-255, rescale them to 0-1 themselves and end in *logits*: one number
per class, without softmax. So a model takes any dataset of the right image size, no lesson rescales
twice, and the loss is always computed with ``from_logits=True``.

First met in lesson 03, which writes each of them out in full.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.validate import is_whole, number_between, whole_number

if TYPE_CHECKING:
    import keras
    import pandas as pd

__all__ = [
    "check_pixels",
    "deep_cnn",
    "dense_baseline",
    "last_activation",
    "layer_table",
    "rescaled_range",
    "regularized_cnn",
    "small_cnn",
    "without_tracing_warning",
]

#: Momentum of the running means of batch normalization. With Keras's 0.99 they need some 500 steps
#: to converge, more than most trainings of the course have.
_NORM_MOMENTUM = 0.9
#: A model rescales its pixels if it maps 0-255 to a narrower range than this.
_RESCALED = 25.5
#: It rescales them twice if the range is narrower than this.
_RESCALED_TWICE = 0.05


def dense_baseline(
    input_shape: Sequence[int], num_classes: int, units: int = 128
) -> keras.Sequential:
    """Build a network without convolutions: every pixel is connected to every unit.

    A baseline that shows the gain from convolutions. Written out in lesson 03.

    Parameters
    ----------
    input_shape : sequence of three int
        Height, width and channels of the images.
    num_classes : int
        Number of classes, at least 2.
    units : int
        Number of units in the hidden layer.

    Returns
    -------
    keras.Sequential
        From float32 pixels in 0-255 of shape (batch, height, width, channels) to logits of shape
        (batch, num_classes).

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    """
    import keras
    from keras import layers

    shape, classes = _checked(input_shape, num_classes)
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(whole_number("units", units, 1, example=128), activation="relu"),
            _logits(classes),
        ],
        name="dense_baseline",
    )


def small_cnn(
    input_shape: Sequence[int],
    num_classes: int,
    filters: Sequence[int] = (16, 32, 64),
    kernel_size: int = 3,
    dense_units: int = 128,
) -> keras.Sequential:
    """Build the network that most lessons train: convolution and pooling, three times.

    Rescaling, then for each entry of `filters` a convolution ("valid", ReLU) and 2x2 max pooling,
    then flatten, one dense layer and the logits. Written out in lesson 03.

    Parameters
    ----------
    input_shape : sequence of three int
        Height, width and channels of the images.
    num_classes : int
        Number of classes, at least 2.
    filters : sequence of int
        Number of filters of each convolution; its length is the number of blocks.
    kernel_size : int
        Height and width of each filter.
    dense_units : int
        Number of units in the dense layer before the logits.

    Returns
    -------
    keras.Sequential
        From float32 pixels in 0-255 of shape (batch, height, width, channels) to logits of shape
        (batch, num_classes).

    Raises
    ------
    InvalidInput
        If an argument cannot be used, or the images are too small for so many blocks.
    """
    return _plain_cnn(
        "small_cnn", input_shape, num_classes, filters, kernel_size, dense_units, 0.0, 0.0
    )


def regularized_cnn(
    input_shape: Sequence[int],
    num_classes: int,
    dropout: float = 0.2,
    l2: float = 1e-3,
    filters: Sequence[int] = (16, 32, 64),
    kernel_size: int = 3,
    dense_units: int = 128,
) -> keras.Sequential:
    """Build :func:`small_cnn` with dropout and L2 regularization against overfitting.

    Dropout stands before and after the dense layer. The L2 penalty, `l2` times the sum of the
    squared weights, is added to the loss for the convolutions and the dense layer; biases and the
    logits layer have no penalty. Written out in lesson 03, studied in lesson 04.

    Parameters
    ----------
    input_shape : sequence of three int
        Height, width and channels of the images.
    num_classes : int
        Number of classes, at least 2.
    dropout : float
        Share of the values that are set to zero during training, in [0, 1).
    l2 : float
        Factor of the L2 penalty, 0 or more.
    filters, kernel_size, dense_units
        As for :func:`small_cnn`.

    Returns
    -------
    keras.Sequential
        From float32 pixels in 0-255 of shape (batch, height, width, channels) to logits of shape
        (batch, num_classes).

    Raises
    ------
    InvalidInput
        If an argument cannot be used, or the images are too small for so many blocks.
    """
    l2 = number_between("l2", l2, 0, math.inf, 1e-3)
    dropout = number_between("dropout", dropout, 0, 1, 0.2, open_high=True)
    name = "regularized_cnn"
    return _plain_cnn(
        name, input_shape, num_classes, filters, kernel_size, dense_units, dropout, l2
    )


def deep_cnn(
    input_shape: Sequence[int],
    num_classes: int,
    filters: Sequence[int] = (24, 48, 96, 192),
    dropout: float = 0.2,
    synchronized: bool = False,
) -> keras.Model:
    """Build a deeper network with batch normalization and global average pooling.

    A stem (5x5 convolution with stride 2) is followed by one block for each further entry of
    `filters`: a 3x3 convolution, batch normalization, ReLU and 2x2 max pooling. Global average
    pooling takes the place of flattening, so the number of weights does not depend on the size of
    the images. Written out, with the functional interface, in lesson 03.

    Parameters
    ----------
    input_shape : sequence of three int
        Height, width and channels of the images.
    num_classes : int
        Number of classes, at least 2.
    filters : sequence of int
        Number of filters of the stem and of each block.
    dropout : float
        Share of the pooled features that are set to zero during training, in [0, 1).
    synchronized : bool
        Whether batch normalization computes its mean and variance over all GPUs. Without it each
        GPU normalizes its own part of the batch, which is faster, but another computation than on
        one GPU.

    Returns
    -------
    keras.Model
        From float32 pixels in 0-255 of shape (batch, height, width, channels) to logits of shape
        (batch, num_classes).

    Raises
    ------
    InvalidInput
        If an argument cannot be used, or the images are too small for so many blocks.
    """
    import keras
    from keras import layers

    shape, classes = _checked(input_shape, num_classes)
    filters = _filters(filters)
    rate = number_between("dropout", dropout, 0, 1, 0.2, open_high=True)
    _require_size(shape, 2 ** len(filters), len(filters))

    inputs = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(inputs)
    for block, count in enumerate(filters):
        stem = block == 0
        x = layers.Conv2D(
            count,
            5 if stem else 3,
            strides=2 if stem else 1,
            padding="same",
            use_bias=False,  # batch normalization adds a bias of its own
        )(x)
        x = layers.BatchNormalization(momentum=_NORM_MOMENTUM, synchronized=synchronized)(x)
        x = layers.ReLU()(x)
        if not stem:
            x = layers.MaxPooling2D()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(rate)(x)
    return keras.Model(inputs, _logits(classes)(x), name="deep_cnn")


def layer_table(model: keras.Model) -> pd.DataFrame:
    """List the layers of a model with their output shapes and how their parameters are counted.

    Parameters
    ----------
    model : keras.Model
        A built model.

    Returns
    -------
    pandas.DataFrame
        One row per layer, with the columns ``layer`` (name), ``kind`` (class), ``output shape``
        (without the batch), ``parameters`` (int) and ``how the number comes about``. The sum of
        ``parameters`` equals ``model.count_params()`` unless layers are shared.

    Raises
    ------
    InvalidInput
        If `model` is not a Keras model, or is not built.

    Examples
    --------
    >>> model = small_cnn((96, 96, 3), 5)
    >>> int(layer_table(model)["parameters"].sum()) == model.count_params()
    True
    """
    import keras
    import pandas as pd

    if not isinstance(model, keras.Model):
        raise InvalidInput(
            f"layer_table needs a Keras model, but it was given {type(model).__name__}."
        )
    if not model.built:
        raise InvalidInput(
            f"The model {model.name!r} has no weights yet, because it does not know the size of "
            f"its images; begin it with keras.Input((height, width, channels))."
        )
    return pd.DataFrame(
        {
            "layer": layer.name,
            "kind": type(layer).__name__,
            "output shape": _output_shape(layer),
            "parameters": layer.count_params(),
            "how the number comes about": _explain(layer),
        }
        for layer in model.layers
    )


def rescaled_range(model: keras.Model) -> tuple[float, float] | None:
    """Compute the input of the first layer with weights for a black and for a white image.

    Parameters
    ----------
    model : keras.Model
        A built model of images, which may contain other models.

    Returns
    -------
    tuple of two float, or None
        The smallest and the largest value for pixels of 0 and 255: (0, 1) after
        ``Rescaling(1 / 255)``, (0, 255) where nothing is rescaled. None for models whose layers
        are unknown: subclassed, not built, or with several inputs.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or not hasattr(model, "inputs"):
        return None
    size = [n or 32 for n in shape[1:]]
    values = np.stack([np.zeros(size, "float32"), np.full(size, 255, "float32")])
    try:
        reached = np.asarray(_until_weights(model, values))
    except _ReachedWeights as found:
        reached = found.values
    except (AttributeError, ValueError):  # layers that are connected by its own code
        return None
    return float(reached.min()), float(reached.max())


class _ReachedWeights(Exception):
    """Carries the values that arrive at the first layer with weights."""

    def __init__(self, values: Any) -> None:
        super().__init__()
        self.values = np.asarray(values)


def _until_weights(model: keras.Model, values: Any) -> Any:
    """Pass `values` (N, H, W, C) through a model; raise `_ReachedWeights` at its first weights."""
    import keras

    def call(layer: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(layer, "weights", None) and not isinstance(layer, keras.layers.Normalization):
            if isinstance(layer, keras.Sequential) or hasattr(layer, "_run_through_graph"):
                return _until_weights(layer, x)
            raise _ReachedWeights(x)
        if "training" in getattr(layer, "call_signature_parameters", ()):
            kwargs["training"] = False
        return layer(x, *args, **kwargs)

    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            values = call(layer, values)
        return values
    # The undocumented method that explain/_view.py uses, too, and explains.
    return model._run_through_graph(keras.ops.convert_to_tensor(values), call_fn=call)


def last_activation(model: keras.Model) -> str | None:
    """Return the name of the last activation function of a model.

    Parameters
    ----------
    model : keras.Model
        A model, which may end in another model.

    Returns
    -------
    str or None
        For example "softmax", "sigmoid" or "linear"; None if the last layer has no activation.
    """
    operation: Any = model
    while getattr(operation, "layers", None):
        try:
            outputs = operation.outputs
        except (AttributeError, ValueError):  # subclassed, or not built
            outputs = None
        history = getattr(outputs[0], "_keras_history", None) if outputs else None
        last = history.operation if history is not None else operation.layers[-1]
        # The history of a Sequential model's output may hold the model itself.
        operation = operation.layers[-1] if last is operation else last
    kind = type(operation).__name__.lower()
    if kind in ("softmax", "sigmoid"):
        return kind
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None)


def check_pixels(model: keras.Model, images: np.ndarray) -> None:
    """Check that pixels lie in 0-255 if the model rescales them itself.

    Training, prediction and explanation use this check. A model whose own layers rescale twice
    gets a warning.

    Parameters
    ----------
    model : keras.Model
        A model of images.
    images : array (N, H, W, C)
        The input of the model.

    Raises
    ------
    InvalidInput
        If all pixels lie in 0-1 and the model rescales 0-255 itself.
    """
    reached = rescaled_range(model)
    width = reached[1] - reached[0] if reached else None
    if width is not None and width < _RESCALED_TWICE:
        warnings.warn(
            f"The layers of the model {model.name!r} rescale pixels twice: of 0-255 only "
            f"{reached[0]:.3g} to {reached[1]:.3g} reaches its first layer with weights. "  # type: ignore[index]
            f"Keep one of the rescaling layers (Keras's EfficientNet, ConvNeXt and MobileNetV3 "
            f"begin with one of their own).",
            UserWarning,
            stacklevel=3,
        )
    rescales = _has_rescaling(model) if width is None else width < _RESCALED
    if rescales and images.size and 0 < images.max() <= 1 and images.min() >= 0:
        raise InvalidInput(
            f"The pixels lie between {images.min():.3g} and {images.max():.3g}, but the model "
            f"rescales 0-255 itself, so they would be rescaled twice; give it pixels in 0-255."
        )


def _has_rescaling(model: Any) -> bool:
    """Return whether a layer of the model, at any depth, divides pixels by 50 or more.

    The layers of an exported network (see the room ``deployment``) are not known.
    """
    import keras

    return any(
        isinstance(layer, keras.layers.Rescaling) and np.all(np.abs(layer.scale) < 0.02)
        for layer in getattr(model, "_flatten_layers", list)()
    )


def _plain_cnn(
    name: str,
    input_shape: Sequence[int],
    num_classes: int,
    filters: Sequence[int],
    kernel_size: int,
    dense_units: int,
    dropout: float,
    l2: float,
) -> keras.Sequential:
    import keras
    from keras import layers

    shape, classes = _checked(input_shape, num_classes)
    filters = _filters(filters)
    kernel_size = whole_number("kernel_size", kernel_size, 1, example=3)
    dense_units = whole_number("dense_units", dense_units, 1, example=128)
    needed = 1
    for _ in filters:
        needed = 2 * needed + kernel_size - 1
    _require_size(shape, needed, len(filters))

    penalty = keras.regularizers.L2(l2) if l2 else None
    with_relu = {"activation": "relu", "kernel_regularizer": penalty}
    model = keras.Sequential([keras.Input(shape), layers.Rescaling(1 / 255)], name=name)
    for count in filters:
        model.add(layers.Conv2D(count, kernel_size, **with_relu))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(dense_units, **with_relu))
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(_logits(classes))
    return model


def _logits(num_classes: int) -> keras.layers.Layer:
    """Return the last layer: one unit per class, no softmax, float32 in mixed precision, too."""
    from keras import layers

    return layers.Dense(num_classes, dtype="float32", name="logits")


def _checked(input_shape: Sequence[int], num_classes: int) -> tuple[tuple[int, int, int], int]:
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else ()
    if len(shape) != 3 or not all(is_whole(n) and n >= 1 for n in shape):
        raise InvalidInput(
            f"input_shape is {input_shape!r}, but it must be (height, width, channels), three "
            f"whole numbers of at least 1; a dataset has it as dataset.input_shape."
        )
    height, width, channels = map(int, shape)
    return (height, width, channels), whole_number("num_classes", num_classes, 2, example=5)


def _filters(filters: Sequence[int]) -> tuple[int, ...]:
    if isinstance(filters, str) or not isinstance(filters, Sequence) or not filters:
        raise InvalidInput(
            f"filters is {filters!r}, but it must be a list with one whole number per "
            f"convolution, such as (16, 32, 64)."
        )
    return tuple(whole_number("an entry of filters", count, 1, example=16) for count in filters)


def _require_size(shape: tuple[int, int, int], needed: int, blocks: int) -> None:
    if min(shape[:2]) < needed:
        raise InvalidInput(
            f"Images of {shape[0]}×{shape[1]} pixels are too small for a network with {blocks} "
            f"convolution{'s' if blocks > 1 else ''}: each of them makes the feature maps smaller, "
            f"so at least {needed}×{needed} pixels are needed; load larger images or give fewer "
            f"filters."
        )


def _output_shape(layer: keras.layers.Layer) -> str:
    try:
        output = layer.output
    except (AttributeError, ValueError):
        return "?"
    if isinstance(output, list | tuple | dict):
        return "several outputs"
    return " × ".join("any" if size is None else str(size) for size in output.shape[1:])


def _explain(layer: keras.layers.Layer) -> str:
    """Explain the number of parameters of a layer, by a formula or in words."""
    kind = type(layer).__name__
    total = f"{layer.count_params():,}"
    if not layer.weights:
        return _NO_WEIGHTS.get(kind, "nothing to learn")
    if hasattr(layer, "layers"):
        return f"the sum over the {len(layer.layers)} layers inside"
    sizes = {weight.name: tuple(weight.shape) for weight in layer.weights}
    if kind == "Conv2D":
        *window, channels, filters = sizes["kernel"]
        product = "×".join(str(n) for n in (*window, channels, filters))
        return _with_bias(layer, product, filters, total)
    if kind == "Dense":
        inputs, units = sizes["kernel"]
        return _with_bias(layer, f"{inputs}×{units}", units, total)
    if kind == "BatchNormalization":
        channels = next(iter(sizes.values()))[0]
        trained = {"gamma": "a scale", "beta": "a shift"}
        names = " and ".join(word for name, word in trained.items() if name in sizes)
        what = f"{names}, and the running mean and variance" if names else "the mean and variance"
        return f"{what}, per channel: {len(sizes)}×{channels} = {total}"
    parts = " + ".join("×".join(str(n) for n in size) or "1" for size in sizes.values())
    return f"{parts} = {total}"


def _with_bias(layer: keras.layers.Layer, product: str, biases: int, total: str) -> str:
    return f"{product} + {biases} = {total}" if layer.use_bias else f"{product} = {total}, no bias"


_NO_WEIGHTS = {
    "InputLayer": "nothing to learn: the images come in",
    "Rescaling": "nothing to learn: divides by a constant",
    "MaxPooling2D": "nothing to learn: takes the largest value of each window",
    "AveragePooling2D": "nothing to learn: takes the mean of each window",
    "GlobalAveragePooling2D": "nothing to learn: takes the mean of each feature map",
    "GlobalMaxPooling2D": "nothing to learn: takes the largest value of each feature map",
    "Flatten": "nothing to learn: writes all numbers in one row",
    "ReLU": "nothing to learn: sets negative numbers to zero",
    "Activation": "nothing to learn: applies a function to each number",
    "Softmax": "nothing to learn: turns logits into probabilities",
    "Dropout": "nothing to learn: drops numbers at random while training",
}


@contextlib.contextmanager
def without_tracing_warning() -> Iterator[None]:
    """Leave out TensorFlow's warning of a function that is compiled again and again.

    It means a loop that compiles one function each time. Several networks that are trained for few
    epochs each look the same to it, although each needs a graph of its own.
    """

    def other(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    logger = logging.getLogger("tensorflow")
    logger.addFilter(other)  # one of its own for each block, since blocks may be nested
    try:
        yield
    finally:
        logger.removeFilter(other)
