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
from types import FrameType
from typing import Any

from course_utils.probe._errors import ProbeError, StudentError, TimedOut, place, shorten


class _TimeIsUp(BaseException):
    """Not an Exception, so that their ``except Exception`` does not swallow it."""


def can_limit() -> bool:
    """Whether this platform and thread can stop code that runs too long."""
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and hasattr(signal, "setitimer")


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if not can_limit() or seconds <= 0:
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
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
    except ProbeError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: whatever ended their code, it was theirs
        line, code = place(error.__traceback__, their_globals)
        text = shorten(str(error), 200)
        raise StudentError(type(error).__name__, text, line, code) from None


class Watch:
    """Notes which functions of the course are called while a block runs."""

    def __init__(self, helpers: Sequence[str]) -> None:
        self.seen: list[str] = []
        self._codes = {}
        for helper in helpers:
            code = getattr(pkgutil.resolve_name(helper), "__code__", None)
            if code is None:
                raise ValueError(f"{helper} is no function that is written in Python")
            self._codes[code] = helper

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch the block; other profilers are put back afterwards."""
        if not self._codes:
            yield
            return
        before = sys.getprofile()
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(before)

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        helper = self._codes.get(frame.f_code) if event == "call" else None
        if helper is not None and helper not in self.seen:
            self.seen.append(helper)


#: A function without arguments whose result is somebody's.
Theirs = Callable[[], Any]
