"""The examples in the docstrings of both packages have the stated results."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from course_utils import settings

ROOT = settings.course_root()


def python_files() -> list[Path]:
    """Return the Python files of the two packages."""
    return [
        path for name in ("course_utils", "course_staff") for path in (ROOT / name).rglob("*.py")
    ]


def modules_with_examples() -> list[str]:
    """Return the dotted names of the modules with a ``>>>`` in them."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in python_files()
        if ">>> " in path.read_text(encoding="utf-8")
    ]
    return sorted(names)


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_give_what_they_say(name):
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert tried
    assert not failed, "the report above says which"


def test_no_example_is_left_out():
    left_out = [
        path.relative_to(ROOT).as_posix()
        for path in python_files()
        if "doctest: +SKIP" in path.read_text(encoding="utf-8")
    ]
    assert not left_out
