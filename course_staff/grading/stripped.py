"""Copies of the package in which the functions that a question forbids do not exist.

Monitoring of calls inside a student's process can be evaded there. So in the copy of the package
that the process sees, forbidden functions, and private functions that only they use, have a body
that raises an error, in source and bytecode.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import py_compile
import shutil
import tempfile
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
    sources = _Sources(package)
    left: set[str] = set()
    for helper in helpers:
        file, qualname = _place(helper)
        function = dict(_functions(sources.tree(file)))[qualname]
        left |= sources.empty(file, function, helper)
    while left:
        name = left.pop()
        if not sources.uses(name):
            for file, function in sources.defined(name):
                left |= sources.empty(file, function, f"course_utils.{name}")
    sources.write()


class _Sources:
    """The modules of a copied package; each is parsed when it is first needed.

    Parameters
    ----------
    package : Path
        The folder.
    """

    def __init__(self, package: Path) -> None:
        self._package = package
        self._texts = {
            path.relative_to(package).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(package.rglob("*.py"))
        }
        self._trees: dict[str, ast.Module] = {}
        self._names: dict[str, set[str]] = {}
        self._changed: set[str] = set()

    def tree(self, file: str) -> ast.Module:
        """Return the syntax tree of a module, as it is now."""
        if file not in self._trees:
            self._trees[file] = ast.parse(self._texts[file])
        return self._trees[file]

    def uses(self, name: str) -> bool:
        """Return whether a name is read, taken from an object, or imported anywhere."""
        return any(name in self._used_in(file) for file in self._with(name))

    def _used_in(self, file: str) -> set[str]:
        if file not in self._names:
            self._names[file] = _names(self.tree(file))
        return self._names[file]

    def defined(self, name: str) -> list[tuple[str, _Function]]:
        """Return the functions of this name that have a body, each with its module."""
        return [
            (file, function)
            for file in self._with(name)
            for _, function in _functions(self.tree(file))
            if function.name == name and not _is_empty(function)
        ]

    def empty(self, file: str, function: _Function, helper: str) -> set[str]:
        """Remove the body of a function; return the private names that it used."""
        used = _names(function)
        _empty(function, helper)
        self._changed.add(file)
        self._names.pop(file, None)
        return {name for name in used if name.startswith("_") and not name.startswith("__")}

    def write(self) -> None:
        """Write the modules that were changed."""
        for file in self._changed:
            tree = ast.fix_missing_locations(self._trees[file])
            _write(self._package / file, ast.unparse(tree))

    def _with(self, name: str) -> list[str]:
        return [file for file, text in self._texts.items() if name in text]


def _place(helper: str) -> tuple[str, str]:
    """Return the file of a function, relative to the package, and its qualified name."""
    function = inspect.unwrap(pkgutil.resolve_name(helper))
    file = Path(function.__code__.co_filename).resolve().relative_to(_PACKAGE)
    return file.as_posix(), function.__qualname__


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, _Function]]:
    """Return all functions of a module and of its classes, by their qualified names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Function):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _functions(node, prefix)


def _empty(function: _Function, helper: str) -> None:
    """Keep the name and the docstring, and raise an error for any arguments."""
    body = "from course_staff.grading.sandbox_runtime import removed\n"
    body += f"return removed.stop({helper!r})"
    function.args = ast.arguments([], [], ast.arg("args"), [], [], ast.arg("kwargs"), [])
    documented = [ast.Expr(ast.Constant(text))] if (text := ast.get_docstring(function)) else []
    kinds = ("staticmethod", "classmethod", "property")
    function.decorator_list = [
        decorator
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Name) and decorator.id in kinds
    ]
    function.body = [*documented, *ast.parse(body).body]


def _names(tree: ast.AST) -> set[str]:
    """Return the names that are used in it: read, taken from an object, or imported."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name)
    return found


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
    unfinished = shutil.ignore_patterns("*.pyc.*")  # bytecode that is being written
    shutil.copytree(course / "course_utils", fresh / "course_utils", ignore=unfinished)
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
