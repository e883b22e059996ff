"""Find the submitted notebooks, and whose they are.

A submission is a notebook, a folder, or a zip as learning platforms export them. All files are read
first (:mod:`~course_staff.grading.unpack`); then the owners are found for the whole class together
(:mod:`~course_staff.grading.people`). Files that cannot be graded are listed with their student and
the reason; all others are graded.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from course_staff.grading import naming, notebook, people
from course_staff.grading.people import FLAG, Whose
from course_staff.grading.unpack import METADATA, File, Reader, clean, lies_beside
from course_utils import checks
from course_utils.exceptions import InvalidInput, MissingData

#: The most rows for files of one student that are not graded for the same reason.
MOST_ROWS = 5

__all__ = ["FLAG", "Intake", "Refused", "Submission", "collect"]


@dataclass(frozen=True, kw_only=True)
class Submission(Whose):
    """A submitted notebook, with its student and the further facts of :class:`Whose`.

    Attributes
    ----------
    name : str
        Where it was found, for people: a path, or a path in a zip.
    content : bytes
        The file.
    exercise : str
        The name of its exercise, or "" if the file does not name one.
    """

    name: str
    content: bytes
    exercise: str = ""

    @property
    def sha256(self) -> str:
        """Checksum of the file."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Refused:
    """A file that is not graded: its name, the reason in one sentence, and its student."""

    name: str
    sentence: str
    student: str = ""


@dataclass
class Intake:
    """The submissions, and the files that are not graded."""

    submissions: list[Submission] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def collect(
    paths: Iterable[Path], exercise: str | None = None, reports: Path | None = None
) -> Intake:
    """Read all submissions.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.
    exercise : str, optional
        The exercise that all notebooks are taken to be of.
    reports : Path, optional
        The folder of the reports, which is left out if it is inside a folder of `paths`.

    Raises
    ------
    MissingData
        If a path does not exist.
    InvalidInput
        If there is nothing in all of them that could be graded or refused.
    """
    paths = list(paths)
    for path in paths:
        if not os.path.lexists(path):
            raise MissingData(
                f"There is no file or folder {str(path)!r}; name a notebook, a folder or a zip."
            )
    reader, root = Reader(reports=os.path.realpath(reports) if reports else ""), ""
    for path, parts in _named(paths).items():
        if not parts:
            root = clean(Path(os.path.abspath(path)).name)
            root = root[:-4] if root.lower().endswith(".zip") else root
        reader.read(path, parts)
    _leave_out_what_was_not_handed_in(reader.files)
    notes = [_look(file) if file.is_notebook else _Note() for file in reader.files]
    whose = people.assign(reader.files, [note.exercise for note in notes], root)
    found = _sorted_out(reader.files, notes, whose, exercise)
    if not found.submissions and not found.refused:
        names = ", ".join(str(path) for path in paths)
        raise InvalidInput(f"There is no notebook in {names}; notebooks end with .ipynb.")
    return found


#: Folders that a platform keeps beside that of what was handed in, and what is in them.
_BESIDE = {
    "submitted files": {"working files": "It is a working copy in Teams, and not handed in."},
    "submitted": dict.fromkeys(
        ("autograded", "feedback", "release", "source"),
        "It is a copy that nbgrader made, and not handed in.",
    ),
}
_IS_FEEDBACK = "It is feedback to the student, and not handed in."
_FEEDBACK = re.compile(r".*_\d+_assignfeedback_\w+|feedback attachment\(s\)", re.S | re.I)


def _leave_out_what_was_not_handed_in(files: list[File]) -> None:
    """Refuse copies that a platform keeps beside what was handed in, and feedback."""
    handed_in = {
        (file.parts[:place], part.casefold())
        for file in files
        for place, part in enumerate(file.parts[:-1])
        if part.casefold() in _BESIDE
    }
    for file in files:
        for place, part in enumerate(file.parts[: file.outer]):
            why = _IS_FEEDBACK if _FEEDBACK.match(part) else ""
            for frame, copies in _BESIDE.items():
                if (file.parts[:place], frame) in handed_in:
                    why = why or copies.get(part.casefold(), "")
            if why:
                file.content, file.why = None, why


def _named(paths: list[Path]) -> dict[Path, tuple[str, ...]]:
    """Return each path with the names that may identify its owner (its own, parents if needed).

    The only folder or zip has none: it holds the class. A path inside another one, or the same one
    again, is left out.
    """
    whole = {path: Path(os.path.abspath(path)) for path in paths}
    kept: dict[Path, Path] = {}
    folders = {there for there in whole.values() if there.is_dir()}
    for path, there in whole.items():
        if there not in kept.values() and not folders.intersection(there.parents):
            kept[path] = there
    if len(kept) == 1:
        path, there = next(iter(kept.items()))
        if there.is_dir() or there.suffix.lower() == ".zip":
            return {path: ()}
    names = Counter(there.name for there in kept.values())
    common = Path(os.path.commonpath([there.parent for there in kept.values()]))
    named = {}
    for path, there in kept.items():
        nobody = there.suffix.lower() == ".ipynb" and naming.says_nobody(clean(there.stem))
        plain = names[there.name] == 1 and not nobody
        named[path] = (there.name,) if plain else there.relative_to(common).parts
    return named


# --- what a notebook says of itself --------------------------------------------------------------


@dataclass(frozen=True)
class _Note:
    """What is known of a notebook before it is graded.

    Attributes
    ----------
    exercise : str
        The name of its exercise, or "".
    certain : bool
        Whether its cells say so, not its name alone.
    untouched : bool
        Whether its answers are still those of the exercise as it was given out.
    """

    exercise: str = ""
    certain: bool = False
    untouched: bool = False


_LESSON = re.compile(rb'"id":\s*"L\d\d-')


def _look(file: File) -> _Note:
    content = file.content or b""
    if _LESSON.search(content[:20_000]):
        return _Note()
    known = checks.exercises()
    try:
        cells = notebook.read(content)
    except InvalidInput:
        cells = []
    certain = any(cell.question for cell in cells)
    try:
        exercise = notebook.which_exercise(cells, clean(file.parts[-1]), known)
    except InvalidInput:
        return _Note()
    answers = _answers(cells)
    untouched = bool(answers) and answers == _answers(notebook.released(exercise.name))
    return _Note(exercise.name, certain, untouched)


def _answers(cells: Iterable[notebook.Cell]) -> list[str]:
    return [cell.source.strip() for cell in cells if cell.role in ("answer", "written")]


# --- what counts ---------------------------------------------------------------------------------


def _sorted_out(
    files: list[File], notes: list[_Note], whose: list[Whose], exercise: str | None
) -> Intake:
    """Select the notebooks to grade: no copies, and none of no exercise beside those of one."""
    found = Intake()
    mine: dict[str, list[int]] = defaultdict(list)
    for index, file in enumerate(files):
        if file.parts[-1] != METADATA or file.why:
            mine[whose[index].student].append(index)
    wanted = checks.exercise(exercise).name if exercise else ""
    for student, indexes in mine.items():
        works = [k for k in indexes if files[k].is_notebook]
        kept, flags = _that_count(works, files, notes, whose, wanted) if student else (works, [])
        others = [k for k in indexes if not files[k].is_notebook]
        if student and kept:  # code, pictures and data beside a notebook need no row of their own
            beside = [k for k in others if lies_beside(files[k].why) and not whose[k].note]
            others = [k for k in others if k not in set(beside)]
            flags += _not_graded("other files", beside, files)
        for k in kept:
            facts = vars(whose[k]) | {
                "student": student or "unknown",
                "flags": (*whose[k].flags, *flags),
                "name": files[k].name,
                "content": files[k].content or b"",
                "exercise": wanted or notes[k].exercise,
            }
            found.submissions.append(Submission(**facts))
        found.refused += _refused(student, others, files, whose, bool(kept))
    return found


def _that_count(
    works: list[int], files: list[File], notes: list[_Note], whose: list[Whose], wanted: str
) -> tuple[list[int], list[str]]:
    """Return which notebooks of one student are graded, and sentences about the others."""
    kept: list[int] = []
    seen: set[tuple[object, ...]] = set()
    left: dict[str, list[int]] = defaultdict(list)
    certain = {notes[k].exercise for k in works if notes[k].certain}
    touched = {notes[k].exercise for k in works if notes[k].exercise and not notes[k].untouched}
    known = any(notes[k].exercise for k in works)
    for k in works:
        note, owner = notes[k], whose[k]
        copy = (note.exercise, files[k].sha256, owner.time, owner.late)
        if wanted and wanted in certain and (note.exercise, note.certain) != (wanted, True):
            left["of another exercise"].append(k)
        elif known and not note.exercise and not wanted:
            left["of no exercise"].append(k)
        elif note.exercise in certain and not note.certain:
            left["without a cell of the exercise"].append(k)
        elif note.untouched and note.exercise in touched:
            left["an untouched copy of the exercise"].append(k)
        elif copy in seen:
            left["the same file again"].append(k)
        else:
            seen.add(copy)
            kept.append(k)
    flags = [flag for why, several in left.items() for flag in _not_graded(why, several, files)]
    return kept, flags


def _not_graded(why: str, several: list[int], files: list[File]) -> list[str]:
    names = _some([files[k].parts[-1] for k in several])
    return [f"{FLAG} not graded, {why}: {names}."] if several else []


def _some(names: list[str]) -> str:
    """Return a few of many names."""
    shown = ", ".join(clean(name) or "a folder" for name in dict.fromkeys(names[:3]))
    more = len(names) - len(dict.fromkeys(names[:3]))
    return f"{shown} and {more:,} more" if more else shown


_TYPED = "A text was typed on the platform; it is no notebook, ask for the .ipynb file."


def _refused(
    student: str, others: list[int], files: list[File], whose: list[Whose], graded: bool
) -> list[Refused]:
    """Return a row for each file that is not graded, or one for many with the same reason."""
    by_reason: dict[str, list[int]] = defaultdict(list)
    receipts = [k for k in others if whose[k].note == "receipt"]
    for k in others:
        if whose[k].note != "receipt":
            by_reason[_TYPED if whose[k].note == "text" else files[k].why].append(k)
    if student and receipts and not by_reason and not graded:
        by_reason[_TYPED] = receipts
    rows = []
    for why, several in by_reason.items():
        names = [files[k].name for k in several]
        if len(names) > (MOST_ROWS if student else 40 * MOST_ROWS):
            names = [f"{names[0]} (and {len(names) - 1:,} more)"]
        rows += [Refused(name, why, student) for name in names]
    return rows
