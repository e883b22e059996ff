"""Slides for teaching, made from the cells of the lessons.

``docs/slides/NN.toml`` names the cells of each slide in order; the lesson gives the texts, code,
figures and interactive pieces. The notes for the speaker take the times from the rule of
:mod:`course_staff.authoring.minutes`, and where students stumble from INSTRUCTORS.md. A deck is one
file that needs nothing else: reveal.js, from the package sphinx-revealjs, is copied into it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from course_staff.authoring import minutes
from course_staff.site import parts
from course_staff.site.pdf import Printer
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic


@dataclass(frozen=True)
class Slide:
    """One slide.

    Attributes
    ----------
    parts : tuple of Part
        The cells on it, in order.
    title : str
        Its heading, or "" for the heading of its first text.
    text : str
        Words above the cells, as markdown, where the lesson has none that are short enough.
    notes : str
        Words for the speaker, as markdown.
    stumble : tuple of str
        Beginnings of difficulties in INSTRUCTORS.md that arise here.
    columns : bool
        Whether the parts stand side by side: the last one on the right.
    steps : bool
        Whether all parts but the first appear one after the other.
    """

    parts: tuple[parts.Part, ...]
    title: str = ""
    text: str = ""
    notes: str = ""
    stumble: tuple[str, ...] = ()
    columns: bool = False
    steps: bool = False


@dataclass(frozen=True)
class Advice:
    """What INSTRUCTORS.md says about a lesson.

    Attributes
    ----------
    teaching, exercise, computing, end, required : str
        The columns of the timetable.
    difficulties : dict of str to str
        What to say about each difficulty.
    """

    teaching: str = ""
    exercise: str = ""
    computing: str = ""
    end: str = ""
    required: str = ""
    difficulties: dict[str, str] = field(default_factory=dict)


def read_slides(path: Path) -> list[Slide]:
    """Read the slides of a lesson from its data file.

    Raises
    ------
    InvalidInput
        If the file is not valid TOML or a slide has an unknown key.
    """
    data = parts.read_data(path)
    known = {"cells", *Slide.__dataclass_fields__} - {"parts"}
    slides = []
    for number, one in enumerate(data.get("slide", []), start=1):
        where = f"{path.name}, slide {number}"
        if unknown := sorted(set(one) - known):
            raise InvalidInput(f"{where}: {', '.join(unknown)} is not known; use {sorted(known)}.")
        chosen = tuple(parts.part_of(value, where) for value in one.pop("cells", []))
        if not chosen:
            raise InvalidInput(f"{where}: name at least one cell in 'cells'.")
        slides.append(Slide(chosen, **one | {"stumble": tuple(one.get("stumble", ()))}))
    if not slides:
        raise InvalidInput(f"{path.name} has no slide; begin one with the line [[slide]].")
    return slides


def advice(lesson: str, instructors: str) -> Advice:
    """Return what the text of INSTRUCTORS.md says about a lesson, in its two tables.

    Parameters
    ----------
    lesson : str
        Its number, such as ``"01"``.
    instructors : str
        The text of INSTRUCTORS.md.
    """
    rows = re.findall(rf"^\| {lesson}\b([^|]*)\|(.+)\|$", instructors, re.MULTILINE)
    told = Advice()
    for name, rest in rows:
        columns = [column.strip() for column in rest.split("|")]
        if name.strip() and len(columns) == 5:
            teaching, exercise, computing, end, required = columns
            told = Advice(teaching, exercise, computing, end, required, told.difficulties)
        elif len(columns) == 2:
            told.difficulties[columns[0]] = columns[1]
    return told


def make_deck(lesson: parts.Lesson, slides: list[Slide], told: Advice) -> str:
    """Return the deck of a lesson as one HTML page.

    Parameters
    ----------
    lesson : Lesson
        The stored lesson.
    slides : list of Slide
        Its slides after the first; the first one is made from the lesson's first cell.
    told : Advice
        What INSTRUCTORS.md says about the lesson.

    Raises
    ------
    InvalidInput
        If a cell or a difficulty is not there, or the slides leave the order of the lesson.
    """
    clock = _clock(lesson, slides)
    shown = [
        {
            "title": slide.title or _title(lesson, slide),
            "text": parts.markdown(slide.text),
            "parts": [parts.render(lesson, part) for part in slide.parts],
            "notes": _notes(slide, told, start, length),
            "seconds": round(60 * length),
            "cells": " ".join(part.cell for part in slide.parts),
            "columns": slide.columns,
            "steps": slide.steps,
        }
        for slide, (start, length) in zip(slides, clock, strict=True)
    ]
    first = lesson.notebook.cells[0]
    questions = parts.markdown(first.source.split("**After it you can**")[0], "list")
    reveal = _reveal()
    return parts.template("slides.html").render(
        number=lesson.number,
        lesson=lesson.title,
        questions=questions,
        opening=_opening(slides, told, lesson.number),
        slides=shown,
        style=[
            (reveal / "dist" / "reset.css").read_text(encoding="utf-8"),
            (reveal / "dist" / "reveal.css").read_text(encoding="utf-8"),
            parts.code_style(),
            parts.template_text("slides.css"),
        ],
        scripts=[
            _script(reveal / "dist" / "reveal.js"),
            _script(reveal / "plugin" / "notes" / "notes.js"),
            parts.template_text("slides.js"),
        ],
    )


def _reveal() -> Path:
    """Return the folder of reveal.js in the package sphinx-revealjs.

    Raises
    ------
    InvalidInput
        If the package is not installed.
    """
    found = find_spec("sphinx_revealjs")
    if found is None or found.origin is None:
        raise InvalidInput(
            "The slides need the package sphinx-revealjs: install it with 'make dev'."
        )
    return Path(found.origin).parent / "_static" / "revealjs"


def _script(path: Path) -> str:
    """Return a script that may stand inside a page: nothing in it ends or comments its element."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
    return text.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _title(lesson: parts.Lesson, slide: Slide) -> str:
    """Return the last heading of the lesson at or before the first cell of a slide."""
    for part in slide.parts:
        cell = lesson.cell(part.cell)
        if cell.cell_type == "markdown" and (found := parts.heading(cell.source)):
            return _plain(found)
    before = lesson.notebook.cells[: lesson.place(slide.parts[0].cell)]
    texts = [cell.source for cell in before if cell.cell_type == "markdown"]
    headings = [line for text in texts for line in re.findall(r"^#+ +(.+)$", text, re.MULTILINE)]
    return _plain(headings[-1]) if headings else lesson.title


def _plain(text: str) -> str:
    return re.sub(r"[`*]", "", text)


def _clock(lesson: parts.Lesson, slides: list[Slide]) -> list[tuple[float, float]]:
    """Return minute and length of each slide: the cells from its first one to that of the next."""
    places = [lesson.place(slide.parts[0].cell) for slide in slides]
    for before, after, slide in zip(places, places[1:], slides[1:], strict=False):
        if after < before:
            raise InvalidInput(
                f"The slide that begins with {slide.parts[0].cell} comes too late: slides follow "
                f"the order of lesson {lesson.number}."
            )
    ends = [*places[1:], len(lesson.notebook.cells)]
    starts = [0, *places[1:]]
    lengths = [_total(lesson, begin, end) for begin, end in zip(starts, ends, strict=True)]
    whole = minutes.parts(lesson.notebook, lesson.number).total
    scale = whole / max(sum(lengths), 1e-9)
    times, now = [], 0.0
    for length in lengths:
        times.append((now, length * scale))
        now += length * scale
    return times


def _total(lesson: parts.Lesson, begin: int, end: int) -> float:
    """Return the minutes of some cells of the main line."""
    whole = lesson.notebook.cells
    last = next(
        (
            place
            for place, cell in enumerate(whole)
            if cell.cell_type == "markdown" and minutes.GOING_FURTHER.search(cell.source)
        ),
        len(whole),
    )
    some = {"cells": whole[begin : min(end, last)], "metadata": {}}
    return minutes.parts(some, lesson.number).total


def _notes(slide: Slide, told: Advice, start: float, length: float) -> str:
    lines = [f"**Minute {start:.0f}**, about {_minutes(length)}."]
    if slide.notes:
        lines.append(slide.notes.strip())
    for beginning in slide.stumble:
        found = [what for what in told.difficulties if what.startswith(beginning)]
        if len(found) != 1:
            raise InvalidInput(
                f"{len(found)} difficulties of INSTRUCTORS.md begin with {beginning!r} for this "
                f"lesson; name one of {sorted(told.difficulties)}."
            )
        lines.append(f"**Students stumble:** {found[0]}. **Say:** {told.difficulties[found[0]]}.")
    return parts.markdown("\n\n".join(lines))


def _minutes(length: float) -> str:
    whole = max(1, round(length))
    return f"{whole} minute{'s' * (whole > 1)}"


def _opening(slides: list[Slide], told: Advice, lesson: str) -> str:
    """Return the notes of the first slide: times, and the difficulties that no slide names."""
    lines = []
    if told.teaching:
        lines.append(
            f"**Lesson {lesson}:** {told.teaching} of teaching; exercise {told.exercise}; the "
            f"cells compute for {told.computing}; can end after: {told.end}; required for: "
            f"{told.required}."
        )
    named = [beginning for slide in slides for beginning in slide.stumble]
    for what, say in told.difficulties.items():
        if not what.startswith(tuple(named)):
            lines.append(f"**Students stumble:** {what}. **Say:** {say}.")
    return parts.markdown("\n\n".join(lines))


def make_slides(
    out: Path,
    names: list[str] | None = None,
    pdf: bool = True,
    say: Callable[[str], Any] = print,
) -> list[Path]:
    """Write the decks of lessons, and an index of them, into a folder.

    Parameters
    ----------
    out : Path
        The folder.
    names : list of str, optional
        Numbers of lessons; by default all that have slides.
    pdf : bool
        Whether to print each deck to a PDF, too; needs Chromium.
    say : callable
        Gets one line for each deck.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidInput
        If a lesson has no slides, or its data file has a fault.
    """
    book = settings.course_root() / "INSTRUCTORS.md"
    instructors = book.read_text(encoding="utf-8") if book.is_file() else ""
    titles = {}
    for lesson, path in parts.lessons_with("slides", names):
        slides = read_slides(path)
        page = make_deck(lesson, slides, advice(lesson.number, instructors))
        write_atomic(out / f"{lesson.number}.html", page)
        titles[lesson.number] = lesson.title
        size = len(page.encode()) / 1e6
        say(f"{lesson.number}.html: {len(slides) + 1} slides, {size:.1f} MB")
    index = parts.template("slides_index.html").render(titles=titles, pdf=pdf)
    write_atomic(out / "index.html", index)
    written = [out / f"{name}.html" for name in titles]
    if pdf:
        with Printer() as printer:
            for name in titles:
                printer.print_deck(out / f"{name}.html", out / f"{name}.pdf")
                written.append(out / f"{name}.pdf")
                say(f"{name}.pdf: {(out / f'{name}.pdf').stat().st_size / 1e6:.1f} MB")
    return [*written, out / "index.html"]
