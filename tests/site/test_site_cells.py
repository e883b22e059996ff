"""The displayed form of a lesson's cells."""

from __future__ import annotations

import copy
import json

import pytest

from course_staff.site import cells
from course_utils.workspace import lessons

LESSONS = lessons.all_lessons()


def code(source: str, *outputs: dict, tags: tuple[str, ...] = ()) -> dict:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": list(outputs)}


def shown(**data) -> dict:
    forms = {name.replace("_", "/"): text for name, text in data.items()}
    return {"output_type": "display_data", "data": forms, "metadata": {}}


def printed(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": [text]}


def displayed(*given: dict) -> list[dict]:
    return cells.displayed({"cells": list(given), "metadata": {}})["cells"]


def tags_of(*given: dict) -> list[list[str]]:
    return [cell["metadata"].get("tags", []) for cell in displayed(*given)]


PREDICT = code('widgets.predict("01.sum")')
COMPARE = code('widgets.compare("01.sum", total)  # the sum')


def test_what_follows_a_prediction_is_folded_up_to_its_comparison():
    folded = [cells.FOLDED, cells.PREDICTED]
    found = tags_of(code("a"), PREDICT, code("b"), code("c"), COMPARE, code("d"))
    assert found == [[], [cells.NO_CODE], folded, folded, [*folded, cells.NO_CODE], []]


def test_two_predictions_before_one_cell():
    other = code("widgets.predict('01.other')")
    ends = code("widgets.compare('01.other', 3)")
    found = tags_of(PREDICT, other, code("b"), COMPARE, code("c"), ends, code("d"))
    assert [cells.FOLDED in tags for tags in found] == [False, False, True, True, True, True, False]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ('widgets.compare(\n    "00.yellow",\n    names[f(x).argmin()],  # (least\n)', ""),
        ('widgets.check_yourself("03")', ""),
        ('print(total)\nwidgets.compare("01.sum", total)', "print(total)"),
        ("if y:\n    y = 1\n    display(widgets.compare('01.sum', y))", "if y:\n    y = 1"),
        ("if y:\n    widgets.compare('01.sum', y)", ""),
        ("widgets.pixels(picture, row=46)", "widgets.pixels(picture, row=46)"),
        ('x = widgets.predict("01.sum")', 'x = widgets.predict("01.sum")'),
    ],
)
def test_the_code_shows_no_question_and_no_answer(source, left):
    (cell,) = displayed(code(source))
    assert cell["source"] == (left or source)
    assert (cells.NO_CODE in cell["metadata"]["tags"]) == (left == "")


def test_an_output_has_one_form():
    (cell,) = displayed(
        code(
            "x",
            shown(text_plain=["<Figure>"], image_png="aGk="),
            shown(text_plain="2 rows", text_html=["<div>\n<style scoped>\nx</style>\n", "<b>"]),
            {"output_type": "display_data", "metadata": {}, "data": {"application/x": {}}},
            printed("a"),
            printed("noise", "stderr"),
        )
    )
    data = [output.get("data", output.get("text")) for output in cell["outputs"]]
    assert data == [{"image/png": "aGk="}, {"text/html": "<div>\n<b>"}, "a"]


def test_cells_for_authors_are_left_out_and_the_notebook_stays_as_it_is():
    given = {"cells": [code("assert x", tags=("remove-cell",)), PREDICT], "metadata": {}}
    before = copy.deepcopy(given)
    assert len(cells.displayed(given)["cells"]) == 1
    assert given == before


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_prediction_of_a_lesson_is_compared_later(path):
    stored = json.loads(path.read_text(encoding="utf-8"))["cells"]
    asked = [
        one
        for cell in stored
        if cell["cell_type"] == "code"
        for one in cells.questions("".join(cell["source"]))
    ]
    predicted = [key for name, key in asked if name == "predict"]
    assert predicted
    for key in predicted:
        assert asked.index(("predict", key)) < asked.index(("compare", key)), key


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_no_lesson_shows_an_answer_in_its_code(path):
    code_cells = [c for c in cells.lesson(path)["cells"] if c["cell_type"] == "code"]
    shown = [cell for cell in code_cells if cells.NO_CODE not in cell["metadata"]["tags"]]
    assert not [cell["id"] for cell in shown if "widgets.compare" in cell["source"]]
