"""The answers of a network trained on ImageNet, in lesson 08."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import settings, widgets
from course_utils.exceptions import InvalidInput

NAMES = ["tench", "daisy", 'T-shirt & "jersey"', "bow", "vase", "pot"]


def made(count: int = 3):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)
    probabilities = rng.dirichlet(np.ones(len(NAMES)), count)
    return images, [f"flower {k}" for k in range(count)], probabilities, NAMES


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize(
    ("value", "text"), [(0.456, "46 %"), (1, "100 %"), (0.004, "under 1 %"), (0, "0 %")]
)
def test_probabilities_are_written_as_percent(value, text):
    path = settings.course_root() / "course_utils/widgets/imagenet_answers.js"
    code = path.read_text(encoding="utf-8") + f"\nconsole.log(JSON.stringify(percent({value})))"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == text


def test_the_most_probable_classes_come_first():
    images, labels, probabilities, names = made()
    piece = widgets.imagenet_answers(images, labels, probabilities, names, top=3)
    for one, row in zip(piece.data["pictures"], probabilities, strict=True):
        best = sorted(range(len(names)), key=lambda k: -row[k])[:3]
        assert [name for name, _ in one["answers"]] == [names[k] for k in best]
        assert [p for _, p in one["answers"]] == pytest.approx(row[best], abs=5e-4)
    assert len(piece.data["pictures"][0]["answers"]) == 3


def test_each_picture_shows_its_answers(tmp_path):
    images, labels, probabilities, names = made()
    piece = widgets.imagenet_answers(images, labels, probabilities, names)
    with opened(tmp_path, piece, width=360) as browser:
        page = browser.page
        for number, row in enumerate(probabilities):
            page.get_by_role("button", name=f"flower {number}").click()
            said = page.locator(".cw-say").inner_text()
            assert f"flower {number}" in said
            assert names[int(row.argmax())] in said
            assert page.locator("ol li").count() == 5
        assert page.get_by_role("button", name="flower 2").get_attribute("aria-pressed") == "true"
        browser.sound()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_pictures_and_answers_are_shown(tmp_path):
    piece = widgets.imagenet_answers(*made(12))
    assert len(piece._repr_html_()) < 150_000
    with opened(tmp_path, piece, scripts=False) as browser:
        assert browser.page.locator("img").count() == 4
        assert "flower 11: " in browser.page.inner_text("main")


def test_what_cannot_be_shown_is_refused():
    images, labels, probabilities, names = made()
    with pytest.raises(InvalidInput, match="no pictures"):
        widgets.imagenet_answers(images[:0], [], probabilities[:0], names)
    with pytest.raises(InvalidInput, match="3 pictures, 2 labels"):
        widgets.imagenet_answers(images, labels[:2], probabilities, names)
    with pytest.raises(InvalidInput, match="4 class names"):
        widgets.imagenet_answers(images, labels, probabilities, names[:4])
    with pytest.raises(InvalidInput, match="top"):
        widgets.imagenet_answers(images, labels, probabilities, names, top=0)
