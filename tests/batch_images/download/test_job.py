"""The job in a small AWS and against a website on loopback; yt-dlp is real, and so is ffmpeg."""

from __future__ import annotations

import json
import logging
import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.download import job
from batch_images.download.downloader import Recording
from batch_images.download.proxy import Proxy
from debate_analyzer import bootstrap, hold
from debate_analyzer.aws import DynamoJobTable, S3ObjectStore
from debate_analyzer.job import SHARED_OWNER, Claim, Job, announced
from debate_analyzer.pipeline import Status
from debate_analyzer.recording import document
from debate_analyzer.upload import check_filename
from tests.batch_images.download.test_joiner import cut, keep, recorded
from tests.batch_images.download.website import PUBLIC, Network, Page, Website
from tests.debate_analyzer.hostile import LEADS_WITHIN, REFUSED
from tests.world import BUCKET, JOB_ID, RETRIES, ROOT, TABLE, TRANSCRIBE, World

DEMO = (ROOT / "demo" / "debate.mp4").read_bytes()
HOME = "http://videos.example"
BATCH_ID = "4c7599ae-0a82-49aa-ba5a-4727fcce14a8"
KEY = f"jobs/{JOB_ID}/videos/Town hall (1).mp4"
LINE = ".videos.example\tTRUE\t/\tFALSE\t0\tSID\ts3cr3t\n"
Run = Callable[..., int]

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def run(
    world: World, site: Website, network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Run]:
    """The job with this environment; its exit code. Nothing of it may stay on disk."""
    site.pages["/debate.mp4"] = Page(DEMO, "video/mp4")
    site.pages["/en.vtt"] = Page(b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n", "text/vtt")
    track = '<track kind="subtitles" srclang="en" src="/en.vtt">'
    site.pages["/"] = Page(
        f'<html><title>Town hall</title><video src="/debate.mp4">{track}</video></html>'.encode()
    )
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    way_out = partial(Proxy, resolve=network.resolve, connect=network.connect)
    monkeypatch.setattr(job, "Proxy", way_out)
    monkeypatch.setattr(job, "utc_now", world.clock)
    usual = {"BUCKET": BUCKET, "JOB_TABLE": TABLE, "AWS_BATCH_JOB_ID": BATCH_ID, "VIDEO_URL": HOME}
    usual |= {"JOB_ID": JOB_ID, "DOWNLOAD_DEAD_LETTERS_URL": world.import_letters.url}
    before = signal.getsignal(signal.SIGTERM)
    bootstrap._client.cache_clear()

    def run(**environment: str) -> int:
        for name, value in (usual | environment).items():
            monkeypatch.setenv(name, value)
        return job.main()

    yield run
    bootstrap._client.cache_clear()
    signal.signal(signal.SIGTERM, before)
    assert list(folder.iterdir()) == []


def keys(world: World) -> list[str]:
    return [found.key for found in world.store.list("")]


def last_line(caplog: pytest.LogCaptureFixture) -> str:
    return caplog.records[-1].getMessage()


def letters(world: World) -> list[dict[str, Any]]:
    return [json.loads(body) for body in world._bodies(world.import_letters.url)]


def wanted(world: World, title: str = "") -> None:
    """A row as somebody makes it who asks for an import and waits."""
    row = announced(
        owner="u-1",
        title=title,
        media=None,
        now=world.clock(),
        job_id=JOB_ID,
        published=False,
        language="en",
        notify="ana@news.example",
    )
    world.table.create(row.to_import({"VIDEO_URL": HOME}, world.clock()).submitted(BATCH_ID))


# --- What arrives ---------------------------------------------------------------------------------


def test_a_download_goes_down_the_same_chain_as_an_upload(run: Run, world: World) -> None:
    assert run() == 0
    assert keys(world) == [f"jobs/{JOB_ID}/subtitles/Town hall (1).en.vtt", KEY]
    found = world.s3.get_object(Bucket=BUCKET, Key=KEY)
    assert found["Body"].read() == DEMO
    assert found["ContentType"] == "video/mp4"
    row = world.job()
    assert (row.status, row.title, row.owner) == (Status.UPLOADING, "Town hall (1)", "shared")
    assert world.arrive(f"jobs/{JOB_ID}/subtitles/Town hall (1).en.vtt") is None
    unit = world.arrive(KEY)
    assert world.job().status is Status.QUEUED
    assert world.waiting(TRANSCRIBE) == [unit]


def test_the_row_expects_the_recording_before_it_is_there(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = S3ObjectStore.upload
    seen: list[tuple[str, Any]] = []

    def record(store: S3ObjectStore, path: Path, key: str, content_type: str) -> None:
        row = world.table.get(JOB_ID)
        seen.append((key.split("/")[2], row and row.media and row.media.key))
        upload(store, path, key, content_type)

    monkeypatch.setattr(S3ObjectStore, "upload", record)
    run()
    assert seen == [("subtitles", KEY), ("videos", KEY)]


def test_a_row_that_waits_for_the_download_keeps_its_owner(run: Run, world: World) -> None:
    wanted(world, title="My debate")
    assert run() == 0
    row = world.job()
    assert (row.owner, row.title, row.published) == ("u-1", "My debate", False)
    assert row.media.bytes == len(DEMO)
    world.arrive(KEY)
    assert world.job().status is Status.QUEUED


def test_a_row_without_a_title_gets_the_video_s(run: Run, world: World) -> None:
    wanted(world)
    run()
    assert world.job().title == "Town hall (1)"


def test_a_second_attempt_of_the_same_job_changes_nothing(run: Run, world: World) -> None:
    run()
    unit = world.arrive(KEY)
    row = world.job()
    assert run() == 0
    assert world.job() == row
    assert world.arrive(KEY) == unit
    assert [found for found in keys(world) if "/videos/" in found] == [KEY]


def test_a_private_deployment_keeps_downloads_private(run: Run, world: World) -> None:
    run(PUBLISH_BY_DEFAULT="false")
    assert not world.job().published


def test_a_job_that_is_told_of_none_has_batch_s_id(run: Run, world: World) -> None:
    assert run(JOB_ID="") == 0
    assert {key.split("/")[1] for key in keys(world)} == {BATCH_ID}


@pytest.mark.parametrize("batch_id", ["", f"{JOB_ID}:3", "../../x"])
def test_a_job_without_a_proper_name_gets_one(run: Run, world: World, batch_id: str) -> None:
    assert run(AWS_BATCH_JOB_ID=batch_id, JOB_ID="") == 0
    _, job_id, *_ = keys(world)[0].split("/")
    assert str(uuid.UUID(job_id)) == job_id != JOB_ID


@pytest.mark.parametrize("prefix", [f"s3://{BUCKET}/jobs", f"s3://{BUCKET}/jobs/"])
def test_the_output_may_be_said_as_it_is(run: Run, world: World, prefix: str) -> None:
    assert run(OUTPUT_S3_PREFIX=prefix) == 0
    assert KEY in keys(world)


def test_each_further_recording_of_a_playlist_is_a_job_of_its_own(
    run: Run, world: World, site: Website
) -> None:
    """With the owner and all else of the first, and a job of Batch that the sweeper submits."""
    wanted(world, title="Evening")
    for number in range(2, 4):
        site.pages[f"/debate.mp4?{number}"] = site.pages["/debate.mp4"]
    entries = "".join(f'<video src="/debate.mp4{n}"></video>' for n in ("", "?2", "?3"))
    site.pages["/list"] = Page(f"<html><title>List</title>{entries}</html>".encode())
    for _ in range(2):
        assert run(VIDEO_URL=f"{HOME}/list", MAX_PLAYLIST_ENTRIES="2") == 0
    second = job.job_id_of(JOB_ID, 2)
    assert {key.split("/")[1] for key in keys(world)} == {JOB_ID}
    row = world.job(second)
    assert (row.owner, row.published, row.language) == ("u-1", False, "en")
    assert (row.notify, row.title, row.source_url) == ("ana@news.example", "", f"{HOME}/list")
    assert world.table.get(job.job_id_of(JOB_ID, 3)) is None
    world.sweeper.sweep(world.clock())
    [told] = [told for told in world.importers.started if told["JOB_ID"] == second]
    assert run(**told, AWS_BATCH_JOB_ID=row.job_id) == 0
    assert {key.split("/")[1] for key in keys(world)} == {JOB_ID, second}
    assert [world.job(each).title for each in (JOB_ID, second)] == ["Evening", "List (2)"]


# --- Who holds the row ----------------------------------------------------------------------------


def test_what_comes_is_seen_to_come(
    run: Run, world: World, site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat, which comes every third of a lease, or when there is progress to show."""
    wanted(world)
    monkeypatch.setattr(hold, "_SHOWN_EVERY", 0.0)
    monkeypatch.setattr(hold, "_LOOK", 0.01)
    site.pages["/debate.mp4"] = Page(DEMO, "video/mp4", pause=0.05)
    seen = []
    replace = DynamoJobTable.replace

    def record(table: DynamoJobTable, row: Job) -> Job:
        seen.append((row.status, row.progress))
        assert row.claim is not None
        assert row.claim.worker == BATCH_ID
        return replace(table, row)

    monkeypatch.setattr(DynamoJobTable, "replace", record)
    assert run() == 0
    progress = [part for _, part in seen]
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert len([part for part in progress if 0 < part < 0.9]) > 2
    assert {status for status, _ in seen} == {Status.UPLOADING}


@pytest.mark.parametrize("moment", ["download", "upload"])
def test_whoever_cancels_is_heard(
    run: Run, world: World, site: Website, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    wanted(world)
    monkeypatch.setattr(hold, "_LOOK", 0.01)

    def cancel() -> Page:
        world.table.replace(world.job().cancelled(world.clock()))
        return Page(DEMO, "video/mp4", pause=0.05)

    site.pages["/debate.mp4" if moment == "download" else "/en.vtt"] = cancel
    assert run(LEASE_SECONDS="0.1" if moment == "download" else "60") == 0
    assert keys(world) == []
    assert world.job().status is Status.CANCELLED
    assert world.job().fault is None


def test_of_two_jobs_for_one_row_the_second_leaves(run: Run, world: World, site: Website) -> None:
    wanted(world)
    row = world.job()
    other = Claim(worker="another", until=world.clock().timestamp() + 60)
    world.table.replace(row.import_claimed(other, world.clock()))
    assert run() == 0
    assert site.asked == []
    world.clock.advance(seconds=61)
    assert run() == 0
    assert KEY in keys(world)


def test_nothing_is_fetched_for_a_debate_that_was_deleted(
    run: Run, world: World, site: Website
) -> None:
    wanted(world)
    world.table.replace(world.job().deleted(world.clock()))
    assert run() == 0
    assert (site.asked, keys(world)) == ([], [])


# --- From the bucket ------------------------------------------------------------------------------


def test_the_chunks_of_a_recording_go_down_the_same_chain(run: Run, world: World) -> None:
    wanted(world, title="Evening")
    manifest = keep(world, "audio/webm", cut(recorded("audio/webm", 4, at=(1,)), 4, 3))
    world.store.put("users/u/manifest.json", document(manifest), "application/json")
    assert run(RECORDING_MANIFEST="users/u/manifest.json", VIDEO_URL="") == 0
    key = f"jobs/{JOB_ID}/videos/recording-2026-11-21.webm"
    assert key in keys(world)
    world.arrive(key)
    row = world.job()
    assert (row.status, row.title, row.media.key) == (Status.QUEUED, "Evening", key)
    assert run(RECORDING_MANIFEST="users/u/manifest.json", VIDEO_URL="") == 0
    assert world.job() == row


def test_a_recording_that_was_deleted_meanwhile_fails_with_a_sentence(
    run: Run, world: World
) -> None:
    wanted(world)
    assert run(RECORDING_MANIFEST="users/u/none.json") == 1
    assert "was deleted before" in world.job().fault.message


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("Town hall.MP4", f"jobs/{JOB_ID}/videos/Town hall.MP4", "video/mp4"),
        ("a_transcription.json", f"jobs/{JOB_ID}/transcripts/a_transcription.json", None),
        ("b.json", f"jobs/{JOB_ID}/transcripts/b_transcription.json", None),
    ],
)
def test_what_lies_elsewhere_in_the_bucket_is_copied(
    run: Run, world: World, name: str, key: str, kind: str | None
) -> None:
    wanted(world, title="Evening")
    world.drop(f"incoming/{name}", DEMO, "binary/octet-stream")
    assert run(SOURCE_KEY=f"incoming/{name}", VIDEO_URL="") == 0
    found = world.s3.get_object(Bucket=BUCKET, Key=key)
    assert found["Body"].read() == DEMO
    assert found["ContentType"] == (kind or "application/json")
    expected = world.job().media  # by the sweeper, too, should the event be lost
    assert (expected and expected.key) == (key if kind else None)
    assert world.arrive(key) is not None
    assert world.job().title == "Evening"


def test_what_was_taken_away_before_it_was_copied_fails_with_a_sentence(
    run: Run, world: World
) -> None:
    wanted(world)
    assert run(SOURCE_KEY="incoming/gone.mp4") == 1
    assert "taken away" in world.job().fault.message


# --- What does not --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"VIDEO_URL": f"{HOME}/none"}, "download_failed: The site has nothing at this address"),
        ({"VIDEO_URL": "http://169.254.169.254/"}, "invalid_address: 169.254.169.254 is not on"),
        ({"VIDEO_URL": "ftp://videos.example/a.mp4"}, "invalid_address: The address must begin"),
        ({"VIDEO_URL": ""}, "misconfigured: VIDEO_URL is not set"),
        ({"MAX_DOWNLOAD_BYTES": "1000"}, "GiB is the most"),
        ({"MAX_DOWNLOAD_SECONDS": "60"}, "1.0 minutes is the most"),
        ({"MAX_DOWNLOAD_SECONDS": "long"}, "MAX_DOWNLOAD_SECONDS must be a number"),
        ({"OUTPUT_S3_PREFIX": "s3://elsewhere/jobs"}, "where nothing would notice"),
        ({"OUTPUT_S3_PREFIX": f"s3://{BUCKET}/website"}, "where nothing would notice"),
        ({"YT_COOKIES_FILE": "/nowhere/cookies.txt"}, "invalid_cookies: YT_COOKIES_FILE"),
        ({"YT_COOKIES_S3_URI": "s3://elsewhere/private/c"}, f"begin with s3://{BUCKET}/private/"),
        ({"YT_COOKIES_S3_URI": f"s3://{BUCKET}/jobs/c"}, f"begin with s3://{BUCKET}/private/"),
        ({"YT_COOKIES_S3_URI": f"s3://{BUCKET}/private/c"}, "there is no object"),
    ],
)
@pytest.mark.parametrize("awaited", [True, False])
def test_a_failure_says_why_where_somebody_looks(
    run: Run,
    world: World,
    caplog: pytest.LogCaptureFixture,
    environment: dict[str, str],
    words: str,
    awaited: bool,
) -> None:
    if awaited:
        wanted(world)
    assert run(**environment) == 1
    assert words in last_line(caplog)
    assert caplog.records[-1].levelno == logging.ERROR
    assert keys(world) == []
    row = world.job()
    assert (row.status, row.owner) == (Status.FAILED, "u-1" if awaited else SHARED_OWNER)
    assert f"{row.fault.code}: {row.fault.message}" == last_line(caplog)


def test_a_defect_of_ours_is_not_blamed_on_the_site_but_tried_again(
    run: Run, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burn(*_: Any) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(S3ObjectStore, "upload", burn)
    wanted(world)
    for wait in (*RETRIES, None):
        assert run() == 1
        row = world.job()
        assert "something went wrong on our side" in row.fault.message
        assert row.fault.message in last_line(caplog)
        if wait is None:
            break
        assert letters(world) == []
        due = world.clock() + wait
        assert (row.status, row.retry_at) == (Status.UPLOADING, due.timestamp())
        world.clock.advance(seconds=wait.total_seconds())
        world.sweeper.sweep(world.clock())
    assert row.status is Status.FAILED
    assert "the disk is on fire" in caplog.text
    [letter] = letters(world)
    assert letter == {"job_id": JOB_ID, "import": {"VIDEO_URL": HOME}}


def test_what_the_deployment_lacks_leaves_a_letter_and_what_the_site_refuses_leaves_none(
    run: Run, world: World
) -> None:
    wanted(world)
    assert run(VIDEO_URL="file:///etc/passwd") == 1
    assert letters(world) == []
    world.table.replace(world.job().imported_again(world.clock()).submitted(BATCH_ID))
    assert run(VIDEO_URL=HOME, YT_COOKIES_S3_URI=f"s3://{BUCKET}/private/none.txt") == 1
    assert (world.job().fault.code, len(letters(world))) == ("misconfigured", 1)


def test_a_job_that_is_told_to_stop_leaves_nothing_behind(
    run: Run, world: World, site: Website
) -> None:
    def stop() -> Page:
        os.kill(os.getpid(), signal.SIGTERM)
        return Page(DEMO, "video/mp4", pause=600)

    site.pages["/debate.mp4"] = stop
    wanted(world)
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 128 + signal.SIGTERM
    assert keys(world) == []
    assert world.job().status is Status.UPLOADING  # whoever stopped it says what becomes of it


# --- Where it does not go -------------------------------------------------------------------------


def test_no_hostile_address_is_asked_anything(
    run: Run, world: World, site: Website, network: Network
) -> None:
    for number, url in enumerate(REFUSED):
        job_id = str(uuid.UUID(int=number, version=4))
        assert run(VIDEO_URL=url, JOB_ID=job_id) == 1, url
        row = world.job(job_id)
        # The environment has no blank values: such a job was told of no address at all.
        code = "invalid_address" if url.strip() else "misconfigured"
        assert (row.status, row.fault.code) == (Status.FAILED, code), url
    assert network.looked_up == network.connected == site.asked == keys(world) == []


@pytest.mark.parametrize("way", ["given", "redirect", "page"])
def test_no_name_leads_within(
    run: Run, world: World, site: Website, network: Network, way: str
) -> None:
    """Nor does one that a site names: in its redirect, or in its page."""
    for number, (host, address) in enumerate(LEADS_WITHIN.items()):
        network.names[host] = [[address], ["93.184.215.14", address]]
        there = f"http://{host}/debate.mp4"
        site.pages["/redirect"] = Page(status=302, headers={"Location": there})
        site.pages["/page"] = Page(f'<video src="{there}"></video>'.encode())
        job_id = str(uuid.UUID(int=number, version=4))
        url = there if way == "given" else f"{HOME}/{way}"
        assert run(VIDEO_URL=url, JOB_ID=job_id) == 1, host
        assert world.job(job_id).fault.code == "invalid_address", host
    assert set(network.connected) <= {PUBLIC}
    assert keys(world) == []


# --- Cookies --------------------------------------------------------------------------------------


def _in_a_file(world: World, tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "mounted.txt"
    path.write_text(text)
    path.chmod(0o444)
    return {"YT_COOKIES_FILE": str(path)}


def _in_the_bucket(world: World, tmp_path: Path, text: str) -> dict[str, str]:
    world.store.put("private/cookies.txt", text.encode(), "text/plain")
    return {"YT_COOKIES_S3_URI": f"s3://{BUCKET}/private/cookies.txt"}


def _in_a_secret(world: World, tmp_path: Path, text: str) -> dict[str, str]:
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    made = secrets.create_secret(Name="cookies", SecretString=text)
    return {"YT_COOKIES_SECRET_ARN": made["ARN"]}


PLACES = [_in_a_file, _in_the_bucket, _in_a_secret]


@pytest.mark.parametrize("place", PLACES)
def test_cookies_from_each_place_are_sent_and_never_logged(
    run: Run,
    world: World,
    site: Website,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    place: Callable[[World, Path, str], dict[str, str]],
) -> None:
    with caplog.at_level(logging.DEBUG, logger="batch_images"):
        assert run(**place(world, tmp_path, LINE)) == 0
    assert {headers.get("Cookie") for _, _, headers in site.asked} == {"SID=s3cr3t"}
    ours = [record for record in caplog.records if not record.name.startswith("boto")]
    assert not any("s3cr3t" in record.getMessage() for record in ours)


@pytest.mark.parametrize("place", PLACES)
def test_a_cookies_file_that_is_none_is_said_to_be(
    run: Run,
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    place: Callable[[World, Path, str], dict[str, str]],
) -> None:
    assert run(**place(world, tmp_path, "SID=s3cr3t; A=b")) == 1
    assert last_line(caplog).startswith("invalid_cookies: Line 1 has 1 columns")
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize("text", ["unset", " unset\n"])
def test_a_secret_that_nobody_has_filled_counts_as_none(
    run: Run, world: World, site: Website, tmp_path: Path, text: str
) -> None:
    assert run(**_in_a_secret(world, tmp_path, text)) == 0
    assert not any("Cookie" in headers for _, _, headers in site.asked)


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("Debate: A/B, part 1", "Debate A B, part 1"),
        ("../../website/index", "website index"),
        ("Äh\u200bre\x00n\n", "Äh re n"),
        ("...", "id-1"),
        ("", "id-1"),
        ("ä" * 300, "ä" * 98),
    ],
)
def test_a_title_becomes_a_name(title: str, stem: str) -> None:
    assert job.safe_stem(Recording(Path("x"), ".mp4", title, "id-1", ())) == stem


@given(st.text(max_size=300), st.text(max_size=30))
def test_no_title_makes_a_name_that_is_refused(title: str, source_id: str) -> None:
    stem = job.safe_stem(Recording(Path("x"), ".webm", title, source_id, ()))
    assert check_filename(f"{stem}.webm") == f"{stem}.webm"
