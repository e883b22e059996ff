"""Hostile and broken submissions get what they earned, harm nobody, and leave nothing behind."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from answers import solution
from attacks import ATTACKS, HONEST, READABLE, trusted
from attacks.exercise import EXERCISE, cells, notebook
from attacks.isolation import require

from course_staff.grading import runner, scoring
from course_staff.grading.intake import Submission
from course_staff.grading.sandbox import LEVELS, Limits, Sandbox, WorkerEnded
from course_staff.grading.sandbox_runtime import linux
from course_staff.grading.sandbox_runtime.supervisor import NOBODY
from course_utils import settings

#: Small, so that the attacks end soon.
LIMITS = Limits(
    cell=2,
    call=1,
    submission=200,
    memory=1500 * 2**20,
    memory_of_all=1200 * 2**20,
    file_size=20 * 2**20,
    patience=2,
    idle=3,
)

#: What is tried at every level in ``make test``; the full sandbox gets all of them.
SAMPLE = {
    "honest answers",
    "a loop that catches everything",
    "os._exit in a function",
    "a fork bomb of 200 processes",
    "processes that outlive the cell",
    "an allocation of 30 GB",
    "reading answers from disk",
    "the network",
    "namespaces, ptrace and root",
    "noise on the channel",
    "reading the memory of others",
    "a signal to everybody",
    "files left for the next student",
}


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request):
    require(request.param)
    with Sandbox(request.param, limits=LIMITS) as made:
        yield made


@pytest.fixture(scope="module")
def port():
    """A listener of our own, which no submission may reach."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def below(sandbox: Sandbox) -> set[int]:
    with contextlib.suppress(psutil.Error):
        return {one.pid for one in psutil.Process(sandbox.pid).children(recursive=True)}
    return set()


def left_over() -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "attack-that-outlives" in (process.info["cmdline"] or []):
            found.append(str(process.info["cmdline"]))
    return found


#: Whose the files are that an attack leaves.
MINE = {os.geteuid(), NOBODY} if os.geteuid() == 0 else {os.geteuid()}

#: As it is drawn for a class: nobody finds it by trying.
SEED = secrets.randbits(120)


def grade(content: bytes, sandbox: Sandbox, exercise=EXERCISE):
    submission = Submission(student="S", file_name="s.ipynb", name="s.ipynb", content=content)
    return runner.grade(submission, exercise, sandbox, SEED)


def in_temporary_folder() -> list[Path]:
    """What attacks of this user left in the temporary folder of all."""
    return [one for one in Path("/tmp").glob("attacked*") if one.stat().st_uid in MINE]


@pytest.fixture
def written():
    """What an attack writes into the folder of the course, where it can; it is removed."""
    file = settings.course_root() / "attacked"
    yield file
    file.unlink(missing_ok=True)
    for left in in_temporary_folder():
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


#: ``make test`` runs the first attack of each family, such as "a detector: ...", but for two that
#: take seconds: others stop and fill a worker too.
FIRST = {attack.name.partition(":")[0]: attack.name for attack in reversed(ATTACKS)}
SELDOM = {"stopping itself", "10,000 cells"}
OFTEN = set(FIRST.values()) - SELDOM


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(attack, marks=[] if attack.name in OFTEN else pytest.mark.slow)
        for attack in ATTACKS
    ],
    ids=lambda attack: attack.name,
)
def test_attack(attack, sandbox, port, written, request):
    everything = request.config.getoption("--all-mutants")
    if sandbox.level != LEVELS[0] and attack.name not in SAMPLE and not everything:
        pytest.skip("at this level a sample; all of them with make test-all")
    root = str(settings.course_root())
    before = below(sandbox)
    graded = grade(attack.make(port, root), sandbox, attack.exercise)
    expected, alone = attack.expected, sandbox.level == "limits"
    if alone:
        expected = expected if attack.alone is None else attack.alone
    if as_user := alone and attack.as_user is not None and os.geteuid() != 0:
        expected = attack.as_user
    found = {one.question: one.status for one in graded.questions}
    assert {name: found[name] for name in expected} == expected, [
        one.sentence for one in graded.questions
    ]
    if "next student" in attack.name:
        assert grade(attack.make(port, root), sandbox).questions[1].status == "correct"
    for one in graded.questions:
        assert one.sentence.rstrip().endswith((".", "?", "!", "…", ".)")), one
        if one.status != "correct":
            assert one.points < one.maximum
    assert attack.flag in " ".join(graded.flags)
    if attack.flag != "speak for the grader":
        assert "speak for the grader" not in " ".join(graded.flags)
    if alone and attack.name in READABLE:  # else it need not be excepted
        assert graded.points == graded.maximum
    elif attack.earns is not None:
        assert graded.points <= attack.earns, [one.parts for one in graded.questions]
    if attack.hides:
        assert attack.hides not in json.dumps(graded.as_dict())
    assert written.exists() == (attack.leaves and as_user)
    assert alone or not in_temporary_folder()
    ends = time.monotonic() + 5
    while (left_over() or not below(sandbox) <= before) and time.monotonic() < ends:
        time.sleep(0.02)
    assert not left_over()
    assert below(sandbox) <= before


def test_the_next_student_gets_a_fair_start(sandbox):
    """After all of that, an honest submission gets full marks, with nothing noticed."""
    graded = grade(notebook(), sandbox)
    assert {one.question: one.status for one in graded.questions[:2]} == HONEST
    assert graded.points == 3
    assert not graded.flags
    assert not graded.cells


@pytest.mark.parametrize("question", ["01.2", "02.4", "03.2", "03.4", "05.4", "08.4"])
def test_an_honest_answer_to_what_was_attacked_earns_all(question, sandbox):
    if sandbox.level != LEVELS[0]:
        pytest.skip("once is enough")
    exercise = trusted.only(question)
    answer = solution(exercise.questions[0])
    content = trusted.answered(question[:2], **{f"q{question[3:]}": answer})(0, "")
    graded = grade(content, sandbox, exercise)
    assert graded.points == graded.maximum, graded.questions[0].sentence
    assert not graded.questions[0].notes


def test_what_the_sandbox_shows(sandbox):
    """No repository, no other process, no variable of ours; a home of its own."""
    look = """
import os
seen = {
    "user": os.getuid(),
    "files": sorted(os.listdir("/")),
    "here": os.listdir("."),
    "processes": len([one for one in os.listdir("/proc") if one.isdigit()]),
    "course": os.path.exists("ROOT/README.md"),
    "checks": "questions" in str(__import__("course_utils.checks").checks.__path__),
    "variables": len([name for name in os.environ if name.startswith("PYTEST")]),
}
"""
    root = str(settings.course_root())
    with sandbox.worker(1) as worker:
        assert worker.run(look.replace("ROOT", root)) is None
        seen = worker.operate("get", ("seen",), {}, 1)["value"]
    assert seen["user"] != 0
    assert seen["here"] == []
    assert seen["variables"] == 0
    if sandbox.level != "limits":
        assert seen["processes"] == 2
        assert not seen["course"]
        assert "grading" in seen["files"]


def test_the_same_notebook_gets_the_same_again(sandbox):
    content = notebook(cells(first="def double(x):\n    return 2 * x + 1e-3 * np.random.rand()"))
    first, second = (grade(content, sandbox) for _ in range(2))
    assert [one.sentence for one in first.questions] == [one.sentence for one in second.questions]
    assert first.points == second.points == 1


def test_what_lies_in_a_shown_folder_can_be_hidden(monkeypatch, tmp_path):
    """A package that is installed, or a course that lies, below what the sandbox shows."""
    from course_staff.grading import sandbox as module

    hidden, kept = tmp_path / "course", tmp_path / "course" / ".venv"
    kept.mkdir(parents=True)
    (hidden / "secret").write_text("12")
    (kept / "wanted").write_text("x")
    real = module._shown
    more = [[str(tmp_path), "/mnt"], [str(kept), "/mnt/course/.venv"]]

    def shown(folder):
        show, links = real(folder)
        return show + more, links

    monkeypatch.setattr(module, "_shown", shown)
    monkeypatch.setattr(module, "_hidden", lambda: ["/mnt/course"])
    tmp_path.chmod(0o755)
    require()
    with Sandbox(limits=LIMITS) as sandbox, sandbox.worker(0) as worker:
        assert worker.run("import os\nseen = os.listdir('/mnt/course')") is None
        assert worker.operate("get", ("seen",), {}, 1)["value"] == [".venv"]


def test_what_only_linux_has_is_not_needed(monkeypatch, port):
    """With limits alone, as on macOS: what ends or hangs is still told from what is wrong."""
    from course_staff.grading import sandbox as module

    monkeypatch.setattr(module, "_LINUX", False)
    known = {attack.name: attack for attack in ATTACKS}
    require("limits")
    with Sandbox("limits", limits=LIMITS) as sandbox:
        for name in (
            "honest answers",
            "os._exit in a function",
            "a loop without end in a function",
            "an object equal to everything",
        ):
            graded = grade(known[name].make(port, str(settings.course_root())), sandbox)
            found = {one.question: one.status for one in graded.questions}
            assert {key: found[key] for key in known[name].expected} == known[name].expected


def test_what_is_computed_for_all_is_shared_and_cannot_be_changed(sandbox):
    """The course's own cells fill the cache once; a student reads it and spoils it for nobody."""
    if sandbox.level == "limits":
        pytest.skip("with limits alone nothing is shared")
    make = """
import os, pathlib
folder = pathlib.Path.home().joinpath("work", "cache", "decoded", "key")
folder.mkdir(parents=True, exist_ok=True)
(folder / "images").write_text("course")
"""
    for _ in range(2):  # the second call changes nothing
        sandbox.prefill_cache("a test", [make])
    spoil = """
import os, shutil
place = os.path.join(os.path.expanduser("~"), "work", "cache", "decoded", "key")
before = open(place + "/images").read()
done = []
for attempt in (
    lambda: open(place + "/images", "w"),
    lambda: open(place + "/more", "w"),
    lambda: os.remove(place + "/images"),
    lambda: shutil.rmtree("/grading/warm/decoded/key"),
    lambda: os.rename("/grading/warm/decoded", "/grading/warm/x"),
):
    try:
        attempt()
        done.append(1)
    except OSError:
        pass
os.remove(place)
os.makedirs(place)
open(place + "/images", "w").write("student")
"""
    for _ in range(2):
        with sandbox.worker(0) as worker:
            assert worker.run(spoil) is None
            assert worker.operate("get", ("before",), {}, 1)["value"] == "course"
            assert worker.operate("get", ("done",), {}, 1)["value"] == []


@pytest.mark.parametrize("level", LEVELS)
def test_no_code_looks_into_the_processes_that_score(level):
    """With limits alone they may be the same user's; there, memory that is read can be written."""
    require(level)
    look = """
read = []
for pid in PIDS:
    for name in ("mem", "environ", "fd/0"):
        try:
            open(f"/proc/{pid}/{name}", "rb", buffering=0).close()
            read.append(name)
        except OSError:
            pass
"""
    with Sandbox(level) as sandbox, scoring.Scorers(sandbox, 1, ()) as scorers:
        scorers._add()
        pids = [scorers._server.pid, scorers._scorers[0].channel.recv(), sandbox.pid]
        with sandbox.worker(0) as worker:
            assert worker.run(look.replace("PIDS", str(pids))) is None
            assert worker.operate("get", ("read",), {}, 1)["value"] == []


def test_what_lost_its_supervisor_ends_with_the_sandbox():
    require("limits")
    sleeper = '[sys.executable, "-c", "import time; time.sleep(271)", "attack-that-outlives"]'
    start = f"import subprocess, sys\nsubprocess.Popen({sleeper}, start_new_session=True)"
    with Sandbox("limits", limits=LIMITS) as sandbox:
        with sandbox.worker(0) as worker:
            assert worker.run(start) is None
            assert left_over()
            (supervisor,) = psutil.Process(sandbox.pid).children()
            supervisor.kill()
            supervisor.wait()
            with pytest.raises(WorkerEnded) as caught:
                worker.run("pass")
        assert caught.value.how == "crashed"
        assert caught.value.by_chance  # it is tried again, and a person looks at it
    assert not left_over()


# --- who grades ----------------------------------------------------------------------------------


def test_an_ordinary_user_mounts_memory_in_namespaces_of_its_own():
    """Graders are seldom root: then the only user that a mount can belong to is their own."""
    require()
    codecs.lookup("ascii")  # nobody may not be able to read Python's own files
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            linux.set_dumpable(True)
            user, group = os.geteuid(), os.getegid()
            linux.unshare(linux.NEW_USER | linux.NEW_MOUNT)
            linux.map_own_user(user, group)
            linux.make_private()
            linux.temporary("/tmp", 2**16)
            found = os.stat("/tmp")
            code = int((found.st_uid, found.st_gid) != (user, group))
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("level", LEVELS)
def test_where_root_could_grade_an_ordinary_user_can_too(level):
    if os.geteuid() != 0:
        pytest.skip("all of these tests run as an ordinary user already")
    require()
    require("limits")  # so that nobody can read Python
    code = (
        "import sys\n"
        "from course_staff.grading.sandbox import Sandbox\n"
        "with Sandbox(sys.argv[1]) as sandbox, sandbox.worker(0) as worker:\n"
        "    assert worker.run('import os; user = os.getuid()') is None\n"
        "    assert worker.operate('get', ('user',), {}, 1)['value'] == int(sys.argv[2])\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        done = subprocess.run(
            [sys.executable, "-c", code, level, "65533"],
            user=65533,
            group=65533,
            extra_groups=[],
            cwd=settings.course_root(),
            env={"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr[-2000:]
