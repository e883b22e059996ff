"""List who was found with which file, without grading: ``course grade --list``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course_staff.grading import intake, notebook, times
from course_staff.grading.intake import Refused, Submission
from course_staff.grading.policies import Lateness
from course_staff.grading.results import Graded, handed_in
from course_utils import checks
from course_utils.exceptions import InvalidInput


@dataclass(frozen=True)
class Listing:
    """The notebooks that would be graded, as results without questions, and the other files."""

    found: list[Graded]
    refused: list[Refused]


def listing(
    paths: Iterable[Path],
    exercise: str | None = None,
    lateness: Lateness | None = None,
    table: Path | None = None,
    reports: Path | None = None,
) -> Listing:
    """List who was found with which file, without grading.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.
    exercise : str, optional
        The exercise that all notebooks are taken to be of.
    lateness : Lateness, optional
        The due time and the penalty.
    table : Path, optional
        A table with times (see :func:`~course_staff.grading.times.read_times`).
    reports : Path, optional
        The folder of the reports, which is left out.

    Raises
    ------
    CourseError
        If something that was given cannot be used.
    """
    given = times.read_times(table) if table else []
    collected = intake.collect(paths, exercise, reports)
    refused = list(collected.refused)
    found = []
    for submission in collected.submissions:
        if why := _why_not(submission):
            refused.append(Refused(submission.name, why, submission.student))
        else:
            facts = handed_in(submission) | {"flags": [*submission.flags]}
            found.append(Graded(exercise=submission.exercise, sha256=submission.sha256, **facts))
    times.give(given, found)
    (lateness or Lateness()).apply(found)
    attempts = Counter((result.student, result.exercise) for result in found)
    for result in found:
        if (number := attempts[result.student, result.exercise]) > 1:
            result.flags.append(f"One of {number} attempts.")
    found.sort(key=lambda one: (one.student.casefold(), one.exercise, one.time or "", one.attempt))
    return Listing(found, sorted(refused, key=lambda one: one.student.casefold()))


def _why_not(submission: Submission) -> str:
    """Return why a notebook could not be graded, or ""."""
    try:
        cells = notebook.read(submission.content)
        if not submission.exercise:
            notebook.which_exercise(cells, submission.file_name, checks.exercises())
    except InvalidInput as error:
        return str(error)
    return ""
