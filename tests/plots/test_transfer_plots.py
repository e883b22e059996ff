"""The figures of lesson 08 show the numbers of their arguments."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd

from course_utils import plots

matplotlib.use("Agg")


def test_every_run_with_few_pictures_has_a_mark_and_each_way_a_line_of_means():
    rows = [
        (size, size * 5, way, accuracy + 0.01 * run)
        for size, accuracy in ((20, 0.5), (50, 0.6))
        for way in ("frozen backbone", "from scratch")
        for run in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["per class", "pictures", "way", "test accuracy"])
    ax = plots.few_pictures(frame)
    marks, means = ax.lines[0], ax.lines[1]
    assert len(marks.get_xdata()) == 6
    np.testing.assert_allclose(means.get_xdata(), [100, 250])
    np.testing.assert_allclose(means.get_ydata(), [0.51, 0.61])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "frozen backbone",
        "from scratch",
    ]
    assert [label.get_text() for label in ax.get_xticklabels()][0] == "100\n(20 a class)"


def test_a_sweep_has_a_panel_for_each_question_and_a_curve_for_each_value():
    curve = {"val_accuracy": [0.5, 0.6], "accuracy": [0.5, 0.7], "loss": [1, 0.9]}
    curve["val_loss"] = [1, 0.95]
    curves = {("dropout", 0.2): curve, ("dropout", 0.5): curve, ("learning rate", 1e-3): curve}
    figure = plots.sweeps(curves)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["dropout", "learning rate"]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [0.5, 0.6])
    assert len(figure.axes[0].get_legend().get_texts()) == 2


def test_the_diagram_of_base_and_head_names_shapes_and_classes():
    ax = plots.base_and_head(
        np.zeros((96, 96, 3), np.uint8), (24, 24, 176), 100, ("roses", "tulips")
    )
    words = "\n".join(text.get_text() for text in ax.texts)
    for expected in ("176 maps of\n24 × 24", "176 numbers", "100 units", "2 logits", "tulips"):
        assert expected in words


def test_fine_tuning_continues_the_curves_behind_a_line():
    before = {"accuracy": [0.5, 0.6, 0.7], "val_accuracy": [0.4, 0.5, 0.55]}
    after = {"accuracy": [0.8, 0.9], "val_accuracy": [0.6, 0.65]}
    ax = plots.fine_tuning(before, after)
    training, validation, line = ax.lines
    np.testing.assert_allclose(training.get_ydata(), [0.5, 0.6, 0.7, 0.8, 0.9])
    np.testing.assert_allclose(validation.get_ydata(), [0.4, 0.5, 0.55, 0.6, 0.65])
    np.testing.assert_allclose(training.get_xdata(), [1, 2, 3, 4, 5])
    assert set(line.get_xdata()) == {3.5}
    assert "fine-tuning starts here" in ax.texts[0].get_text()
    assert validation.get_linestyle() != training.get_linestyle()
