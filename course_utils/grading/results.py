"""What grading found, as plain data that can be stored, sent and read again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

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
    by_clock : bool
        Whether something was stopped only because of the time on the clock.
    answers : str
        A checksum of the answers, without blanks and comments; "" where nothing was answered.
    time : str or None
        When it was handed in.
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
    by_clock: bool = False
    answers: str = ""
    time: str | None = None
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


def from_dict(stored: dict[str, Any]) -> Graded:
    """Make the object that `as_dict` describes.

    Raises
    ------
    TypeError, KeyError
        If it describes none.
    """
    fields = {key: value for key, value in stored.items() if key not in ("points", "maximum")}
    questions = []
    for one in fields.pop("questions"):
        parts = [PartResult(**part) for part in one["parts"]]
        questions.append(QuestionResult(**{**one, "parts": parts}))
    return Graded(questions=questions, **fields)
