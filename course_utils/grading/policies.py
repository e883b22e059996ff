"""What instructors decide: attempts, lateness, names and copies."""

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

from course_utils.exceptions import InvalidInput
from course_utils.grading import tables
from course_utils.grading.results import Graded

ATTEMPTS = ("last", "best", "first")


@dataclass(frozen=True)
class Lateness:
    """What is taken off for handing in late.

    Attributes
    ----------
    due : datetime or None
        Until when it was to be handed in, local time.
    per_day : float
        The share of the exercise's points that each day that has begun costs, such as 0.1.
    """

    due: datetime | None = None
    per_day: float = 0.0

    def days(self, graded: Graded) -> int:
        """How many days have begun since it was due."""
        if self.due is None or graded.time is None:
            return 1 if graded.late else 0
        over = (datetime.fromisoformat(graded.time) - self.due).total_seconds()
        return max(0, math.ceil(over / 86400))

    def apply(self, graded: Iterable[Graded]) -> None:
        """Write what is taken off into each result, and say so."""
        for one in graded:
            days = self.days(one)
            one.penalty = 0.0
            if not days:
                continue
            one.penalty = round(min(1.0, days * self.per_day) * one.maximum, 4)
            taken = f"; {one.penalty:g} points are taken off" if one.penalty else ""
            begun = "a day has begun" if days == 1 else f"{days} days have begun"
            one.flags.append(f"Handed in late: {begun} since it was due{taken}.")


def choose_attempts(graded: list[Graded], which: str) -> list[Graded]:
    """Keep one notebook per student and exercise.

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
    if which not in ATTEMPTS:
        raise InvalidInput(
            f"Of several attempts the {which!r} cannot be taken; there are last, best and first."
        )
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for one in graded:
        groups[one.student, one.exercise].append(one)
    kept = []
    for group in groups.values():
        in_time = sorted(group, key=lambda one: (one.attempt, one.time or "", one.name))
        if which == "best":
            chosen = max(in_time, key=lambda one: one.points)
        else:
            chosen = in_time[-1] if which == "last" else in_time[0]
        if len(group) > 1:
            names = ", ".join(Path(one.name).name for one in in_time if one is not chosen)
            chosen.flags.append(f"Of {len(group)} attempts the {which} counts; left out: {names}.")
        kept.append(chosen)
    return kept


def flag_identical(graded: list[Graded]) -> None:
    """Note where different students handed in the same answers."""
    groups: dict[tuple[str, str], list[Graded]] = defaultdict(list)
    for one in graded:
        one.flags = [flag for flag in one.flags if not flag.startswith(_SAME)]
        if one.answers:
            groups[one.exercise, one.answers].append(one)
    for group in groups.values():
        students = sorted({one.student for one in group})
        for one in group:
            others = [name for name in students if name != one.student]
            if others:
                one.flags.append(f"{_SAME} {', '.join(others)}.")


_SAME = "The answers are the same as those of"


# --- names -------------------------------------------------------------------------------------


def anonymous_ids(students: Iterable[str], file: Path) -> dict[str, str]:
    """Give each student an id that says nothing, the same on each run into the same folder.

    The table from names to ids is kept in `file`; keep it to yourself.
    """
    known: dict[str, str] = {}
    secret = secrets.token_hex(16)
    if file.is_file():
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            known, secret = dict(stored["ids"]), str(stored["secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(
                f"{file} cannot be read, so nobody would know whose ids these are; restore it from "
                f"a copy, or move it away to get new ids."
            ) from error
    for student in students:
        digest = hashlib.sha256(f"{secret} {student}".encode("utf-8", "replace")).hexdigest()
        known.setdefault(student, f"student-{digest[:8]}")
    text = json.dumps({"secret": secret, "ids": known}, indent=1)
    tables.replace(file, f"{text}\n".encode())
    file.chmod(0o600)
    return known
