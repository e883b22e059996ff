"""The cells of a lesson as readers of the site and of the slides see them."""

from __future__ import annotations

import ast
import copy
import json
import re
from pathlib import Path
from typing import Any

from course_utils.workspace.lessons import remove_hidden

#: Tag of the cells between a prediction and its comparison, whose outputs are folded.
FOLDED = "hide-output"
#: Tag of cells whose code says nothing: the call that shows a question.
NO_CODE = "remove-input"
#: Tag of all cells that belong to one prediction; they are opened together.
PREDICTED = "after-prediction"

_CALL = re.compile(r"\bwidgets\.(predict|compare|check_yourself)\(\s*[\"']([^\"']+)")
_STATEMENT = re.compile(r"(?:display\()?widgets\.(?:predict|compare|check_yourself)\(")
#: What a page can show, best first; an output keeps the first of these that it has.
_SHOWN = ("text/html", "image/png", "text/plain")
_PANDAS_STYLE = re.compile(r"<style scoped>.*?</style>\s*", re.DOTALL)
#: What a piece says in a notebook, and what is true on a page.
_SAID = {"Now run the next cell.": "Now show the result below."}


def lesson(path: Path) -> dict[str, Any]:
    """Return a stored lesson in its displayed form.

    Parameters
    ----------
    path : Path
        The notebook.

    Returns
    -------
    dict
        A notebook, see :func:`displayed`.
    """
    return displayed(json.loads(path.read_text(encoding="utf-8")))


def displayed(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a notebook as readers see it.

    Parameters
    ----------
    notebook : dict
        A notebook as JSON, with stored outputs; it is not changed.

    Returns
    -------
    dict
        A notebook without the cells for authors. Sources are texts, without the calls that show a
        question or a comparison: they give the answer away. A cell of nothing else keeps its source
        and has the tag :data:`NO_CODE`. Each output has one form: HTML, a figure (described in
        ``metadata["image/png"]["alt"]``), or text. What follows a prediction, up to its comparison,
        has the tags :data:`FOLDED` and :data:`PREDICTED`.
    """
    shown = copy.deepcopy(notebook)
    remove_hidden(shown)
    open_keys: set[str] = set()
    for cell in shown["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"] = [kept for output in cell["outputs"] if (kept := _output(output))]
            _fold(cell, open_keys)
    return shown


def questions(source: str) -> list[tuple[str, str]]:
    """Return the questions that a code cell shows, each as in ``("predict", "01.window")``."""
    return [(found[1], found[2]) for found in _CALL.finditer(source)]


def _fold(cell: dict[str, Any], open_keys: set[str]) -> None:
    """Tag a cell by what it shows; `open_keys` are the predictions without a comparison yet."""
    asked = questions(cell["source"])
    tags = cell["metadata"].setdefault("tags", [])
    if open_keys and "predict" not in dict(asked):
        tags += [FOLDED, PREDICTED]
    for name, key in asked:
        if name == "predict":
            open_keys.add(key)
        elif name == "compare":
            open_keys.discard(key)
    if asked:
        rest = _without_questions(cell["source"])
        if re.sub(r"#.*", "", rest).strip():
            cell["source"] = rest
        else:
            tags.append(NO_CODE)


def _without_questions(source: str) -> str:
    """Return code without the statements that only show a question or a comparison."""
    lines: list[str | None] = list(source.splitlines(keepends=True))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and _only_asks(node):
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [None] * (end - node.lineno + 1)
    return "".join(line for line in lines if line is not None).rstrip("\n")


def _only_asks(node: ast.stmt) -> bool:
    """Return whether a statement only shows a question, perhaps under a condition."""
    if isinstance(node, ast.If):
        return not node.orelse and all(map(_only_asks, node.body))
    return isinstance(node, ast.Expr) and bool(_STATEMENT.match(ast.unparse(node)))


def _output(output: dict[str, Any]) -> dict[str, Any] | None:
    """Return an output in its one form, or None where a page shows nothing of it."""
    if output["output_type"] == "stream":
        output["text"] = "".join(output["text"])
        return output if output["name"] == "stdout" else None
    if output["output_type"] == "error":
        return output
    forms = output["data"]
    kind = next((form for form in _SHOWN if form in forms), None)
    if kind is None:
        return None
    text = "".join(forms[kind])
    if kind == "text/html":
        text = _PANDAS_STYLE.sub("", text).replace("<th></th>", "<td></td>")
        for said, instead in _SAID.items():
            text = text.replace(said, instead)
    output["data"] = {kind: text}
    return output


def is_notebook(page: str) -> bool:
    """Return whether a page of the site, named by its path without an ending, is a notebook."""
    return page.startswith(("notebooks/", "exercises/"))
