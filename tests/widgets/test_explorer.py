"""The explorer of a convolution and the game: what they compute, and how they work in a browser."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess

import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import convolution as cv
from course_utils import settings, widgets
from course_utils.exceptions import InvalidInput
from course_utils.widgets import lesson_01 as explorer

SCRIPT = settings.course_root() / "course_utils/widgets/explorer.js"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
MINUS = "\N{MINUS SIGN}"


def run_script(expression: str):
    """Return what a JavaScript expression gives, with the functions of the explorer."""
    code = f"{SCRIPT.read_text(encoding='utf-8')}\nconsole.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def pictures(seed: int, count: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (count, 6, 6))


# ------------------------------------------------------------------------------ what it computes
@needs_node
def test_the_script_convolves_like_python():
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(60):
        image = rng.integers(0, 2, rng.integers(5, 9, 2))
        kernel = rng.integers(-2, 3, rng.integers(1, 6, 2)).astype(float)
        for stride, same in itertools.product((1, 2, 3), (False, True)):
            cases.append([image.tolist(), kernel.tolist(), -2.0, stride, same])
    results = run_script(f"{json.dumps(cases)}.map(c => valuesOf(convolve(...c)))")
    for (image, kernel, bias, stride, same), result in zip(cases, results, strict=True):
        expected = cv.feature_map(image, kernel, bias, stride, "same" if same else "valid")
        np.testing.assert_allclose(result, expected, atol=1e-9)


@needs_node
def test_the_script_pools_like_python():
    rng = np.random.default_rng(1)
    maps = [rng.normal(size=shape).round(2).tolist() for shape in [(4, 4), (5, 7), (2, 3), (6, 6)]]
    results = run_script(f"{json.dumps(maps)}.map(m => maxPool(relu(m)))")
    for values, result in zip(maps, results, strict=True):
        np.testing.assert_allclose(result, cv.max_pool(cv.relu(values)))


@needs_node
def test_the_script_answers_like_the_letter_network():
    network = cv.LetterNetwork()
    images = [cv.LETTER_O, cv.LETTER_X, cv.LETTER_X_SHIFTED, np.zeros((6, 6)), *pictures(2)]
    pooled = [network.pooled(image) for image in images]
    data = json.dumps([one.tolist() for one in pooled])
    results = run_script(f"{data}.map(p => answer(p, {json.dumps(explorer._network())}))")
    for image, inputs, result in zip(images, pooled, results, strict=True):
        np.testing.assert_allclose(result["outputs"], network.outputs(inputs), atol=1e-9)
        assert result["letter"] == network.predict(image)


@needs_node
def test_one_is_dark_and_minus_one_is_pale():
    colors = run_script("[-3, -1, 0, 0.5, 1, 3].map(v => shade(v))")
    levels = [sum(map(int, one["background"][4:-1].split(","))) / 3 for one in colors]
    assert levels[2] == 255
    assert levels[4] < 100 < levels[0] < levels[1]
    assert levels[5] < levels[4] < levels[3]
    assert [one["color"] for one in colors] == ["#000"] * 4 + ["#fff"] * 2


@pytest.mark.parametrize(("name", "image", "wanted", "fewest"), explorer._ROUNDS)
def test_the_fewest_pixels_that_fool_the_network(name, image, wanted, fewest):
    network = cv.LetterNetwork()
    assert network.predict(image) == name[-1] != wanted

    def fooled(pixels):
        changed = image.ravel().copy()
        changed[list(pixels)] ^= 1
        return network.predict(changed.reshape(6, 6)) == wanted

    smaller = (itertools.combinations(range(36), count) for count in range(fewest))
    assert not any(fooled(pixels) for pixels in itertools.chain(*smaller))
    assert any(fooled(pixels) for pixels in itertools.combinations(range(36), fewest))


def test_the_answer_depends_on_the_top_left_input_alone():
    network = cv.LetterNetwork()
    for inputs in itertools.product((0, 1), repeat=4):
        for_o, for_x = network.outputs(inputs)
        assert (for_o > for_x) == (inputs[0] == 1)


# ------------------------------------------------------------------------------- what it refuses
BAD = {
    "too large": ({"image": np.zeros((28, 28))}, "room for"),
    "in color": ({"image": np.zeros((6, 6, 3))}, "one image"),
    "text": ({"image": [["a"]]}, "one image"),
    "empty": ({"image": np.zeros((0, 3))}, "one image"),
    "not a number": ({"image": np.full((6, 6), np.nan)}, "finite"),
    "infinite bias": ({"bias": np.inf}, "finite"),
    "kernel too large": ({"kernel": np.ones((7, 7))}, "room for"),
    "kernel does not fit": ({"image": np.zeros((3, 3)), "kernel": np.ones((5, 5))}, "not fit"),
    "unknown control": ({"controls": ("image", "color")}, "no control 'color'"),
    "one string": ({"controls": "imge"}, "no control 'imge'"),
    "network alone": ({"controls": ("network",)}, "needs"),
    "network, other size": (
        {"image": np.eye(5), "controls": ("relu", "pooling", "network")},
        "6×6",
    ),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_what_cannot_be_shown_gets_one_sentence(case):
    arguments, words = BAD[case]
    with pytest.raises(InvalidInput, match=words) as caught:
        widgets.explore_convolution(**arguments)
    assert "\n" not in str(caught.value)


def test_a_string_names_one_control():
    assert widgets.explore_convolution(controls="image").data["controls"] == ["image"]


def test_the_pieces_are_small_and_the_same_every_time():
    for make in (widgets.explore_convolution, widgets.fool_the_network):
        html = make()._repr_html_()
        assert html == make()._repr_html_()
        assert len(html) < 60_000
        assert "http" not in html  # loads nothing from the network
    text = repr(widgets.explore_convolution())
    assert text == ("Explorer of a convolution: an image of 6×6, a filter of 3×3 and a bias of -2.")


# ------------------------------------------------------------------------------- in a browser
def cell(page, name):
    return page.get_by_role("button", name=name)


def test_pixels_filter_and_bias_can_be_changed(tmp_path):
    with opened(tmp_path, widgets.explore_convolution()) as browser:
        page, text = browser.page, browser.page.locator(".cw-page")
        assert "feature map, 4 × 4" in text.inner_text()
        assert f"3 + ({MINUS}2) (the bias) = 1" in text.inner_text()
        cell(page, "value in row 1, column 2:").hover()
        assert f"1 + ({MINUS}2) (the bias) = {MINUS}1" in text.inner_text()
        cell(page, "value in row 1, column 1:").focus()
        cell(page, "pixel in row 2, column 2: 1").press("Space")
        assert cell(page, "pixel in row 2, column 2: 0").evaluate(
            "node => node === document.activeElement"
        )
        assert f"2 + ({MINUS}2) (the bias) = 0" in text.inner_text()
        bias = page.get_by_label("bias")
        bias.fill("-1,5")
        bias.press("Tab")
        assert f"2 + ({MINUS}1.5) (the bias) = 0.5" in text.inner_text()
        bias.fill("much")
        bias.press("Tab")
        assert "Type a number" in text.inner_text()
        field = page.get_by_label("filter in row 1, column 1")
        field.fill("3")
        field.press("Tab")
        assert page.get_by_label("filter in row 1, column 2").evaluate(
            "node => node === document.activeElement"
        )
        page.get_by_role("button", name="X", exact=True).click()
        page.get_by_role("button", name="move right").click()
        page.get_by_role("button", name="move down").click()
        assert cell(page, "pixel in row 2, column 2: 1").count() == 1
        page.get_by_role("button", name="clear").click()
        assert cell(page, "pixel").filter(has_text="1").count() == 0
        assert page.get_by_label("stride").count() == 0
        assert "ReLU" not in text.inner_text()
        browser.sound()


def test_stride_and_padding_change_the_map(tmp_path):
    piece = widgets.explore_convolution(
        controls=("image", "kernel", "bias", "stride", "padding", "relu", "pooling", "network")
    )
    with opened(tmp_path, piece) as browser:
        page, text = browser.page, browser.page.locator(".cw-page")
        assert "after ReLU" in text.inner_text()
        assert "output O  1.01" in text.inner_text()
        assert "The answer: O" in text.inner_text()
        page.get_by_label("stride").select_option("2")
        assert "feature map, 2 × 2" in text.inner_text()
        assert "No window covers the last row and the last column" in text.inner_text()
        assert "takes a feature map of 4 × 4" in text.inner_text()
        page.get_by_label("padding").select_option("same")
        assert "feature map, 3 × 3" in text.inner_text()
        assert page.locator("td.cx-pad").count() == 13
        page.get_by_label("stride").select_option("1")
        assert "feature map, 6 × 6" in text.inner_text()
        assert page.locator("td.cx-pad").count() == 28
        page.get_by_label("padding").select_option("valid")
        page.get_by_role("button", name="shifted X").click()
        assert "The answer: X" in text.inner_text()
        browser.sound()


def test_what_is_not_a_control_cannot_be_changed(tmp_path):
    with opened(tmp_path, widgets.explore_convolution(controls=())) as browser:
        page = browser.page
        assert cell(page, "pixel").count() == 0
        assert page.get_by_label("bias").get_attribute("readonly") is not None
        assert page.get_by_label("filter in row 1, column 1").get_attribute("readonly") is not None
        browser.sound()


def test_the_game_counts_pixels_and_keeps_the_best_result(tmp_path):
    with opened(tmp_path, widgets.fool_the_network()) as browser:
        page, text = browser.page, browser.page.locator(".cw-page")
        assert "0 pixels changed. The network says O." in text.inner_text()
        cell(page, "pixel in row 1, column 1:").click()
        assert "1 pixel changed. The network says O." in text.inner_text()
        cell(page, "pixel in row 2, column 2:").click()
        assert "Fooled with 2 pixels" in text.inner_text()
        assert "Your best: 2 pixels." in text.inner_text()
        page.get_by_role("button", name="Hint").click()
        assert "There is a solution with 1 pixel." in text.inner_text()
        cell(page, "pixel in row 1, column 1:").click()
        assert "Your best: 1 pixel. Fewer are not possible." in text.inner_text()
        page.get_by_role("button", name="X → O", exact=True).click()
        assert "0 pixels changed. The network says X." in text.inner_text()
        for row, column in [(1, 3), (3, 1)]:
            cell(page, f"pixel in row {row}, column {column}:").click()
        assert "Fooled with 2 pixels: the network says O." in text.inner_text()
        page.get_by_role("button", name="Start again").click()
        assert "0 pixels changed. The network says X. Your best: 2 pixels." in text.inner_text()
        browser.sound()
        page.reload()
        assert "The network says O. Your best: 1 pixel." in text.inner_text()


def test_on_a_narrow_page_nothing_sticks_out(tmp_path):
    pieces = (widgets.explore_convolution(controls=explorer.CONTROLS), widgets.fool_the_network())
    with opened(tmp_path, *pieces, width=360) as browser:
        browser.page.get_by_label("padding").select_option("same")
        width = browser.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360
        browser.sound()


def test_without_scripts_the_tables_are_shown(tmp_path):
    pieces = (widgets.explore_convolution(), widgets.fool_the_network())
    with opened(tmp_path, *pieces, scripts=False) as browser:
        text = browser.page.inner_text("main")
        assert "the feature map they give" in text
        assert f"1\t{MINUS}1\t{MINUS}2\t{MINUS}1" in text
        assert "shifted X" in text
