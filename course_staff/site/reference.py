"""The pages of the reference: one for each room of the package, made of its docstrings."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import course_utils

_KINDS = {"function": "autofunction", "class": "autoclass", "exception": "autoexception"}


def rooms() -> list[str]:
    """Return the names of the rooms, in the order of the table in the package's docstring."""
    return re.findall(r"^``(\w+)``", course_utils.__doc__ or "", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the pages of the reference in reStructuredText, by their paths."""
    made = {}
    for room in rooms():
        module = import_module(f"course_utils.{room}")
        parts = [_heading(room, "="), _module(module)]
        for inner in _public_modules(module):
            if names := public_names(inner, besides=module):
                title = inner.__name__.removeprefix("course_utils.")
                parts += [_heading(title, "-"), _module(inner, names)]
        made[f"api/{room}.rst"] = "\n".join(parts)
    return made


def contents() -> str:
    """Return the list of these pages, in Markdown."""
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *rooms(), "```", ""])


def public_names(module: ModuleType, besides: ModuleType | None = None) -> list[str]:
    """Return the public names that a module defines, or lists in ``__all__``.

    Parameters
    ----------
    module : module
    besides : module, optional
        What this module offers under a public name is left out.
    """
    listed = getattr(module, "__all__", None)
    names = listed or [name for name in vars(module) if _is_its_own(module, name)]
    known = [] if besides is None else [getattr(besides, n) for n in public_names(besides)]
    return [
        name
        for name in names
        if not any(getattr(module, name) is other for other in known)
        and not isinstance(getattr(module, name), ModuleType)
    ]


def _is_its_own(module: ModuleType, name: str) -> bool:
    """Return whether a module defines this name as a public function or class."""
    thing = getattr(module, name)
    made_here = getattr(thing, "__module__", None) == module.__name__
    return not name.startswith("_") and made_here and _kind(thing) in _KINDS


def _kind(thing: Any) -> str:
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function" if inspect.isroutine(thing) else "data"


def _public_modules(module: ModuleType) -> list[ModuleType]:
    inner = iter_modules(getattr(module, "__path__", []))
    names = sorted(found.name for found in inner if not found.name.startswith("_"))
    return [import_module(f"{module.__name__}.{name}") for name in names]


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"


def _module(module: ModuleType, names: list[str] | None = None) -> str:
    """Return the docstring of a module, a table of its names, and each of them."""
    names = public_names(module) if names is None else names
    path = module.__name__
    lines = [f".. automodule:: {path}", "", f".. currentmodule:: {path}", ""]
    with_text = [name for name in names if _kind(getattr(module, name)) in _KINDS]
    if with_text:
        lines += [".. autosummary::", "", *(f"   {name}" for name in with_text), ""]
    for name in names:
        lines += _entry(module, name)
    return "\n".join(lines)


def _entry(module: ModuleType, name: str) -> list[str]:
    thing = getattr(module, name)
    kind = _kind(thing)
    if kind == "data":
        value = repr(thing)
        short = len(value) <= 72 and "\n" not in value
        shown = [f"   :value: {value}"] if short else [f"   :type: {type(thing).__name__}"]
        return [f".. py:data:: {name}", *shown, ""]
    options = ["   :members:"] if kind == "class" else []
    if fields := getattr(thing, "_fields", ()):  # of named tuples, described above
        options.append(f"   :exclude-members: {', '.join(fields)}")
    return [f".. {_KINDS[kind]}:: {name}", *options, ""]
