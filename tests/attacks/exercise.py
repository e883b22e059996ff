"""A small exercise to attack: two questions that anybody can answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from course_utils.checks import Exercise, Part, Question, compare

RIGHT = {"90.1": "def double(x):\n    return 2 * x", "90.2": "answer = 12"}
#: In this file, on this machine, and in no notebook: what an attack on the files looks for.
SECRET = "the reference doubles, and the answer is twelve"


def _number(subject, rng):
    cases = [compare.Case((float(rng.normal()),), "a number") for _ in range(3)]
    compare.function(subject, "double", cases, lambda x: 2 * x)


def _image(subject, rng):
    cases = [compare.Case((rng.normal(size=(4, 5)),), "an image")]
    compare.function(subject, "double", cases, lambda x: 2 * x)


def _answer(subject, rng):
    compare.number(subject, "answer", 12)


EXERCISE = Exercise(
    "90_attacks",
    "Attacks",
    (
        Question(
            "90.1",
            "Double it",
            2,
            (Part("a number", 1, _number), Part("an image", 1, _image)),
            needs=("double",),
            seconds=1,
        ),
        Question("90.2", "A dozen", 1, (Part("the number", 1, _answer),), needs=("answer",)),
        Question("90.3", "In words", 3, kind="written", rubric=("says something",)),
    ),
)


def metadata(grade_id: str, **more: Any) -> dict[str, Any]:
    known = {"grade": False, "solution": False, "locked": False, "schema_version": 3}
    return {"nbgrader": {**known, "grade_id": grade_id, **more}}


def code(source: str, grade_id: str = "", **more: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{abs(hash((source, grade_id))) % 10**9}",
        "metadata": metadata(grade_id, **more) if grade_id else {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def text(source: str, grade_id: str = "", **more: Any) -> dict[str, Any]:
    cell = code(source, grade_id, **more)
    return {key: cell[key] for key in ("id", "metadata", "source")} | {"cell_type": "markdown"}


def cells(
    first: str = RIGHT["90.1"],
    second: str = RIGHT["90.2"],
    before: str = "",
    between: str = "",
    after: str = "",
    written: str = "YOUR ANSWER HERE",
) -> list[dict[str, Any]]:
    """The cells of a notebook with these answers and cells of the student's own."""
    made = [
        text("# Attacks"),
        code(
            "import numpy as np\nfrom course_utils.checks import check, hint\n\n%matplotlib inline"
        ),
        *([code(before)] if before else []),
        text("Write `double`.", "90-1-prompt", locked=True),
        code(first, "90-1", solution=True),
        *([code(between)] if between else []),
        code('check("90.1")', "90-1-check", grade=True, locked=True, points=2),
        text("How many are a dozen?", "90-2-prompt", locked=True),
        code(second, "90-2", solution=True),
        code('check("90.2")', "90-2-check", grade=True, locked=True, points=1),
        text("Say it in words.", "90-3-prompt", locked=True),
        text(written, "90-3-written", solution=True, grade=True, points=3),
    ]
    return made + ([code(after)] if after else [])


def notebook(made: list[dict[str, Any]] | None = None, **more: Any) -> bytes:
    """A notebook as a file."""
    whole = {
        "cells": cells() if made is None else made,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps({**whole, **more}).encode()


__all__ = ["EXERCISE", "RIGHT", "SECRET", "cells", "code", "notebook", "np", "text"]
