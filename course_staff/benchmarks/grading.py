"""Submissions graded per minute, against one batch run of nbgrader's autograde."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from course_staff.benchmarks import Row, measured
from course_utils import checks, settings
from course_utils.exceptions import CourseError

SUBMISSIONS = 30


def _solutions(number: str) -> list[Path]:
    return sorted((settings.course_root() / "solutions").glob(f"{number}_*/*.ipynb"))


def _needs(number: str) -> str | None:
    if importlib.util.find_spec("nbgrader") is None:
        return "nbgrader is not installed (pip install nbgrader)"
    return None if _solutions(number) else f"there is no exercise {number} yet"


def _submissions(solution: Path, count: int) -> list[str]:
    """Solutions that differ a little, half of them with an answer left out.

    Experiments are left out of all: the time that a student's own training takes is the same for
    every grader.
    """
    questions = checks.exercise(solution.parent.name).questions
    experiments = {
        question.id.replace(".", "-") for question in questions if question.kind == "experiment"
    }
    texts = []
    for k in range(count):
        stored = json.loads(solution.read_text(encoding="utf-8"))
        answers = [
            cell
            for cell in stored["cells"]
            if cell["cell_type"] == "code"
            and cell["metadata"].get("nbgrader", {}).get("solution", False)
        ]
        for cell in answers:
            cell["source"] = "".join(cell["source"]) + f"\n# {k}\n"
            if cell["metadata"]["nbgrader"]["grade_id"] in experiments:
                cell["source"] = "raise NotImplementedError()\n"
        if k % 2:
            answers[k % len(answers)]["source"] = "raise NotImplementedError()\n"
        texts.append(json.dumps(stored))
    return texts


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")


def _theirs(solution: Path, texts: list[str], folder: Path) -> float:
    """Seconds of one batch run of nbgrader's autograde; its own set-up is not counted."""
    name, place = solution.parent.name, Path(solution.parent.name, solution.name)
    _write({folder / "source" / place: solution.read_text(encoding="utf-8")})
    submitted = folder / "submitted"
    _write({submitted / f"student{k:02}" / place: text for k, text in enumerate(texts)})
    # nbgrader calls the program alembic, which lies beside this Python.
    programs = str(Path(sys.executable).parent)
    known = settings.environment().get("PATH", os.defpath)
    environment = settings.environment(PATH=programs + os.pathsep + known)

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", "nbgrader", *arguments, name, f"--course-dir={folder}"]
        subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, timeout=1500
        )

    run("generate_assignment", "--create")
    began = time.perf_counter()
    run("autograde")
    seconds = time.perf_counter() - began
    done = list((folder / "autograded").glob(f"*/{place}"))
    if len(done) != len(texts):
        raise CourseError(f"nbgrader graded {len(done)} of {len(texts)} submissions")
    return seconds


def _ours(solution: Path, texts: list[str], folder: Path, workers: int) -> float:
    """Seconds of ``course grade`` for the same submissions, reports included."""
    given, out = folder / "class", folder / "report"
    _write({given / f"student{k:02}" / solution.name: text for k, text in enumerate(texts)})
    command = [sys.executable, "-m", "course_utils.cli", "grade", str(given)]
    command += ["--out", str(out), "--workers", str(workers)]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=1500)
    seconds = time.perf_counter() - began
    stored = json.loads((out / "grades.json").read_text(encoding="utf-8"))
    if len(stored["graded"]) != len(texts):
        raise CourseError(f"{len(stored['graded'])} of {len(texts)} submissions were graded")
    return seconds


def _compare(number: str, times: float, quick: bool) -> dict[str, Any]:
    solution, count = _solutions(number)[0], 3 if quick else SUBMISSIONS
    texts = _submissions(solution, count)
    workers = min(2, os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        ours = _ours(solution, texts, Path(first), workers)
        theirs = _theirs(solution, texts, Path(second))
    rates = [60 * count / seconds for seconds in (ours, theirs)]
    return measured(
        rates[0],
        rates[1],
        "per minute",
        f"{times:g} times as many",
        None if quick else rates[0] / rates[1] >= times,
        f"{count} submissions of exercise {number}; ours with {workers} workers and all reports, "
        f"{ours:.1f} s; nbgrader in one batch, {theirs:.1f} s",
    )


ROWS = [
    Row(
        "grading, NumPy",
        "submissions of exercise 01 per minute, against nbgrader's autograde",
        lambda quick: _compare("01", 10, quick),
        lambda: _needs("01"),
    ),
    Row(
        "grading, Keras",
        "submissions of exercise 03 per minute, against nbgrader's autograde",
        lambda quick: _compare("03", 6, quick),
        lambda: _needs("03"),
        limit=1800,
    ),
]
