"""Run ``course grade``, except for its output in the terminal."""

from __future__ import annotations

import difflib
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from course_staff.grading import journal, marks, naming, policies, reports, store, times
from course_staff.grading.engine import Report, grade_class
from course_staff.grading.intake import Refused
from course_staff.grading.results import Graded, clean_sentence, cleaned, from_dict, handed_in
from course_staff.grading.tasks import SEED_BITS, Options
from course_utils.exceptions import CourseError, InvalidInput, MissingData
from course_utils.validate import choice

_APPEALS = "appeals.json"
_BETWEEN = " · "  # student, exercise and checksum of a notebook that was graded again
_IDENTITIES = "identities.json"
#: The seed of the inputs, which only the instructor should know.
SEED_FILE = "seed.json"
_FILES = (SEED_FILE, journal.NAME, _APPEALS, _IDENTITIES, *reports.FILES)
_FOLDERS = reports.FOLDERS


@dataclass(frozen=True)
class Policies:
    """The policies of the instructor.

    Attributes
    ----------
    attempts : str
        Which of several attempts counts, one of :data:`~course_staff.grading.policies.ATTEMPTS`.
    lateness : Lateness
        The due time, and the penalty for lateness.
    times : Path, optional
        A table with times of submission (see :func:`~course_staff.grading.times.read_times`).
    marks : Path, optional
        A table with manual grades. Those in ``to_mark.csv`` in the folder of the reports are always
        used.
    anonymous : bool
        Whether to use ids in place of names.
    formats : tuple of str
        Further formats, out of :data:`~course_staff.grading.reports.FORMATS`.
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
    """Grade all submissions, and write the reports into `folder`.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.
    folder : Path
        The folder of the reports. A second run into the same folder grades only what changed.
    options, chosen : Options, Policies
        How it is graded, and the policies. If `options` names students, only they are graded again,
        and all other results are unchanged.
    on_start, on_done : callable
        Called with the number of notebooks to run, and with the student of each that is done.

    Returns
    -------
    Report
        As it was written: with the attempts that count, manual grades, and ids if wanted.

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
    report.graded = [cleaned(graded) for graded in report.graded]
    moved = _use_appeals(folder, report)
    times.give(given, report.graded)
    students = sorted(
        {graded.student for graded in report.graded}
        | {refused.student for refused in report.refused} - {""}
    )
    ids: dict[str, str] = {}
    if chosen.anonymous:
        with _writing(folder):
            ids = policies.anonymous_ids(students, folder / _IDENTITIES)
        report = reports.pseudonymize(report, ids)
    report.notes += [_about_appeal(*appeal, ids) for appeal in moved]
    policies.flag_identical(report.graded)
    chosen.lateness.apply(report.graded)
    found = marks.find(folder, chosen.marks, marks.likely_texts(report.graded))
    report.notes += marks.apply(report.graded, found, ids)
    report.graded = policies.choose_attempts(report.graded, chosen.attempts)
    report.graded.sort(key=lambda one: (one.exercise, one.student.casefold()))
    with _writing(folder):
        # Manual grades come first: a failure of a later write cannot lose them.
        pages = reports.pages_of_answers(report)
        note = marks.write_manual_grades(report.graded, found, pages)
        report.notes += [note] if note else []
        reports.write(report, folder, chosen.formats)
    return report


# --- before anything is run ---------------------------------------------------------------------


def _check(folder: Path, chosen: Policies) -> None:
    """Raise an error for options that cannot work, before the first notebook is run."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file; name a folder for the reports.")
    for name in chosen.formats:
        choice("--format", name, reports.FORMATS)
    choice("--attempts", chosen.attempts, policies.ATTEMPTS)
    if chosen.marks is not None:
        marks.check_named(chosen.marks)
    for path in (folder / name for name in _FOLDERS):
        if path.exists() and not path.is_dir():
            raise InvalidInput(f"{path} is a file, but a folder of reports has this name.")
    for path in (folder / name for name in _FILES):
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder, but a report has this name.")
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
    if given is not None:
        return given
    if not path.exists():
        return secrets.randbits(SEED_BITS)
    advice = (
        "it has the seed of the last run. Delete it, and all notebooks are graded again with other "
        "inputs."
    )
    return store.read_json(path, _seed_in, advice)


def _seed_in(stored: Any) -> int:
    if type(stored["seed"]) is not int or stored["seed"] < 0:
        raise ValueError("it has no seed")
    return stored["seed"]


def keep_seed(folder: Path, seed: int) -> None:
    """Write the seed into the folder of the reports, readable only by its owner."""
    store.write(folder / SEED_FILE, json.dumps({"seed": seed}) + "\n", 0o600)


def _check_writable(folder: Path) -> None:
    """Check that the folder is writable; remove the test file and new folders afterwards."""
    made: list[Path] = []
    try:
        for place in reversed([folder, *folder.parents]):
            if not place.exists():
                place.mkdir()
                made.append(place)
        for place in (folder, *(folder / name for name in _FOLDERS if (folder / name).is_dir())):
            probe = place / f".course-grade-{os.getpid()}"
            try:
                store.write(probe, bytes(2**20))
            finally:
                probe.unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(
            f"The reports cannot be written into {folder}: {store.reason(error)}; name another "
            f"folder, or repair this one. Nothing was graded."
        ) from error
    finally:
        for place in reversed(made):
            place.rmdir()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn an error of writing a report into one sentence."""
    try:
        yield
    except CourseError:
        raise
    except OSError as error:
        raise CourseError(
            f"{error.filename or folder} cannot be written: {store.reason(error)}. All other files "
            f"are complete or unchanged. Solve this and run the same command again: it continues "
            f"from {folder / journal.NAME}."
        ) from error


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

    Their new results replace the old ones, in this and in all later runs, until they submit another
    notebook. All other results are unchanged.
    """
    before = _last_report(folder)
    shown = {graded.student for graded in before.graded}
    ids = {name: number for name, number in _identities(folder).items() if number in shown}
    wanted = [_row_name(name, before, ids) for name in options.only]
    real = {number: name for name, number in ids.items()}
    seed = seed_for(folder, options.seed)
    only = tuple(real.get(name, name) for name in wanted)
    appeals = _appeals(folder)
    with journal.Journal(folder) as kept:
        options = replace(options, only=only, seed=seed)
        report = grade_class(paths, options, kept, on_start, on_done)
    fresh = {(graded.exercise, graded.sha256): cleaned(graded) for graded in report.graded}
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
    found = marks.find(folder, chosen.marks, marks.likely_texts(before.graded))
    theirs = [row for row in found.rows if row.cells.get("student") in {*wanted, *only}]
    before.notes = marks.apply(replaced, replace(found, rows=theirs), ids)
    before.contents = report.contents
    with _writing(folder):
        store.write(folder / _APPEALS, json.dumps(appeals) + "\n")
        reports.write(before, folder, chosen.formats)
    return before


def _last_report(folder: Path) -> Report:
    path = folder / "grades.json"
    if not path.is_file():
        raise MissingData(f"There is no {path}; grade the whole class first, without --only.")
    return store.read_json(
        path,
        lambda stored: Report(
            [from_dict(entry) for entry in stored["graded"]],
            [Refused(**{key: str(entry[key]) for key in entry}) for entry in stored["refused"]],
            str(stored["isolation"]),
            int(stored.get("seed", 0)),
        ),
        "grade the whole class again, without --only.",
    )


def _identities(folder: Path) -> dict[str, str]:
    """Return the ids of students by name, if there are any."""
    try:
        return store.read_json(
            folder / _IDENTITIES,
            lambda stored: {str(name): str(number) for name, number in stored["ids"].items()},
            "",
        )
    except InvalidInput:
        return {}


def _row_name(name: str, before: Report, ids: dict[str, str]) -> str:
    """Return the name of a student in the report."""
    students = sorted({graded.student for graded in before.graded})
    for known in (clean_sentence(name), ids.get(name, "")):
        if known in students:
            return known
    near = difflib.get_close_matches(name, students, 3, 0.4)
    hint = f"; do you mean {', '.join(near)}?" if near else "."
    raise InvalidInput(f"There is no student {name!r} in the reports of this folder{hint}")


def _in_place_of(old: Graded, new: Graded, seed: int) -> Graded:
    """Return the new result, with everything that does not depend on the inputs of the checks."""
    flags = [flag for flag in [*old.flags, *new.flags] if not flag.startswith("Graded again with")]
    flags = [*dict.fromkeys(flags), f"Graded again with the seed {seed}."]
    return replace(new, **handed_in(old), penalty=old.penalty, flags=flags)


def _appeal(student: str, graded: Graded) -> str:
    return _BETWEEN.join((student, graded.exercise, graded.sha256))


def _appeals(folder: Path) -> dict[str, Any]:
    """Return the results of students who were graded again; raise InvalidInput if damaged."""

    def convert(stored: Any) -> dict[str, Any]:
        for appeal in stored.values():
            from_dict(appeal["graded"])
            int(appeal["seed"])
        if any(key.count(_BETWEEN) < 2 for key in stored):
            raise ValueError("a key without student, exercise and checksum")
        return stored

    path = folder / _APPEALS
    return store.read_json(path, convert, "restore it or move it away.") if path.exists() else {}


def _use_appeals(folder: Path, report: Report) -> list[tuple[str, int, str, bool]]:
    """Replace results by those of students who were graded again (``--only``).

    Returns
    -------
    list of tuple
        For each notebook that another name was graded again with: this name, the seed, the name
        that it has now, and whether they are taken to be one person's.
    """
    moved = []
    try:
        appeals = _appeals(folder)
    except InvalidInput:
        appeals = {}
        report.notes.append(
            f"{_APPEALS} cannot be read: students who were graded again have the results of the "
            f"whole class's run. The file is left as it is."
        )
    students = {graded.student for graded in report.graded}
    copies = Counter((graded.exercise, graded.sha256) for graded in report.graded)
    missed = {
        (exercise, sha256): (student, appeal)
        for key, appeal in appeals.items()
        for student, exercise, sha256 in [key.rsplit(_BETWEEN, 2)]
        if student not in students
    }
    for index, old in enumerate(report.graded):
        known = appeals.get(_appeal(old.student, old))
        other = missed.get((old.exercise, old.sha256))
        if known is None and other is not None and copies[old.exercise, old.sha256] == 1:
            is_same = naming.may_be_one(other[0], old.student)
            known = other[1] if is_same else None
            moved.append((other[0], other[1]["seed"], old.student, is_same))
        if known is not None:
            new = replace(from_dict(known["graded"]), flags=[])
            report.graded[index] = _in_place_of(old, new, known["seed"])
    return moved


def _about_appeal(before: str, seed: int, now: str, is_same: bool, ids: dict[str, str]) -> str:
    """Return a sentence about a notebook that was graded again under another name."""
    name = ids.get(now, now)
    former = "" if ids else f", {before}"
    told = f"The notebook of {name} was graded again with the seed {seed} as another name's{former}"
    if is_same:
        return f"{told}; that result counts."
    return f"{told}; if this is the same person, use --only {name!r} --seed {seed}."
