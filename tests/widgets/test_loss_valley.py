"""The ball in the loss valley: its steps, and how it is used in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import keras
import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import settings, widgets
from course_utils.widgets.lesson_04 import GOAL, VALLEYS, descent

SCRIPT = settings.course_root() / "course_utils/widgets/loss_valley.js"
RATES = [(0.02, 0.0), (0.3, 0.0), (0.95, 0.0), (1.1, 0.0), (0.4, 0.9), (1.2, 0.95), (1.0, 0.0)]


def in_node(program: str):
    """Run the functions of the script in Node and return what the program prints as JSON."""
    script = SCRIPT.read_text(encoding="utf-8") + "\n" + program
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize(("rate", "momentum"), RATES)
@pytest.mark.parametrize("valley", VALLEYS, ids=lambda valley: valley["name"])
def test_the_ball_moves_as_computed_in_numpy(valley, rate, momentum):
    curvatures, start = valley["curvatures"], valley["start"]
    walked = in_node(f"""
    let ball = {{weights: {start}, velocity: {[0] * len(start)}}};
    const path = [ball.weights], losses = [valleyLoss({curvatures}, ball.weights)];
    for (let i = 0; i < 25; i++) {{
      ball = valleyStep({curvatures}, ball, {rate}, {momentum});
      path.push(ball.weights);
      losses.push(valleyLoss({curvatures}, ball.weights));
    }}
    console.log(JSON.stringify([path, losses]))""")
    path = descent(curvatures, start, rate, momentum, 25)
    np.testing.assert_allclose(walked[0], path, rtol=1e-12)
    losses = (np.array(curvatures) / 2 * path**2).sum(axis=1)
    np.testing.assert_allclose(walked[1], losses, rtol=1e-12)


@pytest.mark.parametrize(("rate", "momentum"), RATES)
def test_the_steps_are_those_of_keras(rate, momentum):
    valley = VALLEYS[1]
    weights = keras.Variable(np.array(valley["start"], "float32"))
    optimizer = keras.optimizers.SGD(rate, momentum=momentum)
    path = [weights.numpy()]
    for _ in range(10):
        gradient = np.array(valley["curvatures"], "float32") * weights.numpy()
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weights])
        path.append(weights.numpy())
    expected = descent(valley["curvatures"], valley["start"], rate, momentum, 10)
    np.testing.assert_allclose(path, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_state_is_known_from_the_losses():
    states = in_node("""
    console.log(JSON.stringify([[4], [4, 1], [4, 0.01], [4, 0.0099], [4, 3999], [4, 4000],
      [4, Infinity], [4, NaN]].map(losses => valleyState(losses, 0.01))))""")
    assert states[:4] == ["underway", "underway", "underway", "arrived"]
    assert states[4:] == ["underway", "diverged", "diverged", "diverged"]


@pytest.mark.slow
def test_the_valleys_teach_what_the_lesson_says():
    """Above 1 plain descent diverges; in the narrow valley momentum saves most of the steps."""

    def steps_to_goal(valley, rate, momentum):
        path = descent(valley["curvatures"], valley["start"], rate, momentum, 300)
        losses = (np.array(valley["curvatures"]) / 2 * path**2).sum(axis=1)
        return int(np.argmax(losses < GOAL)) if losses.min() < GOAL else None

    narrow = VALLEYS[1]
    rates = np.arange(0.01, 1.2, 0.01)
    for valley in VALLEYS:
        assert steps_to_goal(valley, 1.01, 0) is None
        assert steps_to_goal(valley, 0.99, 0) is not None
    without = min(steps for rate in rates if (steps := steps_to_goal(narrow, rate, 0)))
    with_momentum = min(
        steps
        for rate in rates
        for momentum in np.arange(0.05, 1, 0.05)
        if (steps := steps_to_goal(narrow, rate, momentum))
    )
    assert with_momentum < without / 2


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_the_piece_is_used_with_keyboard_and_buttons(tmp_path):
    with opened(tmp_path, widgets.loss_valley()) as browser:
        page = browser.page
        page.emulate_media(reduced_motion="reduce")  # a run does not wait between the steps
        piece = page.locator('[data-widget="loss_valley"]')
        live = piece.locator('[aria-live="polite"]')
        assert "Step 0: loss 4. The goal is a loss below 0.01." in live.inner_text()
        press(page, "One step")
        assert "Step 1: loss 3.686. The loss is falling." in live.inner_text()
        rate = page.get_by_label("learning rate")
        press(page, "Back to the start")
        rate.fill("0.5")  # the one rate that arrives at once
        press(page, "Run")
        assert "Step 1: loss 0. The goal is reached." in live.inner_text()
        assert "fewest steps in this valley: 1" in live.inner_text()
        rate.focus()
        page.keyboard.press("End")
        assert rate.get_attribute("aria-valuetext") == "1.2"
        press(page, "Back to the start")
        press(page, "One step")
        assert "loss 7.84. The loss has risen" in live.inner_text()
        press(page, "Run")
        assert "diverges" in live.inner_text()
        assert "outside of this picture" in piece.inner_text()
        before = live.inner_text()
        press(page, "One step")  # nothing is left to compute
        assert live.inner_text() == before
        browser.sound()


def test_momentum_helps_in_the_narrow_valley(tmp_path):
    with opened(tmp_path, widgets.loss_valley(), width=360) as browser:
        page = browser.page
        page.emulate_media(reduced_motion="reduce")
        live = page.locator('[aria-live="polite"]')
        page.get_by_role("combobox").select_option("1")
        assert "Step 0: loss 6.3." in live.inner_text()
        steps = []
        for rate, momentum in (("0.5", "0"), ("0.5", "0.6")):
            page.get_by_label("learning rate").fill(rate)
            page.get_by_label("momentum").fill(momentum)
            press(page, "Back to the start")
            press(page, "Run")
            steps.append(int(re.search(r"Step (\d+):", live.inner_text())[1]))
        assert steps[1] < steps[0] / 2
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360
        browser.sound()


def test_a_run_can_be_stopped(tmp_path):
    with opened(tmp_path, widgets.loss_valley()) as browser:
        page = browser.page
        press(page, "Run")
        page.wait_for_function(
            "document.querySelector('.lv-numbers').textContent.includes('steps: 2')"
        )
        press(page, "Stop")
        steps = page.locator(".lv-numbers").inner_text()
        page.wait_for_timeout(300)
        assert page.locator(".lv-numbers").inner_text() == steps
        assert page.get_by_role("button", name="Run", exact=True).is_visible()
        browser.sound()


def test_where_scripts_do_not_run_a_picture_is_shown(tmp_path):
    piece = widgets.loss_valley()
    assert len(piece._repr_html_()) < 150_000
    with opened(tmp_path, piece, scripts=False) as browser:
        picture = browser.page.get_by_role("img")
        assert "with 1.1 each jump ends higher" in picture.get_attribute("alt")
        assert picture.bounding_box()["width"] > 300
