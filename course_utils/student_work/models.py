"""What may be asked of a Keras network. Keras is imported by whoever made the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np


def outputs(model: Any, x: np.ndarray, training: bool) -> Any:
    """Return what a network gives for a batch, as an array (or several)."""
    import keras

    # With training on, batch normalisation changes its statistics: afterwards they are put back.
    if not model.built:
        model(keras.ops.convert_to_tensor(x[:1]), training=False)
    with _restored(model.non_trainable_weights if training else []):
        result = model(keras.ops.convert_to_tensor(x), training=training)
    return keras.tree.map_structure(lambda one: np.array(keras.ops.convert_to_numpy(one)), result)


@contextmanager
def _restored(variables: Sequence[Any]) -> Iterator[None]:
    """Let variables have after the block the values that they had before."""
    before = [np.array(variable.numpy()) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def in_order(model: Any, input_shape: Sequence[int]) -> list[Any]:
    """Return the weights of a network, layer by layer in the order of first execution.

    So networks that compute the same have the same order, in whatever order their layers were
    made. Within a layer, weights come in the order in which the layer made them. Weights that the
    calculation does not meet come last.
    """
    import keras

    weights = list(model.weights) if model.built else []
    called: list[Any] = []
    original = keras.layers.Layer.__call__

    def noting(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not any(layer is one for one in called):
            called.append(layer)
        return original(layer, *args, **kwargs)

    keras.layers.Layer.__call__ = noting
    try:
        model(keras.ops.zeros((2, *input_shape)), training=False)
    finally:
        keras.layers.Layer.__call__ = original
    weights = list(model.weights)
    known = {id(one): one for one in weights}
    found: dict[int, Any] = {}
    for layer in called:
        for variable in own_weights(layer):
            if id(variable) in known:
                found[id(variable)] = variable
    return [*found.values(), *(one for one in weights if id(one) not in found)]


def own_weights(layer: Any) -> list[Any]:
    """Return the weights that a layer holds itself, without those of layers inside it."""
    inside = {id(v) for one in layer._layers for v in one.weights}
    return [v for v in layer.weights if id(v) not in inside]


def compiled(model: Any) -> dict[str, Any]:
    """Return loss, optimizer, learning rate and metrics; an empty dictionary if not compiled."""
    import keras

    if not model.compiled:
        return {}
    loss = model.loss
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    optimizer = model.optimizer
    rate = optimizer.learning_rate
    config = loss.get_config() if hasattr(loss, "get_config") else {}
    return {
        "loss": _snake(type(loss).__name__ if config else getattr(loss, "__name__", str(loss))),
        "from_logits": config.get("from_logits"),
        "label_smoothing": config.get("label_smoothing"),
        "optimizer": type(optimizer).__name__.lower(),
        "learning_rate": float(keras.ops.convert_to_numpy(rate)),
        "momentum": getattr(optimizer, "momentum", None),
        "metrics": _metric_names(model),
    }


def _metric_names(model: Any) -> list[str]:
    wanted = model.get_compile_config().get("metrics") if model.get_compile_config() else None
    names: list[str] = []

    def collect(one: Any) -> None:
        if isinstance(one, str):
            names.append(one.lower())
        elif isinstance(one, dict) and "config" in one:
            config = one["config"]
            names.append(str(config.get("name", one.get("class_name", ""))).lower())
        elif isinstance(one, dict):
            for value in one.values():
                collect(value)
        elif isinstance(one, list | tuple):
            for value in one:
                collect(value)

    collect(wanted)
    return names


def _snake(name: str) -> str:
    import re

    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def loss(model: Any, y: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the loss of some outputs, without the penalties of layers."""
    import keras

    chosen = model.loss
    if isinstance(chosen, str):
        chosen = keras.losses.get(chosen)
    value = chosen(keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(y_pred))
    return float(np.mean(keras.ops.convert_to_numpy(value)))


def train(model: Any, x: np.ndarray, y: np.ndarray, steps: int) -> list[float]:
    """Take some steps of training on one batch, and return the loss before each.

    Afterwards weights and optimizer are as they were, so that a check does not train the network.
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
    """Make the variables of the metrics; TensorFlow traces a step that makes any twice."""
    import keras

    with suppress(Exception):  # what does not fit is said by the training itself
        outputs = model(keras.ops.convert_to_tensor(x), training=False)
        target = keras.ops.convert_to_tensor(y)
        model.compute_loss(x, target, outputs)
        model.compute_metrics(x, target, outputs)


def parts(element: Any) -> list[Any]:
    """Return the parts of an element of a dataset as a flat list."""
    if isinstance(element, tuple | list):
        return [part for one in element for part in parts(one)]
    if isinstance(element, dict):
        return [part for name in sorted(element) for part in parts(element[name])]
    return [element]
