"""Small changes to a right answer, each of which should make it a wrong one.

A mutant differs from the solution in one place: an operator is exchanged, a number changed, a line
dropped, an argument left out, or, in networks, one layer or setting replaced by its neighbour.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}

#: Names, attributes and texts with a neighbour that is easily taken for them.
_NEIGHBOURS = {
    "MaxPooling2D": "AveragePooling2D",
    "AveragePooling2D": "MaxPooling2D",
    "GlobalAveragePooling2D": "GlobalMaxPooling2D",
    "Flatten": "GlobalAveragePooling2D",
    "max": "min",
    "min": "max",
    "maximum": "minimum",
    "mean": "sum",
    "sum": "mean",
    "argmax": "argmin",
    "zeros": "ones",
    "ones": "zeros",
    "sqrt": "square",
    "height": "width",
    "width": "height",
    "relu": "linear",
    "valid": "same",
    "same": "valid",
    "softmax": "linear",
    "sigmoid": "linear",
    "grayscale": "rgb",
    "rgb": "grayscale",
    "int": "categorical",
    "categorical": "int",
    "horizontal": "vertical",
    "RandomFlip": "RandomRotation",
    "SparseCategoricalCrossentropy": "MeanSquaredError",
    "BinaryCrossentropy": "MeanSquaredError",
}

#: Functions that do not mind the order of their arguments.
_SYMMETRIC = {"max", "min", "maximum", "minimum", "add", "multiply", "isclose", "allclose"}


def mutants(source: str) -> dict[str, str]:
    """All mutants of a text, by a name that says what was changed.

    Parameters
    ----------
    source : str
        Python source.

    Returns
    -------
    dict of str to str
        Without those whose text is that of the solution or of another mutant.
    """
    found: dict[str, str] = {}
    seen = {ast.unparse(ast.parse(source))}
    for line, old, new, tree in _all(source):
        text = ast.unparse(ast.fix_missing_locations(tree))
        if text in seen:
            continue
        seen.add(text)
        name = f"L{line}: {_short(old)} → {_short(new)}"
        number = 2
        while name in found:
            name = f"L{line}: {_short(old)} → {_short(new)} #{number}"
            number += 1
        found[name] = text + "\n"
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


def _all(source: str) -> Iterator[tuple[int, str, str, ast.Module]]:
    tree = ast.parse(source)
    count = sum(1 for _ in ast.walk(tree))
    for index in range(count):
        variant = 0
        while True:
            changed = copy.deepcopy(tree)
            node = list(ast.walk(changed))[index]
            before = _text(node)
            line = getattr(node, "lineno", 0)
            # A node without a line of its own (an operator) is told with the one around it.
            done = _change(changed, node, variant)
            if done is None:
                break
            variant += 1
            if done:
                yield line, before, done, changed


def _text(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except Exception:  # a node that is no text of its own
        return type(node).__name__


def _change(tree: ast.Module, node: ast.AST, variant: int) -> str | None:
    """Make the change number `variant` to a node in place; None if there are no more."""
    changes = list(_changes(tree, node))
    if variant >= len(changes):
        return None
    return changes[variant]() or _text(node)


def _changes(tree: ast.Module, node: ast.AST):
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in _OPERATORS:
        yield lambda: setattr(node, "op", _OPERATORS[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OPERATORS:
        yield lambda: node.ops.__setitem__(0, _OPERATORS[type(node.ops[0])]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield lambda: _replace(tree, node, node.operand)
    if isinstance(node, ast.Constant):
        yield from _constants(node)
    if isinstance(node, ast.Name) and node.id in _NEIGHBOURS and isinstance(node.ctx, ast.Load):
        yield lambda: setattr(node, "id", _NEIGHBOURS[node.id])
    if isinstance(node, ast.Attribute) and node.attr in _NEIGHBOURS:
        yield lambda: setattr(node, "attr", _NEIGHBOURS[node.attr])
    if isinstance(node, ast.Call):
        for k in range(len(node.keywords)):
            yield lambda k=k: f"{_text(node.func)} without {node.keywords.pop(k).arg}"
        if len(node.args) == 2 and _text(node.func).rpartition(".")[2] not in _SYMMETRIC:
            yield lambda: node.args.reverse()
    if isinstance(node, ast.IfExp):
        yield lambda: _swap(node, "body", "orelse")
    if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1 and _loaded(node):
        for k in range(len(node.elts)):
            yield lambda k=k: f"without {_text(node.elts.pop(k))}"
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and len(block) > 1:
            for k in range(len(block)):
                if not isinstance(block[k], ast.Import | ast.ImportFrom):
                    yield lambda block=block, k=k: f"without {_text(block.pop(k))}"


def _loaded(node: ast.List | ast.Tuple) -> bool:
    return isinstance(node.ctx, ast.Load)


def _constants(node: ast.Constant):
    value = node.value
    if isinstance(value, bool):
        yield lambda: setattr(node, "value", not value)
    elif isinstance(value, int):
        yield lambda: setattr(node, "value", value + 1)
        if value != 0:
            yield lambda: setattr(node, "value", value - 1)
    elif isinstance(value, float):
        yield lambda: setattr(node, "value", value * 2 if value else 0.5)
    elif isinstance(value, str) and value in _NEIGHBOURS:
        yield lambda: setattr(node, "value", _NEIGHBOURS[value])


def _swap(node: ast.AST, first: str, second: str) -> None:
    one, other = getattr(node, first), getattr(node, second)
    setattr(node, first, other)
    setattr(node, second, one)


def _replace(tree: ast.Module, old: ast.AST, new: ast.AST) -> str:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                value[[one is old for one in value].index(True)] = new
    return _text(new)
