"""Store results in the folder of the reports as soon as they are known.

The file has one line for each notebook. If a run is interrupted, the next one continues with the
stored results. A line that is incomplete or was changed is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from course_staff.grading import store
from course_staff.grading.results import from_dict
from course_utils.exceptions import InvalidInput

#: The file, in the folder of the reports.
NAME = "records.jsonl"


class Journal:
    """The results in a folder of reports, by key; a context manager.

    Parameters
    ----------
    folder : Path
        The folder of the reports; it need not be there yet.

    Attributes
    ----------
    folder : Path
        The folder.
    known : dict
        The results of earlier runs, as plain data.
    damaged : int
        The number of lines that could not be read; their notebooks are graded again.

    Raises
    ------
    InvalidInput
        If the file is there and cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / NAME
        self._file: int | None = None
        self._lock: int | None = None
        self.known: dict[str, dict[str, Any]] = {}
        self.damaged = 0
        self._load()

    def _load(self) -> None:
        self.known, self.damaged = {}, 0
        try:
            lines = self._path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise InvalidInput(f"{self._path} cannot be read: {store.reason(error)}.") from error
        for line in filter(bytes.strip, lines):
            try:
                key, record = _read(line)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.damaged += 1
            else:
                self.known[key] = record

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        for number in (self._file, self._lock):
            if number is not None:
                os.close(number)
        self._file = self._lock = None

    def begin(self) -> None:
        """Check that results can be written, before any are computed.

        Raises
        ------
        InvalidInput
            If nothing can be written into the folder, or another run does so now.
        """
        if self._file is not None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._path.parent)
            self._load()  # another run may have written since, or was writing a line just then
            if self.damaged:
                lines = b"".join(_line(key, record) for key, record in self.known.items())
                store.write(self._path, lines, 0o600)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._file = os.open(self._path, flags, 0o600)
            os.write(self._file, b"\n")  # found out now whether there is room
            os.fsync(self._file)
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, key: str, record: dict[str, Any]) -> None:
        """Store a result; it is on the disk when this returns.

        Raises
        ------
        InvalidInput
            If it cannot be written; what was kept before is not lost.
        """
        self.begin()
        assert self._file is not None
        try:
            _write(self._file, _line(key, record))
            os.fsync(self._file)
        except OSError as error:
            raise self._unwritable(error) from error
        self.known[key] = record

    def _unwritable(self, error: OSError) -> InvalidInput:
        return InvalidInput(
            f"Nothing can be written into {self._path.parent}: {store.reason(error)}. All results "
            f"written so far are kept; once this is solved, the same command goes on from there."
        )


def _locked(folder: Path) -> int:
    """Lock a folder for this process; raise InvalidInput if another process has the lock."""
    import fcntl

    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        raise InvalidInput(
            f"Another run of `course grade` writes into {folder} now; wait for it, or name another "
            f"folder."
        ) from None
    except OSError:  # a file system without locks
        pass
    return number


def _line(key: str, record: dict[str, Any]) -> bytes:
    text = json.dumps({"key": key, "graded": record}).encode()
    return _checksum(text) + b" " + text + b"\n"


def _read(line: bytes) -> tuple[str, dict[str, Any]]:
    checksum, _, text = line.partition(b" ")
    if checksum != _checksum(text):
        raise ValueError("the line was changed")
    stored = json.loads(text)
    from_dict(stored["graded"])
    return str(stored["key"]), stored["graded"]


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:16].encode()


def _write(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]
