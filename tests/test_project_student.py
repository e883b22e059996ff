"""The student's copies: nothing that a student wrote is ever lost."""

from __future__ import annotations

import json

import pytest
from notebooks_for_tests import write

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.project import lessons, student


@pytest.fixture
def original(tmp_path):
    return write(tmp_path / "notebooks" / "03_building.ipynb", "print(1)")


@pytest.fixture
def work(tmp_path):
    return tmp_path / "a folder with spaces" / "work"


def update(original, work):
    (copy,) = student.update([original], work)
    return copy


def run_by_the_student(copy):
    """What Jupyter leaves behind when a lesson is run and saved, but not edited."""
    stored = json.loads(copy.read_text(encoding="utf-8"))
    stored["cells"][1]["execution_count"] = 7
    stored["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    copy.write_text(json.dumps(stored), encoding="utf-8")


def test_first_and_second_call(original, work):
    copy = update(original, work)
    assert copy.state == "new"
    assert copy.path == work / "notebooks" / "03_building.ipynb"
    assert copy.path.read_bytes() == original.read_bytes()
    assert update(original, work).state == "unchanged"


def test_untouched_copy_follows_the_original(original, work):
    copy = update(original, work).path
    write(original, "print(2)")
    assert update(original, work).state == "updated"
    assert copy.read_bytes() == original.read_bytes()
    assert sorted(path.name for path in copy.parent.iterdir()) == ["03_building.ipynb"]


def test_edited_copy_stays_and_the_new_lesson_comes_beside_it_once(original, work):
    copy = update(original, work).path
    write(copy, "print('mine')")
    mine = copy.read_bytes()
    assert update(original, work).state == "kept"
    write(original, "print(2)")
    result = update(original, work)
    assert result.state == "beside"
    assert copy.read_bytes() == mine
    assert result.extra.read_bytes() == original.read_bytes()
    write(result.extra, "print('mine too')")
    assert update(original, work).state == "kept"
    write(original, "print(3)")
    second = update(original, work)
    assert second.state == "beside"
    assert second.extra != result.extra
    assert b"mine too" in result.extra.read_bytes()
    assert copy.read_bytes() == mine


def test_copy_that_was_only_run_is_updated_and_kept_as_backup(original, work):
    copy = update(original, work).path
    run_by_the_student(copy)
    was = copy.read_bytes()
    assert update(original, work).state == "kept"
    write(original, "print(2)")
    result = update(original, work)
    assert result.state == "backed up"
    assert copy.read_bytes() == original.read_bytes()
    assert result.extra.read_bytes() == was


def test_new_outputs_of_the_original_leave_a_run_copy_alone(original, work):
    copy = update(original, work).path
    run_by_the_student(copy)
    was = copy.read_bytes()
    original.write_text(original.read_text() + "\n")
    assert update(original, work).state == "kept"
    assert copy.read_bytes() == was


def test_copy_that_is_no_notebook_any_more_is_not_overwritten(original, work):
    copy = update(original, work).path
    copy.write_text("oops")
    write(original, "print(2)")
    assert update(original, work).state == "beside"
    assert copy.read_text() == "oops"


def test_lost_record_never_costs_an_edit(original, work):
    copy = update(original, work).path
    write(copy, "print('mine')")
    (work / ".handed_out.json").unlink()
    assert update(original, work).state == "beside"
    assert b"mine" in copy.read_bytes()


def test_damaged_record_is_one_sentence(original, work):
    update(original, work)
    (work / ".handed_out.json").write_text("{")
    with pytest.raises(InvalidInput, match=r"damaged; delete it"):
        update(original, work)


def test_reset_puts_the_original_back_and_keeps_a_dated_backup(original, work, monkeypatch):
    monkeypatch.setattr(lessons, "all_lessons", lambda root=None: [original])
    copy = update(original, work).path
    write(copy, "print('mine')")
    mine = copy.read_bytes()
    for _ in range(2):  # twice within a second: two backups
        copy.write_bytes(mine)
        path, backup = student.reset("3", work)
        assert path == copy
        assert copy.read_bytes() == original.read_bytes()
        assert backup.read_bytes() == mine
    assert len(list((work / "backups").glob("03_building.2*.ipynb"))) == 2
    assert student.reset("3", work) == (copy, None)
    write(original, "print(2)")
    assert update(original, work).state == "updated"


def test_reset_of_an_unknown_lesson_names_the_known_ones(original, monkeypatch):
    monkeypatch.setattr(lessons, "all_lessons", lambda root=None: [original])
    with pytest.raises(InvalidInput, match=r"'99' means no lesson; the lessons are 03_building"):
        student.reset("99")


def test_copies_go_to_the_work_folder_of_the_settings(original):
    (copy,) = student.update([original])
    assert copy.path.is_relative_to(settings.work_root())
