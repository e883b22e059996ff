"""Measure the course against other ways of doing the same (``make bench``).

A row of the table is a :class:`Row`. Each module of this package has a list ``ROWS`` of them, so a
new topic is a new file here and nothing else. Every row is measured in a process of its own, so
that the memory of one does not count for the next.
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
from course_utils.workspace.notebook_runner import PeakMemory


def _nothing() -> str | None:
    return None


@dataclass(frozen=True)
class Row:
    """One thing that is measured.

    Attributes
    ----------
    name : str
        Short and unique, for instance ``"convolution against the loop"``.
    about : str
        One line: what is done, ours and theirs.
    run : callable
        Given True for a quick run, measures and returns what :func:`measured` returns.
    needs : callable
        Returns one sentence that says what is missing (data, a graphics card), or None.
    limit : int
        Seconds after which the row is given up.
    shared : bool
        Whether it may use models that other such rows trained in the same call.
    expected : (int, int)
        Seconds that it takes on two cores, about: in full, and quick. Where time is short, a row
        that would take too long is left out.
    """

    name: str
    about: str
    run: Callable[[bool], dict[str, Any]]
    needs: Callable[[], str | None] = _nothing
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
    """Put one measurement into the form that the table and ``bench.json`` hold.

    Parameters
    ----------
    ours, theirs : float
        What the course reaches, and what it is compared with.
    unit : str
        The unit of both.
    wanted : str
        What is asked for, for instance ``"ratio at most 1.15"``.
    ok : bool, optional
        Whether that was reached.
    note : str
        One line for the table.
    **more
        Whatever else is worth keeping in ``bench.json``: single runs, losses, peaks.

    Returns
    -------
    dict
        With ``ratio`` = ours / theirs.
    """
    ratio = ours / theirs if theirs else None
    return {
        "ours": ours,
        "theirs": theirs,
        "ratio": ratio,
        "unit": unit,
        "wanted": wanted,
        "ok": ok,
        "note": note,
        **more,
    }


def all_rows() -> list[Row]:
    """The rows of all modules of this package."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name[0] != "_")
    rows = [row for name in names for row in import_module(f"{__name__}.{name}").ROWS]
    return sorted(rows, key=lambda row: row.shared)  # the lessons, which take longest, come last


def find(names: Iterable[str]) -> list[Row]:
    """The rows whose name holds one of `names`; all where there is none.

    Raises
    ------
    InvalidInput
        If a name means no row.
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

    A row that lacks something, fails or takes too long says so under ``missing`` or ``error``.
    The file is written anew after each row, so that what is stopped keeps what it measured. Rows
    that are not asked for, or for which no time is left, stay in it as they were, with their date.

    Parameters
    ----------
    rows : list of Row
        What to measure.
    quick : bool
        Measure less, in at most 5 minutes for all.
    output : Path, optional
        Where the JSON goes; by default ``build/bench.json``.
    say : callable
        Told of each row before it is measured.
    minutes : float, optional
        A row that is expected to take longer than what is left of them is not measured; where the
        file has it, the earlier measurement is given, and its date.

    Returns
    -------
    list of dict
        One for each row: its name, what :func:`measured` gave, seconds, peak memory and date. All
        rows, unless Ctrl-C stopped it.
    """
    began = time.monotonic()
    results: list[dict[str, Any]] = []
    output = output or settings.course_root() / "build" / "bench.json"
    output.parent.mkdir(parents=True, exist_ok=True)
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
            fresh = output.with_suffix(".json.part")
            fresh.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            fresh.replace(output)
    return results


def _rows_of(file: Path) -> dict[tuple[str, bool], dict[str, Any]]:
    """The rows that `file` holds, by name and whether they were measured quickly."""
    if not file.is_file():
        return {}
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        return {(row["name"], row["quick"]): row for row in report["rows"]}
    except (ValueError, KeyError, TypeError):
        return {}  # it is written anew in any case


def _left_out(row: Row, minutes: float | None, known: dict[str, Any] | None) -> dict[str, Any]:
    """What the table says of a row for which no time is left."""
    if known is not None and "ours" in known:
        note = f"measured on {known['date']}, not again; {known['note']}"
        return {**known, "note": note.removesuffix("; ")}
    told = f"no time was left of the {minutes:g} minutes; 'course bench NAME' measures one row"
    return {"name": row.name, "about": row.about, "missing": told}


def _run_apart(row: Row, quick: bool, common: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        answer, log = Path(folder, "answer.json"), Path(folder, "log.txt")
        command = [sys.executable, "-m", __name__, row.name, str(answer)]
        began = time.perf_counter()
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command + ["--quick"] * quick,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=settings.environment(
                    COURSE_WORK=str(Path(common if row.shared else folder, "work"))
                ),
            )
            memory = PeakMemory(process.pid)
            try:
                process.wait(timeout=row.limit)
            except subprocess.TimeoutExpired:
                _end(process)
                return {"error": f"given up after {row.limit} s"}
            except KeyboardInterrupt:
                _end(process)
                raise
            finally:
                peak = memory.stop()
        spent = {
            "seconds": round(time.perf_counter() - began, 1),
            "peak_megabytes": round(peak / 1e6),
        }
        if not answer.is_file():
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return {"error": lines[-1] if lines else f"exit status {process.returncode}", **spent}
        return {**json.loads(answer.read_text(encoding="utf-8")), **spent}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, such as the kernel of a lesson."""
    import psutil

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
    """The results as a Rich table, and below it what is to be said of them."""
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
        told = result.get("missing") or result.get("error") or result["note"]
        if told:
            notes.setdefault(told, []).append(result["name"])
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
    return Group(table, "", *(Text(f"{'; '.join(of)}: {told}.") for told, of in notes.items()))


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.3g} {unit}".strip()
