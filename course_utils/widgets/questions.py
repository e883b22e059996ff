"""Questions in the lessons: predictions before a cell, and *Check yourself* at the end.

The questions of lesson NN are in ``questions/NN.toml``. The reader's answers stay in the browser.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, identifier, sentence

_FOLDER = Path(__file__).parent / "questions"


def predict(key: str) -> Widget:
    """Ask for a prediction before a cell is run.

    Parameters
    ----------
    key : str
        Lesson and name of the question, for instance ``"01.outputs"``.

    Returns
    -------
    Widget
        Shown by notebooks as a field for a number, or as choices.

    Raises
    ------
    InvalidInput
        If there is no such question.
    """
    question = _prediction(key)
    text = question["question"]
    data = {"key": key, "id": identifier(key), "question": text}
    listed = ""
    if "choices" in question:
        data["choices"] = [choice["text"] for choice in question["choices"]]
        listed = "".join(f"<li>{sentence(choice)}</li>" for choice in data["choices"])
    still = sentence(f"Predict first. {text}") + (listed and f"<ul>{listed}</ul>")
    return Widget("predict", data, still, f"Predict first. {text}")


def compare(key: str, answer: Any, text: str = "") -> Widget:
    """Compare the reader's prediction with what came out.

    Parameters
    ----------
    key : str
        The key of :func:`predict`.
    answer : number or str
        The right answer, computed by the lesson: a number, or the text of a choice.
    text : str, optional
        A sentence on the result, shown to everybody.

    Returns
    -------
    Widget
        It says whether the prediction was right, near (a number), or which idea led to it.

    Raises
    ------
    InvalidInput
        If there is no such question, or the answer is not of its kind.
    """
    question = _prediction(key)
    shown = text or question.get("say", "")
    data: dict[str, Any] = {"key": key}
    if "choices" in question:
        says = {choice["text"]: choice["say"] for choice in question["choices"]}
        answer = str(answer)
        if answer not in says:
            shown = f"Here the answer is: {answer}. {shown}"
        data |= {"kind": "choice", "answer": answer, "says": says}
        result = f"The answer: {answer}. {shown}".strip() if answer in says else shown.strip()
    else:
        value = _as_number(key, answer)
        near = max(abs(value) * question.get("near", 0.1), question.get("exact", 0))
        data |= {"kind": "number", "value": value, "near": near}
        data |= {"exact": question.get("exact", 0), "ideas": question.get("ideas", [])}
        result = f"The answer: {_shown_number(value)}. {shown}".strip()
    data["result"] = result
    return Widget("compare", data, sentence(result), result)


def check_yourself(lesson: str) -> Widget:
    """Ask the questions at the end of a lesson.

    Parameters
    ----------
    lesson : str
        Number of the lesson, for instance ``"01"``.

    Returns
    -------
    Widget
        Questions to be answered by clicking or typing; each answer gets a sentence.

    Raises
    ------
    InvalidInput
        If the lesson has no questions.
    """
    questions = _lesson(lesson)["check"]
    data = {"key": f"{lesson}.check", "id": identifier(f"{lesson}.check")}
    shown = [_quiz_question(question) for question in questions]
    listed = "".join(f"<li>{sentence(question['question'])}</li>" for question in questions)
    return Widget(
        "quiz",
        {**data, "questions": shown},
        f"{sentence('Check yourself')}<ol>{listed}</ol>",
        f"Check yourself: {len(questions)} questions.",
    )


def _quiz_question(question: dict[str, Any]) -> dict[str, Any]:
    if "choices" in question:
        choices = [{"right": False, **choice} for choice in question["choices"]]
        return {**question, "choices": choices}
    return {"exact": 0, "ideas": [], "otherwise": "Have another look.", **question}


def count_questions(lesson: str) -> int:
    """Return the number of questions in *Check yourself* of a lesson; 0 if it has none."""
    return len(_read(lesson).get("check", []))


@cache
def _read(lesson: str) -> dict[str, Any]:
    path = _FOLDER / f"{lesson}.toml"
    if not path.is_file():
        return {}
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _lesson(lesson: str) -> dict[str, Any]:
    if not _read(lesson):
        known = ", ".join(sorted(path.stem for path in _FOLDER.glob("*.toml")))
        raise InvalidInput(f"There are no questions for lesson {lesson!r}, only for {known}.")
    return _read(lesson)


def _prediction(key: str) -> dict[str, Any]:
    lesson, _, name = key.partition(".")
    asked = _lesson(lesson).get("predict", {})
    if name not in asked:
        raise InvalidInput(
            f"Lesson {lesson} has no question {name!r} to predict, only {', '.join(asked)}."
        )
    return asked[name]


def _as_number(key: str, answer: Any) -> float:
    value = np.asarray(answer)
    if value.shape != () or value.dtype.kind not in "iufb" or not np.isfinite(value):
        raise InvalidInput(f"The answer to {key} must be one number, but it is {answer!r}.")
    return float(value)


def _shown_number(value: float) -> str:
    text = f"{value:,.0f}" if value == int(value) else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")
