"""Run students' code in a sandbox, and communicate with it.

=================  ===========================================================================
level              isolation of a student's code
=================  ===========================================================================
``bubblewrap``     bubblewrap shows it the system, Python and the package, read-only, and nothing
                   else; no network; each submission has processes, files and memory of its own
``limits``         limits on time, memory, processes and files, another user where the grader is
                   root, and on Linux no network; it reads and writes what the user who grades (or
                   nobody) may read and write, so it is used only if it is asked for by name
=================  ===========================================================================

At every level the student's code runs in another process than the one that scores, and only
plain data come back from it.
"""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

import course_utils
from course_staff.grading import stripped
from course_staff.grading.sandbox_runtime import linux, wire
from course_utils import settings, student_work
from course_utils.exceptions import CourseError
from course_utils.validate import choice

LEVELS = ("bubblewrap", "limits")
_PLACE = "/grading"
_LINUX = sys.platform == "linux"
_START = (
    "import sys; sys.path.insert(0, {code!r}); "
    "from course_staff.grading.sandbox_runtime import server; server.start(sys.argv[1:])"
)

#: Rooms of the package that no submission needs, and that reveal how answers are checked.
_LEFT_OUT = {"checks", "cli.py"}

_NO_CHECKS = '''"""Stand-in for the checks in the sandbox: they do nothing here."""


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    return lambda *args, **kwargs: None
'''

#: Files of /etc that programs look up names, libraries, time and fonts in.
_ETC = "ld.so.cache ld.so.conf ld.so.conf.d passwd group nsswitch.conf localtime fonts alternatives"


class SandboxFailed(CourseError, RuntimeError):
    """No student's code could be started safely."""


class WorkerEnded(Exception):
    """The process with the student's code ended, or was ended, before it answered.

    Attributes
    ----------
    how : str
        ``"timeout"``, ``"memory"``, ``"crashed"`` or ``"tampered"``.
    sentence : str
        A description for the student.
    by_chance : bool
        Whether it may not be the student's fault: only the wall-clock time ran out, as on a busy
        machine, or a library crashed. The notebook is then tried again.
    """

    def __init__(self, how: str, sentence: str, by_chance: bool = False) -> None:
        super().__init__(how, sentence, by_chance)
        self.how, self.sentence, self.by_chance = how, sentence, by_chance

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Limits:
    """The resources of a submission: at least twice what the solution of each exercise needs.

    Attributes
    ----------
    cell, call, submission : float
        Seconds of processor time for one cell, one call, and everything together, restarts
        included.
    memory, memory_of_all : int
        Bytes of data of one process, and of memory that all its processes have in use.
    processes : int
        Processes and threads at the same time.
    file_size : int
        Bytes of the largest file.
    clock, patience : float
        Wall-clock seconds for each second of processor time, and further ones for a cell or call.
    idle, idle_of_all : float
        Seconds that one cell or call, and everything together, may only wait.
    """

    cell: float = 120.0
    call: float = 20.0
    submission: float = 400.0
    # Measured for the solutions, one epoch each (test_grading_limits.py asks for twice as much):
    # data 1,500 MB in 02, 1,050 in 08, at most 780 in the others; in use by all processes
    # 830 MB in 08, 610 in 07, 560 in 09, 540 in 04, at most 520 in the others.
    memory: int = 4000 * 2**20
    memory_of_all: int = 2500 * 2**20
    processes: int = 128
    file_size: int = 200 * 2**20
    clock: float = 3.0
    patience: float = 15.0
    idle: float = 20.0
    idle_of_all: float = 60.0


class Budget:
    """The remaining time of a submission, over all its workers and tries.

    Parameters
    ----------
    limits : Limits
        What a submission may use.
    used : float
        Seconds on the clock that an earlier try took.
    """

    def __init__(self, limits: Limits, used: float = 0.0) -> None:
        self.cpu = limits.submission
        self.idle = limits.idle_of_all
        self._ends = time.monotonic() + limits.submission * limits.clock - used

    @property
    def clock(self) -> float:
        """Wall-clock seconds that are left."""
        return self._ends - time.monotonic()

    @property
    def spent(self) -> bool:
        """Whether no time is left for another worker."""
        return self.clock < 1 or self.cpu < 1


@dataclass
class Sandbox:
    """The server that forks a worker for each submission; a context manager.

    Parameters
    ----------
    level : str or None
        One of :data:`LEVELS`; None is the first of them, and nothing less.
    epochs : int, optional
        Shorten trainings in the notebooks to so many epochs.
    limits : Limits
        What each submission may use.

    Raises
    ------
    SandboxFailed
        If the level does not work here; why is in the message.
    """

    level: str | None = None
    epochs: int | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.level is not None:
            choice("--isolation", self.level, LEVELS)
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._folder: Path | None = None
        self._lock: int | None = None
        self._shared = self._is_ready = False
        self._warmed: set[str] = set()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """The folder with what the sandbox shows of the course; gone with the sandbox."""
        self.launch()
        assert self._folder is not None
        return self._folder

    @property
    def scoring(self) -> Path:
        """A folder for temporary files of the processes that score; gone with the sandbox."""
        return self.folder / "scoring"

    @property
    def is_running(self) -> bool:
        """Whether the server runs."""
        return self._shared or (self._process is not None and self._process.poll() is None)

    @property
    def pid(self) -> int | None:
        """The process that runs the server, where it runs."""
        return self._process.pid if self._process else None

    @classmethod
    def attached(cls, number: int, level: str, limits: Limits, folder: Path) -> Sandbox:
        """Use the server of another process, over a socket that was inherited from it.

        Parameters
        ----------
        number : int
            The file descriptor of the socket, see :meth:`fileno`.
        level : str
            The level at which the server runs.
        limits : Limits
            What each submission may use.
        folder : Path
            The folder of the sandbox, see :attr:`folder`.
        """
        made = cls(level, None, limits)
        made._control, made._folder = socket.socket(fileno=number), folder
        made._shared = True
        return made

    def fileno(self) -> int:
        """Return the file descriptor of the socket to the server, for a process that shares it."""
        self.launch()
        assert self._control is not None
        return self._control.fileno()

    def launch(self) -> None:
        """Start the server, and do not wait for it; see :meth:`start`."""
        if self.is_running:
            return
        self.close()
        if not hasattr(os, "fork"):
            raise SandboxFailed(
                "Grading needs Linux, or macOS with --isolation limits; on Windows run it in WSL2, "
                "where it has the full sandbox."
            )
        self.level = self.level or LEVELS[0]
        _check_room(tempfile.gettempdir())
        with self._refusing():
            self._folder, self._lock = _staged()
            mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            self._control = mine
            with theirs:
                command, view = _command(self.level, self._folder, theirs.fileno())
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=[theirs.fileno()],
                    env=_environment(view["home"], self.epochs),
                    cwd="/",
                    start_new_session=True,
                )

    def start(self, preload: tuple[str, ...] = ()) -> None:
        """Start the server, and wait until code can be run in it.

        Parameters
        ----------
        preload : tuple of str
            Modules that the server is to import, once and for all.

        Raises
        ------
        SandboxFailed
            If no code can be run at the wanted level.
        """
        self.launch()
        if self._shared or self._is_ready:
            return
        with self._refusing():
            self._wait_until_ready()
            with self.worker(0, preload) as worker:
                # Bytecode is made once, and not in each worker, while the server imports.
                compileall.compile_dir(self.folder / "course", quiet=2)
                worker.run("pass")

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Close the sandbox after an error, and say that no code is run."""
        try:
            yield
        except (SandboxFailed, WorkerEnded, OSError) as error:
            self.close()
            raise SandboxFailed(_refusal(str(self.level), str(error))) from error

    def _wait_until_ready(self) -> None:
        assert self._control is not None
        assert self._process is not None
        self._control.settimeout(120)
        with contextlib.suppress(OSError):
            if self._control.recv(6) == b"ready\n":
                self._control.settimeout(None)
                self._is_ready = True
                return
        self._process.kill()
        told = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
        raise SandboxFailed(told[-1] if told else "it did not start")

    def close(self) -> None:
        """End the server and everything that it started."""
        try:
            self._stop()
        finally:  # also if the run is stopped just now
            if self._folder is not None:
                linux.remove(self._folder, _LONGEST_REMOVAL)
                self._folder = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _stop(self) -> None:
        self._warmed.clear()
        self._is_ready = False
        left = self._below()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stderr:
                self._process.stderr.close()
            self._process = None
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _below(self) -> list[psutil.Process]:
        """Return, at level limits, the descendants of the server."""
        if self.level == "limits" and self._process is not None:
            with contextlib.suppress(psutil.Error):
                return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def prefill_cache(
        self, name: str, sources: Iterable[str], preload: tuple[str, ...] = ()
    ) -> None:
        """Run cells of the course once, so that later workers find their results in the cache.

        Decoded pictures and computed features are then there for every submission, read-only.

        Parameters
        ----------
        name : str
            The name of these cells; a second call with the same name does nothing.
        sources : iterable of str
            The text of the cells; never anything that a student wrote.
        preload : tuple of str
            Modules that the server is to import first.
        """
        self.start()
        if self.level == "limits" or name in self._warmed:
            return
        self._warmed.add(name)
        with (
            contextlib.suppress(WorkerEnded),
            self.worker(0, preload, warm=True) as worker,
        ):
            for source in sources:
                worker.run(source)

    def worker(
        self,
        seed: int,
        preload: tuple[str, ...] = (),
        budget: Budget | None = None,
        warm: bool = False,
        without: frozenset[str] = frozenset(),
    ) -> Worker:
        """Start a worker for one submission.

        Parameters
        ----------
        seed : int
            Seeds the random numbers of its Python, NumPy and Keras.
        preload : tuple of str
            Modules that the server is to import first, once and for all.
        budget : Budget, optional
            What the submission has left of its time; a whole budget where none is given.
        warm : bool
            Whether this worker fills the cache of the others; see :meth:`prefill_cache`.
        without : frozenset of str
            Functions of the course that do not exist in this worker.
        """
        self.start()
        assert self._control is not None
        budget = budget or Budget(self.limits)
        request = {
            "preload": list(preload),
            "seed": seed,
            "warm": warm,
            "course": self.copy_without(without),
            "limits": {
                "memory": self.limits.memory,
                "memory_of_all": self.limits.memory_of_all,
                "processes": self.limits.processes,
                "file_size": self.limits.file_size,
                "cpu": max(1, int(budget.cpu)),
            },
        }
        channel, their_channel = socket.socketpair()
        status, their_status = socket.socketpair()
        try:
            ends = [their_channel.fileno(), their_status.fileno()]
            socket.send_fds(self._control, [json.dumps(request).encode()], ends)
        except OSError as error:
            raise SandboxFailed(f"The sandbox broke down: {error}") from error
        finally:
            their_channel.close()
            their_status.close()
        return Worker(channel, status, self.limits, budget, self.level)

    def copy_without(self, helpers: frozenset[str]) -> str:
        """Return the name of a copy of the package without some functions; "" for the whole one.

        It is made when it is first asked for.
        """
        if not helpers:
            return ""
        name = hashlib.sha256(" ".join(sorted(helpers)).encode()).hexdigest()[:16]
        target = self.folder / "copies" / name
        if not target.is_dir():
            stripped.copy(self.folder / "course", target, helpers)
        return name


#: Signals by which a library, or the kernel for want of memory, ends Python.
_BY_CHANCE = {
    getattr(signal, name)
    for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGKILL", "SIGSEGV")
    if hasattr(signal, name)
}
#: The exit status of a program that could not load its libraries.
_NOT_LOADED = 127


class Worker:
    """The process with a student's code, as the scoring process sees it.

    Attributes
    ----------
    usage : dict
        What it used, once it is closed: ``cpu`` in seconds, ``peak`` and ``data`` in bytes (see
        :class:`Limits`).
    """

    def __init__(
        self,
        channel: socket.socket,
        status: socket.socket,
        limits: Limits,
        budget: Budget,
        level: str | None = None,
    ) -> None:
        self._channel, self._status = channel, status
        self._limits, self._budget, self._level = limits, budget, level
        self._said = b""
        self.usage: dict[str, Any] = {}
        #: The removed functions that cells called.
        self.removed: set[str] = set()
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether it can still be asked."""
        return self._open

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, source: str) -> dict[str, Any] | None:
        """Run one cell; return the facts of its error, or None.

        Raises
        ------
        WorkerEnded
            If it ended the worker, or had to be ended.
        """
        try:
            answer = self._ask({"do": "run", "source": source}, self._limits.cell)
        except wire.NotAMessage:
            told = student_work.StudentError("ValueError", "this cell is too long to be run")
            return told.facts()
        self.removed |= _texts(answer.get("removed"))
        error = answer.get("error")
        if error is not None and not _are_facts(error):
            raise self.tampered()
        return error

    def operate(
        self,
        operation: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        seconds: float,
        before: Sequence[tuple[str, list[Any]]] = (),
    ) -> dict[str, Any]:
        """Ask for an operation of :mod:`course_utils.student_work`; return its value or error.

        Other operations, given with their arguments in `before`, come first; their results are
        dropped.
        """
        asked = [*before, (operation, list(args))]
        question = {"do": "ask", "operations": asked, "kwargs": kwargs}
        answer = self._ask(question, seconds)
        if "error" in answer and not _are_facts(answer["error"]):
            raise self.tampered()
        if "error" not in answer and "value" not in answer:
            raise self.tampered()
        return answer

    def _ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        number = secrets.token_hex(8)
        clock = min(seconds * self._limits.clock + self._limits.patience, self._budget.clock)
        wait = _Wait(self._channel, max(1.0, clock), self._busy, self._idle_left())
        try:
            asked = {**question, "number": number, "seconds": seconds}
            wire.send(wait, asked, wire.LARGEST_REQUEST)  # type: ignore[arg-type]
            answer = wire.receive(wait)  # type: ignore[arg-type]
        except TimeoutError:
            self.close()
            if wait.is_idle:
                raise WorkerEnded(
                    "timeout",
                    f"It waited for {wait.idle:.0f} seconds and computed nothing, so it was "
                    f"stopped.",
                ) from None
            raise WorkerEnded(
                "timeout", "It had not finished in time and was stopped.", by_chance=True
            ) from None
        except wire.Closed:
            raise self._ended(seconds) from None
        except wire.NotAMessage as error:
            if "be sent" in str(error):  # nothing was sent, so nothing has been said in return
                raise
            raise self.tampered() from None
        finally:
            self._budget.idle -= wait.idle
        if not isinstance(answer, dict) or answer.get("number") != number:
            raise self.tampered()
        return answer

    def _idle_left(self) -> float:
        return max(_LOOK, min(self._limits.idle, self._budget.idle))

    def _busy(self) -> float | None:
        """Return seconds in which the worker computed so far; None where that is not known."""
        try:
            self._status.settimeout(_ANSWERS)
            self._status.sendall(linux.HOW_BUSY)
            while (line := self._line()) is not None:
                if "busy" in line:
                    return float(line["busy"])
        except OSError:
            pass
        return None

    def _line(self) -> dict[str, Any] | None:
        """Return the next line of the supervisor, as a dict; None where there is none any more."""
        while b"\n" not in self._said:
            part = self._status.recv(4096)
            if not part:
                return None
            self._said += part
        text, _, self._said = self._said.partition(b"\n")
        line = json.loads(text)
        if "busy" not in line:
            self.usage |= line
        return line

    def tampered(self) -> WorkerEnded:
        """End the worker because its message did not come from the grader's part of it."""
        self.close()
        return WorkerEnded(
            "tampered", "The code wrote into the channel over which the grader asks its questions."
        )

    def _ended(self, seconds: float) -> WorkerEnded:
        self.close()
        ended = self.usage.get("ended")
        if "failed" in self.usage:
            raise SandboxFailed(f"A worker could not be isolated: {self.usage['failed']}")
        if ended == "memory":
            return WorkerEnded("memory", "It used more memory than there is for one submission.")
        if ended == "exit" and self.usage["code"] == linux.NO_ANSWER:
            return WorkerEnded(
                "crashed",
                "It changed Python or NumPy itself, so that nothing could be asked.",
                by_chance=True,
            )
        if ended == "exit":
            code = self.usage["code"]
            return WorkerEnded(
                "crashed",
                f"It ended Python in the middle (exit status {code}).",
                by_chance=code == _NOT_LOADED,
            )
        if ended == "signal":
            number = self.usage["signal"]
            if number == signal.SIGXCPU:
                return WorkerEnded(
                    "timeout",
                    f"It had not finished after {seconds:g} seconds of processor time and could "
                    f"only be stopped with the whole process.",
                )
            return WorkerEnded(
                "crashed",
                f"Python was ended in the middle by the signal {_signal_name(number)}.",
                by_chance=number in _BY_CHANCE,
            )
        if ended == "not wanted":  # it was ended from here, and asked once more
            return WorkerEnded("timeout", "It had not finished in time and was stopped.")
        if self._level == "limits":
            return WorkerEnded("crashed", "The process that watches it was ended.", by_chance=True)
        raise SandboxFailed("The sandbox ended while a worker ran.")

    def close(self) -> None:
        """End the worker and every process that it started, and wait until they are gone."""
        if not self._open:
            return
        self._open = False
        self._channel.close()
        self._hear(0.3)
        if "ended" not in self.usage:
            with contextlib.suppress(OSError):
                self._status.shutdown(socket.SHUT_WR)  # not wanted any more
            self._hear(10)
        self._status.close()
        self._budget.cpu -= float(self.usage.get("cpu", 0.0))

    def _hear(self, seconds: float) -> None:
        """Read from the supervisor until it ends, for `seconds` at most."""
        ends = time.monotonic() + seconds
        with contextlib.suppress(OSError, ValueError):
            while (left := ends - time.monotonic()) > 0:
                self._status.settimeout(left)
                if self._line() is None:
                    return


#: Seconds between two checks whether a worker that has not answered computes, and the time limit of
#: its supervisor for this information.
_LOOK, _ANSWERS = 1.0, 5.0


class _Wait:
    """A socket with a deadline for all its bytes together.

    Parameters
    ----------
    channel : socket
        The socket of a worker.
    seconds : float
        The deadline, from now.
    busy : callable
        Returns for how many seconds the worker has computed so far; None if unknown.
    most_idle : float
        The number of seconds that the worker may only wait.
    """

    def __init__(
        self,
        channel: socket.socket,
        seconds: float,
        busy: Callable[[], float | None],
        most_idle: float,
    ) -> None:
        self._channel, self._busy, self._most_idle = channel, busy, most_idle
        self._ends = time.monotonic() + seconds
        self._looks = time.monotonic() + _LOOK
        self._first: tuple[float, float] | None = None
        self.idle = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether the worker only waited for too long."""
        return self.idle >= self._most_idle

    def recv(self, size: int) -> bytes:
        """Wait for data, and return it."""
        while True:
            self._look()
            with contextlib.suppress(TimeoutError):
                return self._channel.recv(size)

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        left = memoryview(data)
        while left:
            self._look()
            with contextlib.suppress(TimeoutError):
                left = left[self._channel.send(left) :]

    def _look(self) -> None:
        """Set how long the next wait may take; raise TimeoutError if no time is left."""
        now = time.monotonic()
        if now >= self._looks:
            busy = self._busy()
            now = time.monotonic()
            self._looks = now + _LOOK
            if busy is not None and self._first is None:
                self._first = (now, busy)
            elif busy is not None and self._first is not None:
                self.idle = now - self._first[0] - (busy - self._first[1])
        if now >= self._ends or self.is_idle:
            raise TimeoutError
        self._channel.settimeout(max(0.001, min(self._ends, self._looks) - now))


def _texts(value: Any) -> set[str]:
    return (
        {entry for entry in value if isinstance(entry, str)} if isinstance(value, list) else set()
    )


def _are_facts(error: Any) -> bool:
    """Return whether this describes an error of `student_work`, with arguments of its types."""
    types: dict[str, tuple[tuple[type, ...], ...]] = {
        "Missing": ((str,),),
        "WrongKind": ((str,), (str,), (str,)),
        "StudentError": ((str,), (str,), (int, type(None)), (str,)),
        "TimedOut": ((float, int), (int, type(None)), (str,)),
    }
    if not isinstance(error, dict) or set(error) != {"error", "arguments"}:
        return False
    wanted, given = types.get(str(error["error"])), error["arguments"]
    return (
        wanted is not None
        and isinstance(given, list)
        and len(given) == len(wanted)
        and all(isinstance(argument, kinds) for argument, kinds in zip(given, wanted, strict=True))
    )


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return str(number)


# --- what the sandbox sees ---------------------------------------------------------------------


#: Seconds for removing a folder: with limits alone, a submission may have made millions of files.
#: The next run goes on with what is left.
_LONGEST_REMOVAL = 60.0

#: How the names of the folders begin that are made for a sandbox, in the temporary folder.
_PREFIX = "course-grading-"


def _refusal(level: str, reason: str) -> str:
    """Return a sentence that says why no code is run, and what to do."""
    sentence = f"No student's code can be run with the isolation {level!r}: {reason.rstrip('.')}."
    if level == LEVELS[0]:
        sentence += (
            " Grade on Linux with bubblewrap (on Debian and Ubuntu: apt install bubblewrap), or in "
            "a container; --isolation limits goes on without it, and INSTRUCTORS.md says what that "
            "does not keep apart."
        )
    return sentence


def _clear_abandoned() -> None:
    """Remove the folders of earlier runs that were killed."""
    import fcntl

    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not owner.isdigit() or folder.is_symlink() or psutil.pid_exists(int(owner)):
            continue
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # its owner lives elsewhere
                    linux.remove(folder, _LONGEST_REMOVAL)
            finally:
                os.close(lock)


#: Bytes and files for which there must be room in the temporary folder.
_ROOM, _ROOM_FOR_FILES = 50 * 2**20, 2000


def _check_room(folder: str) -> None:
    """Raise SandboxFailed if the disk with the temporary folder is full."""
    disk = os.statvfs(folder)
    no_files = disk.f_files > 0 and disk.f_favail < _ROOM_FOR_FILES
    if no_files or disk.f_bavail * disk.f_frsize < _ROOM:
        raise SandboxFailed(
            f"The disk with the folder for temporary files, {folder}, is full: grading needs "
            f"{_ROOM // 2**20} MB there. Make room, or name another folder by TMPDIR; nothing was "
            f"graded."
        )


def _staged() -> tuple[Path, int]:
    """Copy what a submission may see of the course into a new folder.

    Returns
    -------
    folder : Path
        The folder; its name says whose it is.
    lock : int
        A file descriptor that locks the folder as long as this process lives.
    """
    import fcntl

    _clear_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")).resolve()
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _fill(folder)
    except BaseException:  # also if the run is stopped just now
        linux.remove(folder)
        os.close(lock)
        raise
    return folder, lock


def _fill(folder: Path) -> None:
    package = Path(course_utils.__file__).resolve().parent
    code = folder / "course" / "course_utils"

    def leave_out(place: str, names: list[str]) -> set[str]:
        return _LEFT_OUT & set(names) if Path(place) == package else set()

    shutil.copytree(package, code, ignore=leave_out)
    runtime = folder / "course" / "course_staff" / "grading" / "sandbox_runtime"
    shutil.copytree(Path(__file__).with_name("sandbox_runtime"), runtime)
    for outer in runtime.parents[:2]:
        (outer / "__init__.py").write_text("", encoding="utf-8")
    (code / "checks").mkdir()
    (code / "checks" / "__init__.py").write_text(_NO_CHECKS, encoding="utf-8")
    (folder / "course" / "notebooks").mkdir()
    (folder / "course" / "data").mkdir()
    (folder / "scoring").mkdir()
    (folder / "copies").mkdir()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "scoring").chmod(0o700)


def _environment(home: str, epochs: int | None) -> dict[str, str]:
    """Return all environment variables that a submission sees; nothing is passed on from here."""
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "COURSE_WORK": f"{home}/work",
        "COURSE_DATASET": "paper_flowers",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "KERAS_BACKEND": "tensorflow",
    }
    return variables | ({"COURSE_EPOCHS": str(epochs)} if epochs else {})


def _shown(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Return which folders and files the sandbox sees, at which place, and which links are made."""
    show: list[list[str]] = []
    links: list[list[str]] = []
    for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        if os.path.islink(name):
            links.append([os.readlink(name), name])
        elif os.path.isdir(name):
            show.append([name, name])
    names = [f"/etc/{name}" for name in _ETC.split()] + ["/sys/devices/system/cpu"]
    show += [[name, name] for name in names if os.path.exists(name)]
    for prefix in dict.fromkeys([sys.base_prefix, sys.prefix, *_real(sys.executable)]):
        if not any(Path(prefix).is_relative_to(target) for _, target in show):
            show.append([prefix, prefix])
    show.append([str(folder / "course"), f"{_PLACE}/course"])
    show.append([str(folder / "copies"), f"{_PLACE}/copies"])
    data = settings.shipped_data()
    if data.is_dir():
        show.append([str(data.resolve()), f"{_PLACE}/course/data"])
    return show, links


def _real(executable: str) -> list[str]:
    """Return the folder of the interpreter itself, where links lead out of the known prefixes."""
    folder = Path(executable).resolve().parent
    known = (sys.base_prefix, sys.prefix)
    if any(folder.is_relative_to(Path(prefix).resolve()) for prefix in known):
        return []
    return [str(folder)]


def _hidden() -> list[str]:
    """Return folders that lie below something that is shown, and must not be seen."""
    hidden = [str(settings.course_root())]
    site = Path(sysconfig.get_paths()["purelib"])
    for name in ("course_utils", "course_staff"):
        if (site / name).is_dir():
            hidden.append(str(site / name))
    return hidden


def _command(level: str, folder: Path, control: int) -> tuple[list[str], dict[str, Any]]:
    """Return the command that starts the server, and its view."""
    from course_staff.grading.sandbox_runtime.supervisor import View  # not on Windows

    if level == "limits":
        code, wrapper = str(folder / "course"), []
        home = _prepare_limits(folder)
        view = asdict(View(level, str(home), copies=str(folder / "copies"), linux=_LINUX))
    else:
        code, home_inside, warm = f"{_PLACE}/course", f"{_PLACE}/home", f"{_PLACE}/warm"
        wrapper = _bubblewrap(folder, home_inside, warm)
        view = asdict(View(level, home_inside, warm, f"{_PLACE}/copies"))
    start = _START.format(code=code)
    # -P and -s: nothing is imported from the current folder or from the user's own packages.
    python = [sys.executable, "-P", "-s", "-c", start, str(control), json.dumps(view)]
    return [*wrapper, *python], view


def _prepare_limits(folder: Path) -> Path:
    """Make the folder of all homes for the level limits, and close this process to others."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    home.chmod(0o711)  # each worker gets a folder in it, and cannot list those of others
    with contextlib.suppress(OSError):
        data = folder / "course" / "data"
        data.rmdir()
        data.symlink_to(settings.shipped_data())
    if _LINUX:  # processes of the same user cannot look into this one
        linux.set_dumpable(False)
    return home


def _bubblewrap(folder: Path, home: str, warm: str) -> list[str]:
    """Return the command line of bubblewrap up to the program that it runs."""
    if not _LINUX:
        raise SandboxFailed("it is made for Linux")
    tool = shutil.which("bwrap")
    if tool is None:
        raise SandboxFailed("bubblewrap is not installed (the command bwrap)")
    show, links = _shown(folder)
    masks = [hidden for hidden in _hidden() if _is_below(hidden, (target for _, target in show))]
    command = [tool, "--die-with-parent", "--new-session"]
    if os.geteuid() == 0:  # stays root, so that each worker can become nobody
        command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
        command += ["--unshare-cgroup-try"]
    else:
        command += ["--unshare-all"]
    above = {str(parent) for _, target in show for parent in list(Path(target).parents)[:-1]}
    for place in sorted(above):  # else the user nobody cannot enter those that are closed outside
        command += ["--perms", "0755", "--dir", place]
    for source, target in show:
        command += ["--ro-bind", source, target]
    for mask in masks:
        command += ["--tmpfs", mask]
    for source, target in show:  # what is below a mask and needed all the same
        if _is_below(target, masks):
            command += ["--ro-bind", source, target]
    for text, target in links:
        command += ["--symlink", text, target]
    command += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp", "--dir", warm]
    return [*command, "--tmpfs", home, "--chdir", "/"]


def _is_below(place: str, folders: Iterable[str]) -> bool:
    return any(Path(place).is_relative_to(folder) for folder in folders)
