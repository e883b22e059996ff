"""The threshold for a wanted precision."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import deployment
from course_utils.evaluation import Predictions
from course_utils.exceptions import InvalidInput


def made(confidence, right) -> Predictions:
    """Return predictions of class 0 with these confidences."""
    confidence = np.asarray(confidence, float)
    return Predictions(
        ids=[str(k) for k in range(len(confidence))],
        images=np.zeros((len(confidence), 1, 1, 1), np.uint8),
        labels=1 - np.asarray(right, int),
        probabilities=np.stack([confidence, 1 - confidence], axis=1),
        class_names=("a", "b"),
    )


def test_the_lowest_threshold_is_found_where_the_precision_goes_up_and_down():
    predictions = made([0.9, 0.8, 0.7, 0.6, 0.55], [1, 0, 1, 1, 0])
    found = deployment.choose_threshold(predictions, 0.75)
    assert found.value == pytest.approx((0.6 + 0.55) / 2)
    assert (found.precision, found.answered, found.count) == (0.75, 4, 5)
    assert found.coverage == 0.8
    assert float(found) == found.value
    assert found.interval.low < 0.75 < found.interval.high
    assert "4 of 5 pictures (80.0%)" in str(found)


def test_all_pictures_are_answered_where_that_is_precise_enough():
    found = deployment.choose_threshold(made([0.9, 0.6], [1, 1]), 1.0)
    assert (found.value, found.coverage) == (0.0, 1.0)


def test_equal_confidences_are_answered_together():
    predictions = made([0.9, 0.8, 0.8, 0.7], [1, 1, 0, 0])
    assert deployment.choose_threshold(predictions, 1.0).answered == 1
    assert deployment.choose_threshold(predictions, 0.6).answered == 3


def test_the_definition_holds_for_random_predictions():
    rng = np.random.default_rng(0)
    for _ in range(30):
        confidence = np.round(rng.uniform(0.5, 1, 40), 2)
        predictions = made(confidence, rng.uniform(size=40) < confidence)
        shown = predictions.confidence  # rounded to float32
        reached = [
            level for level in np.unique(shown) if predictions.correct[shown >= level].mean() >= 0.8
        ]
        if not reached:
            with pytest.raises(InvalidInput, match="No threshold reaches"):
                deployment.choose_threshold(predictions, 0.8)
            continue
        found = deployment.choose_threshold(predictions, 0.8)
        answered = shown >= found.value
        assert answered.sum() == found.answered == (shown >= min(reached)).sum()
        assert predictions.correct[answered].mean() == pytest.approx(found.precision)


def test_what_cannot_be_reached_or_asked_gets_a_sentence():
    with pytest.raises(InvalidInput, match=r"the best is 0\.500"):
        deployment.choose_threshold(made([0.9, 0.8], [0, 1]), 0.9)
    for precision in (0, 1.5, "0.9", True):
        with pytest.raises(InvalidInput, match="precision is"):
            deployment.choose_threshold(made([0.9], [1]), precision)
    unknown = Predictions(["x"], np.zeros((1, 1, 1, 1)), [-1], [[0.6, 0.4]], ["a", "b"])
    with pytest.raises(InvalidInput, match="unknown"):
        deployment.choose_threshold(unknown, 0.9)
