"""The operations on a submission, as one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from course_utils.student_work._data import Ref

#: A name of the submission, a dotted path that begins with one, or a `Ref`.
What: TypeAlias = str | Ref
Arrays: TypeAlias = list[np.ndarray]


class StudentWork(Protocol):
    """A submission, as the checks use it.

    Each method may raise `Missing`, `WrongKind`, `StudentError` or `TimedOut` of
    :mod:`course_utils.student_work`. Arguments and results are plain data and `Ref`.

    Attributes
    ----------
    known : dict
        What the parts of a question have found out and need not ask again; `forget` empties it.
    """

    known: dict[Any, Any]

    def limit(self, seconds: float) -> None:
        """Set the time limit of each operation that runs student code."""

    def seed(self, number: int) -> None:
        """Seed the random numbers of Python, NumPy and Keras."""

    def watch(self, helpers: Sequence[str], packages: Sequence[str] = ()) -> None:
        """Record from now on the calls of these functions of the course and of these packages.

        A function is given by its path, such as ``"course_utils.convolution.feature_map"``, a
        package by its name, such as ``"scipy"``.
        """

    def watched(self) -> list[str]:
        """Return the functions and packages that were called since `watch`, each once."""

    def kind(self, what: What) -> str:
        """Return the kind of a value (see :func:`kind_of`), or "missing"."""

    def get(self, what: What) -> Any:
        """Return a value as plain data."""

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """Call a function and return its result; objects in it that are not plain become `Ref`."""

    def stand_in(self, name: str, arguments: Sequence[Arrays], results: Arrays) -> None:
        """Let a function give these results for these arguments, until this is called with none.

        For other arguments it is the student's own, if there is one.
        """

    def files(self, what: What) -> dict[str, np.ndarray]:
        """Return the content (uint8) of the files of a folder by their paths in it."""

    def put_files(self, files: dict[str, np.ndarray]) -> Ref:
        """Write files, as `files` returns them, to a new folder; return its path."""

    def second(self) -> StudentWork:
        """Return the submission in a second process that has run the same cells.

        It does not share memory with the first. In a notebook there is no second process, and the
        result is the same object.
        """

    def is_repeated(self) -> bool:
        """Return whether `second` is another process."""

    def changed(self) -> bool:
        """Return whether the last call changed an array or list among its arguments."""

    def forget(self) -> None:
        """Delete all kept objects."""

    def model_weights(self, what: What, input_shape: Sequence[int]) -> Arrays:
        """Return the weights of a model, layer by layer in the order of execution.

        `input_shape` is the shape of one input, without the batch axis.
        """

    def model_set_weights(self, what: What, input_shape: Sequence[int], weights: Arrays) -> None:
        """Set all weights of a model, in the order of :meth:`model_weights`."""

    def model_trainable(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """Return for each weight of :meth:`model_weights` whether it is trainable."""

    def model_constrained(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """Return for each weight of :meth:`model_weights` whether a constraint limits it."""

    def model_reached(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """Return for each weight of :meth:`model_weights` whether a gradient arrives at it."""

    def model_outputs(self, what: What, x: np.ndarray, training: bool = False) -> Any:
        """Return the outputs of a model or layer for a batch `x`."""

    def model_compiled(self, what: What) -> dict[str, Any]:
        """Return the loss, optimizer, learning rate and metrics of a compiled model."""

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """Return the loss of a compiled model for given outputs, without regularization."""

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """Train a model on one batch for some steps; return the loss before each step."""

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """Return the first batches (or elements) of a dataset, from its start."""


#: Methods that are implemented by the caller, not in the process of the submission.
_OF_THE_CALLER = ("second", "is_repeated")
#: The operations: the methods of :class:`StudentWork`, and those that transfer a model as data.
OPERATIONS: tuple[str, ...] = (
    *(name for name in vars(StudentWork) if name[0] != "_" and name not in _OF_THE_CALLER),
    *("model_describe", "model_build", "model_take", "model_put"),
)


def operate(work: StudentWork, operation: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call an operation by its name, as requested by another process.

    Raises
    ------
    KeyError
        If there is no such operation.
    """
    if operation not in OPERATIONS:
        raise KeyError(f"there is no operation called {operation!r}")
    return getattr(work, operation)(*args, **kwargs)
