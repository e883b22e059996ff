"""Report errors of the sandbox to students, without the values that were tried.

The description of an error comes from the student's process: it may be forged, and could carry the
inputs of the grader into the feedback. So the kind has to be known, the line has to be in the
notebook, and the text is shown only if it is one of the fixed sentences of Python, NumPy and Keras,
without the numbers and names in it that the line does not contain itself.
"""

from __future__ import annotations

import builtins
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from course_utils import student_work
from course_utils.student_work import IN_WORDS, rebuild

_OTHER_KINDS = """
    AxisError LinAlgError UFuncTypeError InvalidArgumentError ResourceExhaustedError NotFoundError
    FailedPreconditionError UnimplementedError OperatorNotAllowedInGraphError InvalidInput
    MissingData DataError DownloadFailed WriteItYourself TooMuchOutput CalledProcessError
"""
_KINDS = frozenset(_OTHER_KINDS.split()) | {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
#: What stands for an exception of a class that is not Python's, NumPy's or the course's.
_OTHER = "an exception of its own"

#: Sentences that are told.
_TOLD = Path(__file__).with_name("messages.toml").read_text(encoding="utf-8")
_SENTENCES = [re.compile(line) for line in tomllib.loads(_TOLD)["sentences"].splitlines()]
_NUMBERS = re.compile(r"\(?-?\d[\d.,e+\- ]*\)?(?<! )|(?<=\s)-?(?:inf|nan)\b")
_OTHER_TYPES = "NoneType ndarray function module method generator Tensor EagerTensor"
_TYPES = frozenset(_OTHER_TYPES.split()) | {
    name for name, value in vars(builtins).items() if isinstance(value, type)
}


#: Characters of a cell whose lines are looked at.
_MOST_TEXT = 200_000


class Lines:
    """The lines of a notebook, and errors told by them.

    Parameters
    ----------
    sources : iterable of str
        The text of its code cells.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        self._sources = [source[:_MOST_TEXT] for source in sources]

    def safe(
        self, facts: dict[str, Any], asked: str, seconds: float, in_cell: bool = False
    ) -> student_work.StudentWorkError:
        """Make the error that a worker describes, without the values that were tried.

        Parameters
        ----------
        facts : dict
            What the worker says.
        asked : str
            What was asked for.
        seconds : float
            The limit on processor time.
        in_cell : bool
            Whether no question was asked before, so that the text cannot hold any inputs.
        """
        error = rebuild(facts)
        if isinstance(error, student_work.StudentError):
            line, code = self._place(error.line, error.code)
            kind = error.kind if error.kind in _KINDS else _OTHER
            if in_cell:
                return student_work.StudentError(
                    _short(error.kind, 60), _short(error.message), line, code
                )
            return student_work.StudentError(kind, fixed(error.message, code), line, code)
        if isinstance(error, student_work.TimedOut):
            return student_work.TimedOut(seconds, *self._place(error.line, error.code))
        if isinstance(error, student_work.WrongKind):
            return student_work.WrongKind(
                asked, _of(error.is_, "something else"), _of(error.wanted, "")
            )
        return student_work.Missing(asked if error.args[0] == asked else asked.partition(".")[0])

    def _place(self, line: int | None, code: str) -> tuple[int | None, str]:
        """Return a line and its text where the notebook has this text at this line of a cell."""
        code = _short(code, 80)
        if line is None or not any(code in self._texts(source, line) for source in self._sources):
            return None, ""
        return line, code

    @staticmethod
    def _texts(source: str, line: int) -> tuple[str, ...]:
        lines = source.splitlines()
        if not 1 <= line <= len(lines):
            return ()
        text = lines[line - 1].strip()[:1000]
        return _short(text, 80), _short(text[:80], 80)


def fixed(message: str, code: str) -> str:
    """Return the text of an exception where it is one of the known sentences, else "".

    Parameters
    ----------
    message : str
        The text.
    code : str
        The line of the notebook; names that stand in it are kept.
    """
    text = _NUMBERS.sub("…", _short(message, 400))
    words = set(re.findall(r"\w+", code)) | _TYPES
    for sentence in _SENTENCES:
        found = sentence.match(text)
        if found is None:
            continue
        told = found.group(0)
        for number in range(found.re.groups, 0, -1):
            name = found.group(number)
            if name is not None and not set(name.split(".")) <= words:
                told = told[: found.start(number)] + "…" + told[found.end(number) :]
        return told
    return ""


#: Kinds of values, as `student_work` names them in errors.
_WORDS = frozenset(IN_WORDS.values()) | {
    "numbers, text, a list or an array",
    "numbers, text, or a list, array or dictionary of them",
    "the path of a folder",
}


def _of(word: str, otherwise: str) -> str:
    bare = word if word in _WORDS else re.split(r" \(| with ", word)[0]
    return bare if bare in _WORDS else otherwise or "of another kind"


def _short(text: str, most: int = 160) -> str:
    text = text[: 10 * most]
    text = " ".join(
        "".join(character if character.isprintable() else " " for character in text).split()
    )
    return text if len(text) <= most else text[: most - 1] + "…"
