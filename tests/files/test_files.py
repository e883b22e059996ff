"""Files are replaced in one step, or stay as they were."""

from __future__ import annotations

import os

import pytest

from course_utils.files import atomic_path, remove_atomic, write_atomic


def test_content_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "new" / "notes.txt"
    write_atomic(path, "first\n")
    write_atomic(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    write_atomic(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert os.listdir(path.parent) == ["notes.txt"]


def test_an_error_leaves_the_old_content(tmp_path):
    path = tmp_path / "table.csv"
    write_atomic(path, "old")
    with pytest.raises(LookupError), atomic_path(path) as part:
        part.write_text({}["half"])
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.csv"]


def test_the_ending_is_kept_for_programs_that_look_at_it(tmp_path):
    with atomic_path(tmp_path / "model.keras") as part:
        assert part.suffix == ".keras"
        assert not part.exists()
        part.write_bytes(b"x")
    assert (tmp_path / "model.keras").read_bytes() == b"x"


def test_a_folder_in_its_place_is_an_error(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="x"):
        write_atomic(tmp_path / "x", "text")
    assert os.listdir(tmp_path) == ["x"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    (tmp_path / "usual").write_text("x")
    write_atomic(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_folder_is_removed_whole(tmp_path):
    (tmp_path / "set" / "inner").mkdir(parents=True)
    (tmp_path / "set" / "inner" / "a.txt").write_text("a")
    remove_atomic(tmp_path / "set")
    (tmp_path / "one.txt").write_text("b")
    remove_atomic(tmp_path / "one.txt")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        remove_atomic(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []
