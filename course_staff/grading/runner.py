"""Grade one notebook: run its cells in the sandbox, and ask the questions from this process."""

from __future__ import annotations

import hashlib
import io
import re
import time
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from course_staff.grading import elsewhere, notebook, packages, platforms, written
from course_staff.grading.elsewhere import as_sentence
from course_staff.grading.intake import Submission
from course_staff.grading.messages import Lines
from course_staff.grading.remote import RemoteWork
from course_staff.grading.results import Graded, QuestionResult, Status, cleaned
from course_staff.grading.sandbox import Budget, Sandbox, SandboxFailed, Worker, WorkerEnded
from course_utils import checks, student_work

#: How often a notebook whose code ends the process is started again without that code.
MOST_RESTARTS = 8

#: Seeds the random numbers of every student's process. It is not secret, and independent of the
#: seed of the grading.
OWN_SEED = 20250

_LONGEST_TOKENIZED = 100_000


def seed_of(exercise: str, seed: int) -> int:
    """Return the seed of an exercise's inputs, from its name and the seed of the grading."""
    return int.from_bytes(hashlib.sha256(f"{exercise} {seed}".encode()).digest()[:16])


def grade(
    submission: Submission,
    exercise: checks.Exercise,
    sandbox: Sandbox,
    seed: int,
    used: float = 0.0,
) -> Graded:
    """Grade one notebook.

    Parameters
    ----------
    submission : Submission
        The notebook.
    exercise : Exercise
        Its exercise, with the questions.
    sandbox : Sandbox
        Where its code runs.
    seed : int
        The seed of the grading.
    used : float
        Wall-clock seconds that an earlier try took of the time for this notebook.

    Raises
    ------
    InvalidInput
        If the file is not a notebook.
    SandboxFailed
        If no code can be run safely.
    """
    began = time.monotonic()
    run = _Run(notebook.read(submission.content), exercise, sandbox, seed, used)
    graded = Graded(
        submission.student,
        exercise.name,
        submission.name,
        submission.sha256,
        flags=run.plan.flags,
        answers=_checksum(run.plan, exercise),
        time=submission.time,
        attempt=submission.attempt,
        late=submission.late,
    )
    run.answer_all()
    graded.questions = [run.result(question) for question in exercise.questions]
    stopped: dict[int, Exception] = {**run.errors, **run.ended}
    graded.flags += dict.fromkeys(run.look.about(stopped) + run.flags)
    graded.cells = [f"Cell {k + 1}: {as_sentence(stopped[k])}" for k in sorted(stopped)]
    statuses = {question.status for question in graded.questions}
    if Status.TAMPERED in statuses or any(end.how == "tampered" for end in run.ended.values()):
        graded.flags.append("The code tried to speak for the grader: a person should look at it.")
    graded.by_chance, graded.peak, graded.cpu = run.by_chance, run.peak, round(run.cpu, 2)
    graded.seconds = round(time.monotonic() - began, 2)
    return cleaned(graded)


class _Run:
    """The run of one notebook, over all starts of its process.

    Attributes
    ----------
    plan : Plan
        The cells to run and the questions to ask.
    look : SecondLook
        What is asked again at the end.
    errors, ended : dict
        The cells that stopped with an error, and those that ended the process.
    by_chance, out_of_time : bool
        Whether something ended that may not be the student's fault; whether no time is left.
    cpu, peak : float
        Processor time and peak memory.
    flags : list of str
        Sentences for the instructor.
    """

    def __init__(
        self,
        cells: list[notebook.Cell],
        exercise: checks.Exercise,
        sandbox: Sandbox,
        seed: int,
        used: float,
    ) -> None:
        self.plan = notebook.plan(cells, exercise)
        self.look = elsewhere.SecondLook(self.plan)
        self.errors: dict[int, student_work.StudentWorkError] = {}
        self.ended: dict[int, WorkerEnded] = {}
        self.by_chance = self.out_of_time = False
        self.cpu = self.peak = 0.0
        self.flags: list[str] = []
        self._exercise, self._sandbox = exercise, sandbox
        self._budget = Budget(sandbox.limits, used)
        self._written = written.answers(self.plan, exercise)
        self._lines = Lines(cell.source for cell in cells if cell.kind == "code")
        self._preload = notebook.imports(cells)
        self._inputs = seed_of(exercise.name, seed)
        self._found: dict[str, QuestionResult] = {}
        self._step = notebook.Step()
        #: What does not exist in the process that runs now, and the questions asked in it.
        self._without: frozenset[str] = frozenset()
        self._open: set[str] = set()
        #: Questions that need a function which does not exist there and which they do not forbid.
        self._needs_more: set[str] = set()
        self._workers: list[Worker] = []
        self._clean_worker: Worker | None = None

    # --- processes -------------------------------------------------------------------------------

    def answer_all(self) -> None:
        """Run the notebook, in as many processes as needed, and ask every question."""
        for without, names in self._rounds():
            self._without, self._open = without, names
            self._run()
            if self.out_of_time:
                break

    def _rounds(self) -> Iterator[tuple[frozenset[str], set[str]]]:
        """Yield for each process that is needed what does not exist in it, and what is asked there.

        The functions that a question forbids do not exist in the process in which it is asked. At
        first all of them are left out. Questions that may use one of them, and cells that do, share
        a second process if that is enough, and get processes of their own after that.
        """
        asked = {q.id: q for q in self._exercise.questions if q.kind != "written"}
        left_out = forbidden(asked.values())
        first = set(asked)
        if _mentions(self.plan, left_out):
            first = {name for name, question in asked.items() if question.forbids}
        if first:
            yield left_out, first
        later = (set(asked) - first) | self._needs_more
        together = forbidden(asked[name] for name in later)
        if together < left_out and len(later) > 1:
            yield together, self._anew(later)
            later = set(self._needs_more)
        each = {name: forbidden([asked[name]]) for name in later}
        for without in sorted(set(each.values()), key=sorted):
            names = {name for name, own in each.items() if own == without}
            yield without, self._anew(names)

    def _anew(self, names: set[str]) -> set[str]:
        """Forget the results of these questions, which are asked again in another process."""
        self._needs_more -= names
        for name in names:
            self._found.pop(name, None)
            self.look.forget(name)
        return names

    def _run(self) -> None:
        """Run the notebook and ask the open questions, again without what ended the process."""
        for _ in range(MOST_RESTARTS):
            try:
                self._follow(self._worker())
                return
            except WorkerEnded as ended:
                self.by_chance |= ended.by_chance
                self._leave_out(ended)
            finally:
                self._close()
            if self._budget.spent:
                self.out_of_time = True
                return

    def _worker(self) -> Worker:
        self._workers.append(
            self._sandbox.worker(
                OWN_SEED, self._preload, budget=self._budget, without=self._without
            )
        )
        return self._workers[-1]

    def _clean(self) -> Worker:
        """Return the process that computes networks and runs no code of the student's."""
        if self._clean_worker is None or not self._clean_worker.is_open:
            modules = ("keras", "tensorflow")
            self._clean_worker = self._sandbox.worker(OWN_SEED, modules, budget=self._budget)
            self._workers.append(self._clean_worker)
        return self._clean_worker

    def _close(self) -> None:
        """End all processes of the submission, and add up what they used."""
        while self._workers:
            worker = self._workers.pop()
            worker.close()
            self.cpu += float(worker.usage.get("cpu", 0.0))
            self.peak = max(self.peak, float(worker.usage.get("peak", 0)))
        self._clean_worker = None

    def _leave_out(self, ended: WorkerEnded) -> None:
        """Leave out what ended the process when the notebook is run again."""
        cell, question = self._step.cell, self._step.question
        if cell is not None:
            self.ended[cell] = ended
            self.errors.pop(cell, None)
        elif question is not None:
            self._found[question.id] = _result(question, _status(ended), ended.sentence)

    # --- cells and questions ---------------------------------------------------------------------

    def _follow(self, worker: Worker) -> None:
        """Run the cells and ask the questions that are open, in order."""
        work = RemoteWork(worker, lines=self._lines, clean=self._clean, again=self._again)
        asked = False
        if self.plan.prepare:
            worker.run(platforms.PREPARE)
        for step in self.plan.steps:
            self._step, cell, question = step, step.cell, step.question
            if cell is not None and cell not in self.ended:
                facts = self._run_cell(worker, cell)
                self.errors.pop(cell, None)
                if facts is not None:
                    self.errors[cell] = self._lines.safe(facts, "", 0.0, in_cell=not asked)
            if question and question.id in self._open and question.id not in self._found:
                asked = True
                self._found[question.id] = self._ask(question, work, worker)
            if not self._any_open():
                break
        with suppress(WorkerEnded):  # the results so far stay
            self._look_again(worker, work)

    def _again(self) -> RemoteWork:
        """Return the work in a second process, in which the same cells ran as in the first."""
        worker = self._worker()
        if self.plan.prepare:
            worker.run(platforms.PREPARE)
        for step in self.plan.steps:
            if step.cell is not None and step.cell not in self.ended:
                self._run_cell(worker, step.cell)
            if step is self._step:
                break
        return RemoteWork(worker, lines=self._lines, clean=self._clean)

    def _run_cell(self, worker: Worker, index: int) -> dict[str, Any] | None:
        """Run a cell, and the handed-out text of a changed set-up cell that stops; say how."""
        facts = worker.run(self.plan.cells[index].source)
        if facts is not None and index in self.plan.handed_out:
            worker.run(self.plan.handed_out[index])
            self.flags.append(
                f"Cell {index + 1} was changed and stopped, so the text that was handed out was "
                f"run after it."
            )
        return facts

    def _any_open(self) -> bool:
        """Return whether a question is still to be asked, or to be asked again at the end."""
        questions = [step.question for step in self.plan.steps if step.question is not None]
        return any(
            q.id not in self._found or self.look.is_wanted(q, self._found[q.id])
            for q in questions
            if q.id in self._open
        )

    def _ask(self, question: checks.Question, work: RemoteWork, worker: Worker) -> QuestionResult:
        """Ask a question, and note whether it needs functions that do not exist in this process."""
        result = _judged(question, work, self._inputs)
        result.notes += _about_packages(question, self.plan)
        missed = (work.allowed | worker.removed) - set(question.forbids)
        if missed and result.points < result.maximum:
            self._needs_more.add(question.id)
        work.allowed.clear()
        return result

    def _look_again(self, worker: Worker, work: RemoteWork) -> None:
        """Ask again what may be answered elsewhere in the notebook, after all of it has run."""
        questions = [q for q in self._exercise.questions if q.id in self._open]
        self.look.at(
            worker, lambda q: self._ask(q, work, worker), questions, self._found, self.ended
        )
        stopped = self.look.stopped({**self.errors, **self.ended})
        if stopped and self.look.missing is None:
            self.look.note_missing(
                stopped, self._exercise.name, lambda name: work.kind(name) != "missing"
            )

    # --- results ---------------------------------------------------------------------------------

    def result(self, question: checks.Question) -> QuestionResult:
        """Return the result of a question, with the errors of its cells taken into account."""
        if question.kind == "written":
            return self._written_result(question)
        result = self._found.get(question.id)
        if result is None and self.out_of_time:
            why = "The time for the whole notebook was used up before this question was reached."
            result = _result(question, Status.TIMEOUT, why)
        elif result is None:
            why = "The notebook ended Python again and again, so this question was not reached."
            result = _result(question, Status.CRASHED, why)
        elif result.status == Status.NOT_ATTEMPTED:
            self._explain(result)
        else:
            result.sentence = result.sentence or "All that was asked is right."
        result.digest = self._digest(question)
        return result

    def _explain(self, result: QuestionResult) -> None:
        """Say why nothing was there to be judged: no cell, or one that stopped."""
        place = self.plan.answered.get(result.question)
        if place is None:
            result.status = Status.MISSING
            result.sentence = f"There is no cell with an answer to this question. {result.sentence}"
            return
        for index in (place, *sorted(k for k in self.ended if k < place)):
            if index in self.ended:
                where = "The cell with the answer" if index == place else f"Cell {index + 1}"
                result.status = _status(self.ended[index])
                result.sentence = f"{where} could not be run: {self.ended[index].sentence}"
                return
        error = self.errors.get(place)
        if isinstance(error, student_work.TimedOut):
            result.status, result.sentence = Status.TIMEOUT, str(error)
        elif isinstance(error, student_work.StudentError) and error.kind != "NotImplementedError":
            result.status, result.sentence = Status.ERROR, as_sentence(error)

    def _written_result(self, question: checks.Question) -> QuestionResult:
        """Return the result of a written answer: it waits for a person if there is any text."""
        answer = self._written[question.id]
        if answer.pieces:
            why = "A person reads this answer and marks it."
            result = _result(question, Status.FOR_A_PERSON, why)
        elif question.id in self.plan.answered:
            result = _result(question, Status.NOT_ATTEMPTED, "There is no answer yet.")
        else:
            why = "There is no cell with an answer to this question."
            result = _result(question, Status.MISSING, why)
        result.written = answer.text
        result.digest = answer.digest
        if answer.elsewhere:
            self.flags.append(
                f"{question.id} has no answer at its place; the student's own texts elsewhere in "
                f"the notebook are shown to the person who marks it."
            )
        return result

    def _digest(self, question: checks.Question) -> str:
        """Return a checksum of what the student wrote for a question; marks belong to it."""
        plan = self.plan
        places = {k for k in plan.own if question.id in (plan.sections[k], plan.cells[k].question)}
        if question.id in self.look.asked:
            places |= set(plan.own_code())
        texts = [plan.cells[index].source.strip() for index in sorted(places)]
        return hashlib.sha256("\n\n".join(texts).encode()).hexdigest() if texts else ""


# --- one question --------------------------------------------------------------------------------


def _result(question: checks.Question, status: Status, sentence: str) -> QuestionResult:
    return QuestionResult(question.id, question.title, status, 0.0, question.points, sentence)


def _status(ended: WorkerEnded) -> Status:
    return Status.CRASHED if ended.how == "memory" else Status(ended.how)


def _judged(question: checks.Question, work: RemoteWork, inputs: int) -> QuestionResult:
    try:
        verdict = checks.verdict(question, work, inputs)
    except (WorkerEnded, SandboxFailed):
        raise
    except Exception as error:  # a fault of the check, which must not affect anybody else
        why = f"The check itself stopped ({type(error).__name__}); a person has to look at this."
        return _result(question, Status.FOR_A_PERSON, why)
    return QuestionResult(
        question.id,
        question.title,
        Status(verdict.status),
        verdict.points,
        verdict.maximum,
        verdict.sentence,
        verdict.mistake,
        list(verdict.parts),
        notes=[*filter(None, [verdict.note]), *work.take_notes()],
    )


def forbidden(questions: Iterable[checks.Question]) -> frozenset[str]:
    """Return the functions that any of these questions forbids."""
    return frozenset(helper for question in questions for helper in question.forbids)


def _mentions(plan: notebook.Plan, helpers: frozenset[str]) -> bool:
    """Return whether the text of a cell names one of these functions.

    This is only a guess that saves time: other ways to call them are found out at the call.
    """
    if not helpers:
        return False
    places = [name.split(".")[-2:] for name in helpers]
    ways = [rf"\b{room}\.{name}\b|\bimport\b.*\b{name}\b" for room, name in places]
    pattern = re.compile("|".join(ways))
    code = (cell.source[:200_000] for cell in plan.cells if cell.kind == "code")
    return any(pattern.search(line[:300]) for source in code for line in source.splitlines())


def _about_packages(question: checks.Question, plan: notebook.Plan) -> list[str]:
    """Return a sentence if an answer uses packages that its question does not mean."""
    if not question.forbids and not question.only:
        return []
    code = [cell for cell in plan.cells if cell.kind == "code" and cell.role != "check"]
    answers = [cell.source for cell in code if cell.question == question.id]
    found = packages.used(answers, [cell.source for cell in code], question.only)
    if not found:
        return []
    what = f"The answer uses {', '.join(found)}, which the question does not mean"
    return [f"{what}; a person should look at it."]  # students and instructors read it


# --- copies --------------------------------------------------------------------------------------


def _checksum(plan: notebook.Plan, exercise: checks.Exercise) -> str:
    """Return a checksum of all answers, the same for copies with other blanks and comments."""
    texts = []
    for question in exercise.questions:
        index = plan.answered.get(question.id)
        if index is not None and question.kind != "written":
            text = _bare(plan.cells[index].source)
            if "NotImplementedError" not in text:
                texts.append(f"{question.id}: {text}")
    whole = "\n".join(texts)
    # A few short answers, such as a number or a letter, are the same without copying.
    return hashlib.sha256(whole.encode()).hexdigest() if len(whole) > 200 else ""


def _bare(source: str) -> str:
    """Return code without comments and blanks; very long code only without blanks."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    if len(source) <= _LONGEST_TOKENIZED:
        with suppress(tokenize.TokenError, SyntaxError):
            tokens = tokenize.generate_tokens(io.StringIO(source).readline)
            return " ".join(token.string for token in tokens if token.type not in skipped)
    return " ".join(source.split())
