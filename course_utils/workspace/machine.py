"""See whether this machine is ready for the lessons (lesson 00).

:func:`gather` looks at the machine, :func:`judge` says what the facts mean: one line each, ``ok``,
``note`` (the lessons run, but read this) or ``stop`` (a lesson could not run).
"""

from __future__ import annotations

import json
import platform
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from course_utils import settings
from course_utils.exceptions import CourseError

GIGABYTE = 10**9

#: Python versions for which the pinned packages exist.
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
    """An NVIDIA graphics card, as the operating system shows it.

    Attributes
    ----------
    name : str
        Its model, or ``"NVIDIA card"`` where the system does not tell.
    driver : bool
        Whether NVIDIA's driver is loaded.
    """

    name: str
    driver: bool


@dataclass(frozen=True)
class TensorFlow:
    """What TensorFlow said when it was imported in a process of its own.

    Attributes
    ----------
    error : str or None
        Why it could not be imported, in one line.
    gpus : tuple of str
        The GPUs it would use.
    """

    error: str | None = None
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What :func:`gather` found; sizes in bytes."""

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


# --- what the facts mean ---------------------------------------------------------------------


def judge(facts: Facts) -> list[Finding]:
    """Say for each fact whether it is well, or what to do."""
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
    """Whether every lesson can run."""
    return all(finding.verdict != "stop" for finding in findings)


def _python(facts: Facts) -> Finding:
    version = ".".join(map(str, facts.python))
    if facts.bits != 64:
        return Finding(
            "Python", "stop", f"{version} for {facts.bits} bits: install the 64-bit version"
        )
    lowest, highest = PYTHONS
    if not lowest <= facts.python[:2] <= highest:
        return Finding(
            "Python",
            "stop",
            f"{version}: TensorFlow here needs Python 3.11, 3.12 or 3.13; install one of them, "
            f"remove the folder .venv and run 'make setup'",
        )
    return Finding("Python", "ok", version)


def _packages(facts: Facts) -> list[Finding]:
    findings = []
    for name, wanted in facts.needs.items():
        version = facts.installed.get(name)
        if version is None:
            text = f"{name} is not installed: run 'make setup' or 'pip install -r requirements.txt'"
            findings.append(Finding("packages", "stop", text))
        elif not _within(version, wanted):
            old = _too_old(version, wanted)
            text = f"{name} is {version}, and the course needs {wanted}: run " + (
                "'make setup' or 'pip install -r requirements.txt'"
                if old
                else f"'pip install \"{name}{wanted}\"' if a lesson fails"
            )
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
        return Finding(
            "memory", "stop", f"{total:.1f} GB: the lessons need 3 GB; take a larger machine"
        )
    if free < 3:
        return Finding(
            "memory",
            "note",
            f"{free:.1f} GB of {total:.1f} GB are free and the largest lesson may take 3 GB: "
            f"close other programs and other notebooks",
        )
    return Finding("memory", "ok", f"{free:.1f} GB of {total:.1f} GB are free")


def _disk(facts: Facts) -> Finding:
    free = facts.disk_free / GIGABYTE
    if not facts.work_writable:
        return Finding(
            "disk",
            "stop",
            f"{facts.work} cannot be written: change its permissions, or set COURSE_WORK to a "
            f"folder of yours",
        )
    if free < 2:
        return Finding(
            "disk",
            "stop" if free < 0.5 else "note",
            f"{free:.1f} GB are free at {facts.work}, and caches and models take up to 2 GB: make "
            f"room, or set COURSE_WORK to a folder on another disk",
        )
    return Finding("disk", "ok", f"{free:.0f} GB are free for your work")


def _data(facts: Facts) -> Finding:
    if facts.paper_flowers == 0:
        return Finding(
            "data",
            "stop",
            "data/paper_flowers is missing or empty: run 'git checkout data', or fetch the course "
            "anew",
        )
    here = ", ".join(facts.datasets) or "paper_flowers"
    return Finding("data", "ok", f"here: {here} ('course data list' shows how to get more)")


def _gpu(facts: Facts) -> Finding:
    cpu = f"the lessons run on the processor ({facts.processors} cores)"
    if facts.tensorflow.gpus:
        return Finding("GPU", "ok", f"TensorFlow uses {', '.join(facts.tensorflow.gpus)}")
    if facts.card is None:
        return Finding("GPU", "ok", f"no NVIDIA card; {cpu}, for which they are made")
    name = facts.card.name
    if facts.tensorflow.error:
        return Finding("GPU", "note", f"{name} is here; first mend TensorFlow, see above")
    if facts.cuda_hidden:
        todo = "CUDA_VISIBLE_DEVICES hides it: unset that variable to use it"
    elif facts.system == "Windows":
        todo = "on Windows, TensorFlow uses it only inside WSL2: see 'Windows' in README.md"
    elif not facts.card.driver:
        todo = "its driver is not loaded: install NVIDIA's driver, then run 'make setup GPU=1'"
    elif not facts.cuda_libraries:
        todo = "the CUDA libraries are not installed: run 'make setup GPU=1'"
    else:
        todo = (
            "TensorFlow cannot use it although the CUDA libraries are installed: bring NVIDIA's "
            "driver up to date and look at what 'nvidia-smi' says"
        )
    return Finding("GPU", "note", f"{name} is here, but {todo}; until then {cpu}")


# --- looking at the machine ------------------------------------------------------------------


def gather() -> Facts:
    """Look at this machine. Imports TensorFlow in a process of its own, which takes seconds."""
    import psutil

    errors = tuple(_settings_errors())
    needs = _needs()
    card = find_card()
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
        installed={name: _installed(name) for name in needs},
        memory=min(memory.total, limit),
        memory_free=min(memory.available, limit),
        work=work,
        work_writable=writable,
        disk_free=disk_free,
        paper_flowers=count,
        datasets=names,
        settings_errors=errors,
        tensorflow=probe_tensorflow(),
        card=card,
        cuda_libraries=_installed("nvidia-cudnn-cu12") is not None,
        cuda_hidden=settings.environment().get("CUDA_VISIBLE_DEVICES") in ("", "-1"),
    )


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
    """The packages that course_utils names, with their ranges, for this Python and system."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("course-utils") or []
    except metadata.PackageNotFoundError:
        return {}
    wanted = map(Requirement, lines)
    return {
        need.name: str(need.specifier)
        for need in wanted
        if need.marker is None or need.marker.evaluate({"extra": ""})
    }


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _work_folder() -> tuple[Path, int, bool]:
    """The folder for the student's work, the free bytes there, and whether it can be written."""
    import tempfile

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
    there = next(folder for folder in (work, *work.parents) if folder.is_dir())
    return work, shutil.disk_usage(there).free, writable


def _memory_limit(root: Path = Path("/sys/fs/cgroup")) -> int:
    """The memory that a container grants, or more than any machine has."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            return int((root / name).read_text(encoding="ascii"))
    return sys.maxsize


def _datasets() -> tuple[int, tuple[str, ...]]:
    """The number of images in data/paper_flowers, and the datasets that are here."""
    try:
        folder = settings.shipped_data() / "paper_flowers"
        count = sum(1 for _ in folder.rglob("*.jpg"))
        from course_utils import datasets

        table = datasets.available()
    except (CourseError, ImportError):
        return 0, ()
    return count, tuple(table.loc[table["here"].astype(bool), "name"])


def find_card(root: Path = Path("/")) -> Card | None:
    """The NVIDIA card of this machine, whether or not anything can use it.

    Parameters
    ----------
    root : Path
        Where /proc, /sys and /dev are looked for.
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
    """The name of the first card that NVIDIA's own tool lists."""
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
    """Import TensorFlow in a process of its own, and ask it for its GPUs."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return TensorFlow("importing TensorFlow took more than 3 minutes: restart the machine")
    if answer.returncode == 0:
        return TensorFlow(gpus=tuple(json.loads(answer.stdout.strip().splitlines()[-1])))
    if answer.returncode < 0:
        return TensorFlow(
            f"importing TensorFlow ended with signal {-answer.returncode}: the processor may lack "
            f"the AVX instructions that TensorFlow needs; take another machine or Google Colab"
        )
    last = next(iter(reversed(answer.stderr.strip().splitlines())), "no message")
    return TensorFlow(f"it cannot be imported ({last}): run 'make setup', or install it anew")
