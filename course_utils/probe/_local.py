"""A subject that lives in this process: the variables of a notebook."""

from __future__ import annotations

import copy
import inspect
import random
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.probe import _models
from course_utils.probe._data import IN_WORDS, NotPlain, Ref, kind_of, plain
from course_utils.probe._errors import Missing, WrongKind
from course_utils.probe._guard import Watch, guarded
from course_utils.probe._operations import Arrays, What

#: Seconds that one call may take where nothing else is said.
SECONDS = 10.0


class Namespace:
    """The work in a dictionary of names, such as the globals of a notebook.

    It has the methods of :class:`~course_utils.probe.Subject`; see there.

    Parameters
    ----------
    values : dict
        The names and what they stand for. It is not changed.
    seconds : float
        How long one call may take, where the platform can stop it.
    """

    def __init__(self, values: dict[str, Any], seconds: float = SECONDS) -> None:
        self._values = values
        self._seconds = seconds
        self._kept: dict[str, Any] = {}
        self._count = 0
        self._watch = Watch(())
        self._orders: dict[int, tuple[Any, list[Any]]] = {}

    # --- how to ask ------------------------------------------------------------------------

    def limit(self, seconds: float) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._seconds = float(seconds)

    def seed(self, number: int) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        if "keras" in sys.modules:
            import keras

            keras.utils.set_random_seed(number)
        else:
            random.seed(number)
            np.random.seed(number)  # noqa: NPY002 - their code may use the old functions

    def watch(self, helpers: Sequence[str]) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._watch = Watch(helpers)

    def watched(self) -> list[str]:
        """See :class:`~course_utils.probe.Subject`."""
        return list(self._watch.seen)

    # --- names and values ------------------------------------------------------------------

    def names(self) -> list[str]:
        """See :class:`~course_utils.probe.Subject`."""
        return sorted(name for name in self._values if isinstance(name, str))

    def kind(self, what: What) -> str:
        """See :class:`~course_utils.probe.Subject`."""
        try:
            return kind_of(self._find(what))
        except Missing:
            return "missing"

    def get(self, what: What) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        value = self._find(what)
        try:
            with guarded(self._seconds, self._values), self._watch.running():
                try:
                    return plain(value)
                except NotPlain as error:
                    reason = error
        finally:
            del value
        is_, inside = IN_WORDS[self.kind(what)], str(reason)
        if self.kind(what) in _CONTAINERS:
            is_ += f" with {inside} in it"
        elif self.kind(what) == "other":
            is_ = inside
        raise WrongKind(_key(what), is_, "numbers, text, or a list, array or dictionary of them")

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        function = self._find(what)
        if not callable(function):
            raise WrongKind(_key(what), IN_WORDS[kind_of(function)], "a function")
        given = [self._given(one) for one in args]
        named = {name: self._given(one) for name, one in kwargs.items()}
        with guarded(self._seconds, self._values), self._watch.running():
            # What a generator does, it does while its entries are read.
            return plain(function(*given, **named), self._keep)

    def source(self, what: str) -> str | None:
        """See :class:`~course_utils.probe.Subject`."""
        try:
            return inspect.getsource(self._find(what))
        except (TypeError, OSError, Missing):
            return None

    def parameters(self, what: What) -> list[str]:
        """See :class:`~course_utils.probe.Subject`."""
        function = self._find(what)
        try:
            return list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            raise WrongKind(_key(what), IN_WORDS[kind_of(function)], "a function") from None

    def forget(self) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._kept.clear()
        self._orders.clear()

    # --- networks --------------------------------------------------------------------------

    def model_weights(self, what: What, input_shape: Sequence[int]) -> Arrays:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            return [np.array(v.numpy()) for v in self._in_order(model, input_shape)]

    def model_set_weights(self, what: What, input_shape: Sequence[int], weights: Arrays) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            for variable, value in zip(self._in_order(model, input_shape), weights, strict=True):
                variable.assign(value)

    def model_trainable(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            trainable = {id(v) for v in model.trainable_weights}
            return [id(v) in trainable for v in self._in_order(model, input_shape)]

    def model_outputs(self, what: What, x: np.ndarray, training: bool = False) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what, layers=True)
        with guarded(self._seconds, self._values):
            return plain(_models.outputs(model, x, training), self._keep)

    def model_layers(self, what: What) -> list[dict[str, Any]]:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            return _models.layers(model)

    def model_compiled(self, what: What) -> dict[str, Any]:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            return _models.compiled(model)

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            return _models.loss(model, y, outputs)

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            return _models.train(model, x, y, steps)

    def model_reload(self, what: What, x: np.ndarray) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        model = self._model(what)
        with guarded(self._seconds, self._values):
            return plain(_models.outputs(_models.reloaded(model), x, False), self._keep)

    # --- datasets --------------------------------------------------------------------------

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """See :class:`~course_utils.probe.Subject`."""
        dataset = self._dataset(what)
        with guarded(self._seconds, self._values):
            return [
                tuple(np.array(part) for part in _models.parts(element))
                for element in dataset.take(number).as_numpy_iterator()
            ]

    def dataset_spec(self, what: What) -> list[dict[str, Any]]:
        """See :class:`~course_utils.probe.Subject`."""
        dataset = self._dataset(what)
        with guarded(self._seconds, self._values):
            return [
                {
                    "shape": None if spec.shape.rank is None else list(spec.shape.as_list()),
                    "dtype": spec.dtype.name,
                }
                for spec in _models.parts(dataset.element_spec)
            ]

    # --- inside ----------------------------------------------------------------------------

    def _find(self, what: What) -> Any:
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
                    found = value[int(part)] if int(part) < len(value) else _NOTHING
                elif isinstance(value, dict):
                    found = value.get(part, _NOTHING)
                else:
                    found = getattr(value, part, _NOTHING)
            if found is _NOTHING:
                raise Missing(key)
            value = found
        return value

    def _given(self, argument: Any) -> Any:
        """An argument as their code may have it: a copy, or the thing that a `Ref` names."""
        if isinstance(argument, Ref):
            return self._find(argument)
        if type(argument) in (list, tuple):
            return type(argument)(self._given(one) for one in argument)
        if type(argument) is dict:
            return {name: self._given(one) for name, one in argument.items()}
        return copy.deepcopy(argument)

    def _keep(self, value: Any) -> Ref:
        self._count += 1
        key = f"#{self._count}"
        self._kept[key] = value
        return Ref(key)

    def _model(self, what: What, layers: bool = False) -> Any:
        model = self._find(what)
        kind = kind_of(model)
        if kind != "model" and not (layers and kind == "layer"):
            raise WrongKind(_key(what), IN_WORDS[kind], IN_WORDS["model"])
        return model

    def _in_order(self, model: Any, input_shape: Sequence[int]) -> list[Any]:
        """The weights in the order of execution, found once for each network."""
        known, order = self._orders.get(id(model), (None, []))
        same = known is model and {id(v) for v in order} == {id(v) for v in model.weights}
        if not same or not order:
            order = _models.in_order(model, input_shape)
            self._orders[id(model)] = (model, order)
        return order

    def _dataset(self, what: What) -> Any:
        dataset = self._find(what)
        kind = kind_of(dataset)
        if kind != "dataset":
            raise WrongKind(_key(what), IN_WORDS[kind], IN_WORDS["dataset"])
        return dataset


_NOTHING = object()
_CONTAINERS = ("sequence", "set", "iterator", "mapping", "history", "array")


def _key(what: What) -> str:
    return what.key if isinstance(what, Ref) else what
