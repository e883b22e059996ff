"""What ``course grade`` does, apart from talking to the terminal."""

from __future__ import annotations

import difflib
import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from course_utils.exceptions import CourseError, InvalidInput, MissingData
from course_utils.grading import marks, policies, reports, tables
from course_utils.grading.engine import Options, Report, grade_class
from course_utils.grading.intake import Refused
from course_utils.grading.marks import SLOTS
from course_utils.grading.results import Graded, clean_sentence, cleaned, from_dict

_RECORDS = "records.json"
_APPEALS = "appeals.json"
_IDENTITIES = "identities.json"
_FILES = (SLOTS, _RECORDS, _APPEALS, _IDENTITIES, "grades.csv", "grades.json", "summary.html")
_FOLDERS = ("feedback", "marking", "gradescope")


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
        A table with marks that a person gave. Those of the ``to_mark.csv`` in the folder of the
        reports are used in any case.
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
        How it is graded, and what is made of the results. Where `options` names students, they
        alone are graded again, and everybody else's results stay as they are.
    on_start, on_done : callable
        Told the number of notebooks to run, and the name of each that is done.

    Returns
    -------
    Report
        As it was written: with the attempts that count, marks merged, and ids if wanted.

    Raises
    ------
    CourseError
        If something that was given cannot be used, no code can be run safely, or the reports
        cannot be written.
    """
    _check(folder, chosen)
    if options.only:
        return _grade_again(paths, folder, options, chosen, on_start, on_done)
    known, damaged = _known(folder)
    report = grade_class(paths, options, known, on_start, on_done)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _remember(folder / _RECORDS, report.records)
    report.notes += _about_damaged(damaged, report)
    report.graded = [cleaned(one) for one in report.graded]
    _use_appeals(folder, report)
    students = sorted({one.student for one in report.graded})
    ids: dict[str, str] = {}
    if chosen.anonymous:
        with _writing(folder):
            ids = policies.anonymous_ids(students, folder / _IDENTITIES)
        report = reports.under_ids(report, ids)
    policies.flag_identical(report.graded)
    chosen.lateness.apply(report.graded)
    found = marks.find(folder, chosen.marks, students)
    report.notes += marks.apply(report.graded, found, ids)
    report.graded = policies.choose_attempts(report.graded, chosen.attempts)
    report.graded.sort(key=lambda one: (one.exercise, one.student.casefold()))
    with _writing(folder):
        # Marks come first: nothing that is written behind them can cost one.
        pages = reports.pages_of_answers(report)
        note = marks.write(report.graded, found, pages)
        report.notes += [note] if note else []
        reports.write(report, folder, chosen.formats)
    return report


# --- before anything is run ---------------------------------------------------------------------


def _check(folder: Path, chosen: Policies) -> None:
    """Refuse what cannot work before the first notebook is run."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file; name a folder for the reports.")
    for name in chosen.formats:
        if name not in reports.FORMATS:
            known = ", ".join(reports.FORMATS)
            raise InvalidInput(f"There is no format {name!r}; there are {known}.")
    if chosen.attempts not in policies.ATTEMPTS:
        raise InvalidInput(f"--attempts is last, best or first, not {chosen.attempts!r}.")
    if chosen.marks is not None:
        marks.check_named(chosen.marks)
    for name in _FOLDERS:
        if (folder / name).exists() and not (folder / name).is_dir():
            raise InvalidInput(f"{folder / name} is a file, and reports go into a folder there.")
    for name in _FILES:
        if name != SLOTS and (folder / name).is_dir():
            raise InvalidInput(
                f"{folder / name} is a folder, and a report of this name goes there."
            )
    _check_writable(folder)


def _check_writable(folder: Path) -> None:
    """Write a file where the reports go, and remove it and all folders made for it."""
    made: list[Path] = []
    probe = folder / f".course-grade-{os.getpid()}"
    try:
        for place in reversed([folder, *folder.parents]):
            if not place.exists():
                place.mkdir()
                made.append(place)
        for place in (folder, *(folder / name for name in _FOLDERS if (folder / name).is_dir())):
            probe = place / probe.name
            try:
                with probe.open("wb") as stream:
                    stream.write(bytes(2**20))
                    stream.flush()
                    os.fsync(stream.fileno())
            finally:
                probe.unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(
            f"The reports cannot be written into {folder}: {_reason(error)}; name another folder, "
            f"or mend this one. Nothing was graded."
        ) from error
    finally:
        for place in reversed(made):
            place.rmdir()


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    return (error.strerror or type(error).__name__).lower()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say in a sentence that a report could not be written."""
    try:
        yield
    except CourseError:
        raise
    except OSError as error:
        what = error.filename or folder
        raise CourseError(
            f"{what} cannot be written: {_reason(error)}. All files that were there are as they "
            f"were or complete; run the same command again when this is mended: it goes on from "
            f"what {folder / _RECORDS} holds."
        ) from error


# --- what an earlier run left -------------------------------------------------------------------


def _known(folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What an earlier run into this folder found, and the keys of records that are damaged.

    The key "" stands for the whole file.
    """
    path = folder / _RECORDS
    if not path.exists():
        return {}, []
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}, [""]
    if not isinstance(stored, dict):
        return {}, [""]
    known, damaged = {}, []
    for key, record in stored.items():
        try:
            from_dict(record)
            known[key] = record
        except InvalidInput:
            damaged.append(key)
    return known, damaged


def _about_damaged(damaged: list[str], report: Report) -> list[str]:
    """Say which notebooks were graded again because their record could not be read."""
    if "" in damaged:
        return [f"{_RECORDS} of the earlier run could not be read: everything was graded again."]
    if not damaged:
        return []
    again = {report.records[key].get("sha256") for key in damaged if key in report.records}
    names = [one.name for one in report.graded if one.sha256 in again]
    whose = f" and graded again: {', '.join(names[:20])}" if names else ""
    return [f"{len(damaged)} results of the earlier run were damaged{whose}."]


def _remember(path: Path, stored: Any) -> None:
    tables.replace(path, (json.dumps(stored) + "\n").encode())


# --- one student again --------------------------------------------------------------------------


def _grade_again(
    paths: Iterable[Path],
    folder: Path,
    options: Options,
    chosen: Policies,
    on_start: Callable[[int], None],
    on_done: Callable[[str], None],
) -> Report:
    """Grade some students again, with the same notebooks and usually another seed.

    Their new results replace the old ones, in this and in all later runs, until they hand in
    another notebook. Nobody else's results are touched.
    """
    before = _last_report(folder)
    names = _names(folder)
    wanted = [_row_name(one, before, names) for one in options.only]
    real = {shown: name for name, shown in names.items()}
    options = replace(options, only=tuple(real.get(one, one) for one in wanted))
    appeals, damaged = _appeals(folder)
    if damaged:
        raise InvalidInput(f"{folder / _APPEALS} cannot be read; restore it or move it away.")
    report = grade_class(paths, options, _known(folder)[0], on_start, on_done)
    fresh = {(one.exercise, one.sha256): cleaned(one) for one in report.graded}
    replaced = []
    for index, old in enumerate(before.graded):
        if old.student not in wanted:
            continue
        new = fresh.get((old.exercise, old.sha256))
        if new is None:
            raise InvalidInput(
                f"The notebook of {old.student} for {old.exercise} is not the one that was graded; "
                f"grade the class again without --only."
            )
        appeals[_appeal(real.get(old.student, old.student), new)] = {
            "seed": options.seed,
            "graded": {**new.as_dict(), "student": "", "name": ""},
        }
        before.graded[index] = _in_place_of(old, new, options.seed)
        replaced.append(before.graded[index])
    found = marks.find(folder, chosen.marks, [one.student for one in before.graded])
    theirs = [row for row in found.rows if row.cells.get("student") in {*wanted, *options.only}]
    before.notes = marks.apply(replaced, replace(found, rows=theirs), names)
    before.contents = report.contents
    with _writing(folder):
        _remember(folder / _APPEALS, appeals)
        reports.write(before, folder, chosen.formats)
    return before


def _last_report(folder: Path) -> Report:
    path = folder / "grades.json"
    if not path.is_file():
        raise MissingData(f"There is no {path}; grade the whole class first, without --only.")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        graded = [from_dict(one) for one in stored["graded"]]
        refused = [Refused(one["name"], one["sentence"]) for one in stored["refused"]]
        return Report(graded, refused, str(stored["isolation"]), int(stored["seed"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput(
            f"{path} cannot be read; grade the whole class again, without --only."
        ) from error


def _names(folder: Path) -> dict[str, str]:
    """The ids of students by name, where there are any."""
    try:
        stored = json.loads((folder / _IDENTITIES).read_text(encoding="utf-8"))
        return {str(name): str(one) for name, one in stored["ids"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _row_name(name: str, before: Report, names: dict[str, str]) -> str:
    """The name under which a student stands in the report."""
    students = sorted({one.student for one in before.graded})
    for one in (clean_sentence(name), names.get(name, "")):
        if one in students:
            return one
    near = difflib.get_close_matches(name, students, 3, 0.4)
    hint = f"; do you mean {', '.join(near)}?" if near else "."
    raise InvalidInput(f"There is no student {name!r} in the reports of this folder{hint}")


def _in_place_of(old: Graded, new: Graded, seed: int) -> Graded:
    """The new result, with everything that does not depend on how the answers were tried."""
    notice = f"Graded again with the seed {seed}."
    flags = [*old.flags, *(one for one in new.flags if one not in old.flags)]
    return replace(
        new,
        student=old.student,
        name=old.name,
        time=old.time,
        attempt=old.attempt,
        late=old.late,
        penalty=old.penalty,
        flags=[*(one for one in flags if not one.startswith("Graded again with")), notice],
    )


def _appeal(student: str, graded: Graded) -> str:
    return f"{student} · {graded.exercise} · {graded.sha256}"


def _appeals(folder: Path) -> tuple[dict[str, Any], bool]:
    """The results of students who were graded again, and whether their file is damaged."""
    path = folder / _APPEALS
    if not path.exists():
        return {}, False
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        for one in stored.values():
            from_dict(one["graded"])
            int(one["seed"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, True
    return stored, False


def _use_appeals(folder: Path, report: Report) -> None:
    """Put the results of students who were graded again in place of those of the class's run."""
    appeals, damaged = _appeals(folder)
    if damaged:
        report.notes.append(
            f"{_APPEALS} cannot be read: students who were graded again have the results of the "
            f"whole class's run. The file is left as it is."
        )
    for index, old in enumerate(report.graded):
        known = appeals.get(_appeal(old.student, old))
        if known is not None:
            new = replace(from_dict(known["graded"]), flags=[])
            report.graded[index] = _in_place_of(old, new, known["seed"])
