"""Call functions and models of a submission, in this process or in a sandbox.

The checks of the exercises use a :class:`StudentWork`: they read values, call functions, and run
models with given weights and images. In a notebook this is a :class:`Namespace`, the variables of
the notebook. In grading it is an object with the same methods that sends them to a sandboxed
process.

Arguments and results are plain data: numbers, text, lists, dictionaries, NumPy arrays, and
:class:`Ref`, a reference to an object that stays in its process (a function, a model, a dataset).
"""

from course_utils.student_work._data import IN_WORDS, Ref, kind_of, plain
from course_utils.student_work._errors import (
    Missing,
    StudentError,
    StudentWorkError,
    TimedOut,
    WrongKind,
    rebuild,
)
from course_utils.student_work._local import Namespace
from course_utils.student_work._operations import OPERATIONS, Arrays, StudentWork, What, operate

__all__ = [
    "IN_WORDS",
    "OPERATIONS",
    "Arrays",
    "Missing",
    "Namespace",
    "StudentWorkError",
    "Ref",
    "StudentError",
    "StudentWork",
    "TimedOut",
    "What",
    "WrongKind",
    "kind_of",
    "operate",
    "plain",
    "rebuild",
]
