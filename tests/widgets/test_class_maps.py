"""The piece of lesson 07: maps of all classes, and the square that covers a part."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess

import keras
import numpy as np
import pytest
from widgets.pieces_in_browser import opened

from course_utils import evaluation, explain, models, settings, widgets
from course_utils.exceptions import InvalidInput

SCRIPT = settings.course_root() / "course_utils/widgets/class_maps.js"
NAMES = ["circles", "squares", "stars"]
with_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def ask(expression: str) -> object:
    text = SCRIPT.read_text(encoding="utf-8") + f"\nconsole.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", text], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return models.small_cnn((48, 48, 3), 3)


@pytest.fixture(scope="module")
def picture():
    """A bright disc on a dark ground, on the left."""
    y, x = np.mgrid[0:48, 0:48]
    image = np.full((48, 48, 3), (20, 60, 30), "uint8")
    image[(y - 24) ** 2 + (x - 14) ** 2 < 80] = (250, 220, 40)
    return image


@pytest.fixture(scope="module")
def piece(model, picture):
    return widgets.class_maps(model, picture, NAMES)


def stored(piece, key, k):
    one = piece.data["maps"][key][k]
    values = np.frombuffer(base64.b64decode(one["values"]), "uint8")
    return values.reshape(one["shape"]) / 255


@with_node
def test_maps_are_enlarged_as_opencv_does():
    import cv2

    small = np.random.default_rng(0).random((5, 7)).astype("float32").round(3)
    found = ask(f"Array.from(enlarged({small.ravel().tolist()}, [5, 7], 20, 21))")
    expected = cv2.resize(small, (21, 20), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(np.reshape(found, (20, 21)), expected, atol=1e-5)


@with_node
def test_heat_is_colored_as_in_the_figures(piece):
    pixel, opacity = [200, 40, 90], 0.75
    pale = np.full((1, 1, 3), round(90 + sum(pixel) / 3 * 165 / 255), "uint8")
    colors = piece.data["colors"]
    for heat in (0, 0.2, 0.55, 1):
        found = ask(f"heated({pixel}, {heat}, {opacity}, {json.dumps(colors)})")
        pair = np.array([[heat, 1.0]])  # the second pixel keeps the scale
        expected = explain.overlay(np.repeat(pale, 2, axis=1), pair, opacity)[0, 0]
        np.testing.assert_allclose(found, expected, atol=3)


def test_stored_maps_are_those_of_the_course(model, picture, piece):
    import cv2

    assert list(piece.data["maps"]) == [
        *(f"Grad-CAM (paper)|{k}" for k in range(3)),
        *(f"default of tf-explain|{k}" for k in range(3)),
        *("saliency", "occlusion"),
    ]
    layer = piece.data["layers"][0][0]
    for k in range(3):
        expected = explain.grad_cam(model, picture[None], k, layer)[0]
        found = stored(piece, "Grad-CAM (paper)|0", k)
        assert found.shape == (32, 32)
        if expected.max() > 0:
            smaller = cv2.resize(expected, (32, 32), interpolation=cv2.INTER_AREA)
            assert np.corrcoef(found.ravel(), smaller.ravel())[0, 1] > 0.97
        else:
            assert not found.any()
    falls = np.maximum(explain.occlusion(model, picture[None], 1)[0], 0)
    by_hand = falls.reshape(24, 2, 24, 2).mean(axis=(1, 3))
    if by_hand.max() > 0:
        expected = np.minimum(by_hand / np.percentile(by_hand, 99), 1)
        np.testing.assert_allclose(stored(piece, "occlusion", 1), expected, atol=0.01)


def test_covered_probabilities_are_those_of_the_network(model, picture, piece):
    rows, columns, side = (piece.data[key] for key in ("rows", "columns", "side"))
    assert (rows[0], rows[-1], side) == (0, 36, 12)
    i, j = 7, 3
    by_hand = picture.astype("float32")
    by_hand[rows[i] : rows[i] + side, columns[j] : columns[j] + side] = np.rint(
        picture.mean(axis=(0, 1))
    )
    expected = evaluation.softmax(model.predict(by_hand[None], verbose=0))[0]
    np.testing.assert_allclose(piece.data["covered"][i][j], expected, atol=2e-3)
    plain = evaluation.softmax(model.predict(picture[None].astype("float32"), verbose=0))[0]
    np.testing.assert_allclose(piece.data["probabilities"], plain, atol=1e-5)


def test_a_reader_chooses_class_method_and_layer_and_moves_the_square(piece, tmp_path):
    with opened(tmp_path, piece) as browser:
        page = browser.page
        say, answer = page.locator(".cw-say").all()
        names, given = piece.data["classes"], piece.data["probabilities"]
        shown = page.get_by_label("class").locator("option").all_inner_texts()
        percent = ["under 1" if p < 0.005 else str(round(100 * p)) for p in given]
        assert shown == [f"{name}, {p} %" for name, p in zip(names, percent, strict=True)]
        page.wait_for_function("document.querySelector('canvas').width > 0")
        before = page.evaluate("document.querySelector('canvas').toDataURL()")
        page.get_by_label("class").select_option("1")
        page.get_by_label("method").select_option("saliency")
        assert say.inner_text().startswith("saliency for squares.")
        assert page.get_by_label("layer").is_disabled()
        assert page.evaluate("document.querySelector('canvas').toDataURL()") != before
        page.get_by_label("method").select_option("default of tf-explain")
        page.get_by_label("layer").select_option("0")
        assert "convolution 1 (" in say.inner_text() or "Zero everywhere" in say.inner_text()
        page.get_by_label("opacity").fill("0")
        gray = page.evaluate("""(() => { const c = document.querySelector('canvas');
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            return d.every((v, i) => i % 4 === 3 || v === d[i - i % 4]); })()""")
        assert gray

        frame = page.get_by_role("application")
        frame.focus()
        for _ in range(30):
            page.keyboard.press("ArrowUp")
            page.keyboard.press("ArrowLeft")
        p = piece.data["covered"][0][0][1]
        assert f"{round(100 * p)} % with it" in answer.inner_text()
        box = frame.bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 3, box["y"] + box["height"] - 3, steps=4)
        page.mouse.up()
        p = piece.data["covered"][-1][-1][1]
        assert f"{round(100 * p)} % with it" in answer.inner_text()
        browser.sound()


def test_the_piece_is_small_narrow_and_has_a_still(piece, tmp_path):
    assert len(piece._repr_html_()) < 150_000
    with opened(tmp_path, piece, width=360) as browser:
        assert browser.page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.sound()
    with opened(tmp_path, piece, scripts=False) as browser:
        assert browser.page.locator("img").count() == 1
        assert "Maps of 3 classes over one picture" in browser.page.inner_text("main")


def test_gray_and_oblong_pictures_and_few_classes():
    keras.utils.set_random_seed(2)
    gray = models.small_cnn((32, 40, 1), 2)
    image = np.random.default_rng(3).integers(0, 256, (32, 40, 1)).astype("uint8")
    data = widgets.class_maps(gray, image, ["a", "b"], square=9).data
    assert data["maps"]["Grad-CAM (paper)|2"][0]["shape"] == [19, 24]
    assert (data["rows"][-1], data["columns"][-1]) == (23, 31)


def test_what_does_not_fit_is_refused(model, picture):
    with pytest.raises(InvalidInput, match="3 outputs, but there are 2 names"):
        widgets.class_maps(model, picture, NAMES[:2])
    with pytest.raises(InvalidInput, match="one image"):
        widgets.class_maps(model, picture[None], NAMES)
    with pytest.raises(InvalidInput, match="square is 49"):
        widgets.class_maps(model, picture, NAMES, square=49)
    dense = keras.Sequential([keras.Input((48, 48, 3)), keras.layers.Flatten()])
    dense.add(keras.layers.Dense(3))
    with pytest.raises(InvalidInput, match="no convolution"):
        widgets.class_maps(dense, picture, NAMES)
