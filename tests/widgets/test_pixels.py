"""A picture and its numbers: the data against NumPy, and the piece in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from widgets.pieces_in_browser import opened

from course_utils import settings, widgets
from course_utils.exceptions import InvalidInput, MissingData

RANDOM = np.random.default_rng(3)
COLOR = RANDOM.integers(0, 256, (7, 9, 3), dtype=np.uint8)
GRAY = RANDOM.integers(0, 256, (6, 5), dtype=np.uint8)


def run(expression: str, picture) -> object:
    """Return the value of a JavaScript expression over the data of the piece."""
    folder = settings.course_root() / "course_utils/widgets"
    data = json.dumps(widgets.pixels(picture).data)
    script = (folder / "pixels.js").read_text(encoding="utf-8")
    script += f"\nconst data = {data}, values = bytesOf(data.values), shape = data.shape;"
    script += f"\nconsole.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.parametrize("picture", [COLOR, GRAY, GRAY[..., None]], ids=["color", "gray", "one"])
def test_the_numbers_are_those_of_the_array(picture):
    array = picture.reshape(*picture.shape[:2], -1)
    assert run("Array.from(values)", picture) == array.ravel().tolist()
    assert run("pixelAt(values, shape, 2, 4)", picture) == array[2, 4].tolist()
    last = array.shape[2] - 1
    inside = run(f"windowAt(values, shape, {last}, [3, 2], 5)", picture)
    assert inside == array[1:6, 0:5, last].tolist()
    corner = run(f"windowAt(values, shape, {last}, [0, 0], 3)", picture)
    padded = np.pad(array[:2, :2, last].astype(float), ((1, 0), (1, 0)), constant_values=np.nan)
    expected = [[None if np.isnan(value) else value for value in row] for row in padded.tolist()]
    assert corner == expected


def test_the_pointer_and_the_arrow_keys_choose_a_pixel(tmp_path):
    with opened(tmp_path, widgets.pixels(COLOR, 3, 4)) as browser:
        page = browser.page
        piece = page.locator('[data-widget="pixels"]')

        def said(row, column):
            red, green, blue = COLOR[row, column]
            return f"Row {row}, column {column}: red {red}, green {green}, blue {blue}."

        assert said(3, 4) in piece.inner_text()
        picture = page.get_by_role("application")
        box = picture.bounding_box()
        page.mouse.move(box["x"] + 1.5 * box["width"] / 9, box["y"] + 5.5 * box["height"] / 7)
        assert said(5, 1) in piece.inner_text()
        picture.focus()
        for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        assert said(4, 3) in piece.inner_text()
        middle = piece.locator("td.px-middle").all_inner_texts()
        assert middle == [str(value) for value in COLOR[4, 3]]
        for _ in range(9):
            page.keyboard.press("ArrowLeft")
        assert said(4, 0) in piece.inner_text()
        assert piece.locator("td.px-outside").count() == 3 * 2 * 5
        page.keyboard.down("Shift")  # JupyterLab's own keys, such as Shift + Enter
        assert picture.get_attribute("data-lm-suppress-shortcuts") is None
        page.keyboard.up("Shift")
        assert picture.get_attribute("data-lm-suppress-shortcuts") is not None
        browser.sound()


@pytest.mark.parametrize("picture", [COLOR, GRAY], ids=["color", "gray"])
def test_the_canvases_show_the_picture_and_its_channels(picture, tmp_path):
    with opened(tmp_path, widgets.pixels(picture), width=360) as browser:
        canvases = browser.page.locator("canvas")
        painted = canvases.evaluate_all(
            "all => all.map(c => Array.from(c.getContext('2d').getImageData(0, 0, c.width,"
            " c.height).data))"
        )
        gray = picture.ndim == 2
        channels = [picture] if gray else list(np.moveaxis(picture, -1, 0))
        wanted = [np.dstack([picture] * 3) if gray else picture]
        wanted += [np.dstack([channel] * 3) for channel in channels]
        assert canvases.count() == len(wanted)
        for pixels, expected in zip(painted, wanted, strict=True):
            np.testing.assert_array_equal(
                np.reshape(pixels, (*picture.shape[:2], 4))[..., :3], expected
            )
        width, window = browser.page.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert width <= window
        browser.sound()


def test_without_scripts_the_picture_and_one_pixel_are_shown(tmp_path):
    with opened(tmp_path, widgets.pixels(GRAY, 1, 2), scripts=False) as browser:
        text = f"The pixel in row 1, column 2: gray {GRAY[1, 2]}."
        assert text in browser.page.inner_text("main")
        assert browser.page.get_by_role("img").get_attribute("alt")


def test_a_photograph_is_shown_as_a_smaller_copy():
    photograph = np.zeros((1200, 900, 3), np.uint8)
    photograph[590:] = (10, 20, 30)
    piece = widgets.pixels(photograph)
    assert piece.data["shape"] == [160, 120, 3]
    assert piece.data["chosen"] == [80, 60]
    assert "1200 × 900 pixels. Here is a copy" in piece.still
    assert "row 80, column 60: red 10, green 20, blue 30" in re.sub(r"<[^>]+>", "", piece.still)
    noise = RANDOM.integers(0, 256, (500, 500, 3), dtype=np.uint8)
    assert len(widgets.pixels(noise)._repr_html_()) < 150_000
    assert widgets.pixels(np.zeros((3, 4000), np.uint8)).data["shape"] == [1, 160, 1]


def test_a_file_is_read_as_a_dataset_reads_it(tmp_path):
    path = tmp_path / "my picture.png"
    Image.fromarray(COLOR).save(path)
    assert widgets.pixels(path).data == widgets.pixels(COLOR).data
    assert widgets.pixels(Image.fromarray(GRAY)).data == widgets.pixels(GRAY).data
    with pytest.raises(MissingData, match="no image file .*holiday.jpg"):
        widgets.pixels("holiday.jpg")


def test_transparent_pixels_are_white_as_in_a_file():
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[0, 0, 3] = 255
    piece = widgets.pixels(picture, 0, 0)
    assert "red 0, green 0, blue 0" in piece.still
    assert "red 255, green 255, blue 255" in widgets.pixels(picture, 1, 1).still


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((COLOR / 255,), "between 0 and 1"),
        ((np.zeros((2, 5, 5, 3)),), "must have the shape"),
        ((np.zeros((0, 5, 3)),), "no pixels"),
        (({"a": 1},), "A picture is needed"),
        ((COLOR, 7, 0), "row .* from 0 to 6"),
        ((COLOR, 0, 2.5), "column .* from 0 to 8"),
    ],
)
def test_what_is_no_picture_is_refused(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        widgets.pixels(*arguments)


def test_a_piece_is_a_function_also_the_second_time():
    assert callable(widgets.pixels)
    assert callable(widgets.pixels)
