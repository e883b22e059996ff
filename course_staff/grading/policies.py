"""Policies of the instructor: attempts, lateness, names and copies."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from course_staff.grading import store
from course_staff.grading.people import FLAG
from course_staff.grading.results import Graded
from course_utils.validate import choice

ATTEMPTS = ("last", "best", "first")


@dataclass(frozen=True)
class Lateness:
    """The penalty for late submissions.

    Only times of submission count: those in a table of the instructor's, those that the platform
    wrote into a name, and its LATE mark; never the modification times of files.

    Attributes
    ----------
    due : datetime or None
        The due time, local time.
    per_day : float
        The share of the exercise's points that each day begun costs, such as 0.1.
    """

    due: datetime | None = None
    per_day: float = 0.0

    def days(self, graded: Graded) -> int:
        """Return the number of days begun after the due time; 1 if only the mark is known."""
        if self.due is None or graded.time is None:
            return 1 if graded.late else 0
        over = (datetime.fromisoformat(graded.time) - self.due).total_seconds()
        return max(0, math.ceil(over / 86400))

    def apply(self, graded: Iterable[Graded]) -> None:
        """Set the penalty of each result, and add a flag about it."""
        for result in graded:
            days = self.days(result)
            result.penalty = 0.0
            if self.due is not None and not days and not result.time_source and result.time is None:
                result.flags.append(_NO_TIME)
            if not days:
                continue
            result.penalty = round(min(1.0, days * self.per_day) * result.maximum, 4)
            taken = f"; {result.penalty:g} points are taken off" if result.penalty else ""
            begun = "a day has begun" if days == 1 else f"{days} days have begun"
            said = result.time_source or ("LATE mark of the platform" if result.late else "")
            if self.due is not None and result.time is not None:
                said = f"{result.time.replace('T', ' ')}, {said}".rstrip(", ")
            said = f" ({said})" if said else ""
            result.flags.append(f"Handed in late{said}: {begun} since it was due{taken}.")


_NO_TIME = (
    f"{FLAG} it is not known when it was handed in, so nothing was taken off; give the times with "
    f"--times."
)


def choose_attempts(graded: list[Graded], which: str) -> list[Graded]:
    """Keep one notebook per student and exercise.

    Attempts are ordered by time if all have one, else by the numbers in their names (``evaluation
    (1)``, ``evaluation-Copy1``, ``Version 2``). If that does not determine the last or the first,
    the one with the most points of the candidates counts, with a flag.

    Parameters
    ----------
    graded : list of Graded
        All notebooks.
    which : str
        ``"last"``, ``"best"`` or ``"first"``.

    Raises
    ------
    InvalidInput
        If there is no such policy.
    """
    choice("--attempts", which, ATTEMPTS)
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for result in graded:
        groups[result.student, result.exercise].append(result)
    kept = []
    for group in groups.values():
        chosen, sure = _attempt(group, which)
        if len(group) > 1:
            names = ", ".join(Path(result.name).name for result in group if result is not chosen)
            chosen.flags.append(f"Of {len(group)} attempts the {which} counts; left out: {names}.")
        if not sure:
            chosen.flags.append(
                f"{FLAG} neither times nor names say which attempt is the {which}, so the best of "
                f"those in question was taken."
            )
        kept.append(chosen)
    return kept


def _attempt(group: list[Graded], which: str) -> tuple[Graded, bool]:
    """Return the attempt that counts, and whether that is certain."""
    in_question = group
    if which != "best":
        timed = all(result.time is not None for result in group)
        order = [((result.time or "") if timed else "", result.attempt) for result in group]
        end = max(order) if which == "last" else min(order)
        in_question = [result for result, at in zip(group, order, strict=True) if at == end]
    best = max(sorted(in_question, key=lambda one: one.name), key=lambda one: one.points)
    return best, which == "best" or len(in_question) == 1


def flag_identical(graded: list[Graded]) -> None:
    """Add a flag where different students handed in the same answers."""
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for result in graded:
        result.flags = [flag for flag in result.flags if not flag.startswith(_SAME)]
        if result.answers:
            groups[result.exercise, result.answers].append(result)
    for group in groups.values():
        students = sorted({result.student for result in group})
        for result in group:
            others = [name for name in students if name != result.student]
            if others:
                named, more = others[:_NAMED], len(others) - _NAMED
                named += [f"{more} more"] * (more > 0)
                result.flags.append(f"{_SAME} {', '.join(named)}.")


_SAME = "The answers are the same as those of"
_NAMED = 5  # a list of thirty names in each of thirty rows would be read by nobody


# --- names -------------------------------------------------------------------------------------


def anonymous_ids(students: Iterable[str], file: Path) -> dict[str, str]:
    """Return a random id for each student, the same on each run into the same folder.

    The table of names and ids is stored in `file`, which only the instructor should have.
    """
    known: dict[str, str] = {}
    secret = secrets.token_hex(16)
    if file.is_file():
        known, secret = store.read_json(
            file,
            lambda stored: (dict(stored["ids"]), str(stored["secret"])),
            "nobody would know whose ids these are. Restore it from a copy, or move it away to get "
            "new ids.",
        )
    for student in students:
        digest = hashlib.sha256(f"{secret} {student}".encode("utf-8", "replace")).hexdigest()
        known.setdefault(student, f"student-{digest[:8]}")
    text = json.dumps({"secret": secret, "ids": known}, indent=1)
    store.write(file, f"{text}\n", 0o600)
    return known
