"""Processes that score, forked from one that has imported what the checks need.

One scorer grades one notebook at a time. All of them ask for workers in one sandbox, so that what
notebooks import is imported once. None of these processes outlives the one that started them.

grading ── server (imports) ── scorers ──▶ sandbox
"""

from __future__ import annotations

import array
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_staff.grading.sandbox import Limits, Sandbox, SandboxFailed
from course_staff.grading.sandbox_runtime import linux
from course_utils import settings

if TYPE_CHECKING:
    from course_staff.grading.engine import Task

_START = (
    "import sys; sys.path.insert(0, {code!r}); "
    "from course_staff.grading import scoring; scoring.serve(sys.argv[1:])"
)
#: Seconds in which a scorer has to be there, imports included.
_STARTS = 300.0
#: Seconds that scoring may take on top of the time that a submission may take.
_SCORING = 120.0

#: What a scorer found for a task, see :func:`~course_staff.grading.engine.grade_one`.
Outcome = dict[str, Any]


@dataclass
class _Scorer:
    """A process that scores, as the grading process sees it."""

    channel: connection.Connection
    pid: int = 0
    task: Task | None = None
    ends: float = 0.0

    def close(self) -> None:
        """End it; its worker then ends, too."""
        self.channel.close()
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


class Scorers:
    """The processes that score; a context manager.

    Parameters
    ----------
    sandbox : Sandbox
        Where the students' code runs; the scorers share it.
    number : int
        How many score at the same time.
    exercises : sequence of str
        The exercises whose checks are imported once for all scorers.

    Raises
    ------
    SandboxFailed
        If they cannot be started.
    """

    def __init__(self, sandbox: Sandbox, number: int, exercises: Sequence[str]) -> None:
        self._sandbox, self._number = sandbox, number
        self._scorers: list[_Scorer] = []
        self._ended = False
        mine, theirs = socket.socketpair()
        shared = sandbox.fileno()
        facts = {
            "shared": shared,
            "level": sandbox.level,
            "limits": asdict(sandbox.limits),
            "folder": str(sandbox.folder),
            "exercises": list(exercises),
        }
        code = str(Path(__file__).resolve().parents[2])
        arguments = [str(os.getpid()), str(theirs.fileno()), json.dumps(facts)]
        command = [sys.executable, "-P", "-c", _START.format(code=code), *arguments]
        self._log = sandbox.scoring / "log"
        try:
            with self._log.open("wb") as log:
                self._server = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[theirs.fileno(), shared],
                    env=_environment(sandbox.scoring),
                    start_new_session=True,  # Ctrl-C is for the grading process
                )
        except OSError as error:
            mine.close()
            raise SandboxFailed(f"No process that scores can be started: {error}.") from error
        finally:
            theirs.close()
        self._control = mine

    def __enter__(self) -> Scorers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all of them."""
        for one in self._scorers:
            one.close()
        self._scorers.clear()
        self._control.close()
        self._server.kill()
        self._server.wait()

    def run(self, tasks: deque[Task], on_outcome: Callable[[Task, Outcome], None]) -> None:
        """Let the tasks be done.

        A scorer that ends, or that takes longer than a submission may, is replaced; the outcome of
        its task is then ``{"broken": sentence}``, as where the sandbox fails. Where the sandbox
        itself ended, or the process that scorers are forked from, this returns early.

        Parameters
        ----------
        tasks : deque of Task
            Is emptied from the left as tasks are handed out.
        on_outcome : callable
            Told each task and its outcome when it is known.
        """
        for _ in range(min(self._number, len(tasks))):
            self._add()
        while self._scorers and self.is_running:
            moment = min(one.ends for one in self._scorers)
            channels = [one.channel for one in self._scorers]
            ready = connection.wait(channels, max(0.0, moment - time.monotonic()))
            for one in list(self._scorers):
                late = time.monotonic() >= one.ends
                if one.channel in ready or late:
                    self._hear(one, tasks, on_outcome, late=one.channel not in ready)
        for one in self._scorers:
            if one.task is not None:
                on_outcome(one.task, {"broken": "The sandbox ended while it ran."})

    @property
    def is_running(self) -> bool:
        """Whether tasks can be done: the sandbox and the server of the scorers run."""
        return self._sandbox.is_running and not self._ended and self._server.poll() is None

    def _hear(
        self,
        one: _Scorer,
        tasks: deque[Task],
        on_outcome: Callable[[Task, Outcome], None],
        late: bool,
    ) -> None:
        task, one.task = one.task, None
        outcome: Outcome = {"broken": "Scoring it took too long and was stopped."}
        try:
            if late:
                raise EOFError
            heard = one.channel.recv()
        except (EOFError, OSError):
            self._scorers.remove(one)
            one.close()
            if task is None:  # it did not even start
                self._ended = True
            if not late:
                outcome = {"broken": "The process that scored it ended."}
            if tasks:
                self._add()
        else:
            if task is None:
                one.pid = heard
            else:
                outcome = heard
        if task is not None:
            on_outcome(task, outcome)
        if one in self._scorers:
            self._hand_out(one, tasks)

    def _hand_out(self, one: _Scorer, tasks: deque[Task]) -> None:
        if not tasks:
            self._scorers.remove(one)
            one.channel.close()  # it then ends by itself
            return
        one.task = tasks.popleft()
        limits = self._sandbox.limits
        one.ends = time.monotonic() + limits.submission * limits.clock + _SCORING
        with contextlib.suppress(OSError):  # where it ended, that is heard next
            one.channel.send(one.task)

    def _add(self) -> None:
        mine, theirs = socket.socketpair()
        try:
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        except OSError:
            mine.close()
            self._ended = True
            return
        finally:
            theirs.close()
        channel = connection.Connection(mine.detach())
        self._scorers.append(_Scorer(channel, ends=time.monotonic() + _STARTS))

    def last_words(self) -> str:
        """The last line that the processes that score wrote into their log."""
        with contextlib.suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return lines[-1]
        return "the reason is not known."


def _environment(folder: Path) -> dict[str, str]:
    """The networks of the checks are tiny: no graphics card, one thread, no start-up lines."""
    one_thread = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return settings.environment(
        CUDA_VISIBLE_DEVICES="-1",
        TF_CPP_MIN_LOG_LEVEL="3",
        OPENBLAS_NUM_THREADS="1",
        KERAS_BACKEND="tensorflow",
        TMPDIR=str(folder),
        **dict.fromkeys(one_thread, "1"),
    )


# --- in the processes that score ---------------------------------------------------------------


def serve(arguments: list[str]) -> None:
    """Fork a scorer for each socket that comes, until the grading process ends."""
    linux.end_with_parent(int(arguments[0]))
    linux.set_dumpable(False)  # with limits alone, a student's code may run as the same user
    control = socket.socket(fileno=int(arguments[1]))
    facts = json.loads(arguments[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    from course_staff.grading import engine

    engine.preload(facts["exercises"])
    gc.collect()
    gc.freeze()
    server = os.getpid()
    while True:
        number = _receive(control)
        if number is None:
            os._exit(0)
        if os.fork() == 0:
            code = 1
            try:
                linux.end_with_parent(server)
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                limits = Limits(**facts["limits"])
                sandbox = Sandbox.attached(
                    facts["shared"], facts["level"], limits, Path(facts["folder"])
                )
                _score(connection.Connection(number), sandbox, engine.grade_in)
                code = 0
            finally:
                os._exit(code)
        os.close(number)


def _receive(control: socket.socket) -> int | None:
    numbers = array.array("i")
    _, extra, _, _ = control.recvmsg(1, socket.CMSG_SPACE(numbers.itemsize))
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(content[: numbers.itemsize])
    return numbers[0] if numbers else None


def _score(
    channel: connection.Connection, sandbox: Sandbox, grade: Callable[[Task, Sandbox], Outcome]
) -> None:
    """Do tasks until the grading process has no more."""
    channel.send(os.getpid())
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = channel.recv()
            try:
                outcome = grade(task, sandbox)
            except SandboxFailed as error:
                outcome = {"broken": str(error)}
            channel.send(outcome)
