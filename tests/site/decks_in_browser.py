"""Show slides in a real browser, one after the other, as a class sees them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

#: Where the window of the speaker has the notes.
_NOTES = ".speaker-controls-notes .value"

#: Finds on the present slide what is cut off, and text of fewer than 20 pixels outside of pieces.
_FAULTS = """() => {
  const page = Reveal.getCurrentSlide().querySelector(".page");
  const edge = page.getBoundingClientRect(), faults = [];
  for (const node of page.querySelectorAll("*")) {
    if (node.closest("svg, math") || !node.checkVisibility()) continue;
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if (box.right > edge.right + 1 || box.bottom > edge.bottom + 1 || box.left < edge.left - 1)
      faults.push(`cut off: ${node.outerHTML.slice(0, 120)}`);
    const text = [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim());
    if (text && !node.closest(".course-widget") && parseFloat(getComputedStyle(node).fontSize) < 20)
      faults.push(`small: ${node.outerHTML.slice(0, 120)}`);
  }
  for (const picture of page.querySelectorAll("figure img"))
    if (picture.clientWidth < 300 || picture.clientHeight < 150)
      faults.push(`figure of ${picture.clientWidth} × ${picture.clientHeight} pixels`);
  return faults.slice(0, 4);
}"""


@dataclass
class Shown:
    """What was seen of a deck.

    Attributes
    ----------
    slides : int
    faults : list of str
        What is cut off or too small, with the heading of the slide.
    violations : list of str
        What axe finds.
    errors, requests : list of str
        Errors on the console, and addresses other than the deck itself.
    """

    slides: int = 0
    faults: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@dataclass
class Spoken:
    """What the speaker's window shows.

    Attributes
    ----------
    notes : tuple of str
        The notes of the first slide, and of the next one after a step there.
    errors, requests : list of str
        Errors in both windows, and addresses other than the deck itself.
    """

    notes: tuple[str, str] = ("", "")
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def _opened(deck: Path, seen: Shown | Spoken) -> Iterator[Any]:
    """Yield the page of a deck at 1280 × 720 pixels; note errors and requests of all windows."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        windows = browser.new_context(viewport={"width": 1280, "height": 720})
        windows.on("weberror", lambda error: seen.errors.append(str(error.error)))
        windows.on("console", lambda m: seen.errors.append(m.text) if m.type == "error" else None)
        windows.on("request", lambda request: seen.requests.append(request.url))
        page = windows.new_page()
        page.goto(deck.as_uri())
        page.wait_for_selector(".reveal.ready")
        yield page
        browser.close()
    outside = ("file:", "data:", "blob:", "about:")
    seen.requests = [url for url in seen.requests if not url.startswith(outside)]


def show(deck: Path) -> Shown:
    """Show every slide of a deck at 1280 × 720 pixels."""
    seen = Shown()
    with _opened(deck, seen) as page:
        from axe_playwright_python.sync_playwright import Axe

        seen.slides = page.evaluate("Reveal.getTotalSlides()")
        for number in range(seen.slides):
            page.evaluate(f"Reveal.slide({number}, 0, 99)")
            page.wait_for_timeout(50)
            heading = page.evaluate("Reveal.getCurrentSlide().querySelector('h1, h2').textContent")
            seen.faults += [f"{heading}: {fault}" for fault in page.evaluate(_FAULTS)]
            found = Axe().run(page).response["violations"]
            seen.violations += [
                f"{heading}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found
            ]
    return seen


def speaker(deck: Path) -> Spoken:
    """Open the window of the speaker with the key S, and go on by one slide there."""
    seen = Spoken()
    with _opened(deck, seen) as page:
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        notes = popup.value.locator(_NOTES)
        notes.wait_for(timeout=20_000)
        first = notes.inner_text()
        popup.value.keyboard.press("ArrowRight")
        popup.value.wait_for_function(
            "([where, before]) => document.querySelector(where).innerText != before",
            arg=[_NOTES, first],
            timeout=20_000,
        )
        seen.notes = (first, notes.inner_text())
    return seen


def pages_of(pdf: Path) -> int:
    """Return the number of pages of a PDF by Chromium, which does not compress its page objects."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
