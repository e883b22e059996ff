"""Errors of a submission; the text of each is one sentence for the student."""

from __future__ import annotations

import linecache
import re
from types import TracebackType
from typing import Any


class StudentWorkError(Exception):
    """A submission gave no result that can be checked; ``str()`` is a sentence about it."""

    def facts(self) -> dict[str, Any]:
        """Return the plain data from which :func:`rebuild` makes the same error again."""
        return {"error": type(self).__name__, "arguments": list(self.args)}


class Missing(StudentWorkError):
    """A name is not defined, or still None.

    Parameters
    ----------
    name : str
        The name that was looked for.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"`{self.name}` is not defined yet; run the cell that defines it."


class WrongKind(StudentWorkError):
    """A value is of another kind than expected.

    Parameters
    ----------
    name, is_, wanted : str
        The name, what its value is, and what it should be.
    """

    def __init__(self, name: str, is_: str, wanted: str) -> None:
        super().__init__(name, is_, wanted)
        self.name, self.is_, self.wanted = name, is_, wanted

    def __str__(self) -> str:
        return f"`{self.name}` should be {self.wanted}, but it is {self.is_}."


class StudentError(StudentWorkError):
    """The student's code raised an exception.

    Parameters
    ----------
    kind, message : str
        Class and text of the exception.
    line : int or None
        The line number in the student's cell.
    code : str
        The text of that line.
    """

    def __init__(self, kind: str, message: str, line: int | None = None, code: str = "") -> None:
        super().__init__(kind, message, line, code)
        self.kind, self.message, self.line, self.code = kind, message, line, code

    def __str__(self) -> str:
        where = f" in line {self.line}" if self.line is not None else ""
        shown = f", `{self.code}`" if self.code else ""
        message = self.message.strip()
        text = f" {message}" if message.startswith("(") else f": {message}" if message else ""
        return f"Your code stopped with {self.kind}{where}{shown}{text}"


class TimedOut(StudentWorkError):
    """The student's code exceeded the time limit.

    Parameters
    ----------
    seconds : float
        The limit.
    line : int or None
        The line of the student's cell at which it was stopped.
    code : str
        The text of that line.
    """

    def __init__(self, seconds: float, line: int | None = None, code: str = "") -> None:
        super().__init__(seconds, line, code)
        self.seconds, self.line, self.code = seconds, line, code

    def __str__(self) -> str:
        where = f" It was stopped in line {self.line}" if self.line is not None else ""
        where += f", `{self.code}`." if where and self.code else "." if where else ""
        unit = "second" if self.seconds == 1 else "seconds"
        return (
            f"Your code had not finished after {self.seconds:g} {unit}.{where} Does a loop in it "
            f"never end?"
        )


_ERRORS: dict[str, type[StudentWorkError]] = {
    kind.__name__: kind for kind in (Missing, WrongKind, StudentError, TimedOut)
}


def rebuild(facts: dict[str, Any]) -> StudentWorkError:
    """Make the error again from the result of :meth:`StudentWorkError.facts`."""
    return _ERRORS[facts["error"]](*facts["arguments"])


def place(traceback: TracebackType | None, their_globals: dict[str, Any]) -> tuple[int | None, str]:
    """Find the innermost line of a traceback that belongs to the student's code.

    Returns
    -------
    line, code : int or None, str
        The line number in the cell and its text; None and "" if there is no such line.
    """
    found: tuple[int | None, str] = (None, "")
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals is their_globals:
            number = traceback.tb_lineno
            text = linecache.getline(frame.f_code.co_filename, number).strip()
            found = (number, shorten(text, 80))
        traceback = traceback.tb_next
    return found


#: Escape sequences of terminals; Keras prints parts of its errors in bold.
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

#: Internal names of operations that TensorFlow adds to its errors.
_ABOUT_OPERATIONS = re.compile(r"\{\{function_node [^}]*\}\}|\[Op:\w+\](?: name:(?: \S+)?)?")


def shorten(text: str, most: int) -> str:
    """Return `text` as one line of at most `most` characters, without terminal codes."""
    text = _ABOUT_OPERATIONS.sub("", _TERMINAL_CODES.sub("", text))
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
