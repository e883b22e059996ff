"""Running lessons without a browser, and their results."""

from __future__ import annotations

import json

import nbformat
import pytest
from bs4 import BeautifulSoup
from notebooks_for_tests import write

from course_utils import results, settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.results import report_result
from course_utils.workspace import lessons, notebook_runner

REPORT = "from course_utils.results import report_result\nreport_result('test accuracy', 0.8312)"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Run three lessons, of which the second fails."""
    folder = tmp_path_factory.mktemp("course")
    sources = {
        "01_good": [
            REPORT,
            "import matplotlib.pyplot as plt\nfrom course_utils import plots, settings\n"
            "plots.describe(plt.subplots(figsize=(1, 1))[1], 'Nothing \"much\"')\nplt.show()\n"
            "plt.subplots(figsize=(1, 2)); plt.show()",
            "block = bytearray(300_000_000)\nblock[::4096] = bytes(len(block[::4096]))\n"
            "import subprocess, sys\n"
            "child = 'import time; b = bytearray(200_000_000); b[::4096] = bytes(len(b[::4096])); "
            "time.sleep(1)'\n"
            "subprocess.run([sys.executable, '-c', child], check=True)",
            "print(settings.epochs(50), settings.dataset_name())\n"
            "settings.work_root().mkdir(exist_ok=True)\n"
            "(settings.work_root() / 'model').write_text('trained')",
        ],
        "02_bad": [REPORT, "x = 1", "raise ValueError('too small:\\nsecond line')", "print('no')"],
        "03_good": [
            "from course_utils import settings",
            "(settings.work_root() / 'model').read_text()",
        ],
    }
    paths = [write(folder / f"{name}.ipynb", *cells) for name, cells in sources.items()]
    calls: list = []
    found = lessons.run_lessons(
        paths,
        epochs=2,
        dataset="paper_flowers",
        output=folder / "build",
        on_cell=lambda *call: calls.append(call),
    )
    return found, calls, folder


def test_a_failing_lesson_does_not_keep_the_others_from_running(outcomes):
    found, calls, _ = outcomes
    assert [outcome.ok for outcome in found] == [True, False, True]
    assert str(found[1].run.error) == "cell T-2: ValueError: too small:"
    assert list(dict.fromkeys(lesson for lesson, _, _ in calls)) == ["01_good", "02_bad", "03_good"]
    assert calls[0] == ("01_good", 0, 5)
    assert ("01_good", 4, 5) in calls


def test_results_seconds_and_memory_are_collected(outcomes):
    first, second, third = outcomes[0]
    expected = {"name": "test accuracy", "value": 0.8312, "text": "83.1%"}
    assert first.run.results == second.run.results == [expected]
    assert third.run.results == []
    assert 1 < first.run.seconds < 120
    assert 0.5e9 < first.run.peak_bytes < 1.5e9, "the kernel's 0.3 GB and its child's 0.2 GB"
    assert third.run.peak_bytes < 0.3e9


def test_html_and_json_are_written_for_all(outcomes):
    found, _, folder = outcomes
    assert all(outcome.html.is_file() for outcome in found)
    page = BeautifulSoup(found[0].html.read_text(encoding="utf-8"), "html.parser")
    texts = [str(image["alt"]) for image in page.find_all("img")]
    assert texts == ['Nothing "much"', "No description has been provided for this image"]
    assert "too small" in found[1].html.read_text(encoding="utf-8")
    table = json.loads((folder / "build" / "results.json").read_text())
    assert [row["lesson"] for row in table] == ["01_good", "02_bad", "03_good"]
    assert table[1]["error"] == "cell T-2: ValueError: too small:"


def test_lessons_see_the_options_and_a_cache_of_their_own(outcomes):
    found, _, folder = outcomes
    printed = [cell.outputs for cell in found[0].run.notebook.cells if cell.get("outputs")]
    assert printed[-1][0].text == "2 paper_flowers\n"
    assert not (settings.work_root() / "model").exists()
    stored = nbformat.read(folder / "01_good.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in stored.cells), "the lesson itself is not changed"


def test_a_kernel_that_dies_is_told_from_an_error(tmp_path):
    path = write(tmp_path / "n.ipynb", "1", "import os; os._exit(3)", "2")
    notebook = nbformat.read(path, as_version=4)
    run = notebook_runner.run_notebook(notebook, tmp_path, settings.environment())
    assert run.error.cell == "T-1"
    assert "memory ran out" in run.error.message


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    path = write(tmp_path / "n.ipynb", "import time\ntime.sleep(60)")
    notebook = nbformat.read(path, as_version=4)
    run = notebook_runner.run_notebook(notebook, tmp_path, settings.environment(), timeout=2)
    assert "longer than 2 s" in run.error.message
    assert run.seconds < 40


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["3", "03", "03_building", "building", "notebooks/03_building.ipynb"]
)
def test_a_lesson_is_found_by_number_name_or_path(tmp_path, name):
    paths = [write(tmp_path / f"{stem}.ipynb") for stem in ("03_building", "04_training")]
    assert lessons.find([name], paths) == paths[:1]
    assert lessons.find([], paths) == paths
    assert lessons.find(["4", "3", "03"], paths) == paths


@pytest.mark.parametrize("name", ["9", "nothing", "ing", ""])
def test_a_name_that_means_no_lesson_or_several_is_refused(tmp_path, name):
    paths = [write(tmp_path / f"{stem}.ipynb") for stem in ("03_building", "04_training")]
    with pytest.raises(InvalidInput, match="the lessons are 03_building, 04_training"):
        lessons.find([name], paths)


def test_a_course_without_lessons_is_said():
    with pytest.raises(MissingData, match="There are no lessons"):
        lessons.find([], [])


# --- results -----------------------------------------------------------------------------------


def test_report_result_prints_one_line_outside_a_notebook(capsys):
    report_result("test accuracy", 0.8312)
    report_result("test loss", 0.5, format=".2f")
    assert capsys.readouterr().out == "test accuracy: 83.1%\ntest loss: 0.50\n"


def test_report_result_refuses_what_is_no_result():
    with pytest.raises(InvalidInput, match="not a finite number"):
        report_result("loss", float("nan"))
    with pytest.raises(InvalidInput, match="no format"):
        report_result("loss", 0.5, format="percent")


def test_only_reported_results_are_collected():
    output = nbformat.v4.new_output("display_data", {"text/plain": "accuracy: 99%"})
    cell = nbformat.v4.new_code_cell("", outputs=[output])
    assert results.collect(nbformat.v4.new_notebook(cells=[cell])) == []
