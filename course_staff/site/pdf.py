"""Print pages to PDF with Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from course_utils.exceptions import InvalidInput

#: Seconds for a page to load.
_SECONDS = 60
#: Names of the program; the first that is installed is used.
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Printer:
    """A running Chromium that prints pages; use it in a ``with`` statement.

    Raises
    ------
    InvalidInput
        If Chromium or the package playwright is not installed.
    """

    def __enter__(self) -> Printer:
        try:
            from playwright.sync_api import sync_playwright
        except ImportError:
            raise InvalidInput(
                "PDFs need the package playwright: install it with 'make dev'."
            ) from None
        program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        if program is None:
            raise InvalidInput(
                "PDFs need Chromium: install it (on Debian 'apt install chromium'), or leave them "
                "out with --no-pdf."
            )
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def print_deck(self, page: Path, out: Path) -> None:
        """Print a deck of reveal.js: one page of 1280 × 720 pixels for each slide."""
        self._print(f"{page.resolve().as_uri()}?print-pdf", out, ".pdf-page", width="1280px")

    def print_page(self, page: Path, out: Path) -> None:
        """Print a page with the size that its own CSS names."""
        self._print(page.resolve().as_uri(), out, "body")

    def _print(self, address: str, out: Path, ready: str, **options: Any) -> None:
        tab = self._browser.new_page(viewport={"width": 1280, "height": 720})
        try:
            tab.goto(address, wait_until="load", timeout=1000 * _SECONDS)
            tab.wait_for_selector(ready, state="attached", timeout=1000 * _SECONDS)
            if options:
                options["height"] = "720px"
            tab.pdf(path=out, print_background=True, prefer_css_page_size=not options, **options)
        finally:
            tab.close()
