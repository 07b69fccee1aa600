"""The one origin: what it serves, what it passes on, whom it refuses."""

from __future__ import annotations

import json
import socket
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope

from local.s3.door import Answer, Closed
from local.server import PortTaken, Server
from local.status import _WORDS, Failure, Health, StageStatus
from local.web import Site, application, is_served
from local.web.guard import PAGE_POLICY
from tests.local.bucket import NAME as BUCKET
from tests.local.bucket import Bucket, running_bucket

VIDEO = "jobs/1/videos/a debate ñ.mp4"
BODY = bytes(range(256)) * 4096

Client = httpx.Client


async def echo(request: Request) -> Response:
    """An upstream that tells what reached it."""
    body = await request.body()
    return JSONResponse(
        {
            "method": request.method,
            "target": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "headers": dict(request.headers),
            "body": body.decode("latin-1"),
        },
        201,
        headers={"access-control-allow-origin": "*", "x-kept": "yes"},
    )


async def gone(scope: Scope, receive: Receive) -> Answer:
    """What is there of an emulator that has stopped."""
    raise Closed


async def redirect(_: Request) -> Response:
    return RedirectResponse("http://127.0.0.1:1/elsewhere", 302)


@pytest.fixture
def frontend(tmp_path: Path) -> Path:
    folder = tmp_path / "frontend"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Debates</title>")
    (folder / "main.js").write_text("export {};")
    (folder / "word.woff2").write_bytes(b"wOF2")
    (tmp_path / "secret.txt").write_text("not yours")
    return folder


def look(is_up: bool) -> Health:
    now = datetime.now(UTC)
    return Health(
        status="ok" if is_up else "down",
        started_at=now,
        read_at=now,
        stages=[
            StageStatus(
                name="transcribe",
                slots=1,
                workers_running=1,
                workers_waiting=0,
                waiting=2,
                in_hand=1,
                waits_since=now,
            )
        ],
        failures=[
            Failure(job_id="7c9e6679", title="<b>", at=now, code="empty_file", message="Empty.")
        ],
        disk_free=1,
        disk_total=2,
        models=["whisper-base"],
        versions={},
    )


def serve(site_of: Any) -> Iterator[Client]:
    server = Server(0)
    server.start(application(site_of(), server.port))
    with httpx.Client(base_url=server.url) as client:
        yield client
    server.stop()


@pytest.fixture
def web(frontend: Path, tmp_path: Path) -> Iterator[Client]:
    """The origin before an upstream that echoes."""
    upstream = Server(0)
    methods = ["GET", "POST", "PUT", "DELETE"]
    upstream.start(
        Starlette(
            routes=[
                Route("/_ministack/health", lambda _: Response()),
                Route("/gateway/api/moved", redirect),
                Route("/{path:path}", echo, methods=methods),
            ]
        )
    )
    yield from serve(
        lambda: Site(
            frontend=frontend,
            endpoint=upstream.url,
            api="/gateway",
            token=lambda: "the-token",
            bucket=BUCKET,
            objects=tmp_path / "s3",
            s3=gone,
            look=lambda is_up: look(is_up),
        )
    )
    upstream.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_bucket(tmp_path_factory.mktemp("bucket")) as bucket:
        yield bucket


@pytest.fixture
def bucket(running: Bucket) -> Iterator[Any]:
    s3 = running.client()
    yield s3
    for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=item["Key"])


@pytest.fixture
def store(bucket: Any, running: Bucket) -> Iterator[Client]:
    """The origin before the real emulator."""
    with httpx.Client(base_url=running.process.web()) as client:
        yield client


@pytest.fixture
def presign(running: Bucket) -> Callable[..., str]:
    """A URL that names the web origin, as the deployed API makes them."""
    return running.presign


# -- the page -------------------------------------------------------------------------------------


def test_the_page_comes_with_its_headers(web: Client) -> None:
    page = web.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-security-policy"] == PAGE_POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert web.get("/", headers={"if-none-match": page.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/main.js", "text/javascript; charset=utf-8"), ("/word.woff2", "font/woff2")],
)
def test_files_have_the_type_a_browser_needs(web: Client, path: str, media_type: str) -> None:
    assert web.get(path).headers["content-type"] == media_type


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"])
def test_nothing_outside_the_page_is_served(web: Client, path: str) -> None:
    with socket.create_connection(("127.0.0.1", web.base_url.port or 0)) as raw:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{web.base_url.port}\r\n"
        raw.sendall(f"{request}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"not yours" not in answer


def test_the_status_is_a_page_and_the_same_as_json(web: Client) -> None:
    told = web.get("/status.json").json()
    assert told["status"] == "ok"
    answer = web.get("/status")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>How the stack is</h1>" in answer.text
    assert "&lt;b&gt;" in answer.text, "a title is a user's"
    assert "<b>" not in answer.text
    spanish = web.get("/status", headers={"accept-language": "es-ES,es;q=0.9"}).text
    assert '<html lang="es">' in spanish
    for address in ("/status.css", "/status.js", "/styles/variables.css", "/icon.svg"):
        assert address in answer.text or address.startswith("/status.") or address in spanish
    for address in ("/status.css", "/status.js"):
        assert web.get(address).status_code == 200


def test_our_own_stack_is_known_without_a_look_at_how_it_is(
    web: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: bool) -> Health:
        raise AssertionError("looked, which takes longer than a launcher waits on a busy machine")

    monkeypatch.setattr(f"{__name__}.look", never)
    assert is_served(str(web.base_url))


def test_what_else_answers_is_not_our_stack() -> None:
    other = Server(0)
    other.start(Starlette(routes=[Route("/livez", lambda _: JSONResponse({"service": "x"}))]))
    assert not is_served(other.url)
    other.stop()


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_status_has_words_for_everything(language: str) -> None:
    assert set(_WORDS[language]) == set(_WORDS["en"])


# -- the API --------------------------------------------------------------------------------------


def test_the_api_is_asked_in_the_name_of_the_local_user(web: Client) -> None:
    answer = web.post(
        "/api/uploads?a=%2F", json={"filename": "x"}, headers={"authorization": "Bearer forged"}
    )
    assert answer.status_code == 201
    seen = answer.json()
    assert (seen["method"], seen["target"], seen["query"]) == (
        "POST",
        "/gateway/api/uploads",
        "a=%2F",
    )
    assert seen["headers"]["authorization"] == "Bearer the-token"
    assert json.loads(seen["body"]) == {"filename": "x"}


def test_answers_carry_no_leave_for_other_origins(web: Client) -> None:
    answer = web.get("/api/jobs")
    assert answer.headers["x-kept"] == "yes"
    assert "access-control-allow-origin" not in answer.headers


def test_a_redirect_of_the_api_is_the_browsers_to_follow(web: Client) -> None:
    answer = web.get("/api/moved")
    assert answer.status_code == 302
    assert answer.headers["location"] == "http://127.0.0.1:1/elsewhere"


def test_a_body_of_unknown_length_goes_through(web: Client) -> None:
    answer = web.post("/api/x", content=iter([b"one ", b"two"]))
    assert answer.json()["body"] == "one two"


def test_an_emulator_that_is_gone_is_said_so(frontend: Path, tmp_path: Path) -> None:
    nobody = Server(0)
    nobody.stop()
    site = Site(frontend, nobody.url, "", lambda: "", BUCKET, tmp_path, gone, look)
    for client in serve(lambda: site):
        for answer in (
            client.get("/api/jobs"),
            client.put(f"/{BUCKET}/{VIDEO}?X-Amz-Signature=1", content=BODY),
        ):
            assert answer.status_code == 502
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "emulator_down"
        assert client.get("/status").status_code == 503


# -- strangers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_host_name_is_refused(web: Client, host: str) -> None:
    assert web.get("/api/jobs", headers={"host": host}).status_code == 421


def test_every_name_of_this_machine_is_welcome(web: Client) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        host = {"host": f"{name}:{web.base_url.port}"}
        assert web.get("/api/jobs", headers=host).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"},
    ],
)
def test_another_site_changes_nothing(web: Client, headers: dict[str, str]) -> None:
    assert web.post("/api/uploads", json={}, headers=headers).status_code == 403


def test_another_site_reads_nothing_but_may_link_here(web: Client) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    assert web.get("/api/jobs", headers={**foreign, "sec-fetch-dest": "script"}).status_code == 403
    assert web.get("/", headers={**foreign, "sec-fetch-dest": "document"}).status_code == 200


def test_the_page_itself_may_do_what_it_likes(web: Client) -> None:
    ours = {"sec-fetch-site": "same-origin", "origin": str(web.base_url).rstrip("/")}
    assert web.post("/api/uploads", json={}, headers=ours).status_code == 201


def test_localhost_is_sent_to_the_origin_that_presigned_urls_name(web: Client) -> None:
    answer = web.get(
        "/?debate=1",
        headers={"host": f"localhost:{web.base_url.port}", "sec-fetch-dest": "document"},
    )
    assert answer.status_code == 307
    assert answer.headers["location"] == f"http://127.0.0.1:{web.base_url.port}/?debate=1"


def test_a_preflight_of_another_site_gets_no_leave(web: Client) -> None:
    answer = web.options(
        "/api/uploads",
        headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


# -- the bucket -----------------------------------------------------------------------------------


@pytest.mark.emulator
def test_a_presigned_put_arrives_whole_and_a_changed_one_does_not(
    store: Client, bucket: Any, presign: Callable[..., str]
) -> None:
    url = presign("put_object", Key=VIDEO, ContentType="video/mp4", IfNoneMatch="*")
    headers = {"content-type": "video/mp4", "if-none-match": "*"}
    wrong = store.put(url, content=BODY, headers={**headers, "content-type": "text/html"})
    assert wrong.status_code == 403
    assert store.put(url, content=BODY, headers=headers).status_code == 200
    assert bucket.get_object(Bucket=BUCKET, Key=VIDEO)["Body"].read() == BODY
    assert store.put(url, content=BODY, headers=headers).status_code == 412


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-0", BODY[:1]),
        ("bytes=1000-1999", BODY[1000:2000]),
        ("bytes=1048000-", BODY[1048000:]),
        ("bytes=-10", BODY[-10:]),
    ],
)
def test_a_video_is_read_in_ranges(
    store: Client, bucket: Any, presign: Callable[..., str], range_: str, expected: bytes
) -> None:
    bucket.put_object(Bucket=BUCKET, Key=VIDEO, Body=BODY, ContentType="video/mp4")
    answer = store.get(presign("get_object", Key=VIDEO), headers={"range": range_})
    assert answer.status_code == 206
    assert answer.content == expected
    assert answer.headers["content-range"].endswith(f"/{len(BODY)}")
    assert answer.headers["content-type"] == "video/mp4"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.emulator
def test_a_whole_object_a_head_and_a_kept_copy(
    store: Client, bucket: Any, presign: Callable[..., str]
) -> None:
    etag = bucket.put_object(Bucket=BUCKET, Key=VIDEO, Body=BODY)["ETag"]
    url = presign("get_object", Key=VIDEO, ResponseContentDisposition="attachment")
    whole = store.get(url)
    assert whole.content == BODY
    assert whole.headers["etag"] == etag
    assert whole.headers["content-disposition"] == "attachment"
    assert store.get(url, headers={"if-none-match": etag}).status_code == 304
    head = store.head(presign("head_object", Key=VIDEO))
    assert head.headers["content-length"] == str(len(BODY))
    beyond = store.get(url, headers={"range": f"bytes={len(BODY)}-"})
    assert beyond.status_code == 416


@pytest.mark.emulator
def test_a_url_is_good_for_what_it_was_signed_for(
    store: Client, bucket: Any, presign: Callable[..., str]
) -> None:
    bucket.put_object(Bucket=BUCKET, Key=VIDEO, Body=BODY)
    bucket.put_object(Bucket=BUCKET, Key="other", Body=b"other")
    url = presign("get_object", Key=VIDEO)
    path = urllib.parse.urlsplit(url).path
    assert store.get(url.replace(path, f"/{BUCKET}/other")).status_code == 403
    assert store.get(url + "0").status_code == 403
    assert store.get(path).status_code == 403
    assert store.get(presign("get_object", Key="missing")).status_code == 404
    expired = presign("get_object", Key=VIDEO, seconds=-1)
    assert store.get(expired).status_code in (400, 403)


@pytest.mark.emulator
def test_a_key_that_is_no_path_is_read_through_the_emulator(
    store: Client, bucket: Any, presign: Callable[..., str]
) -> None:
    key = "n" * 300
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"odd")
    assert store.get(presign("get_object", Key=key)).content == b"odd"


@pytest.mark.emulator
def test_statistics_are_read_without_a_signature(store: Client, bucket: Any) -> None:
    bucket.put_object(
        Bucket=BUCKET,
        Key="statistics/index.json",
        Body=b'{"jobs": []}',
        ContentType="application/json",
    )
    bucket.put_object(Bucket=BUCKET, Key="jobs/1/private.json", Body=b"{}")
    answer = store.get("/statistics/index.json")
    assert answer.json() == {"jobs": []}
    assert answer.headers["content-type"] == "application/json"
    assert "max-age" in answer.headers["cache-control"]
    etag = answer.headers["etag"]
    assert store.get("/statistics/index.json", headers={"if-none-match": etag}).status_code == 304
    assert store.get("/statistics/missing.json").status_code == 404
    for path in ("%2e%2e/jobs/1/private.json", "%00", "", "n" * 300):
        assert store.get(f"/statistics/{path}").status_code == 404


def test_a_port_is_taken_once() -> None:
    server = Server(0)
    with pytest.raises(PortTaken, match=str(server.port)):
        Server(server.port)
    server.stop()
