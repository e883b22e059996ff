"""A Keras network as data: its configuration and weights, and the network made of them again.

Where a network consists of Keras's own layers, its configuration and weights say all that can be
judged. So they are read where the network is, and everything is computed from them elsewhere.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

#: Parts of a compile configuration that say how to compute, not what.
_HOW = ("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")


def describe(model: Any, input_shape: Sequence[int] | None) -> dict[str, Any]:
    """Return a network or layer as plain data.

    Parameters
    ----------
    model : keras.Model or keras.Layer
        The network.
    input_shape : sequence of int or None
        The shape of one input, without the batch, where it is known. A class of the student's own
        is followed with an input of this shape.

    Returns
    -------
    dict
        ``"network"``: configuration (JSON), weights by layer, flags and number of weights, or None
        where the network has code of its own. ``"compiled"``: the same for loss, optimizer and
        metrics (JSON), or "" where it is not compiled, or None where that has code of its own.
    """
    return {"network": _network(model, input_shape), "compiled": _compiled(model)}


def _network(model: Any, input_shape: Sequence[int] | None) -> dict[str, Any] | None:
    import keras

    try:
        if not _is_keras_alone(model):
            model = None if input_shape is None else _followed(model, input_shape)
        if model is None:
            return None
        config = keras.saving.serialize_keras_object(model)
        config.pop("compile_config", None)
        found = list(_layers(model))
        return {
            "config": json.dumps(config),
            "weights": {path: [np.array(v.numpy()) for v in _own(one)] for path, one in found},
            "trainable": {path: bool(one.trainable) for path, one in found},
            "number": len({id(v) for v in model.weights}),
        }
    except Exception:  # what cannot be described is asked where it is
        return None


def _is_container(model: Any) -> bool:
    """Whether this is a network of Keras's own classes that consists of layers."""
    import keras
    from keras.src.models.functional import Functional

    return type(model) in (keras.Sequential, Functional)


def _is_keras_alone(model: Any) -> bool:
    """Whether a network or layer, and all layers in it, are of Keras's own classes."""
    if _is_container(model):
        return all(_is_keras_alone(one) for one in model.layers)
    return _is_layer_of_keras(model)


def _is_layer_of_keras(layer: Any) -> bool:
    import keras

    kind = type(layer)
    return getattr(keras.layers, kind.__name__, None) is kind


@contextmanager
def _own_layers_open() -> Iterator[None]:
    """Let layers of one's own be followed, too: calling one calls the layers in it."""
    import keras

    original = keras.layers.Layer.__call__

    def opened(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_container(layer) or _is_layer_of_keras(layer):
            return original(layer, *args, **kwargs)
        if "training" not in inspect.signature(layer.call).parameters:
            kwargs.pop("training", None)
        return layer.call(*args, **kwargs)

    keras.layers.Layer.__call__ = opened
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original


def _followed(model: Any, input_shape: Sequence[int]) -> Any:
    """Follow a network with classes of one's own through the layers of Keras that it uses.

    Returns
    -------
    keras.Model or None
        The functional network that does the same; None where it is not the same in training and in
        use but for the flag that is handed on.
    """
    import keras

    names = inspect.signature(model.call).parameters
    if not model.built:
        model(keras.ops.zeros((1, *input_shape)), training=False)
    made = []
    for training in (None, False, True) if "training" in names else (None,):
        flag = {"training": training} if "training" in names else {}
        inputs = keras.Input(tuple(input_shape), name="followed_input")
        with _own_layers_open():
            outputs = model.call(inputs, **flag)
        made.append(keras.Model(inputs, outputs, name="followed"))
    # Asked of Keras's own class: a class of one's own may say anything about its weights.
    if len(made[0].weights) != len({id(v) for v in keras.layers.Layer.weights.fget(model)}):
        return None
    configs = [json.loads(json.dumps(one.get_config())) for one in made]
    if len(configs) == 3 and not _hands_on(*configs):
        return None
    if not model.trainable:
        made[0].trainable = False
    return made[0]


def _hands_on(none: Any, off: Any, on: Any, key: str = "") -> bool:
    """Whether three configurations differ in nothing but a flag that is handed on."""
    if isinstance(none, dict):
        if not isinstance(off, dict) or not isinstance(on, dict):
            return False
        keys = {*none, *off, *on}
        same = keys - {"training"} <= {*none} & {*off} & {*on}
        return same and all(_hands_on(none.get(k), off.get(k), on.get(k), k) for k in keys)
    if isinstance(none, list):
        same = isinstance(off, list) and isinstance(on, list) and len(none) == len(off) == len(on)
        return same and all(map(_hands_on, none, off, on))
    if key == "training" and (none, off, on) == (None, False, True):
        return True
    if isinstance(none, str) and isinstance(off, str) and isinstance(on, str):
        none, off, on = (re.sub(r"_\d+$", "", one) for one in (none, off, on))  # counted names
    return bool(none == off == on)


def _layers(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All layers by their path, those that hold others before what they hold."""
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
        config = {key: value for key, value in config.items() if key not in _HOW}
        # A callback may have changed the learning rate since; the optimizer itself knows.
        config["optimizer"] = keras.saving.serialize_keras_object(model.optimizer)
        return json.dumps(config)
    except Exception:  # what cannot be described is asked where it is
        return None


def build(network: dict[str, Any] | None, compiled: str) -> Any:
    """Make the network that :func:`describe` describes.

    Parameters
    ----------
    network : dict or None
        The description, checked; None makes a network only so that it can be compiled.
    compiled : str
        Loss, optimizer and metrics, checked; "" for none.

    Raises
    ------
    ValueError
        If the network is not the one that was described, because layers are shared between parts.
    """
    import keras

    if network is None:
        model: Any = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    else:
        model = keras.saving.deserialize_keras_object(json.loads(network["config"]))
        _assign(model, network["weights"])
        for path, one in _layers(model):
            one.trainable = network["trainable"][path]
        if len({id(v) for v in model.weights}) != network["number"]:
            raise ValueError("layers are shared in a way that the configuration does not say")
    if compiled:
        config = keras.saving.deserialize_keras_object(json.loads(compiled))
        model.compile(**config, jit_compile=False)
    return model


def take(model: Any) -> dict[str, list[np.ndarray]]:
    """Return the weights of each layer by its path."""
    return {path: [np.array(v.numpy()) for v in _own(one)] for path, one in _layers(model)}


def put(
    model: Any, weights: dict[str, list[np.ndarray]], input_shape: Sequence[int] | None
) -> None:
    """Set the weights of each layer by its path; an input of this shape builds the network.

    Raises
    ------
    ValueError, KeyError
        If there are other layers or weights.
    """
    import keras

    if not _is_keras_alone(model):
        model = _followed(model, input_shape or ())
    elif input_shape is not None and not model.built:
        model(keras.ops.zeros((1, *input_shape)), training=False)
    _assign(model, weights)


def _assign(model: Any, weights: dict[str, list[np.ndarray]]) -> None:
    for path, layer in _layers(model):
        for variable, value in zip(_own(layer), weights[path], strict=True):
            variable.assign(value)
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
