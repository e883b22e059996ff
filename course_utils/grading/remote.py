"""A student's work in the sandbox, asked as if it were here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils import probe
from course_utils.grading.inside import wire
from course_utils.grading.sandbox import Worker, WorkerEnded
from course_utils.probe._data import IN_WORDS
from course_utils.probe._errors import rebuild
from course_utils.probe._operations import Arrays, What


class RemoteSubject:
    """A :class:`~course_utils.probe.Subject` whose answers come from a worker.

    Each answer is checked to be of the type that the operation has; anything else did not come
    from the worker's own code, and ends it. Errors are told without the values that were tried.

    Parameters
    ----------
    worker : Worker
        The process with the student's code.
    seconds : float
        Processor time for one operation, until `limit` is called.
    """

    def __init__(self, worker: Worker, seconds: float = 10.0) -> None:
        self._worker = worker
        self._seconds = seconds
        self._ended: WorkerEnded | None = None

    def _ask(
        self, is_right: Callable[[Any], bool], operation: str, /, *args: Any, **kwargs: Any
    ) -> Any:
        if self._ended is not None:
            raise self._ended
        try:
            answer = self._worker.operate(operation, args, kwargs, self._seconds)
        except WorkerEnded as ended:
            self._ended = ended
            raise
        except wire.NotAMessage as error:
            raise probe.StudentError(
                "ValueError", f"the answer cannot be judged: {error}"
            ) from None
        if "error" in answer:
            raise safe_error(answer["error"])
        if not is_right(answer["value"]):
            self._ended = self._worker.tampered()
            raise self._ended
        return answer["value"]

    # --- how to ask ------------------------------------------------------------------------

    def limit(self, seconds: float) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._seconds = float(seconds)

    def seed(self, number: int) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._ask(_is_none, "seed", number)

    def watch(self, helpers: Sequence[str]) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._ask(_is_none, "watch", list(helpers))

    def watched(self) -> list[str]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(str), "watched")

    # --- names and values ------------------------------------------------------------------

    def names(self) -> list[str]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(str), "names")

    def kind(self, what: What) -> str:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(lambda one: isinstance(one, str) and one in IN_WORDS, "kind", what)

    def get(self, what: What) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_is_anything, "get", what)

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_is_anything, "call", what, *args, **kwargs)

    def source(self, what: str) -> str | None:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(lambda one: one is None or isinstance(one, str), "source", what)

    def parameters(self, what: What) -> list[str]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(str), "parameters", what)

    def put_files(self, files: dict[str, np.ndarray]) -> probe.Ref:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(lambda one: type(one) is probe.Ref, "put_files", files)

    def changed(self) -> bool:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(lambda one: type(one) is bool, "changed")

    def forget(self) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._ask(_is_none, "forget")

    # --- networks --------------------------------------------------------------------------

    def model_weights(self, what: What, input_shape: Sequence[int]) -> Arrays:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(np.ndarray), "model_weights", what, list(input_shape))

    def model_set_weights(self, what: What, input_shape: Sequence[int], weights: Arrays) -> None:
        """See :class:`~course_utils.probe.Subject`."""
        self._ask(_is_none, "model_set_weights", what, list(input_shape), list(weights))

    def model_trainable(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(bool), "model_trainable", what, list(input_shape))

    def model_outputs(self, what: What, x: np.ndarray, training: bool = False) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_is_anything, "model_outputs", what, x, training)

    def model_layers(self, what: What) -> list[dict[str, Any]]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(dict), "model_layers", what)

    def model_compiled(self, what: What) -> dict[str, Any]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(lambda one: isinstance(one, dict), "model_compiled", what)

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_is_number, "model_loss", what, y, outputs)

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """See :class:`~course_utils.probe.Subject`."""
        is_right = _list_of(float, steps)
        return self._ask(is_right, "model_train", what, x, y, steps)

    def model_reload(self, what: What, x: np.ndarray) -> Any:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_is_anything, "model_reload", what, x)

    # --- datasets --------------------------------------------------------------------------

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """See :class:`~course_utils.probe.Subject`."""

        def is_right(value: Any) -> bool:
            return _list_of(tuple)(value) and all(
                isinstance(part, np.ndarray) for element in value for part in element
            )

        return self._ask(is_right, "batches", what, number)

    def dataset_spec(self, what: What) -> list[dict[str, Any]]:
        """See :class:`~course_utils.probe.Subject`."""
        return self._ask(_list_of(dict), "dataset_spec", what)


def _is_none(value: Any) -> bool:
    return value is None


def _is_anything(value: Any) -> bool:
    return True


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _list_of(kind: type, length: int | None = None) -> Callable[[Any], bool]:
    def is_right(value: Any) -> bool:
        return (
            isinstance(value, list)
            and all(type(one) is kind for one in value)
            and (length is None or len(value) == length)
        )

    return is_right


def safe_error(facts: dict[str, Any]) -> probe.ProbeError:
    """Make the error that a worker describes, short and without the values that were tried."""
    error = rebuild(facts)
    if isinstance(error, probe.StudentError):
        kind, message, code = _short(error.kind), without_values(error.message), _short(error.code)
        return probe.StudentError(kind, message, error.line, code)
    if isinstance(error, probe.TimedOut):
        return probe.TimedOut(error.seconds, error.line, _short(error.code))
    return type(error)(*(_short(one, 60) for one in error.args))


_VALUES = re.compile(
    r"""'[^']{9,}' | "[^"]{9,}" | \[[^\]]*\]? | -?\d+\.\d*(?:e[+-]?\d+)? | -?\d{5,}""",
    re.VERBOSE | re.IGNORECASE,
)


def without_values(message: str) -> str:
    """Take texts, lists and long numbers out of an error: they may be what was tried."""
    return _short(_VALUES.sub("…", message))


def _short(text: str, most: int = 160) -> str:
    text = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return text if len(text) <= most else text[: most - 1] + "…"
