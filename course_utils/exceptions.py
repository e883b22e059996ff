"""Errors that are written for the reader: what is wrong, where, and what to do.

In a notebook they are shown as one line instead of a long traceback. Everything that the course
itself refuses derives from :class:`CourseError`; the subclasses are also the built-in exception
that Python programmers expect, so ``except ValueError`` and ``except FileNotFoundError`` work.
"""

from __future__ import annotations


class CourseError(Exception):
    """An error that the reader can fix; the message says how.

    Characters that no terminal can show, as file names may hold, are written as escapes.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(
            *(
                arg.encode("utf-8", "backslashreplace").decode() if isinstance(arg, str) else arg
                for arg in args
            )
        )

    def _render_traceback_(self) -> list[str]:
        # IPython shows what this returns in place of the traceback.
        return [f"{type(self).__name__}: {self}"]


class InvalidInput(CourseError, ValueError):
    """An argument, a setting or a file has content that cannot be used."""


class MissingData(CourseError, FileNotFoundError):
    """A file, a folder or a dataset is not where it was looked for."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DownloadFailed(CourseError, OSError):
    """A download was refused, broke off, or is not what was asked for."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class TrainingStopped(CourseError, RuntimeError):
    """Training cannot go on, for instance because the loss is not a number."""
