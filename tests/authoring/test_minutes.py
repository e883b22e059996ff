"""The rule that reckons the minutes of a lesson and of an exercise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from course_staff.authoring import minutes
from course_utils import settings

FIGURE = {"output_type": "display_data", "data": {"image/png": "", "text/plain": ""}}


def text(words: int, source: str = "") -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": source + "word " * words}


def code(source: str, *outputs: dict, **metadata) -> dict:
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": list(outputs)}


def notebook(*cells: dict, seconds: float = 0) -> dict:
    return {"cells": list(cells), "metadata": {"course": {"seconds": seconds}}}


def test_each_part_of_the_main_line_counts():
    lesson = notebook(
        text(1500),  # 10 minutes
        code("1 + 1"),  # 0.75
        code("plot()", FIGURE, FIGURE),  # 2.75
        code("widgets.predict('00.moved')"),  # 1.5
        code("x = 2\nwidgets.compare('00.moved', x)"),  # 0.75
        code("widgets.pixels(\n    picture,\n)"),  # 2
        code("widgets.check_yourself('00')"),  # half a minute for each question
        code("assert x", tags=["remove-cell"]),
        text(9000, "## Going further\n"),
        code("more()", FIGURE),
        seconds=120,
    )
    found = minutes.parts(lesson, "00")
    assert (found.words, found.predictions, found.figures) == (1500, 1, 2)
    assert (found.code_cells, found.widgets, found.computing) == (3, 1, 120)
    exact = 10 + 3 * 0.75 + 2 + 1.5 + 2 + found.questions * 0.5 + 2
    assert found.minutes == 5 * round(exact / 5)


def test_answers_that_a_lesson_asks_for_in_words_are_stated_beside_it():
    lesson = notebook(text(1500), *[text(0, "**Question.** Why?\n\n*Your answer:*")] * 7)
    assert (
        minutes.time_row(lesson, "00", None) == "| Time | 10 minutes, and 30 for what you write |"
    )
    assert minutes.time_row(notebook(text(1500)), "00", None) == "| Time | 10 minutes |"


def test_worked_answers_count_by_their_lines():
    answer = {"nbgrader": {"solution": True}}
    exercise = notebook(
        text(300),  # 2 minutes
        code("setup()"),  # 0.75
        code("# why\na = 1\n\n" + "b = 2\n" * 9, **answer),  # 10
        {**text(50), "metadata": answer},  # 4
    )
    assert minutes.exercise_minutes(exercise) == 15


@pytest.mark.parametrize(
    ("number", "taken"),
    [("01", 45), ("02", 60), ("03", 60), ("04", 75), ("05", 55), ("06", 75), ("07", 60)],
)
def test_the_rule_is_near_what_readers_took_for_the_exercises(number, taken):
    (path,) = (settings.course_root() / "solutions").glob(f"{number}_*/*.ipynb")
    stated = minutes.exercise_minutes(json.loads(Path(path).read_text(encoding="utf-8")))
    assert taken / 1.5 <= stated <= taken * 1.5
