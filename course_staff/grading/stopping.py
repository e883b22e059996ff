"""End a run at Ctrl-C and at the signals of schedulers and terminals, with its clean-up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Stopped(KeyboardInterrupt):
    """A signal asked the program to end.

    Attributes
    ----------
    code : int
        The exit status that tells this to shells.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


@contextmanager
def at_signals() -> Iterator[None]:
    """Raise :class:`Stopped` at the first signal, and ignore further ones during the clean-up.

    Signals that are ignored already, as under ``nohup``, stay ignored. For the main thread only.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = [number for number in _SIGNALS if before[number] not in (signal.SIG_IGN, None)]

    def stop(number: int, frame: FrameType | None) -> None:
        for other in taken:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
