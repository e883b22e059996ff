"""Predictions and Check yourself: their texts, and how they judge answers in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import settings, widgets
from course_utils.exceptions import InvalidInput
from course_utils.widgets import page, questions

FILES = sorted((settings.course_root() / "course_utils/widgets/questions").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_question_has_one_right_answer_and_a_sentence_for_each(path):
    read = questions._read(path.stem)
    assert set(read) <= {"predict", "check"}
    assert len({question["id"] for question in read["check"]}) == len(read["check"])
    keys = {"id", "question", "choices", "answer", "exact", "near", "ideas", "say", "otherwise"}
    for question in [*read["check"], *read["predict"].values()]:
        assert set(question) <= keys, "a key that nobody reads"
        assert question["question"].rstrip().endswith(("?", "."))
        if "choices" in question:
            texts = [choice["text"] for choice in question["choices"]]
            assert len(texts) == len(set(texts)) >= 2
            assert all(choice["say"].strip() for choice in question["choices"])
        for idea in question.get("ideas", []):
            assert set(idea) == {"answer", "say"}
        assert 0 < question.get("near", 0.1) < 1, "a share of the right number"
    for question in read["check"]:
        if "choices" in question:
            assert sum(choice.get("right", False) for choice in question["choices"]) == 1
        else:
            assert question["say"].strip()
            # A number that was rounded is not the only right one.
            assert question["answer"] == int(question["answer"]) or question.get("exact")
            assert question["answer"] not in [idea["answer"] for idea in question.get("ideas", [])]


def test_unknown_questions_are_refused():
    with pytest.raises(InvalidInput, match="no question 'x'"):
        widgets.predict("00.x")
    with pytest.raises(InvalidInput, match="no questions for lesson '99'"):
        widgets.check_yourself("99")
    with pytest.raises(InvalidInput, match="must be one number"):
        widgets.compare("00.numbers", [1, 2])
    with pytest.raises(InvalidInput, match="must be one number"):
        widgets.compare("00.numbers", float("nan"))


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_numbers_are_understood_as_people_write_them():
    script = (settings.course_root() / "course_utils/widgets/kit.js").read_text(encoding="utf-8")
    texts = ["12", " 0.5 ", "0,5", "\N{MINUS SIGN}3", "27,648", "27 648", "50 %", ".5", "2.", "1,5"]
    texts += ["1.97e-3", "2E3", "", "x", "3 to 4", "1.2.3", "12,34,5"]
    script += f"\nconsole.log(JSON.stringify({json.dumps(texts)}.map(kit.parse)))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    values = json.loads(done.stdout)
    assert values[:10] == [12, 0.5, 0.5, -3, 27648, 27648, 0.5, 0.5, 2, 1.5]
    assert values[10:12] == [0.00197, 2000]
    assert values[12:] == [None] * 5  # NaN


def test_a_prediction_is_noted_and_compared(tmp_path):
    value = np.prod((96, 96, 3))
    pieces = (
        widgets.predict("00.numbers"),
        widgets.compare("00.numbers", value),
        widgets.predict("00.moved"),
        widgets.compare("00.moved", "O"),
        widgets.predict("05.interval"),
        widgets.compare("05.interval", 0.67),
    )
    with opened(tmp_path, *pieces) as browser:
        page = browser.page
        result = page.locator('[data-widget="compare"]')
        assert "You noted no prediction." in result.nth(0).inner_text()
        field = page.get_by_label("How many numbers")
        for typed, words in [
            ("27,648", "Right."),
            ("27000", "That is near."),
            ("9216", "number of pixels"),
            ("3", "too little"),
            ("99999", "too much"),
        ]:
            field.fill(typed)
            field.press("Enter")
            assert words in result.nth(0).inner_text()
            assert "The answer: 27,648. 96 rows" in result.nth(0).inner_text()
        field.fill("many")
        page.get_by_role("button", name="Note it").first.click()
        assert "Type a number" in page.locator('[data-widget="predict"]').nth(0).inner_text()
        field.fill("9216")
        page.get_by_label("X", exact=True).focus()  # the field was left without Enter
        assert "number of pixels" in result.nth(0).inner_text()
        field.fill("3")
        field.press("Shift+Enter")  # JupyterLab would run the cell
        assert "too little" in result.nth(0).inner_text()
        field.fill("99999")
        low = page.get_by_label("How low may")
        for typed, words in [("0.79", "5,000"), ("0.78", "1,500"), ("80%", "was measured")]:
            low.fill(typed)
            low.press("Enter")
            assert words in result.nth(2).inner_text()  # the nearest of several ideas
        page.get_by_label("X", exact=True).focus()
        page.keyboard.press("Space")
        assert "Not so. It is still an X" in result.nth(1).inner_text()
        page.keyboard.press("ArrowDown")
        assert "Right. Its pooled" in result.nth(1).inner_text()
        browser.sound()
        browser.open_again()  # the answers are kept
        assert field.input_value() == "99999"
        assert page.get_by_label("O", exact=True).is_checked()
        assert "too much" in result.nth(0).inner_text()


def test_check_yourself_judges_and_keeps_answers(tmp_path):
    with opened(tmp_path, widgets.check_yourself("00")) as browser:
        page = browser.page
        piece = page.locator('[data-widget="quiz"]')
        total = questions.count_questions("00")
        assert f"0 of {total} answered correctly" in piece.inner_text()
        page.get_by_label("detection").check()
        assert "Not yet. Detection gives a box" in piece.inner_text()
        page.get_by_label("classification").check()
        assert "Right. One picture, one label." in piece.inner_text()
        field = page.get_by_label("A batch of 32 gray")
        for typed, words in [("75264", "one channel"), ("7", "Multiply"), ("25 088", "32 × 28")]:
            field.fill(typed)
            field.press("Enter")
            assert words in piece.inner_text()
        assert f"2 of {total} answered correctly" in piece.inner_text()
        browser.sound()
        browser.open_again()
        assert f"2 of {total} answered correctly" in piece.inner_text()


def test_without_scripts_the_questions_can_be_read(tmp_path):
    pieces = (
        widgets.predict("00.moved"),
        widgets.compare("00.numbers", 27648),
        widgets.check_yourself("00"),
    )
    with opened(tmp_path, *pieces, scripts=False) as browser:
        text = browser.page.inner_text("main")
        assert "What does the letter network say" in text
        assert "nothing: it cannot decide" in text
        assert "The answer: 27,648." in text
        assert "Which task gives one label" in text


def test_where_data_differ_the_answer_is_said():
    shown = widgets.compare("00.moved", "cat")
    assert "Here the answer is: cat." in shown.still
    assert re.search(r'"answer":"cat"', shown._repr_html_())


def test_a_stored_piece_gets_todays_script_and_keeps_its_data():
    piece = widgets.compare("00.numbers", 27648)
    html = piece._repr_html_()
    older = html.replace("function judge", "function oldName").replace(
        'data-version="', 'data-version="x'
    )
    assert older != html
    assert page.refreshed(older) == html
    assert page.refreshed("<table></table>") == "<table></table>"
