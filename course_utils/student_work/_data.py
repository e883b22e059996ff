"""Plain data, and the kinds that everything else is of."""

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

_DEEPEST = 8
_MOST_ENTRIES = 2_000_000

#: In words, for sentences such as "`x` should be a number, but it is a list or tuple".
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
    """Something that stays where it is: one of their names, or an object that a call returned.

    Attributes
    ----------
    key : str
        A name such as ``"model"``, a dotted path such as ``"data.train"``, or ``"#3"`` for the
        third object that was kept.
    """

    key: str


def kind_of(value: Any) -> str:
    """Say what kind of thing `value` is, in one word of :data:`IN_WORDS`.

    Every mapping counts as a dictionary, every sequence as a list, every number of Python or NumPy
    as a number, and whatever NumPy turns into an array (tensors, tables of pandas, pictures of
    Pillow) as an array.
    """
    for kind, is_one in _KINDS:
        if is_one(value):
            return kind
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


def _of(*classes: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, classes)


def _is_none(value: Any) -> bool:
    return value is None


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes | np.character)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number | np.generic)


def _is_trained(value: Any) -> bool:
    """Whether a training history has been filled (before that, Keras's is just a callback)."""
    is_history = _KERAS_HISTORY(value) or _COURSE_HISTORY(value)
    return is_history and isinstance(value.history, Mapping) and bool(value.history)


def _is_like_an_array(value: Any) -> bool:
    """Whether NumPy would make an array of it by its own means (a class itself does not count)."""
    protocols = ("__array__", "__array_interface__")
    return not isinstance(value, type) and any(hasattr(type(value), name) for name in protocols)


def _is_iterator(value: Any) -> bool:
    """Generators, and the iterators of Python itself: zip, map, filter, itertools, ..."""
    home = type(value).__module__
    return isinstance(value, Iterator) and home in ("builtins", "itertools", "collections")


_TENSOR = _instance("tensorflow", "Tensor", "Variable")
_KERAS_HISTORY = _instance("keras", "callbacks.History")
_COURSE_HISTORY = _instance("course_utils.training", "History")

#: The first that fits is the kind of a value.
_KINDS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("none", _is_none),
    ("text", _is_text),
    ("number", _is_number),
    ("array", _of(np.ndarray)),
    ("module", _of(ModuleType)),
    ("array", _TENSOR),
    ("array", _instance("keras", "Variable")),
    ("array", _instance("pandas", "DataFrame", "Series", "Index")),
    ("history", _is_trained),
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
    """A value is, or holds, something that is no plain data; the message says what."""


def plain(value: Any, keep: Callable[[Any], Ref] | None = None) -> Any:
    """Return `value` as plain data that shares nothing with it.

    Plain data are None, bool, int, float, complex, str, arrays of NumPy's own class with numbers,
    booleans or text in them, and lists, tuples and dictionaries of such. Everything that is meant
    as one of these becomes one:

    - numbers of other classes (NumPy's, Fraction, Decimal) become int, float or complex;
    - mappings (OrderedDict, Counter, ...) and training histories become dictionaries; so does a
      Series with names in its index if it is a value of a mapping (elsewhere it becomes an array);
    - sequences of other classes (namedtuple, deque, range, views of a dictionary) become tuples
      or lists, sets become sorted lists, generators and other iterators become lists of what they
      still give;
    - tensors, tables of pandas, and whatever else NumPy turns into an array become arrays. Masked
      entries become NaN. An array of objects becomes an array if all of it is numbers or all of
      it is text, otherwise lists.

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
    return _Converter(keep).convert(value, 0)


class _Converter:
    """Makes plain data of one value."""

    def __init__(self, keep: Callable[[Any], Ref] | None) -> None:
        self.keep = keep
        self.left = _MOST_ENTRIES

    def convert(self, one: Any, depth: int) -> Any:
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            raise NotPlain("too many levels or entries")
        if type(one) in (bool, int, float, complex, str, Ref):
            return one
        make = getattr(self, f"_from_{kind_of(one)}", None)
        found = _NOT_ONE if make is None else make(one, depth)
        if found is not _NOT_ONE:
            return found
        if self.keep is not None:
            return self.keep(one)
        raise NotPlain(f"an object of class {type(one).__name__}")

    def entries(self, many: Any, depth: int) -> list[Any]:
        return [self.convert(entry, depth + 1) for entry in many]

    def _from_none(self, one: None, depth: int) -> None:
        return None

    def _from_text(self, one: Any, depth: int) -> Any:
        if isinstance(one, str):
            return str.__str__(one)
        try:
            return bytes(one).decode()  # such as the texts of TensorFlow
        except UnicodeDecodeError:
            return _NOT_ONE

    def _from_number(self, one: Any, depth: int) -> Any:
        exact: Any = int if isinstance(one, numbers.Integral) else float
        if isinstance(one, np.bool_):
            exact = bool
        elif isinstance(one, complex | np.complexfloating):
            exact = complex
        try:
            return exact(one)
        except (TypeError, ValueError, OverflowError):
            return _NOT_ONE

    def _from_sequence(self, one: Any, depth: int) -> Any:
        if hasattr(one, "as_list") or hasattr(one, "to_list"):  # TensorFlow's shapes, ragged rows
            one = one.as_list() if hasattr(one, "as_list") else one.to_list()
        entries = self.entries(one, depth)
        return tuple(entries) if isinstance(one, tuple) else entries

    def _from_set(self, one: Any, depth: int) -> Any:
        entries = self.entries(one, depth)
        try:
            return sorted(entries)
        except TypeError:  # of different kinds
            return sorted(entries, key=repr)

    def _from_iterator(self, one: Any, depth: int) -> Any:
        if self.keep is not None:
            return self.entries(one, depth)
        return self.entries(_read_once(one), depth)

    def _from_mapping(self, one: Any, depth: int) -> Any:
        found = {}
        for key, entry in one.items():
            named = _by_name(entry)
            try:
                found[self.convert(key, depth + 1)] = self.convert(named, depth + 1)
            except TypeError:  # a key that is a list when it is plain
                raise NotPlain(f"a key of class {type(key).__name__}") from None
        return found

    def _from_history(self, one: Any, depth: int) -> Any:
        return self._from_mapping(one.history, depth)

    def _from_array(self, one: Any, depth: int) -> Any:
        array = _array(one)
        if array is None or array.dtype.kind not in "biufcUOV":
            return _NOT_ONE
        if array.dtype.kind in "biufcU":
            return array
        entries = array.tolist()  # of objects, or a table with named columns
        return _NOT_ONE if entries is one else _same_kind(self.convert(entries, depth))


_NOT_ONE = object()


def _array(value: Any) -> np.ndarray | None:
    """A copy as an array of NumPy's own class; None if NumPy cannot make one."""
    try:
        if _TENSOR(value):
            value = value.numpy()
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            value = np.ma.filled(value.astype(float), np.nan)
        array = np.array(value, subok=False)
        if array.dtype.kind == "S":
            return np.char.decode(array, "utf-8")
        if array.dtype.kind == "T":  # NumPy's texts of any length
            return np.array(array.tolist())
        if array.dtype.kind == "V" and array.dtype.names is None:  # bfloat16 and its like
            return array.astype(np.float32)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return None
    return array


def _same_kind(entries: Any) -> Any:
    """Nested lists as an array, if they are all numbers or all text; otherwise as they are."""
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
    if not isinstance(entries, list | tuple):
        yield entries
        return
    for entry in entries:
        yield from _leaves(entry)


def _by_name(value: Any) -> Any:
    """A Series or table of pandas with names in its index or columns, as a dictionary."""
    labels = "columns" if _TABLE(value) else "index" if _SERIES(value) else None
    if labels is None or not all(isinstance(name, str) for name in getattr(value, labels)):
        return value
    return {name: value[name] for name in getattr(value, labels)}


_TABLE = _instance("pandas", "DataFrame")
_SERIES = _instance("pandas", "Series")

#: What iterators gave that can be read only once, by identity, so that the next question about
#: the same name (and the next run of a check) gets the same; the oldest is forgotten first.
_READ: dict[int, tuple[Any, list[Any]]] = {}


def _read_once(iterator: Any) -> list[Any]:
    known = _READ.get(id(iterator))
    if known is None or known[0] is not iterator:
        entries = list(itertools.islice(iterator, _MOST_ENTRIES + 1))
        while len(_READ) >= 100:
            del _READ[next(iter(_READ))]
        _READ[id(iterator)] = known = (iterator, entries)
    return known[1]
