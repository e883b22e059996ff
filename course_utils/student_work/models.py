"""Operations on a Keras model; Keras is imported in functions, because few exercises need it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np


def outputs(model: Any, x: np.ndarray, training: bool) -> Any:
    """Return the outputs of a model for a batch, as an array or a structure of arrays."""
    import keras

    # In training mode batch normalization updates its statistics; they are restored afterwards.
    if not model.built:
        model(keras.ops.convert_to_tensor(x[:1]), training=False)
    with _restored(model.non_trainable_weights if training else []):
        result = model(keras.ops.convert_to_tensor(x), training=training)
    return keras.tree.map_structure(
        lambda tensor: np.array(keras.ops.convert_to_numpy(tensor)), result
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
        "momentum": getattr(optimizer, "momentum", None),
        "metrics": _metric_names(model),
    }


def _loss_function(model: Any) -> Any:
    import keras

    return keras.losses.get(model.loss) if isinstance(model.loss, str) else model.loss


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
    losses = []
    with _restored([*model.weights, *model.optimizer.variables]):
        if type(model).__module__.startswith("keras."):
            _make_metrics(model, x, y)
        for _ in range(steps):
            model.reset_metrics()
            result = model.train_on_batch(x, y, return_dict=True)
            losses.append(float(result["loss"]))
        model.reset_metrics()
    return losses


def _make_metrics(model: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Create the variables of the metrics, else TensorFlow traces the training step twice."""
    import keras

    with suppress(Exception):  # the training step itself raises the error
        outputs = model(keras.ops.convert_to_tensor(x), training=False)
        target = keras.ops.convert_to_tensor(y)
        model.compute_loss(x, target, outputs)
        model.compute_metrics(x, target, outputs)


def parts(element: Any) -> list[Any]:
    """Return the parts of an element of a dataset as a flat list."""
    if isinstance(element, tuple | list):
        return [part for item in element for part in parts(item)]
    if isinstance(element, dict):
        return [part for name in sorted(element) for part in parts(element[name])]
    return [element]
