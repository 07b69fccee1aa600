"""Every command against the API's own rooms, on moto: a gateway and a storage that may fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from debate_analyzer import bootstrap
from debate_analyzer.api import routes
from debate_analyzer.api.routes import ROUTES
from debate_analyzer.config import Settings
from debate_analyzer.key import private_statistics_key
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Segment, Transcript
from local.cli import main
from local.server import Server
from tests.api.conftest import Answered, Api
from tests.api.conftest import api as api
from tests.api.test_jobs import complete
from tests.api.test_webhooks import MASTER, deliver
from tests.api.test_webhooks import answers as answers
from tests.local.test_cli import statistics
from tests.world import BUCKET, JOB_ID, TRANSCRIPT, World

PART = 5 << 20  # moto takes parts of 5 MiB, as S3 does
URL = "https://www.example.org/evening.mp4"

# What no command asks for, and why.
NOT_REACHED = {
    "contract.get_document": "for generators of clients: curl has it",
    "recordings.create": "a recorder's: it makes the recording, and this does not",
    "recordings.presign": "a recorder's",
    "recordings.complete": "a recorder's",
    "recordings.upsert": "a recorder's",
    "uploads.rules": "for a form: whoever types an address here reads what it is good for",
    "shares.get": "for whoever has a link and no account: a browser, curl",
    "shares.get_transcript": "as shares.get",
    "shares.get_statistics": "as shares.get",
    "shares.get_video": "as shares.get",
    "shares.get_edits": "as shares.get",
}

Fault = Callable[[Request], Response | None]


@dataclass
class Front:
    """API Gateway and S3, as a client sees them. `fault` of either may answer in its place, or
    (`lost`) in place of an answer to what was done."""

    api: Api
    world: World
    url: str = ""
    reached: set[str] = field(default_factory=set)
    """Handlers of the routes that were asked, and answered as they should."""
    stored: list[str] = field(default_factory=list)
    """Every PUT that the storage took: a key, or a part's number."""
    fault: Fault = lambda _: None
    lost: Fault = lambda _: None

    def application(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return Starlette(
            routes=[
                Route("/api/{path:path}", self.ask, methods=methods),
                Route(f"/{BUCKET}/{{key:path}}", self.store, methods=["GET", "PUT"]),
            ]
        )

    async def ask(self, request: Request) -> Response:
        if fault := self.fault(request):
            return fault
        body = (await request.body()).decode() or None
        answer: Answered = await run_in_threadpool(
            self.api,
            request.method,
            request.url.path,
            body,
            headers=dict(request.headers),
            **dict(request.query_params),
        )
        if answer.status < 400:
            route, _ = routes.find(request.method, request.url.path)
            self.reached.add(route.handler)
        content = "" if answer.status in (204, 302) else json.dumps(answer.body)
        return self.lost(request) or Response(content, answer.status, dict(answer.headers))

    async def store(self, request: Request) -> Response:
        body = await request.body()
        if fault := self.fault(request):
            return fault
        assert "authorization" not in request.headers
        if request.method == "GET":
            return await run_in_threadpool(self._get, request)
        try:
            answer = await run_in_threadpool(self._put, request, body)
        except ClientError as error:
            return storage_error(error.response["ResponseMetadata"]["HTTPStatusCode"])
        return self.lost(request) or answer

    def _get(self, request: Request) -> Response:
        more = {"Range": request.headers["range"]} if "range" in request.headers else {}
        key = request.path_params["key"]
        found = self.world.s3.get_object(Bucket=BUCKET, Key=key, **more)
        return Response(found["Body"].read(), 206 if more else 200)

    def _put(self, request: Request, body: bytes) -> Response:
        query, headers = request.query_params, request.headers
        named = {"Bucket": BUCKET, "Key": request.path_params["key"], "Body": body}
        if "partNumber" in query:
            number = int(query["partNumber"])
            digest = headers["content-md5"]
            answer = self.world.s3.upload_part(
                **named, PartNumber=number, UploadId=query["uploadId"], ContentMD5=digest
            )
            self.stored.append(f"part {number}")
        else:
            none = headers["if-none-match"]
            kind = headers["content-type"]
            answer = self.world.s3.put_object(**named, IfNoneMatch=none, ContentType=kind)
            self.stored.append(request.path_params["key"])
        return Response(headers={"etag": answer["ETag"]})


def storage_error(status: int) -> Response:
    return Response("<Error><Message>Not now.</Message></Error>", status)


def outage() -> Response:
    return Response("Bad Gateway", 502)


def first(times: int, answer: Callable[[], Response], wanted: Callable[[Request], bool]) -> Fault:
    """So many requests that are wanted get this answer; then none."""
    left = [times]

    def fault(request: Request) -> Response | None:
        if not wanted(request) or not left[0]:
            return None
        left[0] -= 1
        return answer()

    return fault


def is_put(request: Request) -> bool:
    return request.method == "PUT" and request.url.path.startswith(f"/{BUCKET}/")


@pytest.fixture
def front(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    secret = bootstrap._client("secretsmanager").create_secret(Name="w", SecretString=MASTER)
    server = Server(0)
    api.environment |= {
        "PUBLISH_QUEUE_URL": world.publish_queue.url,
        "WHISPER_MODELS": "base,tiny",
        "PUBLISH_DEAD_LETTERS_URL": world.sqs.create_queue(QueueName="dead")["QueueUrl"],
        "WEBHOOK_QUEUE_URL": world.sqs.create_queue(QueueName="webhooks")["QueueUrl"],
        "WEBHOOK_SECRET_ARN": secret["ARN"],
        "S3_PUBLIC_ENDPOINT": server.url,
    }
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bootstrap, "dispatcher", lambda *_: world.dispatcher)
    monkeypatch.setattr(bootstrap, "imports", lambda *_: world.imports)
    monkeypatch.setattr(bootstrap, "utc_now", world.clock)
    monkeypatch.setattr("debate_analyzer.upload.PART_BYTES", PART)
    monkeypatch.setattr("debate_analyzer.upload.MULTIPART_BYTES", PART)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("debate_analyzer.aws._WAIT_SECONDS", 0)
    monkeypatch.setattr("local.cli.sender._PAUSES", (0.0,) * 5)
    monkeypatch.setenv("DEBATE_API", server.url)
    monkeypatch.delenv("DEBATE_TOKEN", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    front = Front(api, world, server.url)
    server.start(front.application())
    yield front
    server.stop()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "evening.mp4"
    file.write_bytes(bytes(1000))
    return file


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Three parts, no two alike."""
    file = tmp_path / "night.mp4"
    file.write_bytes(b"".join(bytes([n]) * PART for n in (1, 2)) + b"\3" * 1000)
    return file


def content(world: World, job_id: str) -> bytes:
    job = world.job(job_id)
    found = world.store.get(job.media.key)
    assert found is not None
    return found[0]


def out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip()


# --- every route ----------------------------------------------------------------------------------


def test_every_route_is_reached_by_a_command_or_there_is_a_reason(
    front: Front,
    world: World,
    small: Path,
    large: Path,
    tmp_path: Path,
    answers: list[int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def debate(*arguments: object) -> str:
        assert main([str(one) for one in arguments]) == 0, capsys.readouterr().err
        return out(capsys)

    complete(world)
    document = statistics(JOB_ID).model_dump_json(by_alias=True).encode()
    world.drop(private_statistics_key(JOB_ID), document, "application/json")
    speech = [Segment(start=0, end=6, text="one two three", speaker="SPEAKER_00")]
    transcript = Transcript(duration=10, transcription=speech).model_dump_json()
    world.drop(TRANSCRIPT, transcript.encode(), "application/json")

    # Recordings come.
    debate("upload", small, "--title", "Evening", "--no-publish")
    front.fault = first(100, lambda: storage_error(500), is_put)
    assert main(["upload", str(large)]) == 3
    broken = world.s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["Key"].split("/")[1]
    front.fault = lambda _: None
    debate("upload", "--resume", broken, large)
    given_up = debate("upload", small)
    world.store.delete(f"jobs/{given_up}/")
    debate("abort", given_up)
    fetched = debate("import", URL, "--language", "es", "--playlist", 1)
    assert world.importers.started[-1]["VIDEO_URL"] == URL
    world.drop("incoming/lunch.mp4")
    debate("register", f"s3://{BUCKET}/incoming/lunch.mp4", "--title", "Lunch")

    # Debates are looked at, and fetched.
    assert len(json.loads(debate("list", "--all", "--json"))) == 6
    assert fetched[:8] in debate("list", "--status", "active")
    assert fetched[:8] not in debate("list", "--status", "complete", "--from", "2026-11-21")
    assert "SPEAKER_00" in debate("show", JOB_ID[:6])
    assert "SPEAKER_00" in debate("follow", JOB_ID)
    debate("search", "climate", "change")
    assert json.loads(debate("statistics", JOB_ID)) == json.loads(document)
    assert debate("transcript", JOB_ID, "--format", "json") == transcript
    assert debate("video", JOB_ID).startswith(front.url)
    debate("video", JOB_ID, "-o", tmp_path / "copy.mp4")
    assert (tmp_path / "copy.mp4").read_bytes() == content(world, JOB_ID)

    # Something is done with them.
    debate("change", JOB_ID, "--title", "Town hall", "--language", "en")
    debate("unpublish", JOB_ID)
    assert (world.job().title, world.job().published) == ("Town hall", False)
    debate("publish", JOB_ID)
    debate("rename", JOB_ID, "SPEAKER_00", "Ana")
    assert "SPEAKER_00 is called Ana" in debate("edits", JOB_ID)
    link = debate("share", JOB_ID)
    assert link in debate("shares", JOB_ID)
    debate("unshare", JOB_ID, link)
    assert json.loads(debate("shares", JOB_ID, "--json")) == []
    debate("feedback", JOB_ID, "--not-useful", "--comment", "Too short.")
    assert "Too short." in debate("feedback", JOB_ID)
    debate("feedback", JOB_ID, "--withdraw")

    # Others are told.
    webhook = json.loads(debate("webhooks", "add", "https://hooks.example/x", "--json"))
    assert webhook["secret"].startswith("whsec_")
    assert "hooks.example" in debate("webhooks", "list")
    assert webhook["secret"] in debate("webhooks", "show", webhook["webhook_id"][:4])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("time.sleep", lambda _: deliver(front.api, world))
        assert "delivered" in debate("webhooks", "test", webhook["webhook_id"])
    log = bootstrap.deliveries(Settings(front.api.environment))
    [told] = log.announce(world.job(), world.clock())
    assert "job.completed" in debate("deliveries", JOB_ID)
    deliver(front.api, world)
    debate("deliveries", JOB_ID, "--retry", told)
    debate("webhooks", "remove", webhook["webhook_id"])

    # Recordings in chunks.
    session = left_behind(front)
    assert session in debate("recordings", "list")
    assert "chunks 0-1" in debate("recordings", "show", session)
    finished = debate("recordings", "finish", session, "--without-missing")
    assert world.job(finished).title == "Council"
    debate("delete", finished, "--yes")
    other = left_behind(front)
    debate("recordings", "delete", other, "--yes")

    # What was given up.
    front.api.groups = "[operator]"
    letters = [bury(front, name) for name in ("one", "another", "a third")]
    assert debate("failures", "list").split()[-2:] == ["publish", "3"]
    assert letters[0][:8] in debate("failures", "list", "publish")
    assert "one" in debate("failures", "show", "publish", letters[0][:8])
    assert json.loads(debate("failures", "replay", "publish", letters[0], "--json"))["left"] == 2
    debate("failures", "drop", "publish", letters[1], "--yes")
    debate("failures", "replay", "publish", "--all")
    bury(front, "the last")
    debate("failures", "drop", "publish", "--all", "--yes")
    assert debate("failures", "list", "publish") == ""

    # The end.
    debate("retry", JOB_ID, "--stage", "transcribe", "--model", "tiny", "--speakers", 2)
    assert (world.job().model, world.job().status) == ("tiny", Status.QUEUED)
    debate("cancel", JOB_ID)
    deleted = debate("delete", JOB_ID, "--yes").splitlines()
    assert any(line.endswith("town hall.mp4") for line in deleted)

    assert front.reached.isdisjoint(NOT_REACHED)
    assert front.reached | set(NOT_REACHED) == {route.handler for route in ROUTES}


def bury(front: Front, body: str) -> str:
    """A letter's id."""
    of = front.api.environment["PUBLISH_DEAD_LETTERS_URL"]
    return str(front.world.sqs.send_message(QueueUrl=of, MessageBody=body)["MessageId"])


def left_behind(front: Front) -> str:
    """A recording whose recorder went away: chunk 0 lies there unsaid, chunk 1 never came."""
    sessions = "/api/audio/sessions"
    wanted = {"content_type": "audio/webm;codecs=opus", "title": "Council"}
    session: str = front.api("POST", sessions, wanted).body["session_id"]
    for seq in (0, 1):
        chunk = {"seq": seq, "t_start": 5000 * seq, "t_end": 5000 * seq + 4000, "size": 8}
        target = front.api("POST", f"{sessions}/{session}/chunks/presign", chunk)
        if seq == 0:
            front.world.drop(target.body["key"], bytes(8), "audio/webm")
    return session


# --- uploads --------------------------------------------------------------------------------------


def test_parts_that_fail_are_sent_again_by_fresh_addresses(
    front: Front, world: World, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    expired = iter([403, 500, 400])

    def is_new(request: Request) -> bool:
        asked.append(f"{request.method} {request.url.path}")
        return is_put(request)

    front.fault = first(3, lambda: storage_error(next(expired)), is_new)
    assert main(["upload", str(large)]) == 0
    job_id = out(capsys)
    assert content(world, job_id) == large.read_bytes()
    assert sorted(front.stored) == ["part 1", "part 2", "part 3"]
    assert asked.count(f"POST /api/uploads/{job_id}/parts") == 1 + 3


def test_an_upload_goes_on_where_it_broke_off(
    front: Front, world: World, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def is_third(request: Request) -> bool:
        return request.query_params.get("partNumber") == "3"

    front.fault = first(100, lambda: storage_error(503), is_third)
    assert main(["upload", str(large)]) == 3
    hint = " ".join(capsys.readouterr().err.split())
    front.fault = lambda _: None
    arguments = hint.partition("debate upload ")[2].split()[:3]
    assert arguments[2] == str(large)

    front.stored.clear()
    assert main(["upload", *arguments]) == 0
    assert front.stored == ["part 3"]
    assert content(world, arguments[1]) == large.read_bytes()
    assert main(["upload", *arguments]) == 0
    assert "All of it has arrived" in capsys.readouterr().err


def test_of_another_file_under_the_same_name_nothing_is_left(
    front: Front, world: World, large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that arrived of the file as it was is not joined with what it is now."""
    front.fault = first(
        100, lambda: storage_error(503), lambda request: "partNumber=3" in str(request.url)
    )
    assert main(["upload", str(large)]) == 3
    [job] = json.loads(_listed(capsys))
    front.fault = lambda _: None
    changed = bytearray(large.read_bytes())
    changed[PART] ^= 0xFF
    large.write_bytes(changed)

    assert main(["upload", "--resume", job["job_id"], str(large)]) == 0
    assert md5(content(world, job["job_id"])).digest() == md5(changed).digest()


def test_another_file_is_not_the_rest_of_an_upload(
    front: Front, large: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upload", str(small)]) == 0
    job_id = out(capsys)
    assert main(["upload", "--resume", job_id, str(large)]) == 2
    assert "Name the file that was announced." in capsys.readouterr().err


@pytest.mark.parametrize("what", ["announced", "stored"])
def test_what_is_done_and_not_answered_is_not_done_twice(
    front: Front, world: World, small: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def is_it(request: Request) -> bool:
        return is_put(request) if what == "stored" else request.url.path == "/api/uploads"

    front.lost = first(1, outage, is_it)
    assert main(["upload", str(small)]) == 0
    assert content(world, out(capsys)) == small.read_bytes()
    assert len(json.loads(_listed(capsys))) == 1
    assert len(front.stored) == 1


def test_an_interrupted_upload_says_how_to_go_on(
    front: Front,
    large: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("local.cli.sender.Sender._signed", interrupt)
    assert main(["upload", str(large)]) == 130
    assert "debate upload --resume" in capsys.readouterr().err


def _listed(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    return out(capsys)


# --- and back -------------------------------------------------------------------------------------


def test_a_download_goes_on_where_it_broke_off(
    front: Front, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(world)
    whole = bytes(range(256)) * 4096
    world.drop(world.job().media.key, whole)
    ranges: list[str | None] = []

    def torn(request: Request) -> Response | None:
        if not request.url.path.startswith(f"/{BUCKET}/"):
            return None
        ranges.append(request.headers.get("range"))
        if len(ranges) == 1:
            return Response(whole[:1000], headers={"content-length": str(len(whole))})
        return None

    front.fault = torn
    target = tmp_path / "copy.mp4"
    assert main(["video", JOB_ID, "-o", str(target)]) == 0
    assert target.read_bytes() == whole
    assert ranges == [None, "bytes=1000-"]
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_is_deleted_unasked(
    front: Front,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    complete(world)
    for answer in ("", "n", "nonsense"):
        monkeypatch.setattr("builtins.input", lambda *_, answer=answer: answer)
        assert main(["delete", JOB_ID]) == 2
        assert "Nothing was deleted." in capsys.readouterr().err
    assert world.job().status is Status.COMPLETE
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    assert main(["delete", JOB_ID]) == 0
    assert f"jobs/{JOB_ID}/videos/town hall.mp4" in out(capsys)
    assert main(["delete", JOB_ID, "--yes"]) == 2
    assert "(not_found)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["retry", JOB_ID, "--model", "enormous"], "There are: base, tiny. (unknown_model)"),
        (["transcript", JOB_ID, "--format", "docx"], "(not_ready)"),
        (["import", "http://127.0.0.1/x.mp4"], "(invalid_address)"),
        (["register", "s3://elsewhere/jobs/x"], "(invalid_request)"),
        (["webhooks", "add", "http://hooks.example/"], "must begin with https://"),
        (["list", "--status", "asleep"], "There is no status 'asleep'."),
        (["change", JOB_ID], "Say what is to be different"),
        (["feedback", JOB_ID, "--comment", "why"], "goes with --useful"),
        (["upload", "a.mp4", "b.mp4", "--title", "x"], "are of one file"),
        (["unshare", JOB_ID, "nowhere"], "no such link"),
    ],
)
def test_a_refusal_has_a_sentence_and_the_api_s_code(
    front: Front, world: World, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    complete(world)
    assert main(arguments) == 2
    assert said in " ".join(capsys.readouterr().err.split())
