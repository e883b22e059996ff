"""Grade one notebook: run its cells in the sandbox, and ask the questions from here."""

from __future__ import annotations

import hashlib
import io
import time
import tokenize
import zlib
from contextlib import suppress
from dataclasses import dataclass, field

from course_utils import checks, probe
from course_utils.exceptions import InvalidInput
from course_utils.grading import elsewhere, notebook, platforms, written
from course_utils.grading.elsewhere import as_sentence
from course_utils.grading.intake import Submission
from course_utils.grading.remote import RemoteSubject, safe_error
from course_utils.grading.results import Graded, PartResult, QuestionResult, cleaned
from course_utils.grading.sandbox import Budget, Sandbox, SandboxFailed, WorkerEnded

#: How often a notebook whose code ends the process is started again without that code.
MOST_RESTARTS = 8


def _status(verdict: checks.Verdict | checks.PartVerdict) -> str:
    """The status of the report: what stopped with an exception is told apart from what is wrong."""
    if verdict.status == "incorrect":
        return "error" if verdict.mistake == "exception" else "wrong"
    return verdict.status


def seed_of(exercise: str, seed: int) -> int:
    """The seed of an exercise's inputs, from its name and the seed of the grading."""
    return zlib.crc32(f"{exercise} {seed}".encode())


@dataclass
class _State:
    """What is known of a notebook while it is graded, over all starts of the process."""

    plan: notebook.Plan
    written: dict[str, written.Answer]
    look: elsewhere.SecondLook
    found: dict[str, QuestionResult] = field(default_factory=dict)
    errors: dict[int, probe.ProbeError] = field(default_factory=dict)
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
    state = _State(plan, written.answers(plan, exercise), elsewhere.SecondLook(plan))
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
    inputs = seed_of(exercise.name, seed)
    own = seed_of(f"{exercise.name} in the notebook", seed) % 2**31
    preload = notebook.imports(cells)
    budget = Budget(sandbox.limits, used)
    for _ in range(MOST_RESTARTS):
        ended = None
        with sandbox.worker(own, preload, budget=budget) as worker:
            try:
                _follow(state, worker, inputs)
            except WorkerEnded as error:
                ended = error
            if ended is None:
                with suppress(WorkerEnded):  # what was found at its place stays
                    _look_again(state, worker, inputs, exercise)
        graded.cpu += float(worker.usage.get("cpu", 0.0))
        graded.peak = max(graded.peak, float(worker.usage.get("peak", 0)))
        if ended is None:
            break
        state.by_chance |= ended.by_chance
        _blame(state, ended)
        if budget.spent:
            state.out_of_time = True
            break
    for question in exercise.questions:
        graded.questions.append(_result(question, state))
        graded.questions[-1].digest = _digest(question, state)
    graded.flags += state.look.about({**state.errors, **state.ended}) + state.flags
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


def _follow(state: _State, worker, inputs: int) -> None:  # type: ignore[no-untyped-def]
    """Run the cells and ask the questions that are still open, in order."""
    subject = RemoteSubject(worker)
    if state.plan.prepare:
        worker.run(platforms.PREPARE)
    for step in state.plan.steps:
        state.step = step
        if step.cell is not None and step.cell not in state.ended:
            facts = worker.run(state.plan.cells[step.cell].source)
            if facts is None:
                state.errors.pop(step.cell, None)
            else:
                state.errors[step.cell] = safe_error(facts)
        if step.question is not None and step.question.id not in state.found:
            state.found[step.question.id] = _ask(step.question, subject, inputs)
        if not _open(state):
            return


def _open(state: _State) -> bool:
    """Say whether a question is still to be asked, or to be asked again at the end."""
    questions = [step.question for step in state.plan.steps if step.question is not None]
    return any(
        one.id not in state.found or state.look.is_wanted(one, state.found[one.id])
        for one in questions
    )


def _look_again(  # type: ignore[no-untyped-def]
    state: _State, worker, inputs: int, exercise: checks.Exercise
) -> None:
    """Ask again what may be answered elsewhere in the notebook, now that all of it has run."""
    subject = RemoteSubject(worker)
    questions = [one for one in exercise.questions if one.kind != "written"]
    state.look.at(
        worker, lambda one: _ask(one, subject, inputs), questions, state.found, state.ended
    )
    stopped = state.look.stopped({**state.errors, **state.ended})
    if stopped and state.look.missing is None:
        state.look.note_missing(stopped, exercise.name, subject.names())


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
    if isinstance(error, probe.TimedOut):
        known.status, known.sentence = "timeout", str(error)
    elif isinstance(error, probe.StudentError) and error.kind != "NotImplementedError":
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
