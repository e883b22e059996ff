"""Plain data, and the kinds that everything else is of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

_DEEPEST = 8
_MOST_ENTRIES = 2_000_000

#: In words, for sentences such as "`x` should be a number, but it is a list".
IN_WORDS = {
    "missing": "not defined",
    "none": "None",
    "number": "a number",
    "text": "a text",
    "sequence": "a list or tuple",
    "mapping": "a dictionary",
    "array": "an array",
    "function": "a function",
    "class": "a class",
    "model": "a Keras model",
    "layer": "a Keras layer",
    "dataset": "a tf.data.Dataset",
    "image dataset": "a dataset of the course",
    "optimizer": "a Keras optimizer",
    "loss": "a Keras loss",
    "callback": "a Keras callback",
    "figure": "a figure",
    "module": "a module",
    "other": "something else",
}


@dataclass(frozen=True)
class Ref:
    """Something that stays where it is: one of their names, or an object that a call returned.

    Attributes
    ----------
    key : str
        A name such as ``"model"``, a dotted path such as ``"data.train"``, or ``"#3"`` for the
        third object that was kept.
    """

    key: str


def kind_of(value: Any) -> str:
    """Say what kind of thing `value` is, in one word of :data:`IN_WORDS`."""
    if value is None:
        return "none"
    if isinstance(value, bool | int | float | complex | np.generic) and not isinstance(
        value, np.character
    ):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, np.ndarray):
        return "array"
    if isinstance(value, list | tuple):
        return "sequence"
    if isinstance(value, dict):
        return "mapping"
    if isinstance(value, ModuleType):
        return "module"
    for kind, is_one in _LOADED_KINDS:
        if is_one(value):
            return kind
    if isinstance(value, type):
        return "class"
    if callable(value):
        return "function"
    return "other"


def _instance(module: str, *names: str) -> Callable[[Any], bool]:
    """Whether a value is an instance of a class of a module, without importing the module."""

    def is_one(value: Any) -> bool:
        loaded = sys.modules.get(module)
        classes = tuple(kind for n in names if isinstance(kind := _reach(loaded, n), type))
        return bool(classes) and isinstance(value, classes)

    return is_one


def _reach(start: Any, path: str) -> Any:
    for part in path.split("."):
        start = getattr(start, part, None)
    return start


_LOADED_KINDS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("array", _instance("tensorflow", "Tensor", "Variable")),
    ("array", _instance("keras", "Variable")),
    ("array", _instance("pandas", "DataFrame", "Series", "Index")),
    ("model", _instance("keras", "Model")),
    ("layer", _instance("keras", "Layer")),
    ("optimizer", _instance("keras", "Optimizer")),
    ("loss", _instance("keras", "Loss")),
    ("callback", _instance("keras", "callbacks.Callback")),
    ("dataset", _instance("tensorflow", "data.Dataset")),
    ("image dataset", _instance("course_utils.datasets", "ImageDataset")),
    ("figure", _instance("matplotlib.figure", "FigureBase")),
    ("figure", _instance("matplotlib.axes", "Axes")),
)


class NotPlain(Exception):
    """A value is, or holds, something that is no plain data."""


def plain(value: Any, keep: Callable[[Any], Ref] | None = None) -> Any:
    """Return `value` as plain data that shares nothing with it.

    Plain data are None, bool, int, float, complex, str, arrays of NumPy's own class with numbers,
    booleans or text in them, and lists, tuples and dictionaries of such. Tensors and tables of
    pandas become arrays, NumPy's single numbers become Python's.

    Parameters
    ----------
    value : object
        Anything.
    keep : callable, optional
        What to do with the rest: given the object, returns the `Ref` that stands for it.

    Raises
    ------
    NotPlain
        If there is something else in `value` and `keep` was not given, or if it is too deep or
        too long.
    """
    budget = [_MOST_ENTRIES]

    def convert(one: Any, depth: int) -> Any:
        budget[0] -= 1
        if depth > _DEEPEST or budget[0] < 0:
            raise NotPlain("too deep or too long")
        if one is None or type(one) in (bool, int, float, complex, str, Ref):
            return one
        if type(one) in (list, tuple):
            return type(one)(convert(entry, depth + 1) for entry in one)
        if type(one) is dict:
            return {convert(k, depth + 1): convert(v, depth + 1) for k, v in one.items()}
        if isinstance(one, np.generic) and type(one).__module__ == "numpy":
            return one.item()
        if kind_of(one) == "array":
            array = _array(one)
            if array is not None:
                return array
        if type(one) in (range, set, frozenset):
            return [convert(entry, depth + 1) for entry in (one if type(one) is range else one)]
        if keep is not None:
            return keep(one)
        raise NotPlain(type(one).__name__)

    return convert(value, 0)


def _array(value: Any) -> np.ndarray | None:
    """A copy of an array, tensor or table as an array of NumPy's own class; None for objects."""
    if type(value) is np.ndarray:
        array = value.copy()
    elif hasattr(value, "to_numpy"):
        array = np.array(value.to_numpy())
    elif isinstance(value, np.ndarray):  # masked arrays, matrices and classes of their own
        return None
    elif hasattr(value, "numpy"):
        array = np.array(value.numpy())
    else:
        return None
    if array.dtype.kind == "O":
        try:
            array = np.array(array.tolist())
        except (ValueError, TypeError):
            return None
    return array if array.dtype.kind in "biufcU" and type(array) is np.ndarray else None
