"""What can go wrong when somebody's work is asked; each is one sentence for the person."""

from __future__ import annotations

import linecache
import re
from types import TracebackType
from typing import Any


class StudentWorkError(Exception):
    """Somebody's work gave no answer that can be judged; ``str()`` is a sentence about it."""

    def facts(self) -> dict[str, Any]:
        """Return what :func:`rebuild` needs to make the same error in another process."""
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
    """A value is of another kind than the question asks for.

    Parameters
    ----------
    name, is_, wanted : str
        What was looked at, what it is, and what it should be.
    """

    def __init__(self, name: str, is_: str, wanted: str) -> None:
        super().__init__(name, is_, wanted)
        self.name, self.is_, self.wanted = name, is_, wanted

    def __str__(self) -> str:
        return f"`{self.name}` should be {self.wanted}, but it is {self.is_}."


class StudentError(StudentWorkError):
    """Somebody's own code raised an exception.

    Parameters
    ----------
    kind, message : str
        The exception's class and text.
    line : int or None
        The line of their code, counted from the start of their cell.
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
    """Somebody's own code did not come to an end in time.

    Parameters
    ----------
    seconds : float
        The limit.
    line : int or None
        The line of their code where it was stopped.
    code : str
        The text of that line.
    """

    def __init__(self, seconds: float, line: int | None = None, code: str = "") -> None:
        super().__init__(seconds, line, code)
        self.seconds, self.line, self.code = seconds, line, code

    def __str__(self) -> str:
        where = f" It was stopped in line {self.line}" if self.line is not None else ""
        where += f", `{self.code}`." if where and self.code else "." if where else ""
        return (
            f"Your code had not finished after {self.seconds:g} seconds.{where} Does a loop in it "
            f"never end?"
        )


_ERRORS: dict[str, type[StudentWorkError]] = {
    kind.__name__: kind for kind in (Missing, WrongKind, StudentError, TimedOut)
}


def rebuild(facts: dict[str, Any]) -> StudentWorkError:
    """Make the error that :meth:`StudentWorkError.facts` describes."""
    return _ERRORS[facts["error"]](*facts["arguments"])


def place(traceback: TracebackType | None, their_globals: dict[str, Any]) -> tuple[int | None, str]:
    """Find the innermost line of a traceback that is somebody's own code.

    Returns
    -------
    line, code : int or None, str
        The line number in their cell and its text; None and "" where it lies outside their code.
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


#: Such as those with which Keras writes its errors in bold.
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


#: What TensorFlow adds to its errors about itself: where an operation runs, and its inner name.
_ABOUT_OPERATIONS = re.compile(r"\{\{function_node [^}]*\}\}|\[Op:\w+\](?: name:(?: \S+)?)?")


def shorten(text: str, most: int) -> str:
    """`text` on one line, without codes for a terminal, not longer than `most` characters."""
    text = _ABOUT_OPERATIONS.sub("", _TERMINAL_CODES.sub("", text))
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
