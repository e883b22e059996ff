"""Convert values to plain data, and classify values by kind."""

from __future__ import annotations

import array
import itertools
import numbers
import sys
from collections import deque
from collections.abc import (
    Callable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    Set,
    ValuesView,
)
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

_MAX_DEPTH = 8
_MAX_ENTRIES = 2_000_000

#: The kinds and their descriptions, as in "`x` should be a number, but it is a list or tuple".
IN_WORDS = {
    "missing": "not defined",
    "none": "None",
    "number": "a number",
    "text": "a string",
    "sequence": "a list or tuple",
    "set": "a set",
    "iterator": "a generator or iterator",
    "mapping": "a dictionary",
    "history": "a training history",
    "array": "an array",
    "function": "a function",
    "class": "a class",
    "model": "a Keras model",
    "layer": "a Keras layer",
    "dataset": "a tf.data.Dataset",
    "image dataset": "a dataset of the course (ImageDataset)",
    "optimizer": "a Keras optimizer",
    "loss": "a Keras loss",
    "callback": "a Keras callback",
    "figure": "a Matplotlib figure",
    "module": "a module",
    "other": "an object of another type",
}


@dataclass(frozen=True)
class Ref:
    """A reference to an object in the process of the submission.

    Attributes
    ----------
    key : str
        A name such as ``"model"``, a dotted path such as ``"data.train"``, or ``"#3"`` for the
        third result that was kept.
    """

    key: str


def kind_of(value: Any) -> str:
    """Return the kind of `value`, a key of :data:`IN_WORDS`.

    All mappings count as dictionaries, all sequences as lists, all numbers of Python and NumPy as
    numbers, and all objects that NumPy converts to arrays (tensors, pandas tables, Pillow images)
    as arrays.
    """
    return next((kind for kind, matches in _KINDS if matches(value)), "other")


def _instance(module: str, *names: str) -> Callable[[Any], bool]:
    """Return a test for instances of the classes of a module, which does not import the module."""

    def matches(value: Any) -> bool:
        loaded = sys.modules.get(module)
        classes = tuple(kind for name in names if isinstance(kind := _resolved(loaded, name), type))
        return isinstance(value, classes)

    return matches


def _resolved(module: Any, path: str) -> Any:
    for part in path.split("."):
        module = getattr(module, part, None)
    return module


def _of(*classes: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, classes)


def _is_filled_history(value: Any) -> bool:
    """Return whether this is a filled training history (an empty one of Keras is a callback)."""
    is_history = _KERAS_HISTORY(value) or _COURSE_HISTORY(value)
    return is_history and isinstance(value.history, Mapping) and bool(value.history)


def _is_like_an_array(value: Any) -> bool:
    """Return whether the class of an object supports the array protocols of NumPy."""
    protocols = ("__array__", "__array_interface__")
    return not isinstance(value, type) and any(hasattr(type(value), name) for name in protocols)


def _is_iterator(value: Any) -> bool:
    """Return whether this is a generator or an iterator of Python: zip, map, itertools, ..."""
    module = type(value).__module__
    return isinstance(value, Iterator) and module in ("builtins", "itertools", "collections")


_TENSOR = _instance("tensorflow", "Tensor", "Variable")
_KERAS_HISTORY = _instance("keras", "callbacks.History")
_COURSE_HISTORY = _instance("course_utils.training", "History")

#: Kinds and their tests; the first that matches is the kind of a value.
_KINDS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("none", _of(type(None))),
    ("text", _of(str, bytes, np.character)),
    ("number", _of(numbers.Number, np.generic)),
    ("array", _of(np.ndarray)),
    ("module", _of(ModuleType)),
    ("array", _TENSOR),
    ("array", _instance("keras", "Variable")),
    ("array", _instance("pandas", "DataFrame", "Series", "Index")),
    ("history", _is_filled_history),
    ("model", _instance("keras", "Model")),
    ("layer", _instance("keras", "Layer")),
    ("optimizer", _instance("keras", "Optimizer")),
    ("loss", _instance("keras", "Loss")),
    ("callback", _instance("keras", "callbacks.Callback")),
    ("dataset", _instance("tensorflow", "data.Dataset")),
    ("image dataset", _instance("course_utils.datasets", "ImageDataset")),
    ("figure", _instance("matplotlib.figure", "FigureBase")),
    ("figure", _instance("matplotlib.axes", "Axes")),
    ("sequence", _instance("tensorflow", "TensorShape", "RaggedTensor")),
    ("mapping", _of(Mapping)),
    ("array", _of(array.array, memoryview, bytearray)),
    ("sequence", _of(Sequence, deque, KeysView, ValuesView, type({}.items()))),
    ("set", _of(Set)),
    ("iterator", _is_iterator),
    ("class", _of(type)),
    ("array", _is_like_an_array),
    ("function", callable),
)


class NotPlain(Exception):
    """A value is, or contains, something that is not plain data; the message names it."""


def plain(value: Any, keep: Callable[[Any], Ref] | None = None) -> Any:
    """Return a deep copy of `value` as plain data.

    Plain data are None, bool, int, float, complex, str, NumPy arrays of numbers, booleans or text,
    and lists, tuples and dictionaries of these. Other classes with the same meaning are converted:

    - numbers of other classes (NumPy, Fraction, Decimal) to int, float or complex;
    - mappings (OrderedDict, Counter, ...) and training histories to dictionaries, and also a Series
      with names in its index if it is a value of a mapping (elsewhere it becomes an array);
    - sequences of other classes (namedtuple, deque, range, views of a dictionary) to tuples or
      lists, sets to sorted lists, generators and other iterators to lists of their remaining items;
    - tensors, pandas tables, and other objects that NumPy converts to arrays to arrays. Masked
      entries become NaN. An array of objects becomes an array if it holds only numbers or only
      text, otherwise lists.

    Parameters
    ----------
    value : object
        Any value.
    keep : callable, optional
        Called with an object that cannot be converted; returns the `Ref` that replaces it.

    Raises
    ------
    NotPlain
        If something cannot be converted and `keep` was not given, or if there are too many levels
        or entries.
    """
    return _Converter(keep).convert(value, 0)


class _Converter:
    """Converts one value to plain data. Each kind has a method ``_from_KIND``."""

    def __init__(self, keep: Callable[[Any], Ref] | None) -> None:
        self.keep = keep
        self.entries_left = _MAX_ENTRIES

    def convert(self, value: Any, depth: int) -> Any:
        self.entries_left -= 1
        if depth > _MAX_DEPTH or self.entries_left < 0:
            raise NotPlain("too many levels or entries")
        if type(value) in (bool, int, float, complex, str, Ref):
            return value
        method = getattr(self, f"_from_{kind_of(value)}", None)
        converted = _FAILED if method is None else method(value, depth)
        if converted is not _FAILED:
            return converted
        if self.keep is not None:
            return self.keep(value)
        raise NotPlain(f"an object of class {type(value).__name__}")

    def entries(self, many: Any, depth: int) -> list[Any]:
        return [self.convert(entry, depth + 1) for entry in many]

    def _from_none(self, value: None, depth: int) -> None:
        return None

    def _from_text(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return str.__str__(value)
        try:
            return bytes(value).decode()  # for example strings of TensorFlow
        except UnicodeDecodeError:
            return _FAILED

    def _from_number(self, value: Any, depth: int) -> Any:
        exact: Any = int if isinstance(value, numbers.Integral) else float
        if isinstance(value, np.bool_):
            exact = bool
        elif isinstance(value, complex | np.complexfloating):
            exact = complex
        try:
            return exact(value)
        except (TypeError, ValueError, OverflowError):
            return _FAILED

    def _from_sequence(self, value: Any, depth: int) -> Any:
        # Shapes and ragged tensors of TensorFlow have a method that returns a list.
        to_list = getattr(value, "as_list", None) or getattr(value, "to_list", None)
        entries = self.entries(to_list() if to_list else value, depth)
        return tuple(entries) if isinstance(value, tuple) else entries

    def _from_set(self, value: Any, depth: int) -> Any:
        entries = self.entries(value, depth)
        try:
            return sorted(entries)
        except TypeError:  # entries of different types
            return sorted(entries, key=repr)

    def _from_iterator(self, value: Any, depth: int) -> Any:
        return self.entries(_read_once(value) if self.keep is None else value, depth)

    def _from_mapping(self, value: Any, depth: int) -> Any:
        found = {}
        for key, entry in value.items():
            try:
                found[self.convert(key, depth + 1)] = self.convert(_by_name(entry), depth + 1)
            except TypeError:  # a key that is converted to a list
                raise NotPlain(f"a key of class {type(key).__name__}") from None
        return found

    def _from_history(self, value: Any, depth: int) -> Any:
        return self._from_mapping(value.history, depth)

    def _from_array(self, value: Any, depth: int) -> Any:
        array = _array(value)
        if array is None or array.dtype.kind not in "biufcUOV":
            return _FAILED
        if array.dtype.kind in "biufcU":
            return array
        entries = array.tolist()  # an array of objects, or with named fields
        return _FAILED if entries is value else _same_kind(self.convert(entries, depth))


_FAILED = object()


def _array(value: Any) -> np.ndarray | None:
    """Return a copy as a plain NumPy array, or None if NumPy cannot convert it."""
    try:
        if _TENSOR(value):
            value = value.numpy()
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            value = np.ma.filled(value.astype(float), np.nan)
        array = np.array(value, subok=False)
        if array.dtype.kind == "S":
            return np.char.decode(array, "utf-8")
        if array.dtype.kind == "T":  # StringDType
            return np.array(array.tolist())
        if array.dtype.kind == "V" and array.dtype.names is None:  # such as bfloat16
            return array.astype(np.float32)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None
    return array


def _same_kind(entries: Any) -> Any:
    """Return nested lists as an array if they hold only numbers or only text, else unchanged."""
    leaves = list(_leaves(entries))
    for kinds in ((bool,), (bool, int, float), (bool, int, float, complex), (str,)):
        if leaves and all(type(leaf) in kinds for leaf in leaves):
            try:
                array = np.array(entries)
            except ValueError:  # rows of different lengths
                return entries
            return array if array.dtype.kind in "biufcU" else entries
    return entries


def _leaves(entries: Any) -> Iterator[Any]:
    if isinstance(entries, list | tuple):
        for entry in entries:
            yield from _leaves(entry)
    else:
        yield entries


def _by_name(value: Any) -> Any:
    """Return a pandas Series or table with names in its index or columns as a dictionary."""
    labels = "columns" if _TABLE(value) else "index" if _SERIES(value) else None
    if labels is None or not all(isinstance(name, str) for name in getattr(value, labels)):
        return value
    return {name: value[name] for name in getattr(value, labels)}


_TABLE = _instance("pandas", "DataFrame")
_SERIES = _instance("pandas", "Series")

#: Items of iterators, by identity. An iterator can be read only once, but the next check of the
#: same name must get the same items. The oldest entry is removed first.
_READ: dict[int, tuple[Any, list[Any]]] = {}


def _read_once(iterator: Any) -> list[Any]:
    known = _READ.get(id(iterator))
    if known is None or known[0] is not iterator:
        entries = list(itertools.islice(iterator, _MAX_ENTRIES + 1))
        while len(_READ) >= 100:
            del _READ[next(iter(_READ))]
        _READ[id(iterator)] = known = (iterator, entries)
    return known[1]
