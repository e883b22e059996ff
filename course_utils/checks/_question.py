"""A question, its parts, and the verdict on an answer."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from course_utils import student_work
from course_utils.checks import _texts

#: The kinds of questions.
KINDS = ("value", "code", "model", "experiment", "figure", "claim", "written")


class IncorrectAnswer(Exception):
    """An answer is wrong; :func:`wrong` makes one with a sentence from the texts.

    Parameters
    ----------
    sentence : str
        What is wrong and what to try, for the person; without the answer and without the numbers
        that were tried.
    mistake : str, optional
        The name of a usual mistake, such as "kernel flipped", where it is one.
    keys : tuple of str
        The keys of the messages that the question looks up instead of `sentence`.
    fields : mapping, optional
        The values that stand in these messages.
    is_all : bool
        Whether the mistake alone gives the whole answer: all that was asked is right but for it.
    """

    def __init__(
        self,
        sentence: str,
        mistake: str | None = None,
        keys: tuple[str, ...] = (),
        fields: Mapping[str, Any] | None = None,
        is_all: bool = False,
    ) -> None:
        super().__init__(sentence or ", ".join(keys))
        self._sentence, self.mistake, self.is_all = sentence, mistake, is_all
        self.keys, self.fields = keys, fields or {}

    @property
    def sentence(self) -> str:
        """What is wrong, where no question has messages of its own; "" if there is no message."""
        if not self.keys or any(key not in _texts.common() for key in self.keys):
            return self._sentence
        return _texts.sentence(self.keys, self.fields, _texts.common(), {})


def wrong(*keys: str, mistake: str = "", **fields: Any) -> IncorrectAnswer:
    """Return the exception for a wrong answer, whose sentence the question looks up.

    Parameters
    ----------
    *keys : str
        The key of its message: the name of the mistake, or "name: which sentence". One that begins
        with "other:" belongs to no usual mistake. Several sentences are told together.
    mistake : str, optional
        The name of the mistake, where the key does not tell it.
    **fields : object
        The values that stand in the message.
    """
    name = mistake or keys[0].partition(":")[0]
    return IncorrectAnswer("", None if name == "other" else name, keys, fields)


class NotAttempted(Exception):
    """There is no answer yet; the message says what is missing."""


#: What a part runs.
Check = Callable[[student_work.StudentWork, np.random.Generator], None]


@dataclass(frozen=True)
class Part:
    """One checked property of an answer, with its own points.

    Attributes
    ----------
    name : str
        What is right when the part is, for example "stride 2".
    points : float
        What it is worth.
    run : callable
        Called with the student's work and a random generator. Returns if the answer is right;
        otherwise raises :class:`IncorrectAnswer`, :class:`NotAttempted`, or an error of the work.
    """

    name: str
    points: float
    run: Check


@dataclass(frozen=True)
class Question:
    """A question of an exercise.

    Attributes
    ----------
    id : str
        Number of the exercise and of the question, for example "01.2".
    title : str
        What it is about.
    points : float
        What it is worth; the sum of its parts.
    parts : tuple of Part
        What is checked, in this order; none for a written answer.
    needs : tuple of str
        The names that an answer defines.
    forbids : tuple of str
        Functions of the course that an answer must not call, such as
        ``"course_utils.convolution.feature_map"``.
    packages : tuple of str
        Packages that an answer must not call, such as ``"scipy"``; see `only`, too.
    hints : tuple of str
        From a first idea to nearly the answer.
    kind : str
        One of `KINDS`.
    seconds : float
        Time limit of one call of the student's code.
    rubric : tuple of str
        For a written answer: the marking criteria.
    note : str
        How an answer is judged, for a report; for example that measurements were not repeated.
    only : tuple of str
        The packages that an answer may use, such as ``("numpy",)``; empty if it may use any.
        The instructor's report lists others; they cost no points.
    messages : mapping
        What to say of a mistake, by its key.
    advice : mapping
        What to try where no usual mistake is recognized, by the name that was looked at.
    """

    id: str
    title: str
    points: float
    parts: tuple[Part, ...] = ()
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    kind: str = "code"
    seconds: float = 10.0
    rubric: tuple[str, ...] = ()
    note: str = ""
    only: tuple[str, ...] = ()
    messages: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    advice: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, id: str, *checks: Check) -> Question:
        """Return a question with all that the data file of its exercise says of it.

        Parameters
        ----------
        id : str
            The number, for example "01.2".
        *checks : callable
            What each part runs, in the order of the parts in the data file.
        """
        file = _texts.read(f"e{id[:2]}")
        texts = file[id]
        names = texts.get("parts", {})
        given = {
            key: tuple(value) if isinstance(value, list) else value for key, value in texts.items()
        }
        given["parts"] = tuple(
            Part(name, points, run)
            for (name, points), run in zip(names.items(), checks, strict=True)
        )
        given["messages"] = {
            **_texts.common(),
            **file.get("messages", {}),
            **texts.get("messages", {}),
        }
        return cls(id, **{"points": sum(names.values()), **given})

    def sentence(self, error: IncorrectAnswer) -> str:
        """Return what to say of a wrong answer."""
        if not error.keys or not self.messages:
            return error.sentence
        return _texts.sentence(error.keys, error.fields, self.messages, self.advice)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"question {self.id}: there is no kind {self.kind!r}")
        if self.parts and abs(sum(part.points for part in self.parts) - self.points) > 1e-9:
            raise ValueError(f"question {self.id}: its parts do not add up to {self.points}")
        if (self.kind == "written") == bool(self.parts):
            raise ValueError(f"question {self.id}: written answers, and only they, have no parts")
        if self.kind == "written" and not self.rubric:
            raise ValueError(f"question {self.id}: a written answer needs a rubric")


@dataclass(frozen=True)
class Exercise:
    """All questions of a lesson's exercise.

    Attributes
    ----------
    name : str
        The lesson's name, such as "01_convolution_by_hand".
    title : str
        The lesson's title.
    questions : tuple of Question
        In the order in which they stand in the notebook.
    """

    name: str
    title: str
    questions: tuple[Question, ...]

    @classmethod
    def of(cls, name: str, *questions: Question) -> Exercise:
        """Return an exercise with its title from its data file."""
        return cls(name, _texts.read(f"e{name[:2]}")["title"], questions)

    @property
    def number(self) -> str:
        """The two digits at the beginning of the name and of the ids."""
        return self.name[:2]

    @property
    def notebook(self) -> str:
        """The path of the notebook below solutions/ and exercises/."""
        return f"{self.name}/{self.name[3:]}.ipynb"

    @property
    def points(self) -> float:
        """The points of all questions, including those that a person marks."""
        return sum(question.points for question in self.questions)


@dataclass(frozen=True)
class PartVerdict:
    """The result of one part of a question.

    A part that is correct has a sentence where it is wrong by a mistake that an earlier part has
    told, and by nothing else.
    """

    name: str
    points: float
    maximum: float
    status: str
    sentence: str = ""
    mistake: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The result of an answer.

    Attributes
    ----------
    question : str
        The question's id.
    status : str
        "correct", "partly", "incorrect", "not attempted", "error", "timeout", or, for a written
        answer, "for a person".
    points, maximum : float
        Points of the answer, and of the question.
    sentence : str
        What is wrong and what to try; "" if the answer is correct.
    mistake : str or None
        The name of the mistake, if it is a usual one.
    parts : tuple of PartVerdict
        The same for each part.
    note : str
        How the answer was judged, for a report.
    """

    question: str
    status: str
    points: float
    maximum: float
    sentence: str = ""
    mistake: str | None = None
    parts: tuple[PartVerdict, ...] = field(default=())
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return asdict(self)


def verdict(question: Question, subject: student_work.StudentWork, seed: int) -> Verdict:
    """Judge an answer.

    A mistake costs one part: a later part whose answer is wrong by the same mistake, and by nothing
    else, counts as correct.

    Parameters
    ----------
    question : Question
        The question.
    subject : StudentWork
        The work that holds the answer.
    seed : int
        Determines, with the question and the part, the random inputs: the same answer gets the same
        verdict for the same seed.

    Returns
    -------
    Verdict
    """
    if question.kind == "written":
        sentence = _texts.verdict("written")
        return Verdict(question.id, "for a person", 0.0, question.points, sentence)
    subject.limit(question.seconds)
    found: list[PartVerdict] = []
    for number, part in enumerate(question.parts):
        rng = np.random.default_rng([seed, zlib.crc32(question.id.encode()), number])
        # The random numbers of the student's process do not depend on `seed`, which stays secret.
        subject.seed(zlib.crc32(f"{question.id} {number}".encode()) % 2**31)
        subject.watch(question.forbids, question.packages)
        earlier = {before.mistake for before in found if before.mistake}
        found.append(_judge(question, part, subject, rng, earlier))
        if found[-1].status == "timeout":  # do not wait as long for each further part
            subject.limit(max(question.seconds / 5, 1.0))
    subject.watch(())
    subject.forget()
    points = sum(part.points for part in found)
    failed = [part for part in found if part.status != "correct"]
    # The first part that was attempted and failed explains the whole answer.
    first = next((part for part in failed if part.status != "not attempted"), None)
    first = first or (failed[0] if failed else None)
    return Verdict(
        question.id,
        "correct" if first is None else "partly" if points > 0 else first.status,
        points,
        question.points,
        first.sentence if first else "",
        first.mistake if first else None,
        tuple(found),
        question.note,
    )


def _judge(
    question: Question,
    part: Part,
    subject: student_work.StudentWork,
    rng: np.random.Generator,
    earlier: set[str],
) -> PartVerdict:
    status, sentence, mistake = "correct", "", None
    subject.known.pop(TOLD_BEFORE, None)
    try:
        _require_attempt(question, subject)
        part.run(subject, rng)
        if TOLD_BEFORE in subject.known:
            sentence = _texts.verdict("told above")
    except IncorrectAnswer as error:
        if error.is_all and error.mistake in earlier:
            sentence = _texts.verdict("told above")
        else:
            status, sentence, mistake = "incorrect", question.sentence(error), error.mistake
    except (NotAttempted, student_work.Missing) as error:
        status, sentence = "not attempted", str(error)
    except student_work.WrongKind as error:
        status = "not attempted" if error.is_ in ("None", "not defined") else "incorrect"
        sentence = str(error)
    except student_work.TimedOut as error:
        status, sentence = "timeout", str(error)
    except student_work.StudentError as error:
        untouched = error.kind == "NotImplementedError"
        status = "not attempted" if untouched else "error"
        told = f"{error}. {_texts.explained(error.message)}".strip()
        sentence = _texts.verdict("untouched") if untouched else told
    used = subject.watched()
    if used and status != "not attempted":
        names = ", ".join(name.removeprefix("course_utils.") for name in used)
        status, mistake = "incorrect", "helper used"
        sentence = _texts.verdict("helper used", names=names)
    points = part.points if status == "correct" else 0.0
    return PartVerdict(part.name, points, part.points, status, sentence, mistake)


def _require_attempt(question: Question, subject: student_work.StudentWork) -> None:
    """Raise NotAttempted where none of the names is defined; they are looked up until one is."""
    if not question.needs or "attempted" in subject.known:
        return
    if all(subject.kind(name) in ("missing", "none") for name in question.needs):
        raise NotAttempted(str(student_work.Missing(question.needs[0])))
    subject.known["attempted"] = True


#: In `StudentWork.known`, where a part was judged without a mistake that an earlier one has told.
TOLD_BEFORE = "told before"
