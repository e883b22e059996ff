"""The results of grading, as plain data that can be stored, sent and read again."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from course_utils.checks import PartVerdict
from course_utils.exceptions import InvalidInput

#: The maximum number of characters of a sentence, and of entries of a list of sentences.
LONGEST_SENTENCE = 1000
MOST_SENTENCES = 100
#: The maximum number of characters of a written answer that is shown.
LONGEST_ANSWER = 20_000


class Status(StrEnum):
    """The status of an answer: those of a check, and those that only grading has."""

    CORRECT = "correct"
    PARTLY = "partly"
    INCORRECT = "incorrect"
    NOT_ATTEMPTED = "not attempted"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    MISSING = "missing"
    TAMPERED = "tampered"
    FOR_A_PERSON = "for a person"

    @classmethod
    def _missing_(cls, value: object) -> Status | None:
        return cls.INCORRECT if value == "wrong" else None  # its name in earlier reports


#: How reports name a status, where that is not its own name.
WORDS = {
    Status.PARTLY: "partly correct",
    Status.ERROR: "stopped with an error",
    Status.TIMEOUT: "not finished in time",
    Status.CRASHED: "ended Python",
    Status.TAMPERED: "tampered with",
    Status.FOR_A_PERSON: "waits for a person",
}


@dataclass
class QuestionResult:
    """The result of one question: the verdict of its check, and what grading adds.

    Attributes
    ----------
    question, title : str
        The number and the topic.
    status : Status
        The status of the answer.
    points, maximum : float
        The points of the answer, and the points of the question.
    sentence : str
        One sentence that gives the reason.
    mistake : str or None
        The name of the mistake, if it is a usual one.
    parts : list of PartVerdict
        The verdict on each part.
    written : str
        The text of a written answer.
    comment : str
        The comment of the person who marked it.
    by_person : bool
        Whether a person gave these points.
    digest : str
        A checksum of what the student wrote for this question: a mark belongs to this text.
    notes : list of str
        Sentences about how it was judged, such as that it was not repeated.
    """

    question: str
    title: str
    status: Status
    points: float
    maximum: float
    sentence: str = ""
    mistake: str | None = None
    parts: list[PartVerdict] = field(default_factory=list)
    written: str = ""
    comment: str = ""
    by_person: bool = False
    digest: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass
class Graded:
    """The result of one notebook.

    Attributes
    ----------
    student, exercise : str
        Whose it is and of which exercise.
    name, sha256 : str
        Where the notebook was found, and its checksum.
    questions : list of QuestionResult
        In the order of the exercise.
    cells : list of str
        One sentence for each cell that stopped with an error.
    flags : list of str
        One sentence for each thing that a person should know.
    seconds, cpu, peak : float
        Wall-clock time, processor time, and peak memory in bytes.
    by_chance : bool
        Whether something was stopped that may not be the student's fault.
    answers : str
        A checksum of the answers without blanks and comments; "" if nothing was answered.
    time, time_source : str or None, str
        The time of submission, and where it was found.
    attempt, late : int, bool
        As given by the platform.
    penalty : float
        Points taken off for lateness.
    """

    student: str
    exercise: str
    name: str
    sha256: str
    questions: list[QuestionResult] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    by_chance: bool = False
    answers: str = ""
    time: str | None = None
    time_source: str = ""
    attempt: int = 0
    late: bool = False
    penalty: float = 0.0

    @property
    def points(self) -> float:
        """Points of all questions, less the penalty."""
        return round(max(0.0, sum(q.points for q in self.questions) - self.penalty), 4)

    @property
    def maximum(self) -> float:
        """Points of the exercise."""
        return sum(question.maximum for question in self.questions)

    @property
    def waits(self) -> float:
        """Points of the questions that a person has yet to mark."""
        return sum(q.maximum for q in self.questions if q.status == Status.FOR_A_PERSON)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {**asdict(self), "points": self.points, "maximum": self.maximum}


def handed_in(one: Any) -> dict[str, Any]:
    """Return who handed in what and when, of a result or a submission, as fields of a result."""
    names = ("student", "name", "time", "time_source", "attempt", "late")
    return {name: getattr(one, name) for name in names}


def from_dict(stored: Any) -> Graded:
    """Make the result that `as_dict` described.

    Raises
    ------
    InvalidInput
        If it describes none: other names, other types, or numbers that are not finite.
    """
    if not isinstance(stored, Mapping) or "questions" not in stored:
        raise InvalidInput("This is no result of grading: it has no field 'questions'.")
    facts = {key: value for key, value in stored.items() if key not in ("points", "maximum")}
    graded: Graded = _checked(facts, Graded, "result")
    return graded


def _checked(stored: Any, kind: Any, name: str) -> Any:
    """Return `stored` as the type that `kind` names; raise InvalidInput if it has another one."""
    if is_dataclass(kind):
        return _as_dataclass(stored, kind, name)
    if get_origin(kind) is list and isinstance(stored, list):
        (inner,) = get_args(kind)
        return [_checked(entry, inner, name) for entry in stored]
    if kind is Status:
        try:
            return Status(stored)
        except ValueError:
            raise InvalidInput(
                f"This is no result of grading: {stored!r:.60} is no status."
            ) from None
    for choice in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        if choice is float:
            if type(stored) in (int, float) and math.isfinite(stored):
                return stored
        elif type(stored) is choice or (choice is NoneType and stored is None):
            return stored
    raise InvalidInput(f"This is no result of grading: the field {name!r} has another type.")


_types_of = cache(get_type_hints)


def _as_dataclass(stored: Any, kind: Any, name: str) -> Any:
    if not isinstance(stored, Mapping):
        raise InvalidInput(f"This is no result of grading: {name!r} is not a mapping.")
    types = _types_of(kind)
    unknown = [key for key in stored if key not in types]
    if unknown:
        raise InvalidInput(f"This is no result of grading: there is no field {unknown[0]!r:.60}.")
    try:
        return kind(**{key: _checked(value, types[key], key) for key, value in stored.items()})
    except TypeError as error:
        known = ", ".join(item.name for item in fields(kind))
        raise InvalidInput(
            f"This is no result of grading: {name!r} needs the fields {known}."
        ) from error


# --- texts of students -------------------------------------------------------------------------

# What no page and no table should contain: control characters, lone surrogates, and characters that
# change the direction in which the text around them is shown.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean_text(text: str, most: int = LONGEST_ANSWER) -> str:
    """Return a text of several lines that can be stored and shown.

    Line ends become those of Unix; control characters and lone surrogates become U+FFFD. A text
    that is more than 100 characters longer than `most` is cut, and ends with a note about it.
    """
    whole = len(text)
    is_cut = whole > most + 100
    text = text[: most + 1] if is_cut else text
    text = _UNSAFE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    if is_cut:
        text = f"{text[:most]}\n… (cut here: the whole text has {whole:,} characters)"
    return text


def clean_sentence(text: str, most: int = LONGEST_SENTENCE) -> str:
    """Return one line of at most `most` characters that can be stored and shown."""
    text = _UNSAFE.sub("\ufffd", " ".join(text[: most + 1].split()))
    return text if len(text) <= most else text[: most - 1] + "…"


def cleaned(result: Any, name: str = "") -> Any:
    """Return a result with every text of bounded length and safe to write.

    Parameters
    ----------
    result : Graded
        The result; the function calls itself for its fields.
    name : str
        The name of the field.
    """
    if is_dataclass(result) and not isinstance(result, type):
        values = {item.name: getattr(result, item.name) for item in fields(result)}
        return replace(result, **{key: cleaned(value, key) for key, value in values.items()})
    if isinstance(result, list):
        kept = result
        if len(result) > MOST_SENTENCES and isinstance(result[0], str):
            left = len(result) - MOST_SENTENCES + 1
            kept = [*result[:-left], f"{left} more are left out."]
        return [cleaned(entry) for entry in kept]
    if isinstance(result, str) and not isinstance(result, Status):
        return clean_text(result) if name in ("written", "comment") else clean_sentence(result)
    return result
