"""The lesson model is trained again only when its recipe or its data changed."""

from __future__ import annotations

import shutil
import sys

import pytest

from course_staff.authoring import lesson_model
from course_utils import datasets
from course_utils.exceptions import CourseError
from course_utils.training import shipped_model


def test_the_lesson_model_is_up_to_date():
    flowers = datasets.load("paper_flowers", image_size=96)
    assert shipped_model.is_shipped(flowers), "run 'make build'"


@pytest.mark.slow
def test_a_model_that_is_up_to_date_is_left_as_it_is():
    file = shipped_model.shipped_file()
    before = file.stat().st_mtime_ns
    lesson_model.update()
    assert file.stat().st_mtime_ns == before


@pytest.mark.skipif(shutil.which("false") is None, reason="there is no program that fails")
def test_a_training_that_fails_stops_the_build(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(CourseError, match="lesson model was not trained"):
        lesson_model.update()
