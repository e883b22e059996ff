"""Files of the repository that are generated from other files of it.

Their generators are listed in :data:`DERIVED`. ``course build`` writes the files, and a test fails
if one of them is out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_staff.authoring import addresses, minutes
from course_staff.authoring.exercises import all_solutions, exercises
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic
from course_utils.widgets import lesson_10
from course_utils.widgets.page import refreshed
from course_utils.workspace.lessons import all_lessons

#: Generator of derived files: from the folder of the course to the content of each file by path.
Maker = Callable[[Path], dict[str, bytes]]


def pins(requirements: Path) -> list[str]:
    """Return the lines ``name==version`` (with markers) of a requirements file."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if re.match(r"[A-Za-z0-9]", line)]


def environment_yml(root: Path) -> dict[str, bytes]:
    """Generate ``environment.yml`` for conda: Python, and the pins of ``requirements.txt``."""
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


def _with_block(text: str, name: str, kind: str, lines: list[str]) -> str:
    """Return a file's text with other lines between its marks ``kind`` and ``end of kind``.

    Raises
    ------
    InvalidInput
        If the marks are not there once.
    """
    marks = re.compile(rf"(<!-- {kind}:[^>]*-->\n).*?(<!-- end of {kind} -->)", re.DOTALL)
    block = "\n".join(["", *lines, "", ""])
    text, count = marks.subn(lambda found: found[1] + block + found[2], text)
    if count != 1:
        raise InvalidInput(
            f"{name} must hold the line '<!-- {kind}: ... -->' and, below it, the line "
            f"'<!-- end of {kind} -->' once; restore them."
        )
    return text


def times(root: Path) -> dict[str, bytes]:
    """Write the minutes of lessons and exercises into their first cells, and refresh pieces.

    Interactive pieces in the stored outputs get the scripts and styles of today.

    Raises
    ------
    InvalidInput
        If a first cell has no place for them.
    """
    worked = {path: _notebook(path) for path in all_solutions(root)}
    by_topic = {path.parent.name: notebook for path, notebook in worked.items()}
    made = {path: minutes.timed(notebook, path) for path, notebook in worked.items()}
    for path in all_lessons(root):
        notebook = _refreshed(_notebook(path))
        made[path] = minutes.timed(notebook, path, by_topic.get(path.stem))
    return {path.relative_to(root).as_posix(): _stored(made[path]) for path in made}


def _refreshed(notebook: dict[str, Any]) -> dict[str, Any]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                html = refreshed("".join(output["data"]["text/html"]))
                output["data"]["text/html"] = html.splitlines(keepends=True)
    return notebook


def _notebook(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def _stored(notebook: dict[str, Any]) -> bytes:
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def readme(root: Path) -> dict[str, bytes]:
    """Generate ``README.md``: its table of lessons from their first cells, and its badges.

    The students' README has no marks for badges, and gets none.

    Raises
    ------
    InvalidInput
        If the marks of the table are missing, or a lesson has another beginning.
    """
    rows = ["| lesson | after it you can | time |", "|---|---|---|"]
    for lesson in lessons(root):
        link = f"[{lesson.title}](notebooks/{lesson.path.name})"
        rows.append(f"| {link} | {'; '.join(lesson.points)} | {lesson.time} |")
    text = (root / "README.md").read_text(encoding="utf-8")
    text = _with_block(text, "README.md", "lessons", rows)
    if "<!-- badges:" in text:
        text = _with_block(text, "README.md", "badges", addresses.badges(addresses.addresses(root)))
    return {"README.md": text.encode()}


@dataclass(frozen=True)
class Lesson:
    """What the first cell of a lesson says: its title, what one can after it, and its times."""

    path: Path
    title: str
    points: list[str]
    time: str
    minutes: str


def lessons(root: Path) -> list[Lesson]:
    """Return the lessons of the course, in order.

    Raises
    ------
    InvalidInput
        If a first cell has no title, no list "After it you can" or no time.
    """
    return [_lesson(path) for path in all_lessons(root)]


def _lesson(path: Path) -> Lesson:
    cell = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    head = "".join(cell["source"])
    title = re.match(r"# (\d\d · .+)", head)
    able = re.search(r"\*\*After it you can\*\*\n\n((?:- .+\n?)+)", head)
    time = re.search(r"^\| Time \| ((\d+ minutes).*?) \|$", head, re.MULTILINE)
    if not (title and able and time):
        raise InvalidInput(
            f"{path.name} must begin with '# NN · Title', a list 'After it you can' and a table "
            f"row '| Time | NN minutes |'; look at lesson 01."
        )
    points = [line.removeprefix("- ").rstrip(";. ") for line in able[1].strip().splitlines()]
    return Lesson(path, title[1], points, time[1], time[2])


def instructors(root: Path) -> dict[str, bytes]:
    """Generate ``INSTRUCTORS.md``: rubrics of the questions and the project, times of the lessons.

    Raises
    ------
    InvalidInput
        If the marks of the rubrics or a lesson's row in the timetable are missing.
    """
    from course_utils import checks

    path = root / "INSTRUCTORS.md"
    if not path.is_file():
        return {}
    asked = [question for exercise in checks.exercises() for question in exercise.questions]
    paragraphs = []
    for question in asked:
        if question.rubric:
            points = f"{question.points:g} point{'' if question.points == 1 else 's'}"
            criteria = "\n".join(f"- {criterion}" for criterion in question.rubric)
            paragraphs.append(f"**{question.id} {question.title}** ({points})\n\n{criteria}")
    text = path.read_text(encoding="utf-8")
    text = _with_block(text, path.name, "rubrics", ["\n\n".join(paragraphs)])
    text = _with_block(text, path.name, "project", project_rubric())
    for lesson in all_lessons(root):
        text = _with_times(text, lesson, root)
    return {"INSTRUCTORS.md": text.encode()}


def project_rubric() -> list[str]:
    """Return the table by which the project of lesson 10 is marked, as lines of Markdown."""
    lines = ["| what | points | all of them | half of them | none |", "|---|---|---|---|---|"]
    criteria = lesson_10.criteria()
    for criterion in criteria:
        judged = f"{criterion.full} | {criterion.half} | {criterion.none}"
        lines.append(f"| {criterion.title} | {criterion.points} | {judged} |")
    total = sum(criterion.points for criterion in criteria)
    return [*lines, f"| together | {total} | | | |"]


def _with_times(text: str, lesson: Path, root: Path) -> str:
    """Return the text with new times in the row of a lesson in the timetable.

    Raises
    ------
    InvalidInput
        If the timetable has no such row.
    """
    notebook = _notebook(lesson)
    number = lesson.name[:2]
    teaching = minutes.parts(notebook, number).minutes
    computing = f"{minutes.seconds(notebook):.0f} s"
    worked = [path for path in all_solutions(root) if path.parent.name == lesson.stem]
    exercise = f"{minutes.exercise_minutes(_notebook(worked[0]))} min" if worked else "–"
    row = re.compile(rf"^(\| {number} [^|]+\|)[^|]+\|[^|]+\|[^|]+\|", re.MULTILINE)
    text, count = row.subn(rf"\1 {teaching} min | {exercise} | {computing} |", text, count=1)
    if not count:
        raise InvalidInput(
            f"The timetable of INSTRUCTORS.md has no row for lesson {number}; add "
            f"'| {number} Title | | | | can end after | required for |'."
        )
    return text


#: All generators; add a new kind of derived file here.
DERIVED: tuple[Maker, ...] = (environment_yml, times, readme, instructors, exercises)


def stale(root: Path | None = None) -> dict[str, bytes]:
    """Return the derived files that are missing or out of date, with their new content."""
    root = root or settings.course_root()
    wanted = {name: content for make in DERIVED for name, content in make(root).items()}
    return {
        name: content
        for name, content in wanted.items()
        if not (root / name).is_file() or (root / name).read_bytes() != content
    }


def rebuild(root: Path | None = None) -> list[str]:
    """Write the derived files that are missing or out of date, and return their names."""
    root = root or settings.course_root()
    written: set[str] = set()
    while changed := stale(root):  # some files are made from others of them
        for name, content in changed.items():
            write_atomic(root / name, content)
        written |= set(changed)
    return sorted(written)
