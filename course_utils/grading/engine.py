"""Grade a class: many notebooks, on several processes, only what changed, in one report."""

from __future__ import annotations

import atexit
import hashlib
import json
import multiprocessing
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from course_utils import checks, settings
from course_utils.exceptions import InvalidInput
from course_utils.grading import intake, notebook, runner
from course_utils.grading.intake import Refused, Submission
from course_utils.grading.results import Graded, from_dict
from course_utils.grading.sandbox import LEVELS, Limits, Sandbox, SandboxFailed

#: How long a seed is that is drawn: nobody finds it by trying.
SEED_BITS = 120


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Attributes
    ----------
    seed : int, optional
        Decides, with the exercise, which inputs are tried; by default drawn anew.
    level : str, optional
        The isolation, one of :data:`~course_utils.grading.sandbox.LEVELS`; by default the best.
    require_sandbox : bool
        Refuse to grade with less than bubblewrap.
    epochs : int, optional
        Shorten trainings in the notebooks.
    limits : Limits
        What each submission may use.
    workers : int
        Processes on this machine.
    scheduler : str, optional
        The address of a Dask scheduler that hands out the work instead.
    exercise : str, optional
        Take every notebook to be of this exercise.
    """

    seed: int | None = None
    level: str | None = None
    require_sandbox: bool = False
    epochs: int | None = None
    limits: Limits = field(default_factory=Limits)
    workers: int = 1
    scheduler: str | None = None
    exercise: str | None = None


@dataclass(frozen=True)
class Task:
    """One notebook to grade, as it is handed to another process.

    Where it is one of many, what all of them compute from the course's own data is computed once.
    """

    submission: Submission
    exercise: str
    options: Options
    of_many: bool = False


@dataclass
class Report:
    """A graded class.

    Attributes
    ----------
    graded : list of Graded
        One for each notebook.
    refused : list of Refused
        What could not be graded, and why.
    level : str
        The isolation in which the notebooks ran.
    seed : int
        The seed of the grading.
    reused : int
        How many notebooks had not changed since the last run.
    records : dict
        What a next run may take over, by key.
    """

    graded: list[Graded]
    refused: list[Refused]
    level: str
    seed: int
    reused: int = 0
    records: dict[str, dict[str, Any]] = field(default_factory=dict)


# --- one notebook, in whatever process ---------------------------------------------------------

_sandboxes: dict[tuple[str | None, int | None, Limits], Sandbox] = {}
_one_at_a_time = threading.Lock()


def _close_all() -> None:
    for sandbox in _sandboxes.values():
        sandbox.close()
    _sandboxes.clear()


def _sandbox(options: Options) -> Sandbox:
    """The sandbox of this process, which lives until the process ends."""
    key = (options.level, options.epochs, options.limits)
    if key not in _sandboxes:
        if not _sandboxes:
            atexit.register(_close_all)
            # The networks of the checks are tiny: no graphics card, and no start-up lines.
            os.putenv("CUDA_VISIBLE_DEVICES", "-1")
            os.putenv("TF_CPP_MIN_LOG_LEVEL", "3")
        sandbox = Sandbox(options.level, options.epochs, options.limits)
        sandbox.start()
        _sandboxes[key] = _sandboxes[str(sandbox.level), *key[1:]] = sandbox
    return _sandboxes[key]


def grade_one(task: Task) -> dict[str, Any]:
    """Grade one notebook; what comes back is plain data.

    Returns
    -------
    dict
        ``{"graded": ...}`` or, where the notebook cannot be read, ``{"refused": sentence}``.
    """
    with _one_at_a_time:  # Keras and the seeds of the checks belong to a whole process
        sandbox = _sandbox(task.options)
        exercise = checks.exercise(task.exercise)
        if task.of_many:
            _warm(sandbox, exercise)
        try:
            graded = runner.grade(task.submission, exercise, sandbox, _seed(task.options))
        except InvalidInput as error:
            return {"refused": str(error)}
        return {"graded": graded.as_dict()}


def _seed(options: Options) -> int:
    if options.seed is None:
        raise InvalidInput("A seed is drawn for a whole class, before its notebooks are graded.")
    return options.seed


def _warm(sandbox: Sandbox, exercise: checks.Exercise) -> None:
    """Let the cells that the exercise gives to everybody fill the cache of the sandbox."""
    path = settings.course_root() / "exercises" / exercise.notebook
    if not path.is_file():
        return
    cells = notebook.read(path.read_bytes())
    given = [cell for cell in cells if cell.kind == "code" and not cell.question]
    if any("datasets." in cell.source for cell in given):
        sources = [cell.source for cell in given]
        sandbox.warm(exercise.name, sources, notebook.imports(given))


# --- a class -----------------------------------------------------------------------------------


def grade_class(
    paths: Iterable[Path],
    options: Options,
    known: dict[str, dict[str, Any]] | None = None,
    on_start: Callable[[int], None] = lambda total: None,
    on_done: Callable[[str], None] = lambda name: None,
) -> Report:
    """Grade everything that was handed in.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.
    options : Options
        How it is graded.
    known : dict
        What an earlier run found, by key (see :func:`key_of`); a notebook whose key is among them
        is not run again.
    on_start, on_done : callable
        Told the number of notebooks to run, and the name of each that is done.

    Raises
    ------
    MissingData, InvalidInput
        If there is nothing to grade.
    SandboxFailed
        If no code can be run safely, or not as safely as is required.
    """
    if options.exercise is not None:
        checks.exercise(options.exercise)
    found = intake.collect(paths)
    level = str(_sandbox(options).level)
    if options.require_sandbox and level != LEVELS[0]:
        raise SandboxFailed(
            f"Only the isolation {level!r} works here, and the full sandbox is required; install "
            f"bubblewrap (on Debian and Ubuntu: apt install bubblewrap)."
        )
    seed = secrets.randbits(SEED_BITS) if options.seed is None else options.seed
    options = replace(options, level=level, seed=seed)
    report = Report([], list(found.refused), level, seed)
    stored = known or {}
    tasks: list[Task] = []
    for submission in found.submissions:
        try:
            cells = notebook.read(submission.content)
            exercise = (
                checks.exercise(options.exercise)
                if options.exercise
                else notebook.which_exercise(cells, submission.file_name, checks.exercises())
            )
        except InvalidInput as error:
            report.refused.append(Refused(submission.name, str(error)))
            continue
        task = Task(submission, exercise.name, options)
        earlier = stored.get(key_of(task))
        if earlier is None:
            tasks.append(task)
        else:
            report.reused += 1
            report.records[key_of(task)] = earlier
            report.graded.append(_as_handed_in(from_dict(earlier), submission))
    on_start(len(tasks))
    try:
        outcomes = _run_all(tasks, options, on_done)
    finally:
        _close_all()
    for task, outcome in outcomes:
        if "refused" in outcome:
            report.refused.append(Refused(task.submission.name, outcome["refused"]))
        else:
            report.records[key_of(task)] = {**outcome["graded"], "student": "", "name": ""}
            report.graded.append(from_dict(outcome["graded"]))
    report.graded.sort(key=lambda one: (one.exercise, one.student.casefold(), one.name))
    return report


def _as_handed_in(graded: Graded, submission: Submission) -> Graded:
    """What was stored for the same file, under the name that it has now."""
    return replace(
        graded,
        student=submission.student,
        name=submission.name,
        time=submission.time,
        attempt=submission.attempt,
        late=submission.late,
    )


def _run_all(
    tasks: list[Task], options: Options, on_done: Callable[[str], None]
) -> list[tuple[Task, dict[str, Any]]]:
    outcomes: dict[int, dict[str, Any]] = {}
    if not tasks:
        return []
    counts = Counter(task.exercise for task in tasks)
    tasks = [replace(task, of_many=counts[task.exercise] > 3) for task in tasks]
    with ExitStack() as stack:
        executor = _executor(options, len(tasks), stack)
        if executor is None:
            for index, task in enumerate(tasks):
                outcomes[index] = grade_one(task)
                on_done(task.submission.student)
        else:
            waiting: dict[Future[dict[str, Any]], int] = {
                executor.submit(grade_one, task): index for index, task in enumerate(tasks)
            }
            for future in as_completed(waiting):
                index = waiting[future]
                outcomes[index] = future.result()
                on_done(tasks[index].submission.student)
    # Whatever only the clock stopped gets a second try, now that nothing else is running.
    for index, outcome in outcomes.items():
        if outcome.get("graded", {}).get("by_clock"):
            outcomes[index] = grade_one(tasks[index])
    return [(tasks[index], outcomes[index]) for index in range(len(tasks))]


def _executor(options: Options, number: int, stack: ExitStack) -> Executor | None:
    """Who does the work: None for this process itself."""
    if options.scheduler is not None:
        try:
            from distributed import Client
        except ImportError as error:
            raise InvalidInput(
                "To grade on a cluster, install Dask: pip install 'course-utils[cluster]'."
            ) from error
        try:
            client = stack.enter_context(Client(options.scheduler, timeout=5))
        except OSError as error:
            raise InvalidInput(f"No scheduler answers at {options.scheduler}: {error}") from error
        stack.callback(client.run, _close_all)
        executor: Executor = client.get_executor(pure=False)
        return executor
    workers = min(options.workers, number)
    if workers <= 1:
        return None
    context = multiprocessing.get_context("spawn")
    return stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))


# --- what has to be graded again ---------------------------------------------------------------


def key_of(task: Task) -> str:
    """What a result depends on: the notebook, the checks, and how it is graded."""
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


_version: list[str] = []


def code_version() -> str:
    """A checksum of everything in the course that could change a mark."""
    if not _version:
        package = Path(__file__).resolve().parents[1]
        digest = hashlib.sha256()
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
        manifest = settings.shipped_data() / "paper_flowers" / "manifest.csv"
        if manifest.is_file():
            digest.update(manifest.read_bytes())
        _version.append(digest.hexdigest())
    return _version[0]
