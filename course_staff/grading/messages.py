"""Report errors of the sandbox to students, without the values that were tried.

The description of an error comes from the student's process: it may be forged, and could carry the
inputs of the grader into the feedback. So the kind has to be known, the line has to be in the
notebook, and the text is shown only if it is one of the fixed sentences of Python, NumPy and Keras,
without the numbers and names in it that the line does not contain itself.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
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

#: Sentences that are told; "…" stands for numbers, and for all that follows it at the end.
_SENTENCES = [
    re.compile(text)
    for text in (
        r"(?:float |integer )?(?:division|modulo|division or modulo) by zero(?: encountered.*)?",
        r"name '(\w+)' is not defined",
        r"cannot access (?:local|free) variable '(\w+)' where it is not associated with a value.*",
        r"(?:list|tuple|string|range object|bytes) index out of range",
        r"pop from empty list",
        r"list indices must be integers or slices, not (\w+)",
        r"unsupported operand type\(s\) for [-+*/%@&|^<>=]{1,3}(?: or pow\(\))?: "
        r"'(\w+)' and '(\w+)'",
        r"'[<>=]{1,2}' not supported between instances of '(\w+)' and '(\w+)'",
        r"'(\w+)' object is not (?:callable|iterable|subscriptable|an iterator)",
        r"'(\w+)' object does not support item assignment",
        r"'(\w+)' object cannot be interpreted as an integer",
        r"'(\w+)' object has no attribute '(\w+)'",
        r"module '([\w.]+)' has no attribute '(\w+)'",
        r"No module named '([\w.]+)'",
        r"(\w+)\(\) missing … required (?:positional|keyword-only) arguments?: '(\w+)'",
        r"(\w+)\(\) takes … positional arguments? but … (?:was|were) given",
        r"(\w+)\(\) got an unexpected keyword argument '(\w+)'",
        r"cannot unpack non-iterable (\w+) object",
        r"not enough values to unpack \(expected …, got …\)",
        r"too many values to unpack \(expected …(?:, got …)?\)",
        r"object of type '(\w+)' has no len\(\)",
        r"can only concatenate (\w+) \(not \"(\w+)\"\) to (\w+)",
        r"maximum recursion depth exceeded",
        r"math domain error",
        r"operands could not be broadcast together",
        r"could not broadcast input array from shape",
        r"index … is out of bounds for axis … with size …",
        r"too many indices for array",
        r"axis … is out of bounds for array of dimension …",
        r"shapes … and … not aligned",
        r"matmul: Input operand … has a mismatch in its core dimension",
        r"cannot reshape array of size",
        r"setting an array element with a sequence",
        r"zero-size array to reduction operation (\w+) which has no identity",
        r"all the input array dimensions except for the concatenation axis must match exactly",
        r"need at least one array to (?:concatenate|stack)",
        r"only integer scalar arrays can be converted to a scalar index",
        r"only (?:length-…|…-dimensional) arrays can be converted to Python scalars",
        r"The truth value of an array with more than one element is ambiguous.",
        r"arrays used as indices must be of integer \(or boolean\) type",
        r"Unable to allocate",
        r"Input … of layer \"(\w+)\" is incompatible with the layer",
        r"(\w+) is not available here: a question asks you to write it yourself",
        r"([\w.]+) is not available here: a question asks you to write it yourself",
        r"the answer cannot be judged: (?:it is too long to be sent|its arrays are too large to be "
        r"sent|it is too long|a value of type (\w+) cannot be sent|cannot be sent)",
        r"more than … million characters were printed",
        r"this cell is too long to be run",
        r"File too large|\[Errno …\] File too large",
        r"invalid syntax|unexpected indent|unindent does not match any outer indentation level",
        r"(?:unmatched|unterminated|expected|unexpected) [\w' ()\[\]{},:]{1,40}",
        r"'(?:\(|\[|\{)' was never closed",
    )
]
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
