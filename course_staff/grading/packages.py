"""Find the packages that an answer uses, by its text: information for a person, not for marks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

#: Packages with ready answers to what the exercises ask, by the name that is imported.
_READY = frozenset(
    {"scipy", "sklearn", "skimage", "cv2", "torch", "torchvision", "jax", "tf_explain", "cleanlab"}
)
#: Packages of the course that a question may leave out.
_OWN = frozenset({"tensorflow", "keras", "tf_keras", "pandas", "PIL"})
#: Ways to reach modules, code or programs past an import.
_PAST = frozenset(
    {"__import__", "importlib", "runpy", "exec", "eval", "compile", "subprocess", "ctypes"}
)
#: Characters of a cell that is looked at; nobody writes longer ones by hand.
_LONGEST = 200_000


def used(answers: Iterable[str], cells: Iterable[str], only: Iterable[str]) -> list[str]:
    """Return the packages that an answer uses and its question does not expect.

    Parameters
    ----------
    answers : iterable of str
        The code of the answer.
    cells : iterable of str
        The code of all cells; what the answer uses of them is looked at, too.
    only : iterable of str
        The packages that the question allows; none if it allows those of the course.

    Returns
    -------
    list of str
        Names of packages, and of functions such as ``exec``, sorted.
    """
    allowed = set(only)
    looked_for = _READY | (_OWN | _PAST if allowed else frozenset()) - allowed
    bound: dict[str, str] = {}
    defined: dict[str, list[_Statement]] = {}
    for statement in _all_of(cells):
        bound.update(statement.imports)
        for name in statement.defines:
            defined.setdefault(name, []).append(statement)
    waiting, seen, found = _all_of(answers), set[str](), set[str]()
    while waiting:
        statement = waiting.pop()
        found |= {module for _, module in statement.imports}
        for name in statement.reads:
            found.add(bound.get(name, name))
            if name not in seen:
                seen.add(name)
                waiting += defined.get(name, [])
    return sorted(found & looked_for)


@dataclass(frozen=True)
class _Statement:
    """The names that a statement imports (each with its package), defines, and reads."""

    imports: tuple[tuple[str, str], ...]
    defines: tuple[str, ...]
    reads: frozenset[str]


def _all_of(cells: Iterable[str]) -> list[_Statement]:
    return [statement for cell in cells for statement in _statements(cell)]


@lru_cache(maxsize=128)
def _statements(cell: str) -> tuple[_Statement, ...]:
    """Return the statements of a cell; none if it is no Python, or too long."""
    if len(cell) > _LONGEST:
        return ()
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in cell.splitlines()]
    try:
        body = ast.parse("\n".join(lines)).body
        return tuple(
            _Statement(tuple(_imports(node)), tuple(_names_of(node)), frozenset(_read(node)))
            for node in body
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _imports(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Return the names that are bound by imports, and the package of each."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.partition(".")[0]
                yield alias.asname or package, package
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, node.module.partition(".")[0]


def _read(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads and does not set itself."""
    nodes = list(ast.walk(statement))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
    written = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return read - written - {node.arg for node in nodes if isinstance(node, ast.arg)}


def _names_of(statement: ast.stmt) -> Iterator[str]:
    """Return the names that a statement defines, imports apart."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            yield from (inner.id for inner in ast.walk(target) if isinstance(inner, ast.Name))
