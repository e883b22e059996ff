"""Access a student's work in the sandbox as if it were in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_staff.grading import networks
from course_staff.grading.messages import Lines
from course_staff.grading.sandbox import Worker, WorkerEnded
from course_staff.grading.sandbox_runtime import wire
from course_utils import student_work
from course_utils.student_work import IN_WORDS, Arrays, What

#: The note on a network that could not be computed without the student's code.
OWN_CODE = (
    "The network has code of its own, so it was asked in the student's own process; it was not "
    "computed again."
)


@dataclass
class _Copy:
    """A copy of a student's network in the clean process.

    Attributes
    ----------
    ref : Ref
        Its name there.
    description : dict
        What it was built of.
    is_old : bool
        Whether the student's code ran since, so that it must be read again.
    is_changed : bool
        Whether weights were set in the clean process alone.
    shape : list of int or None
        The shape of one input, where it is known.
    sent : list of ndarray or None
        The weights as they were last set in the clean process, where nothing else has set any.
    """

    ref: student_work.Ref
    description: dict[str, Any]
    is_old: bool = False
    is_changed: bool = False
    shape: list[int] | None = None
    sent: Arrays | None = None

    def only_changed(self, weights: Arrays) -> list[np.ndarray | None]:
        """Return weights to be set, with None for each that is already set."""
        if self.sent is None or len(self.sent) != len(weights):
            return list(weights)
        pairs = zip(weights, self.sent, strict=True)
        return [None if np.array_equal(one, other) else one for one, other in pairs]


class RemoteWork:
    """A :class:`~course_utils.student_work.StudentWork` whose answers come from a worker.

    Each answer must have the type of the operation; any other did not come from the worker's own
    code, and ends it. Errors are reported without the values that were tried.

    A network of Keras's own layers is read as configuration and weights, and computed in a second
    worker, which runs no student's code. Before the student's code runs again, it receives weights
    that were set there.

    Parameters
    ----------
    worker : Worker
        The process with the student's code.
    seconds : float
        Processor time for one operation, until `limit` is called.
    lines : Lines, optional
        The lines of the notebook, for what is said about errors.
    clean : callable, optional
        Returns the worker that computes networks; without it they are asked where they are.
    again : callable, optional
        Returns the same work in another process.
    """

    def __init__(
        self,
        worker: Worker,
        seconds: float = 10.0,
        lines: Lines | None = None,
        clean: Callable[[], Worker] | None = None,
        again: Callable[[], RemoteWork] | None = None,
    ) -> None:
        self._worker = worker
        self._seconds = seconds
        self._lines = lines or Lines(())
        self._clean = clean
        self._again = again
        self._second: RemoteWork | None = None
        self._ended: WorkerEnded | None = None
        #: Operations without a result, which are sent together with the next one.
        self._before: list[tuple[str, list[Any]]] = []
        self._copies: dict[tuple[str, bool], _Copy] = {}
        self._unbuildable: set[tuple[str, bool]] = set()
        self._forbidden: frozenset[str] = frozenset()
        self.known: dict[Any, Any] = {}
        #: What was noticed since `watch`: sentences for the report.
        self.notes: list[str] = []
        #: Removed functions that were called though the question allows them.
        self.allowed: set[str] = set()

    def _ask(self, operation: str, /, *args: Any, **kwargs: Any) -> Any:
        """Ask the student's process."""
        if self._ended is not None:
            raise self._ended
        try:
            before, self._before = self._before, []
            answer = self._worker.operate(operation, args, kwargs, self._seconds, before)
        except WorkerEnded as ended:
            self._ended = ended
            raise
        except wire.NotAMessage as error:
            why = f"the answer cannot be judged: {error}"
            raise student_work.StudentError("ValueError", why) from None
        if "error" in answer:
            asked = str(_key(args[0])) if args else ""
            raise self._lines.safe(answer["error"], asked, self._seconds)
        if not _is_answer(operation, args, answer["value"]):
            self._ended = self._worker.tampered()
            raise self._ended
        return answer["value"]

    # --- how to ask ------------------------------------------------------------------------

    def limit(self, seconds: float) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._seconds = float(seconds)

    def seed(self, number: int) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._before.append(("seed", [number]))

    def watch(self, helpers: Sequence[str], packages: Sequence[str] = ()) -> None:
        """Forbid functions; in the sandbox these functions do not exist at all."""
        self._forbidden = frozenset(helpers) | frozenset(packages)
        self._before.append(("watch", [[], list(packages)]))

    def watched(self) -> list[str]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        called = self._ask("watched")
        self.allowed |= set(called) - self._forbidden
        return [name for name in called if name in self._forbidden]

    # --- names and values ------------------------------------------------------------------

    def kind(self, what: What) -> str:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._ask("kind", what)

    def get(self, what: What) -> Any:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._ask("get", what)

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._hand_on()
        try:
            return self._ask("call", what, *args, **kwargs)
        finally:
            for copy in self._copies.values():
                copy.is_old = True

    def stand_in(self, name: str, arguments: Sequence[Arrays], results: Arrays) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self._ask("stand_in", name, arguments, results)

    def files(self, what: What) -> dict[str, np.ndarray]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._ask("files", what)

    def put_files(self, files: dict[str, np.ndarray]) -> student_work.Ref:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._ask("put_files", files)

    def second(self) -> RemoteWork:
        """See :class:`~course_utils.student_work.StudentWork`."""
        if self._again is None:
            return self
        if self._second is None:
            self._second = self._again()
        self._second.limit(self._seconds)
        return self._second

    def is_repeated(self) -> bool:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._again is not None

    def changed(self) -> bool:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._ask("changed")

    def forget(self) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        self.known.clear()
        self._before.append(("forget", []))
        if self._copies:
            self._compute("forget")
        self._copies.clear()

    def take_notes(self) -> list[str]:
        """Return the sentences for the report that were collected, each once, and forget them."""
        found, self.notes = list(dict.fromkeys(self.notes)), []
        return found

    # --- networks --------------------------------------------------------------------------

    def model_weights(self, what: What, input_shape: Sequence[int]) -> Arrays:
        """See :class:`~course_utils.student_work.StudentWork`."""
        shape = list(input_shape)
        return self._of_network("model_weights", what, shape, shape)

    def model_set_weights(self, what: What, input_shape: Sequence[int], weights: Arrays) -> None:
        """See :class:`~course_utils.student_work.StudentWork`."""
        shape = list(input_shape)
        copy = self._copy(what, shape, with_network=True)
        fresh: list[np.ndarray | None] = list(weights)
        if copy is not None:
            fresh, copy.sent = copy.only_changed(weights), None
        self._of_copy(copy, "model_set_weights", what, shape, fresh)
        if copy is not None:
            copy.sent = [np.array(weight) for weight in weights]
            copy.is_changed = True

    def model_trainable(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        shape = list(input_shape)
        return self._of_network("model_trainable", what, shape, shape)

    def model_constrained(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        shape = list(input_shape)
        return self._of_network("model_constrained", what, shape, shape)

    def model_reached(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        shape = list(input_shape)
        return self._of_network("model_reached", what, shape, shape)

    def model_outputs(self, what: What, x: np.ndarray, training: bool = False) -> Any:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._of_network("model_outputs", what, list(x.shape[1:]), x, training)

    def model_compiled(self, what: What) -> dict[str, Any]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._of_compiled("model_compiled", what)

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._of_compiled("model_loss", what, y, outputs)

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        shape = list(x.shape[1:])
        return self._of_network("model_train", what, shape, x, y, steps, compiled=True)

    # --- datasets --------------------------------------------------------------------------

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """See :class:`~course_utils.student_work.StudentWork`."""
        return self._ask("batches", what, number)

    # --- networks, computed apart from the student's code ------------------------------------

    def _of_network(
        self, operation: str, what: What, shape: list[int], *args: Any, compiled: bool = False
    ) -> Any:
        """Compute something of a network in the clean process, or in the student's own one."""
        copy = self._copy(what, shape, with_network=True)
        if compiled and copy is not None and copy.description["compiled"] is None:
            copy = None
        return self._of_copy(copy, operation, what, *args)

    def _of_compiled(self, operation: str, what: What, *args: Any) -> Any:
        """Compute something of how a network was compiled, whatever its layers are."""
        known = self._copies.get((_key(what), True))
        copy = self._copy(what, known.shape, with_network=True) if known else None
        if copy is None or copy.description["compiled"] is None:
            copy = self._copy(what, known.shape if known else None, with_network=False)
        return self._of_copy(copy, operation, what, *args)

    def _of_copy(self, copy: _Copy | None, operation: str, what: What, *args: Any) -> Any:
        if copy is None:
            self.notes.append(OWN_CODE)
            return self._ask(operation, what, *args)
        return self._compute(operation, copy.ref, *args)

    def _copy(self, what: What, shape: list[int] | None, with_network: bool) -> _Copy | None:
        """Return the network in the clean process as it is now; None if it has code of its own."""
        key = (_key(what), with_network)
        if self._clean is None or key in self._unbuildable:
            return None
        known = self._copies.get(key)
        if known is not None and not known.is_old:
            return known
        told = self._ask("model_describe", what, shape)
        network = told["network"] if with_network else None
        if with_network and not networks.is_safe_network(network):
            self._copies.pop(key, None)
            return None
        description = {"network": network, "compiled": _safe_compiled(told["compiled"])}
        if not with_network and description["compiled"] is None:
            return None
        if known is not None and _is_same_but_weights(known.description, description):
            if network is not None and not _are_equal(known.description, description):
                self._compute("model_put", known.ref, shape, network["weights"])
                known.sent = None
            known.description, known.is_old = description, False
            return known
        return self._build(key, description, shape)

    def _build(
        self, key: tuple[str, bool], description: dict[str, Any], shape: list[int] | None
    ) -> _Copy | None:
        """Build a network in the clean process; return None if that is not possible."""
        compiled = description["compiled"] or ""
        try:
            ref = self._compute("model_build", description["network"], compiled)
        except student_work.StudentError:  # it cannot be built of its description alone
            self._copies.pop(key, None)
            return None
        except WorkerEnded as ended:  # it is larger than any that is asked for
            if ended.by_chance:
                raise
            self._copies.clear()
            self._unbuildable.add(key)
            return None
        self._copies[key] = _Copy(ref, description, shape=shape)
        return self._copies[key]

    def _hand_on(self) -> None:
        """Give the student's networks the weights that were set in the clean process."""
        for (key, with_network), copy in self._copies.items():
            if not with_network or not copy.is_changed:
                continue
            weights = self._compute("model_take", copy.ref)
            fresh = {**copy.description, "network": {"weights": weights}}
            if not _are_equal(copy.description, fresh):
                self._ask("model_put", student_work.Ref(key), copy.shape, weights)
                copy.description["network"]["weights"] = weights
            copy.is_changed = False

    def _compute(self, operation: str, *args: Any) -> Any:
        """Ask the clean process."""
        assert self._clean is not None
        try:
            answer = self._clean().operate(operation, args, {}, self._seconds)
        except wire.NotAMessage as error:
            raise student_work.StudentError("ValueError", f"it cannot be judged: {error}") from None
        if "error" in answer:
            raise self._lines.safe(answer["error"], "", self._seconds)
        if not _is_answer(operation, args, answer["value"]):
            raise student_work.StudentError("ValueError", "it cannot be judged")
        return answer["value"]


def _key(what: What) -> str:
    return what.key if isinstance(what, student_work.Ref) else what


def _is_none(value: Any) -> bool:
    return value is None


def _is_anything(value: Any) -> bool:
    return True


def _is_ref(value: Any) -> bool:
    return isinstance(value, student_work.Ref)


def _list_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(type(entry) is kind for entry in value)


def _is_files(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(entry, np.ndarray) and entry.dtype == np.uint8
        for name, entry in value.items()
    )


def _is_batches(value: Any) -> bool:
    return _list_of(tuple)(value) and all(
        isinstance(part, np.ndarray) for element in value for part in element
    )


#: What the answer to each operation must be.
_ANSWERS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("seed", "watch", "forget", "stand_in", "model_put", "model_set_weights"), _is_none
    ),
    **dict.fromkeys(("get", "call", "model_outputs"), _is_anything),
    **dict.fromkeys(("put_files", "model_build"), _is_ref),
    "watched": _list_of(str),
    "kind": lambda value: isinstance(value, str) and value in IN_WORDS,
    "changed": lambda value: type(value) is bool,
    "files": _is_files,
    "batches": _is_batches,
    "model_weights": _list_of(np.ndarray),
    "model_trainable": _list_of(bool),
    "model_constrained": _list_of(bool),
    "model_reached": _list_of(bool),
    "model_train": _list_of(float),
    "model_loss": lambda value: type(value) in (int, float),
    "model_compiled": lambda value: isinstance(value, dict),
    "model_describe": lambda value: (
        isinstance(value, dict) and set(value) == {"network", "compiled"}
    ),
    "model_take": networks.are_weights,
}


def _is_answer(operation: str, args: tuple[Any, ...], value: Any) -> bool:
    """Return whether a value can be the answer; a training answers with one loss per step."""
    if not _ANSWERS[operation](value):
        return False
    return operation != "model_train" or len(value) == args[-1]


def _safe_compiled(text: Any) -> str | None:
    """Return a safe compile configuration, if needed without its metrics, or None."""
    if not text or networks.is_safe(text):
        return text
    try:
        text = networks.without_metrics(text)
    except (ValueError, TypeError, RecursionError):
        return None
    return text if networks.is_safe(text) else None


def _is_same_but_weights(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def bare(description: dict[str, Any]) -> Any:
        network = description["network"]
        rest = network and {key: value for key, value in network.items() if key != "weights"}
        return rest, description["compiled"]

    return bool(bare(one) == bare(other)) and _shapes(one) == _shapes(other)


def _shapes(description: dict[str, Any]) -> Any:
    network = description["network"]
    return network and {
        path: [array.shape for array in arrays] for path, arrays in network["weights"].items()
    }


def _are_equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two networks of the same layers have the same weights."""
    first, second = one["network"]["weights"], other["network"]["weights"]
    return first.keys() == second.keys() and all(
        len(first[path]) == len(second[path])
        and all(map(np.array_equal, first[path], second[path]))
        for path in first
    )
