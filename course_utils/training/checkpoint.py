"""Keep the state of a training in a folder, and resume from it after an interruption.

Keras's ``BackupAndRestore`` keeps the weights and the optimizer, but neither the history nor the
counters of early stopping and the plateau schedule. Here all of them are kept. Lesson 04 interrupts
a training and resumes it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.files import atomic_path
from course_utils.training.history import History
from course_utils.validate import first_line

_FORMAT = 1

#: The errors that reading an incomplete or damaged file of arrays can raise.
UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)

# The attributes in which callbacks keep their state between epochs.
_STATE_ATTRIBUTES = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.ModelCheckpoint: ("best",),
}


class State:
    """The state of a training after an epoch."""

    def __init__(self, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]):
        self._arrays = arrays
        self.history = History.from_json(about["history"])
        self.finished: bool = about["finished"]
        self.stopped: bool = about["stopped"]
        self.callbacks: list[dict[str, Any]] = about["callbacks"]

    def restore_model(self, model: keras.Model) -> None:
        """Restore the weights, the random generators and the optimizer."""
        _assign(model.variables, self.list("model"), "the model")
        model.optimizer.build(model.trainable_variables)
        _assign(model.optimizer.variables, self.list("optimizer"), "the optimizer")

    def list(self, kind: str) -> list[np.ndarray]:
        """Return the arrays of a kind: "model", "optimizer" or "best 0"."""
        return of_kind(kind, self._arrays)


class RunFolder:
    """A folder that holds the state of one training.

    Parameters
    ----------
    path : str or Path
        The folder; it is made if it does not exist.
    signature : mapping
        The model, data and arguments of the training, as JSON values.

    Raises
    ------
    InvalidInput
        If the folder cannot be used or holds the state of another training.
    """

    def __init__(self, path: str | Path, signature: Mapping[str, Any]):
        self.path = Path(os.path.expanduser(path))
        self._signature = json.loads(json.dumps(signature))
        self._warned = False
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(
                f"The checkpoint folder {self.path} cannot be made ({reason(error)}); give "
                f"another one."
            ) from None

    @property
    def _file(self) -> Path:
        return self.path / "state.npz"

    def load(self) -> State | None:
        """Return the last state, or None if there is none.

        Raises
        ------
        InvalidInput
            If the state belongs to another training, or cannot be read.
        """
        if not self._file.exists():
            return None
        try:
            arrays, about = read_arrays(self._file)
            kept = about["signature"]
            state = State(arrays, about)
        except UNREADABLE as error:
            raise InvalidInput(
                f"The checkpoint {self._file} cannot be read ({reason(error)}); delete the folder "
                f"to train from the beginning."
            ) from None
        differs = [name for name in self._signature if kept.get(name) != self._signature[name]]
        if differs:
            raise InvalidInput(
                f"The folder {self.path} holds a training with another "
                f"{_listed([_difference(n, kept.get(n), self._signature[n]) for n in differs])}; "
                f"give another checkpoint folder, or delete this one to train from the beginning."
            )
        return state

    def save(
        self,
        model: keras.Model,
        history: History,
        callbacks: Sequence[keras.callbacks.Callback],
        finished: bool = False,
    ) -> None:
        """Write the state after an epoch; training continues if it cannot be written."""
        arrays = numbered("model", map(_array, model.variables))
        arrays |= numbered("optimizer", map(_array, model.optimizer.variables))
        states = []
        for number, callback in enumerate(callbacks):
            states.append(_state_of(callback))
            best = getattr(callback, "best_weights", None)
            if best is not None and not finished:
                arrays |= numbered(f"best {number}", map(np.asarray, best))
        about = {
            "signature": self._signature,
            "history": history.to_json(),
            "callbacks": states,
            "stopped": bool(model.stop_training),
            "finished": finished,
        }
        try:
            write_arrays(self._file, arrays, about)
        except OSError as error:
            if not self._warned:
                print(
                    f"The checkpoint in {self.path} could not be written ({reason(error)}); "
                    f"training goes on, but an interruption would lose the epochs since."
                )
            self._warned = True


def restore_callbacks(callbacks: Sequence[keras.callbacks.Callback], state: State) -> None:
    """Restore the counters of callbacks.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        The same callbacks, in the same order.
    state : State
        The state to restore.
    """
    for number, (callback, kept) in enumerate(zip(callbacks, state.callbacks, strict=True)):
        for name, value in kept.items():
            setattr(callback, name, value)
        best = state.list(f"best {number}")
        if best:
            callback.best_weights = best


def numbered(kind: str, arrays: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays by name for :func:`write_arrays`: ``weights/0``, ``weights/1`` and so on."""
    return {f"{kind}/{i}": array for i, array in enumerate(arrays)}


def of_kind(kind: str, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the arrays that :func:`numbered` named, in their order."""
    count = sum(name.startswith(f"{kind}/") for name in arrays)
    return [arrays[f"{kind}/{i}"] for i in range(count)]


def arrays_digest(arrays: Sequence[np.ndarray]) -> str:
    """Return the SHA-256 digest of the bytes of all arrays, 64 hexadecimal digits."""
    content = hashlib.sha256()
    for values in arrays:
        content.update(np.ascontiguousarray(values).tobytes())
    return content.hexdigest()


def write_arrays(file: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays and a description into one file, in one step.

    Parameters
    ----------
    file : Path
        The file. Readers see the old content or the new one, never a part.
    arrays : mapping of str to numpy.ndarray
        The arrays by name.
    about : mapping
        The description, as JSON values.

    Raises
    ------
    OSError
        If the file cannot be written; it is unchanged then.
    """
    text = json.dumps({"format": _FORMAT, **about}).encode()
    content: dict[str, Any] = {"about": np.frombuffer(text, dtype=np.uint8), **arrays}
    with atomic_path(file) as part, part.open("wb") as stream:
        np.savez(stream, **content)
        stream.flush()
        os.fsync(stream.fileno())  # the content is on the disk before the file gets its name


def read_arrays(file: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file of :func:`write_arrays`.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    tuple
        The arrays by name, and the description.

    Raises
    ------
    UNREADABLE
        One of these errors, if the file does not exist, is incomplete, or has another format.
    """
    with np.load(file, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    about = json.loads(arrays.pop("about").tobytes())
    if about.pop("format") != _FORMAT:
        raise ValueError("it was written by another version of the course")
    return arrays, about


def reason(error: BaseException) -> str:
    """Return why a file could not be read or written, in a few words."""
    if isinstance(error, OSError) and error.errno is not None:
        return {errno.ENOSPC: "the disk is full"}.get(error.errno, os.strerror(error.errno).lower())
    return first_line(error)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable))


def _assign(variables: Sequence[Any], arrays: Sequence[np.ndarray], what: str) -> None:
    if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
        raise InvalidInput(
            f"The checkpoint does not fit {what}; delete its folder to train from the beginning."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _state_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    for kind, names in _STATE_ATTRIBUTES.items():
        if isinstance(callback, kind):
            values = {name: getattr(callback, name, None) for name in names}
            return {n: v.item() if isinstance(v, np.generic) else v for n, v in values.items()}
    return {}


def _difference(name: str, before: Any, now: Any) -> str:
    simple = (str, int, float, bool, type(None))
    if name in ("model", "dataset", "compiled"):
        return {"compiled": "optimizer or loss"}.get(name, name)
    if isinstance(before, simple) and isinstance(now, simple):
        return f"{name} ({before} there, {now} now)"
    return name


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
