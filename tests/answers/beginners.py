"""Answers of beginners, written from the text of the exercises without knowledge of the checks.

The answers are in ``beginners_01_to_04``, ``beginners_05_to_07`` and ``beginners_08``, for all
exercises in ``beginners_again``, and in ``unseen_01_to_03``, as ``RIGHT`` and ``WRONG``: the
sources of answer cells by question and name. Each wrong one has the reason why it is wrong. An
answer that begins with :data:`REST` answers only a part of a question, and the rest is taken from
the solution.
"""

from __future__ import annotations

from typing import TypeVar

from answers import solution
from answers.beginners_01_to_04 import RIGHT as RIGHT_1
from answers.beginners_01_to_04 import WRONG as WRONG_1
from answers.beginners_05_to_07 import RIGHT as RIGHT_2
from answers.beginners_05_to_07 import WRONG as WRONG_2
from answers.beginners_08 import RIGHT as RIGHT_3
from answers.beginners_08 import WRONG as WRONG_3
from answers.beginners_again import RIGHT as RIGHT_4
from answers.beginners_again import WRONG as WRONG_4
from answers.unseen_01_to_03 import RIGHT as RIGHT_5
from answers.unseen_01_to_03 import WRONG as WRONG_5
from course_utils.checks import Question

T = TypeVar("T")

#: First line of an answer to a part of a question.
REST = "# The rest is that of the solution.\n"

RIGHT = RIGHT_1 | RIGHT_2 | RIGHT_3
WRONG = WRONG_1 | WRONG_2 | WRONG_3


def whole(question: Question, source: str) -> str:
    """Return an answer cell completed with the solution's answers to the other parts."""
    return f"{solution(question)}\n\n{source}" if source.startswith(REST) else source


def of(question: Question) -> tuple[dict[str, str], dict[str, tuple[str, str | None]]]:
    """Return the right and the wrong answers to a question, by names with their origin."""
    right = RIGHT.get(question.id, {}) | _again(RIGHT_4.get(question.id, {}))
    wrong = WRONG.get(question.id, {}) | _again(WRONG_4.get(question.id, {}))
    readers = WRONG_5.get(question.id, {})
    return (
        {f"beginner: {key}": whole(question, source) for key, source in right.items()}
        | {f"reader: {key}": source for key, source in RIGHT_5.get(question.id, {}).items()},
        {f"beginner: {key}": (whole(question, source), None) for key, (source, _) in wrong.items()}
        | {f"reader: {key}": (source, mistake) for key, (source, mistake, _) in readers.items()},
    )


def _again(answers: dict[str, T]) -> dict[str, T]:
    """Return the answers of the second collection under names of their own."""
    return {f"again: {name}": answer for name, answer in answers.items()}
