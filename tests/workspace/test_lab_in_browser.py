"""JupyterLab as opened by ``course lab``, in a real browser, with all cells run."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import nbformat
import pytest

from course_utils.workspace import copies

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed here")

LESSON = "notebooks/01_convolution_by_hand.ipynb"
EXERCISE = "exercises/01_convolution_by_hand/convolution_by_hand.ipynb"
#: The notebook in front; JupyterLab opens those again that were open before.
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
#: A student's own settings, which must be kept and applied.
THEME = {"theme": "JupyterLab Dark"}


class Lab:
    """A running ``course lab`` in a folder with spaces, with the student's own settings."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "my work"
        self.settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab"
        theme = self.settings / "apputils-extension" / "themes.jupyterlab-settings"
        theme.parent.mkdir(parents=True)
        theme.write_text(json.dumps(THEME), encoding="utf-8")
        variables = {
            "COURSE_WORK": str(self.work),
            "COURSE_DATA": "",
            "COURSE_DATASET": "paper_flowers",
            "COURSE_EPOCHS": "1",
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "course_utils.cli", "lab", "--no-browser"],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.log: list[str] = []
        found: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(found,), daemon=True).start()
        try:
            self.url = found.get(timeout=120)
            until(
                lambda: self.ask("status"), 120
            )  # it prints its address before it accepts connections
        except (queue.Empty, AssertionError):
            self.stop()
            pytest.fail("JupyterLab did not start:\n" + "".join(self.log))

    def _read(self, found: queue.Queue[str]) -> None:
        for line in self.process.stdout:
            self.log.append(line)
            address = re.search(r"http://(?:localhost|127\.0\.0\.1):\d+/\S*token=\S+", line)
            if address:
                found.put(address[0])

    def address(self, part: str) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/{part}?{parts.query}"

    def ask(self, what: str):
        """Return the answer of the server's API, or None while server or kernel are starting."""
        try:
            with urlopen(self.address(f"api/{what}"), timeout=30) as answer:
                return json.load(answer)
        except OSError:
            return None

    def idle(self) -> bool:
        kernels = self.ask("kernels")
        return bool(kernels) and all(one["execution_state"] == "idle" for one in kernels)

    def stop(self) -> int:
        """Send Ctrl-C, and again if the server asks for confirmation; return the exit status."""
        for _ in range(2):
            os.killpg(self.process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(15)
        try:
            return self.process.wait(15)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """Yield a page that fails the test on an error or a request to another machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    errors: list[str] = []
    elsewhere: list[str] = []
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))

    def asked(request) -> None:
        host = urlsplit(request.url).hostname
        if host not in (None, "localhost", "127.0.0.1"):
            elsewhere.append(request.url)

    context.on("request", asked)
    yield page
    assert errors == []
    assert elsewhere == []


def open_notebook(page, lab: Lab, address: str) -> None:
    page.goto(address)
    page.locator(".jp-Notebook .jp-Cell:visible").first.wait_for()
    # Before its kernel is known, JupyterLab would ask for one when cells are run.
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for()
    until(lab.idle, 120)
    page.wait_for_timeout(2000)  # for late events: news, changes by the kernel


def until(true, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(1)


def read(path: Path) -> dict:
    """Return a notebook; read it again if JupyterLab was writing it."""
    for _ in range(20):
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            time.sleep(0.5)
    return json.loads(path.read_text(encoding="utf-8"))


def run_all(page, lab: Lab, name: str) -> list[dict]:
    """Run all cells by the menu, save, and return the code cells of the file."""
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(r"^Run All Cells$")).click()
    path = lab.work / name

    def cells() -> list[dict]:
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        stored = read(path)["cells"]
        return [cell for cell in stored if cell["cell_type"] == "code" and cell["source"]]

    until(lambda: lab.idle() and any(cell["execution_count"] for cell in cells()), 300)
    page.wait_for_timeout(1000)
    until(lab.idle, 300)
    return cells()


def write_notebook(lab: Lab, name: str, cells: list) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.work / name)


def state_of(lab: Lab, name: str) -> str:
    states = {copy.path: copy.state for copy in copies.update(work=lab.work)}
    return states[lab.work / name]


@pytest.mark.slow
def test_it_opens_the_first_lesson_quietly(page, lab):
    open_notebook(page, lab, lab.url)
    assert page.locator(".lm-TabBar-tab", has_text="00_start_here.ipynb").is_visible()
    assert page.locator("#table-of-contents").is_visible()
    heading = page.locator("#table-of-contents .jp-tocItem", has_text="How to run a cell")
    assert heading.last.is_visible()  # the first is the lesson, which holds it
    menus = page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
    usual = ["File", "Edit", "View", "Run", "Kernel", "Tabs", "Settings", "Help"]
    assert [menu for menu in menus if menu] == usual, "no menu of nbgrader"
    assert not page.get_by_text("Jupyter news").count()
    assert not page.locator(".Toastify__toast").count()
    assert page.locator("[title^='Notebook trusted']").count() == 1
    assert not page.locator(".jp-mod-dirty").count(), "opening a lesson does not change it"
    assert page.locator("body").get_attribute("data-jp-theme-name") == THEME["theme"]


@pytest.mark.slow
def test_a_lesson_that_was_opened_and_saved_is_unchanged(page, lab):
    name = "notebooks/00_start_here.ipynb"
    before = (lab.work / name).stat().st_mtime_ns
    open_notebook(page, lab, lab.address(f"lab/tree/{name}"))
    page.locator(".jp-Notebook .jp-Cell").first.click()
    page.keyboard.press("Control+s")
    until(lambda: (lab.work / name).stat().st_mtime_ns != before, 30)
    assert state_of(lab, name) == "unchanged"


@pytest.mark.slow
def test_the_lesson_runs_to_its_end(page, lab):
    open_notebook(page, lab, lab.address(f"lab/tree/{LESSON}"))
    cells = run_all(page, lab, LESSON)
    assert all(cell["execution_count"] for cell in cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert len(outputs) > 40
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert page.locator("[title^='Notebook trusted']").count() == 1
    assert state_of(lab, LESSON) == "kept"


@pytest.mark.slow
def test_run_all_goes_on_past_every_unanswered_question(page, lab):
    open_notebook(page, lab, lab.address(f"lab/tree/{EXERCISE}"))
    cells = run_all(page, lab, EXERCISE)
    assert all(cell["execution_count"] for cell in cells)
    checks = [cell for cell in cells if "".join(cell["source"]).startswith("check(")]
    assert len(checks) >= 3
    for cell in checks:
        assert "Not attempted yet" in json.dumps(cell["outputs"]), cell["source"]


@pytest.mark.slow
def test_keys_that_are_pressed_in_a_piece_stay_in_it(page, lab):
    """Arrow keys would move to another cell, and M would turn the cell into text."""
    name = "notebooks/pieces.ipynb"
    cells = [
        nbformat.v4.new_code_cell("from course_utils import widgets"),
        nbformat.v4.new_code_cell("widgets.loss_valley()"),
        nbformat.v4.new_code_cell('widgets.predict("00.yellow")'),
    ]
    write_notebook(lab, name, cells)
    open_notebook(page, lab, lab.address(f"lab/tree/{name}"))
    run_all(page, lab, name)
    valley = page.locator(f'{SHOWN} [data-widget="loss_valley"]')
    slider, choice = valley.get_by_label("learning rate"), valley.get_by_role("combobox")
    slider.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert slider.input_value() == "0.04"
    choice.focus()
    page.keyboard.press("ArrowDown")
    assert choice.input_value() == "1"
    page.keyboard.press("m")
    answers = page.locator(f'{SHOWN} [data-widget="predict"] input')
    answers.first.check()
    page.keyboard.press("ArrowDown")
    assert answers.nth(1).is_checked()
    assert valley.is_visible()
    assert page.locator(f"{SHOWN} .jp-MarkdownCell").count() == 0
    page.keyboard.press("Shift+Enter")  # JupyterLab's own: runs the cell, into a new piece
    until(lambda: lab.idle() and not answers.nth(1).evaluate("node => node.matches(':focus')"), 30)


@pytest.mark.slow
def test_keys_that_are_pressed_in_a_menu_stay_in_it(page, lab):
    """As in the gallery of lesson 06, which is made of ipywidgets."""
    name = "notebooks/menu.ipynb"
    menu = "ipywidgets.Dropdown(options=['no idea', 'mislabeled', 'occluded'])"
    slider = "ipywidgets.IntSlider(value=3)"
    cells = [
        nbformat.v4.new_code_cell(f"import ipywidgets\n{menu}"),
        nbformat.v4.new_code_cell(slider),
    ]
    write_notebook(lab, name, cells)
    open_notebook(page, lab, lab.address(f"lab/tree/{name}"))
    run_all(page, lab, name)
    field = page.locator(f"{SHOWN} .jp-OutputArea select")
    field.focus()
    page.keyboard.press("ArrowDown")
    assert field.input_value() == "mislabeled"
    page.keyboard.press("o")
    assert field.input_value() == "occluded"
    page.keyboard.press("m")  # would turn the cell into text
    handle = page.locator(f"{SHOWN} [role=slider]")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert handle.get_attribute("aria-valuetext") == "5"
    assert page.locator(f"{SHOWN} .jp-CodeCell").count() == 2
    field.focus()
    page.keyboard.press("Shift+Enter")  # JupyterLab's own: runs the cell, into a new menu
    until(lambda: lab.idle() and field.input_value() == "no idea", 30)


@pytest.mark.slow
def test_figures_have_their_alternative_texts(page, lab):
    """JupyterLab itself shows images without the texts that come with them."""
    name = "notebooks/figures.ipynb"
    by_hand = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    cells = [
        nbformat.v4.new_code_cell(
            "from course_utils import plots\nax = plots.cross_entropy({'sure': 0.9})"
        ),
        nbformat.v4.new_code_cell(by_hand, metadata={"alt": 'A line that rises, "by hand".'}),
        nbformat.v4.new_code_cell(by_hand),
    ]
    write_notebook(lab, name, cells)
    open_notebook(page, lab, lab.address(f"lab/tree/{name}"))
    stored = run_all(page, lab, name)
    sent = stored[0]["outputs"][0]["metadata"]["image/png"]["alt"]
    assert "sure" in sent
    images = page.locator(f"{SHOWN} .jp-OutputArea img")
    texts = [sent, 'A line that rises, "by hand".', ""]
    assert [image.get_attribute("alt") or "" for image in images.all()] == texts
    page.reload()  # the stored outputs
    images.last.wait_for()
    until(lambda: [image.get_attribute("alt") or "" for image in images.all()] == texts, 30)


@pytest.mark.slow
def test_what_libraries_log_stays_in_the_terminal(page, lab):
    """TensorFlow logs a dozen lines when it is imported and when it looks for a GPU."""
    name = "notebooks/logs.ipynb"
    cells = [
        nbformat.v4.new_code_cell("import tensorflow as tf\ntf.constant(1).numpy()"),
        nbformat.v4.new_code_cell("import os, sys\nos.write(2, b'a note of C code\\n');"),
        nbformat.v4.new_code_cell("import warnings\nwarnings.warn('a warning of Python')"),
    ]
    write_notebook(lab, name, cells)
    open_notebook(page, lab, lab.address(f"lab/tree/{name}"))
    stored = run_all(page, lab, name)
    outputs = [[output["output_type"] for output in cell["outputs"]] for cell in stored]
    assert outputs == [["execute_result"], [], ["stream"]]
    assert "a warning of Python" in "".join(stored[2]["outputs"][0]["text"])
    assert "a note of C code\n" in lab.log


@pytest.mark.slow
def test_the_settings_of_the_student_are_as_they_were(lab):
    files = [path for path in lab.settings.rglob("*") if path.is_file()]
    assert [json.loads(path.read_text(encoding="utf-8")) for path in files] == [THEME]


@pytest.mark.slow
def test_ctrl_c_ends_it_properly(tmp_path):
    running = Lab(tmp_path)
    assert running.stop() == 0
    text = "".join(running.log)
    assert "Interrupted" in text
    assert "Traceback" not in text
