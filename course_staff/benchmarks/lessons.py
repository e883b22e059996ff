"""Seconds and peak memory of each lesson."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from course_staff.benchmarks import Row, measured
from course_utils.exceptions import CourseError
from course_utils.workspace import lessons

#: Limit of the memory of a lesson.
MOST_BYTES = 3.0e9

#: Approximate seconds of a lesson on two cores, with the models that the lessons before it trained.
EXPECTED = {0: 10, 1: 15, 2: 25, 3: 70, 4: 200, 5: 30, 6: 200, 7: 70, 8: 130}


def run_lesson(path: Path, quick: bool) -> dict[str, Any]:
    """Run a lesson at full epochs (quick: one epoch) on paper_flowers, with no other data.

    As with ``course lessons``, a lesson may use the model that one before it trained.
    """
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        (outcome,) = lessons.run_lessons(
            [path],
            epochs=1 if quick else None,
            dataset="paper_flowers",
            shipped_only=True,
            output=Path(folder),
            keep_cache=True,
        )
    if outcome.run.error is not None:
        raise CourseError(f"{outcome.lesson} failed in {outcome.run.error}")
    reached = [f"{result['name']} {result['text']}" for result in outcome.run.results]
    peak = outcome.run.peak_bytes
    return measured(
        outcome.run.seconds,
        wanted="at most 3 GB",
        ok=peak <= MOST_BYTES,
        note="; ".join([f"kernel {peak / 1e9:.2f} GB", *reached]),
        kernel_megabytes=round(peak / 1e6),
        results=outcome.run.results,
    )


ROWS = [
    Row(
        name=f"lesson {path.stem}",
        about="the lesson on paper_flowers; seconds, and the peak memory of its kernel",
        run=partial(run_lesson, path),
        limit=1500,
        shared=True,
        expected=(EXPECTED.get(int(path.name[:2]), 60), 25),
    )
    for path in lessons.all_lessons()
]
