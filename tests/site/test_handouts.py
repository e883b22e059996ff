"""The handouts: one page of A4 each, with a figure, and nothing that runs out of the page."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from decks_in_browser import CHROMIUM, pages_of
from PIL import Image

from course_staff.site import handouts, pages, parts
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.plots.drawings import Drawing
from course_utils.workspace.lessons import all_lessons

LESSONS = {path.name[:2]: path for path in all_lessons(settings.course_root())}
KNOWN = parts.data_files("handouts")
#: Handouts that axe looks at: all are made by one template.
AXE = ("01", "05")
HERE = sorted(set(KNOWN) & set(LESSONS))


def test_every_lesson_has_a_handout():
    missing = set(LESSONS) - set(KNOWN)
    assert not missing, f"docs/handouts has no file for {sorted(missing)}"


def test_each_card_shows_the_figure_of_a_handout():
    """Figures become PNGs of one size; drawings stay SVGs, which are put on a ground of it."""
    text, pictures = pages.cards(settings.course_root())
    assert len(pictures) == text.count(":img-alt: ") == len(LESSONS)
    assert {Path(name).suffix for name in pictures} == {".png", ".svg"}
    for name, picture in pictures.items():
        if name.endswith(".png"):
            with Image.open(io.BytesIO(picture)) as opened:
                assert opened.size == pages.CARD_SIZE
            continue
        card = ElementTree.fromstring(picture)
        assert card.get("viewBox") == "0 0 640 360"
        source = card.find("{http://www.w3.org/2000/svg}image").get("href")
        drawn = base64.b64decode(source.removeprefix("data:image/svg+xml;base64,"))
        assert f":img-alt: {Drawing(drawn.decode())!r}\n" in text


@pytest.mark.parametrize("name", HERE)
def test_handout(name):
    """It has one figure with a description, code, a table or list, and asks no other address."""
    lesson = parts.read_lesson(LESSONS[name])
    page = handouts.make_handout(lesson, handouts.read_handout(KNOWN[name]))
    (described,) = re.findall(r'<img alt="([^"]+)"', page)
    assert len(described) > 20
    assert 'class="code"' in page
    assert "<math" in page
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?!data:)', page)
    assert page == handouts.make_handout(lesson, handouts.read_handout(KNOWN[name]))


@pytest.mark.slow
def test_one_page_each(tmp_path):
    """Printed, each has exactly one page of A4, and its text ends before the foot."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    handouts.make_handouts(tmp_path, say=lambda _: None)
    assert {path.stem: pages_of(path) for path in tmp_path.glob("*.pdf")} == dict.fromkeys(HERE, 1)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 794, "height": 1123})
        for name in HERE:
            page.emulate_media(media="print")
            page.goto((tmp_path / f"{name}.html").as_uri())
            room = page.evaluate(
                "(() => { const sheet = document.querySelector('.sheet');"
                " return [sheet.scrollHeight - sheet.clientHeight,"
                " Math.max(...[sheet, ...sheet.querySelectorAll('section')]"
                ".map(box => box.scrollWidth - box.clientWidth)),"
                " sheet.querySelector('figure img').clientHeight]; })()"
            )
            assert room[0] <= 0, f"handout {name} is {room[0]} pixels too long"
            assert room[1] <= 0, f"handout {name} is {room[1]} pixels too wide"
            assert room[2] > 100, f"the figure of handout {name} is {room[2]} pixels high"
            if name not in AXE:
                continue
            page.emulate_media(media="screen")
            found = axe.Axe().run(page).response["violations"]
            assert not [f"{name}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto((tmp_path / "01.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("idea = ", "not valid TOML"),
        ("idea = 'x'", "caption, code, figure, formulae, remember is missing"),
        ("color = 'red'", "color, figure, formulae, idea, remember is missing or not known"),
    ],
)
def test_wrong_data(tmp_path, text, says):
    (tmp_path / "99.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=re.escape(says)):
        handouts.read_handout(tmp_path / "99.toml")


def test_a_cell_without_a_figure():
    from dataclasses import replace

    data = replace(handouts.read_handout(KNOWN["01"]), figure=parts.Part("L01-loop"))
    with pytest.raises(InvalidInput, match="L01-loop of lesson 01 must show one figure"):
        handouts.make_handout(parts.read_lesson(LESSONS["01"]), data)


def test_unknown_lesson(tmp_path):
    with pytest.raises(InvalidInput, match="Lesson 77 has no handout"):
        handouts.make_handouts(tmp_path, ["77"], pdf=False)
