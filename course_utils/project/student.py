"""The student's own copies of lessons and exercises, in ``work/``, which git does not see.

So ``git pull`` never meets a file that the student changed, and an update never overwrites one:

* a copy that was not touched follows the original;
* of a copy that was run but not edited, the run one goes to ``work/backups/``, and the new lesson
  takes its place;
* a copy that was edited stays, and the new lesson is put beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.project import exercises, lessons

_RECORD = ".handed_out.json"


@dataclass(frozen=True)
class Copy:
    """What happened to one copy.

    Attributes
    ----------
    path : Path
        The student's copy.
    state : str
        ``"new"``, ``"unchanged"``, ``"updated"``, ``"backed up"`` (updated, the run copy kept in
        `extra`), ``"kept"`` (edited; nothing new) or ``"beside"`` (edited; the new lesson is in
        `extra`).
    extra : Path or None
        The file that was made besides.
    """

    path: Path
    state: str
    extra: Path | None = None


def update(originals: Iterable[Path] | None = None, work: Path | None = None) -> list[Copy]:
    """Bring the copies in ``work/`` up to date without losing anything.

    Lessons go to ``work/notebooks``, exercises to ``work/exercises``.

    Parameters
    ----------
    originals : iterable of Path, optional
        The notebooks to copy; by default all lessons and exercises.
    work : Path, optional
        The student's folder; by default that of the settings.
    """
    if originals is None:
        originals = [*lessons.all_lessons(), *exercises.all_exercises()]
    work = work or settings.work_root()
    record = _read_record(work)
    copies = [_update_one(original, work, record) for original in originals]
    _write_record(work, record)
    return copies


def _update_one(original: Path, work: Path, record: dict[str, dict[str, str]]) -> Copy:
    name, copy = _place(original, work)
    fresh = _hash(original)
    handed_out = record.setdefault(name, {})
    if not copy.exists():
        _hand_out(original, copy)
        handed_out.update(file=fresh, text=_text_hash(original))
        return Copy(copy, "new")
    mine = _hash(copy)
    if mine == fresh:
        handed_out.update(file=fresh, text=_text_hash(original))
        return Copy(copy, "unchanged")
    if mine == handed_out.get("file"):
        _hand_out(original, copy)
        handed_out.update(file=fresh, text=_text_hash(original))
        return Copy(copy, "updated")
    if fresh in (handed_out.get("file"), handed_out.get("offered")):
        return Copy(copy, "kept")
    if _text_hash(copy) == _text_hash(original):  # only what the cells showed differs
        return Copy(copy, "kept")
    if _text_hash(copy) == handed_out.get("text"):
        backup = _back_up(copy, work)
        _hand_out(original, copy)
        handed_out.update(file=fresh, text=_text_hash(original))
        return Copy(copy, "backed up", backup)
    beside = _free_name(copy.with_name(f"{copy.stem}.new.ipynb"))
    _hand_out(original, beside)
    handed_out["offered"] = fresh
    return Copy(copy, "beside", beside)


def _place(original: Path, work: Path) -> tuple[str, Path]:
    """The name of a notebook in the record, and where the student's copy of it is."""
    if original.parent.parent.name == "exercises":
        name = f"{original.parent.name}/{original.name}"
        return name, work / "exercises" / name
    return original.name, work / "notebooks" / original.name


def reset(
    name: str, work: Path | None = None, *, exercise: bool = False
) -> tuple[Path, Path | None]:
    """Put the student's copy of a lesson, or of its exercise, back to the original.

    Parameters
    ----------
    name : str
        The lesson, as :func:`course_utils.project.lessons.find` takes it.
    work : Path, optional
        The student's folder; by default that of the settings.
    exercise : bool
        Whether the lesson's exercise is meant.

    Returns
    -------
    copy, backup : Path, Path or None
        The copy, and the dated backup of what it was, where it differed from the original.

    Raises
    ------
    InvalidInput
        If `name` means no lesson, or more than one, or the lesson has no exercise.
    """
    (original,) = lessons.find([name])
    if exercise:
        found = [p for p in exercises.all_exercises() if p.parent.name == original.stem]
        if not found:
            raise InvalidInput(f"There is no exercise for lesson {original.stem}.")
        (original,) = found
    work = work or settings.work_root()
    key, copy = _place(original, work)
    backup = None
    if copy.exists() and _hash(copy) != _hash(original):
        backup = _back_up(copy, work)
    _hand_out(original, copy)
    record = _read_record(work)
    record[key] = {"file": _hash(original), "text": _text_hash(original)}
    _write_record(work, record)
    return copy, backup


def _hand_out(original: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    fresh = copy.with_name(copy.name + ".part")
    shutil.copyfile(original, fresh)
    fresh.replace(copy)


def _back_up(copy: Path, work: Path) -> Path:
    moment = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    backup = _free_name(work / "backups" / f"{copy.stem}.{moment}.ipynb")
    backup.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(copy, backup)
    return backup


def _free_name(path: Path) -> Path:
    """`path`, or the first of ``path-2``, ``path-3``, ... that does not exist yet."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}.ipynb")
    return candidate


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text_hash(path: Path) -> str:
    """A hash of what a person writes in a notebook: cells and their order, but not outputs."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError):
        return _hash(path)  # not a notebook any more: whatever it is, it was changed
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()


def _read_record(work: Path) -> dict[str, dict[str, str]]:
    file = work / _RECORD
    if not file.is_file():
        return {}
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(
            f"{file} is damaged; delete it, and your copies will be taken for changed ones, which "
            f"are never overwritten."
        ) from error
    return {name: dict(entry) for name, entry in record.items()}


def _write_record(work: Path, record: dict[str, dict[str, str]]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    fresh = work / (_RECORD + ".part")
    fresh.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(work / _RECORD)


def open_lab(browser: bool = True, work: Path | None = None) -> int:
    """Open the student's folder in JupyterLab; returns when it is closed, with its exit status."""
    work = work or settings.work_root()
    first = sorted((work / "notebooks").glob("*.ipynb"))
    start = f"/lab/tree/notebooks/{first[0].name}" if first else "/lab"
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={work}",
        f"--LabApp.default_url={start}",
        *([] if browser else ["--no-browser"]),
        # In a container one is often root; JupyterLab then wants to be told that this is meant.
        *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
    ]
    return subprocess.run(command, env=settings.environment()).returncode
