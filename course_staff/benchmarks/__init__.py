"""Compare speed, memory and accuracy of the course with alternatives (``make bench``).

A row of the table is a :class:`Row`. Modules of this package hold rows in a list ``ROWS``, so a new
topic is one new file here. Every row is measured in a process of its own, so that the memory of one
does not count for the next.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic
from course_utils.workspace.notebook_runner import ResourceMeter


@dataclass(frozen=True)
class Row:
    """One measurement of the table.

    Attributes
    ----------
    name : str
        Short and unique, for instance ``"convolution against the loop"``.
    about : str
        One line: what is compared.
    run : callable
        Given True for a quick run, measures and returns the result of :func:`measured`.
    needs : callable
        Returns one sentence that names missing data or hardware, or None.
    limit : int
        Timeout in seconds.
    shared : bool
        Whether it may use models that other rows of this kind trained in the same call.
    expected : (int, int)
        Approximate seconds on two cores, of a full and of a quick run. A row that would take longer
        than the time that is left is skipped.
    """

    name: str
    about: str
    run: Callable[[bool], dict[str, Any]]
    needs: Callable[[], str | None] = lambda: None
    limit: int = 900
    shared: bool = False
    expected: tuple[int, int] = (0, 0)


def measured(
    ours: float,
    theirs: float | None = None,
    unit: str = "s",
    wanted: str = "",
    ok: bool | None = None,
    note: str = "",
    **more: Any,
) -> dict[str, Any]:
    """Return one measurement in the form that the table and ``bench.json`` use.

    Parameters
    ----------
    ours, theirs : float
        Value of the course, and of the alternative.
    unit : str
        The unit of both.
    wanted : str
        The target, for instance ``"ratio at most 1.15"``.
    ok : bool, optional
        Whether the target was reached.
    note : str
        One line for the table.
    **more
        Further values for ``bench.json``: single runs, losses, peaks.

    Returns
    -------
    dict
        With ``ratio`` = ours / theirs.
    """
    values = {"ours": ours, "theirs": theirs, "ratio": ours / theirs if theirs else None}
    return {**values, "unit": unit, "wanted": wanted, "ok": ok, "note": note, **more}


def all_rows() -> list[Row]:
    """Return the rows of all modules of this package; the lessons, which take longest, are last."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name[0] != "_")
    modules = [import_module(f"{__name__}.{name}") for name in names]
    rows = [row for module in modules for row in getattr(module, "ROWS", ())]
    return sorted(rows, key=lambda row: row.shared)


def find(names: Iterable[str]) -> list[Row]:
    """Return the rows whose name contains one of `names`, or all rows if `names` is empty.

    Raises
    ------
    InvalidInput
        If a name matches no row.
    """
    rows = all_rows()
    names = list(names)
    for name in names:
        if not any(name.lower() in row.name.lower() for row in rows):
            known = ", ".join(row.name for row in rows)
            raise InvalidInput(f"There is no row {name!r} to measure; there are {known}.")
    wanted = [row for row in rows if any(name.lower() in row.name.lower() for name in names)]
    return wanted if names else rows


def run_rows(
    rows: list[Row],
    quick: bool = False,
    output: Path | None = None,
    say: Callable[[str], None] = print,
    minutes: float | None = None,
) -> list[dict[str, Any]]:
    """Measure rows one after the other and write them to ``build/bench.json``.

    The result of a row that could not be measured holds the reason under ``missing`` or ``error``.
    The file is written after each row, so that an interrupted run keeps its measurements. Earlier
    results of rows that are not measured now stay in the file.

    Parameters
    ----------
    rows : list of Row
        Rows to measure.
    quick : bool
        Whether to measure less, in at most 5 minutes for all rows.
    output : Path, optional
        The JSON file; by default ``build/bench.json``.
    say : callable
        Called with a line of text before each row.
    minutes : float, optional
        Time budget. A row that is expected to take longer than what is left is not measured; its
        earlier result is returned if the file has one.

    Returns
    -------
    list of dict
        One for each row: name, date, seconds, peak memory and the values of :func:`measured`. Rows
        after Ctrl-C are missing.
    """
    began = time.monotonic()
    results: list[dict[str, Any]] = []
    output = output or settings.course_root() / "build" / "bench.json"
    before = _rows_of(output)
    with tempfile.TemporaryDirectory(prefix="course-") as common:
        for row in rows:
            left = float("inf") if minutes is None else 60 * minutes - (time.monotonic() - began)
            if row.expected[quick] > left:
                results.append(_left_out(row, minutes, before.get((row.name, quick))))
                continue
            say(f"{row.name} ...")
            try:
                missing = row.needs()
                result = {"missing": missing} if missing else _run_apart(row, quick, Path(common))
            except KeyboardInterrupt:
                say("Stopped.")
                break
            today = datetime.now().astimezone().date().isoformat()
            about = {"name": row.name, "about": row.about, "quick": quick, "date": today}
            results.append({**about, **result})
            before[row.name, quick] = results[-1]
            report = {"quick": quick, "machine": _machine(), "rows": list(before.values())}
            write_atomic(output, json.dumps(report, indent=1) + "\n")
    return results


def _rows_of(file: Path) -> dict[tuple[str, bool], dict[str, Any]]:
    """Return the results in `file` by name and ``quick``; none if it is missing or damaged."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        return {(row["name"], row["quick"]): row for row in report["rows"]}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _left_out(row: Row, minutes: float | None, known: dict[str, Any] | None) -> dict[str, Any]:
    """Return the result of a row for which no time is left."""
    if known is not None and "ours" in known:
        note = f"measured on {known['date']}, not again; {known['note']}"
        return {**known, "note": note.removesuffix("; ")}
    text = f"no time was left of the {minutes:g} minutes; 'course bench NAME' measures one row"
    return {"name": row.name, "about": row.about, "missing": text}


def _run_apart(row: Row, quick: bool, common: Path) -> dict[str, Any]:
    """Measure a row in a process of its own, and add its seconds and its peak memory."""
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        answer, log = Path(folder, "answer.json"), Path(folder, "log.txt")
        command = [sys.executable, "-m", __name__, row.name, str(answer), *["--quick"] * quick]
        work = Path(common if row.shared else folder, "work")
        began = time.perf_counter()
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=settings.environment(COURSE_WORK=str(work)),
            )
            memory = ResourceMeter(process.pid)
            try:
                process.wait(timeout=row.limit)
            except subprocess.TimeoutExpired:
                seeds = [line for line in _lines(log) if line.startswith("seed ")]
                return {"error": "; ".join([f"given up after {row.limit} s", *seeds])}
            finally:
                _end(process)  # after a timeout and after Ctrl-C
                peak = memory.stop()
        seconds = time.perf_counter() - began
        if answer.is_file():
            result = json.loads(answer.read_text(encoding="utf-8"))
        else:
            lines = _lines(log)
            result = {"error": lines[-1] if lines else f"exit status {process.returncode}"}
        return {**result, "seconds": round(seconds, 1), "peak_megabytes": round(peak / 1e6)}


def _lines(log: Path) -> list[str]:
    """Return what a row printed."""
    return log.read_text(encoding="utf-8", errors="replace").strip().splitlines()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that still runs, with its child processes, such as the kernel of a lesson."""
    import psutil

    if process.poll() is not None:
        return
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def _machine() -> dict[str, Any]:
    import psutil

    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gigabytes": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def table_of(results: list[dict[str, Any]]) -> Any:
    """Return the results as a Rich table with the notes below it."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Bench", title_justify="left", box=None, pad_edge=False)
    for heading in ("what", "ours", "theirs", "ratio", "peak", "wanted"):
        words = heading in ("what", "wanted")
        table.add_column(heading, justify="left" if words else "right", no_wrap=heading == "what")
    notes: dict[str, list[str]] = {}
    for result in results:
        text = result.get("missing") or result.get("error") or result["note"]
        if text:
            notes.setdefault(text, []).append(result["name"])
        if "ours" not in result:
            table.add_row(result["name"], "-", "-", "-", "-", "")
            continue
        mark = {True: ": [green]yes[/]", False: ": [red]no[/]", None: ""}[result["ok"]]
        table.add_row(
            result["name"],
            _number(result["ours"], result["unit"]),
            _number(result["theirs"], result["unit"]),
            _number(result["ratio"]),
            f"{result['peak_megabytes'] / 1000:.2f} GB",
            escape(result["wanted"]) + mark,
        )
    return Group(
        table, "", *(Text(f"{'; '.join(names)}: {note}.") for note, names in notes.items())
    )


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.3g} {unit}".strip()
