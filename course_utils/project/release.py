"""What students get: one zip with lessons, exercises, the package and the small data."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData

#: The folder inside the zip.
FOLDER = "course"

_TOP = (
    *("README.md", "LICENSE", "LICENSE-CONTENT", "Makefile", "pyproject.toml"),
    *("requirements.in", "requirements.txt", "environment.yml"),
)
_DATA = ("README.md", "backbones", "messy_flowers", "paper_flowers")

_NOT_FOR_STUDENTS = {("course_utils", "grading")}
_DATE = (1980, 1, 1, 0, 0, 0)


def release(lessons: Sequence[Path], out: Path, solutions: bool = False) -> int:
    """Write the zip that students unpack.

    It holds no solutions (unless asked for), no tests and no grader. The same files give the same
    zip, byte for byte. It is written to one side and then renamed.

    Parameters
    ----------
    lessons : sequence of Path
        The notebooks of the lessons; the exercises of the same names go along.
    out : Path
        The zip; its folder must exist. An older one is replaced.
    solutions : bool
        Whether the solutions of these lessons go along, too.

    Returns
    -------
    int
        The number of files in the zip.

    Raises
    ------
    InvalidInput
        If `out` is not called ``.zip``, or its folder does not exist.
    MissingData
        If a part of the course is missing here.
    """
    if out.suffix.lower() != ".zip":
        raise InvalidInput(f"The release is a zip, so call it {out.with_suffix('.zip').name}.")
    if not out.parent.is_dir():
        raise InvalidInput(f"There is no folder {out.parent}; make it, or write somewhere else.")
    root = settings.course_root()
    files = sorted(set(_files(root, [path.stem for path in lessons], solutions)))
    side = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(side, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path in files:
                name = f"{FOLDER}/{path.relative_to(root).as_posix()}"
                entry = zipfile.ZipInfo(name, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
        side.replace(out)
    finally:
        side.unlink(missing_ok=True)
    return len(files)


def _files(root: Path, names: Sequence[str], solutions: bool) -> Iterator[Path]:
    parts = [root / name for name in _TOP]
    parts += [root / "data" / name for name in _DATA]
    parts += [root / "course_utils", *(root / "notebooks" / f"{name}.ipynb" for name in names)]
    missing = [path for path in parts if not path.exists()]
    if missing:
        raise MissingData(
            f"{missing[0].relative_to(root)} is missing in this copy of the course, so nothing can "
            f"be released; restore it with 'git checkout {missing[0].relative_to(root)}'."
        )
    for kind in ("exercises", "solutions") if solutions else ("exercises",):
        parts += [path for name in names if (path := root / kind / name).is_dir()]
    for part in parts:
        for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
            inside = path.relative_to(root).parts
            hidden = any(name.startswith(".") or name == "__pycache__" for name in inside)
            kept = not any(inside[: len(out)] == out for out in _NOT_FOR_STUDENTS)
            if path.is_file() and kept and not hidden:
                yield path
