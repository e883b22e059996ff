"""The number of bits of lesson 09."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import deployment, settings, widgets
from course_utils.exceptions import InvalidInput

SCRIPT = settings.course_root() / "course_utils/widgets/quantization.js"
NUMBERS = [-0.95, -0.604, -0.213, -0.037, 0.082, 0.334, 0.716, 1.6]
ACCURACIES = {8: 0.78, 4: 0.757, 2: 0.337}


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_numbers_are_those_of_python():
    rng = np.random.default_rng(0)
    cases = [
        (values.round(4).tolist(), bits, symmetric)
        for values in (np.array(NUMBERS), rng.normal(size=9), np.abs(rng.normal(size=5)), [0, 0.5])
        for values in [np.asarray(values, float)]
        for bits in (2, 3, 5, 8)
        for symmetric in (False, True)
    ]
    text = SCRIPT.read_text(encoding="utf-8")
    text += f"\nconsole.log(JSON.stringify({json.dumps(cases)}.map(one => quantized(...one))))"
    done = subprocess.run(["node", "-e", text], capture_output=True, text=True, check=True)
    for (values, bits, symmetric), found in zip(cases, json.loads(done.stdout), strict=True):
        want = deployment.quantize(values, bits, symmetric=symmetric)
        assert found["scale"] == pytest.approx(want.scale)
        assert found["zero"] == want.zero_point
        assert found["whole"] == want.values.tolist()
        np.testing.assert_allclose(found["restored"], want.restored, atol=1e-12)


def test_fewer_bits_move_the_numbers_and_cost_accuracy(tmp_path):
    piece = widgets.quantization(NUMBERS, ACCURACIES, 0.773)
    with opened(tmp_path, piece, width=360) as browser:
        page = browser.page
        assert "4 bits, 16 whole numbers from \N{MINUS SIGN}8 to 7: scale 0.17" in (
            page.locator(".cw-say").inner_text()
        )
        assert "accuracy 0.757" in page.inner_text("main")
        slider = page.get_by_label("bits", exact=False).first
        slider.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        assert "scale 0.01, zero point \N{MINUS SIGN}33" in page.locator(".cw-say").inner_text()
        assert "largest error 0.004; 8 of 8" in page.locator(".cw-say").inner_text()
        slider.fill("2")
        assert "accuracy 0.337" in page.inner_text("main")
        page.get_by_label("the steps go").select_option("yes")
        said = page.locator(".cw-say").inner_text()
        assert "3 whole numbers from \N{MINUS SIGN}1 to 1: scale 1.6, zero point 0" in said
        slider.fill("3")  # the accuracy with 3 bits was not measured
        assert "accuracy" not in page.inner_text("main")
        browser.sound()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_a_picture_is_shown(tmp_path):
    piece = widgets.quantization(NUMBERS, ACCURACIES, 0.773)
    assert len(piece._repr_html_()) < 150_000
    with opened(tmp_path, piece, scripts=False) as browser:
        assert browser.page.locator("img").count() == 1
        assert "8 numbers with 4 bits" in browser.page.inner_text("main")


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(InvalidInput, match="different numbers"):
        widgets.quantization([1.0, 1.0], ACCURACIES, 0.7)
    with pytest.raises(InvalidInput, match="different numbers"):
        widgets.quantization(range(30), ACCURACIES, 0.7)
    with pytest.raises(InvalidInput, match="number of bits is 32"):
        widgets.quantization(NUMBERS, {32: 0.7}, 0.7)
