"""Times of submission in a table of the instructor's, for ``course grade --times``."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_staff.grading import tables
from course_staff.grading.exports import read_day, read_time
from course_staff.grading.results import Graded
from course_utils import checks
from course_utils.exceptions import InvalidInput, MissingData

#: Names of the columns, and those that platforms give them.
_STUDENT = ("student", "full name", "name")
_TIME = ("time", "last modified (submission)", "submitted", "handed in")


@dataclass(frozen=True)
class Time:
    """The time of a submission.

    Attributes
    ----------
    student : str
        As ``course grade --list`` shows it.
    time : str
        ISO 8601, local time.
    exercise : str
        The name of an exercise; "" for all.
    file : str
        The name of a file, where a student has several attempts; "" for all.
    source : str
        The table and the line.
    """

    student: str
    time: str
    exercise: str
    file: str
    source: str


def read_times(path: Path) -> list[Time]:
    """Read a table of times.

    Parameters
    ----------
    path : Path
        A CSV file with the columns ``student`` and ``time`` and optionally ``exercise`` and
        ``file``, as any program saves it (see :func:`~course_staff.grading.tables.read`). A time is
        written as ``2026-11-30 23:59`` or as platforms write it, without a zone in local time. Rows
        without a time are left out.

    Raises
    ------
    MissingData, InvalidInput
        If the file is not there or a row cannot be understood.
    """
    if not path.is_file():
        raise MissingData(f"There is no {path} with times.")
    table = tables.read(path, [{student, time} for student in _STUDENT for time in _TIME])
    times: list[Time] = []
    seen: dict[tuple[str, str, str], int] = {}
    for number, cells in table.records():
        student, text, exercise, file = (
            next((cells[name].strip() for name in names if name in cells), "")
            for names in (_STUDENT, _TIME, ("exercise",), ("file",))
        )
        if not student or text in ("", "-"):
            continue
        when = read_time(text) or read_day(text.partition(", ")[2]) or read_day(text)
        if when is None:
            raise InvalidInput(
                f"{path.name}, line {number}: {text[:60]!r} is no time; write it as "
                f"2026-11-30 23:59."
            )
        if exercise:
            exercise = checks.exercise(exercise).name
        key = (_folded(student), exercise, file)
        if key in seen:
            raise InvalidInput(
                f"{path.name}, lines {seen[key]} and {number}: two times for {student[:60]}; tell "
                f"them apart by a column exercise or file."
            )
        seen[key] = number
        times.append(Time(student, when, exercise, file, f"{path.name}, line {number}"))
    return times


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def apply(times: Sequence[Time], handed_in: Sequence[Graded]) -> list[Time]:
    """Set the times of submissions.

    A time for a file has precedence over one for an exercise, and that over one for all. The case
    of a student's name is ignored only if that fits one student.

    Returns
    -------
    list of Time
        The times that belong to no submission.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for result in handed_in:
        names[_folded(result.student)].add(result.student)
    by_student: dict[str, list[Time]] = defaultdict(list)
    for time in times:
        exact = unicodedata.normalize("NFC", time.student)
        alike = names.get(_folded(exact), set())
        if exact in alike:
            by_student[exact].append(time)
        elif len(alike) == 1:
            by_student[next(iter(alike))].append(time)
    used: set[int] = set()
    for result in handed_in:
        fitting = [
            time
            for time in by_student.get(result.student, ())
            if time.exercise in ("", result.exercise)
            and (not time.file or result.name.replace("\\", "/").endswith(time.file))
        ]
        if fitting:
            best = max(fitting, key=lambda time: (bool(time.file), bool(time.exercise)))
            used.update(id(time) for time in fitting)
            result.time, result.time_source = best.time, best.source
    return [time for time in times if id(time) not in used]


def give(times: Sequence[Time], handed_in: Sequence[Graded]) -> None:
    """Set the times of submissions; see :func:`apply`.

    Raises
    ------
    InvalidInput
        If none of them belongs to a submission, as with the table of another class.
    """
    unused = apply(times, handed_in)
    if times and handed_in and len(unused) == len(times):
        raise InvalidInput(
            f"No time in the table is for anybody here; the first is for "
            f"{times[0].student[:60]!r}. Write the names as course grade --list shows them."
        )
