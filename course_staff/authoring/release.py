"""What students get: one zip with lessons, exercises, the package and the small data."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.workspace import lessons as notebooks

#: The folder inside the zip.
FOLDER = "course"

_TOP = (
    *("README.md", "LICENSE", "LICENSE-CONTENT", "Makefile", "pyproject.toml"),
    *("requirements.in", "requirements.txt", "environment.yml"),
)
_DATA = ("README.md", "backbones", "messy_flowers", "new_flowers", "paper_flowers")

_DATE = (1980, 1, 1, 0, 0, 0)

#: Lines of README.md and Makefile that speak of what students do not get.
_ONLY_HERE = re.compile(
    r"^(?:#|<!--) only in the repository.*?^(?:#|<!--) end of only in the repository[^\n]*\n",
    re.DOTALL | re.MULTILINE,
)
#: A line for authors in README.md.
_COMMENT = re.compile(r"^<!--.*-->\n", re.MULTILINE)
#: A row of the table of lessons in README.md, with the name of its lesson.
_LESSON_ROW = re.compile(r"^\|[^|\n]*\]\(notebooks/(\w+)\.ipynb\).*\n", re.MULTILINE)


def release(lessons: Sequence[Path], out: Path, solutions: bool = False) -> int:
    """Write the zip that students unpack.

    It holds no solutions (unless asked for), no tests and no grader; README.md and Makefile name
    only what is in it. The lessons come without outputs. The same files give the same zip, byte for
    byte. It is written to one side and then renamed.

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
    names = [path.stem for path in lessons]
    files = sorted(set(_files(root, names, solutions)))
    side = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(side, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for path in files:
                name = path.relative_to(root).as_posix()
                entry = zipfile.ZipInfo(f"{FOLDER}/{name}", _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, _for_students(name, path.read_bytes(), names))
        side.replace(out)
    finally:
        side.unlink(missing_ok=True)
    return len(files)


def _for_students(name: str, content: bytes, lessons: Sequence[str]) -> bytes:
    """The content of a file in the zip, given its name in the course and the lessons that go along.

    Raises
    ------
    InvalidInput
        If a mark "only in the repository" stands alone.
    """
    if name.startswith("notebooks/"):
        notebook = json.loads(content)
        notebooks.clear_outputs(notebook)
        return notebooks.as_bytes(notebook)
    if name not in ("README.md", "Makefile"):
        return content
    text = _ONLY_HERE.sub("", content.decode())
    if "only in the repository" in text:
        raise InvalidInput(
            f"{name} must hold the lines 'only in the repository' and 'end of only in the "
            f"repository' in turn; one of them has no partner."
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
