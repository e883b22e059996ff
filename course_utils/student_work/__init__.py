"""Call functions and models of a submission, in this process or in a sandbox.

The checks of the exercises ask a :class:`StudentWork`: which names it has, what a function
returns for given numbers, what a network gives for given weights and images. In a notebook the
subject is a :class:`Namespace`, the notebook's own variables. When work is graded it is an object
with the same methods whose answers come from another process.

Whatever crosses is plain data: numbers, text, lists, dictionaries, NumPy arrays, and :class:`Ref`,
the name of something that stays where it is (a function, a network, a dataset).
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
