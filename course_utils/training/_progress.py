"""One progress bar over a whole training, or over many of them.

In a notebook the bar is one output that is updated in place, so that a stored notebook keeps only
its last state. In a terminal it is one line that is overwritten. Where the output goes to a file
it is a handful of lines. Nothing is written to stderr.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

_LINES_IN_A_FILE = 10


class _Text:
    """What a notebook shows: text, and nothing else."""

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return self._text


class ProgressBar:
    """A bar that counts steps and says how things stand.

    Parameters
    ----------
    total : int
        Number of steps until the end.
    shown : bool
        Whether anything is shown at all.
    """

    def __init__(self, total: int, shown: bool = True):
        self.total = max(total, 1)
        self.done = 0
        self.prefix = ""
        self._began = time.monotonic()
        self._last = 0.0
        self._mode = _mode() if shown else "silent"
        self._handle: Any = None
        self._width = 0
        self._next_line = 1

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mode == "terminal" and self._width:
            print(flush=True)
            self._width = 0

    @property
    def due(self) -> bool:
        """Whether something new is to be shown: enough time has passed, or a line of a file."""
        if self._mode == "file":
            return self.done * _LINES_IN_A_FILE >= self._next_line * self.total
        wait = {"notebook": 0.25, "terminal": 0.1, "silent": 1.0}[self._mode]
        return time.monotonic() - self._last >= wait

    def show(self, text: str = "") -> None:
        """Show how far things are, with `text` behind the bar."""
        self._last = time.monotonic()
        if self._mode == "silent" or (self._mode == "file" and not self.due):
            return
        if self._mode == "file":
            self._next_line = self.done * _LINES_IN_A_FILE // self.total + 1
        self._write(self._line(text))

    def finish(self, text: str) -> None:
        """Replace the bar by a last line."""
        if self._mode != "silent":
            self._write(text)

    def _line(self, text: str) -> str:
        share = min(self.done / self.total, 1.0)
        full = round(20 * share)
        elapsed = time.monotonic() - self._began
        left = elapsed * (1 - share) / share if share > 0 else 0.0
        return (
            f"{self.prefix}{'█' * full}{'░' * (20 - full)} {share:4.0%} {text} · "
            f"{_clock(elapsed)}, {_clock(left)} left"
        )

    def _write(self, line: str) -> None:
        if self._mode == "notebook":
            from IPython.display import display

            if self._handle is None:
                self._handle = display(_Text(line), display_id=True)
            else:
                self._handle.update(_Text(line))
        elif self._mode == "terminal":
            import shutil

            line = line[: shutil.get_terminal_size().columns - 1]
            print("\r" + line.ljust(self._width), end="", flush=True)
            self._width = len(line)
        else:
            print(line, flush=True)


def _mode() -> str:
    if "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        if shell is not None and getattr(shell, "kernel", None) is not None:
            return "notebook"
    try:
        return "terminal" if sys.stdout.isatty() else "file"
    except (AttributeError, ValueError):
        return "file"


def _clock(seconds: float) -> str:
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d} min"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h"
