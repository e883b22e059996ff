"""The page of the web service in a real browser: Chromium, with the real service behind it."""

from __future__ import annotations

import base64
import shutil
import threading
from urllib.parse import urlsplit

import pytest
from heic_pictures import HEIC
from pictures_for_service import GOOD, NAMES, exported

from course_utils import deployment

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed here")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with deployment.serving(exported(tmp_path_factory.mktemp("exported") / "flowers")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class OpenPage:
    """A page of the service; collects errors of its console and requests to other machines."""

    def __init__(self, browser, address: str, **context) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 900, "height": 900}, **context})
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.on("request", self._asked)
        self.page.goto(address)

    def _asked(self, request) -> None:
        host = urlsplit(request.url).hostname
        if host not in (None, "127.0.0.1"):
            self.elsewhere.append(request.url)

    def give(self, data: bytes, name: str = "picture.png", field: str = "#file") -> None:
        """Choose a file, and wait until it is answered or refused."""
        self.page.set_input_files(
            field, {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        )
        self.answered()

    def answered(self) -> None:
        self.page.wait_for_function(
            "() => { const text = document.querySelector('#status').textContent;"
            " return text && !text.endsWith('…'); }"
        )

    def status(self) -> str:
        return self.page.locator("#status").text_content()

    def violations(self) -> list[str]:
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.fixture
def opened(browser, service):
    """Open the page, with options of the browser; it must end without errors."""
    pages: list[OpenPage] = []

    def open_page(path: str = "/", **context) -> OpenPage:
        pages.append(OpenPage(browser, service.address + path, **context))
        return pages[-1]

    yield open_page
    for each in pages:
        # The browser itself writes an error for each answer of the kind 4xx.
        errors = [text for text in each.errors if "the server responded with" not in text]
        assert errors == each.elsewhere == []
        each.context.close()


def test_a_chosen_picture_is_classified(opened):
    shown = opened()
    shown.page.wait_for_function("() => about.textContent.includes('daisy')")
    assert not shown.page.locator("#result").is_visible()
    shown.give(GOOD["PNG"])
    rows = shown.page.locator("#classes li").all_inner_texts()
    assert len(rows) == 3
    assert all(row.split("\n")[0] in NAMES and row.rstrip().endswith("%") for row in rows)
    assert shown.page.locator("#verdict").inner_text().startswith("Not sure.")
    assert "not sure" in shown.status()
    assert shown.errors == []
    assert shown.violations() == []


def test_the_heat_map_lies_on_the_picture_and_the_slider_fades_it(opened):
    shown = opened()
    shown.give(GOOD["JPEG on its side"], "photo.jpg")
    boxes = [shown.page.locator(name).bounding_box() for name in ("#picture", "#map")]
    assert boxes[0] == boxes[1]
    assert boxes[0]["height"] / boxes[0]["width"] == pytest.approx(1.5, rel=0.02)
    opacity = "() => getComputedStyle(map).opacity"
    assert shown.page.evaluate(opacity) == "0.5"
    slider = shown.page.get_by_label("Opacity of the heat map")
    slider.focus()
    for _ in range(3):
        shown.page.keyboard.press("ArrowLeft")
    assert shown.page.evaluate(opacity) == "0.35"
    assert shown.page.locator("#opacity-value").inner_text() == "35 %"
    shown.page.keyboard.press("Home")
    assert shown.page.evaluate(opacity) == "0"


def test_heic_is_shown_although_the_browser_cannot_read_it(opened):
    shown = opened()
    shown.give(HEIC["turned"], "IMG_0001.HEIC")
    assert shown.page.evaluate("() => picture.naturalWidth") == 24


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_what_is_no_picture_gets_a_sentence_and_the_next_one_works(opened, data, words):
    shown = opened()
    shown.give(GOOD["PNG"])
    shown.give(data, "a.txt")
    assert words in shown.status()
    assert not shown.page.locator("#result").is_visible()
    shown.give(GOOD["PNG"])
    assert shown.page.locator("#result").is_visible()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(opened, tmp_path):
    shown = opened()
    sent = []
    shown.page.on("request", lambda request: sent.append(request.url))
    (tmp_path / "film.mov").write_bytes(bytes(21 * 10**6))
    shown.page.set_input_files("#file", tmp_path / "film.mov")
    shown.answered()
    assert "more than 20 MB" in shown.status()
    assert sent == []


def test_a_picture_can_be_dropped_or_pasted(opened):
    give = """(event) => {
      const bytes = Uint8Array.from(atob(event.data), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      for (let k = 0; k < (event.files ?? 1); k++)
        transfer.items.add(new File([bytes], "picture.png", { type: "image/png" }));
      const options = { bubbles: true, cancelable: true };
      const made = event.name === "paste"
        ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
        : new DragEvent(event.name, { ...options, dataTransfer: transfer });
      document.querySelector("main").dispatchEvent(made);
    }"""
    shown = opened()
    content = base64.b64encode(GOOD["PNG"]).decode()
    shown.page.evaluate(give, {"name": "dragover", "data": content})
    assert shown.page.locator("#drop.over").count() == 1
    shown.page.evaluate(give, {"name": "drop", "data": content})
    assert shown.page.locator("#drop.over").count() == 0
    shown.answered()
    assert shown.page.locator("#result").is_visible()
    shown.page.evaluate(give, {"name": "drop", "data": content, "files": 0})  # a word, a link
    assert shown.page.locator("#status").bounding_box()["height"] > 10
    assert shown.status() == "That was no file; drop an image file."
    shown.page.evaluate(give, {"name": "drop", "data": content, "files": 3})
    shown.page.wait_for_function("() => document.querySelector('#status').textContent.length > 50")
    assert shown.status().startswith("Only the first of the 3 files was classified. ")
    assert shown.page.locator("#status").bounding_box()["height"] > 10
    shown.page.reload()
    shown.page.evaluate(give, {"name": "paste", "data": content})
    shown.answered()
    assert shown.page.locator("#result").is_visible()


def test_it_works_with_the_keyboard_alone(opened):
    shown = opened()
    with shown.page.expect_file_chooser() as waiting:
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("() => document.activeElement.id") == "file"
        shown.page.keyboard.press("Space")
    waiting.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": GOOD["PNG"]})
    shown.answered()
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("() => document.activeElement.id") == "opacity"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_offers_its_camera_and_nothing_is_cut_off(opened, scheme):
    phone = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True}
    shown = opened(color_scheme=scheme, **phone)
    camera = shown.page.locator("#camera")
    assert camera.get_attribute("capture") == "environment"
    assert shown.page.get_by_text("Take a photograph").is_visible()
    shown.give(GOOD["wide panorama"], "photo.jpg", "#camera")
    assert shown.page.locator("#result").is_visible()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert shown.violations() == []


def test_without_a_touch_screen_there_is_no_camera_button(opened):
    shown = opened()
    assert not shown.page.get_by_text("Take a photograph").is_visible()


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_description_of_the_interface_is_readable(opened, width, scheme):
    shown = opened("/docs", viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert shown.violations() == []
    assert shown.errors == []
    shown.page.get_by_role("link", name="classify a picture").click()
    assert shown.page.title() == "Classify a picture"


def test_a_link_with_the_token_opens_the_page_from_another_site(browser, tmp_path):
    running = deployment.Service(exported(tmp_path / "model"), "0.0.0.0", 0)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        shown = OpenPage(browser, "about:blank")
        port = urlsplit(running.address).port
        address = f"http://127.0.0.1:{port}/?token={running.token}"
        shown.page.set_content(f"<a href='{address}'>My service</a>")
        shown.page.get_by_text("My service").click()
        shown.page.wait_for_url(f"http://127.0.0.1:{port}/")
        shown.give(GOOD["PNG"])
        assert shown.page.locator("#result").is_visible()
        shown.page.get_by_text("Interface for programs").click()
        assert shown.page.get_by_text("POST /predict").count() == 2
        assert shown.errors == shown.elsewhere == []
        shown.context.close()
    finally:
        running.stop()
        thread.join()


def test_a_stopped_service_is_said(opened, tmp_path, browser):
    with deployment.serving(exported(tmp_path / "model")) as own:
        shown = OpenPage(browser, own.address)
    shown.give(GOOD["PNG"])
    assert "does not answer" in shown.status()
    shown.context.close()
