"""Write the zip for students: lessons, exercises, the package and the small datasets."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.files import atomic_path
from course_utils.workspace import lessons as notebooks

#: The folder inside the zip.
FOLDER = "course"

_TOP = (
    *("README.md", "LICENSE", "LICENSE-CONTENT", "Makefile", "pyproject.toml"),
    *("requirements.in", "requirements.txt", "environment.yml"),
)
_DATA = (
    *("README.md", "garden_walk", "lesson_model"),
    *("messy_flowers", "new_flowers", "paper_flowers"),
)

_DATE = (1980, 1, 1, 0, 0, 0)

#: Lines of README.md and Makefile about files that are not in the zip.
_ONLY_HERE = re.compile(
    r"^(?:#|<!--) only in the repository.*?^(?:#|<!--) end of only in the repository[^\n]*\n",
    re.DOTALL | re.MULTILINE,
)
#: A line for authors in README.md.
_COMMENT = re.compile(r"^<!--.*-->\n", re.MULTILINE)
#: A row of the table of lessons in README.md, with the name of its lesson.
_LESSON_ROW = re.compile(r"^\|[^|\n]*\]\(notebooks/(\w+)\.ipynb\).*\n", re.MULTILINE)


def release(lessons: Sequence[Path], out: Path, solutions: bool = False) -> int:
    """Write the zip for students.

    It has no solutions (unless requested), no tests and no grader; README.md and Makefile mention
    only what is in it. The lessons have no outputs. The same files give the same zip, byte for
    byte.

    Parameters
    ----------
    lessons : sequence of Path
        The notebooks of the lessons; the exercises of the same names are included.
    out : Path
        The zip; its folder must exist. An existing file is replaced in one step.
    solutions : bool
        Whether the solutions of these lessons are included.

    Returns
    -------
    int
        The number of files in the zip.

    Raises
    ------
    InvalidInput
        If the name of `out` does not end in ``.zip``, or its folder does not exist.
    MissingData
        If a part of the course is missing.
    """
    if out.suffix.lower() != ".zip":
        raise InvalidInput(f"The release is a zip, so name it {out.with_suffix('.zip').name}.")
    if not out.parent.is_dir():
        raise InvalidInput(f"There is no folder {out.parent}; make it, or write somewhere else.")
    root = settings.course_root()
    names = [path.stem for path in lessons]
    files = sorted(set(_files(root, names, solutions)))
    with (
        atomic_path(out) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        for path in files:
            name = path.relative_to(root).as_posix()
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _for_students(name, path.read_bytes(), names))
    return len(files)


def _for_students(name: str, content: bytes, lessons: Sequence[str]) -> bytes:
    """Return the content of a file in the zip, given its name and the names of all lessons in it.

    Raises
    ------
    InvalidInput
        If the marks "only in the repository" are not in pairs.
    """
    if name.startswith("notebooks/"):
        notebook = json.loads(content)
        notebooks.remove_hidden(notebook)
        notebooks.clear_outputs(notebook)
        return notebooks.as_bytes(notebook)
    if name not in ("README.md", "Makefile"):
        return content
    text = _ONLY_HERE.sub("", content.decode())
    if "only in the repository" in text:
        raise InvalidInput(
            f"{name} must hold the lines 'only in the repository' and 'end of only in the "
            f"repository' in pairs; one of a pair is missing."
        )
    text = _LESSON_ROW.sub(lambda row: row[0] if row[1] in lessons else "", text)
    return re.sub(r"\n{3,}", "\n\n", _COMMENT.sub("", text)).encode()


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
            if path.is_file() and not hidden:
                yield path
