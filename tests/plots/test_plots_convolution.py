"""The figures of lesson 01 show the right numbers, and reject what they cannot draw."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils import convolution as cv
from course_utils import plots
from course_utils.exceptions import InvalidInput
from course_utils.plots import lesson_01


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def texts(drawn: Axes | Figure) -> list[str]:
    axes = [drawn] if isinstance(drawn, Axes) else drawn.axes
    return [text.get_text() for ax in axes for text in ax.texts if text.get_text()]


def test_letters_show_each_pixel():
    shown = texts(plots.letters())
    assert shown.count("1") == int(cv.LETTER_O.sum() + cv.LETTER_X.sum())
    assert {"O", "X"} <= set(shown)


def test_window_arithmetic_writes_the_sum_and_the_bias():
    shown = texts(plots.window_arithmetic(cv.LETTER_O, cv.ANTI_DIAGONAL, cv.BIAS, 0, 0))
    assert "0×0 + 0×0 + 1×1 + 0×0 + 1×1 + 0×0 + 1×1 + 0×0 + 0×0 = 3" in shown
    assert "3 + (−2) (the bias) = 1" in shown
    shown = texts(plots.window_arithmetic(cv.LETTER_O, cv.ANTI_DIAGONAL, cv.BIAS, 0, 1))
    assert "1 + (−2) (the bias) = −1" in shown


def test_every_stop_has_its_value():
    shown = texts(plots.feature_map_steps(cv.LETTER_X, cv.ANTI_DIAGONAL, cv.BIAS))
    expected = cv.feature_map(cv.LETTER_X, cv.ANTI_DIAGONAL, cv.BIAS).ravel()
    for stop, value in enumerate(expected, start=1):
        assert f"stop {stop}:  {value:g}".replace("-", "−") in shown


def test_network_diagram_shows_weights_and_values():
    shown = texts(plots.network_diagram(pooled=[1, 0, 0, 1]))
    assert {"× (−0.8)", "× (−0.07)", "× 0.2", "× 0.17", "0.34", "1.01", "−0.01"} <= set(shown)
    assert "0.34" not in texts(plots.network_diagram())


def test_letter_paths_name_the_answer():
    shown = texts(plots.letter_paths())
    answers = [text for text in shown if "the answer" in text]
    assert [text.split(":")[0] for text in answers] == ["O", "X", "X"]
    assert answers[2].startswith("X: 1.23")


def test_stride_and_padding_are_titled_with_the_output_size():
    figure = plots.kernel_stride_padding(7, 3, strides=(1, 3))
    titles = [ax.get_title() for ax in figure.axes]
    assert "7×7 → 5×5" in titles[0]
    assert "7×7 → 2×2\nlast row and column never seen" in titles[1]
    assert "7×7 → 7×7" in titles[2]
    assert "7×7 → 3×3" in titles[3]


def test_channel_sum_adds_the_channels_and_the_bias():
    rng = np.random.default_rng(0)
    for channels in (1, 3, 4):
        image = rng.integers(0, 3, (4, 5, channels))
        kernel = rng.integers(-2, 3, (3, 2, channels))
        ax = plots.channel_sum(image, kernel, bias=-1)
        sums = [int((image[:3, :2, c] * kernel[..., c]).sum()) for c in range(channels)]
        shown = " ".join(" ".join(texts(ax)).split())
        assert all(f"sum {number(part)}" in shown for part in sums)
        assert f"(−1) (the bias) = {number(sum(sums) - 1)}" in shown
        assert sum(sums) - 1 == cv.feature_map(image, kernel, -1)[0, 0]
        assert f"= {number(sum(sums) - 1)}." in ax.figure.get_gid()


def number(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def test_shrinking_maps_name_the_sizes():
    ax = plots.shrinking_maps(side=96, kernel=5, layers=10)
    shown = " ".join(texts(ax))
    assert "after 1 layer: 92×92" in shown
    assert "after 10 layers: 56×56" in shown
    assert f"{56**2 / 96**2:.0%} of the values" in shown
    assert "96, 92, 88, 84, 80, 76, 72, 68, 64, 60, 56 pixels" in ax.figure.get_gid()


def test_the_relu_graph_marks_each_value_once():
    ax = plots.relu_graph([[1, -1], [-2, -1]])
    assert [text for text in texts(ax) if "→" in text] == ["−2 → 0", "−1 → 0", "1 → 1"]
    assert "−2 becomes 0, −1 becomes 0 and 1 becomes 1" in ax.figure.get_gid()


def test_the_same_number_has_the_same_color_and_one_is_dark():
    violet = tuple(np.array(lesson_01._POSITIVE) / 255)
    for drawn in (
        plots.kernels({"small": np.eye(3), "large": 9 * np.eye(3) - 1}),
        plots.kernels({"one": np.eye(3)}),
        plots.pooling_steps(cv.feature_map(cv.LETTER_O, cv.ANTI_DIAGONAL, cv.BIAS)),
    ):
        assert any(patch.get_facecolor()[:3] == pytest.approx(violet) for patch in drawn.patches)
    levels = [float(np.mean(lesson_01._shade(value)[0])) for value in (-1, 0, 0.3, 0.8, 1, 2, 9)]
    assert levels[1] == 1
    assert levels[0] > 0.8 > 0.4 > levels[4]
    assert levels[1:] == sorted(levels[1:], reverse=True)


def test_alternative_texts_hold_the_numbers():
    text = plots.feature_map_steps(cv.LETTER_O, cv.ANTI_DIAGONAL, cv.BIAS).get_gid()
    assert "1 −1 −2 −1 / −1 −2 −1 −2 / −2 −1 −2 −1 / −1 −2 −1 1" in text
    text = plots.network_diagram(pooled=[1, 0, 0, 1]).figure.get_gid()
    assert "−0.8, −0.07, 0.2 and 0.17; its bias: 0.97" in text
    assert "hidden node 0.34, outputs 1.01 and −0.01. The larger output is O." in text
    assert "Values" not in plots.network_diagram().figure.get_gid()
    assert "X: pooled 0 1 1 0, the answer is X" in plots.letter_paths().figure.get_gid()
    assert "O: 0 0 1 1 0 0 / 0 1 0 0 1 0" in plots.letters().figure.get_gid()


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.letters(ax=ax),
        lambda ax: plots.kernels({"a": np.eye(3)}, ax=ax),
        lambda ax: plots.window_arithmetic(cv.LETTER_X, cv.ANTI_DIAGONAL, row=3, column=3, ax=ax),
        lambda ax: plots.pooling_steps(np.arange(-8, 8).reshape(4, 4), kind="average", ax=ax),
        lambda ax: plots.network_diagram(ax=ax),
        lambda ax: plots.letter_paths({"O": cv.LETTER_O}, ax=ax),
        lambda ax: plots.relu_graph([3, -40], ax=ax),
        lambda ax: plots.weights_against_size(ax=ax),
    ],
)
def test_they_draw_into_the_axes_they_are_given(draw):
    _, ax = plt.subplots()
    assert draw(ax=ax) is ax
    ax.figure.canvas.draw()
    assert len(plt.get_fignums()) == 1


def test_filter_on_photo_draws_one_picture_for_each_filter():
    photo = np.random.default_rng(0).integers(0, 256, (20, 30)).astype("uint8")
    figure = plots.filter_on_photo(photo, {"edges": [[-1, 0, 1]], "blur": np.full((3, 3), 1 / 9)})
    drawn = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in drawn] == ["the image in gray", "edges", "blur"]
    np.testing.assert_allclose(drawn[1].images[0].get_array(), cv.feature_map(photo, [[-1, 0, 1]]))


BAD = {
    "no letters": (lambda: plots.letters({}), "no image"),
    "a photograph": (lambda: plots.letters({"photo": np.zeros((64, 64))}), "too large"),
    "color": (lambda: plots.window_arithmetic(np.zeros((6, 6, 3)), np.eye(3)), "table of numbers"),
    "no such place": (lambda: plots.window_arithmetic(cv.LETTER_O, np.eye(3), row=4), "4 rows"),
    "no kernels": (lambda: plots.kernels({}), "no kernel"),
    "kind of pooling": (lambda: plots.pooling_steps(np.eye(4), kind="median"), "'median'"),
    "no paths": (lambda: plots.letter_paths({}), "no image"),
    "no strides": (lambda: plots.kernel_stride_padding(strides=()), "no stride"),
    "photo in color": (lambda: plots.filter_on_photo(np.zeros((9, 9, 3)), {"a": [[1]]}), "gray"),
    "no filters": (lambda: plots.filter_on_photo(np.zeros((9, 9)), {}), "no filter"),
    "no channels": (lambda: plots.channel_sum(np.eye(3), np.eye(3)), "with at most 4 channels"),
    "channels differ": (
        lambda: plots.channel_sum(np.ones((4, 4, 3)), np.ones((3, 3, 2))),
        "3 channels",
    ),
    "a photograph with channels": (
        lambda: plots.channel_sum(np.ones((64, 64, 3)), np.ones((3, 3, 3))),
        "too large",
    ),
    "too many layers": (lambda: plots.shrinking_maps(28, 5, 8), "does not fit"),
    "no layers": (lambda: plots.shrinking_maps(layers=0), "layers is 0"),
    "no values": (lambda: plots.relu_graph([]), "at least one"),
    "NaN": (lambda: plots.relu_graph([1, np.nan]), "finite"),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_what_cannot_be_drawn_gets_one_sentence(case):
    call, words = BAD[case]
    with pytest.raises(InvalidInput, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
