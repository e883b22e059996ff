"""Grade one notebook: run its cells in the sandbox, and ask the questions from here."""

from __future__ import annotations

import hashlib
import io
import re
import time
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from course_staff.grading import elsewhere, notebook, packages, platforms, written
from course_staff.grading.elsewhere import as_sentence
from course_staff.grading.intake import Submission
from course_staff.grading.messages import Lines
from course_staff.grading.remote import RemoteWork
from course_staff.grading.results import Graded, PartResult, QuestionResult, cleaned
from course_staff.grading.sandbox import Budget, Sandbox, SandboxFailed, Worker, WorkerEnded
from course_utils import checks, student_work
from course_utils.exceptions import InvalidInput

#: How often a notebook whose code ends the process is started again without that code.
MOST_RESTARTS = 8


def _status(verdict: checks.Verdict | checks.PartVerdict) -> str:
    """The status of the report: what stopped with an exception is told apart from what is wrong."""
    if verdict.status == "incorrect":
        return "error" if verdict.mistake == "exception" else "wrong"
    return verdict.status


def seed_of(exercise: str, seed: int) -> int:
    """The seed of an exercise's inputs, from its name and the seed of the grading."""
    return int.from_bytes(hashlib.sha256(f"{exercise} {seed}".encode()).digest()[:16])


#: Seeds the random numbers of every student's process. It is no secret, and says nothing about the
#: seed of the grading.
OWN_SEED = 20250


@dataclass
class _State:
    """What is known of a notebook while it is graded, over all starts of the process.

    Attributes
    ----------
    without : frozenset of str
        The functions of the course that do not exist in the process that runs now.
    open : set of str
        The questions that are asked in it.
    needs_more : set of str
        Questions that need a function which does not exist there and which they do not forbid.
    """

    plan: notebook.Plan
    written: dict[str, written.Answer]
    look: elsewhere.SecondLook
    lines: Lines
    sandbox: Sandbox
    budget: Budget
    preload: tuple[str, ...]
    inputs: int
    without: frozenset[str] = frozenset()
    open: set[str] = field(default_factory=set)
    needs_more: set[str] = field(default_factory=set)
    workers: list[Worker] = field(default_factory=list)
    clean: Worker | None = None
    found: dict[str, QuestionResult] = field(default_factory=dict)
    errors: dict[int, student_work.StudentWorkError] = field(default_factory=dict)
    ended: dict[int, WorkerEnded] = field(default_factory=dict)
    by_chance: bool = False
    out_of_time: bool = False
    flags: list[str] = field(default_factory=list)
    step: notebook.Step = field(default_factory=notebook.Step)


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
        Seconds on the clock that an earlier try took of the time for this notebook.

    Raises
    ------
    InvalidInput
        If the file is no notebook.
    SandboxFailed
        If no code can be run safely.
    """
    began = time.monotonic()
    cells = notebook.read(submission.content)
    plan = notebook.plan(cells, exercise)
    state = _State(
        plan,
        written.answers(plan, exercise),
        elsewhere.SecondLook(plan),
        Lines(cell.source for cell in cells if cell.kind == "code"),
        sandbox,
        Budget(sandbox.limits, used),
        notebook.imports(cells),
        seed_of(exercise.name, seed),
    )
    graded = Graded(
        submission.student,
        exercise.name,
        submission.name,
        submission.sha256,
        flags=state.plan.flags,
        answers=_checksum(state.plan, exercise),
        time=submission.time,
        attempt=submission.attempt,
        late=submission.late,
    )
    for without, names in _rounds(state, exercise):
        state.without, state.open = without, names
        _run(state, graded, exercise)
        if state.out_of_time:
            break
    for question in exercise.questions:
        graded.questions.append(_result(question, state))
        graded.questions[-1].digest = _digest(question, state)
    about = state.look.about({**state.errors, **state.ended}) + state.flags
    graded.flags += dict.fromkeys(about)
    for index, known in sorted({**state.errors, **state.ended}.items()):
        graded.cells.append(f"Cell {index + 1}: {as_sentence(known)}")
    if any(end.how == "tampered" for end in state.ended.values()) or any(
        one.status == "tampered" for one in graded.questions
    ):
        graded.flags.append("The code tried to speak for the grader: a person should look at it.")
    graded.by_chance = state.by_chance
    graded.seconds = round(time.monotonic() - began, 2)
    graded.cpu = round(graded.cpu, 2)
    return cleaned(graded)


def _rounds(state: _State, exercise: checks.Exercise) -> Iterator[tuple[frozenset[str], set[str]]]:
    """The processes that are needed: what does not exist in each, and what is asked there.

    Where a question forbids functions of the course, they do not exist in the process in which it
    is asked. All of them are left out at first. Questions that may use one of them, and cells that
    do, share a second process as far as that does, and then get processes of their own.
    """
    asked = {one.id: one for one in exercise.questions if one.kind != "written"}
    forbidden = _forbidden(asked, set(asked))
    first = set(asked)
    if _mentions(state.plan, forbidden):
        first = {name for name, one in asked.items() if one.forbids}
    if first:
        yield forbidden, first
    later = (set(asked) - first) | state.needs_more
    together = _forbidden(asked, later)
    if together < forbidden and len(later) > 1:  # one process for all of them, where that does
        yield together, _anew(state, later)
        later = set(state.needs_more)
    for without in sorted({_forbidden(asked, {name}) for name in later}, key=sorted):
        names = {name for name in later if _forbidden(asked, {name}) == without}
        yield without, _anew(state, names)


def _forbidden(asked: dict[str, checks.Question], names: set[str]) -> frozenset[str]:
    """The functions that any of these questions forbids."""
    return frozenset(one for name in names for one in asked[name].forbids)


def _anew(state: _State, names: set[str]) -> set[str]:
    """Forget what was found for these questions, which are asked in another process."""
    state.needs_more -= names
    for name in names:
        state.found.pop(name, None)
        state.look.forget(name)
    return names


def _mentions(plan: notebook.Plan, helpers: frozenset[str]) -> bool:
    """Whether a cell plainly speaks of one of these functions.

    Only a guess that saves time: what is called in another way is found out when it is called.
    """
    if not helpers:
        return False
    places = [name.split(".")[-2:] for name in helpers]
    ways = [rf"\b{room}\.{name}\b|\bimport\b.*\b{name}\b" for room, name in places]
    pattern = re.compile("|".join(ways))
    lines = (
        line[:300]
        for cell in plan.cells
        if cell.kind == "code"
        for line in cell.source[:200_000].splitlines()
    )
    return any(pattern.search(line) for line in lines)


def _run(state: _State, graded: Graded, exercise: checks.Exercise) -> None:
    """Run the notebook and ask what is open, again without what ended the process."""
    for _ in range(MOST_RESTARTS):
        ended = None
        try:
            _follow(state, _worker(state), exercise)
        except WorkerEnded as error:
            ended = error
        finally:
            _close(state, graded)
        if ended is None:
            return
        state.by_chance |= ended.by_chance
        _blame(state, ended)
        if state.budget.spent:
            state.out_of_time = True
            return


def _worker(state: _State) -> Worker:
    worker = state.sandbox.worker(
        OWN_SEED, state.preload, budget=state.budget, without=state.without
    )
    state.workers.append(worker)
    return worker


def _clean(state: _State) -> Worker:
    """The process that computes networks, and runs no code of the student's."""
    if state.clean is None or not state.clean.is_open:
        state.clean = state.sandbox.worker(OWN_SEED, ("keras", "tensorflow"), budget=state.budget)
        state.workers.append(state.clean)
    return state.clean


def _close(state: _State, graded: Graded) -> None:
    """End all processes of the submission, and count what they used."""
    while state.workers:
        one = state.workers.pop()
        one.close()
        graded.cpu += float(one.usage.get("cpu", 0.0))
        graded.peak = max(graded.peak, float(one.usage.get("peak", 0)))
    state.clean = None


def _follow(state: _State, worker: Worker, exercise: checks.Exercise) -> None:
    """Run the cells and ask the questions that are open, in order."""
    subject = RemoteWork(
        worker,
        lines=state.lines,
        clean=lambda: _clean(state),
        again=lambda: _again(state),
    )
    asked = False
    if state.plan.prepare:
        worker.run(platforms.PREPARE)
    for step in state.plan.steps:
        state.step = step
        if step.cell is not None and step.cell not in state.ended:
            facts = worker.run(state.plan.cells[step.cell].source)
            state.errors.pop(step.cell, None)
            if facts is not None:
                state.errors[step.cell] = state.lines.safe(facts, "", 0.0, in_cell=not asked)
        question = step.question
        if question is not None and question.id in state.open and question.id not in state.found:
            asked = True
            state.found[question.id] = _ask_here(question, state, subject, worker)
        if not _any_open(state):
            break
    with suppress(WorkerEnded):  # what was found at its place stays
        _look_again(state, worker, subject, exercise)


def _any_open(state: _State) -> bool:
    """Say whether a question is still to be asked, or to be asked again at the end."""
    questions = [step.question for step in state.plan.steps if step.question is not None]
    return any(
        one.id not in state.found or state.look.is_wanted(one, state.found[one.id])
        for one in questions
        if one.id in state.open
    )


def _ask_here(
    question: checks.Question, state: _State, subject: RemoteWork, worker: Worker
) -> QuestionResult:
    """Ask a question, and note whether it needs functions that do not exist in this process."""
    found = _ask(question, subject, state.inputs)
    found.notes += _about_packages(question, state.plan)
    missed = (subject.allowed | worker.removed) - set(question.forbids)
    if missed and found.points < found.maximum:
        state.needs_more.add(question.id)
    subject.allowed.clear()
    return found


def _look_again(
    state: _State, worker: Worker, subject: RemoteWork, exercise: checks.Exercise
) -> None:
    """Ask again what may be answered elsewhere in the notebook, now that all of it has run."""
    questions = [one for one in exercise.questions if one.id in state.open]
    state.look.at(
        worker,
        lambda one: _ask_here(one, state, subject, worker),
        questions,
        state.found,
        state.ended,
    )
    stopped = state.look.stopped({**state.errors, **state.ended})
    if stopped and state.look.missing is None:
        state.look.note_missing(
            stopped, exercise.name, lambda name: subject.kind(name) != "missing"
        )


def _about_packages(question: checks.Question, plan: notebook.Plan) -> list[str]:
    """A sentence where an answer uses packages that its question does not mean."""
    if not question.forbids and not question.only:
        return []
    code = [cell for cell in plan.cells if cell.kind == "code" and cell.role != "check"]
    answers = [cell.source for cell in code if cell.question == question.id]
    found = packages.used(answers, [cell.source for cell in code], question.only)
    if not found:
        return []
    return [f"The answer uses {', '.join(found)}, which the question does not mean: look at it."]


def _again(state: _State) -> RemoteWork:
    """A second process, in which the same cells ran as in the first."""
    worker = _worker(state)
    if state.plan.prepare:
        worker.run(platforms.PREPARE)
    for step in state.plan.steps:
        if step.cell is not None and step.cell not in state.ended:
            worker.run(state.plan.cells[step.cell].source)
        if step is state.step:
            break
    return RemoteWork(worker, lines=state.lines, clean=lambda: _clean(state))


def _digest(question: checks.Question, state: _State) -> str:
    """A checksum of what the student wrote for a question; marks belong to it."""
    if question.kind == "written":
        return state.written[question.id].digest
    places = {index for index in state.plan.own if state.plan.sections[index] == question.id}
    places |= {k for k in state.plan.own if state.plan.cells[k].question == question.id}
    if question.id in state.look.asked:
        places |= set(state.plan.own_code())
    texts = [state.plan.cells[index].source.strip() for index in sorted(places)]
    return hashlib.sha256("\n\n".join(texts).encode()).hexdigest() if texts else ""


# --- one question --------------------------------------------------------------------------------


def _ask(question: checks.Question, subject: RemoteWork, inputs: int) -> QuestionResult:
    try:
        verdict = checks.verdict(question, subject, inputs)
    except (WorkerEnded, SandboxFailed):
        raise
    except Exception as error:  # a fault of ours, which must not cost anybody else
        return QuestionResult(
            question.id,
            question.title,
            "for a person",
            0.0,
            question.points,
            f"The check itself stopped ({type(error).__name__}); a person has to look at this.",
        )
    parts = [
        PartResult(
            one.name,
            one.points,
            one.maximum,
            _status(one),
            one.sentence,
        )
        for one in verdict.parts
    ]
    return QuestionResult(
        question.id,
        question.title,
        _status(verdict),
        verdict.points,
        verdict.maximum,
        verdict.sentence,
        None if verdict.mistake == "exception" else verdict.mistake,
        parts,
        notes=[*([verdict.note] if verdict.note else []), *subject.take_notes()],
    )


def _blame(state: _State, ended: WorkerEnded) -> None:
    """Leave out what ended the process when the notebook is run again."""
    if state.step.cell is not None:
        state.ended[state.step.cell] = ended
        state.errors.pop(state.step.cell, None)
    elif state.step.question is not None:
        state.found[state.step.question.id] = _ended(state.step.question, ended)


def _ended(question: checks.Question, ended: WorkerEnded) -> QuestionResult:
    status = "crashed" if ended.how == "memory" else ended.how
    return QuestionResult(question.id, question.title, status, 0.0, question.points, ended.sentence)


def _result(question: checks.Question, state: _State) -> QuestionResult:
    """What a question got, with the cells taken into account that were to answer it."""
    maximum, title = question.points, question.title
    if question.kind == "written":
        return _written(question, state)
    known = state.found.get(question.id)
    if known is None and state.out_of_time:
        sentence = "The time for the whole notebook was used up before this question was reached."
        return QuestionResult(question.id, title, "timeout", 0.0, maximum, sentence)
    if known is None:
        sentence = "The notebook ended Python again and again, so this question was not reached."
        return QuestionResult(question.id, title, "crashed", 0.0, maximum, sentence)
    if known.status != "not attempted":
        if not known.sentence:
            known.sentence = "All that was asked is right."
        return known
    place = state.plan.answered.get(question.id)
    if place is None:
        known.status = "missing"
        known.sentence = "There is no cell with an answer to this question. " + known.sentence
        return known
    for index in (place, *sorted(k for k in state.ended if k < place)):
        if index in state.ended:
            ended = state.ended[index]
            where = "The cell with the answer" if index == place else f"Cell {index + 1}"
            known.status = "crashed" if ended.how == "memory" else ended.how
            known.sentence = f"{where} could not be run: {ended.sentence}"
            return known
    error = state.errors.get(place)
    if isinstance(error, student_work.TimedOut):
        known.status, known.sentence = "timeout", str(error)
    elif isinstance(error, student_work.StudentError) and error.kind != "NotImplementedError":
        known.status, known.sentence = "error", as_sentence(error)
    return known


def _written(question: checks.Question, state: _State) -> QuestionResult:
    """What a written answer got: it waits for a person wherever there is anything to read."""
    answer = state.written[question.id]
    made = QuestionResult(question.id, question.title, "for a person", 0.0, question.points)
    if not answer.pieces:
        there = question.id in state.plan.answered
        made.status = "not attempted" if there else "missing"
        made.sentence = (
            "There is no answer yet."
            if there
            else "There is no cell with an answer to this question."
        )
        return made
    made.sentence = "A person reads this answer and marks it."
    made.written = answer.text
    if answer.elsewhere:
        state.flags.append(
            f"{question.id} has no answer at its place; the student's own texts elsewhere in the "
            f"notebook are shown to whoever marks."
        )
    return made


def _checksum(plan: notebook.Plan, exercise: checks.Exercise) -> str:
    """A checksum of all answers that is the same for copies with other blanks and comments."""
    texts = []
    for question in exercise.questions:
        index = plan.answered.get(question.id)
        if index is not None and question.kind != "written":
            text = _bare(plan.cells[index].source)
            if "NotImplementedError" not in text:
                texts.append(f"{question.id}: {text}")
    whole = "\n".join(texts)
    # A few short answers are the same by nature: a number, a letter.
    return hashlib.sha256(whole.encode()).hexdigest() if len(whole) > 200 else ""


_LONGEST_TOKENIZED = 100_000


def _bare(source: str) -> str:
    """Code without comments and blanks; of very long cells their text without blanks."""
    if len(source) > _LONGEST_TOKENIZED:
        return " ".join(source.split())
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    try:
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        return " ".join(one.string for one in tokens if one.type not in skipped)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return " ".join(source.split())


__all__ = ["MOST_RESTARTS", "InvalidInput", "grade", "seed_of"]
