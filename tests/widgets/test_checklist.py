"""The checklist of the project in lesson 10, and its rubric for graders."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from widgets.pieces_in_browser import opened

from course_staff.authoring import derived
from course_utils import settings, widgets
from course_utils.exceptions import InvalidInput
from course_utils.widgets import lesson_10


def test_the_rubric_has_twenty_points_and_says_what_each_is_for():
    criteria = lesson_10.criteria()
    assert sum(one.points for one in criteria) == 20
    assert len({one.id for one in criteria}) == len(criteria)
    for one in criteria:
        assert one.checks
        texts = (one.full, one.half, one.none)
        assert len(set(texts)) == 3
        assert all("|" not in text and "\n" not in text for text in (one.title, *texts))
    text = (settings.course_root() / "INSTRUCTORS.md").read_text(encoding="utf-8")
    for line in derived.project_rubric():
        assert line in text
    assert "| together | 20 |" in text


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_points_count_for_parts_that_are_ticked_completely():
    code = (settings.course_root() / "course_utils/widgets/checklist.js").read_text(
        encoding="utf-8"
    )
    parts = [
        {"id": "a", "points": 3, "checks": ["one", "two"]},
        {"id": "b", "points": 2, "checks": ["three"]},
    ]
    cases = [[], ["a:0"], ["a:0", "a:1"], ["b:0", "a:1"], ["a:0", "a:1", "b:0", "c:0"]]
    code += f"\nconst parts = {json.dumps(parts)};"
    code += (
        f"\nconst out = {json.dumps(cases)}.map(on => progress(parts, name => on.includes(name)));"
    )
    code += "\nconsole.log(JSON.stringify(out.map(one => [one.ticked, one.points])));"
    code += "\nconsole.log(JSON.stringify([out[0].things, out[0].all]));"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert json.loads(first) == [[0, 0], [1, 0], [2, 3], [2, 2], [3, 5]]
    assert json.loads(second) == [3, 5]


def test_ticks_are_counted_and_kept(tmp_path):
    piece = widgets.checklist({"data": "3 files left out <b>", "numbers": 0.94})
    number = sum(len(one.checks) for one in lesson_10.criteria())
    with opened(tmp_path, piece, width=360) as browser:
        page = browser.page
        said = page.locator(".cw-say")
        assert said.inner_text().startswith(f"0 of {number} ticked: parts worth 0 of 20 points")
        assert "Measured: 3 files left out <b>" in page.inner_text("main")
        assert "Measured: 0.94" in page.inner_text("main")
        page.get_by_label("I can say who will use").focus()
        page.keyboard.press("Space")
        assert said.inner_text().startswith(f"1 of {number} ticked: parts worth 2 of 20 points")
        page.get_by_label("I can say which photographs are missing").check()
        assert said.inner_text().startswith(f"2 of {number} ticked: parts worth 2 of 20 points")
        browser.sound()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.open_again()
        assert page.get_by_label("I can say who will use").is_checked()
        assert said.inner_text().startswith(f"2 of {number}")
        page.get_by_role("button", name="Clear all ticks").click()
        assert said.inner_text().startswith(f"0 of {number}")
        browser.open_again()
        assert not page.get_by_label("I can say who will use").is_checked()


def test_without_scripts_the_list_is_shown(tmp_path):
    piece = widgets.checklist({"split": "33 groups"})
    assert repr(piece) == "The checklist of the project: 10 things to tick, 20 points."
    with opened(tmp_path, piece, scripts=False) as browser:
        text = browser.page.inner_text("main")
        assert "The model card (2 points)" in text
        assert "33 groups" in text


def test_evidence_for_something_else_is_refused():
    with pytest.raises(InvalidInput, match="no criterion 'number'.*did you mean 'numbers'"):
        widgets.checklist({"number": 1})
