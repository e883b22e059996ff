"""Run one student's notebook, cell by cell, and answer questions about what is defined in it.

This process runs untrusted code. It has no access to tests, answers or marks: it receives the text
of cells, and then operations of :mod:`course_utils.student_work` with their arguments.
"""

from __future__ import annotations

import ast
import gc
import importlib
import io
import linecache
import os
import resource
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any

import course_utils
from course_staff.grading.sandbox_runtime import removed, wire
from course_utils import student_work

#: Magics that would start programs or change the installation: ignored.
NOT_RUN = {
    "line": "pip conda mamba micromamba uv sx system sc killbgscripts tensorboard matplotlib pylab",
    "cell": "bash sh script system sx perl ruby python2 pypy cmd",
}

#: The maximum number of characters that the cells of a notebook may print.
MOST_PRINTED = 20_000_000

#: Seconds after the limit at which the kernel ends code that ignores it.
_GRACE = 3

_shell: Any = None


class TooMuchOutput(Exception):
    """The cells printed too much."""


class _Sink(io.TextIOBase):
    """A text stream that counts what is printed, and drops it."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self) -> None:
        self.count = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.count += len(text)
        if self.count > MOST_PRINTED:
            self.count = 0
            raise TooMuchOutput(
                f"more than {MOST_PRINTED // 10**6} million characters were printed"
            )
        return len(text)


def prepare() -> None:
    """Make the shell that workers inherit; called once, in the server."""
    global _shell
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.text import SList
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    _shell = InteractiveShell.instance(config=settings)
    _shell.system = _shell.system_piped = _shell.system_raw = lambda command: None
    _shell.getoutput = lambda command, split=True, depth=0: SList([])
    magics = _shell.magics_manager.magics
    for name in NOT_RUN["line"].split():
        magics["line"][name] = lambda line="": None
    for name in NOT_RUN["cell"].split():
        magics["cell"][name] = lambda line="", cell="": None
    _shell.showtraceback = _shell.showsyntaxerror = lambda *args, **kwargs: None
    _shell.run_cell("pass", store_history=False)


def main(channel: socket.socket, home: str, request: dict[str, Any]) -> None:
    """Answer requests until the channel is closed."""
    _quiet(channel)
    os.chdir(home)
    tempfile.tempdir = home
    # As in Jupyter, a notebook imports what it wrote into its own folder with %%writefile. Compiled
    # files could be older than a module that is written twice within a second.
    sys.path.insert(0, home)
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()
    if request["level"] == "limits" and request["course"]:
        _use_copy(os.path.join(request["copies"], request["course"]))
    subject = _Work(_shell.user_ns, seconds=0)  # time is limited here instead
    subject.seed(request["seed"])
    try:
        while True:
            asked = wire.receive(channel, wire.LARGEST_REQUEST)
            wire.post(channel, _answer(subject, asked))
    except wire.Closed:
        os._exit(0)


def _use_copy(folder: str) -> None:
    """Import the course from this folder; at level limits a copy cannot be mounted over it."""
    whole = os.path.dirname(course_utils.__path__[0])
    sys.path[:] = [folder if entry == whole else entry for entry in sys.path]
    course_utils.__path__ = [os.path.join(folder, "course_utils")]


class _Work(student_work.Namespace):
    """The student's names; functions that a question forbids do not exist, so none is watched."""

    def watch(self, helpers: Sequence[str], packages: Sequence[str] = ()) -> None:
        removed.forget()
        super().watch((), packages)

    def watched(self) -> list[str]:
        return [*removed.called(), *super().watched()]


def _quiet(channel: socket.socket) -> None:
    """Close every way out of this process except the channel."""
    empty = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(empty, number)
    kept = channel.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, 4096)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    sink: Any = _Sink()
    sys.stdout = sys.stderr = sink


def _answer(subject: student_work.Namespace, asked: dict[str, Any]) -> bytes:
    """Do what is asked, within the time for it; return the message with its result or error."""
    seconds = float(asked["seconds"])
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    last = int(used.ru_utime + used.ru_stime + seconds) + _GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (min(last, hard), hard))

    def ring(number: int, frame: FrameType | None) -> None:
        raise student_work.TimedOut(seconds, *_place(frame))

    told: student_work.StudentWorkError
    signal.signal(signal.SIGPROF, ring)
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)
        try:
            return wire.encode({"number": asked["number"], **_result(subject, asked)})
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except student_work.StudentWorkError as error:
        told = error
    except wire.NotAMessage as error:
        told = student_work.StudentError("ValueError", f"the answer cannot be judged: {error}")
    except BaseException as error:
        told = student_work.StudentError(type(error).__name__, str(error)[:200])
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
    return wire.encode({"number": asked["number"], "error": told.facts()})


def _result(subject: student_work.Namespace, asked: dict[str, Any]) -> dict[str, Any]:
    if asked["do"] == "run":
        return _run(asked["source"])
    *before, (operation, args) = asked["operations"]
    for name, its_args in before:
        student_work.operate(subject, name, its_args, {})
    return {"value": student_work.operate(subject, operation, args, asked["kwargs"])}


def _place(frame: FrameType | None) -> tuple[int | None, str]:
    """Return the innermost line of the student's own code that is being run."""
    while frame is not None:
        if frame.f_globals is _shell.user_ns:
            line = frame.f_lineno
            return line, linecache.getline(frame.f_code.co_filename, line).strip()[:80]
        frame = frame.f_back
    return None, ""


def _run(source: str) -> dict[str, Any]:
    """Run one cell as a notebook would, and return how it ended."""
    importlib.invalidate_caches()  # for modules that an earlier cell wrote
    removed.forget()
    error = first = _executed(source)
    # A statement that calls a removed function is left out, and so is what needs its result.
    left_out = (removed.WriteItYourself, NameError)
    while isinstance(first, left_out[0]) and isinstance(error, left_out):
        rest = _after(source, error)
        error = _executed(rest) if rest else None
    if isinstance(error, student_work.StudentWorkError):
        raise error
    return {"error": first and _told(first).facts(), "removed": removed.called()}


def _executed(source: str) -> BaseException | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = _shell.run_cell(source, store_history=False)
    return result.error_before_exec or result.error_in_exec


def _after(source: str, error: BaseException) -> str:
    """Return the statements after the one that called a removed function, at their lines."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_globals is not _shell.user_ns:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    text = _shell.transform_cell(source)
    for statement in ast.parse(text).body:
        line = min([statement.lineno, *(decorator.lineno for decorator in _decorators(statement))])
        if line > traceback.tb_lineno:
            # Comments, since empty lines at the start of a cell are not counted.
            return "#\n" * (line - 1) + "\n".join(text.splitlines()[line - 1 :])
    return ""


def _decorators(statement: ast.stmt) -> list[ast.expr]:
    return getattr(statement, "decorator_list", [])


def _told(error: BaseException) -> student_work.StudentError:
    """Return an exception of a cell as it is told to the scoring process."""
    line, code = None, ""
    if isinstance(error, SyntaxError):
        line, code = error.lineno, (error.text or "").strip()[:80]
        message = str(error.msg)
    else:
        message = " ".join(str(error).split())[:200]
        traceback = error.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            if frame.f_globals is _shell.user_ns:
                line = traceback.tb_lineno
                code = linecache.getline(frame.f_code.co_filename, line).strip()[:80]
            traceback = traceback.tb_next
    return student_work.StudentError(type(error).__name__, message, line, code)
