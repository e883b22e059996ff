"""The progress bar in a notebook, with a real kernel, and in a log."""

from __future__ import annotations

import os
from unittest.mock import patch

import nbformat
import pytest
from nbclient import NotebookClient

from course_utils import results
from course_utils.progress import progress_bar, show, show_line

BAR = """
from course_utils.progress import progress_bar, show_line
with progress_bar({total}) as bar:
    for _ in range(3):
        bar.update()
    {then}
show_line("3 epochs")
"""

READING = """
import time
from course_utils.datasets.decoding import map_in_chunks
for chunk in map_in_chunks(lambda _: time.sleep({seconds}), range(512), 512, "reading flowers"):
    pass
"""


def executed(*cells: str) -> list:
    """Run cells in a kernel of their own and return them with their outputs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3", timeout=120, allow_errors=True).execute()
    return notebook.cells


@pytest.mark.slow
def test_no_widget_remains_that_would_be_an_error_when_the_notebook_is_opened_again():
    ways = {"all steps": (3, "pass"), "stopped early": (9, "pass"), "an error": (9, "1 / 0")}
    texts = [BAR.format(total=total, then=then) for total, then in ways.values()]
    cells = executed(*texts, READING.format(seconds=0), READING.format(seconds=0.03))
    assert "vnd.jupyter.widget-view" not in str([cell.outputs for cell in cells])
    for cell in cells[:2]:
        assert [output.data["text/plain"] for output in cell.outputs] == ["", "3 epochs"]
    assert cells[2].outputs[-1].ename == "ZeroDivisionError"
    assert cells[3].outputs == []  # it did not take two seconds
    assert [output.data for output in cells[4].outputs] == [{"text/plain": ""}]


@pytest.mark.slow
def test_stored_outputs_have_no_trace_of_a_bar():
    with patch.dict(os.environ, {"COURSE_STORED": "1"}):
        bar, reading = executed(BAR.format(total=3, then="pass"), READING.format(seconds=0.03))
    assert [output.data["text/plain"] for output in bar.outputs] == ["3 epochs"]
    assert reading.outputs == []


@pytest.mark.parametrize("initial", [0, 5000])
def test_a_log_gets_a_few_lines(capsys, initial):
    with progress_bar(10_000, "reading", unit=" images", initial=initial) as bar:
        for _ in range(10_000 - initial):
            bar.update()
    lines = capsys.readouterr().out.split("\r")
    assert 8 <= len(lines) <= 11
    assert "10000/10000" in lines[-1]


def test_an_unknown_end_is_shown_too(capsys):
    with progress_bar(None, "flowers.zip", unit="B", unit_scale=True) as bar:
        bar.update(4096)
    assert "4.10kB" in capsys.readouterr().out


SHOWING = """
from course_utils import results
from course_utils.progress import show, show_line
class Box:
    __repr__ = lambda self: "a hint"
    _repr_html_ = lambda self: "<b>a hint</b>"
show(Box())
show_line("3 epochs")
results.report_result("test accuracy", 0.8312)
print("last")
"""


@pytest.mark.slow
def test_a_notebook_gets_outputs_with_all_their_forms():
    (cell,) = executed(SHOWING)
    box, line, result, last = cell.outputs
    assert box.data == {"text/plain": "a hint", "text/html": "<b>a hint</b>"}
    assert line.data == {"text/plain": "3 epochs"}
    value = {"name": "test accuracy", "value": 0.8312, "text": "83.1%"}
    assert result.data == {"text/plain": "test accuracy: 83.1%", results.MIME: value}
    assert last.text == "last\n"


def test_elsewhere_the_same_is_printed(capsys):
    show(("a hint", 1))
    show_line("3 epochs", {"text/html": "<b>3 epochs</b>"})
    assert capsys.readouterr().out == "('a hint', 1)\n3 epochs\n"
