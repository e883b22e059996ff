"""What grading found, as plain data that can be stored, sent and read again."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from course_utils.exceptions import InvalidInput

#: The most characters of a sentence, and the most entries of a list of them.
LONGEST_SENTENCE = 1000
MOST_SENTENCES = 100
#: The most characters of a written answer that are shown.
LONGEST_ANSWER = 20_000

#: What an answer can be, with the words of the reports.
STATUSES = {
    "correct": "correct",
    "partly": "partly correct",
    "wrong": "wrong",
    "not attempted": "not attempted",
    "error": "stopped with an error",
    "timeout": "not finished in time",
    "crashed": "ended Python",
    "missing": "missing",
    "tampered": "tampered with",
    "for a person": "waits for a person",
}


@dataclass
class PartResult:
    """One part of a question."""

    name: str
    points: float
    maximum: float
    status: str
    sentence: str = ""


@dataclass
class QuestionResult:
    """What one question got.

    Attributes
    ----------
    question, title : str
        Its number and what it is about.
    status : str
        One of :data:`STATUSES`.
    points, maximum : float
        What it got and what it is worth.
    sentence : str
        One sentence that says why.
    mistake : str or None
        The name of the mistake, where it is a usual one.
    parts : list of PartResult
        The same for each part.
    written : str
        The text of a written answer.
    comment : str
        What a person wrote beside their mark.
    by_person : bool
        Whether a person gave these points.
    digest : str
        A checksum of what the student wrote for this question: a mark belongs to this text.
    notes : list of str
        One sentence for each thing about how it was judged, such as that it was not repeated.
    """

    question: str
    title: str
    status: str
    points: float
    maximum: float
    sentence: str = ""
    mistake: str | None = None
    parts: list[PartResult] = field(default_factory=list)
    written: str = ""
    comment: str = ""
    by_person: bool = False
    digest: str = ""
    notes: list[str] = field(default_factory=list)


@dataclass
class Graded:
    """One notebook, graded.

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
        One sentence for each thing that was noticed.
    seconds, cpu, peak : float
        Time on the clock, processor time, and bytes of memory at most.
    by_chance : bool
        Whether something was stopped that may not be the student's doing.
    answers : str
        A checksum of the answers, without blanks and comments; "" where nothing was answered.
    time, time_source : str or None, str
        When it was handed in, and what says so.
    attempt, late : int, bool
        As the platform says.
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
        """Points of all questions, less what is taken off."""
        return round(max(0.0, sum(one.points for one in self.questions) - self.penalty), 4)

    @property
    def maximum(self) -> float:
        """What the exercise is worth."""
        return sum(one.maximum for one in self.questions)

    @property
    def waits(self) -> float:
        """Points that a person has yet to decide on."""
        return sum(one.maximum for one in self.questions if one.status == "for a person")

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "points": self.points, "maximum": self.maximum}


def from_dict(stored: Any) -> Graded:
    """Make the object that `as_dict` describes.

    Raises
    ------
    InvalidInput
        If it describes none: other names, other types, or numbers that are not finite.
    """
    if not isinstance(stored, Mapping) or "questions" not in stored:
        raise InvalidInput("This is no result of grading: it has no field 'questions'.")
    facts = {key: value for key, value in stored.items() if key not in ("points", "maximum")}
    graded: Graded = _checked(facts, Graded, "result")
    for question in graded.questions:
        if question.status not in STATUSES:
            raise InvalidInput(f"This is no result of grading: {question.status!r} is no status.")
    return graded


def _checked(stored: Any, kind: Any, name: str) -> Any:
    """Return `stored` as the type that `kind` says; raise InvalidInput where it is another."""
    if is_dataclass(kind):
        return _as_dataclass(stored, kind, name)
    if get_origin(kind) is list and isinstance(stored, list):
        (inner,) = get_args(kind)
        return [_checked(one, inner, name) for one in stored]
    choices = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    if stored is None and NoneType in choices:
        return None
    for one in choices:
        if one is float:
            if type(stored) in (int, float) and math.isfinite(stored):
                return stored
        elif type(stored) is one:
            return stored
    raise InvalidInput(f"This is no result of grading: the field {name!r} has another type.")


def _as_dataclass(stored: Any, kind: Any, name: str) -> Any:
    if not isinstance(stored, Mapping):
        raise InvalidInput(f"This is no result of grading: {name!r} is not a mapping.")
    types = get_type_hints(kind)
    unknown = [key for key in stored if key not in types]
    if unknown:
        raise InvalidInput(f"This is no result of grading: there is no field {unknown[0]!r:.60}.")
    try:
        return kind(**{key: _checked(value, types[key], key) for key, value in stored.items()})
    except TypeError as error:
        known = ", ".join(one.name for one in fields(kind))
        raise InvalidInput(
            f"This is no result of grading: {name!r} needs the fields {known}."
        ) from error


# --- texts of students -------------------------------------------------------------------------

# What no page and no table should hold: control characters, lone surrogates, and characters that
# change the direction in which the text around them is shown.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean_text(text: str, most: int = LONGEST_ANSWER) -> str:
    """Return a text of several lines that can be stored and shown.

    Line ends become those of Unix; control characters and lone surrogates become U+FFFD. A text
    of more than `most` characters (and a hundred, for that sentence) is cut, and says so at its
    end.
    """
    whole = len(text)
    is_cut = whole > most + 100
    if is_cut:
        text = text[: most + 1]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _UNSAFE.sub("\ufffd", text)
    if is_cut:
        text = f"{text[:most]}\n… (cut here: the whole text has {whole:,} characters)"
    return text


def clean_sentence(text: str, most: int = LONGEST_SENTENCE) -> str:
    """Return a sentence that can be stored and shown: one line of at most `most` characters."""
    text = _UNSAFE.sub("\ufffd", " ".join(text[: most + 1].split()))
    return text if len(text) <= most else text[: most - 1] + "…"


def cleaned(graded: Graded) -> Graded:
    """The same result with every text of bounded length and safe to write."""
    questions = [
        QuestionResult(
            **{
                **_clean_fields(one, keep=("written", "comment", "parts")),
                "written": clean_text(one.written),
                "comment": clean_text(one.comment),
                "parts": [PartResult(**_clean_fields(part)) for part in one.parts],
            }
        )
        for one in graded.questions
    ]
    return Graded(**{**_clean_fields(graded, keep=("questions",)), "questions": questions})


def _clean_fields(one: Any, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    values = {item.name: getattr(one, item.name) for item in fields(one) if item.name not in keep}
    for name, value in values.items():
        if isinstance(value, str):
            values[name] = clean_sentence(value)
        elif isinstance(value, list):
            values[name] = _clean_list(value)
    return values


def _clean_list(sentences: list[str]) -> list[str]:
    if len(sentences) <= MOST_SENTENCES:
        return [clean_sentence(one) for one in sentences]
    kept = [clean_sentence(one) for one in sentences[: MOST_SENTENCES - 1]]
    return [*kept, f"{len(sentences) - len(kept)} more are left out."]
