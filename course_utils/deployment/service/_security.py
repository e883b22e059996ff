"""Who may use the service: checks of every request, and headers of every answer."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course_utils.deployment.service._refusals import BODY_ENDED, Refusal

#: Addresses that people open.
PAGES = ("/", "/docs")

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Return a random token for the address."""
    return secrets.token_urlsafe(24)


class Guard:
    """Refuses requests of strangers, around the application.

    Without a token the service is on this machine only. A page of another site, open in the same
    browser, must not use it: the name in the address must be one of this machine (against DNS
    rebinding), and the origin must be the service itself.

    Parameters
    ----------
    app : ASGI application
    token : str or None
        The token that every request must have: ``?token=`` in the address (which the page changes
        into a cookie), or the header ``Authorization: Bearer``.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app, self._token = app, token
        # Cookies do not differ by port, so that two services have cookies of two names.
        self._cookie = f"course_token_{secrets.token_hex(4)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def receive_body() -> Message:
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body", False):
                scope[BODY_ENDED] = True
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        app = self._refusal(scope) or self._signed_in(scope) or self._app
        await app(scope, receive_body, send_with_headers)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        is_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if self._token is None and not is_loopback(_name(host)):
            sentence = "Open the service by the address that it printed when it started."
            return Refusal(400, sentence, is_page=is_page)
        scheme_and_host = headers.get("origin", f"http://{host}").partition("://")
        if scheme_and_host[2] != host:
            return Refusal(403, "The service takes no requests from pages of other sites.")
        if self._token is not None and not self._knows_token(scope, headers):
            return Refusal(
                401,
                "The token is missing or wrong: open the whole address that the service printed, "
                "with ?token= in it.",
                {"www-authenticate": "Bearer"},
                is_page,
            )
        return None

    def _knows_token(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = [
            _token_of(scope),
            bearer.strip() if scheme.lower() == "bearer" else "",
            cookie_parser(headers.get("cookie", "")).get(self._cookie, ""),
        ]
        wanted = str(self._token).encode()
        return any(hmac.compare_digest(text.encode(), wanted) for text in given)

    def _signed_in(self, scope: Scope) -> ASGIApp | None:
        """Return an answer that turns the token in the address of a page into a cookie."""
        is_page = scope["method"] == "GET" and scope["path"] in PAGES
        if self._token is None or not is_page or not _token_of(scope):
            return None
        answer = RedirectResponse(scope["path"], status_code=303)
        # Not "strict": the cookie would be missing after a click on a link in a mail or a chat.
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="lax")
        return answer


def _token_of(scope: Scope) -> str:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return query.get("token", [""])[0]


def _name(host: str) -> str:
    """Return the name in a header ``Host``, without the port; empty if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
