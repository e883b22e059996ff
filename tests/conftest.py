"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_utils import settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the checks of the exercises be tested with every mutant (``make test-all``)."""
    parser.addoption(
        "--all-mutants", action="store_true", help="try every mutant of the exercises' solutions"
    )


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
