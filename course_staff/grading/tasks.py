"""One notebook to grade: the task, how it is graded in this process, and the key of its result."""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import course_staff
import course_utils
from course_staff.grading import notebook, runner
from course_staff.grading.intake import Submission
from course_staff.grading.sandbox import Limits, Sandbox
from course_utils import checks, settings
from course_utils.exceptions import InvalidInput

#: Bits of a seed that is drawn: too many to find it by trying.
SEED_BITS = 120

#: What was found for a task: ``graded``, ``refused`` or ``broken``; see :func:`grade_in`.
Outcome = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Attributes
    ----------
    seed : int, optional
        Determines, with the exercise, the inputs of the checks; drawn at random by default.
    level : str, optional
        The isolation, one of :data:`~course_staff.grading.sandbox.LEVELS`; by default bubblewrap,
        and nothing less.
    epochs : int, optional
        The maximum number of epochs of trainings in the notebooks.
    limits : Limits
        The resources that each submission may use.
    workers : int, optional
        The number of notebooks graded at the same time on this machine; by default as many as there
        are processors and memory for.
    scheduler : str, optional
        The address of a Dask scheduler that distributes the work instead.
    exercise : str, optional
        The exercise of all notebooks; by default it is found for each.
    only : tuple of str
        The students to grade; everybody where it is empty.
    """

    seed: int | None = None
    level: str | None = None
    epochs: int | None = None
    limits: Limits = field(default_factory=Limits)
    workers: int | None = None
    scheduler: str | None = None
    exercise: str | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One notebook to grade, as it is sent to another process.

    Attributes
    ----------
    submission, exercise, options
        What is graded, and how.
    of_many : bool
        Whether many notebooks of this exercise are graded, so that the cache is filled once with
        what all of them compute from the course's own data.
    used : float
        Wall-clock seconds that an earlier try took.
    """

    submission: Submission
    exercise: str
    options: Options
    of_many: bool = False
    used: float = 0.0


_sandboxes: dict[tuple[str | None, int | None, Limits], Sandbox] = {}
_one_at_a_time = threading.Lock()


def close_sandboxes() -> None:
    """Close the sandboxes of :func:`grade_one` in this process."""
    while _sandboxes:
        _sandboxes.popitem()[1].close()


def grade_one(task: Task) -> Outcome:
    """Grade one notebook in this process, with a sandbox that is kept until the process ends.

    The workers of a cluster call this.

    Returns
    -------
    dict
        See :func:`grade_in`.
    """
    with _one_at_a_time:  # Keras and the seeds of the checks are global to a process
        options = task.options
        key = (options.level, options.epochs, options.limits)
        if key not in _sandboxes:
            if not _sandboxes:
                atexit.register(close_sandboxes)
                os.putenv("CUDA_VISIBLE_DEVICES", "-1")
                os.putenv("TF_CPP_MIN_LOG_LEVEL", "3")
            _sandboxes[key] = Sandbox(*key)
        sandbox = _sandboxes[key]
        sandbox.start()
        if task.of_many:
            prefill_cache(sandbox, task.exercise)
        return grade_in(task, sandbox)


def grade_in(task: Task, sandbox: Sandbox) -> Outcome:
    """Grade one notebook in this sandbox, and return plain data.

    Returns
    -------
    dict
        ``{"graded": ...}`` or, if the notebook cannot be read, ``{"refused": sentence}``.

    Raises
    ------
    InvalidInput
        If the task has no seed.
    """
    seed = task.options.seed
    if seed is None:
        raise InvalidInput("A seed is drawn for a whole class, before its notebooks are graded.")
    exercise = checks.exercise(task.exercise)
    try:
        graded = runner.grade(task.submission, exercise, sandbox, seed, task.used)
    except InvalidInput as error:
        return {"refused": str(error)}
    return {"graded": graded.as_dict()}


def prefill_cache(sandbox: Sandbox, exercise: str) -> None:
    """Fill the cache of the sandbox by running the cells that the exercise gives to everybody."""
    given = _given(exercise)
    if any("datasets." in cell.source for cell in given):
        sandbox.prefill_cache(exercise, [cell.source for cell in given], notebook.imports(given))


def imports_of(exercise: str) -> tuple[str, ...]:
    """Return the modules that the cells import which the exercise gives to everybody."""
    return notebook.imports(_given(exercise))


def _given(exercise: str) -> list[notebook.Cell]:
    return [
        cell for cell in notebook.released(exercise) if cell.kind == "code" and not cell.question
    ]


def preload(exercises: Iterable[str], sandbox: Sandbox) -> None:
    """Prepare what all notebooks of these exercises need, before scorers are forked.

    That is Keras, if networks are judged, and the copies of the package in which questions are
    asked first.
    """
    for exercise in map(checks.exercise, exercises):
        if any(question.kind == "model" for question in exercise.questions):
            importlib.import_module("keras")
        sandbox.copy_without(runner.forbidden(exercise.questions))


def key_of(task: Task) -> str:
    """Return the checksum of all that a result depends on: notebook, checks, and options."""
    options = task.options
    facts = {
        "notebook": task.submission.sha256,
        "exercise": task.exercise,
        "code": code_version(),
        "seed": options.seed,
        "level": options.level,
        "epochs": options.epochs,
        "limits": asdict(options.limits),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@cache
def code_version() -> str:
    """Return a checksum of everything in the course that could change a mark."""
    digest = hashlib.sha256()
    for package in (course_utils, course_staff):
        folder = Path(package.__path__[0]).resolve()
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.toml")]):
            digest.update(path.relative_to(folder.parent).as_posix().encode())
            digest.update(path.read_bytes())
    manifest = settings.shipped_data() / "paper_flowers" / "manifest.csv"
    if manifest.is_file():
        digest.update(manifest.read_bytes())
    return digest.hexdigest()
