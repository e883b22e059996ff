"""Grade one notebook: run its cells in the sandbox, and ask the questions from here."""

from __future__ import annotations

import hashlib
import io
import re
import time
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from course_utils import checks, probe
from course_utils.exceptions import InvalidInput
from course_utils.grading import notebook, packages
from course_utils.grading.intake import Submission
from course_utils.grading.messages import Lines
from course_utils.grading.remote import RemoteSubject
from course_utils.grading.results import Graded, PartResult, QuestionResult
from course_utils.grading.sandbox import Sandbox, SandboxFailed, Worker, WorkerEnded

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
    lines: Lines
    sandbox: Sandbox
    preload: tuple[str, ...]
    inputs: int
    without: frozenset[str] = frozenset()
    open: set[str] = field(default_factory=set)
    needs_more: set[str] = field(default_factory=set)
    workers: list[Worker] = field(default_factory=list)
    clean: Worker | None = None
    found: dict[str, QuestionResult] = field(default_factory=dict)
    errors: dict[int, probe.ProbeError] = field(default_factory=dict)
    ended: dict[int, WorkerEnded] = field(default_factory=dict)
    by_clock: bool = False
    step: notebook.Step = field(default_factory=notebook.Step)


def grade(submission: Submission, exercise: checks.Exercise, sandbox: Sandbox, seed: int) -> Graded:
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

    Raises
    ------
    InvalidInput
        If the file is no notebook.
    SandboxFailed
        If no code can be run safely.
    """
    began = time.monotonic()
    cells = notebook.read(submission.content)
    lines = Lines(cell.source for cell in cells if cell.kind == "code")
    state = _State(
        notebook.plan(cells, exercise),
        lines,
        sandbox,
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
        _run(state, graded)
    for question in exercise.questions:
        graded.questions.append(_result(question, state))
    for index, known in sorted({**state.errors, **state.ended}.items()):
        graded.cells.append(f"Cell {index + 1}: {_as_sentence(known)}")
    if any(end.how == "tampered" for end in state.ended.values()) or any(
        one.status == "tampered" for one in graded.questions
    ):
        graded.flags.append("The code tried to speak for the grader: a person should look at it.")
    graded.by_clock = state.by_clock
    graded.seconds = round(time.monotonic() - began, 2)
    graded.cpu = round(graded.cpu, 2)
    return graded


def _rounds(state: _State, exercise: checks.Exercise) -> Iterator[tuple[frozenset[str], set[str]]]:
    """The processes that are needed: what does not exist in each, and what is asked there.

    Where a question forbids functions of the course, they do not exist in the process in which it
    is asked. All of them are left out at first. Questions that may use one of them, and cells that
    do, get a process of their own.
    """
    asked = {one.id: one for one in exercise.questions if one.kind != "written"}
    forbidden = frozenset(name for one in asked.values() for name in one.forbids)
    first = set(asked)
    if _mentions(state.plan, forbidden):
        first = {name for name, one in asked.items() if one.forbids}
    if first:
        yield forbidden, first
    later = (set(asked) - first) | state.needs_more
    for without in sorted({frozenset(asked[name].forbids) for name in later}, key=sorted):
        names = {name for name in later if frozenset(asked[name].forbids) == without}
        for name in names:
            state.found.pop(name, None)
        yield without, names


def _mentions(plan: notebook.Plan, helpers: frozenset[str]) -> bool:
    """Whether a cell speaks of one of these functions."""
    names = {name.rpartition(".")[2] for name in helpers}
    return any(
        names & set(re.findall(r"\w+", cell.source)) for cell in plan.cells if cell.kind == "code"
    )


def _run(state: _State, graded: Graded) -> None:
    """Run the notebook and ask what is open, again without what ended the process."""
    for _ in range(MOST_RESTARTS):
        worker = _worker(state)
        try:
            _follow(state, worker)
            ended = None
        except WorkerEnded as error:
            ended = error
        finally:
            while state.workers:
                one = state.workers.pop()
                one.close()
                graded.cpu += float(one.usage.get("cpu", 0.0))
                graded.peak = max(graded.peak, float(one.usage.get("peak", 0)))
            state.clean = None
        if ended is None:
            return
        state.by_clock |= ended.by_clock
        _blame(state, ended)


def _worker(state: _State) -> Worker:
    worker = state.sandbox.worker(OWN_SEED, state.preload, without=state.without)
    state.workers.append(worker)
    return worker


def _clean(state: _State) -> Worker:
    """The process that computes networks, and runs no code of the student's."""
    if state.clean is None:
        state.clean = state.sandbox.worker(OWN_SEED, ("keras", "tensorflow"))
        state.workers.append(state.clean)
    return state.clean


def _follow(state: _State, worker: Worker) -> None:
    """Run the cells and ask the questions that are open, in order."""
    subject = RemoteSubject(
        worker,
        lines=state.lines,
        clean=lambda: _clean(state),
        again=lambda: _again(state),
    )
    asked = False
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
            found = _ask(question, subject, state.inputs)
            state.found[question.id] = found
            found.notes += _about_packages(question, state.plan)
            missed = (subject.allowed | worker.removed) - set(question.forbids)
            if missed and found.points < found.maximum:
                state.needs_more.add(question.id)
            subject.allowed.clear()
        if state.open <= set(state.found):
            return


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


def _again(state: _State) -> RemoteSubject:
    """A second process, in which the same cells ran as in the first."""
    worker = _worker(state)
    for step in state.plan.steps:
        if step.cell is not None and step.cell not in state.ended:
            worker.run(state.plan.cells[step.cell].source)
        if step is state.step:
            break
    return RemoteSubject(worker, lines=state.lines, clean=lambda: _clean(state))


def _ask(question: checks.Question, subject: RemoteSubject, inputs: int) -> QuestionResult:
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
        text = state.plan.written.get(question.id, "").strip()
        if question.id not in state.plan.answered:
            sentence = "There is no cell with an answer to this question."
            return QuestionResult(question.id, title, "missing", 0.0, maximum, sentence)
        if not text or text == "YOUR ANSWER HERE":
            sentence = "There is no answer yet."
            return QuestionResult(question.id, title, "not attempted", 0.0, maximum, sentence)
        sentence = "A person reads this answer and marks it."
        return QuestionResult(
            question.id, title, "for a person", 0.0, maximum, sentence, written=text[:20000]
        )
    known = state.found.get(question.id)
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
    if isinstance(error, probe.TimedOut):
        known.status, known.sentence = "timeout", str(error)
    elif isinstance(error, probe.StudentError) and error.kind != "NotImplementedError":
        known.status, known.sentence = "error", _as_sentence(error)
    return known


def _as_sentence(error: Exception) -> str:
    text = str(error)
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


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


def _bare(source: str) -> str:
    """Code without comments and blanks."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    try:
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        return " ".join(one.string for one in tokens if one.type not in skipped)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return " ".join(source.split())


__all__ = ["MOST_RESTARTS", "InvalidInput", "grade", "seed_of"]
