"""Options and fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_utils import settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that tests the exercise checks with every mutant (``make test-all``)."""
    parser.addoption(
        "--all-mutants", action="store_true", help="try every mutant of the exercises' solutions"
    )


@pytest.fixture(autouse=True)
def _own_work_folder(tmp_path_factory, monkeypatch):
    """Give each test its own work folder and Jupyter data folder."""
    monkeypatch.setenv("COURSE_WORK", str(tmp_path_factory.mktemp("work")))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path_factory.mktemp("jupyter")))
    for variable in ("COURSE_EPOCHS", "COURSE_DATASET", "COURSE_SEED", "COURSE_STORED"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def real_data() -> Path:
    """Return the folder with real photographs that COURSE_DATA names."""
    folder = settings.data_root()
    if folder is None:
        pytest.skip("COURSE_DATA names no folder with real photographs")
    return folder
