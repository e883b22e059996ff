"""Read a notebook that somebody handed in, and find the questions in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from course_utils.checks import Exercise, Question
from course_utils.exceptions import InvalidInput

#: The most cells that are run.
MOST_CELLS = 20_000

_GRADE_ID = re.compile(r"^(?P<number>\d\d)-(?P<question>\d+)(?:-(?P<role>prompt|check|written))?$")
_CELL_ID = re.compile(r"^E(?P<number>\d\d)-(?P<question>\d+)(?:-(?P<role>prompt|check|written))?$")


@dataclass(frozen=True)
class Cell:
    """A cell: its kind, its text, and its place in the exercise.

    Attributes
    ----------
    kind : str
        ``"code"``, ``"markdown"`` or ``"raw"``.
    source : str
        Its text.
    question : str
        The id of its question, such as ``"01.2"``, or "".
    role : str
        ``"answer"``, ``"written"``, ``"check"``, ``"prompt"``, or "" for the student's own cells.
    """

    kind: str
    source: str
    question: str = ""
    role: str = ""


@dataclass(frozen=True)
class Step:
    """One thing to do with a notebook: run a cell, or ask a question."""

    cell: int | None = None
    question: Question | None = None


@dataclass
class Plan:
    """What is done with a notebook, in order, and what was noticed about it.

    Attributes
    ----------
    cells : list of Cell
        All cells.
    steps : list of Step
        The cells to run and the questions to ask. A question is asked after its answer cell and
        the student's own cells behind it, before the next question begins.
    written : dict
        The text of each written answer by its question.
    answered : dict
        The place of the answer cell of each question that has one.
    flags : list of str
        One sentence each: test cells that are gone, edited, doubled or moved.
    """

    cells: list[Cell]
    steps: list[Step] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)


def read(content: bytes) -> list[Cell]:
    """Read the cells of a notebook of any format.

    Parameters
    ----------
    content : bytes
        The file.

    Raises
    ------
    InvalidInput
        If it is no notebook.
    """
    cells = [_cell(one) for one in _stored(content)]
    if len(cells) > MOST_CELLS:
        raise InvalidInput(f"It has {len(cells):,} cells; at most {MOST_CELLS:,} are run.")
    return cells


def _stored(content: bytes) -> list[dict[str, Any]]:
    try:
        stored = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "It is no notebook: its text is not JSON. Save it in Jupyter and hand it in again."
        ) from error
    if not isinstance(stored, dict):
        raise InvalidInput("It is no notebook: there are no cells in it.")
    form = stored.get("nbformat", 4 if "cells" in stored else 3)
    if type(form) is not int or not 1 <= form <= 4:
        raise InvalidInput(
            f"It is in the notebook format {str(form)[:20]!r}, which is not known here."
        )
    if form < 4:
        stored = _converted(stored, form)
    cells = stored.get("cells")
    if not isinstance(cells, list) or not all(isinstance(one, dict) for one in cells):
        raise InvalidInput("It is no notebook: there are no cells in it.")
    return cells


def _converted(stored: dict[str, Any], form: int) -> dict[str, Any]:
    import nbformat

    stored.setdefault("nbformat", form)
    stored.setdefault("nbformat_minor", 0)
    stored.setdefault("metadata", {})
    try:
        fresh = nbformat.convert(nbformat.from_dict(stored), 4)
        return json.loads(json.dumps(fresh))
    except Exception as error:  # whatever is wrong with an old format, it is one sentence
        raise InvalidInput(
            f"It is in the old notebook format {form} and cannot be read; open and save it in "
            f"Jupyter and hand it in again."
        ) from error


def _cell(stored: dict[str, Any]) -> Cell:
    source = stored.get("source", "")
    if isinstance(source, list):
        source = "".join(one for one in source if isinstance(one, str))
    kind = str(stored.get("cell_type", "code"))
    metadata = stored.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    match = _GRADE_ID.match(grade_id) if isinstance(grade_id, str) else None
    if match is None and grade_id is None:  # a platform that keeps no metadata may keep the ids
        name = stored.get("id")
        match = _CELL_ID.match(name) if isinstance(name, str) else None
    if match is None:
        return Cell(kind, str(source))
    role = match["role"] or "answer"
    if role == "answer" and kind == "markdown":
        role = "written"
    return Cell(kind, str(source), f"{match['number']}.{match['question']}", role)


def which_exercise(
    cells: Sequence[Cell], file_name: str, exercises: Sequence[Exercise]
) -> Exercise:
    """Say of which exercise a notebook is: by its grade_ids, else by its name.

    Raises
    ------
    InvalidInput
        If it is of none.
    """
    known = {one.number: one for one in exercises}
    votes = Counter(cell.question[:2] for cell in cells if cell.question[:2] in known)
    if votes:
        return known[votes.most_common(1)[0][0]]
    stem = file_name.lower().removesuffix(".ipynb")
    for one in exercises:
        if one.name in stem or one.name[3:] in stem or stem.startswith(f"{one.number}_"):
            return one
    names = ", ".join(one.name for one in exercises)
    raise InvalidInput(
        f"It is of no exercise that is known here ({names}): neither its cells nor its name say "
        f"of which."
    )


def plan(cells: Sequence[Cell], exercise: Exercise) -> Plan:
    """Decide which cells are run and when each question is asked.

    Test cells are never run: whether they are there, edited, doubled or moved, the questions are
    the same. It is only noted.
    """
    result = Plan(list(cells))
    questions = {one.id: one for one in exercise.questions}
    places: dict[str, list[int]] = {name: [] for name in questions}
    for index, cell in enumerate(cells):
        if cell.question in questions and cell.role in ("answer", "written"):
            places[cell.question].append(index)
    last = {name: found[-1] for name, found in places.items() if found}
    result.answered = last
    for name, question in questions.items():
        if question.kind == "written" and name in last:
            result.written[name] = "\n\n".join(cells[k].source for k in places[name])
    _note(result, cells, questions, places)
    asked = {
        name: _end_of(cells, start, name)
        for name, start in last.items()
        if questions[name].kind != "written"
    }
    for index, cell in enumerate(cells):
        if cell.kind == "code" and cell.role != "check" and cell.source.strip():
            result.steps.append(Step(cell=index))
        result.steps += [
            Step(question=question)
            for name, question in questions.items()
            if asked.get(name) == index
        ]
    result.steps += [
        Step(question=question)
        for name, question in questions.items()
        if question.kind != "written" and name not in asked
    ]
    return result


def _end_of(cells: Sequence[Cell], start: int, question: str) -> int:
    """The last cell that belongs to the answer which begins at `start`."""
    end = start
    for index in range(start + 1, len(cells)):
        cell = cells[index]
        if cell.question and cell.question != question:
            break
        if cell.role == "prompt":
            break
        end = index
    return end


def _note(
    result: Plan,
    cells: Sequence[Cell],
    questions: dict[str, Question],
    places: dict[str, list[int]],
) -> None:
    for name, question in questions.items():
        found = places[name]
        if not found:
            result.flags.append(f"The answer cell of {name} is missing.")
        elif len(found) > 1:
            result.flags.append(f"The answer cell of {name} is there {len(found)} times; all ran.")
        if question.kind == "written":
            continue
        tests = [k for k, cell in enumerate(cells) if (cell.question, cell.role) == (name, "check")]
        if not tests:
            result.flags.append(f"The test cell of {name} was deleted, which changes nothing.")
        if len(tests) > 1:
            result.flags.append(f"The test cell of {name} was doubled, which changes nothing.")
        if any(_bare(cells[k].source) != f'check("{name}")' for k in tests):
            result.flags.append(f"The test cell of {name} was edited, which changes nothing.")
        if tests and found and tests[0] < found[0]:
            result.flags.append(f"The test cell of {name} was moved, which changes nothing.")
    strange = sorted(
        {cell.question for cell in cells if cell.question and cell.question not in questions}
    )
    if strange:
        result.flags.append(f"There are cells of unknown questions: {', '.join(strange[:5])}.")


def _bare(source: str) -> str:
    lines = [line.partition("#")[0].strip() for line in source.splitlines()]
    return "".join(line for line in lines if line).replace("'", '"').replace(" ", "")


#: Rooms of the course that notebooks use.
_ROOMS = """
augmentation convolution datasets errors evaluation explain models plots quality settings training
transfer
"""
#: Modules that many notebooks import, and that are worth importing once for all.
_SHARED = {
    *("numpy", "pandas", "matplotlib.pyplot", "tensorflow", "keras"),
    *(f"course_utils.{room}" for room in _ROOMS.split()),
}
_IMPORT = re.compile(
    r"^[ \t]*(?:import|from)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+\(?([\w, \t]+))?", re.M
)


def imports(cells: Sequence[Cell]) -> tuple[str, ...]:
    """The well-known modules that a notebook imports, in a fixed order."""
    found: set[str] = set()
    for cell in cells:
        if cell.kind != "code":
            continue
        for module, names in _IMPORT.findall(cell.source):
            found |= {module, module.partition(".")[0], ".".join(module.split(".")[:2])}
            found |= {f"{module}.{one.strip()}" for one in names.split(",")}
    return tuple(sorted(found & _SHARED))
