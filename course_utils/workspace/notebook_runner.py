"""Run one notebook without a browser, and watch how long it takes and how much memory."""

from __future__ import annotations

import asyncio
import atexit
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from course_utils import results

#: Seconds that one cell may take before its lesson counts as failed.
CELL_TIMEOUT = 1800

#: Seconds between two looks at the memory of the kernel.
_PERIOD = 0.2

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class CellError:
    """The cell that stopped a notebook, and why, in one line."""

    cell: str
    message: str

    def __str__(self) -> str:
        return f"cell {self.cell}: {self.message}"


@dataclass
class Run:
    """What came of running a notebook.

    Attributes
    ----------
    notebook : NotebookNode
        The notebook with its new outputs, up to the cell that failed, if one did.
    seconds : float
        Wall-clock time, from the start of the kernel to its end.
    peak_bytes : int
        Most resident memory of the kernel and the processes it started, together.
    results : list of dict
        What the cells gave to ``report_result``: name, value, text.
    error : CellError or None
        The cell that failed.
    """

    notebook: Any
    seconds: float = 0.0
    peak_bytes: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    error: CellError | None = None


class PeakMemory:
    """Most resident memory of a process and the processes it started, together.

    Every 0.2 seconds the resident sizes are added up; where Linux keeps the peak of the process
    itself, a peak between two looks is not missed either.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Measure now."""
        with suppress(psutil.Error):
            process = psutil.Process(self._pid)
            self.bytes = max(self.bytes, _resident(process), _peak_of_linux(self._pid))

    def stop(self) -> int:
        """End the watch and return the peak in bytes."""
        self._stop.set()
        self._thread.join()
        return self.bytes

    def _watch(self) -> None:
        while not self._stop.wait(_PERIOD):
            self.look()


def _resident(process: psutil.Process) -> int:
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total


def _peak_of_linux(pid: int) -> int:
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        if found := re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE):
            return int(found.group(1)) * 1024
    return 0


def run_notebook(
    notebook: Any,
    folder: Path,
    environment: dict[str, str],
    on_cell: Callable[[int, int], None] | None = None,
    timeout: int = CELL_TIMEOUT,
) -> Run:
    """Run all cells of a notebook in a fresh kernel of this Python.

    Parameters
    ----------
    notebook : NotebookNode
        Its outputs are replaced in place.
    folder : Path
        The working folder of the kernel.
    environment : dict
        All environment variables of the kernel.
    on_cell : callable, optional
        Called before each cell with the number of cells done and the number of cells.
    timeout : int
        Seconds for one cell.

    Returns
    -------
    Run
        A cell that fails ends the run; it is named in ``error``, not raised.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    run = Run(notebook)
    place = 0
    memory: PeakMemory | None = None

    def before(cell: Any, cell_index: int) -> None:
        nonlocal place, memory
        place = cell_index
        if memory is None:
            _let_interrupts_through()
            kernel: Any = client.km
            memory = PeakMemory(kernel.provisioner.pid)
        if on_cell is not None:
            on_cell(cell_index, len(notebook.cells))

    def after(cell: Any, cell_index: int, execute_reply: Any) -> None:
        if memory is not None:
            memory.look()

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # its errors, not its warnings
        on_cell_start=before,
        on_cell_executed=after,
    )
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            client.execute(env=environment, stderr=log)
        except CellExecutionError as error:
            run.error = _error(notebook, place, f"{error.ename}: {error.evalue}")
        except CellTimeoutError:
            run.error = _error(notebook, place, f"it took longer than {timeout} s and was stopped")
        except DeadKernelError:
            run.error = _error(
                notebook, place, "Python ended in the middle, most often because memory ran out"
            )
        except RuntimeError as error:  # the kernel did not even start
            log.seek(0)
            last = next(iter(reversed(log.read().strip().splitlines())), "")
            run.error = _error(notebook, place, f"{error} {last}")
            atexit.unregister(client._cleanup_kernel)  # there is none, and it would complain
        finally:
            if memory is not None:
                run.peak_bytes = memory.stop()
    run.seconds = time.perf_counter() - began
    for cell in notebook.cells:
        if cell.cell_type == "code":
            join_streams(cell)
    run.results = results.collect(notebook)
    return run


def join_streams(cell: Any) -> None:
    """Join what a cell printed in several pieces, in place; of a progress bar keep the last state.

    A line that was written over several times (with a carriage return) is reduced to what is seen
    in the end.
    """
    joined: list[Any] = []
    for output in cell.outputs:
        last = joined[-1] if joined else None
        if last and _stream(last) and _stream(last) == _stream(output):
            last.text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = "\n".join(map(_last_state, output.text.split("\n")))
    cell.outputs = joined


def _stream(output: Any) -> str | None:
    return output.name if output.output_type == "stream" else None


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _let_interrupts_through() -> None:
    """Let Ctrl-C end this program, rather than only the kernel, as nbclient arranges it."""
    with suppress(RuntimeError, NotImplementedError):  # another thread, or Windows: nothing set
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)


def _error(notebook: Any, place: int, message: str) -> CellError:
    first_line = next(iter(_COLOURS.sub("", message).strip().splitlines()), "")
    return CellError(notebook.cells[place].get("id", str(place + 1)), first_line)
