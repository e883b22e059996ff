"""The files of the repository that are made from other files of it.

Each is listed once in :data:`DERIVED`. ``course build`` writes them, and a test fails where one is
out of step with what it is made from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from course_staff.authoring.exercises import exercises
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.workspace.lessons import all_lessons

#: Makes derived files: given the folder of the course, the content of each file by its path in it.
Maker = Callable[[Path], dict[str, bytes]]


def pins(requirements: Path) -> list[str]:
    """The pinned packages of a requirements file, one ``name==version`` (and marker) each."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if re.match(r"[A-Za-z0-9]", line)]


def environment_yml(root: Path) -> dict[str, bytes]:
    """``environment.yml`` for conda: Python, and the pins of ``requirements.txt`` through pip."""
    lines = [
        '# Made from requirements.txt by "make build"; edit requirements.in instead.',
        "#   conda env create --file environment.yml",
        "#   conda activate course",
        "#   pip install --no-deps --no-build-isolation --editable .",
        "name: course",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python>=3.11,<3.14",
        "  - pip",
        "  - pip:",
        *(f"      - {pin}" for pin in pins(root / "requirements.txt")),
    ]
    return {"environment.yml": ("\n".join(lines) + "\n").encode()}


_LESSON_TABLE = re.compile(r"(<!-- lessons:[^>]*-->\n).*?(<!-- end of lessons -->)", re.DOTALL)


def readme(root: Path) -> dict[str, bytes]:
    """``README.md`` with the table of lessons, which is read from the lessons' first cells.

    Raises
    ------
    InvalidInput
        If the marks for the table are gone, or a lesson does not begin as lessons do.
    """
    text = (root / "README.md").read_text(encoding="utf-8")
    rows = ["| lesson | after it you can | time |", "|---|---|---|"]
    rows += [_lesson_row(path) for path in all_lessons(root)]
    table = "\n".join(["", *rows, "", ""])
    text, count = _LESSON_TABLE.subn(lambda marks: marks[1] + table + marks[2], text)
    if count != 1:
        raise InvalidInput(
            "README.md must hold the line '<!-- lessons: ... -->' and, below it, the line "
            "'<!-- end of lessons -->' once; restore them."
        )
    return {"README.md": text.encode()}


def _lesson_row(path: Path) -> str:
    cell = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    head = "".join(cell["source"])
    title = re.match(r"# (\d\d · .+)", head)
    able = re.search(r"\*\*After it you can\*\*\n\n((?:- .+\n?)+)", head)
    time = re.search(r"^\| Time \| (.+?) \|$", head, re.MULTILINE)
    if not (title and able and time):
        raise InvalidInput(
            f"{path.name} must begin with '# NN · Title', a list 'After it you can' and a table "
            f"row '| Time | ... |'; look at lesson 01."
        )
    points = [line.removeprefix("- ").rstrip(";. ") for line in able[1].strip().splitlines()]
    return f"| [{title[1]}](notebooks/{path.name}) | {'; '.join(points)} | {time[1]} |"


_RUBRICS = re.compile(r"(<!-- rubrics:[^>]*-->\n).*?(<!-- end of rubrics -->)", re.DOTALL)


def instructors(root: Path) -> dict[str, bytes]:
    """``INSTRUCTORS.md`` with how to mark the written answers, which is read from the questions.

    Raises
    ------
    InvalidInput
        If the marks for the rubrics are gone.
    """
    from course_utils import checks

    path = root / "INSTRUCTORS.md"
    if not path.is_file():
        return {}
    lines = [""]
    for exercise in checks.exercises():
        for question in exercise.questions:
            if question.rubric:
                points = f"{question.points:g} point{'' if question.points == 1 else 's'}"
                lines += [f"**{question.id} {question.title}** ({points})", ""]
                lines += [*(f"- {criterion}" for criterion in question.rubric), ""]
    text = path.read_text(encoding="utf-8")
    block = "\n".join([*lines, ""])
    text, count = _RUBRICS.subn(lambda marks: marks[1] + block + marks[2], text)
    if count != 1:
        raise InvalidInput(
            "INSTRUCTORS.md must hold the line '<!-- rubrics: ... -->' and, below it, the line "
            "'<!-- end of rubrics -->' once; restore them."
        )
    return {"INSTRUCTORS.md": text.encode()}


#: Every maker of derived files; a new kind of derived file is added here and nowhere else.
DERIVED: tuple[Maker, ...] = (environment_yml, readme, instructors, exercises)


def stale(root: Path | None = None) -> dict[str, bytes]:
    """The derived files that are missing or out of step, with the content they should have."""
    root = root or settings.course_root()
    wanted = {name: content for make in DERIVED for name, content in make(root).items()}
    return {
        name: content
        for name, content in wanted.items()
        if not (root / name).is_file() or (root / name).read_bytes() != content
    }


def rebuild(root: Path | None = None) -> list[str]:
    """Write the derived files that are missing or out of step, and return their names."""
    root = root or settings.course_root()
    changed = stale(root)
    for name, content in changed.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".part")
        fresh.write_bytes(content)
        fresh.replace(path)
    return sorted(changed)
