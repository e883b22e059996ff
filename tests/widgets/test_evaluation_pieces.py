"""The threshold and the temperature of lesson 05."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import evaluation, settings, widgets
from course_utils.evaluation import Predictions
from course_utils.exceptions import InvalidInput

SCRIPTS = settings.course_root() / "course_utils/widgets"


def made(count: int = 80, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    logits = rng.normal(0, 1.5, (count, 3)) + 2.5 * np.eye(3)[labels]
    return Predictions(
        ids=[f"test/{i}" for i in range(count)],
        images=rng.integers(0, 256, (count, 12, 12, 3), dtype=np.uint8),
        labels=labels,
        probabilities=evaluation.softmax(logits),
        class_names=["daisy", "roses", "tulips"],
        logits=logits.astype(np.float32),
    )


def ask(script: str, expression: str) -> object:
    text = (SCRIPTS / script).read_text(encoding="utf-8")
    text += f"\nconsole.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", text], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_outcomes_are_those_of_numpy():
    predictions = made()
    p = predictions.probabilities[:, 1].astype(float).round(3)
    positive = predictions.labels == 1
    for level in (0.0, 0.2, 0.5, 0.77, 1.0):
        found = ask(
            "threshold.js",
            f"outcomes({p.tolist()}, {positive.astype(int).tolist()}, {level})",
        )
        said = p >= level
        assert found["tp"] == int((said & positive).sum())
        assert found["fp"] == int((said & ~positive).sum())
        assert found["tn"] == int((~said & ~positive).sum())
        assert found["recall"] == pytest.approx(found["tp"] / positive.sum())
        if said.any():
            assert found["precision"] == pytest.approx(found["tp"] / said.sum())
        else:
            assert found["precision"] is None
    moved = ask("threshold.js", f"between({p.tolist()}, 0.3, 0.6)")
    assert set(moved) == set(np.flatnonzero((p >= 0.3) & (p < 0.6)).tolist())
    assert list(p[moved]) == sorted(p[moved], reverse=True)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize("heat", [0.4, 1.0, 2.5])
def test_reliability_is_that_of_the_course(heat):
    predictions = made(count=300)
    found = ask(
        "temperature.js",
        f"reliability({predictions.logits.tolist()}, {predictions.labels.tolist()}, {heat})",
    )
    cooled = evaluation.with_temperature(predictions, heat)
    table = evaluation.calibration(cooled)
    assert found["accuracy"] == pytest.approx(cooled.accuracy)
    assert found["confidence"] == pytest.approx(cooled.confidence.mean(), abs=1e-6)
    assert found["error"] == pytest.approx(table.ece, abs=1e-6)
    assert [one["count"] for one in found["bins"]] == table.table["count"].tolist()


def test_the_threshold_moves_pictures_from_one_side_to_the_other(tmp_path):
    predictions = made()
    with opened(tmp_path, widgets.threshold(predictions, "roses")) as browser:
        page = browser.page
        assert "of the" in page.locator(".cw-say").inner_text()
        slider = page.get_by_label("threshold")
        slider.focus()
        for _ in range(20):
            page.keyboard.press("ArrowRight")
        p = predictions.probabilities[:, 1]
        hits = int(((p >= 0.7) & (predictions.labels == 1)).sum())
        assert f"({hits} of the" in page.locator(".cw-say").inner_text()
        slider.fill("0.3")
        assert "now called roses" in page.locator("main").inner_text()
        assert page.locator("figure img").count() > 0
        slider.fill("1")
        assert "says the class to no picture" in page.locator(".cw-say").inner_text()
        browser.sound()


def test_the_temperature_changes_confidence_and_not_accuracy(tmp_path):
    predictions = made()
    predictions.labels[0] = 1
    predictions.logits[0] = 9.0008, 9.0012, 0  # alike but for the fourth digit
    best = 2.03456
    piece = widgets.temperature(predictions, best=best)
    with opened(tmp_path, piece, width=360) as browser:
        page = browser.page
        before = page.locator(".cw-say").inner_text()
        page.get_by_role("button", name="chosen on validation").click()
        after = page.locator(".cw-say").inner_text()
        assert before.splitlines()[0] == after.splitlines()[0]
        cooled = evaluation.with_temperature(predictions, best)
        for words, value in [
            ("accuracy", cooled.accuracy),
            ("mean confidence", cooled.confidence.mean()),
            ("expected calibration error", evaluation.calibration(cooled).ece),
        ]:
            assert f"{words} {value:.3f}".rstrip("0") in after
        assert page.get_by_label("temperature").input_value() == "2.03"
        browser.sound()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_a_picture_is_shown(tmp_path):
    pieces = (widgets.threshold(made(), "roses"), widgets.temperature(made()))
    assert all(len(piece._repr_html_()) < 150_000 for piece in pieces)
    with opened(tmp_path, *pieces, scripts=False) as browser:
        assert browser.page.locator("img").count() == 2
        assert "Precision and recall of roses" in browser.page.inner_text("main")


def test_what_cannot_be_shown_is_refused():
    predictions = made()
    with pytest.raises(InvalidInput, match="class_name"):
        widgets.threshold(predictions, "violets")
    only = predictions.select(np.flatnonzero(predictions.labels != 1))
    with pytest.raises(InvalidInput, match="No picture shows 'roses'"):
        widgets.threshold(only, "roses")
