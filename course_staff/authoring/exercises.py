"""Generate the exercises from the solutions, as ``generate_assignment`` of nbgrader does.

``solutions/NN_topic/topic.ipynb`` is the only copy that is written by hand. Its cells have the
metadata of nbgrader (schema version 3), and the answer of each is between ``### BEGIN SOLUTION``
and ``### END SOLUTION``. Instructors can use both folders with nbgrader: ``source_directory =
"solutions"`` and ``release_directory = "exercises"``. A test shows that the command of nbgrader
gives the same notebooks, except for the tag :data:`GO_ON` of the answers.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.workspace.lessons import as_bytes, clear_outputs, exercises_in

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
#: Tag of Jupyter: the next cell runs even if this one raises.
GO_ON = "raises-exception"
_BEGIN, _END = "BEGIN SOLUTION", "END SOLUTION"


def all_solutions(root: Path | None = None) -> list[Path]:
    """Return the notebooks ``solutions/NN_topic/topic.ipynb`` of the course, in order."""
    return exercises_in((root or settings.course_root()) / "solutions")


def exercises(root: Path) -> dict[str, bytes]:
    """Generate the content of each exercise, by its path in the course."""
    made = {}
    for path in all_solutions(root):
        solution = json.loads(path.read_text(encoding="utf-8"))
        name = path.relative_to(root / "solutions").as_posix()
        made[f"exercises/{name}"] = as_bytes(exercise(solution, name))
    return made


def exercise(solution: dict[str, Any], name: str) -> dict[str, Any]:
    """Generate an exercise from a solution.

    Parameters
    ----------
    solution : dict
        The notebook, as JSON; it is not changed.
    name : str
        The name of the notebook, for errors.

    Returns
    -------
    dict
        The notebook without solutions and outputs, with the checksums of nbgrader.

    Raises
    ------
    InvalidInput
        If a solution is not marked as nbgrader requires.
    """
    made: dict[str, Any] = json.loads(json.dumps(solution))
    clear_outputs(made)
    for cell in made["cells"]:
        source = "".join(cell["source"])
        mark = cell["metadata"].get("nbgrader")
        where = f"cell {cell.get('id', '?')!r} of {name}"
        cleared = _without_solution(source, cell["cell_type"] == "code", where)
        if mark is None or not mark.get("solution"):
            if cleared != source:
                raise InvalidInput(
                    f"There is a solution in {where}, but its nbgrader metadata do not say so; "
                    f"set 'solution' to true there."
                )
        elif cleared == source:
            cleared = CODE_STUB if cell["cell_type"] == "code" else TEXT_STUB
        cell["source"] = cleared.splitlines(keepends=True)
        if mark is not None:
            _lock(cell["metadata"], mark)
            _let_run_all_go_on(cell, mark)
            if mark.get("grade") or mark.get("solution") or mark.get("locked"):
                mark["checksum"] = checksum(cleared, cell["cell_type"], mark)
                mark["cell_type"] = cell["cell_type"]
    return made


def _without_solution(source: str, is_code: bool, where: str) -> str:
    stub = (CODE_STUB if is_code else TEXT_STUB).split("\n")
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if _BEGIN in line:
            if inside:
                raise InvalidInput(f"A solution begins twice in {where}; end the first one.")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + text for text in stub]
        elif _END in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise InvalidInput(f"A solution does not end in {where}; add '### {_END}'.")
    return "\n".join(kept)


def _lock(metadata: dict[str, Any], mark: dict[str, Any]) -> None:
    if mark.get("solution") or mark.get("grade") or mark.get("locked"):
        metadata["deletable"] = False
    if not mark.get("solution") and (mark.get("grade") or mark.get("locked")):
        metadata["editable"] = False


def _let_run_all_go_on(cell: dict[str, Any], mark: dict[str, Any]) -> None:
    """Tag an answer, so that *Run All* continues if it raises, for example because it is empty.

    Solutions do not have the tag: an error in a solution must stop the run.
    """
    if cell["cell_type"] == "code" and mark.get("solution"):
        tags = cell["metadata"].setdefault("tags", [])
        if GO_ON not in tags:
            tags.append(GO_ON)


def checksum(source: str, cell_type: str, mark: dict[str, Any]) -> str:
    """Return the checksum by which nbgrader detects changes of a cell."""
    grade, solution = bool(mark.get("grade")), bool(mark.get("solution"))
    locked = not solution and (grade or bool(mark.get("locked")))
    parts = [source, cell_type, str(grade), str(solution), str(locked), mark["grade_id"]]
    if grade:
        parts.append(str(float(mark["points"])))
    # MD5 is the choice of nbgrader; it detects mistakes, not manipulation.
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
