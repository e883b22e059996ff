"""Grade a class: many notebooks in several processes, only what changed, in one report."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from course_staff.grading import intake, notebook, tasks
from course_staff.grading.intake import Refused, Submission
from course_staff.grading.journal import Journal
from course_staff.grading.results import Graded, clean_sentence, from_dict, handed_in
from course_staff.grading.sandbox import Limits, Sandbox, SandboxFailed
from course_staff.grading.scoring import Scorers
from course_staff.grading.tasks import SEED_BITS, Options, Outcome, Task, key_of
from course_utils import checks
from course_utils.exceptions import InvalidInput

#: From this number of notebooks of one exercise on, the cells that they share are run beforehand.
_MANY = 4
#: The least share of its time that a notebook must have left for a second try.
_WORTH_IT = 0.1


@dataclass
class Report:
    """A graded class.

    Attributes
    ----------
    graded : list of Graded
        One result for each notebook.
    refused : list of Refused
        The files that could not be graded, with the reason.
    level : str
        The isolation in which the notebooks ran.
    seed : int
        The seed of the grading.
    reused : int
        The number of notebooks that had not changed since the last run.
    damaged : int
        The number of stored results of earlier runs that could not be read.
    notes : list of str
        Sentences for the instructor, for example about marks that were not used.
    contents : dict
        The notebooks by their checksum.
    """

    graded: list[Graded]
    refused: list[Refused]
    level: str
    seed: int
    reused: int = 0
    damaged: int = 0
    notes: list[str] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)


def grade_class(
    paths: Iterable[Path],
    options: Options,
    journal: Journal,
    on_start: Callable[[int], None] = lambda total: None,
    on_done: Callable[[str], None] = lambda name: None,
) -> Report:
    """Grade all submissions.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.
    options : Options
        How they are graded.
    journal : Journal
        The results of earlier runs by key (see :func:`~course_staff.grading.tasks.key_of`). A
        notebook with a known key is not run again; new results are added as soon as they are known.
    on_start, on_done : callable
        Called with the number of notebooks to run, and with the student of each that is done.

    Raises
    ------
    MissingData, InvalidInput
        If there is nothing to grade, or the results cannot be stored.
    SandboxFailed
        If no code can be run at the wanted isolation.
    """
    if options.exercise is not None:
        checks.exercise(options.exercise)
    with contextlib.closing(Sandbox(options.level, options.epochs, options.limits)) as sandbox:
        sandbox.launch()  # it starts while the notebooks are read
        found = intake.collect(paths, options.exercise, journal.folder)
        if options.only:
            found.submissions = [
                submission
                for submission in found.submissions
                if clean_sentence(submission.student) in options.only
            ]
        seed = secrets.randbits(SEED_BITS) if options.seed is None else options.seed
        options = replace(options, level=sandbox.level, seed=seed)
        report = Report([], list(found.refused), str(options.level), seed)
        report.damaged = journal.damaged
        report.contents = {
            submission.sha256: submission.content for submission in found.submissions
        }
        to_run = []
        for submission in found.submissions:
            try:
                task = Task(submission, _exercise_of(submission, options), options)
            except InvalidInput as error:
                report.refused.append(Refused(submission.name, str(error), submission.student))
                continue
            earlier = journal.known.get(key_of(task))
            if earlier is None:
                to_run.append(task)
            else:
                report.reused += 1
                report.graded.append(_as_handed_in(from_dict(earlier), submission))
        if to_run:
            journal.begin()  # before anything else is written: another run may be at work there
        on_start(len(to_run))
        if to_run:
            _Run(options, sandbox, journal, report, on_done).grade(to_run)
    report.graded.sort(key=lambda one: (one.exercise, one.student.casefold(), one.name))
    return report


def _exercise_of(submission: Submission, options: Options) -> str:
    cells = notebook.read(submission.content)
    if options.exercise:
        return checks.exercise(options.exercise).name
    return notebook.which_exercise(cells, submission.file_name, checks.exercises()).name


def _as_handed_in(graded: Graded, submission: Submission) -> Graded:
    """Return the result with the student, the time and the flags of a submission."""
    return replace(graded, **handed_in(submission), flags=[*submission.flags, *graded.flags])


class _Run:
    """Run the notebooks of a class, and collect their outcomes.

    A notebook whose end may not be the student's fault (stopped by the wall clock alone, a library
    that crashed, a sandbox that ended) is tried once more, alone, after all others.
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

    def grade(self, to_run: Sequence[Task]) -> None:
        """Grade all of them; every result is in the journal and in the report afterwards."""
        counts = Counter(task.exercise for task in to_run)
        to_run = [replace(task, of_many=counts[task.exercise] >= _MANY) for task in to_run]
        if self._options.scheduler is None:
            workers = self._options.workers or most_workers(self._options.limits)
            self._here(to_run, workers, self._first)
        else:
            self._on_cluster(to_run)
        self._here([task for task, _ in self._again], 1, self._second)

    def _here(
        self, to_run: Sequence[Task], workers: int, on_outcome: Callable[[Task, Outcome], None]
    ) -> None:
        """Run the tasks in processes of this machine."""
        left = deque(to_run)
        while left:
            before = len(left)
            self._sandbox.launch()  # a new one where it has ended
            exercises = sorted({task.exercise for task in left})
            with Scorers(self._sandbox, workers, exercises) as scorers:
                many = sorted({task.exercise for task in left if task.of_many})
                modules = {module for name in many for module in tasks.imports_of(name)}
                self._sandbox.start(tuple(sorted(modules)))
                for name in many:
                    tasks.prefill_cache(self._sandbox, name)
                scorers.run(left, on_outcome)
                if len(left) == before:
                    raise SandboxFailed(
                        f"The scoring processes did not start: {scorers.last_words()}"
                    )

    def _on_cluster(self, to_run: Sequence[Task]) -> None:
        """Run the tasks on the workers of a Dask cluster."""
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
            stack.callback(client.run, tasks.close_sandboxes)
            executor = client.get_executor(pure=False)
            waiting = {executor.submit(tasks.grade_one, task): task for task in to_run}
            for future in as_completed(waiting):
                try:
                    outcome = future.result()
                except Exception as error:  # a fault of one worker does not stop the others
                    outcome = {"broken": f"{type(error).__name__}: {error}"}
                self._first(waiting[future], outcome)

    def _first(self, task: Task, outcome: Outcome) -> None:
        """Take the outcome of a first try, or keep the task for a second one."""
        graded = outcome.get("graded")
        used = graded["seconds"] if graded else 0.0
        limits = task.options.limits
        by_chance = graded["by_chance"] if graded else "broken" in outcome
        if by_chance and used < (1 - _WORTH_IT) * limits.submission * limits.clock:
            self._again.append((replace(task, used=used), outcome))
        else:
            self._take(task, outcome)

    def _second(self, task: Task, outcome: Outcome) -> None:
        """Take the better of two outcomes; if both ended early, the report says so."""
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
                f"It could not be graded in two tries: {outcome['broken'].rstrip('.')}. Run the "
                f"same command again, or grade it by hand."
            )
            whose = task.submission
            self._report.refused.append(Refused(whose.name, sentence, whose.student))
        else:
            if graded["by_chance"]:
                graded["flags"].append(
                    "This notebook was ended by something that may not be the student's fault, and "
                    "a second try, as far as there was time for it, did not help: a person should "
                    "look at it."
                )
            self._journal.add(key_of(task), {**graded, "student": "", "name": ""})
            self._report.graded.append(_as_handed_in(from_dict(graded), task.submission))
        self._on_done(task.submission.student)


def most_workers(limits: Limits) -> int:
    """Return how many notebooks this machine can grade at the same time (processors, memory)."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        processors = os.cpu_count() or 1
    memory = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError):  # the limits of a container
        quota, period = _of_container("cpu.max").split()
        processors = min(processors, math.ceil(int(quota) / int(period)))
    with contextlib.suppress(OSError, ValueError):
        left = int(_of_container("memory.max")) - int(_of_container("memory.current"))
        memory = min(memory, left)
    return max(1, min(processors, memory // limits.memory_of_all))


def _of_container(name: str) -> str:
    return Path("/sys/fs/cgroup", name).read_text(encoding="ascii")
