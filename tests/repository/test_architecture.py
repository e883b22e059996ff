"""Rooms import only from rooms above them in the tables of the two packages, without cycles."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import pytest

import course_staff
import course_utils
from course_utils import settings

ROOT = settings.course_root()
PACKAGES = {"course_utils": course_utils, "course_staff": course_staff}


def files_by_module() -> dict[str, Path]:
    """Return the files of the two packages by the dotted name of the module."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


FILES = files_by_module()


def room_of(module: str) -> str:
    """Return the room of a module: ``course_utils.datasets`` for its module ``folder``."""
    return ".".join(module.split(".")[:2])


def imports_of(path: Path) -> list[str]:
    """Return the dotted names that a file imports at run time from the two packages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    names = []
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write the full name"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.split(".")[0] in PACKAGES]


def module_of(name: str) -> str:
    """Return the module of an imported name, which may be a module itself."""
    while name not in FILES:
        name = name.rpartition(".")[0]
    return name


def rooms_in_order() -> list[str]:
    """Return the rooms in the order of the tables in the packages' docstrings."""
    return [
        f"{name}.{room}"
        for name, package in PACKAGES.items()
        for room in re.findall(r"^``(\w+)``", package.__doc__ or "", re.MULTILINE)
    ]


def test_the_tables_list_every_room():
    rooms = {room_of(module) for module in FILES if "." in module}
    assert set(rooms_in_order()) == rooms
    assert len(rooms_in_order()) == len(rooms)


def test_rooms_import_only_from_rooms_above_them():
    place = {room: k for k, room in enumerate(rooms_in_order())}
    upward = [
        (module, name)
        for module, path in FILES.items()
        if module in place or "." in module
        for name in imports_of(path)
        if (other := room_of(module_of(name))) in place and place[other] > place[room_of(module)]
    ]
    assert not upward


def test_files_import_in_no_circle():
    needs = {
        module: {module_of(name) for name in imports_of(path)} - {module}
        for module, path in FILES.items()
    }
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"files import each other: {' -> '.join(error.args[1])}")


def private_imports(path: Path, room: str) -> list[str]:
    """Return the imported private names that belong to another room than `room`."""
    return [
        name
        for name in imports_of(path)
        if room_of(module_of(name)) != room
        and any(re.match(r"_(?!_)", part) for part in name.split("."))
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_private_name_is_taken_across_rooms(package):
    found = {
        module: names
        for module, path in FILES.items()
        if module.startswith(package) and (names := private_imports(path, room_of(module)))
    }
    assert not found


def test_tests_take_private_names_only_of_their_own_room():
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        folder = path.relative_to(ROOT / "tests").parts[0]
        own = next((room for room in rooms_in_order() if room.endswith(f".{folder}")), "")
        if names := private_imports(path, own):
            found[path.relative_to(ROOT).as_posix()] = names
    assert not found


def test_only_settings_read_the_environment():
    found = []
    for module, path in FILES.items():
        # The processes of the sandbox set the environment of a submission.
        if module.startswith(("course_utils.settings", "course_staff.grading.sandbox_runtime.")):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
                found.append((module, node.lineno))
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                names = {alias.name for alias in node.names}
                found += [(module, node.lineno)] * bool(names & {"environ", "environb", "getenv"})
    assert not found


def test_every_room_is_an_attribute_of_the_package():
    rooms = [room.split(".")[1] for room in rooms_in_order() if room.startswith("course_utils")]
    assert set(rooms) == set(dir(course_utils)) - {"__version__"}
    for room in rooms:
        assert getattr(course_utils, room).__name__ == f"course_utils.{room}"
    with pytest.raises(AttributeError, match="no submodule 'unknown'; it has augmentation, checks"):
        course_utils.unknown  # noqa: B018
