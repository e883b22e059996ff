"""Grade a class: many notebooks, on several processes, only what changed, in one report."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import json
import math
import os
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

import course_staff
import course_utils
from course_staff.grading import intake, notebook, runner
from course_staff.grading.intake import Refused, Submission
from course_staff.grading.journal import Journal
from course_staff.grading.results import Graded, clean_sentence, from_dict
from course_staff.grading.sandbox import Limits, Sandbox, SandboxFailed
from course_staff.grading.scoring import Outcome, Scorers
from course_utils import checks, settings
from course_utils.exceptions import InvalidInput

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
        The isolation, one of :data:`~course_staff.grading.sandbox.LEVELS`; by default bubblewrap,
        and nothing less.
    epochs : int, optional
        Shorten trainings in the notebooks.
    limits : Limits
        What each submission may use.
    workers : int, optional
        How many notebooks are graded at the same time on this machine; by default as many as there
        are processors and memory for.
    scheduler : str, optional
        The address of a Dask scheduler that hands out the work instead.
    exercise : str, optional
        Take every notebook to be of this exercise.
    only : tuple of str
        Grade the notebooks of these students alone; all where it is empty.
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
    """One notebook to grade, as it is handed to another process.

    Attributes
    ----------
    submission, exercise, options
        What is graded, and how.
    of_many : bool
        Whether it is one of many, so that what all of them compute from the course's own data is
        computed once.
    used : float
        Seconds on the clock that an earlier try took of its time.
    """

    submission: Submission
    exercise: str
    options: Options
    of_many: bool = False
    used: float = 0.0


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
    damaged : int
        How many results of earlier runs could not be read again.
    records : dict
        What a next run takes over, by key.
    notes : list of str
        Sentences for the instructor: what was found and not used.
    contents : dict
        The notebooks by their checksum.
    """

    graded: list[Graded]
    refused: list[Refused]
    level: str
    seed: int
    reused: int = 0
    damaged: int = 0
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)


# --- one notebook, in whatever process ---------------------------------------------------------

_sandboxes: dict[tuple[str | None, int | None, Limits], Sandbox] = {}
_one_at_a_time = threading.Lock()


def _close_all() -> None:
    for sandbox in _sandboxes.values():
        sandbox.close()
    _sandboxes.clear()


def grade_one(task: Task) -> Outcome:
    """Grade one notebook in this process, with a sandbox that lives until the process ends.

    This is what a worker of a cluster does.

    Returns
    -------
    dict
        See :func:`grade_in`.
    """
    with _one_at_a_time:  # Keras and the seeds of the checks belong to a whole process
        options = task.options
        key = (options.level, options.epochs, options.limits)
        if key not in _sandboxes:
            if not _sandboxes:
                atexit.register(_close_all)
                os.putenv("CUDA_VISIBLE_DEVICES", "-1")
                os.putenv("TF_CPP_MIN_LOG_LEVEL", "3")
            _sandboxes[key] = Sandbox(*key)
        sandbox = _sandboxes[key]
        sandbox.start()
        if task.of_many:
            _warm(sandbox, checks.exercise(task.exercise))
        return grade_in(task, sandbox)


def grade_in(task: Task, sandbox: Sandbox) -> Outcome:
    """Grade one notebook in this sandbox; what comes back is plain data.

    Returns
    -------
    dict
        ``{"graded": ...}`` or, where the notebook cannot be read, ``{"refused": sentence}``.
    """
    exercise = checks.exercise(task.exercise)
    try:
        graded = runner.grade(task.submission, exercise, sandbox, _seed(task.options), task.used)
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
    journal: Journal,
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
    journal : Journal
        What an earlier run found, by key (see :func:`key_of`); a notebook whose key is among them
        is not run again. Each result is added as soon as it is known.
    on_start, on_done : callable
        Told the number of notebooks to run, and the name of each that is done.

    Raises
    ------
    MissingData, InvalidInput
        If there is nothing to grade, or the results cannot be kept.
    SandboxFailed
        If no code can be run as it is wanted.
    """
    if options.exercise is not None:
        checks.exercise(options.exercise)
    found = intake.collect(paths, options.exercise)
    if options.only:
        found.submissions = [
            one for one in found.submissions if clean_sentence(one.student) in options.only
        ]
    with Sandbox(options.level, options.epochs, options.limits) as sandbox:
        seed = secrets.randbits(SEED_BITS) if options.seed is None else options.seed
        options = replace(options, level=sandbox.level, seed=seed)
        report = Report([], list(found.refused), str(options.level), seed)
        report.damaged = journal.damaged
        report.contents = {one.sha256: one.content for one in found.submissions}
        tasks = []
        for submission in found.submissions:
            try:
                task = Task(submission, _exercise_of(submission, options), options)
            except InvalidInput as error:
                report.refused.append(Refused(submission.name, str(error), submission.student))
                continue
            earlier = journal.known.get(key_of(task))
            if earlier is None:
                tasks.append(task)
            else:
                report.reused += 1
                report.records[key_of(task)] = earlier
                report.graded.append(_as_handed_in(from_dict(earlier), submission))
        on_start(len(tasks))
        if tasks:
            journal.begin()
            _Run(options, sandbox, journal, report, on_done).grade(tasks)
    report.graded.sort(key=lambda one: (one.exercise, one.student.casefold(), one.name))
    return report


def _exercise_of(submission: Submission, options: Options) -> str:
    cells = notebook.read(submission.content)
    if options.exercise:
        return checks.exercise(options.exercise).name
    return notebook.which_exercise(cells, submission.file_name, checks.exercises()).name


def _as_handed_in(graded: Graded, submission: Submission) -> Graded:
    """The result for a file, with what is known of who handed it in, and when."""
    return replace(
        graded,
        student=submission.student,
        name=submission.name,
        time=submission.time,
        time_source=submission.time_source,
        attempt=submission.attempt,
        late=submission.late,
        flags=[*submission.flags, *graded.flags],
    )


#: From how many notebooks of one exercise on the cells that all of them share are run beforehand.
_MANY = 4
#: The least share of its time that a notebook must have left for a second try.
_WORTH_IT = 0.1


class _Run:
    """The notebooks of a class that have to be run, and what becomes of each.

    What may not be the student's doing (something that only the clock stopped, a library that
    crashed, a sandbox that ended) is tried once more, alone, when everything else is done.
    """

    def __init__(
        self,
        options: Options,
        sandbox: Sandbox,
        journal: Journal,
        report: Report,
        on_done: Callable[[str], None],
    ) -> None:
        self._options, self._sandbox, self._journal = options, sandbox, journal
        self._report, self._on_done = report, on_done
        self._again: list[tuple[Task, Outcome]] = []

    def grade(self, tasks: Sequence[Task]) -> None:
        """Grade them all; every result is in the journal and in the report when this returns."""
        counts = Counter(task.exercise for task in tasks)
        tasks = [replace(task, of_many=counts[task.exercise] >= _MANY) for task in tasks]
        if self._options.scheduler is None:
            self._here(
                tasks, self._options.workers or most_workers(self._options.limits), self._first
            )
        else:
            self._on_cluster(tasks)
        again = [task for task, _ in self._again]
        self._here(again, 1, self._second)

    def _here(
        self, tasks: Sequence[Task], workers: int, on_outcome: Callable[[Task, Outcome], None]
    ) -> None:
        """Let processes of this machine do the tasks."""
        left = deque(tasks)
        while left:
            before = len(left)
            self._sandbox.start()  # where it ended, it is made anew
            names = sorted({task.exercise for task in left})
            with Scorers(self._sandbox, workers, names) as scorers:
                for name in sorted({task.exercise for task in left if task.of_many}):
                    _warm(self._sandbox, checks.exercise(name))
                scorers.run(left, on_outcome)
                if len(left) == before:
                    raise SandboxFailed(
                        f"The processes that score did not start: {scorers.last_words()}"
                    )

    def _on_cluster(self, tasks: Sequence[Task]) -> None:
        """Let the workers of a Dask cluster do the tasks."""
        try:
            from distributed import Client
        except ImportError as error:
            raise InvalidInput(
                "To grade on a cluster, install Dask: pip install 'course-utils[cluster]'."
            ) from error
        scheduler = self._options.scheduler
        try:
            client = Client(scheduler, timeout=5)
        except OSError as error:
            raise InvalidInput(f"No scheduler answers at {scheduler}: {error}") from error
        with client, contextlib.ExitStack() as stack:
            stack.callback(client.run, _close_all)
            executor = client.get_executor(pure=False)
            waiting = {executor.submit(grade_one, task): task for task in tasks}
            for future in as_completed(waiting):
                try:
                    outcome = future.result()
                except Exception as error:  # whatever befell one worker, the others go on
                    outcome = {"broken": f"{type(error).__name__}: {error}"}
                self._first(waiting[future], outcome)

    def _first(self, task: Task, outcome: Outcome) -> None:
        """Take the outcome of a first try, or keep the task for a second one."""
        graded = outcome.get("graded")
        used = graded["seconds"] if graded else 0.0
        limits = task.options.limits
        whole = limits.submission * limits.clock
        by_chance = "broken" in outcome or (graded is not None and graded["by_chance"])
        if by_chance and used < (1 - _WORTH_IT) * whole:
            self._again.append((replace(task, used=used), outcome))
        else:
            self._take(task, outcome)

    def _second(self, task: Task, outcome: Outcome) -> None:
        """Take the better of two tries; what happened in both is no chance, and is said."""
        before = next(outcome for first, outcome in self._again if first is task)
        if "graded" in before and (
            "graded" not in outcome or before["graded"]["points"] > outcome["graded"]["points"]
        ):
            outcome = before
        self._take(task, outcome)

    def _take(self, task: Task, outcome: Outcome) -> None:
        graded = outcome.get("graded")
        if graded is None:
            sentence = outcome.get("refused") or (
                f"It could not be graded, in two tries: {outcome['broken'].rstrip('.')}. Run the "
                f"same command again, or let a person look at it."
            )
            whose = task.submission
            self._report.refused.append(Refused(whose.name, sentence, whose.student))
        else:
            if graded["by_chance"]:
                graded["flags"].append(
                    "Something ended this notebook that may not be the student's doing, and a "
                    "second try, as far as there was time for it, did not help: a person should "
                    "look at it."
                )
            key, record = key_of(task), {**graded, "student": "", "name": ""}
            self._journal.add(key, record)
            self._report.records[key] = record
            self._report.graded.append(_as_handed_in(from_dict(graded), task.submission))
        self._on_done(task.submission.student)


def preload(names: Iterable[str]) -> None:
    """Import what the checks of these exercises need: Keras, too, where networks are judged."""
    kinds = {question.kind for name in names for question in checks.exercise(name).questions}
    if "model" in kinds:
        importlib.import_module("keras")


def most_workers(limits: Limits) -> int:
    """How many notebooks this machine can grade at the same time: by processors and by memory."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        processors = os.cpu_count() or 1
    memory = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError):  # what a container may use
        quota, period = _of_container("cpu.max").split()
        processors = min(processors, math.ceil(int(quota) / int(period)))
    with contextlib.suppress(OSError, ValueError):
        memory = min(
            memory, int(_of_container("memory.max")) - int(_of_container("memory.current"))
        )
    return max(1, min(processors, memory // limits.memory_of_all))


def _of_container(name: str) -> str:
    return Path("/sys/fs/cgroup", name).read_text(encoding="ascii")


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
        digest = hashlib.sha256()
        for package in (course_utils, course_staff):
            folder = Path(package.__path__[0]).resolve()
            for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.toml")]):
                digest.update(path.relative_to(folder.parent).as_posix().encode())
                digest.update(path.read_bytes())
        manifest = settings.shipped_data() / "paper_flowers" / "manifest.csv"
        if manifest.is_file():
            digest.update(manifest.read_bytes())
        _version.append(digest.hexdigest())
    return _version[0]
