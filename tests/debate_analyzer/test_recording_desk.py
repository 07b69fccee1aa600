"""Recordings on moto: chunks in, a debate out, whoever dies or writes at once."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debate_analyzer import aws
from debate_analyzer.config import Allowance
from debate_analyzer.errors import (
    Conflict,
    IncompleteRecording,
    InvalidRequest,
    NotFound,
    NotReady,
    TooManyJobs,
    UploadMismatch,
)
from debate_analyzer.job import ANONYMOUS_OWNER, Fault
from debate_analyzer.limits import Limits
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import StoredObject
from debate_analyzer.recording import (
    ChunkRequest,
    Manifest,
    SessionRequest,
    document,
    parse_manifest,
)
from debate_analyzer.recording_desk import (
    MAX_URLS,
    PART_BYTES,
    ChunkTarget,
    CompleteRequest,
    FinalizeRequest,
    ManifestRequest,
    RecordingDesk,
    RetryRequest,
    SessionsQuery,
    erase_session,
)
from tests.world import Clock, World


@dataclass
class Bus:
    """ports.EventBus that remembers what was said; `fails` so many times first."""

    said: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    fails: int = 0

    def send(self, kind: str, detail: Mapping[str, Any]) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("EventBridge did not take it")
        self.said.append((kind, detail))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.said]


@dataclass
class Recorder:
    """Ana's browser."""

    world: World
    bus: Bus = field(default_factory=Bus)
    owner: str = "auth0|ana"
    allowance: Allowance = field(default_factory=Allowance)

    def __post_init__(self) -> None:
        self.desk = RecordingDesk(
            owner=self.owner,
            party=self.owner,
            table=self.world.table,
            store=self.world.store,
            ledger=self.world.ledger,
            bus=self.bus,
            imports=self.world.imports,
            limits=Limits(self.world.ledger, self.world.table, self.allowance),
            publish_by_default=True,
            now=self.world.clock,
            pause=self.world.pauses.append,
        )

    def begin(self, **said: Any) -> str:
        return self.desk.create(SessionRequest(**said)).session_id

    def announce(self, session: str, seq: int, size: int = 8) -> ChunkTarget:
        return self.desk.presign(session, request(seq, size))

    def put(self, target: ChunkTarget, data: bytes | None = None) -> None:
        """As S3 would have it after the PUT."""
        [put] = target.puts
        body = bytes(put.bytes) if data is None else data
        metadata = {n[11:]: v for n, v in put.headers.items() if n.startswith("x-amz-meta-")}
        self.world.s3.put_object(
            Bucket=self.world.store.bucket,
            Key=target.key,
            Body=body,
            ContentType=put.headers["Content-Type"],
            Metadata=metadata,
        )

    def send(self, session: str, seq: int, size: int = 8) -> None:
        self.put(self.announce(session, seq, size))

    def complete(self, session: str, seq: int) -> Any:
        return self.desk.complete(session, CompleteRequest(seq=seq))

    def record(self, *seqs: int, **said: Any) -> str:
        session = self.begin(**said)
        for seq in seqs:
            self.send(session, seq)
            self.complete(session, seq)
        return session

    def finalize(self, session: str, *without: int) -> Any:
        return self.desk.finalize(session, FinalizeRequest(without=list(without)))

    def manifest(self, session: str) -> Manifest:
        return self.desk.get(session).manifest


def request(seq: int, size: int = 8) -> ChunkRequest:
    return ChunkRequest(seq=seq, t_start=seq * 5000, t_end=seq * 5000 + 5000, size=size)


@pytest.fixture
def ana(world: World) -> Recorder:
    return Recorder(world)


# --- Chunks ---------------------------------------------------------------------------------------


def test_a_chunk_is_sent_to_its_key_and_taken_into_the_manifest(ana: Recorder) -> None:
    session = ana.begin(content_type="audio/webm;codecs=opus", title="Council")
    target = ana.announce(session, 7)
    folder = f"users/auth0.7Cana/audio/sessions/{session}"
    assert target.key == f"{folder}/chunks/00007-35000-40000.webm"
    assert (target.expires_at - ana.world.clock()).total_seconds() == 300

    ana.put(target)
    done = ana.complete(session, 7)
    assert (done.session.bytes, done.session.duration_ms) == (8, 40_000)
    assert done.session.missing == list(range(7))
    head = ana.world.s3.head_object(Bucket=ana.world.store.bucket, Key=target.key)
    assert head["Metadata"] == {"user-id": "auth0.7Cana", "session-id": session, "seq": "7"}

    stored = ana.world.store.get(f"{folder}/manifest.json")
    assert stored is not None
    assert parse_manifest(stored[0]) == ana.manifest(session)
    [chunk] = ana.manifest(session).complete_chunks
    assert chunk == done.chunk
    assert chunk.etag == head["ETag"].strip('"')
    assert ana.bus.said == [
        (
            "AudioChunkUploaded",
            {
                "user_id": "auth0.7Cana",
                "session_id": session,
                "seq": 7,
                "key": target.key,
                "t_start": 35_000,
                "t_end": 40_000,
                "bytes": 8,
                "content_type": "audio/webm",
                "etag": chunk.etag,
            },
        )
    ]


def test_the_address_fixes_size_type_and_metadata_and_replaces_nothing(ana: Recorder) -> None:
    session = ana.begin()
    signing = replace(ana.world.store, signing=aws.client("s3"))
    ana.desk = replace(ana.desk, store=signing)
    [put] = ana.announce(session, 0, size=1234).puts
    signed = parse_qs(urlsplit(put.url).query)
    assert signed["X-Amz-Expires"] == ["300"]
    assert set(signed["X-Amz-SignedHeaders"][0].split(";")) == {
        "host",
        "content-length",
        "content-type",
        "if-none-match",
        "x-amz-meta-user-id",
        "x-amz-meta-session-id",
        "x-amz-meta-seq",
    }
    assert put.headers == {
        "Content-Type": "audio/webm",
        "If-None-Match": "*",
        "x-amz-meta-user-id": "auth0.7Cana",
        "x-amz-meta-session-id": session,
        "x-amz-meta-seq": "0",
    }


def test_a_chunk_that_was_not_sent_cannot_be_completed(ana: Recorder) -> None:
    session = ana.begin()
    with pytest.raises(NotFound, match="never announced"):
        ana.complete(session, 0)
    ana.announce(session, 0)
    with pytest.raises(NotReady, match="not in the bucket yet"):
        ana.complete(session, 0)
    assert ana.manifest(session).missing == [0]
    assert ana.bus.said == []


def test_what_arrived_is_what_was_announced(ana: Recorder) -> None:
    session = ana.begin()
    ana.put(ana.announce(session, 0), b"longer than eight")
    with pytest.raises(UploadMismatch, match="8 bytes, and 17"):
        ana.complete(session, 0)
    assert ana.desk.retry(session, RetryRequest()).completed == []


def test_everything_may_be_said_twice(ana: Recorder) -> None:
    session = ana.begin()
    assert ana.announce(session, 0).key == ana.announce(session, 0).key
    ana.send(session, 0)
    first = ana.complete(session, 0)
    assert ana.complete(session, 0) == first
    with pytest.raises(Conflict, match="nothing to send"):
        ana.announce(session, 0)
    # Whoever completes again may not have lived to tell: at least once.
    assert ana.bus.kinds() == ["AudioChunkUploaded"] * 2


def test_an_event_that_was_not_taken_is_sent_by_the_repetition(ana: Recorder) -> None:
    session = ana.begin()
    ana.send(session, 0)
    ana.bus.fails = 1
    with pytest.raises(ConnectionError):
        ana.complete(session, 0)
    ana.complete(session, 0)
    assert ana.bus.kinds() == ["AudioChunkUploaded"]


@dataclass
class Shelf:
    """Of ports.ObjectStore what completing needs, for many threads: moto's S3 bears only one."""

    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    conflicts: int = 0

    def get(self, key: str) -> tuple[bytes, str] | None:
        return self.kept.get(key)

    def head(self, key: str) -> StoredObject | None:
        data, etag = self.kept[key]
        return StoredObject(key, len(data), etag, "audio/webm", Clock()())

    def list(self, prefix: str) -> Iterator[StoredObject]:
        for key in sorted(filter(lambda key: key.startswith(prefix), list(self.kept))):
            data, etag = self.kept[key]
            yield StoredObject(key, len(data), etag, "", Clock()())

    def put(self, key: str, data: bytes, content_type: str, *, if_match: str) -> str:
        with self.lock:
            _, there = self.kept.get(key, (b"", ""))
            if there != if_match:
                self.conflicts += 1
                raise Conflict(f"{key} was written by somebody else.")
            etag = str(uuid.uuid4())
            self.kept[key] = (data, etag)
            return etag


def test_sixteen_who_complete_thirty_chunks_each_lose_none(ana: Recorder) -> None:
    shelf: Any = Shelf()
    ana.desk = replace(ana.desk, store=shelf, pause=time.sleep)
    session = ana.begin()
    seqs = list(range(480))
    manifest = ana.manifest(session)
    manifest = manifest.announced(map(manifest.new_chunk, map(request, seqs)), ana.world.clock())
    shelf.kept[manifest.key] = (document(manifest), "announced")
    random.Random(7).shuffle(seqs)

    def write(number: int) -> None:
        for seq in seqs[number::16]:
            shelf.kept[manifest.chunk(seq).key] = (bytes(8), "sent")
            ana.complete(session, seq)

    with ThreadPoolExecutor(16) as pool:
        for written in [pool.submit(write, number) for number in range(16)]:
            written.result()
    manifest = ana.manifest(session)
    assert [chunk.seq for chunk in manifest.complete_chunks] == list(range(480))
    assert (manifest.bytes, manifest.duration_ms) == (480 * 8, 480 * 5000)
    assert {detail["seq"] for _, detail in ana.bus.said} == set(range(480))
    assert shelf.conflicts > 0


def test_who_loses_a_write_takes_in_what_others_have_sent(ana: Recorder) -> None:
    session = ana.begin()
    ana.send(session, 0)
    ana.send(session, 1)  # by a tab that is closed before it says so
    other = Recorder(ana.world, ana.bus)

    class Late:
        """Another tab writes between this one's first read and its write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ana.world.store, name)

        def put(self, *arguments: Any, **options: Any) -> str:
            if not ana.world.pauses:
                other.announce(session, 2)
            return ana.world.store.put(*arguments, **options)

    ana.desk = replace(ana.desk, store=Late())  # type: ignore[arg-type]
    assert ana.complete(session, 0).session.missing == [2]
    assert len(ana.world.pauses) == 1
    assert [detail["seq"] for _, detail in ana.bus.said] == [0, 1]


def test_who_never_comes_through_is_told_and_nothing_is_lost(ana: Recorder) -> None:
    session = ana.begin()
    ana.send(session, 0)

    class Busy:
        """Somebody else writes between every read and every write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ana.world.store, name)

        def put(self, *arguments: Any, **options: Any) -> str:
            raise Conflict("written by somebody else")

    desk = replace(ana.desk, store=Busy())  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="at once"):
        desk.complete(session, CompleteRequest(seq=0))
    assert 0 < sum(ana.world.pauses) < 20
    ana.complete(session, 0)


# --- Chunks in parts ------------------------------------------------------------------------------


def send_parts(ana: Recorder, target: ChunkTarget, *numbers: int) -> None:
    for number in numbers:
        put = next(put for put in target.puts if put.offset == (number - 1) * PART_BYTES)
        query = parse_qs(urlsplit(put.url).query)
        assert query["partNumber"] == [str(number)]
        ana.world.s3.upload_part(
            Bucket=ana.world.store.bucket,
            Key=target.key,
            UploadId=query["uploadId"][0],
            PartNumber=number,
            Body=bytes(put.bytes),
        )


def test_a_chunk_of_more_than_five_megabytes_comes_in_parts(ana: Recorder) -> None:
    session = ana.begin()
    assert len(ana.announce(session, 0, size=PART_BYTES).puts) == 1
    size = 2 * PART_BYTES + 7
    target = ana.announce(session, 1, size)
    assert [(put.offset, put.bytes) for put in target.puts] == [
        (0, PART_BYTES),
        (PART_BYTES, PART_BYTES),
        (2 * PART_BYTES, 7),
    ]
    send_parts(ana, target, 3, 1)
    with pytest.raises(NotReady, match=r"chunk 1 the parts 2 are not"):
        ana.complete(session, 1)

    again = ana.announce(session, 1, size)
    assert [put.offset for put in again.puts] == [PART_BYTES]
    send_parts(ana, again, 2)
    done = ana.complete(session, 1)
    assert (done.chunk.bytes, done.chunk.upload_id) == (size, None)
    head = ana.world.s3.head_object(Bucket=ana.world.store.bucket, Key=target.key)
    assert (head["ContentType"], head["Metadata"]["seq"]) == ("audio/webm", "1")
    assert ana.complete(session, 1) == done


def test_parts_that_were_joined_by_a_call_that_died_are_found(ana: Recorder) -> None:
    session = ana.begin()
    target = ana.announce(session, 0, PART_BYTES + 1)
    send_parts(ana, target, 1, 2)
    upload_id = ana.manifest(session).chunk(0).upload_id
    assert upload_id is not None
    parts = ana.world.store.parts(target.key, upload_id)
    ana.world.store.complete_multipart(target.key, upload_id, parts)
    assert ana.complete(session, 0).chunk.is_complete


def test_an_upload_that_has_lapsed_begins_anew(ana: Recorder) -> None:
    session = ana.begin()
    target = ana.announce(session, 0, PART_BYTES + 1)
    send_parts(ana, target, 1)
    first = ana.manifest(session).chunk(0).upload_id
    assert first is not None
    ana.world.store.abort_multipart(target.key, first)
    with pytest.raises(NotReady, match="not in the bucket"):
        ana.complete(session, 0)
    [fresh] = ana.desk.retry(session, RetryRequest()).chunks
    assert len(fresh.puts) == 2
    send_parts(ana, fresh, 2, 1)
    assert ana.complete(session, 0).chunk.is_complete


def test_of_two_tabs_that_announce_it_one_upload_goes_on(ana: Recorder) -> None:
    session = ana.begin()
    other = Recorder(ana.world)
    start = ana.world.store.start_multipart

    class Late:
        """The other tab is faster, just before this one's upload is written down."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ana.world.store, name)

        def start_multipart(self, *arguments: Any, **options: Any) -> str:
            other.announce(session, 0, PART_BYTES + 1)
            return start(*arguments, **options)

    ana.desk = replace(ana.desk, store=Late())  # type: ignore[arg-type]
    target = ana.announce(session, 0, PART_BYTES + 1)
    [upload] = ana.world.s3.list_multipart_uploads(Bucket=ana.world.store.bucket)["Uploads"]
    assert all(upload["UploadId"] in put.url for put in target.puts)


# --- What failed on its way -----------------------------------------------------------------------


def test_one_call_gives_new_addresses_to_all_that_failed(ana: Recorder) -> None:
    session = ana.record(0)
    for seq in (1, 2, 3):
        ana.announce(session, seq)
    ana.send(session, 4)  # and the tab was closed before it was completed
    retry = ana.desk.retry(session, RetryRequest())
    assert (retry.completed, retry.more) == ([4], 0)
    assert [chunk.seq for chunk in retry.chunks] == [1, 2, 3]
    for target in retry.chunks:
        ana.put(target)
        ana.complete(session, target.seq)
    assert ana.desk.get(session).missing == []
    assert ana.desk.retry(session, RetryRequest()).chunks == []
    assert len(ana.bus.said) == 5


def test_new_addresses_for_some(ana: Recorder) -> None:
    session = ana.begin()
    for seq in range(4):
        ana.send(session, seq)
    retry = ana.desk.retry(session, RetryRequest(seqs=[2]))
    assert (retry.completed, retry.chunks) == ([2], [])
    assert ana.desk.get(session).missing == [0, 1, 3]
    with pytest.raises(NotFound, match="Chunk 9"):
        ana.desk.retry(session, RetryRequest(seqs=[9]))


def test_there_are_no_more_addresses_than_an_answer_holds(ana: Recorder) -> None:
    session = ana.begin()
    chunks = [request(seq) for seq in range(MAX_URLS + 3)]
    ana.desk.upsert(session, ManifestRequest(chunks=chunks))
    retry = ana.desk.retry(session, RetryRequest())
    assert (len(retry.chunks), retry.more) == (MAX_URLS, 3)


def test_a_client_says_what_it_holds_and_is_not_believed(ana: Recorder) -> None:
    session = ana.begin(title="Council")
    ana.send(session, 0)
    said = ManifestRequest(
        title="Town hall", language="es", chunks=[request(seq) for seq in range(3)]
    )
    for _ in range(2):
        view = ana.desk.upsert(session, said)
        assert (view.title, view.manifest.language) == ("Town hall", "es")
        assert [chunk.is_complete for chunk in view.manifest.chunks] == [True, False, False]
        assert view.missing == [1, 2]
    assert ana.bus.kinds() == ["AudioChunkUploaded"]
    [entry] = ana.desk.sessions(SessionsQuery()).sessions
    assert entry.title == "Town hall"
    assert ana.desk.upsert(session, ManifestRequest(speakers=3)).manifest.language == "es"


# --- The end --------------------------------------------------------------------------------------


def test_a_recording_becomes_a_debate(ana: Recorder) -> None:
    said = {"speakers": 4, "channel_per_speaker": True, "notify": "ana@example.org"}
    session = ana.record(0, 1, title="Council", language="es", published=False, **said)
    done = ana.finalize(session)
    assert (done.state, done.missing, done.duration_ms) == ("finalized", [], 10_000)
    job = ana.world.job(done.job_id)
    key = ana.manifest(session).key
    assert (job.owner, job.title, job.status) == ("auth0|ana", "Council", Status.UPLOADING)
    assert (job.language, job.speakers, job.channel_per_speaker) == ("es", 4, True)
    assert (job.notify, job.published, job.recording) == ("ana@example.org", False, key)
    assert ana.world.importers.started == [{"JOB_ID": done.job_id, "RECORDING_MANIFEST": key}]
    assert ana.bus.said[2:] == [
        (
            "RecordingFinalized",
            {
                "user_id": "auth0.7Cana",
                "session_id": session,
                "manifest": key,
                "job_id": done.job_id,
                "chunks": 2,
                "bytes": 16,
                "duration_ms": 10_000,
            },
        )
    ]
    assert ana.desk.get(session).job_id == done.job_id
    assert [entry.job_id for entry in ana.desk.sessions(SessionsQuery()).sessions] == [done.job_id]


def test_finalized_twice_is_finalized_once(ana: Recorder) -> None:
    session = ana.record(0)
    first = ana.finalize(session)
    ana.world.clock.advance(hours=1)
    assert ana.finalize(session) == first
    assert len(ana.world.importers.started) == 1
    assert ana.bus.kinds().count("RecordingFinalized") == 1
    for late in (
        lambda: ana.announce(session, 1),
        lambda: ana.desk.upsert(session, ManifestRequest(title="Other")),
        lambda: ana.desk.retry(session, RetryRequest()),
    ):
        with pytest.raises(Conflict, match="finalized"):
            late()


def test_with_holes_it_is_not_finalized(ana: Recorder) -> None:
    session = ana.record(0, 3)
    ana.announce(session, 5)
    with pytest.raises(IncompleteRecording, match="chunks 1-2, 4-5 are missing"):
        ana.finalize(session)
    assert ana.world.importers.started == []
    done = ana.finalize(session, 1, 2, 4, 5)
    assert (done.state, done.missing) == ("finalized", [])
    with pytest.raises(Conflict, match="finalized"):
        ana.complete(session, 5)


Breaking = Callable[[Recorder, pytest.MonkeyPatch], None]


def _row(ana: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ana.world.table), "create", _die)


def _submit(ana: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ana.world.importers, "start", _die)


def _list(ana: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ana.world.ledger), "put", _die)


def _event(ana: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ana.bus, "send", _die)


def _last_write(ana: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Manifest, "handed_on", _die)


def _die(*_: Any, **__: Any) -> Any:
    raise ConnectionError("the function died here")


@pytest.mark.parametrize("broken", [_row, _submit, _list, _event, _last_write])
def test_what_a_call_that_died_left_undone_its_repetition_does(
    ana: Recorder, monkeypatch: pytest.MonkeyPatch, broken: Breaking
) -> None:
    session = ana.record(0)
    with monkeypatch.context() as patched:
        broken(ana, patched)
        with pytest.raises(ConnectionError):
            ana.finalize(session)
    done = ana.finalize(session)
    assert ana.finalize(session) == done
    [started] = ana.world.importers.started
    assert started["JOB_ID"] == done.job_id
    # The very last write alone cannot say whether the event before it was sent: at least once.
    told = ana.bus.kinds().count("RecordingFinalized")
    assert told == (2 if broken is _last_write else 1)
    assert ana.world.job(done.job_id).status is Status.UPLOADING


def test_a_recording_too_many_is_not_sealed_and_can_be_finalized_later(world: World) -> None:
    ana = Recorder(world, allowance=Allowance(active_jobs=1, bytes_per_day=100))
    first, second = ana.record(0), ana.record(0)
    done = ana.finalize(first)
    with pytest.raises(TooManyJobs):
        ana.finalize(second)
    assert ana.desk.get(second).state == "recording"
    assert ana.finalize(first) == done
    world.table.replace(world.job(done.job_id).cancelled(world.clock()))
    assert ana.finalize(second).state == "finalized"


def test_many_who_finalize_at_once_are_counted_once(world: World) -> None:
    ana = Recorder(world, allowance=Allowance(active_jobs=100, bytes_per_day=1000))
    session = ana.record(0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ana.finalize(session), range(8)))
    assert len(world.ledger.list("active auth0|ana", limit=100)) == 1
    day = f"{world.clock():%Y-%m-%d}"
    assert world.ledger.count("bytes auth0|ana", day, 1, expires_at=2**40) == 8 + 1


def test_many_who_finalize_at_once_make_one_debate(ana: Recorder) -> None:
    session = ana.record(0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ana.finalize(session), range(8)))
    assert len({answer.job_id for answer in answers}) == 1
    assert {started["JOB_ID"] for started in ana.world.importers.started} == {answers[0].job_id}


# --- Lists, others, the end of everything ---------------------------------------------------------


def test_the_newest_come_first_page_by_page(ana: Recorder) -> None:
    made = []
    for _ in range(5):
        made.append(ana.begin())
        ana.world.clock.advance(seconds=1)
    seen: list[str] = []
    cursor = None
    while True:
        page = ana.desk.sessions(SessionsQuery(limit=2, cursor=cursor))
        seen += [entry.session_id for entry in page.sessions]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("owner", ["auth0|bo", "auth0.7Cana", ANONYMOUS_OWNER, "auth0|ana/.."])
def test_what_is_anas_is_nobody_elses(ana: Recorder, owner: str) -> None:
    session = ana.record(0)
    other = Recorder(ana.world, owner=owner)
    for attempt in (
        lambda: other.desk.get(session),
        lambda: other.announce(session, 1),
        lambda: other.complete(session, 0),
        lambda: other.finalize(session),
        lambda: other.desk.delete(session),
        lambda: other.desk.retry(session, RetryRequest()),
        lambda: other.desk.upsert(session, ManifestRequest()),
    ):
        with pytest.raises(NotFound, match="no such recording"):
            attempt()
    assert other.desk.sessions(SessionsQuery()).sessions == []


@settings(max_examples=1000)
@given(
    st.one_of(
        st.text(max_size=50),
        st.text(alphabet="./\\%-0aA\x00", max_size=50),
        st.sampled_from(["..", "../bo/audio/sessions/x", "%2e%2e", "x/manifest.json", "*"]),
        st.uuids().map(lambda each: str(each).upper()).filter(lambda t: t != t.lower()),
        st.uuids().map(lambda each: each.hex),
        st.uuids().map(lambda each: f"{each}/"),
    )
)
def test_no_other_id_leads_anywhere(session: str) -> None:
    nowhere = mock.Mock()
    desk = RecordingDesk("ana", "ana", *[nowhere] * 6, True, nowhere)
    for attempt in (
        lambda: desk.get(session),
        lambda: desk.delete(session),
        lambda: desk.presign(session, request(0)),
        lambda: desk.finalize(session, FinalizeRequest()),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert nowhere.mock_calls == []


def test_everything_of_a_recording_is_deleted_and_the_debate_stays(ana: Recorder) -> None:
    kept = ana.record(0)
    session = ana.record(0, 1)
    ana.announce(session, 2, PART_BYTES + 1)
    done = ana.finalize(session, 2)
    with pytest.raises(Conflict, match="being joined"):
        ana.desk.delete(session)
    job = ana.world.job(done.job_id)
    ana.world.table.replace(job.failed(Fault(code="x", message="x"), ana.world.clock()))

    keys = [chunk.key for chunk in ana.manifest(session).complete_chunks]
    manifest = ana.manifest(session).key
    deleted = ana.desk.delete(session)
    assert deleted[:-1] == [*keys, manifest]
    assert session in deleted[-1]
    assert list(ana.world.store.list(manifest.removesuffix("manifest.json"))) == []
    assert "Uploads" not in ana.world.s3.list_multipart_uploads(Bucket=ana.world.store.bucket)
    assert ana.world.job(done.job_id).status is Status.FAILED
    assert [e.session_id for e in ana.desk.sessions(SessionsQuery()).sessions] == [kept]
    assert ana.manifest(kept).complete_chunks
    for attempt in (ana.desk.delete, ana.desk.get, ana.finalize):
        with pytest.raises(NotFound):
            attempt(session)


def test_what_comes_after_the_deletion_is_deleted_by_the_next(ana: Recorder) -> None:
    session = ana.begin()
    target = ana.announce(session, 0)
    ana.desk.delete(session)
    ana.put(target)
    with pytest.raises(NotFound):
        ana.complete(session, 0)
    assert ana.desk.delete(session) == [target.key]


def test_a_completion_does_not_bring_a_deleted_manifest_back(ana: Recorder) -> None:
    session = ana.begin()
    ana.send(session, 0)
    key = ana.manifest(session).key

    class Slow:
        """The session is deleted between this one's read and its write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ana.world.store, name)

        def put(self, *arguments: Any, **options: Any) -> str:
            erase_session(ana.world.store, ana.world.ledger, key)
            return ana.world.store.put(*arguments, **options)

    desk = replace(ana.desk, store=Slow())  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        desk.complete(session, CompleteRequest(seq=0))
    assert ana.world.store.head(key) is None


def test_a_session_whose_making_died_can_be_deleted(
    ana: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(ana.world.store), "put", _die)
        with pytest.raises(ConnectionError):
            ana.begin()
    [entry] = ana.desk.sessions(SessionsQuery()).sessions
    ana.desk.delete(entry.session_id)
    assert ana.desk.sessions(SessionsQuery()).sessions == []


def test_only_a_session_is_erased(world: World) -> None:
    for key in ("users/", "jobs/x/manifest.json", ""):
        with pytest.raises(InvalidRequest):
            erase_session(world.store, world.ledger, key)


def test_with_its_debate_the_recording_is_deleted_and_what_comes_late(ana: Recorder) -> None:
    session = ana.begin()
    late = ana.announce(session, 1)
    ana.send(session, 0)
    ana.complete(session, 0)
    chunk = ana.manifest(session).chunk(0).key
    job = ana.world.job(ana.finalize(session, 1).job_id)
    assert {chunk, job.recording} <= set(ana.world.erasure.delete(job))
    assert ana.desk.sessions(SessionsQuery()).sessions == []

    ana.put(late)  # its address was still good
    ana.world.clock.advance(minutes=5)
    ana.world.sweeper.sweep(ana.world.clock())
    assert ana.world.store.head(late.key) is None


def test_an_event_that_is_not_taken_is_an_outage() -> None:
    events = mock.Mock()
    events.put_events.return_value = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
    bus = aws.EventBridgeBus(events, "debates")
    bus.send("RecordingFinalized", {"job_id": "1"})
    [call] = events.put_events.call_args_list
    assert call.kwargs["Entries"] == [
        {
            "EventBusName": "debates",
            "Source": "debate-analyzer",
            "DetailType": "RecordingFinalized",
            "Detail": '{"job_id": "1"}',
        }
    ]
    failed = [{"ErrorCode": "InternalFailure"}]
    events.put_events.return_value = {"FailedEntryCount": 1, "Entries": failed}
    with pytest.raises(ConnectionError, match="InternalFailure"):
        bus.send("RecordingFinalized", {})
