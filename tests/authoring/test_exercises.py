"""The exercises are generated from the solutions as by nbgrader, which can grade them."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from answers import answers_of, judge, names

from course_staff.authoring import exercises as making
from course_staff.authoring.build import METADATA
from course_staff.grading import notebook as grader
from course_utils import settings
from course_utils.checks import exercise, exercises
from course_utils.exceptions import InvalidInput
from course_utils.workspace import copies, lessons

ROOT = settings.course_root()
SOLUTIONS = making.all_solutions()


def each_slow_but(names: list[str], *fast: str) -> list:
    """Parameters of a test that is slow, except for the names that begin with one of `fast`."""
    return [
        name if name.startswith(fast) else pytest.param(name, marks=pytest.mark.slow)
        for name in names
    ]


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def text(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_is_an_exercise_for_each_solution_and_no_other_file():
    made = {path.relative_to(ROOT / "solutions") for path in SOLUTIONS}
    there = {path.relative_to(ROOT / "exercises") for path in lessons.all_exercises()}
    assert there == made
    files = [p for p in (ROOT / "exercises").rglob("*") if p.is_file()]
    assert {p.relative_to(ROOT / "exercises") for p in files} == made
    assert [one.notebook for one in exercises()] == sorted(path.as_posix() for path in made)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.parent.name)
class TestSolution:
    def test_its_cells_are_named(self, path):
        number = path.parent.name[:2]
        ids = [cell["id"] for cell in cells_of(path)]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(rf"E{number}-[\w-]{{1,60}}", name) for name in ids), ids
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert stored["metadata"] == METADATA
        assert all(not cell.get("outputs") for cell in stored["cells"])

    def test_each_question_has_its_cells(self, path):
        known = exercise(path.parent.name)
        marks = {
            cell["metadata"]["nbgrader"]["grade_id"]: (cell, cell["metadata"]["nbgrader"])
            for cell in cells_of(path)
            if "nbgrader" in cell["metadata"]
        }
        expected = set()
        for question in known.questions:
            name = question.id.replace(".", "-")
            prompt, mark = marks[f"{name}-prompt"]
            assert mark["locked"]
            assert not mark["solution"]
            assert f"**Question {question.id}**" in text(prompt)
            written = question.kind == "written"
            answer, mark = marks[f"{name}-written" if written else name]
            assert mark["solution"]
            assert mark["grade"] is written
            if written:
                assert mark["points"] == question.points
                expected |= {f"{name}-prompt", f"{name}-written"}
                continue
            check, mark = marks[f"{name}-check"]
            assert mark["grade"]
            assert mark["locked"]
            assert mark["points"] == question.points
            assert text(check) == f'check("{question.id}")'
            expected |= {f"{name}-prompt", name, f"{name}-check"}
            unit = "point" if question.points == 1 else "points"
            assert f"({question.points:g} {unit})" in text(prompt), question.id
        assert set(marks) == expected
        assert 3 <= len(known.questions) <= 7

    def test_prompts_name_what_the_answer_defines(self, path):
        for question in exercise(path.parent.name).questions:
            name = f"{question.id.replace('.', '-')}-prompt"
            (prompt,) = [c for c in cells_of(path) if c["id"] == f"E{name}"]
            for needed in question.needs:
                assert re.search(rf"`{needed}[`(]", text(prompt)), (question.id, needed)


# --- making them -------------------------------------------------------------------------------


def notebook(source: str, mark: dict | None, kind: str = "code") -> dict:
    metadata = {} if mark is None else {"nbgrader": {"grade_id": "a", **mark}}
    return {"cells": [{"id": "a", "cell_type": kind, "metadata": metadata, "source": [source]}]}


def test_solutions_are_taken_out():
    source = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n"
    made = making.exercise(notebook(source, {"solution": True}), "x")["cells"][0]
    assert text(made) == ("def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()\n")
    made = making.exercise(notebook("because", {"solution": True}, "markdown"), "x")["cells"][0]
    assert text(made) == "YOUR ANSWER HERE"


@pytest.mark.parametrize(
    ("source", "mark"),
    [
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", None),
        ("### BEGIN SOLUTION\nx = 1", {"solution": True}),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", {"solution": True}),
    ],
)
def test_wrong_marks_are_refused(source, mark):
    with pytest.raises(InvalidInput, match="cell 'a' of x"):
        making.exercise(notebook(source, mark), "x")


@pytest.mark.parametrize("path", lessons.all_exercises(), ids=lambda path: path.parent.name)
def test_only_answers_let_run_all_go_on(path):
    """Not the given cells, the checks and the solution, where an error must be visible."""
    tagged = {c["id"] for c in cells_of(path) if making.GO_ON in c["metadata"].get("tags", [])}
    known = exercise(path.parent.name)
    answers = {f"E{q.id.replace('.', '-')}" for q in known.questions if q.kind != "written"}
    assert tagged == answers
    solution = cells_of(ROOT / "solutions" / path.relative_to(ROOT / "exercises"))
    assert not [c["id"] for c in solution if making.GO_ON in c["metadata"].get("tags", [])]


def test_a_tag_of_an_answer_is_kept_and_the_solution_is_not_changed():
    solution = notebook("x = 1", {"solution": True})
    solution["cells"][0]["metadata"]["tags"] = ["hard"]
    before = json.dumps(solution)
    made = making.exercise(solution, "x")["cells"][0]
    assert made["metadata"]["tags"] == ["hard", "raises-exception"]
    assert json.dumps(solution) == before
    again = making.exercise({"cells": [made]}, "x")["cells"][0]
    assert again["metadata"]["tags"] == ["hard", "raises-exception"]


@pytest.mark.parametrize("path", lessons.all_exercises(), ids=lambda path: path.parent.name)
def test_the_grader_does_not_look_at_tags(path):
    tagged = path.read_bytes()
    bare = json.loads(tagged)
    for cell in bare["cells"]:
        cell["metadata"].pop("tags", None)
    assert grader.read(tagged) == grader.read(json.dumps(bare).encode())


def test_students_get_copies_of_their_own():
    made = {copy.path: copy.state for copy in copies.update(lessons.all_exercises())}
    assert set(made.values()) == {"new"}
    for original in lessons.all_exercises():
        mine = settings.work_root() / "exercises" / original.parent.name / original.name
        assert cells_of(mine) == cells_of(original)
    mine.write_text(mine.read_text().replace("YOUR CODE HERE", "mine"))
    states = {copy.path: copy.state for copy in copies.update(lessons.all_exercises())}
    assert states.pop(mine) == "kept"
    assert set(states.values()) <= {"unchanged"}
    assert "mine" in mine.read_text()
    path, backup = copies.reset(mine.parent.name, exercise=True)
    assert cells_of(path) == cells_of(original)
    assert backup is not None
    assert "mine" in backup.read_text()


# --- running them ------------------------------------------------------------------------------


def test_an_unfilled_exercise_runs_and_says_so(monkeypatch):
    """The first one is run as students do; nbgrader runs all of them below."""
    from nbclient import NotebookClient

    set_up_reduced(monkeypatch)
    opened = nbformat.read(lessons.all_exercises()[0], as_version=4)
    # Like Run All in JupyterLab, it would stop at an error in a cell without the tag.
    NotebookClient(opened, timeout=300, kernel_name="python3").execute()
    assert all(cell.execution_count for cell in opened.cells if cell.cell_type == "code")
    for cell in opened.cells:
        shown = "".join(
            one.get("data", {}).get("text/plain", "") for one in cell.get("outputs", [])
        )
        if cell.source.startswith("check("):
            assert "Not attempted yet (0 of" in shown, (cell.id, shown)
    only_answers_failed(opened.cells)


def only_answers_failed(cells: list) -> None:
    """Assert that no given cell of an exercise fails because the answers are missing."""
    for cell in cells:
        failed = [one.evalue for one in cell.get("outputs", []) if one.output_type == "error"]
        if failed and not cell.source.startswith("check("):
            assert "raise NotImplementedError()" in cell.source, (cell.id, failed)


def set_up_reduced(monkeypatch) -> None:
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    monkeypatch.setenv("COURSE_DATASET", "paper_flowers")
    monkeypatch.setenv("COURSE_DATA", "")


# --- nbgrader ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """Create an nbgrader course whose sources are our solutions."""
    apps = pytest.importorskip("nbgrader.apps")
    from traitlets.config import Config

    folder = tmp_path_factory.mktemp("nbgrader")
    shutil.copytree(ROOT / "solutions", folder / "solutions")
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "exercises"
    config.Exchange.root = str(folder / "exchange")
    config.ExecutePreprocessor.timeout = 300
    before = os.environ["PATH"], os.getcwd()
    # nbgrader runs alembic as a command.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before[0]])
    os.chdir(folder)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    api = apps.NbGraderAPI(config=config)
    api.log.setLevel(logging.CRITICAL)
    for one in exercises():
        result = api.generate_assignment(one.name, force=True, create=True)
        assert result["success"], result["log"]
    yield api, folder
    os.environ["PATH"] = before[0]
    os.chdir(before[1])


def test_nbgrader_makes_the_same_exercises(nbgrader):
    """Equal except for the tag of the answers, which nbgrader's command does not add."""
    _, folder = nbgrader
    for path in lessons.all_exercises():
        theirs = folder / "exercises" / path.relative_to(ROOT / "exercises")
        ours = json.loads(path.read_text("utf-8"))
        for cell in ours["cells"]:
            if cell["metadata"].get("tags") == [making.GO_ON]:
                del cell["metadata"]["tags"]
        assert json.loads(theirs.read_text("utf-8")) == ours


def submit(folder: Path, who: str, name: str, answers: dict[str, str] | None) -> None:
    """Submit an exercise: filled with answers by question id, or the solution if None."""
    known = exercise(name)
    source = ROOT / ("solutions" if answers is None else "exercises") / known.notebook
    stored = json.loads(source.read_text(encoding="utf-8"))
    if answers is not None:
        for cell in stored["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            if grade_id.replace("-", ".") in answers:
                cell["source"] = answers[grade_id.replace("-", ".")].splitlines(keepends=True)
    else:  # a submission has the checksums of the release
        released = {cell["id"]: cell for cell in cells_of(ROOT / "exercises" / known.notebook)}
        for cell in stored["cells"]:
            cell["metadata"] = released[cell["id"]]["metadata"]
    path = folder / "submitted" / who / known.notebook
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored), encoding="utf-8")


def grade(nbgrader, who: str, name: str) -> dict[str, float]:
    """Return the points that nbgrader gives to each question that it can grade."""
    from nbgrader.api import Gradebook

    api, folder = nbgrader
    result = api.autograde(name, who, force=True)
    assert result["success"], result.get("error", result.get("log"))
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        notebook = book.find_submission_notebook(
            exercise(name).notebook[len(name) + 1 : -6], name, who
        )
        return {
            one.name.removesuffix("-check").replace("-", "."): float(one.auto_score)
            for one in notebook.grades
            if one.name.endswith("-check")
        }


def graded_by_program(name: str) -> dict[str, float]:
    return {q.id: q.points for q in exercise(name).questions if q.kind != "written"}


@pytest.mark.filterwarnings("ignore:Object of type")
@pytest.mark.parametrize("name", each_slow_but([one.name for one in exercises()], "01"))
def test_nbgrader_grades_the_solution_and_the_empty_exercise(nbgrader, name, monkeypatch):
    set_up_reduced(monkeypatch)
    _, folder = nbgrader
    submit(folder, "full", name, None)
    assert grade(nbgrader, "full", name) == graded_by_program(name)
    submit(folder, "empty", name, {})
    assert grade(nbgrader, "empty", name) == dict.fromkeys(graded_by_program(name), 0.0)
    run = nbformat.read(folder / "autograded" / "empty" / exercise(name).notebook, as_version=4)
    only_answers_failed(run.cells)
    for cell in run.cells:
        if cell.source.startswith("check("):
            (output,) = cell.outputs
            assert "Not attempted yet (0 of" in output.evalue, cell.id


@pytest.mark.filterwarnings("ignore:Object of type")
@pytest.mark.parametrize("module", each_slow_but(names(), "e01"))
def test_nbgrader_gives_wrong_answers_what_the_checks_give(nbgrader, module, monkeypatch, request):
    set_up_reduced(monkeypatch)
    _, folder = nbgrader
    known, answers = answers_of(module)
    most = max(len(one.wrong) for one in answers.values())
    asked = {q.id: q for q in known.questions}
    everything = request.config.getoption("--all-mutants")
    for k in range(most if everything else 1):
        handed_in = {}
        for id, one in answers.items():
            wrong = list(one.wrong.values())
            handed_in[id] = wrong[k % len(wrong)][0]
        submit(folder, f"wrong{k}", known.name, handed_in)
        got = grade(nbgrader, f"wrong{k}", known.name)
        for id, source in handed_in.items():
            assert got[id] < asked[id].points, (id, source)
            if not answers[id].needs:
                assert got[id] == judge(asked[id], source).points, (id, source)
