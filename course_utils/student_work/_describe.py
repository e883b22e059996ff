"""Serialize a Keras model as plain data, and build it again in another process.

A model of built-in Keras layers is determined by its configuration and weights. They are read in
the process of the submission, and everything else is computed from them in a trusted process.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

#: Entries of a compile configuration that do not change the result.
_EXECUTION_OPTIONS = ("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")


def describe(model: Any, input_shape: Sequence[int] | None) -> dict[str, Any]:
    """Return a model or layer as plain data.

    Parameters
    ----------
    model : keras.Model or keras.Layer
        The model.
    input_shape : sequence of int or None
        The shape of one input, without the batch axis, if known. A subclassed model is traced with
        an input of this shape.

    Returns
    -------
    dict
        ``"network"``: configuration (JSON), weights by layer, trainable flags and number of
        weights, or None if the model contains custom code. ``"compiled"``: loss, optimizer and
        metrics (JSON), "" if the model is not compiled, or None if they contain custom code.
    """
    return {"network": _network(model, input_shape), "compiled": _compiled(model)}


def _network(model: Any, input_shape: Sequence[int] | None) -> dict[str, Any] | None:
    import keras

    try:
        if not _is_built_in(model):
            model = None if input_shape is None else _traced(model, input_shape)
        if model is None:
            return None
        config = keras.saving.serialize_keras_object(model)
        config.pop("compile_config", None)
        found = list(_layers(model))
        return {
            "config": json.dumps(config),
            "weights": {path: [np.array(v.numpy()) for v in _own(layer)] for path, layer in found},
            "trainable": {path: bool(layer.trainable) for path, layer in found},
            "number": len({id(v) for v in model.weights}),
        }
    except Exception:  # a model that cannot be described is evaluated in its own process
        return None


def _is_container(model: Any) -> bool:
    """Return whether this is a Sequential or functional model, not of a subclass."""
    import keras
    from keras.src.models.functional import Functional

    return type(model) in (keras.Sequential, Functional)


def _is_built_in(model: Any) -> bool:
    """Return whether a model or layer, and all layers in it, are of built-in Keras classes."""
    if _is_container(model):
        return all(_is_built_in(layer) for layer in model.layers)
    return _is_built_in_layer(model)


def _is_built_in_layer(layer: Any) -> bool:
    import keras

    kind = type(layer)
    return getattr(keras.layers, kind.__name__, None) is kind


@contextmanager
def _custom_layers_inlined() -> Iterator[None]:
    """Replace the call of a custom layer by the calls of the layers in it."""
    import keras

    original = keras.layers.Layer.__call__

    def inlined(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_container(layer) or _is_built_in_layer(layer):
            return original(layer, *args, **kwargs)
        if "training" not in inspect.signature(layer.call).parameters:
            kwargs.pop("training", None)
        return layer.call(*args, **kwargs)

    keras.layers.Layer.__call__ = inlined
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original


def _traced(model: Any, input_shape: Sequence[int]) -> Any:
    """Trace a model with custom classes as a functional model of built-in layers.

    Returns
    -------
    keras.Model or None
        The equivalent functional model; None if training and inference differ in more than the
        `training` flag that is passed to the layers, or if a layer is called with a fixed flag.
    """
    import keras

    names = inspect.signature(model.call).parameters
    if not model.built:
        model(keras.ops.zeros((1, *input_shape)), training=False)
    made = []
    for training in (None, False, True) if "training" in names else (None,):
        flag = {"training": training} if "training" in names else {}
        inputs = keras.Input(tuple(input_shape), name="traced_input")
        with _custom_layers_inlined():
            outputs = model.call(inputs, **flag)
        made.append(keras.Model(inputs, outputs, name="traced"))
    # Read through the class of Keras: a custom class can override `weights`.
    if len(made[0].weights) != len({id(v) for v in keras.layers.Layer.weights.fget(model)}):
        return None
    configs = [json.loads(json.dumps(functional.get_config())) for functional in made]
    if not _same_but_training(*(configs if len(configs) == 3 else configs * 3)):
        return None
    if not model.trainable:
        made[0].trainable = False
    return made[0]


def _same_but_training(none: Any, off: Any, on: Any, key: str = "") -> bool:
    """Return whether three configurations differ in nothing but `training`: None, False, True.

    A fixed value is refused: a functional model would replace it by the flag of its own call.
    """
    if isinstance(none, dict):
        if not isinstance(off, dict) or not isinstance(on, dict):
            return False
        keys = {*none, *off, *on}
        same = keys - {"training"} <= {*none} & {*off} & {*on}
        return same and all(_same_but_training(none.get(k), off.get(k), on.get(k), k) for k in keys)
    if isinstance(none, list):
        same = isinstance(off, list) and isinstance(on, list) and len(none) == len(off) == len(on)
        return same and all(map(_same_but_training, none, off, on))
    if key == "training":
        return (none, off, on) in ((None, False, True), (None, None, None))
    if isinstance(none, str) and isinstance(off, str) and isinstance(on, str):
        none, off, on = (re.sub(r"_\d+$", "", name) for name in (none, off, on))  # numbered names
    return bool(none == off == on)


def _layers(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all layers with their paths, containers before their layers."""
    yield path, model
    if _is_container(model):
        for layer in model.layers:
            yield from _layers(layer, f"{path}/{layer.name}")


def _own(layer: Any) -> list[Any]:
    return [] if _is_container(layer) else list(layer.weights)


def _compiled(model: Any) -> str | None:
    import keras

    try:
        if not getattr(model, "compiled", False):
            return ""
        config = model.get_compile_config()
        config = {key: value for key, value in config.items() if key not in _EXECUTION_OPTIONS}
        # A callback may have changed the learning rate, so the optimizer itself is read.
        config["optimizer"] = keras.saving.serialize_keras_object(model.optimizer)
        return json.dumps(config)
    except Exception:  # a model that cannot be described is evaluated in its own process
        return None


def build(network: dict[str, Any] | None, compiled: str) -> Any:
    """Build the model that :func:`describe` returned.

    Parameters
    ----------
    network : dict or None
        The validated description; None builds a placeholder that can be compiled.
    compiled : str
        Validated loss, optimizer and metrics; "" for none.

    Raises
    ------
    ValueError
        If the number of weights differs, because layers are shared between nested models.
    """
    import keras

    if network is None:
        model: Any = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    else:
        with _weights_of_zeros():
            model = _revived(json.loads(network["config"]))
        _assign(model, network["weights"])
        for path, layer in _layers(model):
            layer.trainable = network["trainable"][path]
        if len({id(v) for v in model.weights}) != network["number"]:
            raise ValueError("layers are shared in a way that the configuration does not say")
    if compiled:
        config = keras.saving.deserialize_keras_object(json.loads(compiled))
        model.compile(**config, jit_compile=False)
    return model


def _revived(config: dict[str, Any]) -> Any:
    """Return the model of a configuration.

    Keras builds a Sequential model again after each layer that it adds. Here it is built once.
    """
    import keras

    layers = config["config"].get("layers", ())
    is_sequential = (config.get("module"), config["class_name"]) == ("keras", "Sequential")
    if not is_sequential or not layers or layers[0]["class_name"] != "InputLayer":
        return keras.saving.deserialize_keras_object(config)
    return keras.Sequential([_revived(layer) for layer in layers], name=config["config"]["name"])


@contextmanager
def _weights_of_zeros() -> Iterator[None]:
    """Draw no random numbers for weights that are set afterwards."""
    import keras

    initializer = keras.initializers.VarianceScaling
    original = initializer.__call__
    initializer.__call__ = lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype)
    try:
        yield
    finally:
        initializer.__call__ = original


def take(model: Any) -> dict[str, list[np.ndarray]]:
    """Return the weights of each layer by its path."""
    return {path: [np.array(v.numpy()) for v in _own(layer)] for path, layer in _layers(model)}


def put(
    model: Any, weights: dict[str, list[np.ndarray]], input_shape: Sequence[int] | None
) -> None:
    """Set the weights of each layer by its path; a model without weights is built first.

    Raises
    ------
    ValueError, KeyError
        If the layers or the shapes of the weights differ.
    """
    import keras

    if not _is_built_in(model):
        model = _traced(model, input_shape or ())
    elif input_shape is not None and not model.built:
        model(keras.ops.zeros((1, *input_shape)), training=False)
    _assign(model, weights)


def _assign(model: Any, weights: dict[str, list[np.ndarray]]) -> None:
    for path, layer in _layers(model):
        for variable, value in zip(_own(layer), weights[path], strict=True):
            variable.assign(value)
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
