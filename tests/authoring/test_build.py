"""Running, cleaning and storing lessons, with small notebooks and real kernels."""

from __future__ import annotations

import base64
import io
import json

import nbformat
import pytest
from notebooks_for_tests import outputs, write
from PIL import Image, PngImagePlugin

from course_staff.authoring import build, derived
from course_utils import settings
from course_utils.exceptions import InvalidInput

DRAW = """
import sys, time
import matplotlib.pyplot as plt
from course_utils import plots, settings
figure, axes = plt.subplots(figsize=(2, 1))
axes.plot([1, 3, 2])
plots.describe(axes, 'A line that "rises" & falls')
plt.show()
"""


@pytest.fixture
def lesson(tmp_path):
    return tmp_path / "a folder" / "03_small.ipynb"


def test_a_built_lesson_holds_its_outputs_and_nothing_of_the_machine(lesson, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "tf_flowers")
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    write(
        lesson,
        DRAW,
        "import os, sys, warnings\nprint('noise', file=sys.stderr)\nwarnings.warn('more noise')\n"
        "print(settings.dataset_name(), settings.data_root(), settings.epochs(9))\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], list(settings.work_root().glob('*')))",
        "for i in range(3):\n    print(f'\\r{i + 1}/3', end='')\nprint()\n"
        "print(f'{time.perf_counter() % 1:.6f} s')",
        "2 + 2",
        T_3=["nbval-check-output"],
    )
    assert build.build_lesson(lesson)
    stored = nbformat.read(lesson, as_version=4)
    assert json.loads(lesson.read_text())["metadata"] == {
        **build.METADATA,
        "course": {"seconds": 0},
    }
    assert [cell.id for cell in stored.cells] == ["T-title", "T-0", "T-1", "T-2", "T-3"]
    assert [cell.execution_count for cell in stored.cells[1:]] == [1, 2, 3, 4]
    assert stored.cells[4].metadata == {"tags": ["nbval-check-output"]}
    cells = outputs(lesson)
    (figure,) = cells["T-0"]
    assert figure.metadata["image/png"]["alt"] == 'A line that "rises" & falls'
    (text,) = cells["T-1"]
    assert text.text == "paper_flowers None 9\n-1 []\n"
    assert cells["T-2"][0].text.startswith("3/3\n")
    assert cells["T-3"][0].data == {"text/plain": "4"}

    before = lesson.read_bytes()
    assert not build.build_lesson(lesson), "a second build changes nothing, seconds included"
    assert lesson.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1 / 0", "03_small.ipynb was not stored: cell T-0: ZeroDivisionError: division by zero"),
        (
            "from course_utils import settings\nprint(settings.course_root())",
            "cell T-0 shows .*, a path of this machine",
        ),
        ("print('x' * 1_600_000)", "would hold 1.6 MB, and at most 1.5 MB are stored; .*T-0"),
    ],
)
def test_what_may_not_be_stored_leaves_the_file_as_it_was(lesson, source, words):
    before = write(lesson, source).read_bytes()
    with pytest.raises(InvalidInput, match=words):
        build.build_lesson(lesson)
    assert lesson.read_bytes() == before
    assert [path.name for path in lesson.parent.iterdir()] == [lesson.name]


def png(color: str, comment: str) -> str:
    """Return a PNG in base64; `comment` changes its bytes but not its pixels."""
    stream, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add_text("Comment", comment)
    Image.new("RGB", (4, 4), color).save(stream, "png", pnginfo=info)
    return base64.b64encode(stream.getvalue()).decode()


def notebook_with(**data):
    output = nbformat.v4.new_output("display_data", data)
    cell = nbformat.v4.new_code_cell("draw()", id="T-0", outputs=[output])
    return nbformat.v4.new_notebook(cells=[cell])


def kept(stored, new) -> bool:
    """Return whether the stored output is kept when a run gives `new`."""
    was = json.dumps(stored.cells[0].outputs)
    build.keep_unchanged_outputs(new, stored)
    return json.dumps(new.cells[0].outputs) == was


def test_an_output_stays_unless_it_shows_something_else():
    def picture(*arguments):
        return notebook_with(**{"image/png": png(*arguments)})

    def text(words):
        return notebook_with(**{"text/plain": words})

    assert kept(picture("red", "a"), picture("red", "b"))
    assert not kept(picture("red", "a"), picture("blue", "a"))
    assert kept(text("loss 0.5 in 12 ms/step"), text("loss 0.5 in 7ms/step"))
    assert kept(text("<Model at 0x7f0011223344>"), text("<Model at 0x7f9911223344>"))
    assert not kept(text("loss 0.5 in 12 ms/step"), text("loss 0.6 in 12 ms/step"))
    assert not kept(text("accuracy 83 %"), text("accuracy 84 %"))
    assert not kept(text("128 images"), text("96 images"))


def test_outputs_of_a_changed_cell_are_always_the_new_ones():
    stored, new = notebook_with(**{"text/plain": "5 s"}), notebook_with(**{"text/plain": "6 s"})
    new.cells[0].source = "draw(2)"
    assert not kept(stored, new)


def test_live_widgets_are_not_stored():
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Slider"}
    notebook = notebook_with(**view)
    build.tidy(notebook)
    assert notebook.cells[0].outputs == []


def test_builds_see_no_cache_unless_asked_to():
    with build.build_environment() as apart, build.build_environment(keep_cache=True) as mine:
        assert apart["COURSE_WORK"] != str(settings.work_root())
        assert mine["COURSE_WORK"] == str(settings.work_root())


def a_course(root, head: str):
    """Write a small course: pinned versions, a README with the table markers, and one lesson."""
    (root / "requirements.txt").write_text("# pins\nb==2 ; os_name == 'nt'\n    # via c\nc==3\n")
    (root / "README.md").write_text("A\n<!-- lessons: here -->\nold\n<!-- end of lessons -->\nB\n")
    cells = [nbformat.v4.new_markdown_cell(head)]
    cells.append(nbformat.v4.new_markdown_cell("word " * 1500))
    cells.append(nbformat.v4.new_markdown_cell("## Going further\n" + "word " * 9000))
    (root / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "notebooks" / "02_data.ipynb")


HEAD = """# 02 · Loading data

**After it you can**

- load pictures;
- split them.

| | |
|---|---|
| Time | 60 minutes |
"""


def test_derived_files_are_made_once_and_found_when_stale(tmp_path):
    a_course(tmp_path, HEAD)
    lesson = "notebooks/02_data.ipynb"
    assert set(derived.stale(tmp_path)) == {"environment.yml", "README.md", lesson}
    assert derived.rebuild(tmp_path) == ["README.md", "environment.yml", lesson]
    assert derived.rebuild(tmp_path) == []
    text = (tmp_path / "README.md").read_text()
    assert "[02 · Loading data](notebooks/02_data.ipynb) | load pictures; split them | 10 m" in text
    assert text.startswith("A\n")
    assert text.endswith("\nB\n")
    assert "old" not in text
    assert (
        "      - b==2 ; os_name == 'nt'\n      - c==3\n"
        in (tmp_path / "environment.yml").read_text()
    )
    (tmp_path / "requirements.txt").write_text("c==4\n")
    assert set(derived.stale(tmp_path)) == {"environment.yml"}


def test_a_lesson_with_another_beginning_is_named(tmp_path):
    a_course(tmp_path, HEAD.replace("02 ·", "Two:"))
    with pytest.raises(InvalidInput, match=r"02_data\.ipynb must begin with"):
        derived.stale(tmp_path)


def test_a_lesson_without_a_place_for_its_time_is_named(tmp_path):
    a_course(tmp_path, HEAD.replace("| Time |", "| Lasts |"))
    with pytest.raises(InvalidInput, match=r"first cell of 02_data\.ipynb must hold"):
        derived.stale(tmp_path)


def test_a_readme_without_its_marks_is_refused(tmp_path):
    a_course(tmp_path, HEAD)
    (tmp_path / "README.md").write_text("no marks")
    with pytest.raises(InvalidInput, match=r"README\.md must hold"):
        derived.rebuild(tmp_path)
