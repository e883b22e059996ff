"""What a student calls in an exercise."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext

from course_utils import settings, student_work
from course_utils.checks import _record
from course_utils.checks._feedback import Box, of_verdict
from course_utils.checks._question import Question, verdict
from course_utils.checks._registry import exercises, question
from course_utils.checks.wording import points
from course_utils.exceptions import CourseError
from course_utils.progress import show
from course_utils.quiet import discarded

#: The number of tries after which the solution is shown.
TRIES = 3


class CheckFailed(CourseError, AssertionError):
    """An answer is not right; raised only where nbgrader runs the notebook."""


def check(id: str = "") -> float | None:
    """Check your answer to a question, show the result, and save it.

    Parameters
    ----------
    id : str
        The question, such as ``"01.2"``.

    Returns
    -------
    float or None
        The points of an answer that is partly right, if nbgrader runs the notebook; else None.

    Raises
    ------
    InvalidInput
        If there is no such question.
    CheckFailed
        If the answer gets no points, and nbgrader runs the notebook.
    """
    asked = question(id)
    names = sys._getframe(1).f_globals
    by_nbgrader = settings.run_by_nbgrader()
    # nbgrader takes what libraries write to the standard error for a failure.
    with discarded(2) if by_nbgrader else nullcontext(), _without_tracing_warning():
        result = verdict(asked, student_work.Namespace(names), settings.seed())
    box = of_verdict(result)
    if by_nbgrader:
        if result.points <= 0 and asked.kind != "written":
            raise CheckFailed(f"{box.heading}. {result.sentence}")
        show(box)
        return None if result.points >= result.maximum else result.points
    tried = result.status not in ("not attempted", "for a person")
    known = _record.read().get(id, {})
    _record.change(
        id,
        points=max(result.points, known.get("points", 0.0)),
        maximum=result.maximum,
        status="correct" if known.get("status") == "correct" else result.status,
        tries=known.get("tries", 0) + tried,
    )
    if tried and result.status != "correct" and known.get("hints", 0) < len(asked.hints):
        box = Box(box.look, box.heading, (*box.lines, f'For a hint, run `hint("{id}")`.'))
    show(box)
    return None


def hint(id: str = "") -> None:
    """Show the next hint to a question; after the last one, all of them again.

    Parameters
    ----------
    id : str
        The question, such as ``"01.2"``.
    """
    asked = question(id)
    if not asked.hints:
        show(Box("hint", f"{id}: there is no hint to this question"))
        return
    seen = _record.read().get(id, {}).get("hints", 0)
    number = min(seen + 1, len(asked.hints))
    _record.change(id, hints=number)
    of = f" {number} of {len(asked.hints)}" if len(asked.hints) > 1 else ""
    lines = asked.hints if seen >= len(asked.hints) else (asked.hints[number - 1],)
    more = () if number < len(asked.hints) else ("That was the last hint.",)
    show(Box("hint", f"{id}: hint{of}", (*lines, *more)))


def solution(id: str = "") -> None:
    """Show the solution of a question that is solved or was tried three times.

    Parameters
    ----------
    id : str
        The question, such as ``"01.2"``.
    """
    asked = question(id)
    entry = _record.read().get(id, {})
    solved = entry.get("status") == "correct"
    left = TRIES - entry.get("tries", 0)
    if asked.kind != "written" and not solved and left > 0:
        times = "once more" if left == 1 else f"{left} more times"
        line = f'Try it {times} with `check("{id}")`; `hint("{id}")` helps.'
        show(Box("solution", f"{id}: not yet", (line,)))
        return
    text = _solution_text(asked)
    if text is None:
        line = "The solutions are not part of this copy of the course; ask your instructor."
        show(Box("solution", f"{id}: solution", (line,)))
    else:
        show(Box("solution", f"{id}: a solution; others are as good", code=text))


def _solution_text(asked: Question) -> str | None:
    (home,) = [e for e in exercises() if asked in e.questions]
    path = settings.course_root() / "solutions" / home.notebook
    if not path.is_file():
        return None
    wanted = {asked.id.replace(".", "-"), asked.id.replace(".", "-") + "-written"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") in wanted:
            lines = "".join(cell["source"]).splitlines()
            return "\n".join(line for line in lines if not line.strip().startswith("### "))
    return None


def progress() -> None:
    """Show your points in all exercises."""
    known = _record.read()
    rows = [("exercise", "solved", "points")]
    total = reached = 0.0
    for exercise in exercises():
        asked = [q for q in exercise.questions if q.kind != "written"]
        solved = sum(known.get(q.id, {}).get("status") == "correct" for q in asked)
        got = sum(known.get(q.id, {}).get("points", 0.0) for q in asked)
        most = sum(q.points for q in asked)
        total, reached = total + most, reached + got
        score = f"{points(got)} of {points(most)}"
        rows.append((exercise.name, f"{solved} of {len(asked)}", score))
    rows.append(("together", "", f"{points(reached)} of {points(total)}"))
    note = "Written answers are marked by a person and are not in these numbers."
    show(Box("progress", "Your progress", (note,), table=tuple(rows)))


def _without_tracing_warning() -> AbstractContextManager[None]:
    """Leave out a warning of TensorFlow, where that is used: a check calls one network often."""
    if "tensorflow" not in sys.modules:
        return nullcontext()
    from course_utils import models

    return models.without_tracing_warning()
