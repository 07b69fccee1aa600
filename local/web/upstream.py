"""Requests passed on to the emulator as they came, bodies in a stream both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import httpx
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from local.web.problem import problem

_HOP_BY_HOP = frozenset(
    (
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade",
    )
)  # fmt: skip
CLIENT_CLOSED_REQUEST = 499


class Upstream:
    """The emulator, as an origin that answers for us."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        # S3 may be busy with a large body for a while before it answers.
        timeout = httpx.Timeout(300, connect=5)  # seconds
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)
        self._client.headers.clear()  # nothing but what the browser sent

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def is_up(self) -> bool:
        """Whether anything answers."""
        try:
            response = await self._client.get(f"{self._endpoint}/_ministack/health")
        except httpx.TransportError:
            return False
        return response.is_success

    async def forward(
        self, request: Request, *, prefix: str = "", headers: Mapping[str, str] | None = None
    ) -> Response:
        """The whole exchange, with `prefix` before the path and `headers` put in."""
        target = prefix.encode() + _target(request)
        try:
            answer = await self._send(request, target, headers or {})
        except httpx.TransportError:
            return unreachable()
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return _relay(answer)

    async def _send(
        self, request: Request, target: bytes, extra: Mapping[str, str]
    ) -> httpx.Response:
        headers = _end_to_end(request.headers)
        headers.update(extra)
        has_body = "content-length" in headers or "transfer-encoding" in request.headers
        outgoing = self._client.build_request(
            request.method,
            self._endpoint,
            headers=headers,
            content=request.stream() if has_body else None,
            extensions={"target": target},
        )
        return await self._client.send(outgoing, stream=True)


def unreachable() -> Response:
    """What to say when the emulator does not answer."""
    return problem(502, "emulator_down", "The local AWS does not answer. Start it again.")


def _relay(answer: httpx.Response) -> Response:
    """An answer of the emulator as our own."""
    response = StreamingResponse(
        answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
    )
    return relayed(response, answer.headers.raw)


def relayed(response: Response, headers: Iterable[tuple[bytes, bytes]]) -> Response:
    """The response with the emulator's headers for its own."""
    # Raw pairs, so that a header that comes twice goes out twice. CORS is for other origins, and
    # there are none here.
    response.raw_headers = [
        (name.lower(), value)
        for name, value in headers
        if (lower := name.lower().decode("latin-1")) not in _HOP_BY_HOP
        and not lower.startswith("access-control-")
    ]
    return response


def _target(request: Request) -> bytes:
    """Path and query byte for byte: a signature may cover them."""
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def _end_to_end(headers: Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
