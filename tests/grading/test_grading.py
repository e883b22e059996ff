"""Grading: what is handed in, how it is read, and what is made of the results."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import json
import socket
import stat
import struct
import zipfile
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from answers import SEED, answers_of, given, judge, mutants_of, names, solution
from answers import cells as solution_cells
from attacks.exercise import EXERCISE, RIGHT, cells, code, notebook
from attacks.isolation import require
from typer.testing import CliRunner

from course_staff import cli
from course_staff.grading import command, engine, intake, policies, reports, runner
from course_staff.grading import notebook as reading
from course_staff.grading.intake import Submission
from course_staff.grading.messages import fixed
from course_staff.grading.remote import RemoteWork
from course_staff.grading.results import Graded, QuestionResult, from_dict
from course_staff.grading.sandbox import LEVELS, Limits, Sandbox, SandboxFailed
from course_staff.grading.sandbox_runtime import wire
from course_utils import checks, settings, student_work
from course_utils.exceptions import InvalidInput, MissingData

E01 = "01_convolution_by_hand/convolution_by_hand.ipynb"


@pytest.fixture(scope="module")
def sandbox():
    require()
    with Sandbox(limits=Limits(patience=5)) as made:
        yield made


def solved() -> bytes:
    return (settings.course_root() / "solutions" / E01).read_bytes()


def unfilled() -> bytes:
    return (settings.course_root() / "exercises" / E01).read_bytes()


# --- messages ------------------------------------------------------------------------------------


class TestWire:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            -3,
            2.5,
            float("inf"),
            1 - 2j,
            'text, ünïcode and \\ " quotes',
            [1, (2, "three"), {"a": [None], 4: 5.0}],
            student_work.Ref("model.layers.0"),
            {"d": {"d": {"ref": "not a ref"}}, "tuple": [1]},
        ],
        ids=str,
    )
    def test_plain_data_arrive_as_they_were_sent(self, value):
        here, there = socket.socketpair()
        with here, there:
            wire.send(here, value)
            assert wire.receive(there) == value

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", ">f4", "float32", "c8", "<U5"])
    def test_arrays_arrive_as_they_were_sent(self, dtype):
        for array in (np.arange(24).reshape(2, 3, 4), np.zeros((0, 3)), np.array(7)):
            sent = array.astype(dtype)
            here, there = socket.socketpair()
            with here, there:
                wire.send(here, {"x": [sent, sent.T]})
                got = wire.receive(there)["x"]
            assert got[0].dtype == sent.dtype.newbyteorder("=")
            np.testing.assert_array_equal(got[0], sent)
            np.testing.assert_array_equal(got[1], sent.T)

    @pytest.mark.parametrize("value", [object(), {1}, np.array([object()]), b"x", np.float32(1)])
    def test_nothing_else_is_sent(self, value):
        with pytest.raises(wire.NotAMessage):
            wire.encode([value])

    def test_a_deep_value_is_refused_and_not_a_crash(self):
        value: list = []
        for _ in range(100_000):
            value = [value]
        with pytest.raises(wire.NotAMessage):
            wire.encode(value)

    def test_damaged_messages_are_refused(self):
        rng = np.random.default_rng(0)
        good = wire.encode({"a": [1, (2.0, "x")], "b": np.arange(6).reshape(2, 3)})
        for _ in range(3000):
            bad = bytearray(good)
            for place in rng.integers(8, len(bad), 3):
                bad[place] = rng.integers(256)
            here, there = socket.socketpair()
            with here, there:
                here.sendall(bytes(bad))
                here.close()
                with contextlib.suppress(wire.NotAMessage, wire.Closed):
                    wire.receive(there)

    def test_a_header_that_promises_more_than_there_is_costs_no_memory(self):
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.zeros(1), allow_pickle=False)
        lying = stream.getvalue().replace(b"(1,)", b"(10**9,)").replace(b"(1,)", b"(9999999999,)")
        for data in (lying, stream.getvalue()[:-1], b"\x93NUMPY\x03\x00", b""):
            with pytest.raises(wire.NotAMessage):
                wire.decode(b'{"array": 0}', [data])
        here, there = socket.socketpair()
        with here, there:
            here.sendall(struct.pack(">II", 2**31, 0))
            with pytest.raises(wire.NotAMessage):
                wire.receive(there)

    def test_objects_are_never_unpickled(self):
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(wire.NotAMessage):
            wire.decode(b'{"array": 0}', [stream.getvalue()])


# --- what is handed in ---------------------------------------------------------------------------


class TestIntake:
    def zip_of(self, path: Path, members: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    def test_a_folder_a_zip_and_a_notebook_hold_the_same(self, tmp_path):
        (tmp_path / "class" / "Ada").mkdir(parents=True)
        (tmp_path / "class" / "Ada" / "topic.ipynb").write_bytes(b"{}")
        (tmp_path / "class" / ".ipynb_checkpoints").mkdir()
        (tmp_path / "class" / ".ipynb_checkpoints" / "topic.ipynb").write_bytes(b"{}")
        packed = self.zip_of(
            tmp_path / "moodle.zip",
            {
                "Ada_7_assignsubmission_file_/topic.ipynb": b"{}",
                "Bob_8_assignsubmission_file_topic.ipynb": b"{}",
                "Bob_9_assignsubmission_file_topic.ipynb": b"{}",
                "__MACOSX/._topic.ipynb": b"x",
                "readme.txt": b"hello",
            },
        )
        from_folder = intake.collect([tmp_path / "class"])
        assert [one.student for one in from_folder.submissions] == ["Ada"]
        from_zip = intake.collect([packed])
        # the platform's number stays only where two have the same name
        assert [one.student for one in from_zip.submissions] == ["Ada", "Bob 8", "Bob 9"]
        assert not from_folder.refused
        (left,) = from_zip.refused
        assert left.name.endswith("readme.txt")
        assert left.student == ""

    def test_accents_in_a_zip_that_does_not_say_how_they_are_written(self, tmp_path):
        packed = self.zip_of(
            tmp_path / "x.zip", {"Bob Møller_7_assignsubmission_file_t.ipynb": b""}
        )
        data = bytearray(packed.read_bytes())
        for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # take the flag for UTF-8 away
            at = data.index(mark) + place
            assert data[at + 1] & 8
            data[at + 1] &= ~8
        packed.write_bytes(data)
        with zipfile.ZipFile(packed) as archive:
            assert "Møller" not in archive.namelist()[0]
        assert [one.student for one in intake.collect([packed]).submissions] == ["Bob Møller"]

    def test_a_zip_per_student_inside_a_zip(self, tmp_path):
        inner = self.zip_of(tmp_path / "inner.zip", {"work/topic.ipynb": b"{}"}).read_bytes()
        outer = self.zip_of(tmp_path / "outer.zip", {"Ada Lovelace.zip": inner})
        assert [one.student for one in intake.collect([outer]).submissions] == ["Ada Lovelace"]

    def test_names_that_lead_out_are_refused(self, tmp_path):
        names = ["../out.ipynb", "/etc/out.ipynb", "a/../../out.ipynb", "C:\\out.ipynb"]
        packed = self.zip_of(
            tmp_path / "x.zip", {**dict.fromkeys(names, b"{}"), "ok/t.ipynb": b"{}"}
        )
        found = intake.collect([packed])
        assert [one.student for one in found.submissions] == ["ok"]
        assert len(found.refused) == len(names)
        assert all("leads out of the zip" in one.sentence for one in found.refused)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]

    def test_links_are_refused(self, tmp_path):
        packed = tmp_path / "x.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            link = zipfile.ZipInfo("Eve/topic.ipynb")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "topic.ipynb").symlink_to("/etc/passwd")
        (folder / "all").symlink_to("/etc")
        found = intake.collect([packed, folder])
        assert not found.submissions
        assert len(found.refused) == 3
        assert all("symbolic link" in one.sentence for one in found.refused)

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self, tmp_path):
        bomb = self.zip_of(tmp_path / "bomb.zip", {"Eve/topic.ipynb": bytes(60 * 2**20)})
        lying = tmp_path / "lying.zip"
        content = bytearray(self.zip_of(lying, {"Eve/t.ipynb": bytes(30 * 2**20)}).read_bytes())
        place = content.rfind(b"PK\x01\x02") + 24  # the size in the directory says 100 bytes
        content[place : place + 4] = (100).to_bytes(4, "little")
        lying.write_bytes(bytes(content))
        inner = bomb.read_bytes()
        for _ in range(4):
            inner = self.zip_of(tmp_path / "nest.zip", {"nest.zip": inner}).read_bytes()
        found = intake.collect([bomb, lying, tmp_path / "nest.zip"])
        assert not found.submissions
        assert len(found.refused) == 3

    def test_what_is_damaged_is_refused_and_the_rest_is_taken(self, tmp_path):
        (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 no zip")
        (tmp_path / "Ada.ipynb").write_bytes(b"{}")
        (tmp_path / "notes.txt").write_text("x")
        found = intake.collect([tmp_path, tmp_path / "notes.txt"])
        assert [one.student for one in found.submissions] == ["Ada"]
        assert {Path(one.name).name for one in found.refused} == {"damaged.zip", "notes.txt"}

    def test_nothing_and_nowhere_are_said(self, tmp_path):
        with pytest.raises(MissingData, match="There is no"):
            intake.collect([tmp_path / "nowhere"])
        with pytest.raises(InvalidInput, match="There is no notebook in"):
            intake.collect([tmp_path])


# --- notebooks -----------------------------------------------------------------------------------


class TestReading:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"not json",
            b"[]",
            b"3",
            b'{"cells": 3}',
            b'{"cells": [1]}',
            b'{"nbformat": 99, "cells": []}',
            b'{"nbformat": "x", "cells": []}',
            b"\xff\xfe\x00",
            b"[" * 100_000,
            b'{"nbformat": 3, "worksheets": 5}',
            b'{"nbformat": 4, "metadata": {}}',
        ],
        ids=lambda content: repr(content[:20]),
    )
    def test_what_is_no_notebook_is_refused_in_a_sentence(self, content):
        with pytest.raises(InvalidInput, match=r"It (is|has) .*\.$"):
            reading.read(content)

    def test_an_old_format_is_read(self):
        cells_before = [
            {"cell_type": "code", "input": "x = 1", "language": "python", "outputs": [],
             "collapsed": False, "metadata": {"nbgrader": {"grade_id": "90-1", "solution": True}}},
            {"cell_type": "heading", "level": 1, "source": "Title", "metadata": {}},
        ]  # fmt: skip
        old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
               "worksheets": [{"cells": cells_before, "metadata": {}}]}  # fmt: skip
        first, second = reading.read(json.dumps(old).encode())
        assert (first.source, first.question, first.role) == ("x = 1", "90.1", "answer")
        assert second.kind == "markdown"

    def test_no_metadata_at_all(self):
        (cell,) = reading.read(b'{"cells": [{"cell_type": "code", "source": ["a\\n", "b"]}]}')
        assert cell.source == "a\nb"

    def test_cell_ids_say_it_where_metadata_are_gone(self):
        one = {**code("answer = 12"), "id": "E90-2"}
        (cell,) = reading.read(notebook([one]))
        assert (cell.question, cell.role) == ("90.2", "answer")

    def test_the_exercise_is_found_by_grade_ids_then_by_name(self):
        known = checks.exercises()
        cells_of = reading.read(solved())
        assert reading.which_exercise(cells_of, "x.ipynb", known).number == "01"
        for name in (
            "convolution_by_hand.ipynb",
            "01_my_work.ipynb",
            "Convolution_by_Hand-v2.ipynb",
        ):
            assert reading.which_exercise([], name, known).number == "01"
        with pytest.raises(InvalidInput, match="It is of no exercise"):
            reading.which_exercise([], "holiday.ipynb", known)

    def test_questions_are_asked_before_the_next_one_begins(self):
        made = reading.read(notebook(cells(between="y = 1", after="answer = None")))
        steps = reading.plan(made, EXERCISE).steps
        order = [s.question.id if s.question else made[s.cell].source.split()[0] for s in steps]
        assert order == ["import", "def", "y", "90.1", "answer", "90.2", "answer"]

    def test_imports_of_well_known_modules_are_found(self):
        text = (
            "import numpy as np, os\nfrom keras import layers\nfrom course_utils import models, x"
        )
        made = reading.read(notebook([code(text), code("import os.path\nimport course_utils.cli")]))
        assert reading.imports(made) == ("course_utils.models", "keras", "numpy")


# --- one notebook --------------------------------------------------------------------------------


def grade(content: bytes, sandbox, exercise=EXERCISE):
    submission = Submission(student="S", file_name="s.ipynb", name="s.ipynb", content=content)
    return runner.grade(submission, exercise, sandbox, 1)


class TestRunner:
    def test_the_solution_gets_everything_and_the_unfilled_exercise_nothing(self, sandbox):
        exercise = checks.exercise("01")
        full, empty = (grade(content, sandbox, exercise) for content in (solved(), unfilled()))
        assert full.points + full.waits == full.maximum == exercise.points
        assert not full.flags
        assert not full.cells
        assert empty.points == 0
        assert {one.status for one in empty.questions} == {"not attempted"}

    def test_partial_credit(self, sandbox):
        only_numbers = "def double(x):\n    return 2 * float(x)"
        graded = grade(notebook(cells(first=only_numbers)), sandbox)
        first = graded.questions[0]
        assert (first.status, first.points) == ("partly", 1)
        assert [part.status for part in first.parts] == ["correct", "error"]

    def test_names_may_be_used_again_later(self, sandbox):
        made = cells(after="def double(x):\n    return 'something else'\nanswer = None")
        assert grade(notebook(made), sandbox).points == 3

    def test_an_error_in_the_answer_is_told_with_its_line(self, sandbox):
        graded = grade(notebook(cells(second="x = 1\nanswer = x / 0")), sandbox)
        second = graded.questions[1]
        assert second.status == "error"
        assert "ZeroDivisionError in line 2, `answer = x / 0`" in second.sentence
        assert any("ZeroDivisionError" in sentence for sentence in graded.cells)

    def test_errors_do_not_tell_what_was_tried(self, sandbox):
        telling = "def double(x):\n    raise ValueError(f'it was {x!r} {x}')"
        first = grade(notebook(cells(first=telling)), sandbox).questions[0]
        assert first.status == "error"
        assert first.sentence.endswith(
            "with ValueError in line 2, `raise ValueError(f'it was {x!r} {x}')` (for a number)."
        )
        assert fixed("could not convert one point three", "x = float(text)") == ""
        told = "operands could not be broadcast together with shapes (3,4) (3,)"
        assert fixed(told, "y = a + b") == "operands could not be broadcast together"
        assert fixed("name 'y' is not defined", "x = y") == "name 'y' is not defined"
        assert fixed("name 'one_point_three' is not defined", "x = y") == "name '…' is not defined"
        assert fixed("index 51234 is out of bounds for axis 0 with size 3", "") == (
            "index … is out of bounds for axis … with size …"
        )

    def test_a_written_answer_waits_for_a_person(self, sandbox):
        graded = grade(notebook(cells(written="Because *it* is so.")), sandbox)
        third = graded.questions[2]
        assert (third.status, third.written) == ("for a person", "Because *it* is so.")
        assert graded.waits == 3
        again = from_dict(json.loads(json.dumps(graded.as_dict())))
        assert again == graded

    def test_a_fault_of_a_check_costs_nobody_else(self, sandbox, monkeypatch):
        def broken(subject, rng):
            raise RuntimeError("a fault of ours")

        part = checks.Part("a fault", 2, broken)
        first = checks.Question("90.1", "Double it", 2, (part,))
        exercise = checks.Exercise("90_attacks", "Attacks", (first, *EXERCISE.questions[1:]))
        graded = grade(notebook(), sandbox, exercise)
        assert [one.status for one in graded.questions[:2]] == ["for a person", "correct"]

    def test_the_seed_decides_the_inputs(self):
        assert runner.seed_of("01_x", 1) == runner.seed_of("01_x", 1)
        assert len({runner.seed_of(name, n) for name in ("01_x", "02_y") for n in (1, 2)}) == 4


#: How many right and how many wrong answers of each question ``--all`` judges in the sandbox.
MOST = (5, 20)


def evenly(known, most):
    """As many entries of a dictionary as that at most, from its begin to its end."""
    keys = list(known)
    places = np.linspace(0, len(keys) - 1, min(len(keys), most)).round().astype(int)
    return {keys[k]: known[keys[k]] for k in places}


def test_answers_are_taken_from_all_over_the_list():
    known = {str(k): k for k in range(101)}
    assert list(evenly(known, 5).values()) == [0, 25, 50, 75, 100]
    assert evenly(known, 200) == known
    assert evenly({}, 5) == {}


@pytest.mark.parametrize("module", names())
def test_the_grader_says_what_the_checks_say(module, sandbox, request):
    """Right and wrong answers get the same verdict in a notebook and through the sandbox.

    ``make test`` takes a few of them. With ``--all`` it is :data:`MOST` of each question, mutants
    among them, from all over the list; since each starts a worker, all of them would take hours.
    """
    everything = request.config.getoption("--all-mutants")
    exercise, known = answers_of(module)
    asked = [one for one in exercise.questions if one.kind != "written"]
    if not everything:
        asked = [one for one in asked if one.kind in ("code", "model")][
            : 9 if module < "e02" else 1
        ]
    different = []
    for question in asked:
        answers = known[question.id]
        right = {"the solution": solution(question), **answers.right}
        wrong = {name: source for name, (source, _) in answers.wrong.items()}
        if everything and answers.mutants:
            known_mutants = mutants_of(question).items()
            wrong |= {n: text for n, text in known_mutants if not answers.sets_aside(n)}
        tried = {**evenly(right, MOST[0]), **evenly(wrong, MOST[1])}
        if not everything:  # one right and one wrong answer, others for other questions
            number = zlib.crc32(question.id.encode())
            some = [list(kind)[number % len(kind)] for kind in (right, wrong)]
            tried = {name: {**right, **wrong}[name] for name in some}
        for name, source in tried.items():
            here = judge(question, source, answers.needs, seconds=30)
            there = _judge_there(question, source, answers.needs, sandbox)
            if there != (here.status, here.points, here.mistake):
                said = (here.status, here.points, here.mistake)
                different.append(f"{question.id}, {name}: here {said}, there {there}")
    assert not different, "\n".join(different)


@pytest.mark.parametrize("name", ["rows and maps", "weights not written", "weights summed in both"])
def test_a_right_function_stands_in_for_a_wrong_one_in_the_sandbox(name, sandbox):
    question = checks.exercise("07").questions[1]
    source, _ = answers_of("e07_grad_cam")[1]["07.2"].wrong[name]
    status, points, _ = _judge_there(question, source, (), sandbox)
    assert (status, points) == ("partly", 2), "wrong weights cost their own part only"


def _judge_there(question, source, needs, sandbox):
    texts = []
    for cell in solution_cells(question.id[:2]):
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade_id") == question.id.replace(".", "-"):
            break
        if cell["cell_type"] == "code" and not mark:
            texts.append("".join(cell["source"]))
    exercise = checks.exercise(question.id[:2])
    texts += [solution(q) for q in exercise.questions if q.id in needs]
    preload = reading.imports([reading.Cell("code", t) for t in texts])
    with contextlib.ExitStack() as stack:

        def start():
            worker = sandbox.worker(SEED, preload, without=frozenset(question.forbids))
            stack.enter_context(worker)
            for text in texts:
                worker.run(text)
            return worker

        @functools.cache
        def clean():
            return stack.enter_context(sandbox.worker(0, ("keras", "tensorflow")))

        def again():
            worker = start()
            worker.run(source)
            return RemoteWork(worker, clean=clean)

        worker = start()
        if worker.run(source) is not None:
            return ("error", 0.0, None)
        found = checks.verdict(question, RemoteWork(worker, clean=clean, again=again), SEED)
    return (found.status, found.points, found.mistake)


# --- a class -------------------------------------------------------------------------------------


def class_of(folder: Path, **students: bytes) -> Path:
    for name, content in students.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "convolution_by_hand.ipynb").write_bytes(content)
    return folder


def altered(content: bytes, grade_id: str, source: str) -> bytes:
    stored = json.loads(content)
    for cell in stored["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            cell["source"] = source
    return json.dumps(stored).encode()


def facts(report: engine.Report) -> list:
    return [(one.student, one.points, one.flags, one.questions) for one in report.graded]


def run_grade(*arguments: str):
    return CliRunner().invoke(cli.app, ["grade", *arguments], catch_exceptions=False)


class TestClass:
    @pytest.fixture
    def folder(self, tmp_path, sandbox):
        ada = solved()
        return class_of(
            tmp_path / "class", ada=ada, bob=ada, cleo=unfilled(),
            dora=altered(ada, "01-2", "def convolve(image, kernel, bias=0.0):\n    return image"),
        )  # fmt: skip

    def test_reports_are_written_and_a_second_run_grades_only_what_changed(self, folder, tmp_path):
        out = tmp_path / "report"
        (folder / "eve.ipynb").write_text("<html>")
        told = run_grade(str(folder), "--out", str(out), "--format", "nbgrader",
                         "--format", "gradescope").output  # fmt: skip
        assert "4 notebooks graded" in told
        assert "not graded:" in told
        stored = json.loads((out / "grades.json").read_text(encoding="utf-8"))
        points = {one["student"]: one["points"] for one in stored["graded"]}
        assert points["ada"] == points["bob"] > points["dora"] > points["cleo"] == 0
        kept = json.loads((out / "seed.json").read_text())["seed"]
        assert kept > 2**64
        assert (out / "seed.json").stat().st_mode & 0o777 == 0o600
        for path in out.rglob("*"):  # nobody but the instructor gets to know it
            if path.is_file() and path.name != "seed.json":
                assert str(kept) not in path.read_text(encoding="utf-8")
        assert str(kept) not in told
        assert stored["isolation"] in LEVELS
        assert stored["refused"][0]["sentence"].startswith("It is no notebook")
        with (out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows[0]["student"] == "(maximum)"
        assert float(rows[0]["01.2"]) == checks.question("01.2").points
        assert {row["student"]: float(row["points"]) for row in rows[1:5]} == points
        (eve,) = rows[5:]
        assert (eve["student"], eve["points"], eve["statuses"]) == ("eve", "", "not graded")
        assert eve["flags"].startswith("It is no notebook")
        pages = {path.name for path in (out / "feedback").iterdir()}
        assert pages == {"ada.html", "bob.html", "cleo.html", "dora.html"}
        dora = (out / "feedback" / "dora.html").read_text(encoding="utf-8")
        assert "array of shape" in dora or "shape" in dora
        assert "same as those" not in dora
        summary = (out / "summary.html").read_text(encoding="utf-8")
        assert "The answers are the same as those of bob." in summary
        assert "eve.ipynb" in summary
        assert summary.count("<svg") > 3
        export = list(csv.DictReader((out / "nbgrader.csv").open(encoding="utf-8", newline="")))
        assert {row["student_id"]: float(row["score"]) for row in export} == points
        scope = json.loads((out / "gradescope" / "ada-01_convolution_by_hand.json").read_text())
        assert scope["score"] == points["ada"] == sum(one["score"] for one in scope["tests"])

        class_of(folder, cleo=altered(solved(), "01-1", "first = 1"))
        seen: list[int] = []
        report = command.grade([folder], out, engine.Options(), command.Policies(), seen.append)
        assert (seen, report.reused) == ([1], 3)
        assert 0 < {one.student: one.points for one in report.graded}["cleo"] < points["ada"]
        other = engine.Options(seed=7)
        assert command.grade([folder], out, other, command.Policies()).reused == 0

    def test_two_processes_give_what_one_gives(self, folder, tmp_path):
        one, two = (
            command.grade(
                [folder], tmp_path / f"out{n}", engine.Options(5, workers=n), command.Policies()
            )
            for n in (1, 2)
        )
        assert facts(one) == facts(two)

    @pytest.mark.slow
    def test_a_cluster_gives_what_one_process_gives(self, folder, tmp_path):
        distributed = pytest.importorskip("distributed")
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
        )
        with cluster:
            options = engine.Options(scheduler=cluster.scheduler_address)
            there = command.grade([folder], tmp_path / "there", options, command.Policies())
        here = command.grade([folder], tmp_path / "here", engine.Options(), command.Policies())
        assert facts(there) == facts(here)

    @pytest.mark.slow
    def test_no_scheduler_is_said(self, folder, tmp_path):
        pytest.importorskip("distributed")
        options = engine.Options(scheduler="tcp://127.0.0.1:9")
        with pytest.raises(InvalidInput, match="No scheduler answers"):
            command.grade([folder], tmp_path / "out", options, command.Policies())

    def test_no_code_runs_where_the_full_sandbox_does_not_work(self, folder, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))  # no bwrap
        with pytest.raises(SandboxFailed, match=r"bubblewrap is not installed.*--isolation limits"):
            command.grade([folder], tmp_path / "out", engine.Options(), command.Policies())
        assert not (tmp_path / "out").exists()

    def test_names_stay_hidden_where_ids_are_wanted(self, folder, tmp_path):
        out = tmp_path / "report"
        for _ in range(2):
            run_grade(str(folder), "--out", str(out), "--anonymous")
        ids = json.loads((out / "identities.json").read_text(encoding="utf-8"))["ids"]
        assert sorted(ids) == ["ada", "bob", "cleo", "dora"]
        for path in [out / "grades.csv", out / "summary.html", *(out / "feedback").iterdir()]:
            text = path.read_text(encoding="utf-8")
            assert not any(f">{name}<" in text or f"{name}," in text for name in ids), path
        assert {path.stem for path in (out / "feedback").iterdir()} == set(ids.values())

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--format", "pdf"], "--format is 'pdf'.*nbgrader"),
            (["--attempts", "worst"], "--attempts is 'worst'.*last.*best"),
            (["--marks", "nowhere.csv"], "There is no nowhere.csv with marks"),
            (["--exercise", "99"], "There is no exercise '99'"),
            (["--isolation", "none"], "--isolation is 'none'.*bubblewrap"),
        ],
    )
    def test_what_is_asked_wrongly_is_said(self, folder, tmp_path, arguments, sentence):
        with pytest.raises((InvalidInput, MissingData), match=sentence):
            run_grade(str(folder), "--out", str(tmp_path / "out"), *arguments)


# --- policies ------------------------------------------------------------------------------------


def made(student: str, points: float = 2, **more) -> Graded:
    one = QuestionResult("01.1", "One", "partly", points, 4, "Half of it.")
    two = QuestionResult("01.2", "Two", "for a person", 0, 2, "Waits.", written="Because.")
    facts = {"name": f"{student}.ipynb", "sha256": "", "questions": [one, two], **more}
    return Graded(student, "01_convolution_by_hand", **facts)


def test_pages_are_named_after_students_in_any_script():
    names = reports.file_names(["Bob Møller", "王伟", "李娜", "../x", "***", "bob  møller"])
    assert list(names.values()) == [
        "bob-møller.html",
        "王伟.html",
        "李娜.html",
        "x.html",
        "student.html",
        "bob-møller-2.html",
    ]


def test_an_answer_that_waits_for_a_mark_does_not_count_as_hard(tmp_path):
    report = engine.Report([made("ada", 1), made("bob", 2)], [], "limits", 1)
    reports.write(report, tmp_path)
    shown = (tmp_path / "summary.html").read_text(encoding="utf-8")
    assert shown.index("01.1 · One") < shown.index("01.2 · Two")
    assert "2 wait for a mark" in shown
    assert "38 %" in shown  # 3 of 8 points of the first question
    assert "0 %</td>" not in shown


class TestPolicies:
    def test_one_of_several_attempts_counts(self):
        several = [made("ada", 3, attempt=1), made("ada", 1, attempt=2), made("bob", 2)]
        for which, points in {"last": 1, "best": 3, "first": 3}.items():
            kept = policies.choose_attempts(several, which)
            assert {one.student: one.points for one in kept} == {"ada": points, "bob": 2}
        assert "Of 2 attempts" in kept[0].flags[-1]

    def test_lateness_costs_what_was_said(self):
        late = policies.Lateness(datetime(2026, 3, 1, 12), per_day=0.1)
        times = ["2026-03-01T11:59:00", "2026-03-01T12:01:00", "2026-03-03T13:00:00", None]
        graded = [made("s", 4, time=time) for time in times]
        late.apply(graded)
        assert [one.penalty for one in graded] == [0, 0.6, 1.8, 0]
        assert [one.points for one in graded] == [4, 3.4, 2.2, 4]
        assert "late" in graded[1].flags[0]
        marked = made("s", 1, late=True)
        policies.Lateness(None, 0.5).apply([marked])
        assert marked.points == 0

    def test_copies_are_noted(self):
        graded = [made("ada", answers="x"), made("bob", answers="x"), made("cleo", answers="")]
        for _ in range(2):
            policies.flag_identical(graded)
        assert graded[0].flags == ["The answers are the same as those of bob."]
        assert graded[2].flags == []

    def test_a_copy_in_a_whole_class_names_a_few(self):
        graded = [made(f"student{k:02}", answers="x") for k in range(30)]
        policies.flag_identical(graded)
        assert (
            graded[2]
            .flags[0]
            .endswith("of student00, student01, student03, student04, student05, 24 more.")
        )

    def test_copies_with_other_blanks_and_comments_are_the_same(self, sandbox):
        long = RIGHT["90.1"] + "\n" + "\n".join(f"name_{k} = {k} + 1" for k in range(30))
        other = "# mine\n" + long.replace(" = ", "=").replace("\n", "\n\n", 3) + "   # done"
        first, second = (grade(notebook(cells(first=one)), sandbox) for one in (long, other))
        assert first.answers == second.answers != ""
        assert grade(notebook(), sandbox).answers == ""


class TestPages:
    def test_what_students_write_is_text_and_never_markup(self, tmp_path):
        evil = "<script>alert(1)</script>"
        graded = made(evil, flags=[evil], cells=[evil])
        graded.questions[1].written = evil
        graded.questions[0].sentence = evil
        report = engine.Report([graded], [intake.Refused(evil, evil)], "limits", 1)
        reports.write(report, tmp_path)
        for path in tmp_path.rglob("*.html"):
            assert "<script" not in path.read_text(encoding="utf-8")
        assert [path.name for path in (tmp_path / "feedback").iterdir()] == [
            "script-alert-1-script.html"
        ]

    def test_each_student_has_a_page_of_their_own(self):
        students = ["Ada L", "ada-l", "../../x", "Ωmega", "陈", "陈晨"]
        names = reports.file_names(students)
        assert len(set(names.values())) == len(students)
        assert all("/" not in name and not name.startswith(".") for name in names.values())

    def test_no_cell_is_a_formula(self, tmp_path):
        report = engine.Report([made("=1+1")], [], "limits", 1)
        reports.write(report, tmp_path)
        assert "'=1+1" in (tmp_path / "grades.csv").read_text(encoding="utf-8")


def test_given_cells_are_the_same_for_notebook_and_grader():
    assert "convolve" not in given("01", "01.1")
