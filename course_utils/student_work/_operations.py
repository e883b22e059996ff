"""Everything that may be asked of somebody's work, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from course_utils.student_work._data import Ref

#: One of their names, a dotted path that begins with one, or a `Ref`.
What: TypeAlias = str | Ref
Arrays: TypeAlias = list[np.ndarray]


class StudentWork(Protocol):
    """Somebody's work, as the checks see it.

    Every method may raise `Missing`, `WrongKind`, `StudentError` or `TimedOut` of
    :mod:`course_utils.student_work`. Arguments and results are plain data and `Ref`.
    """

    def limit(self, seconds: float) -> None:
        """Let every operation that runs their code take at most so many seconds."""

    def seed(self, number: int) -> None:
        """Seed the random numbers of Python, NumPy and Keras."""

    def watch(self, helpers: Sequence[str], packages: Sequence[str] = ()) -> None:
        """Note from now on when their code calls one of these functions of the course.

        Each is named like ``"course_utils.convolution.feature_map"``. Calls into the packages,
        such as ``"scipy"``, are noted, too.
        """

    def watched(self) -> list[str]:
        """Return the watched functions and packages that were called since `watch`, each once."""

    def names(self) -> list[str]:
        """Return the names that are defined, sorted."""

    def kind(self, what: What) -> str:
        """Return the kind of a value (see :func:`kind_of`), or "missing"."""

    def get(self, what: What) -> Any:
        """Return a value as plain data."""

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """Call a function and return its result; what is no plain data is kept, as a `Ref`."""

    def files(self, what: What) -> dict[str, np.ndarray]:
        """Return the files of a folder, named by a path, as bytes (uint8) by their names in it."""

    def put_files(self, files: dict[str, np.ndarray]) -> Ref:
        """Write such files into a new folder, and return its path (a ``pathlib.Path``)."""

    def second(self) -> StudentWork:
        """Return the same work in a second process, in which the same cells ran.

        What was only kept in memory is not there. In a notebook there is no second process: it is
        the same work.
        """

    def is_repeated(self) -> bool:
        """Whether `second` is another process, so that what it confirms has been repeated."""

    def changed(self) -> bool:
        """Say whether the last call changed one of the arrays or lists that it was given."""

    def forget(self) -> None:
        """Let go of all kept objects."""

    def model_weights(self, what: What, input_shape: Sequence[int]) -> Arrays:
        """Return a network's weights, layer by layer in the order of first execution.

        `input_shape` is the shape of one input, without the batch.
        """

    def model_set_weights(self, what: What, input_shape: Sequence[int], weights: Arrays) -> None:
        """Set all weights of a network, given in the order of :meth:`model_weights`."""

    def model_trainable(self, what: What, input_shape: Sequence[int]) -> list[bool]:
        """Say for each weight of :meth:`model_weights` whether training changes it."""

    def model_outputs(self, what: What, x: np.ndarray, training: bool = False) -> Any:
        """Return what a network (or a layer) gives for a batch `x`."""

    def model_compiled(self, what: What) -> dict[str, Any]:
        """Return what a network was compiled with: loss, optimizer, learning rate, metrics."""

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """Return the loss that a compiled network gives to some outputs, without penalties."""

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """Take so many steps of training on one batch, and return the loss before each."""

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """Return the first batches (or elements) of a dataset, from its start."""


#: What is decided where the questions are asked, not where the work is.
_NOT_INSIDE = ("second", "is_repeated")
#: The operations by name: those of :class:`StudentWork`, and how a network is described and built.
OPERATIONS: tuple[str, ...] = (
    *(n for n in vars(StudentWork) if not n.startswith("_") and n not in _NOT_INSIDE),
    *("model_describe", "model_build", "model_take", "model_put"),
)


def operate(
    subject: StudentWork, operation: str, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Do one operation by its name, as a worker does that is asked from elsewhere.

    Raises
    ------
    KeyError
        If there is no such operation.
    """
    if operation not in OPERATIONS:
        raise KeyError(f"there is no operation called {operation!r}")
    return getattr(subject, operation)(*args, **kwargs)
