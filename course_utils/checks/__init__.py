"""Feedback for the exercises: check an answer, get a hint, see the solution and your progress.

In an exercise::

    from course_utils.checks import check, hint, progress, solution

    check("01.2")     # correct, incorrect (and why), or not attempted yet
    hint("01.2")      # the next hint
    solution("01.2")  # after a right answer, or after three tries
    progress()        # the score over all exercises

What a question asks and how an answer is judged stands in ``checks/questions``; :func:`verdict`
judges any :class:`~course_utils.student_work.StudentWork`, so a notebook and a grader say the same.
"""

from course_utils.checks._notebook import check, hint, progress, solution
from course_utils.checks._question import (
    Exercise,
    IncorrectAnswer,
    NotAttempted,
    Part,
    PartVerdict,
    Question,
    Verdict,
    verdict,
    wrong,
)
from course_utils.checks._registry import exercise, exercises, question

__all__ = [
    "Exercise",
    "NotAttempted",
    "Part",
    "PartVerdict",
    "Question",
    "Verdict",
    "IncorrectAnswer",
    "check",
    "exercise",
    "exercises",
    "hint",
    "progress",
    "question",
    "solution",
    "verdict",
    "wrong",
]
