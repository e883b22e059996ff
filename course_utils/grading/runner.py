"""Grade one notebook: run its cells in the sandbox, and ask the questions from here."""

from __future__ import annotations

import hashlib
import io
import re
import time
import tokenize
import zlib
from contextlib import suppress
from dataclasses import dataclass, field

from course_utils import checks, probe
from course_utils.exceptions import InvalidInput
from course_utils.grading import notebook, platforms, written
from course_utils.grading.intake import Submission
from course_utils.grading.remote import RemoteSubject, safe_error
from course_utils.grading.results import Graded, PartResult, QuestionResult, cleaned
from course_utils.grading.sandbox import Sandbox, SandboxFailed, WorkerEnded

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
    found: dict[str, QuestionResult] = field(default_factory=dict)
    errors: dict[int, probe.ProbeError] = field(default_factory=dict)
    ended: dict[int, WorkerEnded] = field(default_factory=dict)
    by_clock: bool = False
    #: Questions that were asked a second time at the end, or that must not be.
    again: set[str] = field(default_factory=set)
    flags: list[str] = field(default_factory=list)
    #: Names of the set-up that are not there at the end; None before the end was reached.
    missing: list[str] | None = None
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
    plan = notebook.plan(cells, exercise)
    state = _State(plan, written.answers(plan, exercise))
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
    for _ in range(MOST_RESTARTS):
        with sandbox.worker(own, preload) as worker:
            try:
                _follow(state, worker, inputs)
                ended = None
            except WorkerEnded as error:
                ended = error
            if ended is None:
                with suppress(WorkerEnded):  # what was found at its place stays
                    _at_the_end(state, worker, inputs, exercise)
        graded.cpu += float(worker.usage.get("cpu", 0.0))
        graded.peak = max(graded.peak, float(worker.usage.get("peak", 0)))
        if ended is None:
            break
        state.by_clock |= ended.by_clock
        _blame(state, ended)
    for question in exercise.questions:
        graded.questions.append(_result(question, state))
        graded.questions[-1].digest = _digest(question, state)
    graded.flags += _stopped_setup(state) + state.flags
    for index, known in sorted({**state.errors, **state.ended}.items()):
        graded.cells.append(f"Cell {index + 1}: {_as_sentence(known)}")
    if any(end.how == "tampered" for end in state.ended.values()) or any(
        one.status == "tampered" for one in graded.questions
    ):
        graded.flags.append("The code tried to speak for the grader: a person should look at it.")
    graded.by_clock = state.by_clock
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
        one.id not in state.found or (one.id not in state.again and _is_incomplete(state, one))
        for one in questions
    )


# --- at the end of the notebook ----------------------------------------------------------------


def _at_the_end(  # type: ignore[no-untyped-def]
    state: _State, worker, inputs: int, exercise: checks.Exercise
) -> None:
    """Ask again what was not answered at its place, and look for names that are in the way."""
    subject = RemoteSubject(worker)
    questions = [one for one in exercise.questions if one.kind != "written"]
    for question in questions:
        if question.id not in state.again and _is_incomplete(state, question):
            state.again.add(question.id)
            _ask_elsewhere(state, question, subject, worker, inputs)
    if _stopped(state) and state.missing is None:
        there = set(subject.names())
        given = [name for k in _stopped(state) for name in _given(state, k, exercise)]
        state.missing = [name for name in dict.fromkeys(given) if name not in there]
    shadows = state.plan.shadows()
    for question in questions if shadows else []:
        name = f"{question.id} without shadows"
        if name not in state.again and _may_be_shadowed(state, question, shadows):
            state.again.add(name)
            _ask_unshadowed(state, question, subject, worker, inputs, shadows)


def _is_incomplete(state: _State, question: checks.Question) -> bool:
    """Say whether something of a question was not attempted at its place, but may be elsewhere."""
    known = state.found.get(question.id)
    if known is None or question.id in state.again:
        return False
    statuses = {known.status, *(one.status for one in known.parts)}
    return "not attempted" in statuses and bool(state.plan.own_code(without=question.id))


def _ask_elsewhere(  # type: ignore[no-untyped-def]
    state: _State, question: checks.Question, subject: RemoteSubject, worker, inputs: int
) -> None:
    """Ask a question again when all cells have run, and once more with its definitions rerun.

    The definitions may stand above an answer cell that nobody filled in: running this cell has
    replaced them by functions that raise NotImplementedError.
    """
    before = state.found[question.id]
    found = _ask(question, subject, inputs)
    places = state.plan.defining(question.needs, without=question.id)
    answer = state.plan.answered.get(question.id)
    stub = answer is not None and state.plan.defines(answer, question.needs)
    if found.points <= before.points and stub:
        for index in places:
            if index not in state.ended:
                worker.run(state.plan.cells[index].source)
        found = _ask(question, subject, inputs)
    attempted = before.status == "not attempted" and found.status != "not attempted" and places
    if found.points > before.points or attempted:
        state.found[question.id] = found
        where = ", ".join(str(index + 1) for index in places)
        where = f" (cell {where})" if places else ""
        state.flags.append(
            f"{question.id} is not answered at its place; its names are defined elsewhere in the "
            f"notebook{where}, and that was graded."
        )


def _may_be_shadowed(state: _State, question: checks.Question, shadows: dict[str, int]) -> bool:
    known = state.found.get(question.id)
    return (
        known is not None
        and known.points < known.maximum
        and known.status in ("wrong", "error", "partly", "not attempted")
        and any(re.search(rf"\b{name}\b", _code_of(state, question)) for name in shadows)
    )


def _ask_unshadowed(  # type: ignore[no-untyped-def]
    state: _State,
    question: checks.Question,
    subject: RemoteSubject,
    worker,
    inputs: int,
    shadows: dict[str, int],
) -> None:
    """Ask a question again without variables that have the name of a builtin."""
    code = _code_of(state, question)
    names = [name for name in shadows if re.search(rf"\b{name}\b", code)]
    for name in names:
        worker.run(f"del {name}")
    known = state.found[question.id]
    if known.status == "error" and question.id in state.plan.answered:
        worker.run(state.plan.cells[state.plan.answered[question.id]].source)
    found = _ask(question, subject, inputs)
    if found.points <= known.points:
        return
    where = ", ".join(f"{name} (cell {shadows[name] + 1})" for name in names)
    state.flags.append(
        f"{question.id} got {known.points:g} of {known.maximum:g} points because the notebook "
        f"gives another value to what Python calls {where}; without that it gets "
        f"{found.points:g}. A person should decide."
    )


def _code_of(state: _State, question: checks.Question) -> str:
    """The code of a question's section, as far as it is looked at."""
    plan = state.plan
    return "\n".join(
        plan.cells[index].source[:20_000]
        for index in sorted(plan.own)
        if plan.cells[index].question == question.id or plan.sections[index] == question.id
    )[:200_000]


def _stopped(state: _State) -> list[int]:
    """The cells of the set-up that stopped."""
    return [index for index in state.plan.setup if index in state.errors or index in state.ended]


def _given(state: _State, index: int, exercise: checks.Exercise) -> list[str]:
    return notebook.given_names(state.plan.cells[index], exercise.name)


def _stopped_setup(state: _State) -> list[str]:
    """Say that cells of the set-up stopped, and what is missing therefore."""
    stopped = _stopped(state)
    if not stopped:
        return []
    first, *others = stopped
    why = _as_sentence(state.errors.get(first) or state.ended[first])
    flags = [f"Cell {first + 1}, on which later cells depend, stopped: {why}"]
    if others:
        numbers = ", ".join(str(index + 1) for index in others[:20])
        flags.append(f"Further cells that the exercise gives stopped: {numbers}.")
    if state.missing:
        names = ", ".join(state.missing[:20])
        flags.append(f"These names are missing therefore: {names}.")
    return flags


def _digest(question: checks.Question, state: _State) -> str:
    """A checksum of what the student wrote for a question; marks belong to it."""
    if question.kind == "written":
        return state.written[question.id].digest
    places = {index for index in state.plan.own if state.plan.sections[index] == question.id}
    places |= {k for k in state.plan.own if state.plan.cells[k].question == question.id}
    if question.id in state.again:
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
