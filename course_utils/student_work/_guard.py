"""Run student code with a time limit, without its output, and report its errors."""

from __future__ import annotations

import contextlib
import io
import pkgutil
import signal
import sys
import threading
import time
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
    """The time limit is reached. It is no Exception, so ``except Exception`` does not catch it."""


def can_limit() -> bool:
    """Return whether this platform and thread can stop code that runs too long."""
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and hasattr(signal, "setitimer")


#: Seconds of imports that do not count: an ``import`` in a function takes long the first time.
_SECONDS_FOR_IMPORTS = 60
#: The share of its seconds that code must have computed to be stopped when they are over. On a busy
#: machine it gets more of them: `_PATIENCE` times as many, then it is stopped in any case.
_COMPUTED, _PATIENCE = 0.9, 3


def _is_importing(frame: FrameType | None) -> bool:
    """Return whether an ``import`` is running in this frame or a caller."""
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

    import_seconds = 0
    began, computed = time.monotonic(), time.process_time()

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal import_seconds, began, computed
        if _is_importing(frame) and import_seconds < _SECONDS_FOR_IMPORTS:
            import_seconds += 1
        elif 0 < import_seconds < _SECONDS_FOR_IMPORTS:  # the import has ended: the limit starts
            import_seconds = _SECONDS_FOR_IMPORTS
            began, computed = time.monotonic(), time.process_time()
            signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        elif (
            time.process_time() - computed >= _COMPUTED * seconds
            or time.monotonic() - began >= _PATIENCE * seconds
        ):
            raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    # Repeated each second, because code may catch the first one and continue.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def guarded(seconds: float, their_globals: dict[str, Any]) -> Iterator[None]:
    """Run the block as student code.

    Raises
    ------
    TimedOut, StudentError
        If the block takes longer than `seconds`, or raises an exception.
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
    except (StudentWorkError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also SystemExit
        line, code = place(error.__traceback__, their_globals)
        text = shorten(str(error), 200)
        raise StudentError(type(error).__name__, text, line, code) from None


class Watch:
    """Records which functions of the course and which packages are called in a block.

    A function can have many names (``from ... import feature_map as f``), but it is one object. So
    while the block runs, the code of this object is replaced by code that records the call and
    calls the original.
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
                raise ValueError(f"{helper} is no plain function written in Python")
            self._functions[helper] = function

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Record calls in the block; restore the functions afterwards."""
        before = {}
        try:
            for number, (helper, function) in enumerate(self._functions.items()):
                before[helper] = function.__code__
                mark = f"_watched_{number}_{function.__name__}"
                function.__globals__[mark] = self._recording(helper, function)
                function.__code__ = _forwarding(mark)
            with self._profiled():
                yield
        finally:
            for number, (helper, code) in enumerate(before.items()):
                function = self._functions[helper]
                function.__code__ = code
                function.__globals__.pop(f"_watched_{number}_{function.__name__}", None)

    @contextlib.contextmanager
    def _profiled(self) -> Iterator[None]:
        """Record each of the packages that student code calls, directly or indirectly."""
        if not self._packages:
            yield
            return
        before = sys.getprofile()
        sys.setprofile(self._record_package)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _record_package(self, frame: FrameType, event: str, called: Any) -> None:
        if event not in ("call", "c_call"):
            return
        module = frame.f_globals.get("__name__") if event == "call" else called.__module__
        package = str(module).partition(".")[0]
        caller: FrameType | None = frame.f_back if event == "call" else frame
        if package not in self._packages or package in self.seen:
            return
        # Calls by this package, for instance to convert a result, do not count.
        while caller is not None and not _is_this_package(caller):
            if caller.f_globals is self._their_globals:
                self.seen.append(package)
                return
            caller = caller.f_back

    def _recording(self, helper: str, function: FunctionType) -> Callable[..., Any]:
        original = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__
        )
        original.__kwdefaults__ = function.__kwdefaults__

        def recording(*args: Any, **kwargs: Any) -> Any:
            if helper not in self.seen:
                self.seen.append(helper)
            return original(*args, **kwargs)

        return recording


def _is_this_package(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("course_utils.student_work")


def _forwarding(name: str) -> CodeType:
    """Return the code of a function that calls the global function `name` with its arguments."""
    made: dict[str, Any] = {}
    exec(f"def forward(*args, **kwargs):\n    return {name}(*args, **kwargs)", made)
    code: CodeType = made["forward"].__code__
    return code
