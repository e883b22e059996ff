"""The piece of lesson 10: the checklist of the project, from which graders mark, too."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course_utils import validate
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, sentence


@dataclass(frozen=True)
class Criterion:
    """One thing that a project is marked by.

    Attributes
    ----------
    id, title : str
    points : int
        For a full answer; half of them for half of it.
    checks : tuple of str
        What the student ticks.
    full, half, none : str
        What an answer with all, half or none of the points looks like.
    """

    id: str
    title: str
    points: int
    checks: tuple[str, ...]
    full: str
    half: str
    none: str


@cache
def criteria() -> tuple[Criterion, ...]:
    """Return what the project of lesson 10 is marked by, in the order of the lesson."""
    path = Path(__file__).with_name("project.toml")
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        Criterion(**{**entry, "checks": tuple(entry["checks"])}) for entry in read["criterion"]
    )


def checklist(evidence: Mapping[str, Any] | None = None) -> Widget:
    """Return the checklist of a project, with its numbers beside what they are evidence of.

    What is ticked stays in the browser.

    First met in lesson 10.

    Parameters
    ----------
    evidence : mapping of str to value, optional
        For the id of a criterion what the lesson measured, as a short text.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If there is no such criterion.
    """
    shown = {name: str(value) for name, value in (evidence or {}).items()}
    known = [criterion.id for criterion in criteria()]
    for name in shown:
        if name not in known:
            raise InvalidInput(
                f"The project has no criterion {name!r}{validate.nearest(str(name), known)}; it "
                f"has {', '.join(known)}."
            )
    parts: list[dict[str, Any]] = [
        {
            "id": criterion.id,
            "title": criterion.title,
            "points": criterion.points,
            "checks": list(criterion.checks),
            "evidence": shown.get(criterion.id, ""),
        }
        for criterion in criteria()
    ]
    number = sum(len(criterion.checks) for criterion in criteria())
    points = sum(criterion.points for criterion in criteria())
    summary = f"The checklist of the project: {number} things to tick, {points} points."
    listed = "".join(
        sentence(f"{part['title']} ({validate.counted(part['points'], 'point')})")
        + "<ul>"
        + "".join(
            f"<li>{sentence(text)}</li>" for text in [*part["checks"], part["evidence"]] if text
        )
        + "</ul>"
        for part in parts
    )
    return Widget("checklist", {"key": "10.checklist", "parts": parts}, listed, summary)
