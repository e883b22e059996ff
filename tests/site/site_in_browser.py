"""Serve the built site on this machine as its web server does, and open its pages in Chromium."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class _Handler(SimpleHTTPRequestHandler):
    """Files of the site below its path on the web, and its page 404 for all else."""

    prefix = "/"

    def translate_path(self, path: str) -> str:
        path = unquote(urlsplit(path).path)
        if not path.startswith(self.prefix):
            return "/nothing/here"
        inside = path.removeprefix(self.prefix) or "index.html"
        return str(Path(self.directory, inside))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory, "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextmanager
def served(folder: Path, site: str) -> Iterator[str]:
    """Serve a folder below the path of the address `site`; yields the address of the first page."""
    prefix = urlsplit(site).path
    handler = type("Handler", (_Handler,), {"prefix": prefix})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Visit:
    """What happened while a page was open."""

    status: int = 0
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    size: int = 0


@dataclass
class Browser:
    """One page of Chromium, and the address of the site that it reads."""

    page: Any
    address: str
    visit: Visit = field(default_factory=Visit)

    def __post_init__(self) -> None:
        page = self.page
        page.on("console", lambda m: m.type == "error" and self.visit.errors.append(m.text))
        page.on("pageerror", lambda error: self.visit.errors.append(str(error)))
        page.on("request", lambda request: self.visit.requests.append(request.url))
        page.on("response", self._count)

    def _count(self, response: Any) -> None:
        self.visit.size += int(response.headers.get("content-length", 0))

    def open(self, name: str, theme: str = "light") -> Visit:
        """Open a page of the site, and return what happened until it was loaded."""
        self.visit = Visit()
        self.page.goto("about:blank")
        self.page.emulate_media(color_scheme=theme)
        answer = self.page.goto(self.address + name)
        self.page.wait_for_load_state("load")
        self.visit.status = answer.status
        return self.visit

    def outside(self) -> list[str]:
        """Return the requests that left the site."""
        own = ("data:", "blob:", "about:", self.address)
        return [url for url in self.visit.requests if not url.startswith(own)]

    def violations(self, rules: list[str] | None = None) -> list[str]:
        """Return what axe finds: rule, and each element that breaks it."""
        from axe_playwright_python.sync_playwright import Axe

        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": rules}
        # Colors fade when the theme is chosen: axe has to see them as they stay.
        self.page.wait_for_function(
            "document.getAnimations().every(one => one.playState !== 'running')", timeout=10_000
        )
        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@contextmanager
def browser(address: str, width: int = 1200) -> Iterator[Browser]:
    """Open Chromium on a site; the test is skipped where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": width, "height": 900})
        yield Browser(page, address)
        chromium.close()
