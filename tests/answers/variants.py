"""Variants: other ways to write a right answer, each of which must be accepted.

Three kinds: the same results in another type (a list, a tuple, a tensor, a pandas column), the same
function as another callable (a method, a callable object, a nested function), and the same steps in
another syntax (functions instead of methods, reversed comparisons).
"""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Callable, Iterator

_FORM = """
import functools as _functools
import types as _types
import numpy as _numpy
import pandas as _pandas

_own = dict(globals())  # so that the functions call each other as they are


def _in_form(value, form):
    if isinstance(value, (tuple, list)) and any(isinstance(one, _numpy.ndarray) for one in value):
        return type(value)(_in_form(one, form) for one in value)
    return form(value) if isinstance(value, _numpy.ndarray) else value


def _returning(function, form):
    code, defaults = function.__code__, function.__defaults__
    inner = _types.FunctionType(code, _own, function.__name__, defaults, function.__closure__)

    @_functools.wraps(function)
    def called(*args, **kwargs):
        return _in_form(inner(*args, **kwargs), form)

    return called

"""

#: Types of an array; of numbers where stated.
_ARRAYS = {
    "lists": "lambda a: a.tolist()",
    "tuples": "lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else a",
    "list of arrays": "lambda a: list(a)",
    "column order in memory": "_numpy.asfortranarray",
    "a view with steps": "lambda a: _numpy.repeat(a, 2, axis=0)[::2] if a.ndim else a",
    "read-only": "lambda a: _numpy.require(a.copy(), requirements='W').view() if a.ndim else a",
    "masked array": "lambda a: _numpy.ma.masked_array(a)",
    "array of Python objects": "lambda a: a.astype(object)",
    "large type": "lambda a: a.astype(_numpy.longdouble) if a.dtype.kind == 'f' else a",
    "big-endian": "lambda a: a.astype(a.dtype.newbyteorder('>'))",
    "float32": "lambda a: a.astype('float32') if a.dtype.kind == 'f' else a",
    "pandas": "lambda a: _pandas.Series(a) if a.ndim == 1 else "
    "_pandas.DataFrame(a) if a.ndim == 2 else a",
    "tensor": "lambda a: __import__('tensorflow').convert_to_tensor(a)",
    "variable of TensorFlow": "lambda a: __import__('tensorflow').Variable(a)",
    "tensor of Keras": "lambda a: __import__('keras').ops.convert_to_tensor(a)",
}

_DRESS = {
    "an object that can be called": """
class _Called:
    def __init__(self, function):
        self.function = function

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)


{name} = _Called({name})
""",
    "a method": """
class _Answers_{name}:
    kept = staticmethod({name})

    def answer(self, *args, **kwargs):
        return self.kept(*args, **kwargs)


{name} = _Answers_{name}().answer
""",
    "functools.partial": """
import functools as _functools

{name} = _functools.partial({name})
""",
    "a lambda": """
{name} = (lambda inner: lambda *args, **kwargs: inner(*args, **kwargs))({name})
""",
    "results in a list": """
def _listing_{name}(inner):
    def called(*args, **kwargs):
        result = inner(*args, **kwargs)
        return list(result) if type(result) is tuple else result

    return called


{name} = _listing_{name}({name})
""",
    "numbers of NumPy": """
def _numbering_{name}(inner):
    import numpy as _numpy

    def called(*args, **kwargs):
        result = inner(*args, **kwargs)
        kinds = {{int: _numpy.int64, float: _numpy.float64}}
        return kinds.get(type(result), lambda one: one)(result)

    return called


{name} = _numbering_{name}({name})
""",
    "prints while it works": """
def _printing_{name}(inner):
    def called(*args, **kwargs):
        print("arguments:", [getattr(one, "shape", one) for one in args])
        return inner(*args, **kwargs)

    return called


{name} = _printing_{name}({name})
""",
}


def variants(source: str, *, arrays: bool = True, tensors: bool = True) -> dict[str, str]:
    """Return all variants of an answer with functions, by a name that describes the change.

    Parameters
    ----------
    source : str
        Python source of a right answer.
    arrays : bool
        Whether the functions return arrays.
    tensors : bool
        Whether the question allows TensorFlow.

    Returns
    -------
    dict of str to str
        Without those that equal the answer.
    """
    tree = ast.parse(source)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not functions:
        return {}
    found = {}
    for name, form in _ARRAYS.items():
        if arrays and (tensors or "tensor" not in form):
            wrapped = "".join(f"{one} = _returning({one}, {form})\n" for one in functions)
            found[f"array as {name}"] = source + "\n" + _FORM + wrapped
    for name, pattern in _DRESS.items():
        found[name] = source + "".join(pattern.format(name=one) for one in functions)
    known = ast.unparse(tree)
    for name, change in _REWRITTEN.items():
        changed = ast.unparse(ast.fix_missing_locations(change(copy.deepcopy(tree))))
        if changed != known:
            found[name] = changed + "\n"
    return found


# --- the same steps in another syntax ------------------------------------------------------------

#: Methods of arrays that are also functions of NumPy.
_FUNCTIONS = {"mean", "sum", "max", "min", "argmax", "argmin", "ravel", "reshape", "any", "all"}


class _AsFunctions(ast.NodeTransformer):
    """Write ``values.mean(axis=0)`` as ``np.mean(values, axis=0)``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute) or function.attr not in _FUNCTIONS:
            return node
        if isinstance(function.value, ast.Name) and function.value.id in ("np", "tf", "keras"):
            return node
        node.args.insert(0, function.value)
        if function.attr == "reshape" and len(node.args) > 2:
            node.args[1:] = [ast.Tuple(node.args[1:], ast.Load())]
        function.value = ast.Name("np", ast.Load())
        return node


_TURNED: dict[type[ast.AST], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
}


class _Turned(ast.NodeTransformer):
    """Write ``a < b`` as ``b > a``, ``x += 1`` as ``x = x + 1``, reverse ``p if c else q``."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1 and type(node.ops[0]) in _TURNED:
            return ast.Compare(node.comparators[0], [_TURNED[type(node.ops[0])]()], [node.left])
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if not isinstance(node.target, ast.Name):
            return node
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.Assign([node.target], value)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.orelse, node.body)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef))


def _renamed(tree: ast.Module) -> ast.Module:
    """Rename local variables to meaningless names, including those of builtins."""
    fresh = [
        "l",
        "O",
        "list_",
        "data",
        "tmp",
        "tmp2",
        "x1",
        "x2",
        "foo",
        "bar",
        "résultat",
        "größe",
    ]
    for function in _functions(tree):
        taken = {one.arg for one in ast.walk(function) if isinstance(one, ast.arg)}
        inner = {
            n.name for n in ast.walk(function) if isinstance(n, ast.FunctionDef | ast.ClassDef)
        }
        stored = [
            n.id
            for n in ast.walk(function)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        ]
        local = [n for n in dict.fromkeys(stored) if n not in taken | inner]
        names = dict(zip(local, fresh, strict=False))
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id in names:
                node.id = names[node.id]
    return tree


def _with_docstring(tree: ast.Module) -> ast.Module:
    """Add a docstring, an unused variable and a local import to each function."""
    start = 'import math\nunused = math.pi\nassert unused > 3\nmax = __import__("builtins").max'
    for function in _functions(tree):
        added = [ast.Expr(ast.Constant("What I understood.")), *ast.parse(start).body]
        function.body[:0] = added
    return tree


def _result_named(tree: ast.Module) -> ast.Module:
    """Write ``return value`` as ``result = value`` and ``return result``, in a ``try``."""

    class _Named(ast.NodeTransformer):
        def visit_Return(self, node: ast.Return) -> ast.AST | list[ast.AST]:
            if node.value is None:
                return node
            name = "the_result"
            kept = ast.Assign([ast.Name(name, ast.Store())], node.value)
            return [kept, ast.Return(ast.Name(name, ast.Load()))]

    tree = _Named().visit(tree)
    for function in _functions(tree):
        function.body = [ast.Try(function.body, [], [], [ast.Pass()])]
    return tree


def _inner(tree: ast.Module) -> ast.Module:
    """Move the body of each function into a nested function."""
    for function in _functions(tree):
        work = copy.deepcopy(function)
        work.name = "work"
        work.args.defaults = []
        call = ", ".join(one.arg for one in function.args.args)
        function.body = [work, *ast.parse(f"def f():\n    return work({call})").body[0].body]
    return tree


def _annotated(tree: ast.Module) -> ast.Module:
    """Add type annotations to all parameters and results."""
    for function in _functions(tree):
        for one in function.args.args:
            one.annotation = ast.Constant("np.ndarray")
        function.returns = ast.Constant("np.ndarray")
    return tree


def _lists(tree: ast.Module) -> ast.Module:
    """Write ``range(n)`` as ``list(range(n))``, and returned tuples as lists."""

    class _Listed(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            if isinstance(node.func, ast.Name) and node.func.id in ("range", "zip", "enumerate"):
                return ast.Call(ast.Name("list", ast.Load()), [node], [])
            return node

        def visit_Return(self, node: ast.Return) -> ast.AST:
            self.generic_visit(node)
            if isinstance(node.value, ast.Tuple):
                node.value = ast.List(node.value.elts, ast.Load())
            return node

    return _Listed().visit(tree)


_REWRITTEN: dict[str, Callable[[ast.Module], ast.Module]] = {
    "functions instead of methods": lambda tree: _AsFunctions().visit(tree),
    "comparisons turned round": lambda tree: _Turned().visit(tree),
    "other names": _renamed,
    "docstring and unused variables": _with_docstring,
    "result named, in a try": _result_named,
    "function in the function": _inner,
    "types given": _annotated,
    "lists instead of ranges and tuples": _lists,
}


# --- answers that are values ---------------------------------------------------------------------

_NUMBER = "isinstance({name}, (int, float))"
_LETTERS = (
    "isinstance({name}, list) and all(isinstance(one, str) and len(one) == 1 for one in {name})"
)

#: A value in another type, and the values that can have it.
_VALUES = {
    "numbers of NumPy": ("_np.array({name})[()]", _NUMBER),
    "arrays without dimension": ("_np.asarray({name})", _NUMBER),
    "float32": ("_np.float32({name})", "isinstance({name}, float)"),
    "fractions": (
        "_fractions.Fraction({name}).limit_denominator(10**6)",
        "isinstance({name}, float)",
    ),
    "tuples": ("tuple({name})", "isinstance({name}, list)"),
    "lists": ("list({name})", "isinstance({name}, tuple)"),
    "arrays": ("_np.array({name})", "isinstance({name}, (list, tuple))"),
    "reversed letters": ("{name}[::-1]", _LETTERS),
    "capitals": ("[one.upper() for one in {name}]", _LETTERS),
}


def value_variants(source: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return variants of an answer that defines values with these names."""
    assert not set(names) & set(dir(builtins))
    start = f"{source}\nimport fractions as _fractions\nimport numpy as _np\n"
    return {
        f"values as {kind}": start
        + "".join(f"if {test}:\n    {{name}} = {form}\n".format(name=one) for one in names)
        for kind, (form, test) in _VALUES.items()
    }
