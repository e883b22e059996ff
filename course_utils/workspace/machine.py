"""Check whether this machine is ready for the lessons (lesson 00).

:func:`gather` collects facts about the machine; :func:`judge` rates each of them in one line:
``ok``, ``note`` (the lessons run, but something could be better) or ``stop`` (a lesson cannot run).
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from course_utils import settings
from course_utils.exceptions import CourseError

GIGABYTE = 10**9

#: Oldest and newest version of Python for which the pinned packages exist.
PYTHONS = ((3, 11), (3, 13))

Verdict = Literal["ok", "note", "stop"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Card:
    """An NVIDIA graphics card, as the operating system reports it.

    Attributes
    ----------
    name : str
        Its model, or ``"NVIDIA card"`` if it is unknown.
    driver : bool
        Whether the driver of NVIDIA is loaded.
    """

    name: str
    driver: bool


@dataclass(frozen=True)
class TensorFlow:
    """Result of importing TensorFlow in a separate process.

    Attributes
    ----------
    error : str or None
        Why it cannot be imported, in one line.
    gpus : tuple of str
        The GPUs that it uses.
    """

    error: str | None = None
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Facts that :func:`gather` collects; sizes in bytes."""

    python: tuple[int, ...]
    bits: int
    system: str
    processors: int
    needs: dict[str, str]
    installed: dict[str, str | None]
    memory: int
    memory_free: int
    work: Path
    work_writable: bool
    disk_free: int
    paper_flowers: int
    datasets: tuple[str, ...]
    settings_errors: tuple[str, ...] = ()
    tensorflow: TensorFlow = field(default_factory=TensorFlow)
    card: Card | None = None
    cuda_libraries: bool = False
    cuda_hidden: bool = False


def judge(facts: Facts) -> list[Finding]:
    """Rate each fact, and say what to do if it is not ok."""
    return [
        _python(facts),
        *_packages(facts),
        _tensorflow(facts),
        _memory(facts),
        _disk(facts),
        *(Finding("settings", "stop", error) for error in facts.settings_errors),
        _data(facts),
        _gpu(facts),
    ]


def ready(findings: Iterable[Finding]) -> bool:
    """Return whether every lesson can run."""
    return all(finding.verdict != "stop" for finding in findings)


def _python(facts: Facts) -> Finding:
    version = ".".join(map(str, facts.python))
    lowest, highest = PYTHONS
    if facts.bits != 64:
        text = f"{version} for {facts.bits} bits: install the 64-bit version"
    elif not lowest <= facts.python[:2] <= highest:
        text = (
            f"{version}: TensorFlow here needs Python 3.11, 3.12 or 3.13; install one of them, "
            f"remove the folder .venv and run 'make setup'"
        )
    else:
        return Finding("Python", "ok", version)
    return Finding("Python", "stop", text)


def _packages(facts: Facts) -> list[Finding]:
    install = "run 'make setup' or 'pip install -r requirements.txt'"
    findings = []
    for name, wanted in facts.needs.items():
        version = facts.installed.get(name)
        if version is None:
            findings.append(Finding("packages", "stop", f"{name} is not installed: {install}"))
        elif not _within(version, wanted):
            old = _too_old(version, wanted)
            todo = install if old else f"run 'pip install \"{name}{wanted}\"' if a lesson fails"
            text = f"{name} is {version}, and the course needs {wanted}: {todo}"
            findings.append(Finding("packages", "stop" if old else "note", text))
    if not facts.needs:
        text = "course_utils is not installed: run 'make setup' or 'pip install --editable .'"
        findings.append(Finding("packages", "stop", text))
    return findings or [Finding("packages", "ok", f"all {len(facts.needs)} as the course needs")]


def _within(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _too_old(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    lowest = [Version(part.version) for part in SpecifierSet(wanted) if part.operator == ">="]
    return any(Version(version) < bound for bound in lowest)


def _tensorflow(facts: Facts) -> Finding:
    if facts.tensorflow.error:
        return Finding("TensorFlow", "stop", facts.tensorflow.error)
    return Finding("TensorFlow", "ok", f"{facts.installed.get('tensorflow') or 'yes'}, it imports")


def _memory(facts: Facts) -> Finding:
    total, free = facts.memory / GIGABYTE, facts.memory_free / GIGABYTE
    if total < 3:
        text = f"{total:.1f} GB: the lessons need 3 GB; use a larger machine"
        return Finding("memory", "stop", text)
    text = f"{free:.1f} GB of {total:.1f} GB are free"
    if free < 3:
        text += " and the largest lesson needs 3 GB: close other programs and other notebooks"
    return Finding("memory", "ok" if free >= 3 else "note", text)


def _disk(facts: Facts) -> Finding:
    free = facts.disk_free / GIGABYTE
    if not facts.work_writable:
        todo = "change its permissions, or set COURSE_WORK to another folder"
        return Finding("disk", "stop", f"{facts.work} cannot be written: {todo}")
    if free >= 2:
        return Finding("disk", "ok", f"{free:.0f} GB are free for your work")
    text = (
        f"{free:.1f} GB are free at {facts.work}, and caches and models need up to 2 GB: delete "
        f"files, or set COURSE_WORK to a folder on another disk"
    )
    return Finding("disk", "stop" if free < 0.5 else "note", text)


def _data(facts: Facts) -> Finding:
    if facts.paper_flowers == 0:
        todo = "run 'git checkout data', or download the course again"
        return Finding("data", "stop", f"data/paper_flowers is missing or empty: {todo}")
    here = ", ".join(facts.datasets) or "paper_flowers"
    return Finding("data", "ok", f"here: {here} ('course data list' shows how to get more)")


def _gpu(facts: Facts) -> Finding:
    cpu = f"the lessons run on the CPU ({facts.processors} cores)"
    if facts.tensorflow.gpus:
        return Finding("GPU", "ok", f"TensorFlow uses {', '.join(facts.tensorflow.gpus)}")
    if facts.card is None:
        return Finding("GPU", "ok", f"no NVIDIA card; {cpu}, which is enough")
    name = facts.card.name
    if facts.tensorflow.error:
        return Finding("GPU", "note", f"{name} is here; first fix TensorFlow, see above")
    if facts.cuda_hidden:
        todo = "CUDA_VISIBLE_DEVICES hides it: unset that variable to use it"
    elif facts.system == "Windows":
        todo = "on Windows, TensorFlow uses it only inside WSL2: see 'Windows' in README.md"
    elif not facts.card.driver:
        todo = "its driver is not loaded: install the driver of NVIDIA, then run 'make setup GPU=1'"
    elif not facts.cuda_libraries:
        todo = "the CUDA libraries are not installed: run 'make setup GPU=1'"
    else:
        todo = (
            "TensorFlow cannot use it although the CUDA libraries are installed: update the driver "
            "of NVIDIA and run 'nvidia-smi'"
        )
    return Finding("GPU", "note", f"{name} is here, but {todo}; until then {cpu}")


def gather() -> Facts:
    """Collect the facts about this machine; importing TensorFlow takes some seconds."""
    import psutil

    errors = tuple(_settings_errors())
    needs = _needs()
    work, disk_free, writable = _work_folder()
    memory = psutil.virtual_memory()
    limit = _memory_limit()
    count, names = _datasets()
    return Facts(
        python=sys.version_info[:3],
        bits=struct.calcsize("P") * 8,
        system=platform.system(),
        processors=psutil.cpu_count() or 1,
        needs=needs,
        installed={name: installed_version(name) for name in needs},
        memory=min(memory.total, limit),
        memory_free=min(memory.available, limit),
        work=work,
        work_writable=writable,
        disk_free=disk_free,
        paper_flowers=count,
        datasets=names,
        settings_errors=errors,
        tensorflow=probe_tensorflow(),
        card=find_card(),
        cuda_libraries=installed_version("nvidia-cudnn-cu12") is not None,
        cuda_hidden=settings.environment().get("CUDA_VISIBLE_DEVICES") in ("", "-1"),
    )


def installed_version(package: str) -> str | None:
    """Return the version of an installed package without importing it, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _settings_errors() -> Iterable[str]:
    readings: tuple[Callable[[], Any], ...] = (
        settings.is_quick_run,
        settings.seed,
        settings.data_root,
        settings.dataset_name,
    )
    for reading in readings:
        try:
            reading()
        except CourseError as error:
            yield str(error)


def _needs() -> dict[str, str]:
    """Return the version ranges of the packages that course_utils needs on this machine."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("course-utils") or []
    except metadata.PackageNotFoundError:
        return {}
    return {
        need.name: str(need.specifier)
        for need in map(Requirement, lines)
        if need.marker is None or need.marker.evaluate({"extra": ""})
    }


def _work_folder() -> tuple[Path, int, bool]:
    """Return the folder for the student's work, its free bytes, and whether it can be written."""
    try:
        work = settings.work_root()
    except CourseError:
        work = Path.cwd()
    try:
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=work):
            pass
        writable = True
    except OSError:
        writable = False
    there = next(folder for folder in (work, *work.parents) if os.path.isdir(folder))
    return work, shutil.disk_usage(there).free, writable


def _memory_limit(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the memory limit of a container in bytes, or a very large number without one."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            return int((root / name).read_text(encoding="ascii"))
    return sys.maxsize


def _datasets() -> tuple[int, tuple[str, ...]]:
    """Return the number of images in data/paper_flowers, and the names of the datasets here."""
    try:
        folder = settings.shipped_data() / "paper_flowers"
        count = sum(1 for _ in folder.rglob("*.jpg"))
        from course_utils import datasets

        table = datasets.available()
    except (CourseError, ImportError):
        return 0, ()
    return count, tuple(table.loc[table["here"].astype(bool), "name"])


def find_card(root: Path = Path("/")) -> Card | None:
    """Return the NVIDIA card of this machine, even if no program can use it.

    Parameters
    ----------
    root : Path
        The folder that contains proc and sys.
    """
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        text = information.read_text(encoding="utf-8", errors="replace")
        models = [line.partition(":")[2].strip() for line in text.splitlines() if "Model" in line]
        return Card(models[0] if models else "NVIDIA card", driver=True)
    if root == Path("/") and (name := _nvidia_smi()):
        return Card(name, driver=True)
    for device in sorted((root / "sys/bus/pci/devices").glob("*")):
        with suppress(OSError):
            maker = (device / "vendor").read_text(encoding="ascii").strip()
            kind = (device / "class").read_text(encoding="ascii").strip()
            if maker == "0x10de" and kind.startswith("0x03"):
                return Card("NVIDIA card", driver=(root / "proc/driver/nvidia/version").is_file())
    return None


def _nvidia_smi() -> str | None:
    """Return the name of the first card that ``nvidia-smi`` lists."""
    tool = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path="/usr/lib/wsl/lib")
    if tool is None:
        return None
    command = [tool, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(answer.stdout.strip().splitlines()), None)


_PROBE = """
import json
import tensorflow as tf
cards = tf.config.list_physical_devices("GPU")
details = [tf.config.experimental.get_device_details(card) for card in cards]
print(json.dumps([detail.get("device_name", "a GPU") for detail in details]))
"""


def probe_tensorflow(command: tuple[str, ...] = (sys.executable, "-c", _PROBE)) -> TensorFlow:
    """Import TensorFlow in a separate process, and list its GPUs."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return TensorFlow("importing TensorFlow took more than 3 minutes: restart the machine")
    if answer.returncode == 0:
        return TensorFlow(gpus=tuple(json.loads(answer.stdout.strip().splitlines()[-1])))
    if answer.returncode < 0:
        return TensorFlow(
            f"importing TensorFlow ended with signal {-answer.returncode}: the processor may lack "
            f"the AVX instructions that TensorFlow needs; use another machine or Google Colab"
        )
    last = next(iter(reversed(answer.stderr.strip().splitlines())), "no message")
    return TensorFlow(f"it cannot be imported ({last}): run 'make setup', or install it again")
