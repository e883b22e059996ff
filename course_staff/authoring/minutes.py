"""The minutes that a lesson or an exercise takes, reckoned by one rule from its cells.

The weights were chosen so that the rule gives about the times that readers took. Nobody states a
time by hand: :func:`timed` writes it into the first cell, and ``README.md`` takes it from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.exceptions import InvalidInput
from course_utils.widgets import questions
from course_utils.workspace.lessons import is_hidden

#: Words that are read in a minute.
WORDS = 150
#: Minutes for one of each.
PREDICTION, FIGURE, CODE_CELL, WIDGET, QUESTION = 1.5, 1.0, 0.75, 2.0, 0.5
#: Minutes for each line of a worked answer, and for an answer in words.
ANSWER_LINE, WRITTEN_ANSWER = 1.0, 4.0

#: The heading behind which a lesson's optional part begins.
GOING_FURTHER = re.compile(r"^## Going further\b", re.MULTILINE)

#: What stands above an answer in words that a lesson asks for.
_YOURS = "*Your answer:*"

_CALL = re.compile(r"^widgets\.(\w+)\(", re.MULTILINE)
_TIME_ROW = re.compile(r"^\| Time \| .+ \|$", re.MULTILINE)
_TIME_PHRASE = re.compile(r"about \d+ minutes")


@dataclass(frozen=True)
class Parts:
    """What the main line of a lesson consists of."""

    words: int
    predictions: int
    figures: int
    code_cells: int
    widgets: int
    questions: int
    computing: float

    @property
    def total(self) -> float:
        """Minutes of the main line."""
        return (
            self.words / WORDS
            + self.predictions * PREDICTION
            + self.figures * FIGURE
            + self.code_cells * CODE_CELL
            + self.widgets * WIDGET
            + self.questions * QUESTION
            + self.computing / 60
        )

    @property
    def minutes(self) -> int:
        """Minutes of the main line, rounded to 5."""
        return _rounded(self.total)


def parts(notebook: dict[str, Any], lesson: str) -> Parts:
    """Count the parts of a lesson's main line: of all cells before *Going further*.

    Parameters
    ----------
    notebook : dict
        An executed lesson, as JSON.
    lesson : str
        Its number, for instance ``"01"``.

    Returns
    -------
    Parts
    """
    cells = _main_line(notebook)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    calls = [call for cell in code for call in _CALL.findall(_source(cell))]
    others = [call for call in calls if call not in ("predict", "compare", "check_yourself")]
    return Parts(
        words=sum(_words(cell) for cell in cells),
        predictions=calls.count("predict"),
        figures=sum(_is_figure(output) for cell in code for output in cell["outputs"]),
        code_cells=sum(not _only_widgets(cell) for cell in code),
        widgets=len(others),
        questions=questions.count_questions(lesson) if "check_yourself" in calls else 0,
        computing=seconds(notebook),
    )


def exercise_minutes(notebook: dict[str, Any]) -> int:
    """Return the minutes that an exercise takes, rounded to 5.

    Parameters
    ----------
    notebook : dict
        The worked exercise (of ``solutions/``), as JSON.
    """
    total = seconds(notebook) / 60
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            is_code = cell["cell_type"] == "code"
            total += _code_lines(cell) * ANSWER_LINE if is_code else WRITTEN_ANSWER
        else:
            total += _words(cell) / WORDS + (cell["cell_type"] == "code") * CODE_CELL
    return _rounded(total)


def seconds(notebook: dict[str, Any]) -> float:
    """Return how long the cells of a notebook compute, as ``make build`` measured it."""
    return float(notebook["metadata"].get("course", {}).get("seconds", 0))


def time_row(notebook: dict[str, Any], lesson: str, exercise: dict[str, Any] | None) -> str:
    """Return the row of the first cell's table that states the time of a lesson."""
    stated = f"{parts(notebook, lesson).minutes} minutes"
    answers = sum(_YOURS in _source(cell) for cell in _main_line(notebook))
    if answers:
        stated += f", and {_rounded(answers * WRITTEN_ANSWER)} for what you write"
    if exercise is not None:
        stated += f", and {exercise_minutes(exercise)} for the exercise"
    computing = seconds(notebook)
    if computing >= 60:
        minutes = round(computing / 60)
        stated += f"; the cells compute for about {minutes} minute{'s' * (minutes > 1)}"
    return f"| Time | {stated} |"


def timed(
    notebook: dict[str, Any], path: Path, exercise: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Write the time of a lesson or of a worked exercise into its first cell, in place.

    Parameters
    ----------
    notebook : dict
        As JSON.
    path : Path
        Where it is: in ``notebooks/`` or below ``solutions/``.
    exercise : dict, optional
        The worked exercise of a lesson.

    Returns
    -------
    dict
        The notebook.

    Raises
    ------
    InvalidInput
        If the first cell has no place for the time.
    """
    head = notebook["cells"][0]
    if path.parent.name == "notebooks":
        place, text = _TIME_ROW, time_row(notebook, path.name[:2], exercise)
        wanted = "the table row '| Time | ... |'"
    else:
        place, text = _TIME_PHRASE, f"about {exercise_minutes(notebook)} minutes"
        wanted = "the words 'about N minutes'"
    source, count = place.subn(lambda _: text, _source(head))
    if count != 1:
        raise InvalidInput(f"The first cell of {path.name} must hold {wanted} once.")
    head["source"] = source.splitlines(keepends=True)
    return notebook


def _main_line(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and GOING_FURTHER.search(_source(cell)):
            break
        if not is_hidden(cell):
            cells.append(cell)
    return cells


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _words(cell: dict[str, Any]) -> int:
    return len(_source(cell).split()) if cell["cell_type"] == "markdown" else 0


def _code_lines(cell: dict[str, Any]) -> int:
    lines = (line.strip() for line in _source(cell).splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def _only_widgets(cell: dict[str, Any]) -> bool:
    """Return whether a cell consists of one call of a widget, however many lines it has."""
    return bool(re.fullmatch(r"widgets\.\w+\([^;]*\)", _source(cell).strip()))


def _is_figure(output: dict[str, Any]) -> bool:
    data = output.get("data", {})
    return "image/png" in data or "".join(data.get("text/html", "")).startswith("<img ")


def _rounded(minutes: float) -> int:
    return max(5, 5 * round(minutes / 5))
