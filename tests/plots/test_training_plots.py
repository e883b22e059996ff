"""The figures of lessons 03 and 04 show the numbers of their arguments."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import models, plots, training
from course_utils.exceptions import InvalidInput

CURVES = {
    "loss": [1.5, 1.2, 1.0, 0.8],
    "val_loss": [1.4, 1.1, 1.0, 1.2],
    "accuracy": [0.3, 0.5, 0.6, 0.7],
    "val_accuracy": [0.3, 0.5, 0.55, 0.5],
    "learning_rate": [1e-3, 1e-3, 1e-4, 1e-4],
}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def texts(ax) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


@pytest.mark.parametrize(
    "build",
    [models.dense_baseline, models.small_cnn, models.regularized_cnn, models.deep_cnn],
)
def test_the_architecture_shows_every_shape_and_kind(build):
    model = build((96, 96, 3), 5)
    shown = texts(plots.architecture(model))
    for layer in model.layers:
        assert "×".join(str(n) for n in layer.output.shape[1:]) in shown
    assert "96×96×3" in shown
    assert "logits" in shown


def test_global_pooling_is_drawn_as_pooling_and_shorter_than_flattened_numbers():
    small, deep = models.small_cnn((96, 96, 3), 5), models.deep_cnn((96, 96, 3), 5)
    kinds, heights = [], []
    for model, numbers in ((small, "6400"), (deep, "192")):
        ax = plots.architecture(model)
        kinds.append([text.get_text() for text in ax.get_legend().get_texts()])
        above = next(text for text in ax.texts if text.get_text() == numbers)
        bars = [box for box in ax.patches if len(box.get_xy()) == 5]
        bar = min(bars, key=lambda box: abs(box.get_xy()[:, 0].mean() - above.get_position()[0]))
        heights.append(np.ptp(bar.get_xy()[:, 1]))
    assert "flattening" in kinds[0]
    assert "flattening" not in kinds[1]
    assert heights[1] < heights[0] / 2
    assert "average" in texts(ax)


def test_the_architecture_wants_a_built_model():
    import keras

    with pytest.raises(InvalidInput, match="no weights yet"):
        plots.architecture(keras.Sequential([keras.layers.Dense(3)]))


def test_the_bars_add_up_to_the_parameters():
    nets = [models.dense_baseline((48, 48, 3), 5), models.deep_cnn((48, 48, 3), 5)]
    ax = plots.parameter_bars(nets)
    ends = {}
    for bar in ax.patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        ends[row] = max(ends.get(row, 0), bar.get_x() + bar.get_width())
    assert [round(ends[row]) for row in (0, 1)] == [net.count_params() for net in nets]


@pytest.mark.parametrize(
    "history", [CURVES, pd.DataFrame(CURVES), training.History(CURVES)], ids=["dict", "frame", "h"]
)
def test_the_curves_are_those_of_the_history(history):
    figure = plots.history(history, guessing=5)
    loss, accuracy = figure.axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), CURVES["loss"])
    np.testing.assert_allclose(loss.lines[1].get_ydata(), CURVES["val_loss"])
    np.testing.assert_allclose(accuracy.lines[1].get_ydata(), CURVES["val_accuracy"])
    assert loss.lines[0].get_linestyle() != loss.lines[1].get_linestyle()
    assert loss.lines[2].get_xdata()[0] == 3  # the epoch with the lowest validation loss
    assert loss.lines[-1].get_ydata()[0] == pytest.approx(np.log(5))
    assert accuracy.lines[-1].get_ydata()[0] == pytest.approx(0.2)
    assert loss.lines[-1].get_linestyle() != loss.lines[2].get_linestyle()


def test_several_histories_share_a_figure():
    figure = plots.history({"one": CURVES, "two": training.History(CURVES)})
    assert len(figure.axes[0].lines) == 4
    ax = plots.compare_curves({"one": [CURVES, CURVES], "two": CURVES}, "learning_rate", log=True)
    assert ax.get_yscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["one", "two"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), CURVES["learning_rate"])


def test_names_stand_at_the_ends_of_the_lines_and_not_on_each_other():
    ends = {"huge": 900.0, "b": 1.62, "c": 1.61, "d": 1.60, "low": 1.0, "broken": np.nan}
    curves = {name: {"loss": [1.7, end]} for name, end in ends.items()}
    ax = plots.compare_curves(curves, "loss", limits=(0.9, 1.8), guessing=np.log(5))
    assert ax.get_ylim() == (0.9, 1.8)
    places = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert set(places) == {*ends, "guessing"}
    assert np.diff(sorted(places.values())).min() > 0.07
    assert sorted(places, key=places.get)[:5] == ["low", "d", "guessing", "c", "b"]
    assert places["low"] == pytest.approx((1.0 - 0.9) / 0.9)


def test_what_is_no_history_is_refused():
    with pytest.raises(InvalidInput, match="no 'loss'"):
        plots.history({"accuracy": [0.1]})
    with pytest.raises(InvalidInput, match="this is a int"):
        plots.history(3)
    with pytest.raises(InvalidInput, match="has no 'f1'"):
        plots.compare_curves({"a": CURVES}, "f1")


def test_schedules_and_steps_are_drawn_as_computed():
    rates = {name: training.learning_rates(name, 0.01, 4, 10) for name in ("cosine", "step")}
    ax = plots.schedules(rates, steps_per_epoch=10)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), rates["cosine"])
    assert ax.lines[0].get_xdata()[-1] == pytest.approx(3.9)
    ax = plots.epoch_diagram(100, 32, epochs=2)
    np.testing.assert_allclose(ax.get_yticks(), [0.5, 1.5])
    assert [bar.get_width() for bar in ax.patches] == [32, 32, 32, 4] * 2
    assert ax.get_xlabel() == "training images"
    ax = plots.cross_entropy({"sure": 0.9, "wrong": 0.05})
    assert "0.11" in texts(ax)
    assert "3.00" in texts(ax)


def test_each_step_of_a_descent_is_an_arrow_and_steps_outside_are_counted():
    figure = plots.descent({"small": [2, 1, 0.5], "large": [2, -3, 4.5, -6.75]})
    small, large = figure.axes
    assert small.get_xlim() == large.get_xlim()
    assert (len(small.patches), len(large.patches)) == (2, 2)  # the last one leaves the panel
    assert texts(small) == "start\n1"
    assert texts(large) == "start\n1"
    assert (small.get_title(), large.get_title()) == ("small", "large\nlast 2 of 3 steps outside")
    assert "small: from 2 to 0.5; large: from 2 to -6.75" in figure.get_gid()
    assert plots.descent({"still": [0.0, 0.0]}).axes[0].get_title() == "still"


def test_an_experiment_is_drawn_with_every_seed():
    runs = [training.History(CURVES), training.History({**CURVES, "val_accuracy": [0.6] * 4})]
    result = training.Experiment({"plain": runs, "broken": []}, errors={"broken": "no"})
    ax = plots.experiment(result)
    offsets = [tuple(point) for scatter in ax.collections for point in scatter.get_offsets()]
    assert (0.5, 0) in offsets
    assert (0.6, 0) in offsets
    assert any(x == pytest.approx(0.55) for x, _ in offsets)
    assert "failed" in texts(ax)
    alt = ax.figure.get_gid()
    assert "plain: training 70.0%, validation 55.0% (seeds from 50.0% to 60.0%)" in alt
    assert "broken failed" in alt
    curves = plots.compare_curves({"plain": runs}, "val_accuracy")
    assert "plain 0.55 (0.5 to 0.6)" in curves.figure.get_gid()


def test_pictures_are_shuffled_by_the_given_order():
    images = np.arange(2 * 4 * 4 * 3, dtype="uint8").reshape(2, 4, 4, 3)
    order = np.random.default_rng(0).permutation(16)
    figure = plots.shuffled_pixels(images, order)
    shown = figure.axes[2].images[0].get_array()
    np.testing.assert_array_equal(shown.reshape(16, 3), images[0].reshape(16, 3)[order])
    ax = plots.receptive_fields(images[0], {"first": 3, "second": 4})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "first: 3×3",
        "second: 4×4",
    ]


def test_dropout_hatches_the_zeros_and_writes_the_numbers():
    values = np.array([[1.0, 0.5, 2.0], [0.0, 0.25, 3.0]])
    figure = plots.dropout_steps(
        {"in use": values, "training step 1": np.where(values > 1, 0, 2 * values)}
    )
    hatched = [sum(p.get_hatch() == "///" for p in ax.patches) for ax in figure.axes]
    assert hatched == [1, 3]
    assert {"1.0", "0.5", "2.0", "0", "0.2", "3.0"} <= set(texts(figure.axes[0]).split("\n"))
    assert "training step 1: 3 of 6 are zero" in figure.get_gid()
    with pytest.raises(InvalidInput, match="rows and columns"):
        plots.dropout_steps({"flat": np.ones(3)})
    with pytest.raises(InvalidInput, match="no panel"):
        plots.dropout_steps({})


def test_batch_normalization_is_drawn_with_mean_and_deviation():
    rng = np.random.default_rng(0)
    before = rng.normal([2.0, -1.0, 0.0, 5.0], [0.5, 1.0, 2.0, 1.0], (8, 6, 5, 4))
    after = (before - before.mean((0, 1, 2))) / before.std((0, 1, 2))
    figure = plots.batch_distributions(before, after, channels=(3, 1))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[1] == titles[3] == "mean 0.00, standard deviation 1.00"
    mean, spread = before[..., 3].mean(), before[..., 3].std()
    assert titles[0] == f"mean {mean:.2f}, standard deviation {spread:.2f}"
    bar = figure.axes[0].lines[1].get_xdata()
    np.testing.assert_allclose(bar, [mean - spread, mean + spread])
    assert "channel 1 after: mean 0.00" in figure.get_gid()


def test_the_strongest_filters_stand_above_their_maps():
    filters = np.zeros((3, 3, 3, 4))
    filters[1, 1, 0, 2] = -2.0
    maps = np.stack([np.full((5, 6), value) for value in (0.1, 3.0, 2.0, 0.0)], axis=-1)
    figure = plots.filters_and_maps(np.zeros((8, 8, 3), "uint8"), filters, maps, most=3)
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == ["filter 1", "filter 2", "filter 0"]
    above = next(ax for ax in figure.axes if ax.get_title() == "filter 2")
    np.testing.assert_allclose(above.images[0].get_array()[1, 1], [0, 0.5, 0.5])
    assert "filters 1, 2 and 0" in figure.get_gid()
    gray = plots.filters_and_maps(np.zeros((8, 8, 1)), filters[:, :, :1], maps)
    assert gray.axes
    with pytest.raises(InvalidInput, match="must be"):
        plots.filters_and_maps(np.zeros((8, 8, 3)), filters, maps[..., :3])


def test_patches_are_drawn_in_their_order_with_the_name_of_the_filter():
    patches = [np.full((4, 4, 3), value, "uint8") for value in (200, 100)]
    figure = plots.strongest_patches({"filter 7": patches, "filter 9": patches[:1]})
    assert [ax.get_ylabel() for ax in figure.axes] == ["filter 7", "", "filter 9", ""]
    assert [len(ax.images) for ax in figure.axes] == [1, 1, 1, 0]
    assert figure.axes[1].images[0].get_array()[0, 0, 0] == 100
    with pytest.raises(InvalidInput, match="no filter"):
        plots.strongest_patches({})
    with pytest.raises(InvalidInput, match="patch of filter 1"):
        plots.strongest_patches({"filter 1": []})
