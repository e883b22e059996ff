"""What instructors decide: attempts, lateness, marks given by a person, names and copies."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course_utils.exceptions import InvalidInput, MissingData
from course_utils.grading.people import FLAG
from course_utils.grading.results import Graded

ATTEMPTS = ("last", "best", "first")


@dataclass(frozen=True)
class Lateness:
    """What is taken off for handing in late.

    Only times count that say when it was handed in: those of a table of the instructor's, those
    that the platform wrote into a name, and its LATE mark. Never those of files or of entries in a
    zip.

    Attributes
    ----------
    due : datetime or None
        Until when it was to be handed in, local time.
    per_day : float
        The share of the exercise's points that each day that has begun costs, such as 0.1.
    """

    due: datetime | None = None
    per_day: float = 0.0

    def days(self, graded: Graded) -> int:
        """How many days have begun since it was due; 1 where only the platform's mark is known."""
        if self.due is None or graded.time is None:
            return 1 if graded.late else 0
        over = (datetime.fromisoformat(graded.time) - self.due).total_seconds()
        return max(0, math.ceil(over / 86400))

    def apply(self, graded: Iterable[Graded]) -> None:
        """Write what is taken off into each result, and say so."""
        for one in graded:
            days = self.days(one)
            one.penalty = 0.0
            if self.due is not None and not days and not one.time_source and one.time is None:
                one.flags.append(_NO_TIME)
            if not days:
                continue
            one.penalty = round(min(1.0, days * self.per_day) * one.maximum, 4)
            taken = f"; {one.penalty:g} points are taken off" if one.penalty else ""
            begun = "a day has begun" if days == 1 else f"{days} days have begun"
            said = one.time_source or ("LATE mark of the platform" if one.late else "")
            if self.due is not None and one.time is not None:
                said = f"{one.time.replace('T', ' ')}, {said}".rstrip(", ")
            said = f" ({said})" if said else ""
            one.flags.append(f"Handed in late{said}: {begun} since it was due{taken}.")


_NO_TIME = (
    f"{FLAG} it is not known when it was handed in, so nothing was taken off; give the times with "
    f"--times."
)


def choose_attempts(graded: list[Graded], which: str) -> list[Graded]:
    """Keep one notebook per student and exercise.

    Attempts are in the order of their times where all have one, else of the numbers in their names
    (``evaluation (1)``, ``evaluation-Copy1``, ``Version 2``). Where that does not say which is the
    last or the first, the one with the most points of those in question counts. It is flagged.

    Parameters
    ----------
    graded : list of Graded
        All notebooks.
    which : str
        ``"last"``, ``"best"`` or ``"first"``.

    Raises
    ------
    InvalidInput
        If there is no such policy.
    """
    if which not in ATTEMPTS:
        raise InvalidInput(
            f"Of several attempts the {which!r} cannot be taken; there are last, best and first."
        )
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for one in graded:
        groups[one.student, one.exercise].append(one)
    kept = []
    for group in groups.values():
        chosen, sure = _attempt(group, which)
        if len(group) > 1:
            names = ", ".join(Path(one.name).name for one in group if one is not chosen)
            chosen.flags.append(f"Of {len(group)} attempts the {which} counts; left out: {names}.")
        if not sure:
            chosen.flags.append(
                f"{FLAG} neither times nor names say which attempt is the {which}, so the best of "
                f"those in question was taken."
            )
        kept.append(chosen)
    return kept


def _attempt(group: list[Graded], which: str) -> tuple[Graded, bool]:
    """The attempt that counts, and whether it is sure that it is the one."""
    in_question = group
    if which != "best":
        timed = all(one.time is not None for one in group)
        order = {id(one): ((one.time or "") if timed else "", one.attempt) for one in group}
        ends = max(order.values()) if which == "last" else min(order.values())
        in_question = [one for one in group if order[id(one)] == ends]
    best = max(sorted(in_question, key=lambda one: one.name), key=lambda one: one.points)
    return best, which == "best" or len(in_question) == 1


def flag_identical(graded: list[Graded]) -> None:
    """Note where different students handed in the same answers."""
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for one in graded:
        one.flags = [flag for flag in one.flags if not flag.startswith(_SAME)]
        if one.answers:
            groups[one.exercise, one.answers].append(one)
    for group in groups.values():
        students = sorted({one.student for one in group})
        for one in group:
            others = [name for name in students if name != one.student]
            if others:
                one.flags.append(f"{_SAME} {', '.join(others)}.")


_SAME = "The answers are the same as those of"


# --- marks given by a person -------------------------------------------------------------------

#: The columns of the table in which a person writes marks.
COLUMNS = ("student", "exercise", "question", "points", "comment")


@dataclass(frozen=True)
class Mark:
    """Points that a person gives, and why."""

    student: str
    exercise: str
    question: str
    points: float
    comment: str


def read_marks(path: Path) -> list[Mark]:
    """Read the marks that a person gave; rows without points are left for later.

    Raises
    ------
    MissingData, InvalidInput
        If the file is not there or a row cannot be understood.
    """
    if not path.is_file():
        raise MissingData(f"There is no {path} with marks.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InvalidInput(
                f"{path.name} has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}."
            )
        rows = list(reader)
    marks = []
    for number, row in enumerate(rows, start=2):
        text = (row["points"] or "").strip()
        if not text:
            continue
        try:
            points = float(text.replace(",", "."))
        except ValueError:
            points = math.nan
        if not math.isfinite(points):
            raise InvalidInput(f"{path.name}, line {number}: {text!r} is no number of points.")
        cells = [_unguarded((row[name] or "").strip()) for name in COLUMNS]
        marks.append(Mark(cells[0], cells[1], cells[2], points, cells[4]))
    return marks


def merge_marks(graded: Iterable[Graded], marks: Iterable[Mark], source: str = "the marks") -> None:
    """Put a person's marks into the results.

    A mark for a question that was graded already overrides it, and must say why in its comment.

    Raises
    ------
    InvalidInput
        If a mark belongs to nothing here, is out of range, or overrides without a reason.
    """
    places = {
        (one.student, one.exercise, question.question): question
        for one in graded
        for question in one.questions
    }
    for mark in marks:
        where = f"{source}: {mark.student}, {mark.exercise}, {mark.question}"
        question = places.get((mark.student, mark.exercise, mark.question))
        if question is None:
            raise InvalidInput(f"{where}: nothing was handed in that this mark could be for.")
        if not 0 <= mark.points <= question.maximum:
            raise InvalidInput(
                f"{where}: {mark.points:g} points, but there are 0 to {question.maximum:g}."
            )
        written = bool(question.written) or question.status == "for a person"
        if not written and not mark.comment:
            raise InvalidInput(
                f"{where}: this was graded already; a mark that overrides it needs a reason in "
                f"the column comment."
            )
        if not written:
            before = f"{question.points:g} of {question.maximum:g} points before"
            question.sentence = f"Changed by a person: {mark.comment} ({before}.)"
        else:
            question.sentence = "Marked by a person."
        question.comment = mark.comment
        question.by_person = True
        question.points = mark.points
        full, none = mark.points >= question.maximum, mark.points <= 0
        question.status = "correct" if full else "wrong" if none else "partly"


def write_slots(graded: Iterable[Graded], path: Path) -> int:
    """Write a table with a row for each answer that waits for a person; returns how many wait.

    Rows in which a person has written already are kept as they are.
    """
    head = [*COLUMNS, "maximum", "answer"]
    kept: list[list[object]] = []
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if (row.get("points") or "").strip() or (row.get("comment") or "").strip():
                    kept.append([row.get(name) or "" for name in head])
    done = {tuple(row[:3]) for row in kept}
    waiting = [
        (one.student, one.exercise, question.question, "", "", question.maximum, question.written)
        for one in graded
        for question in one.questions
        if question.status == "for a person"
    ]
    fresh = path.with_name(path.name + ".part")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(kept)
        writer.writerows([guarded(cell) for cell in row] for row in waiting if row[:3] not in done)
    fresh.replace(path)
    return len(waiting)


def guarded(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return cell


def _unguarded(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


# --- names -------------------------------------------------------------------------------------


def anonymous_ids(students: Iterable[str], file: Path) -> dict[str, str]:
    """Give each student an id that says nothing, the same on each run into the same folder.

    The table from names to ids is kept in `file`; keep it to yourself.
    """
    known: dict[str, str] = {}
    secret = secrets.token_hex(16)
    if file.is_file():
        stored = json.loads(file.read_text(encoding="utf-8"))
        known, secret = stored["ids"], stored["secret"]
    for student in students:
        digest = hashlib.sha256(f"{secret} {student}".encode()).hexdigest()
        known.setdefault(student, f"student-{digest[:8]}")
    text = json.dumps({"secret": secret, "ids": known}, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")
    file.chmod(0o600)
    return known
