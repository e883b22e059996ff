"""The site's page of slides, handouts and grading examples, and the files that it links to."""

from __future__ import annotations

import shutil
from pathlib import Path

from course_staff.site import handouts, parts, slides
from course_utils.workspace.lessons import all_lessons

_EXAMPLES = "grading_examples"
_FILES = {
    "summary.html": "the class: points, hardest questions, common mistakes, what to review",
    "grades.csv": "a row for each student, a column for each question",
    "to_mark.csv": "the written answers; some are marked, some wait",
}


def contents(root: Path) -> str:
    """Return the page's table: slides and handout of each lesson.

    Parameters
    ----------
    root : Path
        The folder of the course.
    """
    decks, sheets = parts.data_files("slides"), parts.data_files("handouts")
    rows = ["| lesson | slides | handout |", "|---|---|---|"]
    for path in all_lessons(root):
        number, title = path.name[:2], parts.read_lesson(path).title
        deck = _link(f"slides/{number}.html", f"slides of {number}") if number in decks else "–"
        sheet = _link(f"handouts/{number}.html", f"handout of {number}")
        rows.append(f"| {number} · {title} | {deck} | {sheet if number in sheets else '–'} |")
    return "\n".join(rows) + "\n"


def examples(root: Path) -> str:
    """Return the list of the files of the grading examples.

    Parameters
    ----------
    root : Path
        The folder of the course.
    """
    folder = root / "docs" / _EXAMPLES
    lines = [f"- {_link(f'{_EXAMPLES}/{name}', name)}: {about}" for name, about in _FILES.items()]
    for kind, about in (("feedback", "for students"), ("marking", "for markers")):
        pages = sorted((folder / kind).glob("*.html"))
        links = ", ".join(
            _link(f"{_EXAMPLES}/{kind}/{page.name}", f"{about}: {page.stem}") for page in pages
        )
        lines.append(f"- {links}")
    return "\n".join(lines) + "\n"


def _link(address: str, text: str) -> str:
    """Return a link to a file that Sphinx does not know."""
    return f'<a href="{address}">{text}</a>'


def add(root: Path, out: Path) -> None:
    """Write the decks, the handouts and the grading examples into the built site.

    Parameters
    ----------
    root : Path
        The folder of the course.
    out : Path
        The folder of the site.
    """
    slides.make_slides(out / "slides", pdf=False, say=_quiet)
    handouts.make_handouts(out / "handouts", pdf=False, say=_quiet)
    shutil.copytree(root / "docs" / _EXAMPLES, out / _EXAMPLES)


def _quiet(_: str) -> None:
    pass
