"""The student's copies: no work of a student is lost."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import closing

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from notebooks_for_tests import outputs, write

from course_staff.authoring.build import METADATA
from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.workspace import copies, lessons


@pytest.fixture
def original(tmp_path):
    return write(tmp_path / "notebooks" / "03_building.ipynb", "print(1)")


@pytest.fixture
def work(tmp_path):
    return tmp_path / "a folder with spaces" / "work"


def update(original, work):
    (copy,) = copies.update([original], work)
    return copy


def run_by_the_student(copy):
    """Change a copy as Jupyter does when a lesson is run and saved, but not edited."""
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


# --- outputs -----------------------------------------------------------------------------------


@pytest.fixture
def shown(tmp_path):
    """Write a lesson as it is stored in the repository: with outputs and metadata."""
    path = write(tmp_path / "notebooks" / "03_building.ipynb", "print(1)", "2 + 2")
    return run(path, metadata=METADATA)


def run(path, results=("1\n", "4"), **changes):
    """Store outputs in a notebook as after a run."""
    notebook = nbformat.read(path, as_version=4)
    printed, result = (cell for cell in notebook.cells if cell.cell_type == "code")
    printed.execution_count, result.execution_count = 1, 2
    printed.outputs = [nbformat.v4.new_output("stream", text=results[0])]
    result.outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": results[1]}, execution_count=2)
    ]
    notebook.update(changes)
    nbformat.write(notebook, path)
    return path


def opened_in_jupyterlab(path):
    """Save a notebook as JupyterLab does: kernel and cell metadata, and its own formatting."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.99.0"}
    for cell in notebook["cells"]:
        cell["metadata"]["editable"] = True
        cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = "".join(output["text"])
    path.write_text(json.dumps(notebook, indent=2), encoding="utf-8")


def handed_out_before(original, work):
    """Write a student's folder as older versions of the course did: a whole copy, two hashes."""
    copy = work / "notebooks" / original.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(original.read_bytes())
    cells = json.loads(original.read_text(encoding="utf-8"))["cells"]
    text = json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells])
    entry = {
        "file": hashlib.sha256(original.read_bytes()).hexdigest(),
        "text": hashlib.sha256(text.encode()).hexdigest(),
    }
    record = {original.name: entry}
    (work / ".handed_out.json").write_text(json.dumps(record), encoding="utf-8")
    return copy


def has_outputs(path):
    counts = [cell.get("execution_count") for cell in nbformat.read(path, as_version=4).cells]
    return any(outputs(path).values()) or any(counts)


def test_a_copy_comes_without_outputs_and_with_everything_else(shown, work):
    copy = update(shown, work).path
    assert not has_outputs(copy)
    assert has_outputs(shown), "the lesson itself is not changed"
    mine, theirs = (nbformat.read(path, as_version=4) for path in (copy, shown))
    assert mine.metadata.language_info.pop("version") == sys.version.split()[0]
    for cell in theirs.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    assert mine == theirs


def test_outputs_are_kept_when_asked_for_until_they_are_not_wanted(shown, work):
    update(shown, work)
    (copy,) = copies.update([shown], work, with_outputs=True)
    assert copy.state == "updated"
    assert outputs(copy.path) == outputs(shown)
    assert update(shown, work).state == "unchanged"
    assert has_outputs(copy.path), "the wish is remembered"
    run(shown, ("one\n", "4"), metadata=METADATA)
    assert update(shown, work).state == "updated"
    assert outputs(copy.path) == outputs(shown)
    (copy,) = copies.update([shown], work, with_outputs=False)
    assert copy.state == "updated"
    assert not has_outputs(copy.path)


def test_outputs_that_nobody_stored_are_missed_in_one_sentence(original, work):
    with pytest.raises(MissingData, match="stored without outputs"):
        copies.update([original], work, with_outputs=True)
    assert not work.exists()
    other = write(original.with_name("04_more.ipynb"), "x")
    with pytest.raises(MissingData, match="All notebooks are stored without"):
        copies.update([original, other], work, with_outputs=True)


@pytest.mark.parametrize("with_outputs", [False, True])
def test_opening_a_copy_does_not_mark_it_as_changed(shown, work, with_outputs):
    (copy,) = copies.update([shown], work, with_outputs=with_outputs)
    opened_in_jupyterlab(copy.path)
    assert update(shown, work).state == "unchanged"
    notebook = nbformat.read(copy.path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(""))  # Shift+Enter in the last cell
    nbformat.write(notebook, copy.path)
    assert update(shown, work).state == "unchanged"
    write(shown, "print(2)", "3")
    run(shown, ("2\n", "3"))
    assert update(shown, work).state == "updated"
    assert has_outputs(copy.path) is with_outputs
    assert not (work / "backups").exists()


@pytest.mark.parametrize("opened", [False, True])
def test_an_old_copy_that_nobody_touched_loses_its_outputs(shown, work, opened):
    copy = handed_out_before(shown, work)
    if opened:
        opened_in_jupyterlab(copy)
    assert update(shown, work).state == "updated"
    assert not has_outputs(copy)
    assert not (work / "backups").exists()
    assert update(shown, work).state == "unchanged"


@pytest.mark.parametrize("new_lesson", [False, True])
def test_an_old_copy_that_was_run_is_kept_or_backed_up(shown, work, new_lesson):
    copy = handed_out_before(shown, work)
    run(copy, ("mine\n", "4"))
    was = copy.read_bytes()
    if new_lesson:
        write(shown, "print(2)", "2 + 2")
    result = update(shown, work)
    assert result.state == ("backed up" if new_lesson else "kept")
    assert (result.extra or copy).read_bytes() == was


def test_an_old_copy_that_was_edited_survives(shown, work):
    copy = handed_out_before(shown, work)
    write(copy, "print('mine')", "2 + 2")
    was = copy.read_bytes()
    assert update(shown, work).state == "kept"
    write(shown, "print(2)", "2 + 2")
    assert update(shown, work).state == "beside"
    assert update(shown, work).state == "kept"
    assert copy.read_bytes() == was


def test_an_old_offer_is_not_made_twice(shown, work):
    copy = handed_out_before(shown, work)
    write(copy, "print('mine')", "2 + 2")
    run(write(shown, "print(2)", "2 + 2"), ("2\n", "4"))
    record = json.loads((work / ".handed_out.json").read_text())
    record[shown.name]["offered"] = hashlib.sha256(shown.read_bytes()).hexdigest()
    (work / ".handed_out.json").write_text(json.dumps(record))
    assert update(shown, work).state == "kept"


def test_a_pasted_picture_is_an_edit(shown, work):
    copy = update(shown, work).path
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[0]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    nbformat.write(notebook, copy)
    write(shown, "print(2)")
    assert update(shown, work).state == "beside"


def test_new_metadata_reach_untouched_copies_only(shown, work):
    copy = update(shown, work).path
    notebook = nbformat.read(shown, as_version=4)
    notebook.cells[1].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, shown)
    assert update(shown, work).state == "updated"
    assert nbformat.read(copy, as_version=4).cells[1].metadata["tags"] == ["raises-exception"]
    write(copy, "print('mine')")
    del notebook.cells[1].metadata["tags"]
    nbformat.write(notebook, shown)
    assert update(shown, work).state == "kept"


def test_an_original_that_is_damaged_is_one_sentence(original, work):
    original.write_text("<<<<<<< HEAD", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"03_building.ipynb is no longer a notebook"):
        update(original, work)


def test_what_is_handed_out_is_trusted_and_what_a_student_made_is_not(shown, work):
    def trusted(path):
        notary = NotebookNotary(data_dir=os.environ["JUPYTER_DATA_DIR"])
        with closing(notary.store):
            return notary.check_signature(nbformat.read(path, as_version=4))

    (copy,) = copies.update([shown], work, with_outputs=True)
    assert trusted(copy.path)
    assert not trusted(shown)
    run(copy.path, ("<script>\n", "4"))
    update(shown, work)
    assert not trusted(copy.path)
    write(shown, "print(3)", "4")
    assert update(shown, work).state == "backed up"
    assert trusted(copy.path)
    write(copy.path, "mine")
    write(shown, "print(4)", "4")
    result = update(shown, work)
    assert trusted(result.extra)
    assert not trusted(copy.path)


def test_a_folder_of_jupyter_that_cannot_be_written_to_is_one_sentence(
    shown, work, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(MissingData, match="set JUPYTER_DATA_DIR to a folder of your own"):
        update(shown, work)
    monkeypatch.undo()
    assert update(shown, work).state == "unchanged", "the copy was made and is known"


# --- updates -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("text", ["{", "[]", '{"03_building.ipynb": 1}'])
def test_damaged_record_is_one_sentence(original, work, text):
    update(original, work)
    (work / ".handed_out.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"damaged; delete it"):
        update(original, work)


def test_reset_puts_the_original_back_and_keeps_a_dated_backup(original, work, monkeypatch):
    monkeypatch.setattr(lessons, "all_lessons", lambda root=None: [original])
    copy = update(original, work).path
    write(copy, "print('mine')")
    mine = copy.read_bytes()
    for _ in range(2):  # twice within a second: two backups
        copy.write_bytes(mine)
        path, backup = copies.reset("3", work)
        assert path == copy
        assert copy.read_bytes() == original.read_bytes()
        assert backup.read_bytes() == mine
    assert len(list((work / "backups").glob("03_building.2*.ipynb"))) == 2
    assert copies.reset("3", work) == (copy, None)
    write(original, "print(2)")
    assert update(original, work).state == "updated"


def test_reset_gives_outputs_only_when_asked_for(shown, work, monkeypatch):
    monkeypatch.setattr(lessons, "all_lessons", lambda root=None: [shown])
    copy = update(shown, work).path
    opened_in_jupyterlab(copy)
    assert copies.reset("3", work, with_outputs=True) == (copy, None)
    assert outputs(copy) == outputs(shown)
    assert update(shown, work).state == "unchanged"
    assert has_outputs(copy), "an update does not take them away again"
    assert copies.reset("3", work) == (copy, None)
    assert not has_outputs(copy)
    run(copy, ("mine\n", "4"))
    _, backup = copies.reset("3", work)
    assert outputs(backup)["T-0"][0].text == "mine\n"


def test_reset_of_an_unknown_lesson_names_the_known_ones(original, monkeypatch):
    monkeypatch.setattr(lessons, "all_lessons", lambda root=None: [original])
    with pytest.raises(InvalidInput, match=r"'99' means no lesson; the lessons are 03_building"):
        copies.reset("99")


def test_copies_go_to_the_work_folder_of_the_settings(original):
    (copy,) = copies.update([original])
    assert copy.path.is_relative_to(settings.work_root())
