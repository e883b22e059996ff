"""What the tests of several files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_utils import settings


@pytest.fixture
def nothing_here(tmp_path, monkeypatch) -> Path:
    """Simulate a machine with no dataset except paper_flowers; return the folder of its homes."""
    monkeypatch.setenv("COURSE_DATA", "")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setattr(settings, "downloads_root", lambda: tmp_path / "downloads")
    return tmp_path
