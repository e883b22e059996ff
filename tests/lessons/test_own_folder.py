"""The lessons on a user's folder: drawn shapes in three classes, in color and in gray.

Each lesson runs with one epoch. ``make test`` runs a few of them; with ``--all-mutants`` every
lesson runs on both folders and on one with two classes of five pictures, and lesson 08 runs on
one with a class of six pictures.
"""

from __future__ import annotations

import re

import nbformat
import numpy as np
import pytest
import shape_folders
from PIL import Image

from course_utils import cli, datasets, settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.results import can_check
from course_utils.workspace import lessons, notebook_runner

#: The folders, and the lessons that ``make test`` runs on each.
FOLDERS = {
    "color": {"per_class": 40},
    "gray": {"per_class": 40, "grayscale": True},
    "few": {"per_class": 5, "grayscale": True, "classes": ("circles", "squares")},
    "uneven": {"per_class": {"circles": 40, "squares": 6, "triangles": 40}},
}
SPLITS = ("train", "validation", "test")
EVERY_TIME = {"color": (), "gray": (), "few": (), "uneven": ()}

#: Cells that mention flowers as an example, whatever the dataset is.
EXAMPLES = {
    *("L04-mixup-by-hand", "L06-pairs-toy", "L06-folds-toy", "L06-confident-toy"),
    *("L08-asis", "L08-imagenet"),  # the classes of ImageNet
    *("L06-confident-answer", "L06-suspect-question", "L06-suspect", "L06-check", "L05-check"),
    *("L07-two-question", "L07-two-compare", "L07-fixed-question", "L07-fixed", "L07-check"),
    *("L07-baseline-question", "L07-baseline", "L07-edges-answer"),
}
FLOWERS = re.compile(r"flower|daisy|daisies|dandelion|tulip|roses?\b", re.IGNORECASE)


def said(notebook) -> dict[str, str]:
    """Return what each code cell printed, displayed as text or set as alternative text."""
    texts = {}
    for cell in notebook.cells:
        parts = []
        for output in cell.get("outputs", []):
            parts.append(output.get("text", ""))
            parts.append(output.get("data", {}).get("text/plain", ""))
            parts.append(output.get("metadata", {}).get("image/png", {}).get("alt", ""))
        texts[cell["id"]] = "\n".join(parts)
    return texts


def check(notebook, number, kind):
    """Assert that the outputs of a lesson are true of its folder."""
    texts = said(notebook)
    everything = "\n".join(texts.values())
    names = FOLDERS[kind].get("classes", tuple(shape_folders.CORNERS))
    if number not in ("00", "03"):  # these show no class names
        assert any(name in everything for name in names)
    if number in ("03", "04", "05", "06", "07", "08", "09"):  # 00 and 02 also show paper_flowers
        own = {cell: text for cell, text in texts.items() if cell not in EXAMPLES}
        for cell, text in own.items():
            text = text.replace("the texts of the lessons describe paper_flowers", "")
            text = re.sub(r"(?m)^.*(course data get|choose paper_flowers).*$", "", text)
            assert not FLOWERS.search(text), (cell, text)
    if number in ("03", "04", "05"):
        shape = f"96, 96, {3 if kind in ('color', 'uneven') else 1}"
        assert shape in everything or f"96×96×{shape[-1]}" in everything
    if number == "06":
        assert f"The wrong labels of {kind} are not known" in texts["L06-planted"]
    if number == "07":
        assert f"{kind} has no boxes, so what needs them is left out" in texts["L07-boxes"]


def pytest_generate_tests(metafunc):
    """Give each class all lessons; those that ``make test`` leaves out are marked as slow."""
    if "lesson" in metafunc.fixturenames:
        often = EVERY_TIME[metafunc.cls.kind]
        paths = [
            pytest.param(
                path, id=path.stem, marks=[] if path.name[:2] in often else pytest.mark.slow
            )
            for path in lessons.all_lessons()
            if path.name[:2] in metafunc.cls.numbers or not metafunc.cls.numbers
        ]
        metafunc.parametrize("lesson", paths)


@pytest.fixture(scope="class")
def folder(request, tmp_path_factory):
    """Write the folder of shapes for a class of tests, once."""
    kind = request.cls.kind
    return shape_folders.write(tmp_path_factory.mktemp("own") / kind, **FOLDERS[kind])


class Lessons:
    """The tests for each folder."""

    kind = ""
    numbers: tuple[str, ...] = ()  # of the lessons; empty for all

    def test_lesson_runs(self, lesson, folder, tmp_path):
        """The lesson runs to its end, and uses the classes of the folder."""
        (outcome,) = lessons.run_lessons(
            [lesson], epochs=1, dataset=str(folder), shipped_only=True, output=tmp_path
        )
        assert outcome.run.error is None, str(outcome.run.error)
        check(outcome.run.notebook, lesson.name[:2], self.kind)


class TestColor(Lessons):
    """Three classes of forty pictures."""

    kind = "color"


class TestGray(Lessons):
    """The same in files with one channel."""

    kind = "gray"


class TestFew(Lessons):
    """Two classes of five gray pictures."""

    kind = "few"


class TestUneven(Lessons):
    """Three classes in color, one of six pictures and the others of forty."""

    kind = "uneven"
    numbers = ("08",)


# --- functions for the lessons -----------------------------------------------------------------


def test_a_class_of_three_pictures_beside_one_of_three_hundred(tmp_path):
    """Each split has each class, and a subset takes what there is."""
    folder = shape_folders.write(
        tmp_path / "uneven", {"circles": 300, "squares": 3, "triangles": 40}
    )
    data = datasets.from_directory(folder, image_size=16)
    counts = {split: np.bincount(data.labels(split)).tolist() for split in SPLITS}
    assert counts == {"train": [240, 1, 32], "validation": [30, 1, 4], "test": [30, 1, 4]}
    part = data.subset(per_class={"train": 40, "validation": 5, "test": 5})
    assert np.bincount(part.labels("train")).tolist() == [40, 1, 32]
    assert np.bincount(part.labels("test")).tolist() == [5, 1, 4]


def test_channels_follow_from_the_files(tmp_path, capsys):
    gray = shape_folders.write(tmp_path / "scans", per_class=4, grayscale=True)
    assert datasets.load(gray, image_size=16).input_shape == (16, 16, 1)
    line = "The pictures in scans have no color, so they are loaded with one channel."
    assert line in capsys.readouterr().out
    assert datasets.load(gray, image_size=16, color_mode="rgb").input_shape == (16, 16, 3)
    assert line not in capsys.readouterr().out
    last = sorted(gray.rglob("*.png"))[-1]
    shape_folders.draw("circles", 99).save(last)  # one image in color is enough
    assert datasets.load(str(gray), image_size=16).input_shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("LA", 1), ("I;16", 1), ("P", 3), ("RGBA", 3), ("L", 1)]
)
def test_a_mode_without_color_is_recognized(mode, channels, tmp_path):
    shape_folders.write(tmp_path / "own", per_class=4, grayscale=True)
    for file in (tmp_path / "own").rglob("*.png"):
        picture = shape_folders.draw(file.parent.name, int(file.stem[-3:]))
        if channels == 1:
            picture = picture.convert("L")
        if mode == "I;16":
            picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
        else:
            picture = picture.convert(mode)
        picture.save(file)
    assert datasets.load(tmp_path / "own", image_size=16).channels == channels


def test_a_palette_of_grays_has_no_color(tmp_path):
    folder = shape_folders.write(tmp_path / "own", per_class=4, grayscale=True)
    for file in folder.rglob("*.png"):
        with Image.open(file) as picture:
            picture.convert("RGB").quantize(32).save(file)
    assert datasets.load(folder, image_size=16).channels == 1


def test_a_dataset_knows_what_it_was_loaded_from(tmp_path, monkeypatch, capsys):
    folder = shape_folders.write(
        tmp_path / "tf_flowers", per_class=4
    )  # the name of a known dataset
    monkeypatch.setenv("COURSE_DATASET", str(folder))
    data = datasets.load(image_size=16)
    assert (data.name, data.source) == ("tf_flowers", str(folder))
    assert "the texts of the lessons describe paper_flowers" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_DATASET", "paper_flowers")
    again = datasets.load(data.source, image_size=24)
    assert again.ids("train") == data.ids("train")
    assert again.image_size == (24, 24)
    assert datasets.image_folder(data.source) == folder
    assert data.subset(per_class=1).source == data.source
    assert datasets.load(image_size=8).source == "paper_flowers"
    assert datasets.from_directory(folder, image_size=16).source == ""
    assert datasets.from_directory(folder, image_size=16).fingerprint == data.fingerprint


@pytest.mark.parametrize("name", ["tf_flower", "no such folder", ""])
def test_a_name_that_means_nothing_is_refused(name):
    with pytest.raises(InvalidInput, match="There is no dataset called"):
        datasets.load(name)
    with pytest.raises(InvalidInput, match="There is no dataset called"):
        datasets.image_folder(name)


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(MissingData, match="nowhere"):
        datasets.load(tmp_path / "nowhere")


def test_only_what_was_measured_is_checked(tmp_path, monkeypatch, capsys):
    own = datasets.load(shape_folders.write(tmp_path / "paper_flowers", per_class=4), image_size=16)
    known = datasets.load("paper_flowers", image_size=8)
    capsys.readouterr()
    assert can_check(known)
    assert capsys.readouterr().out == ""
    assert not can_check(own)
    line = "The check is skipped: what to expect on paper_flowers is not known.\n"
    assert capsys.readouterr().out == line
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    assert not can_check(known)
    assert capsys.readouterr().out == "The check is skipped: epochs are reduced.\n"


def test_a_lesson_runs_on_what_course_data_use_chose(tmp_path, monkeypatch):
    folder = shape_folders.write(tmp_path / "my shapes", per_class=5)
    monkeypatch.setattr("sys.argv", ["course", "data", "use", str(folder)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    (path,) = lessons.find(["01"])
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [one for one in notebook.cells if one.id in ("L01-setup", "L01-photo-load")]
    environment = settings.environment(COURSE_DATASET=None, COURSE_EPOCHS="1", MPLBACKEND=None)
    run = notebook_runner.run_notebook(notebook, path.parent, environment)
    assert run.error is None, str(run.error)
    told = said(notebook)["L01-photo-load"]
    assert f"Using the folder {folder}, chosen with 'course data use'" in told
    assert any(f"of the class {name!r}" in told for name in shape_folders.CORNERS)
