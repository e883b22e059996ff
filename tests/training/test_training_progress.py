"""The progress bar in a notebook, with a real kernel."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

BAR = """
from course_utils.training._progress import progress_bar, show_line
with progress_bar({total}) as bar:
    for _ in range(3):
        bar.update()
    {then}
show_line("3 epochs")
"""


@pytest.mark.slow
def test_no_widget_remains_that_would_be_an_error_when_the_notebook_is_opened_again():
    ways = {"all steps": (3, "pass"), "stopped early": (9, "pass"), "an error": (9, "1 / 0")}
    cells = [
        nbformat.v4.new_code_cell(BAR.format(total=total, then=then))
        for total, then in ways.values()
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", timeout=120, allow_errors=True).execute()
    assert "vnd.jupyter.widget-view" not in str([cell.outputs for cell in notebook.cells])
    for cell in notebook.cells[:2]:
        assert [output.data["text/plain"] for output in cell.outputs] == ["", "3 epochs"]
    assert notebook.cells[2].outputs[-1].ename == "ZeroDivisionError"
