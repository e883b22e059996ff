"""The exercises and their questions, found by name and number."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache

from course_utils.checks import questions as _questions
from course_utils.checks._question import Exercise, Question
from course_utils.exceptions import InvalidInput


@cache
def _modules() -> dict[str, str]:
    """Return the module of each exercise, by the exercise's two digits."""
    names = sorted(module.name for module in pkgutil.iter_modules(_questions.__path__))
    return {name[1:3]: name for name in names if name.startswith("e") and name[1:3].isdigit()}


@cache
def _load(number: str) -> Exercise:
    module = importlib.import_module(f"{_questions.__name__}.{_modules()[number]}")
    found: Exercise = module.EXERCISE
    return found


def exercises() -> tuple[Exercise, ...]:
    """Return all exercises, in order."""
    return tuple(_load(number) for number in _modules())


def exercise(name: str) -> Exercise:
    """Return an exercise by its number or name: ``"01"`` or ``"01_convolution_by_hand"``.

    Raises
    ------
    InvalidInput
        If there is no such exercise.
    """
    number = str(name)[:2]
    if number in _modules() and (len(str(name)) == 2 or _load(number).name == name):
        return _load(number)
    known = ", ".join(_load(known).name for known in _modules())
    raise InvalidInput(f"There is no exercise {name!r}; the exercises are {known}.")


def question(id: str) -> Question:
    """Return a question by its id, such as ``"01.2"``.

    Raises
    ------
    InvalidInput
        If there is no such question.
    """
    text = str(id)
    number = text.partition(".")[0]
    if number in _modules():
        known = {asked.id: asked for asked in _load(number).questions}
        if text in known:
            return known[text]
        raise InvalidInput(
            f"There is no question {text!r}; the questions of this exercise are {', '.join(known)}."
        )
    near = difflib.get_close_matches(text, [q.id for e in exercises() for q in e.questions], n=1)
    raise InvalidInput(
        f"There is no question {text!r}; a question is named like "
        f"{near[0] if near else '01.2'!r}, in quotation marks."
    )
