"""Run somebody's code: with a time limit, quietly, and with its errors told as theirs."""

from __future__ import annotations

import contextlib
import io
import pkgutil
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType, FunctionType
from typing import Any

from course_utils.student_work._errors import (
    StudentError,
    StudentWorkError,
    TimedOut,
    place,
    shorten,
)


class _TimeIsUp(BaseException):
    """Not an Exception, so that their ``except Exception`` does not swallow it."""


def can_limit() -> bool:
    """Whether this platform and thread can stop code that runs too long."""
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and hasattr(signal, "setitimer")


#: An ``import`` in somebody's function loads a package once, which takes longer than the work:
#: so many seconds of it are not counted.
_SECONDS_FOR_IMPORTS = 60


def _is_importing(frame: FrameType | None) -> bool:
    """Whether an ``import`` is under way."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if not can_limit() or seconds <= 0:
        yield
        return

    rings = 0

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal rings
        if _is_importing(frame) and rings < _SECONDS_FOR_IMPORTS:
            rings += 1
        elif rings and rings < _SECONDS_FOR_IMPORTS:  # the first time after an import
            rings = _SECONDS_FOR_IMPORTS
            signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        else:
            raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    # Rings again each second, for code that catches everything and goes on.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def guarded(seconds: float, their_globals: dict[str, Any]) -> Iterator[None]:
    """Run the block as somebody's code.

    Raises
    ------
    TimedOut, StudentError
        If the block takes longer than `seconds`, or raises.
    """
    try:
        with (
            _alarm(seconds),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    except _TimeIsUp as error:
        raise TimedOut(seconds, *place(error.__traceback__, their_globals)) from None
    except StudentWorkError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: whatever ended their code, it was theirs
        line, code = place(error.__traceback__, their_globals)
        text = shorten(str(error), 200)
        raise StudentError(type(error).__name__, text, line, code) from None


class Watch:
    """Notes which functions of the course are called while a block runs, and which packages.

    A function can be known under many names (``from ... import feature_map as f``), but it is one
    object. So while the block runs, the code inside that object is exchanged for code that notes
    the call and goes on to the function as it was.
    """

    def __init__(
        self,
        helpers: Sequence[str],
        packages: Sequence[str] = (),
        their_globals: dict[str, Any] | None = None,
    ) -> None:
        self.seen: list[str] = []
        self._packages = frozenset(packages)
        self._their_globals = their_globals
        self._functions: dict[str, FunctionType] = {}
        for helper in helpers:
            function = pkgutil.resolve_name(helper)
            if not isinstance(function, FunctionType) or function.__closure__:
                raise ValueError(f"{helper} is no plain function that is written in Python")
            self._functions[helper] = function

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch the block; afterwards the functions are as they were."""
        before = {}
        try:
            for number, (helper, function) in enumerate(self._functions.items()):
                before[helper] = function.__code__
                mark = f"_watched_{number}_{function.__name__}"
                function.__globals__[mark] = self._noting(helper, function)
                function.__code__ = _passing_on(mark)
            with self._profiled():
                yield
        finally:
            for number, (helper, code) in enumerate(before.items()):
                function = self._functions[helper]
                function.__code__ = code
                function.__globals__.pop(f"_watched_{number}_{function.__name__}", None)

    @contextlib.contextmanager
    def _profiled(self) -> Iterator[None]:
        """Note each of the packages that their code calls, directly or through helpers."""
        if not self._packages:
            yield
            return
        before = sys.getprofile()
        sys.setprofile(self._note_package)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _note_package(self, frame: FrameType, event: str, called: Any) -> None:
        if event not in ("call", "c_call"):
            return
        module = frame.f_globals.get("__name__") if event == "call" else called.__module__
        package = str(module).partition(".")[0]
        caller: FrameType | None = frame.f_back if event == "call" else frame
        if package not in self._packages or package in self.seen:
            return
        # What the course itself calls to look at a result is not theirs.
        while caller is not None and not _is_of_the_probe(caller):
            if caller.f_globals is self._their_globals:
                self.seen.append(package)
                return
            caller = caller.f_back

    def _noting(self, helper: str, function: FunctionType) -> Callable[..., Any]:
        original = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__
        )
        original.__kwdefaults__ = function.__kwdefaults__

        def noting(*args: Any, **kwargs: Any) -> Any:
            if helper not in self.seen:
                self.seen.append(helper)
            return original(*args, **kwargs)

        return noting


def _is_of_the_probe(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("course_utils.student_work")


def _passing_on(name: str) -> CodeType:
    """Code that calls the global function `name` with whatever it is given."""
    made: dict[str, Any] = {}
    exec(f"def pass_on(*args, **kwargs):\n    return {name}(*args, **kwargs)", made)
    code: CodeType = made["pass_on"].__code__
    return code
