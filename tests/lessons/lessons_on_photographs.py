"""Run every lesson on real photographs, with one epoch and without comparing outputs.

This takes minutes, so it is not part of ``make test``:

    COURSE_DATA=... python -m pytest -n 2 tests/lessons/lessons_on_photographs.py
"""

from __future__ import annotations

import pytest

from course_utils.workspace import lessons

#: Largest memory that a lesson may use, in bytes.
MOST_MEMORY = 3.0e9


# The last lessons take longest: they begin first, so that both processes end at the same time.
@pytest.mark.parametrize("path", lessons.all_lessons()[::-1], ids=lambda path: path.stem)
def test_lesson_runs_on_photographs(path, real_data, tmp_path):
    (outcome,) = lessons.run_lessons([path], epochs=1, dataset="tf_flowers", output=tmp_path)
    assert outcome.run.error is None, str(outcome.run.error)
    assert outcome.run.peak_bytes <= MOST_MEMORY
