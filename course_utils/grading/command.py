"""What ``course grade`` does, apart from talking to the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.exceptions import InvalidInput
from course_utils.grading import policies, reports
from course_utils.grading.engine import Options, Report, grade_class

#: The table in which a person writes marks, in the folder of the reports.
SLOTS = "to_mark.csv"
_RECORDS = "records.json"


@dataclass(frozen=True)
class Policies:
    """What the instructor decides about the results.

    Attributes
    ----------
    attempts : str
        Which of several attempts counts, one of :data:`~course_utils.grading.policies.ATTEMPTS`.
    lateness : Lateness
        What being late costs.
    marks : Path, optional
        A table with marks that a person gave.
    anonymous : bool
        Put ids in place of names.
    formats : tuple of str
        Further forms, out of :data:`~course_utils.grading.reports.FORMATS`.
    """

    attempts: str = "last"
    lateness: policies.Lateness = field(default_factory=policies.Lateness)
    marks: Path | None = None
    anonymous: bool = False
    formats: tuple[str, ...] = ()


def grade(
    paths: Iterable[Path],
    folder: Path,
    options: Options,
    chosen: Policies,
    on_start: Callable[[int], None] = lambda total: None,
    on_done: Callable[[str], None] = lambda name: None,
) -> Report:
    """Grade what was handed in, and write all reports into `folder`.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.
    folder : Path
        Where the reports go. A second run into the same folder runs only what changed.
    options, chosen : Options, Policies
        How it is graded, and what is made of the results.
    on_start, on_done : callable
        Told the number of notebooks to run, and the name of each that is done.

    Returns
    -------
    Report
        As it was written: with the attempts that count, marks merged, and ids if wanted.

    Raises
    ------
    CourseError
        If something that was given cannot be used, or no code can be run safely.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file; name a folder for the reports.")
    for name in chosen.formats:
        if name not in reports.FORMATS:
            known = ", ".join(reports.FORMATS)
            raise InvalidInput(f"There is no format {name!r}; there are {known}.")
    if chosen.attempts not in policies.ATTEMPTS:
        raise InvalidInput(f"--attempts is last, best or first, not {chosen.attempts!r}.")
    marks = policies.read_marks(chosen.marks) if chosen.marks else []
    report = grade_class(paths, options, _known(folder), on_start, on_done)
    folder.mkdir(parents=True, exist_ok=True)
    _remember(folder, report.records)
    if chosen.anonymous:
        students = sorted({one.student for one in report.graded})
        ids = policies.anonymous_ids(students, folder / "identities.json")
        report = reports.under_ids(report, ids)
    policies.flag_identical(report.graded)
    chosen.lateness.apply(report.graded)
    if marks:
        policies.merge_marks(report.graded, marks, str(chosen.marks))
    report.graded = policies.choose_attempts(report.graded, chosen.attempts)
    report.graded.sort(key=lambda one: (one.exercise, one.student.casefold()))
    reports.write(report, folder, chosen.formats)
    policies.write_slots(report.graded, folder / SLOTS)
    return report


def _known(folder: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run into this folder found; nothing where its file is damaged."""
    try:
        stored = json.loads((folder / _RECORDS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _remember(folder: Path, records: dict[str, dict[str, Any]]) -> None:
    fresh = folder / (_RECORDS + ".part")
    fresh.write_text(json.dumps(records, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(folder / _RECORDS)
