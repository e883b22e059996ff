"""Right and wrong answers to the exercises, with which the checks are tested.

``answers/eNN_topic.py`` holds, for each question that a program can judge, an :class:`Answers`::

    ANSWERS = {
        "01.2": Answers(
            right={"with slices": "def convolve(...): ..."},
            wrong={"bias left out": ("def convolve(...): ...", "bias forgotten")},
            equivalent={"L3: stride=1 → stride=2": "the default is never used"},
        ),
    }

Each text is the source of a whole answer cell. A wrong one has the name of the mistake that the
check must report, or None if it is not a common mistake. The solution itself is added to the right
answers, and its mutants (:mod:`answers.mutate`) to the wrong ones, except those listed as
``equivalent`` (they give the same or equally good results), each with its reason. Answers of
beginners (:mod:`answers.beginners`) are added to both, and other ways to write the solution
(:mod:`answers.variants`) must be accepted. The given cells of the notebook are run first; ``needs``
names earlier questions whose solutions are run, too.
"""

from __future__ import annotations

import importlib
import json
import linecache
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from answers.mutate import mutants
from course_utils import settings, student_work
from course_utils.checks import Exercise, Question, Verdict, exercise, verdict
from course_utils.student_work._guard import guarded

SEED = 42


@dataclass(frozen=True)
class Answers:
    """Answers to one question.

    Attributes
    ----------
    right : mapping of str to str
        Source code by name.
    wrong : mapping of str to (str, str or None)
        Source code with the name of the mistake, by name.
    equivalent : mapping of str to str
        Mutants that are not mistakes, with the reason. A name that begins with ``*`` matches all
        names that end like this.
    needs : tuple of str
        Questions whose solutions are run first.
    mutants : bool
        Whether mutants are made of the solution. For numeric answers they are of little use.
    """

    right: Mapping[str, str]
    wrong: Mapping[str, tuple[str, str | None]]
    equivalent: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    mutants: bool = True

    def sets_aside(self, mutant: str) -> bool:
        """Return whether a mutant is listed as equivalent."""
        return any(_is_named(mutant, name) for name in self.equivalent)

    def stale(self, known: Iterable[str]) -> list[str]:
        """Return the names in `equivalent` that match no mutant."""
        known = list(known)
        return [n for n in self.equivalent if not any(_is_named(one, n) for one in known)]


def _is_named(mutant: str, name: str) -> bool:
    return mutant.endswith(name[1:]) if name.startswith("*") else mutant == name


#: Questions of the kind "code" whose functions return callbacks, layers or outputs of a network.
_OBJECTS = ("04.3", "04.4", "08.3")


def gives_arrays(question: Question) -> bool:
    """Return whether the functions of a question return arrays or numbers."""
    return question.kind == "code" and question.id not in _OBJECTS


def mutants_of(question: Question) -> dict[str, str]:
    """Return the mutants of the solution to a question."""
    return mutants(solution(question), results=gives_arrays(question))


def names() -> list[str]:
    """Return the names of the modules with answers, one per exercise."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name for name in found if name.startswith("e") and name[1:3].isdigit())


@cache
def answers_of(module: str) -> tuple[Exercise, dict[str, Answers]]:
    """Return an exercise and the answers to its questions, including those of beginners."""
    beginners = importlib.import_module("answers.beginners")
    aside = importlib.import_module("answers.equivalent").EQUIVALENT
    asked = exercise(module[1:3])
    found: dict[str, Answers] = dict(importlib.import_module(f"answers.{module}").ANSWERS)
    for question in asked.questions:
        if question.id in found:
            known = found[question.id]
            right, wrong = beginners.of(question)
            found[question.id] = replace(
                known,
                right={**known.right, **right},
                wrong={**known.wrong, **wrong},
                equivalent={**known.equivalent, **aside.get(question.id, {})},
            )
    return asked, found


@cache
def cells(name: str) -> list[dict[str, Any]]:
    """Return the cells of a solution notebook."""
    path = settings.course_root() / "solutions" / exercise(name[:2]).notebook
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def solution(question: Question) -> str:
    """Return the source of the answer cell in the solution notebook."""
    wanted = question.id.replace(".", "-")
    (found,) = [
        cell
        for cell in cells(question.id[:2])
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == wanted
    ]
    lines = "".join(found["source"]).splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("### ")) + "\n"


@cache
def given(number: str, before: str) -> dict[str, Any]:
    """Return the names defined by the given cells before the answer cell of a question."""
    values: dict[str, Any] = {"__name__": "__main__"}
    for k, cell in enumerate(cells(number)):
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade_id") == before.replace(".", "-"):
            break
        if cell["cell_type"] != "code" or mark:
            continue
        run("".join(cell["source"]), values, f"<given cell {number}-{k}>", allow=NameError)
    return values


def run(source: str, values: dict[str, Any], name: str, allow: Any = ()) -> None:
    """Run a cell; `allow` names exceptions that may occur in cells that try an answer."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        exec(compile(source, name, "exec"), values)
    except allow:
        return


def judge(
    question: Question, source: str, needs: tuple[str, ...] = (), seconds: float = 120.0
) -> Verdict:
    """Return the verdict on an answer cell, as in the student's notebook.

    An answer that raises or exceeds the time limit counts as an error.
    """
    values = dict(given(question.id[:2], question.id))
    for earlier in needs:
        other = next(q for q in exercise(question.id[:2]).questions if q.id == earlier)
        run(solution(other), values, f"<solution {earlier}>")
    try:
        with guarded(seconds, values):
            run(source, values, f"<answer {question.id}>")
    except student_work.StudentWorkError as error:
        return Verdict(question.id, "error", 0.0, question.points, str(error))
    return verdict(question, student_work.Namespace(values), SEED)
