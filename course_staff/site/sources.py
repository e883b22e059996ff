"""Write the folder that Sphinx reads: pages of ``docs/``, notebooks, documents, the reference."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from course_staff.authoring.addresses import Addresses
from course_staff.site import cells, pages, reference, teaching
from course_staff.site.extension import BETWEEN_FIGURES
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic
from course_utils.workspace import lessons

#: The page of the site that has the content of a document of the repository.
PAGES = {
    "README.md": "start.md",
    "INSTRUCTORS.md": "instructor.md",
    "CONTRIBUTING.md": "maintainer.md",
    "CHANGELOG.md": "changelog.md",
}
#: Sections that are on another page than the rest of their document.
_ELSEWHERE = {
    ("README.md", "what-you-will-learn"): "index.md#the-lessons",
    ("README.md", "data"): "student.md",
    ("README.md", "the-commands"): "student.md",
    ("README.md", "results-of-the-lessons"): "results.md",
    ("INSTRUCTORS.md", "grading"): "grader.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?://|mailto:)([^)#\s]*)(#[^)\s]*)?\)")
_ONLY = re.compile(
    r"<!-- only (with|without) an address -->\n(.*?)<!-- end of only -->\n", re.DOTALL
)
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)


def write(root: Path, folder: Path, known: Addresses) -> None:
    """Write the sources of the site; what was in the folder is removed.

    Parameters
    ----------
    root : Path
        The folder of the course.
    folder : Path
        Where Sphinx reads.
    known : Addresses
        Where the repository is, for links to files that have no page.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "docs", folder, ignore=shutil.ignore_patterns("_static", "conf.py"))
    made: dict[str, str | bytes] = {**reference.pages(), **_documents(root, known)}
    made["_parts/cards.md"], pictures = pages.cards(root)
    made |= {
        **pictures,
        "_parts/results.md": pages.stored_results(root),
        "_parts/topics.md": pages.topics_table(root),
        "_parts/reference.md": reference.contents(),
        "_parts/bibliography.md": pages.bibliography(root),
        "_parts/teaching.md": teaching.contents(root),
        "_parts/grading_examples.md": teaching.examples(root),
    }
    made["start.md"] = start((root / "docs/start.md").read_text("utf-8"), known)
    anchors = {row["cell"] for row in pages.topics(root)}
    for path in pages.all_notebooks(root):
        notebook = on_page(json.loads(path.read_text(encoding="utf-8")), anchors)
        made[path.relative_to(root).as_posix()] = lessons.as_bytes(notebook)
    for name, content in made.items():
        write_atomic(folder / name, content)


def on_page(notebook: dict[str, Any], anchors: set[str]) -> dict[str, Any]:
    """Return a notebook as myst-nb makes a page of it.

    Parameters
    ----------
    notebook : dict
        A stored notebook as JSON.
    anchors : set of str
        Ids of cells that other pages link to.
    """
    shown = cells.displayed(notebook)
    found = []
    for cell in shown["cells"]:
        if cell.get("id") in anchors:
            target = f"({cell['id'].lower()})=\n"
            if cell["cell_type"] == "markdown":
                cell["source"] = target + cell["source"]
            else:
                found.append({"cell_type": "markdown", "metadata": {}, "source": target})
        if descriptions := _descriptions(cell):
            options = {"alt": BETWEEN_FIGURES.join(descriptions)}
            cell["metadata"]["mystnb"] = {"image": options}
        found.append(cell)
    for number, cell in enumerate(found):
        cell.setdefault("id", f"target-{number}")
    return {**shown, "cells": found}


def _descriptions(cell: dict[str, Any]) -> list[str]:
    return [
        " ".join(output["metadata"].get("image/png", {}).get("alt", "").split())
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def for_download(notebook: dict[str, Any]) -> bytes:
    """Return a stored notebook as students get it: no cells for authors, no outputs."""
    lessons.remove_hidden(notebook)
    lessons.clear_outputs(notebook)
    return lessons.as_bytes(notebook)


# --- documents of the repository ---------------------------------------------------------------


def _documents(root: Path, known: Addresses) -> dict[str, str]:
    """Return the documents, ``_parts/README.md``, and their sections, ``_parts/README/data.md``."""
    made = {}
    for name in PAGES:
        text = (root / name).read_text(encoding="utf-8")
        for title, section in sections(text).items():
            part = f"_parts/{name.removesuffix('.md')}/{anchor(title)}.md"
            made[part] = on_site(section, name, root, known)
        made[f"_parts/{name}"] = on_site(_without_parts(name, text), name, root, known)
    return made


def _without_parts(document: str, text: str) -> str:
    """Return a document without its title and the sections that are on another page."""
    kept = [
        f"## {title}\n{section}" if title else re.sub(r"^# .+\n", "", section)
        for title, section in sections(text).items()
        if (document, anchor(title)) not in _ELSEWHERE
    ]
    return "".join(kept)


def sections(text: str) -> dict[str, str]:
    """Return the text under each heading of the second level; what comes before is ``""``."""
    parts = re.split(r"^## (.+)\n", _COMMENT.sub("", text), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def anchor(title: str) -> str:
    """Return the anchor of a heading as GitHub makes it; ``beginning`` for no heading."""
    return re.sub(r"[^\w\- ]", "", title.casefold()).strip().replace(" ", "-") or "beginning"


def on_site(text: str, document: str, root: Path, known: Addresses) -> str:
    """Return a text of a document with links to pages of the site, or else into the repository.

    Without an address of the repository, a link into it becomes its text.

    Parameters
    ----------
    text : str
        Markdown.
    document : str
        The name of the document, such as ``"README.md"``.
    root : Path
        The folder of the course.
    known : Addresses
        Where the repository is.

    Raises
    ------
    InvalidInput
        If a link leads to no file of the repository.
    """

    def change(link: re.Match[str]) -> str:
        shown, name, heading = link[1], link[2] or document, link[3] or ""
        if name in PAGES:
            page = _ELSEWHERE.get((name, heading.removeprefix("#")), PAGES[name])
            return f"[{shown}](/{page if '#' in page else page + heading})"
        if cells.is_notebook(name):
            return f"[{shown}](/{name}{heading})"
        if not (root / name).exists():
            raise InvalidInput(f"{document} links to {name}, which does not exist.")
        address = known.file(name)
        return f"[{shown}]({address}{heading})" if address else shown

    return _LINK.sub(change, with_address(text, known))


def start(text: str, known: Addresses) -> str:
    """Return the text of the page Start, with the parts that are for this state of the address."""
    state = "with" if known.repository else "without"
    text = _ONLY.sub(lambda part: part[2] if part[1] == state else "", text)
    return with_address(text, known)


def with_address(text: str, known: Addresses) -> str:
    """Return a text in which ``git clone ADDRESS`` names the repository, if there is one."""
    return text.replace("git clone ADDRESS", f"git clone {known.repository or 'ADDRESS'}")
