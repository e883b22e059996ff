"""One submission harms nobody, and a run that is ended loses nothing and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from attacks.isolation import require

from course_staff.grading import command, engine, journal, scoring, stopping
from course_staff.grading.remote import RemoteWork
from course_staff.grading.results import Graded, QuestionResult
from course_staff.grading.sandbox import Limits, Sandbox
from course_staff.grading.sandbox_runtime import linux
from course_utils import checks, settings
from course_utils.exceptions import CourseError, InvalidInput

FILE = "convolution_by_hand.ipynb"
FULL = checks.exercise("01").points


def solved(before: str = "") -> bytes:
    """The solution of exercise 01, with a cell of the student's own in front."""
    path = settings.course_root() / "solutions" / "01_convolution_by_hand" / FILE
    stored = json.loads(path.read_text(encoding="utf-8"))
    if before:
        own = {"cell_type": "code", "id": "own", "metadata": {}, "source": before}
        stored["cells"].insert(0, own | {"outputs": [], "execution_count": None})
    return json.dumps(stored).encode()


def class_of(folder: Path, **cells: str) -> Path:
    for name, before in cells.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / FILE).write_bytes(solved(before))
    return folder


def grade(folder: Path, out: Path, **options) -> engine.Report:
    require()
    return command.grade([folder], out, engine.Options(**options), command.Policies())


def points(report: engine.Report) -> dict[str, float]:
    return {one.student: one.points for one in report.graded}


def records(out: Path) -> list[bytes]:
    path = out / journal.NAME
    return [line for line in path.read_bytes().split(b"\n") if line] if path.is_file() else []


# --- runs that are ended -------------------------------------------------------------------------

SPIN = "import time\nends = time.process_time() + {}\nwhile time.process_time() < ends:\n    pass"


class Run:
    """`course grade` as a process of its own, with a temporary folder of its own."""

    def __init__(self, folder: Path, workers: int, level: str = "bubblewrap") -> None:
        self.out, self.temporary = folder / "out", folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "course_utils.cli", "grade", str(folder / "class")]
        command += ["--out", str(self.out), "--workers", str(workers), "--isolation", level]
        environment = settings.environment(TMPDIR=str(self.temporary))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else inherited
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        signal.signal(signal.SIGINT, before)

    def wait_for(self, number: int) -> None:
        """Wait until so many results are kept."""
        ends = time.monotonic() + 240
        while len(records(self.out)) < number:
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < ends
            time.sleep(0.05)

    def stop(self, *signals: signal.Signals) -> set[psutil.Process]:
        """Send signals, and wait for the end; returns what ran below it."""
        below = set(psutil.Process(self.process.pid).children(recursive=True))
        for number in signals:
            self.process.send_signal(number)
            time.sleep(0.2)
        self.process.wait(120)
        return below


def still_there(processes: set[psutil.Process], folder: Path) -> list[str]:
    """What is left of these processes, and whatever else names this folder."""
    found = []
    for one in {*processes, *psutil.process_iter()}:
        with contextlib.suppress(psutil.Error):
            named = str(folder) in " ".join(one.cmdline())
            lives = one.is_running() and one.status() != psutil.STATUS_ZOMBIE
            if lives and (one in processes or named):
                found.append(f"{one.pid} {one.cmdline()[:3]}")
    return found


KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
#: Of the ways to end a run at each level, those that are tried each time.
ENDS = [
    pytest.param(signals, workers, level, marks=[] if usual else pytest.mark.slow)
    for signals, workers, level, usual in (
        ([KILL], 4, "bubblewrap", True),
        ([KILL], 1, "bubblewrap", False),
        ([TERM], 2, "bubblewrap", False),
        ([INT, INT], 2, "bubblewrap", False),
        ([INT, TERM, INT], 1, "bubblewrap", False),
        ([KILL], 2, "limits", False),
        ([TERM], 1, "limits", False),
        ([INT, INT], 4, "limits", False),
    )
]


@pytest.fixture
def open_folder(tmp_path):
    """A folder that the user nobody can enter: with limits, root's students work in it."""
    if os.geteuid() != 0:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.mark.parametrize(("signals", "workers", "level"), ENDS)
def test_nothing_outlives_a_run_that_is_ended_and_the_next_one_goes_on(
    signals, workers, level, open_folder
):
    require(level)
    quick = {"ada": "x = 1", "bob": "x = 2"}
    slow = ["cleo", "dora", "eve", "fay"]
    class_of(open_folder / "class", **quick, **dict.fromkeys(slow, SPIN.format(30)))
    run = Run(open_folder, workers, level)
    run.wait_for(2)
    below = run.stop(*signals)
    assert len(below) >= 4  # the sandbox, the processes that score, a worker
    ends = time.monotonic() + 10
    while (left := still_there(below, run.temporary)) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not left
    if signals == [KILL]:
        assert list(run.temporary.iterdir())  # nobody was there to remove them
    else:
        assert not list(run.temporary.iterdir())
        assert run.process.returncode == 128 + signals[0]
        assert "Finished results are kept" in run.process.communicate()[0]
    kept = len(records(run.out))
    class_of(open_folder / "class", **{name: f"name = {name!r}" for name in slow})
    following = Run(open_folder, workers, level)
    told = following.process.communicate(timeout=240)[0]
    assert following.process.returncode == 0, told
    assert "6 notebooks graded" in told
    assert f"{kept} of them unchanged" in told
    assert not list(run.temporary.iterdir())


def test_signals_that_are_ignored_stay_ignored_and_handlers_come_back():
    """Under nohup, and for programs in the background, signals are ignored from the start."""
    seen = []

    def interrupted():
        with stopping.at_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            seen.append("after SIGHUP")
            try:
                os.kill(os.getpid(), TERM)
                time.sleep(1)
            finally:
                for number in (INT, TERM):
                    os.kill(os.getpid(), number)
                seen.append("cleaned up")

    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, TERM, INT)}
    try:
        signal.signal(INT, signal.default_int_handler)
        with stopping.at_signals():
            pass
        assert [signal.getsignal(number) for number in before] == [
            before[signal.SIGHUP], before[TERM], signal.default_int_handler
        ]  # fmt: skip
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with pytest.raises(stopping.Stopped) as stopped:
            interrupted()
        os.kill(os.getpid(), INT)
        assert (seen, stopped.value.code) == (["after SIGHUP", "cleaned up"], 143)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_folders_of_runs_that_go_on_are_left_alone(tmp_path, monkeypatch):
    require()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Sandbox() as first:
        with Sandbox() as second:
            assert first.folder.is_dir()
            assert first.folder != second.folder
        assert first.folder.is_dir()
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        abandoned = tmp_path / f"course-grading-{gone.pid}-x"
        other = tmp_path / "course-grading-of-mine"
        linked = tmp_path / f"course-grading-{gone.pid}-link"
        abandoned.mkdir()
        other.mkdir()
        linked.symlink_to(other)
        with Sandbox():
            assert not abandoned.exists()
            assert other.is_dir()
            assert first.folder.is_dir()


@pytest.mark.slow
def test_an_ended_sandbox_and_ended_scorers_cost_nobody_anything(tmp_path, monkeypatch):
    """The processes of the grader itself are killed while they work."""
    require()
    names = ["ada", "bob", "cleo", "dora", "eve", "fay"]
    class_of(tmp_path / "class", **dict.fromkeys(names, SPIN.format(0.5)), gus=SPIN.format(0.6))
    names.append("gus")
    killed: list[str] = []
    hand_out = scoring.Scorers._hand_out

    def handed_out(self, one, tasks):
        hand_out(self, one, tasks)
        if one.task is None:
            return
        killed.append(one.task.submission.student)
        victims = {2: one.pid, 3: self._sandbox.pid, 4: self._server.pid}
        if len(killed) in victims:
            os.kill(victims[len(killed)], signal.SIGKILL)

    monkeypatch.setattr(scoring.Scorers, "_hand_out", handed_out)
    report = grade(tmp_path / "class", tmp_path / "out", workers=2)
    assert len(killed) > len(names)
    assert points(report) == dict.fromkeys(names, FULL)
    assert not report.refused


def test_what_crashed_by_chance_is_tried_again_alone(tmp_path, monkeypatch):
    rounds = []
    run = scoring.Scorers.run

    def ran(self, waiting, on_outcome):
        rounds.append([task.submission.student for task in waiting])
        if len(rounds) == 2:  # the notebook sees this file, and does not crash again
            (self._sandbox.folder / "course" / "second").touch()
        run(self, waiting, on_outcome)

    monkeypatch.setattr(scoring.Scorers, "run", ran)
    crash = "import os\nif not os.path.exists('/grading/course/second'):\n    os.abort()"
    folder = class_of(tmp_path / "class", ada=crash, bob="x = 1")
    report = grade(folder, tmp_path / "out", workers=1)
    assert rounds == [["ada", "bob"], ["ada"]]
    assert points(report) == {"ada": FULL, "bob": FULL}
    ada = report.graded[0]
    assert not ada.by_chance
    assert not ada.cells
    assert "a person should look" not in " ".join(ada.flags)


def test_what_crashes_twice_is_said_and_kept(tmp_path):
    crash = "import os\nos.abort()"
    folder = class_of(tmp_path / "class", ada=crash)
    report = grade(folder, tmp_path / "out", workers=1)
    assert "a person should look at it" in " ".join(report.graded[0].flags)
    assert report.graded[0].points == FULL  # the cell is not one of the answers
    assert grade(folder, tmp_path / "out", workers=1).reused == 1


@pytest.mark.slow
def test_a_class_waits_little_for_one_that_sleeps(tmp_path):
    names = [f"s{k}" for k in range(6)]
    sleeps = "import time\ntime.sleep(10**6)"
    folder = class_of(tmp_path / "class", **dict.fromkeys(names, ""), sleeper=sleeps)
    began = time.monotonic()
    report = grade(folder, tmp_path / "out", workers=1, limits=Limits(idle=2))
    assert time.monotonic() - began < 60
    assert points(report) == dict.fromkeys([*names, "sleeper"], FULL)
    assert any("computed nothing" in cell for one in report.graded for cell in one.cells)


# --- what is kept --------------------------------------------------------------------------------


def a_result(student: str = "ada") -> dict:
    question = QuestionResult("01.1", "One", "correct", 4, 4, "Right.", written="\ud800 ünï\n")
    return Graded(student, "01_convolution_by_hand", "x", "", [question]).as_dict()


def kept(folder: Path) -> dict:
    return journal.Journal(folder).known


class TestJournal:
    def test_each_result_is_there_as_soon_as_it_is_added(self, tmp_path):
        with journal.Journal(tmp_path / "new" / "out") as made:
            for name in ("a", "b"):
                made.add(name, a_result(name))
                assert kept(tmp_path / "new" / "out")[name] == a_result(name)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda line: line[: len(line) // 2],
            lambda line: line[:-1],
            lambda line: b"",
            lambda line: b"\0" * len(line),
            lambda line: line.replace(b'"points": 4', b'"points": 3'),
            lambda line: b"{}",
            lambda line: b"[" * 100_000,
            lambda line: b"\xff\xfe" + line,
        ],
        ids=["half", "one byte less", "gone", "zeros", "changed", "empty", "deep", "not text"],
    )
    def test_a_damaged_line_costs_only_itself(self, tmp_path, damage):
        with journal.Journal(tmp_path) as made:
            for name in ("a", "b", "c"):
                made.add(name, a_result(name))
        path = tmp_path / journal.NAME
        lines = records(tmp_path)
        path.write_bytes(b"\n".join([lines[0], lines[1], damage(lines[2])]))
        with journal.Journal(tmp_path) as again:
            assert set(again.known) == {"a", "b"}
            assert again.damaged == int(bool(damage(lines[2])))
            again.add("d", a_result("d"))
        assert set(kept(tmp_path)) == {"a", "b", "d"}
        assert journal.Journal(tmp_path).damaged == 0

    def test_no_room_is_said_in_a_sentence_and_nothing_is_lost(self, tmp_path):
        _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
        with journal.Journal(tmp_path) as made:
            made.add("a", a_result())
            size = (tmp_path / journal.NAME).stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
            try:
                with pytest.raises(InvalidInput, match=r"Nothing can be written into .* goes on"):
                    made.add("b", a_result())
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
        with journal.Journal(tmp_path) as again:
            assert (set(again.known), again.damaged) == ({"a"}, 1)
            again.add("b", a_result())
        assert set(kept(tmp_path)) == {"a", "b"}

    def test_two_runs_do_not_write_into_one_folder(self, tmp_path):
        with journal.Journal(tmp_path) as first:
            first.begin()
            with pytest.raises(InvalidInput, match="Another run"):
                journal.Journal(tmp_path).begin()
        with journal.Journal(tmp_path) as third:
            third.begin()


def test_a_run_that_was_refused_leaves_the_seed_of_the_other_one(tmp_path, monkeypatch):
    folder, out = class_of(tmp_path / "class", ada=""), tmp_path / "out"
    with journal.Journal(out) as other:
        other.begin()
        with pytest.raises(InvalidInput, match="Another run"):
            grade(folder, out, workers=1, seed=3)
    assert not (out / command.SEED_FILE).exists()


def test_what_another_run_wrote_meanwhile_is_not_lost(tmp_path):
    with journal.Journal(tmp_path) as first:
        first.add("a", a_result("a"))
        path = tmp_path / journal.NAME
        whole = path.read_bytes()
        path.write_bytes(whole[:-9])  # as another run sees a line that is being written
        second = journal.Journal(tmp_path)
        assert second.damaged == 1
        path.write_bytes(whole)
        first.add("b", a_result("b"))
    with second:
        second.add("c", a_result("c"))
    assert set(kept(tmp_path)) == {"a", "b", "c"}


def left_behind(folder: Path, outside: Path, levels: int) -> None:
    """Folders that are hard to remove: closed, full of links, and deeper than a path is long."""
    (folder / "closed" / "closed" / "full").mkdir(parents=True)
    (folder / "closed" / "closed" / "x").write_text("x")
    (folder / "link").symlink_to(outside)
    (folder / "closed" / "closed" / "full" / "..x").symlink_to("../../../..")
    os.mkfifo(folder / "pipe")
    for mode, name in ((0, "closed/closed/full"), (0o500, "closed/closed"), (0, "closed")):
        (folder / name).chmod(mode)
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        for _ in range(levels):
            os.mkdir("d" * 100)
            os.symlink("..", "up")
            os.chdir("d" * 100)
        os.chmod(".", 0o100)
    finally:
        os.chdir(here)
        os.close(here)


@pytest.mark.parametrize("levels", [60, pytest.param(1500, marks=pytest.mark.slow)])
def test_whatever_a_student_leaves_behind_can_be_removed(levels, tmp_path):
    folder, outside = tmp_path / "home", tmp_path / "kept"
    (outside / "inside").mkdir(parents=True)
    outside.chmod(0o750)
    folder.mkdir()
    left_behind(folder, outside, levels)
    linux.remove(folder, seconds=0)
    assert (folder / "closed").is_dir()
    linux.remove(folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]
    assert (outside / "inside").is_dir()
    assert outside.stat().st_mode & 0o777 == 0o750
    linux.remove(folder)
    folder.symlink_to(outside)
    linux.remove(folder)
    assert (outside / "inside").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_can_remove_closed_folders(open_folder):
    """Root is kept out of nothing, so the permissions are tried as the user nobody."""
    folder = open_folder / "home"
    folder.mkdir()
    (open_folder / "kept").mkdir()
    for place in (folder, open_folder):
        os.chown(place, 65534, 65534)
    child = os.fork()
    if child == 0:
        try:
            os.setresuid(65534, 65534, 65534)
            left_behind(folder, open_folder / "kept", 20)
            linux.remove(folder)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert [entry.name for entry in open_folder.iterdir()] == ["kept"]


def test_a_folder_that_cannot_be_written_is_found_out_before_grading(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(engine._Run, "grade", lambda self, tasks: pytest.fail("it was graded"))
    folder = class_of(tmp_path / "class", ada="")
    with pytest.raises(CourseError, match="cannot be written into .*Nothing was graded"):
        grade(folder, tmp_path / "file" / "out")


def test_a_full_temporary_folder_is_found_out_before_grading(tmp_path, monkeypatch):
    monkeypatch.setattr("course_staff.grading.sandbox._ROOM", 2**60)  # more than any disk has
    with pytest.raises(CourseError, match=r"is full: grading needs .* TMPDIR; nothing was graded"):
        grade(class_of(tmp_path / "class", ada=""), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's students work as another user")
def test_a_temporary_folder_that_is_closed_to_nobody_is_told(tmp_path, monkeypatch):
    require("limits")
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(CourseError, match="closed to the user nobody; name another one by TMPDIR"):
        Sandbox("limits").start()
    assert not list(tmp_path.iterdir())


def test_a_run_after_damage_grades_only_what_is_damaged(tmp_path):
    folder, out = class_of(tmp_path / "class", ada="", bob="x = 1"), tmp_path / "out"
    first = grade(folder, out, workers=1)
    path = out / journal.NAME
    path.write_bytes(path.read_bytes()[:-20])
    second = grade(folder, out, workers=1)
    assert (second.reused, second.damaged) == (1, 1)
    assert points(first) == points(second)
    third = grade(folder, out, workers=1)
    assert (third.reused, third.damaged) == (2, 0)
    shutil.rmtree(out)
    assert grade(folder, out, workers=1).reused == 0


def test_a_sandbox_that_was_only_launched_leaves_nothing_and_starts_again():
    sandbox = Sandbox()
    sandbox.launch()
    folder, first = sandbox.folder, sandbox.pid
    sandbox.launch()
    assert sandbox.pid == first
    sandbox.close()
    assert not folder.exists()
    assert sandbox.pid is None
    with sandbox, sandbox.worker(0) as worker:
        assert worker.run("pass") is None


def test_operations_without_a_result_come_before_the_next_one_in_their_order():
    source = "import random\ndef draw():\n    return random.random()"
    with Sandbox() as sandbox, sandbox.worker(0) as worker:
        assert worker.run(source) is None
        work = RemoteWork(worker)
        work.seed(1)
        first = work.call("draw")
        second = work.call("draw")
        work.seed(2)
        work.watch(())
        work.forget()
        work.seed(1)
        assert [work.call("draw"), work.call("draw")] == [first, second]
