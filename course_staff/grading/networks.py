"""Decide which descriptions of networks may be built by the scorer: Keras's own, of bounded size.

A description comes from the process with a student's code, so it is untrusted: only names on the
lists below, no code, no registered names, and no excessive numbers.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

_NAMES = """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional
    CategoryEncoding CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
    Conv3DTranspose Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot
    Dropout ELU Embedding Flatten GRU GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer LSTM
    LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum
    MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RandomBrightness
    RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomErasing RandomFlip
    RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization
    RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom ReLU
    RepeatVector Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN Softmax
    Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization Subtract
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D
    ZeroPadding2D ZeroPadding3D
"""
_LAYERS = frozenset(_NAMES.split())
_OF_KERAS = frozenset({"Sequential", "Functional", "Model", "DTypePolicy"})
#: Modules of which every class is data and arithmetic.
_SAFE = frozenset(
    "keras." + name
    for name in (
        *("initializers", "regularizers", "constraints", "losses", "metrics", "optimizers"),
        *("optimizers.schedules", "dtype_policies"),
    )
)
_OPERATIONS = frozenset(f"keras.src.ops.{name}" for name in ("numpy", "nn", "math", "image"))
_FUNCTIONAL = "keras.src.models.functional"
#: What stands for a tensor or a slice in a configuration.
_PARTS = frozenset({"__keras_tensor__", "__slice__", "__ellipsis__"})

_KEYS = {"config", "weights", "trainable", "number"}
_WORD = re.compile(r"^[A-Za-z_]\w{0,99}$")
_MOST_TEXT, _DEEPEST, _MOST_OBJECTS, _LARGEST = 2 * 2**20, 60, 5000, 10**7
_MOST_WEIGHTS = 30_000_000
#: The most units or filters of a layer whose weights are not there to show how many it has.
_WIDEST = 10_000


def is_safe_network(network: Any) -> bool:
    """Return whether the description of a network (see ``student_work``) may be built."""
    if not isinstance(network, dict) or set(network) != _KEYS:
        return False
    weights, flags = network["weights"], network["trainable"]
    return (
        is_safe(network["config"])
        and type(network["number"]) is int
        and isinstance(weights, dict)
        and isinstance(flags, dict)
        and set(weights) == set(flags)
        and all(isinstance(path, str) for path in weights)
        and all(type(flag) is bool for flag in flags.values())
        and are_weights(weights)
        and _widest(json.loads(network["config"])) <= max([_WIDEST, *_sides(weights)])
    )


def _sides(weights: dict[str, list[np.ndarray]]) -> list[int]:
    return [side for arrays in weights.values() for array in arrays for side in array.shape]


def _widest(value: Any) -> int:
    """Return the largest number of units, filters or entries that a configuration asks for.

    As many numbers stand in a row of the weights; a network that asks for more is not theirs.
    """
    if isinstance(value, list):
        return max(map(_widest, value), default=0)
    if not isinstance(value, dict):
        return 0
    named = [value.get(name) for name in ("units", "filters", "input_dim", "output_dim")]
    own = max((width for width in named if type(width) is int), default=0)
    return max([own, *map(_widest, value.values())])


def are_weights(weights: Any) -> bool:
    """Return whether these are lists of arrays by path, and not too many numbers."""
    if not isinstance(weights, dict) or not all(
        isinstance(arrays, list) for arrays in weights.values()
    ):
        return False
    arrays = [array for arrays in weights.values() for array in arrays]
    return (
        all(isinstance(array, np.ndarray) and array.dtype.kind in "biuf" for array in arrays)
        and sum(array.size for array in arrays) <= _MOST_WEIGHTS
    )


def is_safe(text: Any) -> bool:
    """Return whether a configuration, as JSON, names nothing but Keras's own parts."""
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        return False
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return text.count('"class_name"') <= _MOST_OBJECTS and _plain(config, 0)


def without_metrics(text: str) -> str:
    """Return a compile configuration without its metrics, which may be functions of one's own."""
    config = json.loads(text)
    return json.dumps({**config, "metrics": None, "weighted_metrics": None})


def _plain(value: Any, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        if "class_name" in value and not _is_known(value):
            return False
        return all(len(key) <= 300 and _plain(entry, depth + 1) for key, entry in value.items())
    if isinstance(value, list):
        return all(_plain(entry, depth + 1) for entry in value)
    if isinstance(value, str):
        return len(value) <= 300
    return not isinstance(value, int | float) or not abs(value) > _LARGEST or depth == 0


def _is_known(value: dict[str, Any]) -> bool:
    """Return whether a serialized object is one of Keras's own that carry no code."""
    module, name, registered = (value.get(k) for k in ("module", "class_name", "registered_name"))
    if not isinstance(name, str) or not _WORD.match(name):
        return False
    if not isinstance(module, str | None) or not isinstance(registered, str | None):
        return False
    if name in _PARTS:
        return True
    if module == "keras.layers":
        return name in _LAYERS and registered is None
    if module == "keras":
        return name in _OF_KERAS and registered in (None, name)
    if module == _FUNCTIONAL:
        return name == "Functional" and registered in (None, name)
    if module == "keras.src.ops.core":
        return name in ("Cast", "ConvertToTensor") and registered in (None, name)
    if module in _OPERATIONS:
        return registered in (None, name)
    if name == "function":
        known = module == "builtins" and registered in (None, "function")
        config = value.get("config")
        return known and isinstance(config, str) and config in _functions()
    return module in _SAFE and registered is None


def _functions() -> frozenset[str]:
    """Return names of the functions that Keras has as losses, metrics and activations."""
    import keras

    return frozenset(
        name
        for module in (keras.losses, keras.metrics, keras.activations)
        for name in dir(module)
        if name.islower() and not name.startswith("_")
    )
