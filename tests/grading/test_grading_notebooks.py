"""Notebooks as platforms and students leave them: what is skipped, run, asked again and shown."""

from __future__ import annotations

import base64
import copy
import io
import json
import time
from functools import cache

import numpy as np
import pytest
from attacks.exercise import EXERCISE, RIGHT, cells, code, notebook, text
from attacks.isolation import require
from PIL import Image

from course_staff.grading import engine, platforms, reports, runner, written
from course_staff.grading import notebook as reading
from course_staff.grading.intake import Submission
from course_staff.grading.sandbox import Limits, Sandbox
from course_utils import checks, settings


@pytest.fixture(scope="module")
def sandbox():
    require()
    with Sandbox(limits=Limits(patience=5)) as made:
        yield made


def grade(made, sandbox, exercise=EXERCISE, name="s.ipynb"):
    content = made if isinstance(made, bytes) else notebook(made)
    submission = Submission(student="S", file_name=name, name=name, content=content)
    return runner.grade(submission, exercise, sandbox, 1)


@cache
def _stored(kind: str, number: str) -> str:
    path = settings.course_root() / kind / checks.exercise(number).notebook
    return path.read_text(encoding="utf-8")


def stored(kind: str, number: str) -> list[dict]:
    return json.loads(_stored(kind, number))["cells"]


def of(made: list[dict], name: str) -> dict:
    return next(cell for cell in made if cell["id"] == name)


def source(cell: dict) -> str:
    return "".join(cell["source"])


def before_setup(lines: str) -> list[dict]:
    made = stored("solutions", "01")
    of(made, "E01-setup")["source"] = lines + "\n" + source(of(made, "E01-setup"))
    return made


# --- platforms -----------------------------------------------------------------------------------


class TestPlatforms:
    @pytest.mark.parametrize(
        "lines",
        [
            "%tensorflow_version 2.x",
            "import google.colab",
            "import google.colab.drive as d, os\nd.mount('/x')",
            "from google.colab import files\nup = files.upload()\nfor name in up:\n    open(name)",
            "from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive/x",
            "from google import colab\ncolab.drive.mount('/content/drive')",
            "from google.colab import *",
            "from google.colab import userdata\nimport os\nos.environ['K'] = userdata.get('k')",
            "def get():\n    from google.colab import files\n    return files.upload()\n"
            "for name, content in get().items():\n    open(name)",
            "%load_ext tensorboard",
            "%load_ext google.colab.data_table",
            "from kaggle_secrets import UserSecretsClient\nUserSecretsClient().get_secret('k')",
            "from pyspark.dbutils import DBUtils\nDBUtils(None).fs.ls('/')",
            "import notebookutils\nnotebookutils.fs.ls('/')",
            "import os; os.chdir('/content/drive/MyDrive')",
        ],
    )
    def test_what_exists_only_there_is_skipped_and_flagged(self, sandbox, lines):
        graded = grade(before_setup(lines), sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        (flag,) = graded.flags
        assert flag.startswith("Cell 2 has lines that work only on another platform: `")
        assert not graded.cells

    @pytest.mark.parametrize(
        "lines",
        [
            "!pip install -q x\n%pip install y",
            "%load_ext autoreload\n%autoreload 2\n%cd .\n%cd -q /",
            '#@title Set up { display-mode: "form" }\nn = 3 #@param {type:"integer"}',
            "try:\n    import google.colab\n    there = True\nexcept ImportError:\n"
            "    there = False\nif there:\n    import nothing_of_this_name",
        ],
    )
    def test_what_works_everywhere_is_not_flagged(self, sandbox, lines):
        graded = grade(before_setup(lines), sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        assert not graded.flags

    @pytest.mark.parametrize(
        ("metadata", "lines", "said"),
        [
            ({"vscode": {"languageId": "sql"}}, "SELECT 1", "is sql and no Python"),
            (
                {
                    "vscode": {"languageId": "polyglot-notebook"},
                    "polyglot_notebook": {"kernelName": "csharp"},
                },
                "var x = 1;",
                "is csharp and no Python",
            ),
            ({"deepnote_cell_type": "sql"}, "x = _dntk.sql('')", "is sql of Deepnote"),
            ({}, "%%bigquery frame\nSELECT 1", "is written for %%bigquery"),
            ({}, "%%shell\nls", "is written for %%shell"),
            ({}, "%%configure\n{}", "is written for %%configure"),
        ],
    )
    def test_cells_in_other_languages(self, sandbox, metadata, lines, said):
        made = stored("solutions", "01")
        made.insert(3, {**code(lines), "metadata": metadata})
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        assert said in graded.flags[0]
        assert not graded.cells

    @pytest.mark.parametrize(
        "asks",
        [
            "name = input('Your name: ')",
            "from getpass import getpass\nkey = getpass('Key: ')",
            "import getpass\nkey = getpass.getpass()",
        ],
    )
    def test_nobody_types_and_nobody_is_waited_for(self, sandbox, asks):
        made = stored("solutions", "01")
        of(made, "E01-1")["source"] = asks + "\n" + source(of(made, "E01-1"))
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        assert graded.flags == ["Cell 6 asks for input; it got an empty text."]
        assert not platforms.needs_preparing(
            "x = keras.Input(3)\ny = my.input(2)\nz = user_input()"
        )

    def test_python_in_vscode_and_deepnote_runs(self):
        made = reading.read(
            notebook(
                [
                    {**code("a = 1"), "metadata": {"vscode": {"languageId": "python"}}},
                    {**code("b = 1"), "metadata": {"deepnote_cell_type": "code", "cell_id": "x"}},
                    {**code("c = 1"), "metadata": {"deepnote_cell_type": "input-text"}},
                    {**code("d = 1"), "metadata": {"vscode": {"languageId": "ipython"}}},
                    {
                        **code("e = 1"),
                        "metadata": {
                            "vscode": {"languageId": "polyglot-notebook"},
                            "polyglot_notebook": {"kernelName": "python"},
                            "dotnet_interactive": {"language": "python"},
                        },
                    },
                ]
            )
        )
        steps = reading.plan(made, EXERCISE).steps
        assert [step.cell for step in steps if step.cell is not None] == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize(
        "lines",
        [
            "import nowhere_to_be_found",
            "import pandas as pd\ntable = pd.read_csv('/kaggle/input/flowers/labels.csv')",
            "%%a_magic_of_elsewhere",
        ],
    )
    def test_where_a_changed_setup_cell_stops_the_handed_out_one_runs(self, sandbox, lines):
        graded = grade(before_setup(lines), sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        told = " ".join(graded.flags)
        assert "Cell 2, on which later cells depend, stopped: " in told
        assert "Cell 2 was changed and stopped, so the text that was handed out was run" in told
        assert "missing therefore" not in told

    @pytest.mark.parametrize(
        ("stored", "text"),
        [
            (["a = 1", "b = 2"], "a = 1\nb = 2"),
            (["a = 1\n", "b = 2"], "a = 1\nb = 2"),
            (["a = ", "1\n", "b = 2"], "a = 1\nb = 2"),
            (["a = 1"], "a = 1"),
            ([], ""),
        ],
    )
    def test_lines_with_and_without_their_ends(self, stored, text):
        (cell,) = reading.read(notebook([{**code(""), "source": stored}]))
        assert cell.source == text

    def test_a_setup_cell_is_known_without_its_id(self, sandbox):
        made = before_setup("import nowhere_to_be_found")
        of(made, "E01-setup")["id"] = "another"  # as a platform that makes ids of its own
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        assert "Cell 2 was changed and stopped" in " ".join(graded.flags)

    def test_a_setup_cell_that_stopped_is_told_with_what_is_missing(self, sandbox):
        made = before_setup("import nowhere_to_be_found")
        of(made, "E01-setup").update(id="another", source="import nowhere\nimport numpy as np")
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points < graded.maximum
        told = " ".join(graded.flags)
        assert "Cell 2, on which later cells depend, stopped: " in told
        assert "ModuleNotFoundError in line 1" in told
        assert "These names are missing therefore: nowhere, np, picture" in told
        assert "handed out" not in told


# --- cells that were moved and changed -----------------------------------------------------------


class TestMoved:
    @pytest.mark.parametrize("kind", ["markdown", "raw"])
    @pytest.mark.parametrize("fenced", [False, True])
    def test_an_answer_that_is_no_code_cell_any_more_is_run(self, sandbox, kind, fenced):
        made = stored("solutions", "01")
        for name in ("E01-setup", "E01-2"):
            cell = of(made, name)
            cell["cell_type"] = kind
            cell["source"] = f"```python\n{source(cell)}\n```" if fenced else source(cell)
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        assert [flag for flag in graded.flags if f"is a {kind} cell that should be code" in flag]
        assert len(graded.flags) == 2

    @pytest.mark.parametrize("place", [3, 8, 30, None])
    def test_an_answer_elsewhere_is_graded_and_flagged(self, sandbox, place):
        made, empty = stored("solutions", "01"), stored("exercises", "01")
        answer = source(of(made, "E01-2"))
        of(made, "E01-2")["source"] = of(empty, "E01-2")["source"]  # a stub of the same name
        made.insert(len(made) if place is None else place, code(answer))
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        (flag,) = graded.flags
        assert flag.startswith("01.2 is not answered at its place")

    def test_everything_in_one_cell_at_the_end(self, sandbox):
        made, right = stored("exercises", "01"), stored("solutions", "01")
        answers = [source(of(right, f"E01-{number}")) for number in range(1, 7)]
        made.append(code("\n\n".join(answers)))
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.points == graded.maximum
        assert len([flag for flag in graded.flags if "is not answered at its place" in flag]) >= 5

    def test_an_answer_split_over_cells(self, sandbox):
        made = stored("solutions", "01")
        place = made.index(of(made, "E01-5"))
        lines = source(made[place]).splitlines()
        made[place]["source"] = "# see above and below"
        made.insert(place, code("\n".join(lines[:1])))
        made.insert(place + 2, code("\n".join(lines[1:])))
        assert grade(made, sandbox, checks.exercise("01")).questions[4].status == "correct"

    def test_without_ids_and_metadata(self, sandbox):
        made = stored("solutions", "01")
        for cell in made:
            cell["metadata"] = {}
            del cell["id"]
        content = notebook(made, nbformat_minor=4)
        graded = grade(content, sandbox, checks.exercise("01"), "01_convolution_by_hand.ipynb")
        assert graded.points == graded.maximum
        assert "no longer marked as such" in graded.flags[0]

    def test_an_empty_exercise_is_not_attempted(self, sandbox):
        made = stored("exercises", "01")
        made.insert(4, code("note = 'what I tried'"))
        graded = grade(made, sandbox, checks.exercise("01"))
        assert {one.status for one in graded.questions} == {"not attempted"}
        assert not graded.flags

    def test_wrong_work_elsewhere_gets_feedback(self, sandbox):
        stub = "def double(x):\n    raise NotImplementedError()"
        made = cells(first=stub, before="def double(x):\n    return 3 * x")
        first = grade(made, sandbox).questions[0]
        assert (first.status, first.points) == ("incorrect", 0)


class TestShadows:
    @pytest.mark.parametrize("line", ["max = 3", "import os as max", "for max in (1, 2): pass"])
    def test_a_builtin_that_was_replaced_is_named(self, sandbox, line):
        made = stored("solutions", "01")
        made.insert(3, code(line))
        graded = grade(made, sandbox, checks.exercise("01"))
        assert graded.questions[5].points == 0
        (flag,) = graded.flags
        assert "01.6 got 0 of 2 points" in flag
        assert "what Python calls max (cell 4); without that it gets 2." in flag

    def test_a_wrong_answer_stays_wrong_and_unflagged(self, sandbox):
        wrong = "def double(x):\n    return 3 * max(x, x)"
        graded = grade(cells(first=wrong, before="min = 3\nmax = 2"), sandbox)
        assert graded.questions[0].points == 0
        assert not [flag for flag in graded.flags if "Python calls" in flag]

    def test_a_builtin_that_was_replaced_and_is_not_used_is_no_matter(self, sandbox):
        graded = grade(cells(before="sum = 3"), sandbox)
        assert graded.points == 3
        assert not [flag for flag in graded.flags if "Python calls" in flag]


# --- sizes ---------------------------------------------------------------------------------------


class TestSizes:
    @pytest.mark.parametrize(
        "large",
        [
            "x = '" + "汉" * 3_000_000 + "'",
            "x = '" + "a" * 17_000_000 + "'",
            "a\n" * 4_000_000,
            " " * 5_000_000,
            "import " * 1_000_000,
        ],
        ids=["Chinese", "long", "lines", "blanks", "imports"],
    )
    def test_large_cells_are_never_taken_for_an_attack(self, sandbox, large):
        began = time.process_time()
        graded = grade(cells(between=large), sandbox)
        assert graded.points == 3
        assert not [flag for flag in graded.flags if "tried to speak" in flag]
        assert time.process_time() - began < 20

    @pytest.mark.parametrize(
        "large", ["a\n" * 4_000_000, "![" * 2_000_000, "![x](data:image/png;base64,A" * 300_000]
    )
    def test_large_written_answers_are_cut(self, large):
        began = time.process_time()
        plan = reading.plan(reading.read(notebook(cells(written=large))), EXERCISE)
        answer = written.answers(plan, EXERCISE)["90.3"]
        assert len(answer.text) < 25_000
        assert "cut here" in answer.text
        assert time.process_time() - began < 20

    def test_half_characters_stop_nothing(self, sandbox):
        made = cells(first=RIGHT["90.1"] + "\nx = '\ud800'", written="so \udfff it is")
        graded = grade(made, sandbox)
        assert graded.points == 3
        assert json.dumps(graded.as_dict(), ensure_ascii=False).encode()


# --- written answers -----------------------------------------------------------------------------


def picture(kind: str = "PNG") -> str:
    stream = io.BytesIO()
    Image.fromarray(np.full((6, 8, 3), 120, np.uint8)).save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


def answer_in(made: list[dict], number: str = "05") -> written.Answer:
    exercise = checks.exercise(number)
    plan = reading.plan(reading.read(notebook(made)), exercise)
    return next(iter(written.answers(plan, exercise).values()))


class TestWritten:
    @pytest.fixture
    def made(self):
        return copy.deepcopy(stored("exercises", "05"))

    def place(self, made):
        return made.index(of(made, "E05-6"))

    def test_nothing_is_nothing(self, made):
        for placeholder in ("YOUR ANSWER HERE", "*Write your answer here.*", "", "\n \n"):
            of(made, "E05-6")["source"] = placeholder
            assert not answer_in(made).pieces

    @pytest.mark.parametrize("kind", ["markdown", "raw", "code"])
    @pytest.mark.parametrize("replaced", [False, True])
    def test_cells_below_and_in_its_place(self, made, kind, replaced):
        place = self.place(made)
        cell = {**text("# No, since recall is low."), "cell_type": kind}
        made[place if replaced else place + 1 : place + 1] = [cell]
        answer = answer_in(made)
        assert "# No, since recall is low." in answer.text
        assert "YOUR ANSWER" not in answer.text
        assert not answer.elsewhere

    def test_all_cells_up_to_the_next_question(self, made):
        made[self.place(made)]["source"] = "One."
        made[self.place(made) + 1 : self.place(made) + 1] = [text("Two."), code("# Three.")]
        assert answer_in(made).text == "One.\n\nTwo.\n\n[code cell]\n# Three."

    def test_its_own_cell_as_code(self, made, sandbox):
        of(made, "E05-6").update(cell_type="code", source="No, since recall is low.", outputs=[])
        assert "recall is low" in answer_in(made).text
        plan = reading.plan(reading.read(notebook(made)), checks.exercise("05"))
        assert self.place(made) not in {step.cell for step in plan.steps}

    def test_moved_to_the_beginning(self, made):
        cell = made.pop(self.place(made))
        cell["source"] = "Moved."
        assert answer_in([cell, *made]).text == "Moved."

    def test_in_the_cell_of_the_question(self, made):
        cell = made[self.place(made) - 1]
        cell["source"] = source(cell) + "\n\nMy answer: no."
        assert answer_in(made).text == "[written into a cell of the exercise]\nMy answer: no."

    def test_elsewhere(self, made, sandbox):
        made.append(text("5.6: no, since recall is low."))
        answer = answer_in(made)
        assert answer.elsewhere
        assert answer.text == "5.6: no, since recall is low."
        graded = grade([cell for cell in made if cell["cell_type"] != "code"], sandbox,
                       checks.exercise("05"))  # fmt: skip
        assert graded.questions[5].status == "for a person"
        assert any("05.6 has no answer at its place" in flag for flag in graded.flags)

    def test_the_digest_tells_changes_and_not_blanks(self, made):
        cell = of(made, "E05-6")
        digests = []
        for said in ("No.", "No. \n\n", "No!", "x" * 30_000, "x" * 30_001):
            cell["source"] = said
            digests.append(answer_in(made).digest)
        assert digests[0] == digests[1]
        assert len(set(digests)) == 4


class TestPictures:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
    @pytest.mark.parametrize("name", ["image.png", "my picture (1).png", "Bild ä.png"])
    def test_attached_pictures_are_shown(self, kind, name):
        made = cells(written=f"See ![{name}](attachment:{name}) here.")
        made[-1]["attachments"] = {name: {"image/png": picture(kind)}}
        plan = reading.plan(reading.read(notebook(made)), EXERCISE)
        (piece,) = written.answers(plan, EXERCISE)["90.3"].pieces
        assert piece.text == f"See (picture 1: {name}) here."
        (shown,) = piece.pictures
        assert shown.uri == f"data:image/{kind.lower()};base64,{picture(kind)}"

    def test_pictures_in_the_text_as_colab_puts_them(self):
        made = cells(written=f"![c](data:image/png;base64,{picture()})")
        plan = reading.plan(reading.read(notebook(made)), EXERCISE)
        (piece,) = written.answers(plan, EXERCISE)["90.3"].pieces
        assert piece.text == "(picture 1: c)"
        assert piece.pictures[0].uri.startswith("data:image/png;base64,")

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (base64.b64encode(b"<svg onload='alert(1)'/>").decode(), "It is no PNG"),
            (base64.b64encode(b"<script>").decode(), "It is no PNG"),
            ("no base64!", "It is damaged"),
            ("A" * (written.LARGEST_PICTURE + 4), "It is too large"),
            (picture()[:40], "It is no PNG"),
            (3, "does not contain"),
        ],
        ids=["svg", "html", "text", "large", "short", "number"],
    )
    def test_what_is_no_picture_is_not_shown(self, data, said):
        made = cells(written='![x](attachment:x"onerror=1.png)')
        made[-1]["attachments"] = {'x"onerror=1.png': {"image/svg+xml": data}}
        plan = reading.plan(reading.read(notebook(made)), EXERCISE)
        (piece,) = written.answers(plan, EXERCISE)["90.3"].pieces
        assert piece.pictures[0].uri == ""
        assert said in piece.pictures[0].sentence

    def test_the_page_for_whoever_marks(self, tmp_path, sandbox):
        made = stored("exercises", "05")
        cell = of(made, "E05-6")
        cell["source"] = "<script>alert(1)</script> ![x](attachment:x.png)"
        cell["attachments"] = {"x.png": {"image/png": picture()}}
        content = notebook([one for one in made if one["cell_type"] == "markdown"])
        graded = grade(content, sandbox, checks.exercise("05"))
        graded.sha256 = Submission(student="S", file_name="s", name="s", content=content).sha256
        report = engine.Report([graded], [], "limits", 1, contents={graded.sha256: content})
        reports.write(report, tmp_path)
        page = (tmp_path / "marking" / "s.html").read_text(encoding="utf-8")
        assert f'<img src="data:image/png;base64,{picture()}"' in page.replace("&#43;", "+")
        assert "<script" not in page
        assert "s.ipynb" in page
        assert checks.question("05.6").rubric[0][:40] in page.replace("&#39;", "'")
        assert "default-src 'none'" in page
        assert 'href="marking/s.html"' in (tmp_path / "summary.html").read_text(encoding="utf-8")
