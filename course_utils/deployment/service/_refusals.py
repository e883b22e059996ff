"""Answers to requests that are refused: a status of HTTP and one sentence."""

from __future__ import annotations

import asyncio
import html
from contextlib import suppress
from typing import Any

from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

#: Of a body that is too large, so many bytes are read and dropped after the answer. A client that
#: is still sending would otherwise see a broken connection instead of the answer.
DROPPED_BYTES = 80_000_000
DROPPED_SECONDS = 10
#: Set in the scope of a request when its body has been read to the end.
BODY_ENDED = "course.body_ended"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Classify a picture</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head>
<body><main><h1>Classify a picture</h1><p>{}</p></main></body></html>
"""


class Refused(Exception):
    """A request that gets a sentence instead of classes.

    Parameters
    ----------
    status : int
        Status of HTTP, such as 413.
    sentence : str
        What is wrong and what to do.
    **headers : str
        Further headers; an underscore stands for a hyphen.
    """

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Refusal(JSONResponse):
    """The answer ``{"error": sentence}``; the connection is closed after it.

    What the client still sends is read and dropped, within limits, before the connection closes.

    Parameters
    ----------
    status : int
    sentence : str
    headers : dict, optional
    is_page : bool
        Whether a person reads the answer in a browser: it is then a page with the sentence.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        headers: dict[str, str] | None = None,
        is_page: bool = False,
    ) -> None:
        closed = {**(headers or {}), "connection": "close"}
        self._is_page = is_page
        kind = "text/html" if is_page else "application/json"
        super().__init__({"error": sentence}, status, headers=closed, media_type=kind)

    def render(self, content: Any) -> bytes:
        """Return the body."""
        if not self._is_page:
            return super().render(content)
        return _PAGE.format(html.escape(content["error"])).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(DROPPED_SECONDS):
                await _drop_rest(scope, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop_rest(scope: Scope, receive: Receive) -> None:
    """Read what is left of the body."""
    if not _has_body(scope):
        return
    left = DROPPED_BYTES
    while left > 0:
        message: Any = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))


def _has_body(scope: Scope) -> bool:
    """Return whether the client is still sending a body."""
    if scope.get(BODY_ENDED):
        return False
    headers = dict(scope["headers"])
    if b"expect" in headers:  # it waits for a permission that it does not get
        return False
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
