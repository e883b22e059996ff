"""What Sphinx does not do by itself, as one of its extensions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from course_staff.authoring.addresses import Addresses
from course_staff.site import cells

#: Between the descriptions of the figures of one cell: myst-nb knows one for all.
BETWEEN_FIGURES = "\n\f\n"

#: Texts in which no term becomes a link.
_NO_TERMS = (
    *(nodes.title, nodes.literal, nodes.reference, nodes.raw, nodes.math, nodes.math_block),
    *(nodes.literal_block, nodes.image, nodes.comment, addnodes.pending_xref),
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_transform(LinkTerms)
    app.add_transform(DescribeFigures)
    app.add_transform(NameColumns)
    app.connect("html-page-context", _buttons, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


# --- formulae ----------------------------------------------------------------------------------


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(convert(node.astext(), display="inline"))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    formula = convert(node.astext(), display="block")
    translator.body.append(f'<div class="math" tabindex="0">{formula}</div>\n')
    raise nodes.SkipNode


# --- the glossary ------------------------------------------------------------------------------


def terms(glossary: str) -> list[str]:
    """Return the terms of a glossary, given the text of its page."""
    return re.findall(r"^(\w[^\n:]*)\n(?=\w[^\n]*\n| {2,}\S)", glossary, re.MULTILINE)


@cache
def _pattern(page: Path) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what finds a term of the glossary, and the terms by their lower case."""
    known = {term.casefold(): term for term in terms(page.read_text(encoding="utf-8"))}
    longest_first = sorted(known, key=lambda term: (-len(term), term))
    alternatives = "|".join(map(re.escape, longest_first)).replace(r"\ ", r"\s+")
    return re.compile(rf"(?<![\w-])({alternatives})(?:s|es)?(?![\w-])", re.IGNORECASE), known


class LinkTerms(SphinxTransform):
    """Link the first mention of each term in a lesson to the glossary."""

    default_priority = 500

    def apply(self, **_kwargs: Any) -> None:
        """Change the document."""
        docname = self.env.docname
        if not docname.startswith("notebooks/"):
            return
        pattern, known = _pattern(Path(self.env.srcdir, "glossary.md"))
        seen: set[str] = set()
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(above, _NO_TERMS) for above in _ancestors(text)):
                parts = list(_linked(str(text), pattern, known, seen, docname))
                if len(parts) > 1:
                    text.parent.replace(text, parts)


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while (above := node.parent) is not None:
        yield above
        node = above


def _linked(
    text: str, pattern: re.Pattern[str], known: dict[str, str], seen: set[str], docname: str
) -> Iterator[nodes.Node]:
    """Yield a text in parts, in which each term that is not in `seen` yet is a link."""
    done = 0
    for found in pattern.finditer(text):
        term = known[" ".join(found[1].casefold().split())]
        if term in seen:
            continue
        seen.add(term)
        yield nodes.Text(text[done : found.start()])
        shown = nodes.inline("", found[0], classes=["xref", "std", "std-term"])
        yield addnodes.pending_xref(
            "",
            shown,
            refdomain="std",
            reftype="term",
            reftarget=term,
            refexplicit=True,
            refwarn=True,
            refdoc=docname,
        )
        done = found.end()
    yield nodes.Text(text[done:])


# --- figures -----------------------------------------------------------------------------------


class DescribeFigures(SphinxTransform):
    """Give each figure of a cell its own description."""

    default_priority = 501

    def apply(self, **_kwargs: Any) -> None:
        """Change the document."""
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") == "cell_code":
                figures = [node for node in cell.findall(nodes.image) if "alt" in node]
                for place, figure in enumerate(figures):
                    figure["alt"] = figure["alt"].split(BETWEEN_FIGURES)[place]


class NameColumns(SphinxTransform):
    """Remove heads of tables that are empty; name an empty column for screen readers."""

    default_priority = 502

    def apply(self, **_kwargs: Any) -> None:
        """Change the document."""
        for head in list(self.document.findall(nodes.thead)):
            if not head.astext().strip():
                head.parent.remove(head)
                continue
            for entry in head.findall(nodes.entry):
                if not entry.astext().strip():
                    entry.clear()
                    text = nodes.inline("", "row", classes=["visually-hidden"])
                    entry += nodes.paragraph("", "", text)


# --- buttons -----------------------------------------------------------------------------------


def _buttons(app: Sphinx, page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Offer notebooks without outputs, and printing; no sources of other pages."""
    for group in context.get("header_buttons", []):
        if group.get("label") != "download-buttons":
            continue
        for button in group["buttons"]:
            if button["label"] == "download-source-button":
                button |= {"text": "Notebook (.ipynb)", "tooltip": "Download without outputs"}
            elif button["label"] == "download-pdf-button":
                button |= {"text": "Print", "icon": "fas fa-print", "tooltip": "Print this page"}
        if not cells.is_notebook(page):
            group["buttons"] = [b for b in group["buttons"] if b["text"] == "Print"]


# --- links to the code -------------------------------------------------------------------------


def source_link(known: Addresses, root: Path, module: str, name: str) -> str | None:
    """Return the address of the code of a documented object in the repository.

    Parameters
    ----------
    known : Addresses
        Where the repository is.
    root : Path
        The folder of the course.
    module : str
        The module under whose name the object is documented.
    name : str
        Its name there, with dots for what is in a class.

    Returns
    -------
    str or None
        None where Python knows no code of it, as of a constant, or no repository is set.
    """
    thing: Any = import_module(module)
    try:
        for part in name.split("."):
            thing = getattr(thing, part)
        thing = inspect.unwrap(getattr(thing, "fget", None) or thing)
        path = Path(inspect.getsourcefile(thing) or "").relative_to(root)
        lines, first = inspect.getsourcelines(thing)
    except (AttributeError, TypeError, ValueError, OSError):
        return None
    address = known.file(path.as_posix())
    return address and f"{address}#L{first}-L{first + len(lines) - 1}"
