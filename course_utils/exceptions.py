"""Errors with a message for the user: what is wrong, where, and what to do.

Notebooks show them as one line instead of a long traceback. All errors that the course raises
derive from :class:`CourseError`, and also from the built-in exception that Python programmers
expect, so ``except ValueError`` and ``except FileNotFoundError`` work.
"""

from __future__ import annotations

import re

#: Control characters except line breaks and tabs, and those that turn the direction of text.
_CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return `text` with characters that cannot be shown (as in file names) written as escapes."""
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], shown)


class CourseError(Exception):
    """An error that the user can fix; the message says how.

    Characters that no terminal can show, for example in file names, are written as escapes.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(printable(arg) if isinstance(arg, str) else arg for arg in args))

    def _render_traceback_(self) -> list[str]:
        # IPython shows the returned lines instead of the traceback.
        return [f"{type(self).__name__}: {self}"]


class InvalidInput(CourseError, ValueError):
    """An argument, a setting or a file has an invalid value."""


class MissingData(CourseError, FileNotFoundError):
    """A file, a folder or a dataset does not exist."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DownloadFailed(CourseError, OSError):
    """A download was refused, was interrupted, or has the wrong content."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class TrainingStopped(CourseError, RuntimeError):
    """Training cannot continue, for example because the loss became NaN."""
