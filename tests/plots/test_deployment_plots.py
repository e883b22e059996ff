"""The figures of lesson 09."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import deployment, evaluation, plots
from course_utils.evaluation import Predictions
from course_utils.exceptions import InvalidInput


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def made(count: int = 200) -> Predictions:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count)
    logits = rng.normal(0, 1.5, (count, 3)) + 2 * np.eye(3)[labels]
    return Predictions(
        ids=[str(k) for k in range(count)],
        images=np.zeros((count, 1, 1, 1), np.uint8),
        labels=labels,
        probabilities=evaluation.softmax(logits),
        class_names=("a", "b", "c"),
    )


def test_formats_are_bars_with_their_numbers():
    table = pd.DataFrame(
        {
            "MB": [3.4, 0.9],
            "ms alone": [2.5, 0.5],
            "ms in batches": [1.0, 1.2],
            "accuracy": [0.794, 0.798],
            "same answers": [1.0, 0.987],
        },
        index=["Keras", "LiteRT int8"],
    )
    figure = plots.export_formats(table)
    size, time, answers = figure.axes
    assert [bar.get_width() for bar in size.patches] == [3.4, 0.9]
    assert [bar.get_width() for bar in time.patches] == [2.5, 0.5, 1.0, 1.2]
    assert [bar.get_width() for bar in answers.patches] == pytest.approx([0, 1.3])
    first, second = (label.get_window_extent().y0 for label in size.get_yticklabels())
    assert first > second  # in the order of the table, from top to bottom
    assert "LiteRT int8 0.9 MB, 0.50 ms alone, 1.3% other answers" in figure.get_gid()
    with pytest.raises(InvalidInput, match="no format to draw"):
        plots.export_formats(table[:0])


def test_each_number_goes_to_its_step():
    numbers = [-0.95, 0.082, 0.0, 1.6]
    quantized = deployment.quantize(numbers, bits=4)
    ax = plots.number_line(numbers, quantized)
    kept = ax.lines[-1].get_xdata()
    np.testing.assert_allclose(kept, quantized.restored)
    written = [text.get_text() for text in ax.texts]
    assert written == [str(v) for v in dict.fromkeys(quantized.values.tolist())]
    steps = ax.collections[0].get_segments()
    assert {round(one[0][0] / quantized.scale, 6) % 1 for one in steps} == {0.0}
    assert "largest error" in ax.figure.get_gid()


def test_precision_and_coverage_are_those_of_the_predictions():
    predictions = made()
    threshold = deployment.choose_threshold(predictions, 0.9)
    ax = plots.answered(predictions, threshold)
    precision, share, line = ax.lines
    for k in (0, 100, 150):
        level = precision.get_xdata()[k]
        sure = predictions.confidence >= level
        assert share.get_ydata()[k] == pytest.approx(sure.mean())
        assert precision.get_ydata()[k] == pytest.approx(predictions.correct[sure].mean())
    assert line.get_xdata()[0] == threshold.value
    assert f"at {threshold.value:.2f}" in ax.figure.get_gid()


def test_groups_of_confidences_are_told_apart_without_color():
    rng = np.random.default_rng(0)
    groups = {name: rng.uniform(0.2, 1, 50) for name in ("test", "shapes", "noise", "walls")}
    ax = plots.confidences(groups, 0.6)
    for bars, values in zip(ax.containers, groups.values(), strict=True):
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
        assert bars[9].get_height() == pytest.approx(np.mean(values >= 0.9))
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 4
    assert f"walls {groups['walls'].mean():.2f}" in ax.figure.get_gid()


def test_a_log_is_drawn_with_what_nobody_knows_dashed():
    log = pd.DataFrame(
        {"not sure": [0.2, 0.5], "accuracy": [0.8, 0.6]}, index=pd.RangeIndex(1, 3, name="week")
    )
    figure = plots.drift(log)
    known, hidden = figure.axes
    assert known.lines[0].get_linestyle() == "-"
    assert hidden.lines[0].get_linestyle() == "--"
    assert hidden.get_title() == "accuracy (not known)"
    assert "not sure from 0.20 to 0.50" in figure.get_gid()
    assert known.get_ylim()[0] == hidden.get_ylim()[0] == 0
