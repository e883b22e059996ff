"""What ``course grade`` does, apart from talking to the terminal."""

from __future__ import annotations

import difflib
import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from course_staff.grading import journal, marks, policies, reports, tables, times
from course_staff.grading.engine import SEED_BITS, Options, Report, grade_class
from course_staff.grading.intake import Refused
from course_staff.grading.marks import SLOTS
from course_staff.grading.results import Graded, clean_sentence, cleaned, from_dict
from course_utils.exceptions import CourseError, InvalidInput, MissingData

_APPEALS = "appeals.json"
_IDENTITIES = "identities.json"
#: The seed of the inputs, for nobody but the instructor.
SEED_FILE = "seed.json"
_FILES = (
    SEED_FILE,
    SLOTS,
    journal.NAME,
    _APPEALS,
    _IDENTITIES,
    "grades.csv",
    "grades.json",
    "summary.html",
)
_FOLDERS = ("feedback", "marking", "gradescope")


@dataclass(frozen=True)
class Policies:
    """What the instructor decides about the results.

    Attributes
    ----------
    attempts : str
        Which of several attempts counts, one of :data:`~course_staff.grading.policies.ATTEMPTS`.
    lateness : Lateness
        What being late costs.
    times : Path, optional
        A table with times of hand-in (see :func:`~course_staff.grading.times.read_times`).
    marks : Path, optional
        A table with marks that a person gave. Those of the ``to_mark.csv`` in the folder of the
        reports are used in any case.
    anonymous : bool
        Put ids in place of names.
    formats : tuple of str
        Further forms, out of :data:`~course_staff.grading.reports.FORMATS`.
    """

    attempts: str = "last"
    lateness: policies.Lateness = field(default_factory=policies.Lateness)
    times: Path | None = None
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
    given = times.read_times(chosen.times) if chosen.times else []
    seed = seed_for(folder, options.seed)

    def begin(total: int) -> None:
        keep_seed(folder, seed)  # before anything is graded with it
        on_start(total)

    options = replace(options, seed=seed)
    with journal.Journal(folder) as kept:
        report = grade_class(paths, options, kept, begin, on_done)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    report.graded = [cleaned(one) for one in report.graded]
    _use_appeals(folder, report)
    times.give(given, report.graded)
    students = sorted(
        {one.student for one in report.graded} | {one.student for one in report.refused} - {""}
    )
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


def seed_for(folder: Path, given: int | None) -> int:
    """Return the seed for the reports in a folder; see :func:`keep_seed`.

    Parameters
    ----------
    folder : Path
        The folder of the reports.
    given : int or None
        The seed that the instructor asks for; None takes the one of the last run into this folder,
        or draws one.

    Raises
    ------
    InvalidInput
        If the file of the seed is damaged.
    """
    path = folder / SEED_FILE
    if given is None:
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))["seed"]
        except FileNotFoundError:
            given = secrets.randbits(SEED_BITS)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InvalidInput(
                f"{path} cannot be read: it holds the seed of the last run. Delete it, and all "
                f"notebooks are graded anew with other inputs."
            ) from error
        else:
            if type(stored) is not int or stored < 0:
                raise InvalidInput(f"{path} holds no seed. Delete it, and a new one is drawn.")
            return stored
    return given


def keep_seed(folder: Path, seed: int) -> None:
    """Write the seed into the folder of the reports, for the next run and nobody else."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SEED_FILE
    fresh = path.with_name(path.name + ".part")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps({"seed": seed}) + "\n", encoding="utf-8")
    fresh.replace(path)


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
            f"what {folder / journal.NAME} holds."
        ) from error


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
    shown = {one.student for one in before.graded}
    names = {name: one for name, one in _names(folder).items() if one in shown}
    wanted = [_row_name(one, before, names) for one in options.only]
    real = {one: name for name, one in names.items()}
    seed = seed_for(folder, options.seed)
    options = replace(options, only=tuple(real.get(one, one) for one in wanted), seed=seed)
    appeals, damaged = _appeals(folder)
    if damaged:
        raise InvalidInput(f"{folder / _APPEALS} cannot be read; restore it or move it away.")
    with journal.Journal(folder) as kept:
        report = grade_class(paths, options, kept, on_start, on_done)
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
            "seed": seed,
            "graded": {**new.as_dict(), "student": "", "name": ""},
        }
        before.graded[index] = _in_place_of(old, new, seed)
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
        refused = [Refused(**{key: str(one[key]) for key in one}) for one in stored["refused"]]
        return Report(graded, refused, str(stored["isolation"]), int(stored.get("seed", 0)))
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
        time_source=old.time_source,
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
