"""Everything that may be asked of somebody's work, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from course_utils.probe._data import Ref

#: One of their names, a dotted path that begins with one, or a `Ref`.
What: TypeAlias = str | Ref
Arrays: TypeAlias = list[np.ndarray]


class Subject(Protocol):
    """Somebody's work, as the checks see it.

    Every method may raise :class:`~course_utils.probe.Missing`,
    :class:`~course_utils.probe.WrongKind`, :class:`~course_utils.probe.StudentError` or
    :class:`~course_utils.probe.TimedOut`. Arguments and results are plain data and `Ref`.
    """

    def limit(self, seconds: float) -> None:
        """Let every operation that runs their code take at most so many seconds."""

    def seed(self, number: int) -> None:
        """Seed the random numbers of Python, NumPy and Keras."""

    def watch(self, helpers: Sequence[str]) -> None:
        """Note from now on when their code calls one of these functions of the course.

        Each is named like ``"course_utils.convolution.feature_map"``.
        """

    def watched(self) -> list[str]:
        """Return the watched functions that were called since `watch`, each once."""

    def names(self) -> list[str]:
        """Return the names that are defined, sorted."""

    def kind(self, what: What) -> str:
        """Return the kind of a value (see :func:`~course_utils.probe.kind_of`), or "missing"."""

    def get(self, what: What) -> Any:
        """Return a value as plain data."""

    def call(self, what: What, *args: Any, **kwargs: Any) -> Any:
        """Call a function and return its result; what is no plain data is kept, as a `Ref`."""

    def source(self, what: str) -> str | None:
        """Return the text of a function or class of theirs, or None where it is not known."""

    def parameters(self, what: What) -> list[str]:
        """Return the names of a function's parameters."""

    def put_files(self, files: dict[str, np.ndarray]) -> Ref:
        """Write files (bytes as uint8, by their names) into a new folder; return its path."""

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

    def model_layers(self, what: What) -> list[dict[str, Any]]:
        """Return the layers in the order in which they stand: their kind and settings."""

    def model_compiled(self, what: What) -> dict[str, Any]:
        """Return what a network was compiled with: loss, optimizer, learning rate, metrics."""

    def model_loss(self, what: What, y: np.ndarray, outputs: np.ndarray) -> float:
        """Return the loss that a compiled network gives to some outputs, without penalties."""

    def model_train(self, what: What, x: np.ndarray, y: np.ndarray, steps: int = 1) -> list[float]:
        """Take so many steps of training on one batch, and return the loss before each."""

    def model_reload(self, what: What, x: np.ndarray) -> Any:
        """Save a network, load it again, and return what the loaded one gives for `x`."""

    def batches(self, what: What, number: int) -> list[tuple[np.ndarray, ...]]:
        """Return the first batches (or elements) of a dataset, from its start."""

    def dataset_spec(self, what: What) -> list[dict[str, Any]]:
        """Return shape and dtype of each part of a dataset's elements; None for "any"."""


#: The operations by name: those of :class:`Subject`, and nothing else.
OPERATIONS: tuple[str, ...] = tuple(
    name for name in vars(Subject) if not name.startswith("_") and callable(vars(Subject)[name])
)


def operate(subject: Subject, operation: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Do one operation by its name, as a worker does that is asked from elsewhere.

    Raises
    ------
    KeyError
        If there is no such operation.
    """
    if operation not in OPERATIONS:
        raise KeyError(f"there is no operation called {operation!r}")
    return getattr(subject, operation)(*args, **kwargs)
