"""The figures of lesson 01 show the right numbers, and reject what they cannot draw."""

from __future__ import annotations

import json
import shutil
import subprocess

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
from course_utils.plots import _explorer


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


def test_channels_and_filters_counts_parameters():
    shown = " ".join(texts(plots.channels_and_filters(filters=4)))
    assert "= 112 parameters" in shown
    assert "map 4" in shown


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.letters(ax=ax),
        lambda ax: plots.kernels({"a": np.eye(3)}, ax=ax),
        lambda ax: plots.window_arithmetic(cv.LETTER_X, cv.ANTI_DIAGONAL, row=3, column=3, ax=ax),
        lambda ax: plots.pooling_steps(np.arange(-8, 8).reshape(4, 4), kind="average", ax=ax),
        lambda ax: plots.network_diagram(ax=ax),
        lambda ax: plots.letter_paths({"O": cv.LETTER_O}, ax=ax),
        lambda ax: plots.channels_and_filters(channels=1, filters=2, ax=ax),
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
    "nine filters": (lambda: plots.channels_and_filters(filters=9), "filters is 9"),
    "photo in color": (lambda: plots.filter_on_photo(np.zeros((9, 9, 3)), {"a": [[1]]}), "gray"),
    "no filters": (lambda: plots.filter_on_photo(np.zeros((9, 9)), {}), "no filter"),
    "explorer too large": (lambda: plots.explore_convolution(np.zeros((28, 28))), "room for"),
    "explorer in color": (lambda: plots.explore_convolution(np.zeros((6, 6, 3))), "one image"),
    "explorer, kernel too large": (
        lambda: plots.explore_convolution(np.zeros((3, 3)), np.ones((5, 5))),
        "does not fit",
    ),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_what_cannot_be_drawn_gets_one_sentence(case):
    call, words = BAD[case]
    with pytest.raises(InvalidInput, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------- the explorer
def test_the_explorer_is_the_same_every_time_and_holds_the_static_tables():
    one, two = plots.explore_convolution(), plots.explore_convolution()
    assert one._repr_html_() == two._repr_html_()
    assert "/*" not in one.html
    assert "<!--" not in one.html
    assert "<caption>feature map</caption><tr><td>1</td><td>-1</td>" in one.html
    assert repr(one) == "Explorer of a convolution: an image of 6×6 and a filter of 3×3."
    assert "http" not in one.html  # the page loads nothing from the network


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_page_computes_what_python_computes():
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(60):
        image = rng.integers(0, 2, rng.integers(5, 9, 2))
        kernel = rng.integers(-2, 3, rng.integers(1, 6, 2)).astype(float)
        for stride in (1, 2, 3):
            for same in (False, True):
                cases.append([image.tolist(), kernel.tolist(), -2.0, stride, same])
    script = _explorer._SCRIPT + (
        f"\nconst cases = {json.dumps(cases)};\n"
        "console.log(JSON.stringify(cases.map(c => convolve(...c).map(r => r.map(v => v.value)))));"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    for case, result in zip(cases, json.loads(done.stdout), strict=True):
        image, kernel, bias, stride, same = case
        expected = cv.feature_map(image, kernel, bias, stride, "same" if same else "valid")
        np.testing.assert_allclose(result, expected, atol=1e-9)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_page_gives_the_answer_of_the_letter_network():
    network = cv.LetterNetwork()
    letters = [cv.LETTER_O, cv.LETTER_X, cv.LETTER_X_SHIFTED, np.zeros((6, 6))]
    weights = {
        "hidden": [*network.hidden_weights.tolist(), network.hidden_bias],
        "outputs": network.output_weights.tolist(),
        "biases": network.output_biases.tolist(),
    }
    script = _explorer._SCRIPT + (
        f"\nconst letters = {json.dumps([np.asarray(one).tolist() for one in letters])};\n"
        f"const kernel = {json.dumps(cv.ANTI_DIAGONAL.tolist())};\n"
        "console.log(JSON.stringify(letters.map(letter => "
        f"answer(convolve(letter, kernel, -2, 1, false), {json.dumps(weights)}).outputs)));"
    )
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    for letter, outputs in zip(letters, json.loads(done.stdout), strict=True):
        np.testing.assert_allclose(outputs, network.outputs(network.pooled(letter)), atol=1e-9)
