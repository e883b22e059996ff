"""Run one notebook without a browser, and measure its time and memory."""

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

#: Timeout of one cell in seconds.
CELL_TIMEOUT = 1800

#: Seconds between two measurements of memory.
_PERIOD = 0.2

_TERMINAL_COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class CellError:
    """Id of the cell that stopped a notebook, and the reason in one line."""

    cell: str
    message: str

    def __str__(self) -> str:
        return f"cell {self.cell}: {self.message}"


@dataclass
class Run:
    """Result of running a notebook.

    Attributes
    ----------
    notebook : NotebookNode
        The notebook with its new outputs, up to the cell that failed, if one did.
    seconds : float
        Wall-clock time, from the start of the kernel to its end.
    cpu_seconds : float
        Processor time of the kernel and its child processes together.
    peak_bytes : int
        Peak resident memory of the kernel and its child processes together.
    results : list of dict
        The results that the cells reported with ``report_result``: name, value, text.
    error : CellError or None
        The cell that failed.
    """

    notebook: Any
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    error: CellError | None = None


class ResourceMeter:
    """Measure the peak memory and the processor time of a process with its child processes.

    The resident sizes are summed every 0.2 seconds. On Linux, the peak that the system records for
    the process itself is included, also from before the first measurement.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self.cpu_seconds = 0.0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Measure now."""
        with suppress(psutil.Error):
            process = psutil.Process(self._pid)
            self.cpu_seconds = max(self.cpu_seconds, sum(process.cpu_times()[:4]))
            resident = _resident(process)
            self.bytes = max(self.bytes, resident, _peak_of_linux(self._pid))

    def stop(self) -> int:
        """Stop measuring, and return the peak in bytes."""
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
    """Run all cells of a notebook in a new kernel of this Python.

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
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    run = Run(notebook)
    began = time.perf_counter()
    _Execution(run, on_cell).execute(folder, environment, timeout)
    run.seconds = time.perf_counter() - began
    for cell in code:
        join_streams(cell)
    run.results = results.collect(notebook)
    return run


class _Execution:
    """Execute a notebook with nbclient, and record the peak memory and the error."""

    def __init__(self, run: Run, on_cell: Callable[[int, int], None] | None) -> None:
        self._run = run
        self._on_cell = on_cell
        self._place = 0
        self._meter: ResourceMeter | None = None

    def execute(self, folder: Path, environment: dict[str, str], timeout: int) -> None:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        class Client(NotebookClient):
            async def async_start_new_kernel(self, **kwargs: Any) -> None:
                _let_interrupts_through()
                await super().async_start_new_kernel(**kwargs)

        self._client = Client(
            self._run.notebook,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            store_widget_state=False,
            extra_arguments=["--IPKernelApp.log_level=40"],  # errors, not warnings
            on_cell_start=self._before,
            on_cell_executed=self._after,
        )
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            try:
                self._client.execute(env=environment, stderr=log)
            except CellExecutionError as error:
                self._failed(f"{error.ename}: {error.evalue}")
            except CellTimeoutError:
                self._failed(f"it took longer than {timeout} s and was stopped")
            except DeadKernelError:
                self._failed("Python ended unexpectedly, most often because memory ran out")
            except RuntimeError as error:  # the kernel did not start
                log.seek(0)
                last = next(iter(reversed(log.read().strip().splitlines())), "")
                self._failed(f"{error} {last}")
                atexit.unregister(self._client._cleanup_kernel)  # it fails without a kernel
            finally:
                if self._meter is not None:
                    self._run.peak_bytes = self._meter.stop()
                    self._run.cpu_seconds = self._meter.cpu_seconds

    def _before(self, cell: Any, cell_index: int) -> None:
        self._place = cell_index
        if self._meter is None:
            kernel: Any = self._client.km
            self._meter = ResourceMeter(kernel.provisioner.pid)
        if self._on_cell is not None:
            self._on_cell(cell_index, len(self._run.notebook.cells))

    def _after(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        if self._meter is not None:
            self._meter.look()

    def _failed(self, message: str) -> None:
        first_line = next(iter(_TERMINAL_COLORS.sub("", message).strip().splitlines()), "")
        name = self._run.notebook.cells[self._place].get("id", str(self._place + 1))
        self._run.error = CellError(name, first_line)


def join_streams(cell: Any) -> None:
    """Join consecutive stream outputs of a cell, and shorten progress bars, in place.

    Of a line with carriage returns, only the text after the last one is kept.
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
    """Remove the handler of nbclient, so that Ctrl-C ends this program and not only the kernel."""
    with suppress(RuntimeError, NotImplementedError):  # other threads and Windows have no handler
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
