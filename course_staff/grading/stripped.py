"""Copies of the package in which the functions that a question forbids do not exist.

Whatever watches calls inside a student's process can be evaded there. So in the copy of the
package that the process sees, the body of a forbidden function is replaced by one that raises, in
source and bytecode, and so are the private functions that nothing else uses.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import py_compile
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import course_utils

_PACKAGE = Path(course_utils.__file__).resolve().parent
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def strip(package: Path, helpers: Iterable[str]) -> None:
    """Remove functions from a copy of the package.

    Parameters
    ----------
    package : Path
        The copied folder ``course_utils``; its files are rewritten.
    helpers : iterable of str
        Functions such as ``"course_utils.convolution.feature_map"``.
    """
    wanted = {_place(helper): helper for helper in helpers}
    trees = {
        path.relative_to(package).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(package.rglob("*.py"))
    }
    before = _uses(trees.values())
    for (file, qualname), helper in wanted.items():
        _empty(dict(_functions(trees[file]))[qualname], helper)
    changed = {file for file, _ in wanted}
    while found := _no_longer_used(trees, before):
        for file, function in found:
            _empty(function, f"course_utils.{function.name}")
            changed.add(file)
    for file in changed:
        _write(package / file, ast.unparse(ast.fix_missing_locations(trees[file])))


def _place(helper: str) -> tuple[str, str]:
    """The file of a function, relative to the package, and its name with that of its class."""
    function = inspect.unwrap(pkgutil.resolve_name(helper))
    file = Path(function.__code__.co_filename).resolve().relative_to(_PACKAGE)
    return file.as_posix(), function.__qualname__


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, _Function]]:
    """All functions of a module and of its classes, by their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _functions(node, prefix)


def _empty(function: _Function, helper: str) -> None:
    """Keep the name and the docstring; whatever arguments it is called with, it raises."""
    body = "from course_staff.grading.sandbox_runtime import removed\n"
    body += f"return removed.stop({helper!r})"
    function.args = ast.arguments([], [], ast.arg("args"), [], [], ast.arg("kwargs"), [])
    documented = [ast.Expr(ast.Constant(text))] if (text := ast.get_docstring(function)) else []
    kinds = ("staticmethod", "classmethod", "property")
    function.decorator_list = [
        one for one in function.decorator_list if isinstance(one, ast.Name) and one.id in kinds
    ]
    function.body = [*documented, *ast.parse(body).body]


def _uses(trees: Iterable[ast.Module]) -> Counter[str]:
    """How often each name is used: read, taken from an object, or imported."""
    found: Counter[str] = Counter()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                found[node.id] += 1
            elif isinstance(node, ast.Attribute):
                found[node.attr] += 1
            elif isinstance(node, ast.alias):
                found[node.name] += 1
    return found


def _no_longer_used(
    trees: dict[str, ast.Module], before: Counter[str]
) -> list[tuple[str, _Function]]:
    """Private functions that only removed functions used."""
    now = _uses(trees.values())
    return [
        (file, function)
        for file, tree in trees.items()
        for name, function in _functions(tree)
        if function.name.startswith("_")
        and not function.name.startswith("__")
        and before[function.name] > now[function.name] == 0
        and not _is_empty(function)
    ]


def _is_empty(function: _Function) -> bool:
    return "removed.stop(" in ast.unparse(function.body[-1])


def _write(path: Path, source: str) -> None:
    for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        stale.unlink()
    path.write_text(source + "\n", encoding="utf-8")
    py_compile.compile(str(path), doraise=True)


def copy(course: Path, target: Path, helpers: Iterable[str]) -> None:
    """Copy a folder with the package, without `helpers`.

    Parameters
    ----------
    course : Path
        The folder with ``course_utils``, ``data`` and ``notebooks``.
    target : Path
        The new folder; it is there only when it is complete, whoever else makes it.
    helpers : iterable of str
        Functions such as ``"course_utils.convolution.feature_map"``.
    """
    fresh = Path(tempfile.mkdtemp(prefix="part-", dir=target.parent))
    shutil.copytree(course / "course_utils", fresh / "course_utils")
    strip(fresh / "course_utils", helpers)
    (fresh / "notebooks").mkdir()
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (fresh / "data").symlink_to(course / "data")
    try:
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh)
        if not target.is_dir():
            raise
