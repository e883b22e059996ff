"""A right answer gets its marks every time: room in the limits, and no mark that chance decides."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attacks.exercise import EXERCISE, cells, code, notebook
from attacks.isolation import require

from course_staff.grading import command, engine, runner
from course_staff.grading.intake import Submission
from course_staff.grading.sandbox import Budget, Limits, Sandbox, Worker
from course_utils import checks, settings

#: The numbers of the exercises.
NUMBERS = [one.number for one in checks.exercises()]


def solution_of(number: str) -> Path:
    (path,) = (settings.course_root() / "solutions").glob(f"{number}_*/*.ipynb")
    return path


@pytest.fixture(scope="module")
def sandbox(request):
    require()
    epochs = None if request.config.getoption("--all-mutants") else 1
    with Sandbox(epochs=epochs) as made:
        yield made


@pytest.mark.parametrize(
    "number",
    [n if n == "01" else pytest.param(n, marks=pytest.mark.slow) for n in NUMBERS],
)
def test_limits_are_twice_what_the_solution_needs(number, sandbox, monkeypatch):
    used: list[dict] = []
    longest = [0.0]
    close, run = Worker.close, Worker.run

    def closed(worker):
        close(worker)
        used.append(worker.usage)

    def timed(worker, source):
        began = time.monotonic()
        try:
            return run(worker, source)
        finally:
            longest[0] = max(longest[0], time.monotonic() - began)

    monkeypatch.setattr(Worker, "close", closed)
    monkeypatch.setattr(Worker, "run", timed)
    path = solution_of(number)
    submission = Submission(
        student="S", file_name=path.name, name=path.name, content=path.read_bytes()
    )
    graded = runner.grade(submission, checks.exercise(number), sandbox, 1)
    assert graded.points + graded.waits == graded.maximum
    limits = sandbox.limits
    # The process with the student's code, and those that compute beside it. (The data of one that
    # ends within a fifth of a second are not measured.)
    assert 2 * max(usage["data"] for usage in used) <= limits.memory
    assert 0 < 2 * max(usage["peak"] for usage in used) <= limits.memory_of_all
    assert 0 < 2 * sum(usage["cpu"] for usage in used) <= limits.submission
    assert 2 * longest[0] <= limits.cell * limits.clock + limits.patience


@pytest.fixture
def load():
    """Two processes that compute all the time."""
    made = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for one in made:
        one.kill()
        one.wait()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_solution_gets_full_marks_every_time(workers, load, tmp_path, request):
    require()
    copies = 50 if request.config.getoption("--all-mutants") else {1: 1, 2: 1, 4: 2}[workers]
    for number in NUMBERS:
        for k in range(copies):
            place = tmp_path / "class" / f"student{k:02}" / solution_of(number).name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(solution_of(number).read_bytes())
    options = engine.Options(workers=workers, epochs=1)
    report = command.grade([tmp_path / "class"], tmp_path / "out", options, command.Policies())
    assert len(report.graded) == copies * len(NUMBERS)
    assert not report.refused
    short = [
        f"{one.exercise}, {question.question}: {question.points} of {question.maximum}: "
        f"{question.sentence}"
        for one in report.graded
        for question in one.questions
        if question.points < question.maximum and question.status != "for a person"
    ]
    assert not short
    assert not any(one.by_chance for one in report.graded)


def test_the_machine_decides_how_many_workers(monkeypatch):
    memory = engine.psutil.virtual_memory()

    def most(gigabytes: float, processors: int) -> int:
        monkeypatch.setattr(engine.os, "sched_getaffinity", lambda _: range(processors))
        available = memory._replace(available=int(gigabytes * 2**30))
        monkeypatch.setattr(engine.psutil, "virtual_memory", lambda: available)
        return engine.most_workers(Limits(memory_of_all=2 * 2**30))

    def of_container(name: str) -> str:
        raise OSError

    monkeypatch.setattr(engine, "_of_container", of_container)
    assert most(64, 8) == 8
    assert most(9, 8) == 4
    assert most(1, 8) == 1
    files = {"cpu.max": "150000 100000", "memory.max": "max", "memory.current": "0"}
    monkeypatch.setattr(engine, "_of_container", files.__getitem__)
    assert most(64, 8) == 2
    files |= {"cpu.max": "max 100000", "memory.max": str(7 * 2**30), "memory.current": str(2**30)}
    assert most(64, 8) == 3


# --- what only waits -----------------------------------------------------------------------------

WAITS = Limits(idle=3, idle_of_all=3)
SLEEP = "import time\ntime.sleep(10**6)"

#: Cells that compute nothing, and that nobody should have to wait for.
WAITING = {
    "sleep": SLEEP,
    "many sleeps": "import time\nwhile True:\n    time.sleep(0.001)",
    "a lock that nobody opens": "import threading\na = threading.Lock()\na.acquire()\na.acquire()",
    "a pipe that nobody writes to": "import os\nos.read(os.pipe()[0], 1)",
    "a child that sleeps": "import subprocess\nsubprocess.run(['sleep', '1000'])",
    "sleep that swallows every error": (
        "import time\nwhile True:\n    try:\n        time.sleep(10**6)\n"
        "    except BaseException:\n        pass"
    ),
}

#: Cells that must not be stopped: they compute, or wait for a short time.
NOT_WAITING = {
    "a child computes": (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
        "'import time\\nends = time.time() + 5\\nwhile time.time() < ends: pass'])"
    ),
    "a thread computes": (
        "import threading, time\nends = time.time() + 5\ndef work():\n"
        "    while time.time() < ends: pass\none = threading.Thread(target=work)\n"
        "one.start()\none.join()"
    ),
    "a short sleep": "import time\ntime.sleep(1.5)",
}


@pytest.fixture(scope="module")
def impatient():
    require()
    with Sandbox(limits=WAITS) as made:
        yield made


def grade(content: bytes, sandbox: Sandbox, used: float = 0.0):
    submission = Submission(student="S", file_name="s.ipynb", name="s.ipynb", content=content)
    return runner.grade(submission, EXERCISE, sandbox, 1, used)


@pytest.fixture(scope="module")
def waited(impatient):
    """Return the seconds and the result of each notebook; all of them run at the same time."""
    many = cells()
    many[2:2] = [code(SLEEP)] * 4
    made = {
        **{name: cells(between=one) for name, one in {**WAITING, **NOT_WAITING}.items()},
        "in an answer": cells(first="import time\n\ndef double(x):\n    time.sleep(10**6)"),
        "many cells": many,
    }

    def wait(name: str):
        began = time.monotonic()
        graded = grade(notebook(made[name]), impatient)
        return time.monotonic() - began, graded

    with ThreadPoolExecutor(len(made)) as pool:
        return dict(zip(made, pool.map(wait, made), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", WAITING)
def test_what_only_waits_is_stopped_soon_and_costs_nothing_else(name, waited):
    seconds, graded = waited[name]
    assert seconds < 30
    assert graded.points == 3
    assert "computed nothing, so it was stopped" in graded.cells[0]
    assert not graded.by_chance  # a second try would wait again


@pytest.mark.slow
def test_waiting_in_an_answer_costs_that_answer(waited):
    _, graded = waited["in an answer"]
    assert [one.status for one in graded.questions[:2]] == ["timeout", "correct"]


@pytest.mark.slow
def test_many_cells_that_wait_share_one_budget(waited):
    _, graded = waited["many cells"]
    assert graded.points == 3
    first, *others = [int(re.search(r"waited for (\d+) s", one)[1]) for one in graded.cells]
    assert WAITS.idle <= first <= WAITS.idle + 2
    assert len(others) == 3
    assert max(others) < WAITS.idle  # as long as it takes to find out that they wait
    longest = Limits().idle_of_all + 3 * runner.MOST_RESTARTS
    assert longest <= 120  # what one such notebook may cost a class


@pytest.mark.slow
@pytest.mark.parametrize("name", NOT_WAITING)
def test_what_computes_is_not_stopped(name, waited):
    _, graded = waited[name]
    assert graded.points == 3
    assert not graded.cells


@pytest.mark.slow
def test_all_restarts_share_the_time_of_a_submission():
    require()
    limits = Limits(cell=4, submission=6, patience=2)
    spin = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    made = cells()
    made[2:2] = [code(spin)] * 8
    with Sandbox(limits=limits) as sandbox:
        began = time.monotonic()
        graded = grade(notebook(made), sandbox)
        assert time.monotonic() - began < limits.submission * limits.clock + 15
    assert [one.status for one in graded.questions[:2]] == ["timeout", "timeout"]
    assert "time for the whole notebook" in graded.questions[1].sentence


def test_a_second_try_has_what_the_first_one_left():
    limits = Limits(submission=10, clock=3)
    assert 29 < Budget(limits).clock <= 30
    assert Budget(limits, used=25).clock <= 5
    assert Budget(limits, used=29.5).spent


# --- what chance may decide ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "by_chance"),
    [
        ("import os\nos.abort()", True),
        ("import ctypes\nctypes.string_at(0)", True),
        ("import os\nos._exit(127)", True),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", True),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGBUS)", True),
        ("import os\nos._exit(0)", False),
        ("raise SystemExit", False),
        ("x = 1 / 0", False),
    ],
)
def test_crashes_of_libraries_are_told_from_those_of_the_student(source, by_chance, impatient):
    assert grade(notebook(cells(between=source)), impatient).by_chance == by_chance


# --- a notebook's own folder ---------------------------------------------------------------------


def test_a_module_that_a_cell_wrote_can_be_imported(impatient):
    made = cells(first="from helper import double")
    made.insert(2, code("%%writefile helper.py\ndef double(x):\n    return 2 * x"))
    assert grade(notebook(made), impatient).points == 3
    made.pop(2)  # the next worker's folder is empty again
    assert grade(notebook(made), impatient).questions[0].status == "error"


def test_a_module_that_is_written_again_is_read_again(impatient):
    write = "%%writefile helper.py\ndef double(x):\n    return {} * x"
    made = cells(first="import importlib\nimportlib.reload(helper)\ndouble = helper.double")
    made[2:2] = [code(one) for one in (write.format(3), "import helper", write.format(2))]
    assert grade(notebook(made), impatient).points == 3


def test_a_package_and_a_file_that_a_cell_wrote(impatient):
    made = cells(first="from tools.more import double", second="answer = int(open('n.txt').read())")
    made[2:2] = [
        code(source)
        for source in (
            "import os\nos.makedirs('tools')\nopen('tools/__init__.py', 'w').close()",
            "%%writefile tools/more.py\ndef double(x):\n    return 2 * x",
            "%%writefile n.txt\n12",
        )
    ]
    assert grade(notebook(made), impatient).points == 3
