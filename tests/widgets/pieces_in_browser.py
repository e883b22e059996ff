"""Open interactive pieces in a real browser, as a page of the site shows them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class OpenPage:
    """A page with pieces in Chromium.

    Attributes
    ----------
    page : playwright.sync_api.Page
    errors : list of str
        What the page wrote to the console as an error, and exceptions of its scripts.
    requests : list of str
        Addresses that the page asked for, other than itself.
    """

    def __init__(self, page) -> None:
        self.page, self.errors, self.requests = page, [], []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def violations(self) -> list[str]:
        """Return what axe finds: rule and the first element that breaks it."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]

    def open_again(self) -> None:
        """Reload the page as soon as what it has kept is there for the next page.

        Chromium hands on what is kept a moment later, and not in time for a reload at once.
        """
        entries = "Object.entries(localStorage).sort()"
        kept = self.page.evaluate(entries)
        until = time.monotonic() + 20
        self.page.reload()
        while self.page.evaluate(entries) != kept:
            assert time.monotonic() < until, "what the page kept has not arrived"
            self.page.reload()

    def sound(self) -> None:
        """Assert that the page has no errors, asks for nothing, and axe finds nothing."""
        asked = [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]
        assert not self.errors
        assert not asked
        assert not self.violations()


@contextmanager
def opened(folder: Path, *pieces, scripts: bool = True, width: int = 900) -> Iterator[OpenPage]:
    """Open a page with these pieces, as stored in a lesson.

    Parameters
    ----------
    folder : Path
        Where the page is written.
    *pieces : Widget
    scripts : bool
        Whether the browser runs scripts.
    width : int
        Width of the window in pixels.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    html = "\n".join(piece._repr_html_() for piece in pieces)
    path = folder / "pieces.html"
    path.write_text(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Pieces</title>"
        f"</head><body><main><h1>Pieces</h1><h2>Section</h2><h3>Part</h3>{html}</main></body></html>",
        encoding="utf-8",
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            java_script_enabled=scripts, viewport={"width": width, "height": 800}
        )
        page = OpenPage(context.new_page())
        page.page.goto(path.as_uri())
        yield page
        browser.close()
