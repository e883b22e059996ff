"""Describe a training by its model, data, arguments and versions, to recognize the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from course_utils import __version__
from course_utils.exceptions import InvalidInput
from course_utils.validate import first_line


class NotComparable(InvalidInput):
    """A model, a dataset or an argument that cannot be described and compared."""


def signature(model: keras.Model, dataset: Any, **arguments: Any) -> dict[str, Any]:
    """Describe a training as JSON values, one entry per argument that may differ.

    Parameters
    ----------
    model : keras.Model
        The model; its layers and their settings count, not their automatic names.
    dataset : ImageDataset or tuple
        The data; of a tuple of tf.data datasets only shapes and number of batches count.
    **arguments
        The other arguments, by name.

    Returns
    -------
    dict

    Raises
    ------
    NotComparable
        If something cannot be described, such as a function of the reader's.
    """
    return {
        "model": model_config(model),
        "dataset": data_identity(dataset),
        **{name: describe(name, value) for name, value in arguments.items()},
        "Keras version": keras.__version__,
        "TensorFlow version": tf.__version__,
        "course version": __version__,
    }


def digest(content: Any) -> str:
    """Return a digest of JSON values, 16 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def model_config(model: keras.Model) -> Any:
    """Return a model's configuration with layers named by position, not by Keras's counters.

    Raises
    ------
    NotComparable
        If the model has no configuration.
    """
    try:
        config = json.loads(json.dumps(model.get_config(), default=str))
    except (NotImplementedError, TypeError, ValueError) as error:
        raise NotComparable(
            f"The model {model.name!r} cannot be described ({first_line(error)})."
        ) from None
    return {"kind": type(model).__name__, "config": _rename(config, _layer_names(model))}


def _layer_names(model: keras.layers.Layer) -> dict[str, str]:
    """Map the name of each layer, input layers too, to a name by position."""
    names: dict[str, str] = {}
    for part in model._flatten_layers():
        for layer in (part, *getattr(part, "_layers", ())):
            names.setdefault(layer.name, f"layer {len(names)}")
    return names


def compiled_config(model: keras.Model) -> list[Any]:
    """Return the configuration of the optimizer, and the loss, of a compiled model."""
    return [model.optimizer.get_config(), str(model.loss)]


def data_identity(dataset: Any) -> Any:
    """Return the fingerprint of a dataset, or the shapes and sizes of tf.data datasets."""
    if hasattr(dataset, "fingerprint"):
        return str(dataset.fingerprint)
    return [
        None if part is None else [str(part.element_spec), int(part.cardinality())]
        for part in dataset
    ]


def describe(name: str, value: Any) -> Any:
    """Return an argument as JSON values.

    Raises
    ------
    NotComparable
        If it cannot be described, for instance a function of the reader's.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.integer | np.floating):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): describe(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(name, item) for item in value]
    if hasattr(value, "get_config"):
        config = json.loads(json.dumps(value.get_config(), default=str))
        config.pop("name", None)
        if isinstance(value, keras.layers.Layer):
            config = _rename(config, _layer_names(value))
        return {"kind": f"{type(value).__module__}.{type(value).__qualname__}", "config": config}
    raise NotComparable(f"The argument {name} is {value!r}, which cannot be compared.")


def _rename(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, dict):
        return {key: _rename(value, names) for key, value in content.items()}
    if isinstance(content, list):
        return [_rename(value, names) for value in content]
    if isinstance(content, str):
        return names.get(content, content)
    return content
