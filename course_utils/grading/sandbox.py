"""Run students' code where it can do no harm, and talk to it.

=================  ===========================================================================
level              what keeps a student's code apart
=================  ===========================================================================
``bubblewrap``     bubblewrap shows it the system, Python and the package, read-only, and nothing
                   else; no network; each submission has processes, files and memory of its own
``namespaces``     the same, made with the kernel's namespaces and without the tool
``limits``         limits on time, memory, processes and files, another user where the grader is
                   root, and on Linux no network; files that everybody may read can be read
=================  ===========================================================================

At every level the student's code runs in another process than the one that scores, and only
plain data come back from it.
"""

from __future__ import annotations

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
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course_utils import probe, settings
from course_utils.exceptions import CourseError, InvalidInput
from course_utils.grading import stripped
from course_utils.grading.inside import linux, supervisor, wire

LEVELS = ("bubblewrap", "namespaces", "limits")
_PLACE = "/grading"
_LINUX = sys.platform == "linux"
_START = (
    "import sys; sys.path.insert(0, {code!r}); "
    "from course_utils.grading.inside import server; server.start(sys.argv[1:])"
)

#: Rooms of the package that no submission needs, and that could tell something.
_LEFT_OUT = {"checks", "grading", "cli.py", "bench", "__pycache__"}

_NO_CHECKS = '''"""Stands in for the checks where work is graded: asking them does nothing here."""


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
        What happened, for the student.
    by_clock : bool
        Whether only the time on the clock ran out, as it may on a busy machine.
    """

    def __init__(self, how: str, sentence: str, by_clock: bool = False) -> None:
        super().__init__(how, sentence, by_clock)
        self.how, self.sentence, self.by_clock = how, sentence, by_clock

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes
    ----------
    cell, call, submission : float
        Seconds of processor time for one cell, one call, and everything together.
    memory, memory_of_all : int
        Bytes of data of one process, and of memory that all its processes have in use.
    processes : int
        Processes and threads at the same time.
    file_size : int
        Bytes of the largest file.
    clock, patience : float
        So many seconds on the clock may pass for each second of processor time, and so many more.
    """

    cell: float = 240.0
    call: float = 20.0
    submission: float = 900.0
    memory: int = 1500 * 2**20
    memory_of_all: int = 2500 * 2**20
    processes: int = 128
    file_size: int = 200 * 2**20
    clock: float = 3.0
    patience: float = 15.0


@dataclass
class Sandbox:
    """The server that forks a worker for each submission; a context manager.

    Parameters
    ----------
    level : str or None
        One of :data:`LEVELS`; None takes the best that works on this machine.
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
        if self.level is not None and self.level not in LEVELS:
            raise InvalidInput(f"There is no isolation {self.level!r}; there are {LEVELS}.")
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._folder: Path | None = None
        self._warmed: set[str] = set()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that runs the server, where it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server, at the wanted level or at the best that works."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        if not hasattr(os, "fork"):
            raise SandboxFailed(
                "Grading needs Linux or macOS; on Windows run it in WSL2, where it has the full "
                "sandbox."
            )
        self._folder = _staged()
        reasons = []
        for level in [self.level] if self.level else LEVELS:
            try:
                self._start(level)
                with self.worker(0) as worker:
                    worker.run("pass")
            except (SandboxFailed, WorkerEnded) as error:
                reasons.append(f"{level}: {error}")
                self._stop()
            else:
                self.level = level
                return
        self.close()
        raise SandboxFailed("No student's code can be run here; " + "; ".join(reasons))

    def _start(self, level: str) -> None:
        assert self._folder is not None
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            command, view = _command(level, self._folder, theirs.fileno())
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
        except OSError as error:
            mine.close()
            raise SandboxFailed(str(error)) from error
        finally:
            theirs.close()
        mine.settimeout(120)
        with contextlib.suppress(OSError):
            if mine.recv(6) == b"ready\n":
                mine.settimeout(None)
                self._control = mine
                return
        mine.close()
        self._process.kill()
        told = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
        self._process = None
        raise SandboxFailed(told[-1] if told else "it did not start")

    def close(self) -> None:
        """End the server and everything that it started."""
        self._stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _stop(self) -> None:
        self._warmed.clear()
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

    def warm(self, name: str, sources: Iterable[str], preload: tuple[str, ...] = ()) -> None:
        """Run cells of the course, once, so that later workers find in the cache what they made.

        Decoded pictures and computed features are then there for every submission, read-only.

        Parameters
        ----------
        name : str
            What is warmed; a second call with the same name does nothing.
        sources : iterable of str
            The text of the cells; never anything that a student wrote.
        preload : tuple of str
            Modules that the server is to import first.
        """
        self.start()
        if self.level == "limits" or name in self._warmed:
            return
        self._warmed.add(name)
        with self.worker(0, preload, warm=True) as worker, contextlib.suppress(WorkerEnded):
            for source in sources:
                worker.run(source)

    def worker(
        self,
        seed: int,
        preload: tuple[str, ...] = (),
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
        warm : bool
            Whether this worker fills the cache of the others; see :meth:`warm`.
        without : frozenset of str
            Functions of the course that do not exist in this worker.
        """
        self.start()
        assert self._control is not None
        request = {
            "preload": list(preload),
            "seed": seed,
            "warm": warm,
            "course": self._copy_without(without),
            "limits": {
                "memory": self.limits.memory,
                "memory_of_all": self.limits.memory_of_all,
                "processes": self.limits.processes,
                "file_size": self.limits.file_size,
                "cpu": int(self.limits.submission),
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
        return Worker(channel, status, self.limits)

    def _copy_without(self, helpers: frozenset[str]) -> str:
        """The name of a copy of the package that lacks some functions; "" is the whole one."""
        if not helpers:
            return ""
        assert self._folder is not None
        name = hashlib.sha256(" ".join(sorted(helpers)).encode()).hexdigest()[:16]
        target = self._folder / "copies" / name
        if not target.is_dir():
            stripped.copy(self._folder / "course", target, helpers)
        return name


class Worker:
    """The process with one student's code, as the scoring process sees it."""

    def __init__(self, channel: socket.socket, status: socket.socket, limits: Limits) -> None:
        self._channel, self._status, self._limits = channel, status, limits
        self.usage: dict[str, Any] = {}
        #: The functions that are removed and were called all the same while cells ran.
        self.removed: set[str] = set()
        self._began = time.monotonic()
        self._open = True

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, source: str) -> dict[str, Any] | None:
        """Run one cell; returns the facts of its error, or None.

        Raises
        ------
        WorkerEnded
            If it ended the worker, or had to be ended.
        """
        try:
            answer = self._ask({"do": "run", "source": source}, self._limits.cell)
        except wire.NotAMessage:
            told = probe.StudentError("ValueError", "this cell is too long to be run")
            return told.facts()
        self.removed |= _texts(answer.get("removed"))
        error = answer.get("error")
        if error is not None and not _are_facts(error):
            raise self.tampered()
        return error

    def operate(
        self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float
    ) -> dict[str, Any]:
        """Ask for one operation of :mod:`course_utils.probe`; returns its value or its error."""
        question = {"do": "ask", "operation": operation, "args": list(args), "kwargs": kwargs}
        answer = self._ask(question, seconds)
        if "error" in answer and not _are_facts(answer["error"]):
            raise self.tampered()
        if "error" not in answer and "value" not in answer:
            raise self.tampered()
        return answer

    def _ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        number = secrets.token_hex(8)
        clock = seconds * self._limits.clock + self._limits.patience
        left = self._limits.submission * self._limits.clock - (time.monotonic() - self._began)
        deadline = time.monotonic() + max(1.0, min(clock, left))
        watched = _Deadline(self._channel, deadline)
        try:
            asked = {**question, "number": number, "seconds": seconds}
            wire.send(watched, asked, wire.LARGEST_REQUEST)  # type: ignore[arg-type]
            answer = wire.receive(watched)  # type: ignore[arg-type]
        except TimeoutError:
            self.close()
            raise WorkerEnded(
                "timeout", "It had not finished in time and was stopped.", by_clock=True
            ) from None
        except wire.Closed:
            raise self._ended(seconds) from None
        except wire.NotAMessage as error:
            if "be sent" in str(error):  # nothing was sent, so nothing has been said in return
                raise
            raise self.tampered() from None
        if not isinstance(answer, dict) or answer.get("number") != number:
            raise self.tampered()
        return answer

    def tampered(self) -> WorkerEnded:
        """End the worker because what it said did not come from the grader's part of it."""
        self.close()
        return WorkerEnded(
            "tampered", "The code wrote into the channel over which the grader asks its questions."
        )

    def _ended(self, seconds: float) -> WorkerEnded:
        self.close()
        ended = self.usage.get("ended")
        if ended == "memory":
            return WorkerEnded("memory", "It used more memory than there is for one submission.")
        if ended == "exit" and self.usage["code"] == supervisor.NO_ANSWER:
            return WorkerEnded(
                "crashed", "It changed Python or NumPy itself, so that nothing could be asked."
            )
        if ended == "exit":
            return WorkerEnded(
                "crashed", f"It ended Python in the middle (exit status {self.usage['code']})."
            )
        if ended == "signal":
            number = self.usage["signal"]
            if number == signal.SIGXCPU:
                return WorkerEnded(
                    "timeout",
                    f"It had not finished after {seconds:g} seconds of processor time and could "
                    f"only be stopped with the whole process.",
                )
            name = _signal_name(number)
            return WorkerEnded("crashed", f"Python was ended in the middle by the signal {name}.")
        if "failed" in self.usage:
            raise SandboxFailed(f"A worker could not be isolated: {self.usage['failed']}")
        return WorkerEnded("crashed", "Python ended in the middle.")

    def close(self) -> None:
        """End the worker and every process that it started, and wait until they are gone."""
        if not self._open:
            return
        self._open = False
        self._channel.close()
        self._status.settimeout(0.3)
        said = b""
        with contextlib.suppress(OSError):
            while not said.endswith(b"\n") and (part := self._status.recv(4096)):
                said += part
        if not said.endswith(b"\n"):
            with contextlib.suppress(OSError):
                self._status.shutdown(socket.SHUT_WR)  # not wanted any more
                self._status.settimeout(10)
                while not said.endswith(b"\n") and (part := self._status.recv(4096)):
                    said += part
        with contextlib.suppress(ValueError):
            self.usage = json.loads(said.decode() or "{}")
        self._status.settimeout(10)
        with contextlib.suppress(OSError):
            while self._status.recv(4096):
                pass
        self._status.close()


class _Deadline:
    """A socket whose waits all end at one moment, however slowly bytes drip in."""

    def __init__(self, channel: socket.socket, moment: float) -> None:
        self._channel, self._moment = channel, moment

    def _left(self) -> None:
        left = self._moment - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._channel.settimeout(left)

    def recv(self, size: int) -> bytes:
        self._left()
        return self._channel.recv(size)

    def sendall(self, data: bytes) -> None:
        self._left()
        self._channel.sendall(data)


def _texts(value: Any) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()


def _are_facts(error: Any) -> bool:
    """Whether this describes one of the errors of `probe`, with arguments of the right types."""
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
        and all(isinstance(one, kinds) for one, kinds in zip(given, wanted, strict=True))
    )


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return str(number)


# --- what the sandbox sees ---------------------------------------------------------------------


def _staged() -> Path:
    """Copy what a submission may see of the course into a new folder."""
    folder = Path(tempfile.mkdtemp(prefix="grading-")).resolve()
    package = Path(__file__).resolve().parents[1]
    code = folder / "course" / "course_utils"

    def leave_out(place: str, names: list[str]) -> set[str]:
        if Path(place) == package:
            return _LEFT_OUT & set(names) - {"__pycache__"}
        return {"bench"} & set(names)

    shutil.copytree(package, code, ignore=leave_out)
    inside = code / "grading" / "inside"
    shutil.copytree(package / "grading" / "inside", inside)
    (code / "grading" / "__init__.py").write_text("", encoding="utf-8")
    (code / "checks").mkdir()
    (code / "checks" / "__init__.py").write_text(_NO_CHECKS, encoding="utf-8")
    (folder / "course" / "notebooks").mkdir()
    (folder / "course" / "data").mkdir()
    (folder / "root").mkdir()
    (folder / "copies").mkdir()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def _environment(home: str, epochs: int | None) -> dict[str, str]:
    """All environment variables that a submission sees; nothing is passed on from here."""
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
    """Which folders and files the sandbox sees, at which place, and which links are made."""
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
    """The folder of the interpreter itself, where links lead out of the known prefixes."""
    folder = Path(executable).resolve().parent
    known = (sys.base_prefix, sys.prefix)
    if any(folder.is_relative_to(Path(one).resolve()) for one in known):
        return []
    return [str(folder)]


def _hidden() -> list[str]:
    """Folders that lie below something that is shown, and must not be seen."""
    hidden = [str(settings.course_root())]
    site = Path(sysconfig.get_paths()["purelib"])
    for name in ("course_utils",):
        if (site / name).is_dir():
            hidden.append(str(site / name))
    return hidden


def _command(level: str, folder: Path, control: int) -> tuple[list[str], dict[str, Any]]:
    """The command that starts the server, and its view."""
    from course_utils.grading.inside.server import View

    show, links = _shown(folder)
    if level == "limits":
        home = folder / "home"
        home.mkdir(exist_ok=True)
        home.chmod(0o1777)
        code = str(folder / "course")
        with contextlib.suppress(OSError):
            data = folder / "course" / "data"
            data.rmdir()
            data.symlink_to(settings.shipped_data())
        if _LINUX:  # nobody of the same user looks into this process
            linux.set_dumpable(False)
        view = asdict(View(level, str(home), copies=str(folder / "copies"), linux=_LINUX))
        return _python(code, control, view), view
    if not _LINUX:
        raise SandboxFailed("it is made for Linux")
    home_inside, warm, copies = f"{_PLACE}/home", f"{_PLACE}/warm", f"{_PLACE}/copies"
    code = f"{_PLACE}/course"
    masks = [
        hidden
        for hidden in _hidden()
        if any(Path(hidden).is_relative_to(target) for _, target in show)
    ]
    if level == "namespaces":
        # The code is started from where it lies, and the server then builds its own view.
        root = str(folder / "root")
        view = asdict(View(level, home_inside, warm, copies, show, masks, links, root))
        inside = _python(code, control, asdict(View(level, home_inside, warm, copies)))
        return _python(str(folder / "course"), control, {**view, "then": inside}), view
    tool = shutil.which("bwrap")
    if tool is None:
        raise SandboxFailed("bubblewrap is not installed (the command bwrap)")
    command = [tool, "--die-with-parent", "--new-session"]
    if os.geteuid() == 0:  # stays root, so that each worker can become nobody
        command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
        command += ["--unshare-cgroup-try"]
    else:
        command += ["--unshare-all"]
    above = {str(one) for _, target in show for one in list(Path(target).parents)[:-1]}
    for one in sorted(above):  # else they are closed to nobody, where they are closed outside
        command += ["--perms", "0755", "--dir", one]
    for source, target in show:
        command += ["--ro-bind", source, target]
    for mask in masks:
        command += ["--tmpfs", mask]
    for source, target in show:  # what lies below a mask and is wanted all the same
        if any(Path(target).is_relative_to(mask) for mask in masks):
            command += ["--ro-bind", source, target]
    for text, target in links:
        command += ["--symlink", text, target]
    command += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp", "--dir", warm]
    command += ["--tmpfs", home_inside]
    command += ["--chdir", "/"]
    view = asdict(View(level, home_inside, warm, copies))
    return [*command, *_python(code, control, view)], view


def _python(code: str, control: int, view: dict[str, Any]) -> list[str]:
    start = _START.format(code=code)
    # -P and -s: nothing is imported from the current folder or from the user's own packages.
    return [sys.executable, "-P", "-s", "-c", start, str(control), json.dumps(view)]
