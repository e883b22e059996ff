"""Operations on a Keras model; Keras is imported in functions, because few exercises need it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np


def outputs(model: Any, x: np.ndarray, training: bool) -> Any:
    """Return the outputs of a model for a batch, as an array or a structure of arrays."""
    import keras

    # In training mode batch normalization updates its statistics; they are restored afterwards.
    if not model.built:
        model(keras.ops.convert_to_tensor(x[:1]), training=False)
    if not training and _is_simple(model, x):
        # The same as a call of the model, without the checks that Keras makes in each layer.
        result = keras.ops.convert_to_tensor(x)
        for layer in model.layers:
            result = layer.call(result)
        return np.array(keras.ops.convert_to_numpy(result))
    with _restored(model.non_trainable_weights if training else []):
        result = model(keras.ops.convert_to_tensor(x), training=training)
    return keras.tree.map_structure(
        lambda tensor: np.array(keras.ops.convert_to_numpy(tensor)), result
    )


#: Layers of which one tensor is the whole input and output, and which do the same in each call.
_SIMPLE = frozenset(
    {
        *("Activation", "AveragePooling2D", "Conv2D", "Dense", "Dropout", "Flatten"),
        *("GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D", "ReLU", "Rescaling"),
    }
)


def _is_simple(model: Any, x: np.ndarray) -> bool:
    """Return whether a model is a row of simple layers for inputs of exactly this shape."""
    return (
        x.dtype == np.float32
        and _is_chain(model, x.shape[1:])
        and model.inputs[0].dtype == "float32"
        and all(_is_simple_layer(layer) for layer in model.layers)
    )


def _is_simple_layer(layer: Any) -> bool:
    import keras

    name = type(layer).__name__
    return (
        name in _SIMPLE
        and type(layer) is getattr(keras.layers, name)
        and layer.dtype_policy.name == "float32"
        and not {"call", "__call__"} & set(vars(layer))
    )


@contextmanager
def _restored(variables: Sequence[Any]) -> Iterator[None]:
    """Restore the values of the variables after the block."""
    before = [np.array(variable.numpy()) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def in_order(model: Any, input_shape: Sequence[int]) -> list[Any]:
    """Return the weights of a model, layer by layer in the order of the first call.

    Equivalent models have the same order, whatever the order in which their layers were created.
    Within a layer, the order is that of creation. Weights of layers that are not called come last.
    """
    import keras

    if _is_chain(model, input_shape):  # called in the order in which they stand
        return list({id(v): v for layer in [*model.layers, model] for v in layer.weights}.values())
    called: list[Any] = []
    original = keras.layers.Layer.__call__

    def recording(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not any(layer is seen for seen in called):
            called.append(layer)
        return original(layer, *args, **kwargs)

    keras.layers.Layer.__call__ = recording
    try:
        model(keras.ops.zeros((2, *input_shape)), training=False)
    finally:
        keras.layers.Layer.__call__ = original
    weights = {id(variable): variable for variable in model.weights}
    in_calls = {id(v): v for layer in called for v in own_weights(layer) if id(v) in weights}
    return list((in_calls | weights).values())


def _is_chain(model: Any, input_shape: Sequence[int]) -> bool:
    """Return whether a model is a row of plain layers, built for this shape of one input."""
    import keras

    shape = getattr(model, "input_shape", None) if type(model) is keras.Sequential else None
    return (
        isinstance(shape, tuple)
        and shape[1:] == tuple(input_shape)
        and all(type(layer).__module__.startswith("keras.") for layer in model.layers)
        and not any(layer._layers for layer in model.layers)
    )


def own_weights(layer: Any) -> list[Any]:
    """Return the weights of a layer itself, without those of the layers inside it."""
    inside = {id(v) for inner in layer._layers for v in inner.weights}
    return [v for v in layer.weights if id(v) not in inside]


def reached(model: Any, weights: Sequence[Any], input_shape: Sequence[int]) -> list[bool]:
    """Return for each weight whether the outputs have a gradient with respect to it.

    A gradient of zeros counts. There is none behind :func:`tf.stop_gradient` and its like, and for
    a weight that is frozen or not used.
    """
    import keras
    import tensorflow as tf

    with _restored(model.non_trainable_weights), tf.GradientTape() as tape:
        result = model(keras.ops.ones((2, *input_shape)), training=True)
        total = sum(tf.reduce_sum(tensor) for tensor in keras.tree.flatten(result))
    gradients = tape.gradient(total, [weight.value for weight in weights])
    return [
        gradient is not None and weight.trainable
        for weight, gradient in zip(weights, gradients, strict=True)
    ]


def compiled(model: Any) -> dict[str, Any]:
    """Return loss, optimizer, learning rate and metrics; an empty dictionary if not compiled."""
    import keras

    if not model.compiled:
        return {}
    loss, optimizer = _loss_function(model), model.optimizer
    config = loss.get_config() if hasattr(loss, "get_config") else {}
    return {
        "loss": _snake(type(loss).__name__ if config else getattr(loss, "__name__", str(loss))),
        "from_logits": config.get("from_logits"),
        "label_smoothing": config.get("label_smoothing"),
        "optimizer": type(optimizer).__name__.lower(),
        "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
        "highest_rate": _highest_rate(optimizer),
        "momentum": getattr(optimizer, "momentum", None),
        "metrics": _metric_names(model),
    }


def _highest_rate(optimizer: Any) -> float:
    """Return the highest learning rate that the schedule of an optimizer has in a million steps."""
    import keras

    rate = getattr(optimizer, "_learning_rate", None)
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    steps = [0, *np.unique(np.geomspace(1, 1e6, 60).astype(int)).tolist()]
    return max(float(keras.ops.convert_to_numpy(rate(step))) for step in steps)


def _loss_function(model: Any) -> Any:
    """Return the loss of a model, also where it stands in a list or in a dictionary of outputs."""
    import keras

    found = model.loss
    while isinstance(found, list | tuple | dict) and len(found) == 1:
        (found,) = found.values() if isinstance(found, dict) else found
    return keras.losses.get(found) if isinstance(found, str) else found


def _metric_names(model: Any) -> list[str]:
    """Return the names of the metrics in the compile configuration, in lower case."""

    def names(entry: Any) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry.lower()
        elif isinstance(entry, dict) and "config" in entry:
            yield str(entry["config"].get("name", entry.get("class_name", ""))).lower()
        elif isinstance(entry, dict | list | tuple):
            for value in entry.values() if isinstance(entry, dict) else entry:
                yield from names(value)

    return list(names((model.get_compile_config() or {}).get("metrics")))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def loss(model: Any, y: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the loss of given outputs, without the regularization of layers."""
    import keras

    targets, outputs = (keras.ops.convert_to_tensor(array) for array in (y, y_pred))
    return float(np.mean(keras.ops.convert_to_numpy(_loss_function(model)(targets, outputs))))


def train(model: Any, x: np.ndarray, y: np.ndarray, steps: int) -> list[float]:
    """Train a model on one batch for some steps; return the loss before each step.

    Weights and optimizer are restored afterwards, so a check does not change the model.
    """
    if not model.built:
        outputs(model, x[:1], False)
    model.optimizer.build(model.trainable_variables)
    step = _step if _trains_as_keras(model) else _own_step
    with _restored([*model.weights, *model.optimizer.variables]):
        one_more = step(model, x, y)
        return [one_more() for _ in range(steps)]


def _trains_as_keras(model: Any) -> bool:
    """Return whether the training step of a model is that of Keras itself, in a graph."""
    import keras

    kept = {"train_step", "compute_loss", "compute_metrics", "train_on_batch", "call"}
    if not type(model).__module__.startswith("keras.") or kept & set(vars(model)):
        return False
    return keras.backend.backend() == "tensorflow" and not model.run_eagerly


def _step(model: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Return a function that takes one step as Keras does, but computes the metrics only once.

    Metrics do not change the weights, and tracing them takes longer than the training itself.
    """
    import tensorflow as tf

    inputs, target = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    outputs = model(inputs, training=False)
    model.compute_loss(inputs, target, outputs)
    model.compute_metrics(inputs, target, outputs)  # their errors are those of a training, too
    model.reset_metrics()

    @tf.function(autograph=False, jit_compile=False)
    def step() -> Any:
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            loss = model.compute_loss(inputs, target, outputs, training=True)
            scaled = model.optimizer.scale_loss(loss)
        if weights := model.trainable_weights:
            gradients = tape.gradient(scaled, weights)
            model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    compiled = step.get_concrete_function()  # a call would warn of many networks of few steps each
    return lambda: float(compiled())


def _own_step(model: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Return a function that takes one step with the training step of the model itself."""

    def step() -> float:
        model.reset_metrics()
        loss = float(model.train_on_batch(x, y, return_dict=True)["loss"])
        model.reset_metrics()
        return loss

    return step


def parts(element: Any) -> list[Any]:
    """Return the parts of an element of a dataset as a flat list."""
    if isinstance(element, tuple | list):
        return [part for item in element for part in parts(item)]
    if isinstance(element, dict):
        return [part for name in sorted(element) for part in parts(element[name])]
    return [element]
