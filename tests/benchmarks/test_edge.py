"""What Lighthouse is given is what CloudFront gives, and what it says is read as it says it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from benchmarks.frontend.edge import Edge
from benchmarks.frontend.lighthouse import NotMeasuredError, Part, read
from tests.frontend.certificate import certify

LONG = "of what is said, much is said twice " * 100


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[httpx.Client]:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text(LONG)
    (page / "main.js").write_text("1")

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(LONG, headers={"x-origin": request.headers.get("origin", "")})

    certificate = certify(tmp_path)
    trust = ssl.create_default_context(cafile=certificate.chain)
    edge = Edge(certificate)
    with (
        edge.serving(page, Starlette(routes=[Route("/{path:path}", answer)])),
        httpx.Client(base_url=edge.url, verify=trust, http1=False, http2=True) as client,
    ):
        yield client


def test_the_page_comes_by_http_2_compressed_with_what_guards_it(visitor: httpx.Client) -> None:
    answer = visitor.get("/")

    assert (answer.http_version, answer.text) == ("HTTP/2", LONG)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "must-revalidate" in answer.headers["cache-control"]
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_compressed_is_what_cloudfront_compresses(visitor: httpx.Client) -> None:
    encodings = {
        path: visitor.get(path).headers.get("content-encoding")
        for path in ("/main.js", "/statistics/index.json", "/api/jobs", "/bucket/transcript.json")
    }

    assert encodings == {
        "/main.js": None,  # too short
        "/statistics/index.json": "gzip",
        "/api/jobs": None,
        "/bucket/transcript.json": None,
    }


def test_what_is_behind_it_sees_no_tls(visitor: httpx.Client) -> None:
    origin = str(visitor.base_url).rstrip("/")

    answer = visitor.get("/api/jobs", headers={"origin": origin})

    assert answer.headers["x-origin"] == origin.replace("https", "http")


def _told(*protocols: str) -> dict[str, Any]:
    requests = [
        {"url": f"https://localhost/{number}", "protocol": protocol}
        for number, protocol in enumerate(protocols)
    ]
    requests.append({"url": "data:image/svg+xml,x", "protocol": "data"})
    shifts = {"title": "Avoid large layout shifts", "metricSavings": {"CLS": 0.309}, "score": 0}
    size = {"title": "Minify JavaScript", "metricSavings": {"FCP": 50, "LCP": 0}, "score": 0}
    audits = {
        "network-requests": {"details": {"items": requests}},
        "cumulative-layout-shift": {"title": "CLS", "displayValue": "0.309", "score": 0.38},
        "layout-shifts": shifts,
        "unminified-javascript": size,
        "redirects": {"title": "Avoid redirects", "metricSavings": {"LCP": 0}, "score": 1},
    }
    refs = [{"id": name, "weight": 0} for name in audits if name != "cumulative-layout-shift"]
    refs.append({"id": "cumulative-layout-shift", "weight": 25, "acronym": "CLS"})
    categories = {
        "performance": {"score": 0.41, "auditRefs": refs},
        "accessibility": {"score": 1},
        "best-practices": {"score": 0.995},
    }
    return {"audits": audits, "categories": categories}


def test_a_report_tells_scores_their_parts_and_what_would_be_saved() -> None:
    report = read(_told("h2", "h2"))

    assert report.scores == {"performance": 41, "accessibility": 100, "best-practices": 100}
    assert report.parts == [Part("CLS", "0.309", 38)]
    assert report.wants == ["Avoid large layout shifts (CLS 0.31)", "Minify JavaScript (FCP 50 ms)"]


def test_what_came_by_another_protocol_is_not_measured() -> None:
    with pytest.raises(NotMeasuredError, match=r"by h2, http/1\.1, not by h2"):
        read(_told("h2", "http/1.1"))
