"""Stored outputs of the lessons that nbval compares, and cells that students do not get."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from course_utils.workspace import lessons

LESSONS = lessons.all_lessons()
COMPARED = "nbval-check-output"

#: Functions and methods that train, so that their results differ a little between machines.
TRAINING = {"fit", "fit_head", "fit_or_load", "experiment", "out_of_fold", "train_on_batch"}
#: Functions that measure seconds.
CLOCKS = {"time.perf_counter", "deployment.compare"}
#: Methods that put something into a list, a set or a dictionary.
CHANGING = {"append", "extend", "update", "add"}
#: At most this share of the printed outputs that do not depend on training is not compared.
LEFT_OUT = 0.1


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def prints(cell: dict) -> bool:
    """Return whether a cell has stored text: printed, or the text of its last expression."""
    texts = [joined(output.get("text", "")) for output in cell["outputs"]]
    for output in cell["outputs"]:
        if set(output.get("data", {})) == {"text/plain"}:
            texts.append(joined(output["data"]["text/plain"]))
    return any(text.strip() for text in texts)


def loaded(node: ast.AST) -> set[str]:
    """Return the names that a statement reads from outside of it."""
    names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
    inside: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.For | ast.comprehension):
            inside |= {one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)}
    return {one.id for one in names if isinstance(one.ctx, ast.Load)} - inside


def changed(node: ast.AST) -> set[str]:
    """Return the names of what a statement changes in place: ``rows.append(1)``, ``a[0] = 1``."""
    parts = list(ast.walk(node))
    places = [p for p in parts if isinstance(p, ast.Subscript) and isinstance(p.ctx, ast.Store)]
    calls = [p.func for p in parts if isinstance(p, ast.Call) and called(p) in CHANGING]
    owners = [part.value for part in [*places, *calls] if hasattr(part, "value")]
    return {one.id for one in owners if isinstance(one, ast.Name)}


def bound(node: ast.AST) -> set[str]:
    """Return the names that a statement assigns, imports or defines."""
    names = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            names.add(part.name)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).split(".")[0])
    return names


def trained(node: ast.AST) -> set[str]:
    """Return the names of the networks that a statement trains."""
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    trains = [call for call in calls if called(call) in TRAINING]
    networks = [call.func.value for call in trains if isinstance(call.func, ast.Attribute)]
    networks += [argument for call in trains for argument in call.args[:1]]
    modules = {"training", "evaluation"}
    return {one.id for one in networks if isinstance(one, ast.Name)} - modules


def called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def measures_time(call: ast.Call) -> bool:
    return ast.unparse(call.func) in CLOCKS


def dependent_on_training(cells: list[dict]) -> set[str]:
    """Return the ids of the cells whose results depend on a training or on the clock."""
    names: set[str] = set()
    found = set()
    for cell in cells:
        for statement in ast.parse(joined(cell["source"])).body:
            made = [part for part in ast.walk(statement) if isinstance(part, ast.Call)]
            calls = {called(call) for call in made}
            timed = any(measures_time(call) for call in made)
            depends = bool(loaded(statement) & names or calls & (TRAINING | names) or timed)
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                names |= {statement.name} if depends else set()
            elif depends:
                names |= bound(statement) | changed(statement) | trained(statement)
                found.add(cell["id"])
            else:
                names -= bound(statement)
    return found


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_printed_outputs_that_do_not_depend_on_training_are_compared(path):
    cells = code_cells(path)
    depends = dependent_on_training(cells)
    shown = [cell for cell in cells if not lessons.is_hidden(cell)]
    printing = [cell for cell in shown if prints(cell) and cell["id"] not in depends]
    left = [c["id"] for c in printing if COMPARED not in c["metadata"].get("tags", [])]
    allowed = max(1, int(LEFT_OUT * len(printing)))  # in a short lesson one, such as the machine's
    assert len(left) <= allowed, f"of {len(printing)} outputs, these are not compared: {left}"


def test_what_depends_on_training_is_found():
    sources = {
        "build": "network = build()\nname = 'a'",
        "train": "history = network.fit(data)",
        "curve": "best = min(history.history['loss'])\nprint(best)",
        "loop": "for name in ('a', 'b'):\n    print(name)",
        "network": "print(network.predict(data))",
        "rows": "rows = []\nfor k in range(3):\n    rows.append(best)",
        "table": "print(rows)",
        "other": "history = 3\nprint(history)",
        "define": "def again():\n    return training.fit(small, data)",
        "call": "result = again()",
        "result": "print(result)",
        "clock": "start = time.perf_counter()",
        "seconds": "print(time.perf_counter() - start)",
    }
    cells = [{"id": name, "source": source} for name, source in sources.items()]
    wanted = {"train", "curve", "network", "rows", "table", "call", "result"}
    wanted |= {"clock", "seconds"}
    assert dependent_on_training(cells) == wanted


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_cell_needs_one_that_students_do_not_get(path):
    hidden: dict[str, str] = {}
    shown: set[str] = set()  # what a cell that students have has given a value before
    for cell in code_cells(path):
        statements = ast.parse(joined(cell["source"]))
        if lessons.is_hidden(cell):
            hidden.update(dict.fromkeys(bound(statements) - shown, cell["id"]))
            continue
        needed = {name: hidden[name] for name in loaded(statements) & set(hidden)}
        missing = {name: where for name, where in needed.items() if name not in bound(statements)}
        assert not missing, f"{cell['id']} uses {missing}"
        shown |= bound(statements)
        for name in bound(statements):
            hidden.pop(name, None)
