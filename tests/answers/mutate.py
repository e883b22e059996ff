"""Mutants: small changes to a right answer, each of which should make it wrong.

A mutant differs from the solution in one place: an operator is replaced, a number changed, a line
removed, an argument omitted, or, in networks, one layer or setting replaced by a similar one. They
include mistakes of beginners: two arguments swapped, a slice bound off by one, another axis, a type
with less precision, a missing sign, a loop that returns too early, an argument that is modified, an
answer that is transposed, reversed or rounded.
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

#: Names, attributes and strings, each with one that is easily confused with it.
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

#: Functions for which the order of the arguments does not matter.
_SYMMETRIC = {"max", "min", "maximum", "minimum", "add", "multiply", "isclose", "allclose"}


def mutants(source: str, *, results: bool = True) -> dict[str, str]:
    """Return all mutants of a source, by a name that describes the change.

    Parameters
    ----------
    source : str
        Python source.
    results : bool
        Whether the functions return numbers or arrays, whose values can be changed too.

    Returns
    -------
    dict of str to str
        Without those that equal the solution or another mutant.
    """
    found: dict[str, str] = {}
    seen = {ast.unparse(ast.parse(source))}
    for line, old, new, tree in _all(source, results):
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


def _all(source: str, results: bool) -> Iterator[tuple[int, str, str, ast.Module]]:
    tree = ast.parse(source)
    count = sum(1 for _ in ast.walk(tree))
    for index in range(count):
        variant = 0
        while True:
            changed = copy.deepcopy(tree)
            node = list(ast.walk(changed))[index]
            before = _text(node)
            line = getattr(node, "lineno", 0)
            # A node without its own line (an operator) is described with its parent.
            done = _change(changed, node, variant)
            if done is None:
                break
            variant += 1
            if done:
                yield line, before, done, changed
    if results:
        yield from _results(source)


def _text(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except Exception:  # a node that cannot be unparsed alone
        return type(node).__name__


def _change(tree: ast.Module, node: ast.AST, variant: int) -> str | None:
    """Apply change number `variant` to a node in place; return None if there are no more."""
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
        yield from _calls(tree, node)
    if isinstance(node, ast.IfExp):
        yield lambda: _swap(node, "body", "orelse")
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield lambda: _negate(node)
    if isinstance(node, ast.Slice):
        yield from _slices(node)
    if isinstance(node, ast.For | ast.While):
        yield lambda: _return_early(node)
    if isinstance(node, ast.comprehension) and node.ifs:
        yield lambda: f"without if {_text(node.ifs.pop())}"
    if isinstance(node, ast.arguments):
        for k in range(len(node.defaults)):
            yield lambda k=k: _ignore(tree, node, k)
    if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1 and _loaded(node):
        for k in range(len(node.elts)):
            yield lambda k=k: f"without {_text(node.elts.pop(k))}"
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and len(block) > 1:
            for k in range(len(block)):
                if not isinstance(block[k], ast.Import | ast.ImportFrom):
                    yield lambda block=block, k=k: f"without {_text(block.pop(k))}"


#: Functions whose result equals their argument except for one property.
_WRAPPERS = {"abs", "int", "float", "round", "sqrt", "sorted", "softmax", "relu", "log", "exp"}

#: Methods whose result equals their object except for one property.
_METHODS = {"copy", "astype", "ravel", "round", "clip", "transpose", "flatten", "numpy"}


def _calls(tree: ast.Module, node: ast.Call):
    """Swap two of three or more arguments; remove a function of one argument."""
    name = _text(node.func).rpartition(".")[2]
    if len(node.args) > 2 and name not in _SYMMETRIC:
        for k in range(len(node.args) - 1):
            yield lambda k=k: _exchange(node.args, k)
    if len(node.args) == 1 and not node.keywords and name in _WRAPPERS:
        yield lambda: _replace(tree, node, node.args[0])
    if isinstance(node.func, ast.Attribute) and name in _METHODS:
        yield lambda: _replace(tree, node, node.func.value)
    for keyword in node.keywords:
        if keyword.arg == "axis" and not isinstance(keyword.value, ast.Constant):
            yield lambda keyword=keyword: setattr(keyword, "value", ast.Constant(0))


def _exchange(values: list[ast.expr], k: int) -> str:
    values[k], values[k + 1] = values[k + 1], values[k]
    return f"{_text(values[k])}, {_text(values[k + 1])} exchanged"


def _negate(node: ast.If | ast.IfExp | ast.While) -> str:
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return f"not ({_text(node.test.operand)})"


def _slices(node: ast.Slice):
    """Move a bound of a slice by one, or remove it."""
    for end in ("lower", "upper"):
        value = getattr(node, end)
        if value is None:
            continue
        for operator in (ast.Add, ast.Sub):
            moved = ast.BinOp(copy.deepcopy(value), operator(), ast.Constant(1))
            yield lambda end=end, moved=moved: setattr(node, end, moved)
        yield lambda end=end: setattr(node, end, None)
    if node.step is not None:
        yield lambda: setattr(node, "step", None)


def _return_early(node: ast.For | ast.While) -> str:
    """End the loop after its first iteration."""
    node.body.append(ast.Break())
    return "one round only"


def _ignore(tree: ast.Module, arguments: ast.arguments, k: int) -> str | None:
    """Replace the value of a parameter by its default."""
    parameter = arguments.args[len(arguments.args) - len(arguments.defaults) + k].arg
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.args is arguments:
            start = ast.parse(f"{parameter} = {_text(arguments.defaults[k])}").body
            function.body[:0] = start
            return f"{parameter} is not used"
    return None


#: Parameters of the exercises that are arrays.
_ARRAYS = {
    *("image", "kernel", "values", "labels", "one_hot", "patients", "x", "gamma", "beta", "mean"),
    *("variance", "logits", "predicted", "matrix", "probabilities", "images", "fold", "weights"),
    *("gradients", "feature_maps", "pictures", "classes", "maps", "boxes", "before", "after"),
    *("train_images", "train_labels", "validation_images", "validation_labels"),
}

#: Wrong changes of a result, by name.
_SPOILED = {
    "returned transposed": "np.transpose(np.asarray({}))",
    "returned in reverse order": "({})[::-1]",
    "returned as whole numbers": "np.asarray({}).astype(int)",
    "returned rounded": "np.round(np.asarray({}), 2)",
    "returned without sign": "np.abs(np.asarray({}))",
    "returned in half precision": "np.asarray({}, dtype='float16')",
    "returned sorted": "np.sort(np.asarray({}))",
    "returned flat": "np.ravel(np.asarray({}))",
    "returned with one axis more": "np.asarray({})[None]",
    "returned but for the last": "({})[:-1]",
    "returned with a small error": "np.asarray({}) + 0.01",
    "returned in a tuple": "({},)",
    "printed instead of returned": "print({})",
}


def _results(source: str) -> Iterator[tuple[int, str, str, ast.Module]]:
    """Yield mutants that change each result of each function, or empty each argument."""
    tree = ast.parse(source)
    for index, function in enumerate(tree.body):
        if not isinstance(function, ast.FunctionDef):
            continue
        returns = [n for n in _own(function) if isinstance(n, ast.Return) and n.value is not None]
        for number, found in enumerate(returns):
            yield from _spoil(tree, index, number, found)
        for argument in function.args.args:
            if argument.arg in _ARRAYS:
                yield from _empty(tree, index, argument.arg)


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of nested functions."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _spoil(
    tree: ast.Module, index: int, number: int, found: ast.Return
) -> Iterator[tuple[int, str, str, ast.Module]]:
    parts: list[tuple[int | None, ast.expr]] = [(None, found.value)]
    if isinstance(found.value, ast.Tuple):
        parts = list(enumerate(found.value.elts))
    for part, value in parts:
        for name, pattern in _SPOILED.items():
            changed = copy.deepcopy(tree)
            returns = [n for n in _own(changed.body[index]) if isinstance(n, ast.Return)]
            target = [n for n in returns if n.value is not None][number]
            spoiled = ast.parse(pattern.format(_text(value)), mode="eval").body
            if part is None:
                target.value = spoiled
            else:
                target.value.elts[part] = spoiled
            _need_numpy(changed)
            yield found.lineno, _text(value), name, changed


def _empty(tree: ast.Module, index: int, name: str) -> Iterator[tuple[int, str, str, ast.Module]]:
    """Yield a mutant that modifies an array argument after the result is computed."""
    changed = copy.deepcopy(tree)
    function = changed.body[index]
    inner = copy.deepcopy(function)
    inner.name = "_kept"
    call = ", ".join(one.arg for one in function.args.args)
    text = f"""
result = _kept({call})
if isinstance({name}, np.ndarray) and {name}.size:
    {name}[...] = 0
return result
"""
    function.body = [inner, *ast.parse(f"def f():\n{_indented(text)}").body[0].body]
    _need_numpy(changed)
    yield function.lineno, name, f"{name} is set to 0 in {function.name}", changed


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _need_numpy(tree: ast.Module) -> None:
    tree.body.insert(0, ast.parse("import numpy as np").body[0])


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
