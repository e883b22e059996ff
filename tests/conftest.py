"""Fixtures and options of all tests.

``make test`` leaves out the tests that are marked as slow; ``make test-all`` (``--all``) runs them.
Named tests (``pytest FILE::NAME``) and an expression (``-m slow``) always run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from course_utils import settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of ``make test-all``: slow tests, and every mutant of the solutions."""
    parser.addoption(
        "--all",
        "--all-mutants",
        action="store_true",
        dest="all_tests",
        help="run slow tests too, and try every mutant of the exercises' solutions",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests, unless all or some of them are requested."""
    named = any("::" in argument for argument in config.args)
    if config.getoption("--all") or config.getoption("-m") or named:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.fixture(autouse=True)
def _own_work_folder(tmp_path_factory, monkeypatch):
    """Keep what the tests store away from the student's work folder and Jupyter's signatures."""
    monkeypatch.setenv("COURSE_WORK", str(tmp_path_factory.mktemp("work")))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path_factory.mktemp("jupyter")))
    for variable in ("COURSE_EPOCHS", "COURSE_DATASET", "COURSE_SEED", "COURSE_STORED"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def real_data() -> Path:
    """The folder with real photographs that COURSE_DATA names."""
    folder = settings.data_root()
    if folder is None:
        pytest.skip("COURSE_DATA names no folder with real photographs")
    return folder
