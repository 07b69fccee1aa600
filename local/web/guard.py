"""Who may talk to the web server, which adds the user's token to what it passes on.

The port is open to every page in every browser of this machine. Two attacks follow: a foreign site
whose name resolves to 127.0.0.1 (DNS rebinding: its Host gives it away), and a foreign site that
sends requests from the user's browser (CSRF: Sec-Fetch-Site and Origin give it away).
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.web.problem import problem

# The least that the page needs: docs/frontend.md. stacks/site.yaml adds the bucket.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
OBJECT_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""For what users uploaded: a document among it must not act in the page's name."""

_HEADERS = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # presigned URLs must not travel in a Referer
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Refuses strangers and puts security headers on every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        hosts = {f"{name}:{port}" for name in _LOOPBACK}
        self._hosts = hosts | {*_LOOPBACK} if port == 80 else hosts
        self._origin = f"http://127.0.0.1:{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("host", "").lower() not in self._hosts:
            refusal = problem(421, "wrong_host", f"This is {self._origin}.")
            await refusal(scope, receive, _with_headers(send))
        elif self._is_foreign(scope["method"], headers):
            refusal = problem(403, "foreign_site", "Another site may not use this one.")
            await refusal(scope, receive, _with_headers(send))
        elif _opens_page(headers) and headers["host"] != self._origin.removeprefix("http://"):
            # One origin: presigned URLs name 127.0.0.1, which localhost is not to a browser.
            query = scope["query_string"].decode("latin-1")
            target = self._origin + scope["path"] + (f"?{query}" if query else "")
            await RedirectResponse(target)(scope, receive, _with_headers(send))
        else:
            await self._app(scope, receive, _with_headers(send))

    def _is_foreign(self, method: str, headers: Headers) -> bool:
        safe = method in ("GET", "HEAD")
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return not (safe and _opens_page(headers))  # anybody may link to the page
        origin = headers.get("origin")
        return origin is not None and origin != f"http://{headers['host']}"


def _opens_page(headers: Headers) -> bool:
    return headers.get("sec-fetch-dest") == "document"


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
