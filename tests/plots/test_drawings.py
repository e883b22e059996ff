"""Drawings: SVG files that lessons show as they are."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from course_utils import plots
from course_utils.exceptions import InvalidInput
from course_utils.settings import course_root
from course_utils.workspace.lessons import all_lessons

LESSONS = all_lessons(course_root())
FOLDER = Path(plots.__file__).with_name("drawings")
NAMES = sorted(path.stem for path in FOLDER.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def words(name: str) -> list[str]:
    """Return the texts of a drawing, in the order of the file."""
    tree = ElementTree.parse(FOLDER / f"{name}.svg")
    return [text.text for text in tree.iter(f"{SVG}text")]


def position(name: str, word: str) -> tuple[float, float]:
    """Return where a text of a drawing stands."""
    for text in ElementTree.parse(FOLDER / f"{name}.svg").iter(f"{SVG}text"):
        if text.text == word:
            return float(text.get("x")), float(text.get("y"))
    raise AssertionError(f"{name} has no text {word!r}")


@pytest.mark.parametrize("name", NAMES)
class TestEveryDrawing:
    def test_is_shown_with_its_description(self, name):
        html = plots.drawing(name)._repr_html_()
        shown = re.fullmatch(
            r'<img alt="([^"<>]+\.)" src="data:image/svg\+xml;base64,([^"]+)" '
            r'style="max-width: 100%">',
            html,
        )
        assert shown[1] == str(plots.drawing(name))
        assert base64.b64decode(shown[2]) == (FOLDER / f"{name}.svg").read_bytes()

    def test_is_small_and_needs_nothing_else(self, name):
        source = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert len(source) < 10_000
        assert not re.search(r"<script|<image|@import|url\((?!#)|href=\"(?!#)", source)

    def test_has_a_white_ground(self, name):
        """Pages may be dark; the ink is not."""
        ground = ElementTree.parse(FOLDER / f"{name}.svg").find(f"{SVG}rect")
        assert ground.attrib == {"width": "100%", "height": "100%", "fill": "white"}

    def test_is_stored_in_a_lesson_as_it_is(self, name):
        stored = [
            "".join(output["data"]["text/html"])
            for path in LESSONS
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
            if f'plots.drawing("{name}")' in "".join(cell["source"])
            for output in cell["outputs"]
        ]
        assert stored, "no lesson shows this drawing"
        assert set(stored) == {plots.drawing(name)._repr_html_()}, "build its lessons again"


def test_a_drawing_that_is_not_there():
    with pytest.raises(InvalidInput, match=r"no drawing 'road'; the drawings are .*roadmap"):
        plots.drawing("road")


def test_the_roadmap_has_the_titles_of_the_lessons():
    described = str(plots.drawing("roadmap"))
    boxes = [word.split("  ") for word in words("roadmap") if word[0].isdigit()]
    for path, (number, title) in zip(LESSONS, boxes, strict=True):
        head = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        assert re.match(rf"# {number} · {title}\b", head)
        assert f"{number} {title}" in described


def test_the_tasks_are_named_and_the_classifier_chooses_from_its_list():
    shown, described = words("task_comparison"), str(plots.drawing("task_comparison"))
    for task in ("Classification", "Detection", "Segmentation"):
        assert task in shown
        assert task in described
    assert shown.count("daisy") == 5  # in the list, in two boxes, on two regions
    assert shown.count("bee") == 2
    assert "dandelion, daisy, tulip, sunflower, rose" in described


def test_the_table_of_methods_calls_grad_cam_model_specific():
    def place(word):
        return position("explanation_methods", word)

    assert place("Grad-CAM")[0] == place("model-specific")[0]
    assert place("LIME")[0] == place("SHAP")[0] == place("model-agnostic")[0]
    assert place("Grad-CAM")[1] < place("global")[1]  # local methods are in the upper row
