"""Handouts: one page of A4 for each lesson, with the idea, a figure, formulae and code.

``docs/handouts/NN.toml`` has two or three sentences, and names the cells of the figure, the code
and what to remember; the lesson gives their content.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_staff.site import parts
from course_staff.site.pdf import Printer
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic
from course_utils.workspace.lessons import all_lessons


@dataclass(frozen=True)
class Handout:
    """The data of a handout.

    Attributes
    ----------
    idea : str
        Two or three sentences, as markdown.
    figure : Part
        The one figure.
    caption : str
        What it shows, in a sentence.
    formulae : str
        The formulae, as markdown with dollars.
    code : tuple of Part
        The code to remember.
    remember, mistakes : tuple of Part
        Lists and tables of the lesson.
    """

    idea: str
    figure: parts.Part
    caption: str
    formulae: str
    code: tuple[parts.Part, ...]
    remember: tuple[parts.Part, ...]
    mistakes: tuple[parts.Part, ...] = ()


def handouts_folder() -> Path:
    """Return the folder with the data files of the handouts."""
    return settings.course_root() / "docs" / "handouts"


def lessons_with_handouts() -> dict[str, Path]:
    """Return the data files of all handouts by the number of the lesson."""
    return {path.stem: path for path in sorted(handouts_folder().glob("[0-9][0-9].toml"))}


def read_handout(path: Path) -> Handout:
    """Read the data of a handout.

    Raises
    ------
    InvalidInput
        If the file is not valid TOML, or a key is missing or unknown.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path.name} is not valid TOML: {error}.") from None
    known = set(Handout.__dataclass_fields__)
    if wrong := sorted((set(data) - known) | (known - {"mistakes"} - set(data))):
        raise InvalidInput(
            f"{path.name}: {', '.join(wrong)} is missing or not known; the keys are "
            f"{', '.join(sorted(known))}."
        )
    for name in ("code", "remember", "mistakes"):
        data[name] = tuple(parts.part_of(value, path.name) for value in data.get(name, ()))
    return Handout(**data | {"figure": parts.part_of(data["figure"], path.name)})


def make_handout(lesson: parts.Lesson, handout: Handout) -> str:
    """Return the handout of a lesson as one HTML page.

    Raises
    ------
    InvalidInput
        If a cell is not there, or the figure is none.
    """
    figure = parts.render(lesson, handout.figure)
    if not figure.startswith("<figure>") or figure.count("<figure>") != 1:
        raise InvalidInput(
            f"Cell {handout.figure.cell} of lesson {lesson.number} must show one figure."
        )
    return parts.template("handout.html").render(
        number=lesson.number,
        lesson=lesson.title,
        idea=parts.markdown(handout.idea),
        figure=figure,
        caption=parts.markdown(handout.caption),
        formulae=parts.markdown(handout.formulae),
        code="".join(parts.render(lesson, part) for part in handout.code),
        remember="".join(parts.render(lesson, part) for part in handout.remember),
        mistakes="".join(parts.render(lesson, part) for part in handout.mistakes),
        style=f"{parts.code_style()}\n{parts.template_text('handout.css')}",
    )


def make_handouts(
    out: Path,
    names: list[str] | None = None,
    pdf: bool = True,
    say: Callable[[str], Any] = print,
) -> list[Path]:
    """Write the handouts of lessons into a folder.

    Parameters
    ----------
    out : Path
        The folder.
    names : list of str, optional
        Numbers of lessons; by default all that have handouts.
    pdf : bool
        Whether to print each to a PDF, too; needs Chromium.
    say : callable
        Gets one line for each file.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidInput
        If a lesson has no handout, or its data file has a fault.
    """
    stored = {path.name[:2]: path for path in all_lessons(settings.course_root())}
    known = lessons_with_handouts()
    pages = []
    for name in names or sorted(set(known) & set(stored)):
        if name not in known or name not in stored:
            raise InvalidInput(f"Lesson {name} has no handout; there are: {', '.join(known)}.")
        page = make_handout(parts.read_lesson(stored[name]), read_handout(known[name]))
        write_atomic(out / f"{name}.html", page)
        pages.append(out / f"{name}.html")
        say(f"{name}.html: {len(page.encode()) / 1e3:.0f} kB")
    if not pdf:
        return pages
    printed = [page.with_suffix(".pdf") for page in pages]
    with Printer() as printer:
        for source, sheet in zip(pages, printed, strict=True):
            printer.print_page(source, sheet)
            say(f"{sheet.name}: {sheet.stat().st_size / 1e3:.0f} kB")
    return pages + printed
