"""A submission in this process: the variables of a notebook."""

from __future__ import annotations

import copy
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.student_work import _describe, models
from course_utils.student_work._data import IN_WORDS, NotPlain, Ref, kind_of, plain
from course_utils.student_work._errors import Missing, WrongKind
from course_utils.student_work._guard import Watch, guarded
from course_utils.student_work._operations import Arrays, What

#: Default time limit of one call.
SECONDS = 10.0


class Namespace:
    """A submission in a dictionary of names, such as the globals of a notebook.

    It implements :class:`~course_utils.student_work.StudentWork`; see there.

    Parameters
    ----------
    values : dict
        The names and their values. Only :meth:`stand_in` changes it, until it is called again.
    seconds : float
        Time limit of one call, on platforms that can stop it.
    """

    def __init__(self, values: dict[str, Any], seconds: float = SECONDS) -> None:
        self._values = values
        self._seconds = seconds
        self._kept: dict[str, Any] = {}
        self._replaced: dict[str, Any] = {}
        self._count = 0
        self._watch = Watch(())
        self._changed = False
        self._orders: dict[int, tuple[Any, list[Any]]] = {}
        self.known: dict[Any, Any] = {}

    # --- settings ------------------------------------------------------------------------

    def limit(self, seconds: float) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._seconds = float(seconds)

    def seed(self, number: int) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        if "keras" in sys.modules:
            import keras

            keras.utils.set_random_seed(number)
        else:
            random.seed(number)
            np.random.seed(number)  # noqa: NPY002 - student code may use the old functions

    def watch(self, helpers: Sequence[str], packages: Sequence[str] = ()) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._watch = Watch(helpers, packages, self._values)

    def watched(self) -> list[str]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return list(self._watch.seen)

    # --- names and values ------------------------------------------------------------------

    def kind(self, what: What) -> str:
        """See :class:`~course_utils.student_work.StudentWork`."""
        try:
            return kind_of(self._find(what))
        except Missing:
            return "missing"

    def get(self, what: What) -> Any:
        """See :class:`~course_utils.student_work.StudentWork`."""
        value = self._find(what)
        with guarded(self._seconds, self._values), self._watch.running():
            try:
                return plain(value)
            except NotPlain as error:
                reason = str(error)
        kind = kind_of(value)
        is_ = reason if kind == "other" else IN_WORDS[kind]
        if kind in _CONTAINERS:
            is_ += f" with {reason} in it"
        raise WrongKind(_key(what), is_, "numbers, text, or a list, array or dictionary of them")

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """See :class:`~course_utils.student_work.StudentWork`."""
        function = self._find(what)
        if not callable(function):
            raise WrongKind(_key(what), IN_WORDS[kind_of(function)], "a function")
        self._changed = False
        given = [self._given(argument) for argument in args]
        named = {name: self._given(argument) for name, argument in kwargs.items()}
        with guarded(self._seconds, self._values), self._watch.running():
            # Converted here, because the code of a generator runs while its items are read.
            result = plain(function(*given, **named), self._keep)
        self._changed = not _same([given, named], [list(args), kwargs])
        return result

    def stand_in(self, name: str, arguments: Sequence[Arrays], results: Arrays) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        own = self._replaced.pop(name, self._values.get(name, _ABSENT))
        if arguments:
            self._replaced[name] = own
            self._values[name] = _table(name, arguments, results, own)
        elif own is _ABSENT:
            self._values.pop(name, None)
        else:
            self._values[name] = own

    def files(self, what: What) -> dict[str, np.ndarray]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        folder = self._find(what)
        if not isinstance(folder, Path | str):
            raise WrongKind(_key(what), IN_WORDS[kind_of(folder)], "the path of a folder")
        found = {}
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                name = path.relative_to(folder).as_posix()
                found[name] = np.frombuffer(path.read_bytes(), np.uint8)
        return found

    def put_files(self, files: dict[str, np.ndarray]) -> Ref:
        """See :class:`~course_utils.student_work.StudentWork`."""
        folder = Path(tempfile.mkdtemp())
        for name, content in files.items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                raise ValueError(f"{name!r} is not below the folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.astype(np.uint8).tobytes())
        return self._keep(folder)

    def second(self) -> Namespace:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self

    def is_repeated(self) -> bool:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return False

    def changed(self) -> bool:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._changed

    def forget(self) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._kept.clear()
        self._orders.clear()
        self.known.clear()

    # --- models --------------------------------------------------------------------------

    def model_weights(self, what: What, input_shape: Sequence[int]) -> Arrays:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            return [np.array(v.numpy()) for v in self._in_order(model, input_shape)]

    def model_set_weights(
        self, what: What, input_shape: Sequence[int], weights: Sequence[np.ndarray | None]
    ) -> None:
        """See :class:`~course_utils.student_work.StudentWork`; None leaves a weight as it is."""
        with self._running_model(what) as model:
            for variable, value in zip(self._in_order(model, input_shape), weights, strict=True):
                if value is not None:
                    variable.assign(value)

    def model_trainable(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            trainable = {id(v) for v in model.trainable_weights}
            return [id(v) in trainable for v in self._in_order(model, input_shape)]

    def model_constrained(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            weights = self._in_order(model, input_shape)
            return [getattr(v, "constraint", None) is not None for v in weights]

    def model_reached(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            return models.reached(model, self._in_order(model, input_shape), input_shape)

    def model_outputs(self, what: What, x: np.ndarray, training: bool = False) -> Any:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what, layers=True) as model:
            return plain(models.outputs(model, x, training), self._keep)

    def model_compiled(self, what: What) -> dict[str, Any]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            return models.compiled(model)

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            return models.loss(model, y, outputs)

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        with self._running_model(what) as model:
            return models.train(model, x, y, steps)

    # --- models as data ------------------------------------------------------------------

    def model_describe(self, what: What, input_shape: Sequence[int] | None) -> dict[str, Any]:
        """Return a model as data; see ``describe``."""
        with self._running_model(what, layers=True) as model:
            return _describe.describe(model, input_shape)

    def model_build(self, network: dict[str, Any] | None, compiled: str) -> Ref:
        """Build a model from its description and keep it."""
        with guarded(self._seconds, self._values):
            return self._keep(_describe.build(network, compiled))

    def model_take(self, what: What) -> dict[str, Arrays]:
        """Return the weights of each layer by its path."""
        with self._running_model(what, layers=True) as model:
            return _describe.take(model)

    def model_put(
        self, what: What, input_shape: Sequence[int] | None, weights: dict[str, Arrays]
    ) -> None:
        """Set the weights of each layer by its path; `input_shape` builds the model."""
        with self._running_model(what, layers=True) as model:
            _describe.put(model, weights, input_shape)

    # --- datasets --------------------------------------------------------------------------

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        dataset = self._find(what)
        if kind_of(dataset) != "dataset":
            raise WrongKind(_key(what), IN_WORDS[kind_of(dataset)], IN_WORDS["dataset"])
        with guarded(self._seconds, self._values):
            return [
                tuple(np.array(part) for part in models.parts(element))
                for element in dataset.take(number).as_numpy_iterator()
            ]

    # --- private ----------------------------------------------------------------------------

    def _find(self, what: What) -> Any:
        """Return the object that a name, path or `Ref` refers to, or raise `Missing`."""
        key = _key(what)
        first, *path = key.split(".")
        if first.startswith("#"):
            value = self._kept[first]
        elif first in self._values:
            value = self._values[first]
        else:
            raise Missing(first)
        for part in path:
            if part.startswith("_"):
                raise Missing(key)
            with guarded(self._seconds, self._values):
                if part.isdigit() and isinstance(value, Sequence):
                    found = value[int(part)] if int(part) < len(value) else _ABSENT
                elif isinstance(value, dict):
                    found = value.get(part, _ABSENT)
                else:
                    found = getattr(value, part, _ABSENT)
            if found is _ABSENT:
                raise Missing(key)
            value = found
        return value

    def _given(self, argument: Any) -> Any:
        """Return a copy of an argument, or the object that a `Ref` refers to."""
        if isinstance(argument, Ref):
            return self._find(argument)
        if type(argument) in (list, tuple):
            return type(argument)(self._given(item) for item in argument)
        if type(argument) is dict:
            return {name: self._given(item) for name, item in argument.items()}
        return copy.deepcopy(argument)

    def _keep(self, value: Any) -> Ref:
        """Store an object and return its `Ref`."""
        self._count += 1
        key = f"#{self._count}"
        self._kept[key] = value
        return Ref(key)

    @contextmanager
    def _running_model(self, what: What, layers: bool = False) -> Iterator[Any]:
        """Run the block, which uses a model (or a layer, if allowed), as student code."""
        model = self._find(what)
        kind = kind_of(model)
        if kind != "model" and not (layers and kind == "layer"):
            raise WrongKind(_key(what), IN_WORDS[kind], IN_WORDS["model"])
        with guarded(self._seconds, self._values):
            yield model

    def _in_order(self, model: Any, input_shape: Sequence[int]) -> list[Any]:
        """Return the weights in the order of execution, computed once for each model."""
        known, order = self._orders.get(id(model), (None, []))
        same = known is model and {id(v) for v in order} == {id(v) for v in model.weights}
        if not same or not order:
            order = models.in_order(model, input_shape)
            self._orders[id(model)] = (model, order)
        return order


_ABSENT = object()
_CONTAINERS = ("sequence", "set", "iterator", "mapping", "history", "array")


def _table(name: str, arguments: Sequence[Arrays], results: Arrays, own: Any) -> Callable[..., Any]:
    """Return a function that looks its results up, and asks `own` for those it does not know."""

    def standing_in(*args: Any, **kwargs: Any) -> Any:
        asked = [np.asarray(argument) for argument in (*args, *kwargs.values())]
        for known, result in zip(arguments, results, strict=True):
            if len(asked) == len(known) and all(map(_close, asked, known)):
                return result.copy()
        if own is _ABSENT:
            raise NameError(f"name {name!r} is not defined")
        return own(*args, **kwargs)

    return standing_in


def _close(asked: np.ndarray, known: np.ndarray) -> bool:
    """Return whether two arrays of numbers are the same, but for their rounding."""
    return asked.shape == known.shape and asked.dtype.kind in "biuf" and np.allclose(asked, known)


def _same(given: Any, before: Any) -> bool:
    """Return whether an argument is unchanged; objects behind a `Ref` are not compared."""
    if isinstance(before, Ref):
        return True
    if type(given) is not type(before):
        return False
    if type(before) in (list, tuple):
        return len(given) == len(before) and all(map(_same, given, before))
    if type(before) is dict:
        return list(given) == list(before) and all(map(_same, given.values(), before.values()))
    if type(before) is np.ndarray:
        is_number = before.dtype.kind in "fc"
        same_kind = given.dtype == before.dtype and given.shape == before.shape
        return same_kind and np.array_equal(given, before, equal_nan=is_number)
    return bool(given == before)


def _key(what: What) -> str:
    return what.key if isinstance(what, Ref) else what
