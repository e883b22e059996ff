"""Parts of the site's pages that are made of lessons, documents and tables."""

from __future__ import annotations

import ast
import base64
import csv
import html
import io
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from course_staff.authoring import derived
from course_staff.site import cells
from course_utils.results import MIME
from course_utils.workspace.lessons import all_lessons, is_hidden

#: Size of the pictures on the cards, in pixels.
CARD_SIZE = (640, 360)

_DRAWING = re.compile(r'<img alt="([^"]*)" src="(data:image/svg[^"]*)"')
_DRAWING_CARD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}">
<rect width="100%" height="100%" fill="white"/><image width="100%" height="100%" href="{}"/>
</svg>
"""


def _stored(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


# --- cards -------------------------------------------------------------------------------------


def cards(root: Path) -> tuple[str, dict[str, bytes]]:
    """Return a card for each lesson in Markdown, and their pictures by path."""
    lines, pictures = [":::::{grid} 1 2 2 3", ":gutter: 3", ""], {}
    for lesson in derived.lessons(root):
        lines += [f"::::{{grid-item-card}} {lesson.title}", f":link: notebooks/{lesson.path.stem}"]
        lines += [":link-type: doc"]
        if found := _figure(root, lesson.path):
            picture, description = found
            kind = "svg" if picture.startswith(b"<svg") else "png"
            name = f"_cards/{lesson.path.stem}.{kind}"
            pictures[name] = picture
            lines += [f":img-top: {name}", f":img-alt: {' '.join(description.split())}"]
        lines += [
            f"{lesson.points[0][0].upper()}{lesson.points[0][1:]}.",
            "",
            f":::{{card-footer}}\n{lesson.minutes}\n:::",
            "::::",
            "",
        ]
    return "\n".join([*lines, ":::::", ""]), pictures


def _figure(root: Path, path: Path) -> tuple[bytes, str] | None:
    """Return the figure of a lesson's handout, or else its first, for a card; and its description.

    A lesson that shows none has None.
    """
    shown = [cell for cell in cells.lesson(path)["cells"] if cell["cell_type"] == "code"]
    handout = root / f"docs/handouts/{path.stem[:2]}.toml"
    name = tomllib.loads(handout.read_text(encoding="utf-8"))["figure"] if handout.exists() else ""
    for cell in [cell for cell in shown if cell.get("id") == name] or shown:
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                description = output["metadata"].get("image/png", {}).get("alt", "")
                return _card(base64.b64decode(data["image/png"])), description
            if drawn := _DRAWING.match(data.get("text/html", "")):
                return _DRAWING_CARD.format(*CARD_SIZE, drawn[2]).encode(), html.unescape(drawn[1])
    return None


def _card(figure: bytes) -> bytes:
    """Return a figure on a white ground of the size of all cards."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(figure)) as opened:
        picture = opened.convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    padded = ImageOps.pad(ground.convert("RGB"), CARD_SIZE, color="white")
    buffer = io.BytesIO()
    padded.quantize(128).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


# --- results -----------------------------------------------------------------------------------


def stored_results(root: Path) -> str:
    """Return a table of the results that the stored lessons report, in Markdown."""
    lines = ["| lesson | result | value |", "|---|---|---:|"]
    for path in all_lessons(root):
        for cell in _stored(path)["cells"]:
            for output in cell.get("outputs", []):
                if found := output.get("data", {}).get(MIME):
                    link = f"[{path.stem[:2]}](/notebooks/{path.name})"
                    lines.append(f"| {link} | {found['name']} | {found['text']} |")
    return "\n".join([*lines, ""])


# --- topics ------------------------------------------------------------------------------------


def topics(root: Path) -> list[dict[str, str]]:
    """Return the rows of the table of topics."""
    with (root / "tests/repository/topics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def topics_table(root: Path) -> str:
    """Return the topics of each source, with a link to the cell that teaches each, in Markdown."""
    shown = {cell["id"] for path in all_notebooks(root) for cell in _shown(path)}
    pages = {path.stem[:2]: f"/notebooks/{path.name}" for path in all_lessons(root)}
    lines = []
    sources = groupby(topics(root), key=lambda row: row["source"])
    for number, (_, rows) in enumerate(sources, start=1):
        lines += [f"## Document {number}", "", "| topic | kind | lesson |", "|---|---|---|"]
        for row in rows:
            where = f"[{row['lesson']}]({pages[row['lesson']]})"
            if row["cell"] in shown:
                where = f"{{ref}}`{row['lesson']} <{row['cell'].lower()}>`"
            lines.append(f"| {row['topic']} | {row['kind']} | {where} |")
        lines.append("")
    return "\n".join(lines)


def all_notebooks(root: Path) -> list[Path]:
    """Return the lessons and the exercises."""
    return [*all_lessons(root), *sorted(root.glob("exercises/*/*.ipynb"))]


def _shown(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in _stored(path)["cells"] if not is_hidden(cell) and "id" in cell]


# --- references --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """An entry of the bibliography: its text, and what names it in lessons and docstrings."""

    text: str
    marks: tuple[str, ...]


def references(root: Path) -> list[Reference]:
    """Return the entries of ``docs/references.toml``."""
    table = tomllib.loads((root / "docs/references.toml").read_text(encoding="utf-8"))
    return [Reference(entry["text"], tuple(entry["marks"])) for entry in table["reference"]]


def bibliography(root: Path) -> str:
    """Return the references with the lessons and functions that name each, in Markdown."""
    named_in = texts(root)
    lines = []
    for reference in sorted(references(root), key=lambda one: one.text.casefold()):
        named = [link for link, text in named_in if any(mark in text for mark in reference.marks)]
        lines.append(f"- {reference.text} *Named in:* {', '.join(dict.fromkeys(named))}.")
    return "\n".join([*lines, ""])


def texts(root: Path) -> list[tuple[str, str]]:
    """Return a link to each lesson and each documented function, in Markdown, and its text."""
    return [*_lesson_texts(root), *_docstrings(root)]


def _lesson_texts(root: Path) -> Iterator[tuple[str, str]]:
    for path in all_lessons(root):
        text = "\n".join("".join(c["source"]) for c in _stored(path)["cells"])
        yield f"[lesson {path.stem[:2]}](/notebooks/{path.name})", text


def _docstrings(root: Path) -> Iterator[tuple[str, str]]:
    """Yield a link to the page of the room, and the docstring, for each function of the package."""
    for path in sorted((root / "course_utils").rglob("*.py")):
        room = path.relative_to(root / "course_utils").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                name = getattr(node, "name", "")
                link = f"[`{room}{'.' * bool(name)}{name}`](/api/{room}.rst)"
                yield link, " ".join((ast.get_docstring(node) or "").split())
