"""Scoring processes, forked from one that has imported what the checks need.

A scorer grades one notebook at a time. All scorers share one sandbox, so that what notebooks import
is imported once. No process outlives the one that started it.

grading ── server (imports) ── scorers ──▶ sandbox
"""

from __future__ import annotations

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
from typing import Any

from course_staff.grading import tasks
from course_staff.grading.sandbox import Limits, Sandbox, SandboxFailed
from course_staff.grading.sandbox_runtime import linux
from course_staff.grading.tasks import Outcome, Task
from course_utils import settings

_START = (
    "import sys; sys.path.insert(0, {code!r}); "
    "from course_staff.grading import scoring; scoring.serve(sys.argv[1:])"
)
#: Seconds until a scorer must have started, imports included.
_STARTS = 300.0
#: Seconds that scoring may take beyond the time limit of a submission.
_SCORING = 120.0


@dataclass
class _Scorer:
    """A scoring process, as the grading process sees it."""

    channel: connection.Connection
    pid: int = 0
    task: Task | None = None
    ends: float = 0.0

    def close(self) -> None:
        """Kill the scorer; its worker then ends, too."""
        self.channel.close()
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


class Scorers:
    """A pool of scoring processes; a context manager.

    Parameters
    ----------
    sandbox : Sandbox
        The sandbox for the students' code, which all scorers share.
    number : int
        The number of scorers.
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
            raise SandboxFailed(f"No scoring process can be started: {error}.") from error
        finally:
            theirs.close()
        self._control = mine

    def __enter__(self) -> Scorers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill all scorers and the process they are forked from."""
        for scorer in self._scorers:
            scorer.close()
        self._scorers.clear()
        self._control.close()
        self._server.kill()
        self._server.wait()

    def run(self, waiting: deque[Task], on_outcome: Callable[[Task, Outcome], None]) -> None:
        """Run tasks until none is left.

        A scorer that ends or exceeds the time limit is replaced, and the outcome of its task is
        ``{"broken": sentence}``. If the sandbox ends, or the process that scorers are forked from,
        this returns early.

        Parameters
        ----------
        waiting : deque of Task
            The tasks, which are taken off from the left.
        on_outcome : callable
            Called with each task and its outcome.
        """
        for _ in range(min(self._number, len(waiting))):
            self._add()
        while self._scorers and self.is_running:
            moment = min(scorer.ends for scorer in self._scorers)
            channels = [scorer.channel for scorer in self._scorers]
            ready = connection.wait(channels, max(0.0, moment - time.monotonic()))
            for scorer in list(self._scorers):
                if scorer.channel in ready or time.monotonic() >= scorer.ends:
                    self._hear(scorer, waiting, on_outcome, late=scorer.channel not in ready)
        for scorer in self._scorers:
            if scorer.task is not None:
                on_outcome(scorer.task, {"broken": "The sandbox ended while it ran."})

    @property
    def is_running(self) -> bool:
        """Whether the sandbox and the server of the scorers run."""
        return self._sandbox.is_running and not self._ended and self._server.poll() is None

    def _hear(
        self,
        scorer: _Scorer,
        waiting: deque[Task],
        on_outcome: Callable[[Task, Outcome], None],
        late: bool,
    ) -> None:
        """Receive what a scorer sent (first its process id, then outcomes), or replace it."""
        task, scorer.task = scorer.task, None
        reason = "Scoring it took too long and was stopped." if late else ""
        received: Any = None
        if not late:
            try:
                received = scorer.channel.recv()
            except (EOFError, OSError):
                reason = "The process that scored it ended."
        if reason:
            self._scorers.remove(scorer)
            scorer.close()
            received = {"broken": reason}
            self._ended |= task is None  # it did not even start
            if waiting:
                self._add()
        if task is not None:
            on_outcome(task, received)
        elif not reason:
            scorer.pid = received
        if not reason:
            self._hand_out(scorer, waiting)

    def _hand_out(self, scorer: _Scorer, waiting: deque[Task]) -> None:
        if not waiting:
            self._scorers.remove(scorer)
            scorer.channel.close()  # it then ends by itself
            return
        scorer.task = waiting.popleft()
        limits = self._sandbox.limits
        scorer.ends = time.monotonic() + limits.submission * limits.clock + _SCORING
        with contextlib.suppress(OSError):  # if it has ended, the next `_hear` finds out
            scorer.channel.send(scorer.task)

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
        """Return the last line in the log of the scoring processes."""
        with contextlib.suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return lines[-1]
        return "the reason is not known."


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of the scorers: no GPU, one thread, no start-up messages."""
    one_thread = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    return settings.environment(
        CUDA_VISIBLE_DEVICES="-1",
        TF_CPP_MIN_LOG_LEVEL="3",
        OPENBLAS_NUM_THREADS="1",
        KERAS_BACKEND="tensorflow",
        TMPDIR=str(folder),
        **dict.fromkeys(one_thread, "1"),
    )


# --- in the scoring processes ------------------------------------------------------------------


def serve(arguments: list[str]) -> None:
    """Fork a scorer for each socket received, until the grading process ends."""
    linux.end_with_parent(int(arguments[0]))
    linux.set_dumpable(False)  # with limits alone, a student's code may run as the same user
    control = socket.socket(fileno=int(arguments[1]))
    facts = json.loads(arguments[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    limits = Limits(**facts["limits"])
    sandbox = Sandbox.attached(facts["shared"], facts["level"], limits, Path(facts["folder"]))
    tasks.preload(facts["exercises"], sandbox)
    gc.collect()
    gc.freeze()
    server = os.getpid()
    while True:
        _, numbers, *_ = socket.recv_fds(control, 1, 1)
        if not numbers:
            os._exit(0)
        if os.fork() == 0:
            code = 1
            try:
                linux.end_with_parent(server)
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _score(connection.Connection(numbers[0]), sandbox)
                code = 0
            finally:
                os._exit(code)
        os.close(numbers[0])


def _score(channel: connection.Connection, sandbox: Sandbox) -> None:
    """Run tasks until the grading process has no more."""
    channel.send(os.getpid())
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = channel.recv()
            try:
                outcome = tasks.grade_in(task, sandbox)
            except SandboxFailed as error:
                outcome = {"broken": str(error)}
            channel.send(outcome)
