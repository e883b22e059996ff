"""Handouts: one page of A4 for each lesson, with the idea, a figure, formulae and code.

``docs/handouts/NN.toml`` has two or three sentences, and names the cells of the figure, the code
and what to remember; the lesson gives their content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_staff.site import parts
from course_staff.site.pdf import Printer
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic


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


def read_handout(path: Path) -> Handout:
    """Read the data of a handout.

    Raises
    ------
    InvalidInput
        If the file is not valid TOML, or a key is missing or unknown.
    """
    data = parts.read_data(path)
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
    pages = []
    for lesson, path in parts.lessons_with("handouts", names):
        page = make_handout(lesson, read_handout(path))
        pages.append(out / f"{lesson.number}.html")
        write_atomic(pages[-1], page)
        say(f"{pages[-1].name}: {len(page.encode()) / 1e3:.0f} kB")
    if not pdf:
        return pages
    printed = [page.with_suffix(".pdf") for page in pages]
    with Printer() as printer:
        for source, sheet in zip(pages, printed, strict=True):
            printer.print_page(source, sheet)
            say(f"{sheet.name}: {sheet.stat().st_size / 1e3:.0f} kB")
    return pages + printed
