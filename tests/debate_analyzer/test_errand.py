"""Workers that are sent to files by hand, through the composition that their programs use."""

from __future__ import annotations

import json
import logging
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batch_images.stats import job as stats_job
from debate_analyzer import bootstrap
from debate_analyzer.errand import key_prefix
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.job import Claim, Figures, Job
from debate_analyzer.key import edits_key
from debate_analyzer.pipeline import STATS, TRANSCRIBE, Stage, Status
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Result
from tests.world import BUCKET, JOB_ID, TABLE, TRANSCRIPT, VIDEO, InOneStep, World

HOME = f"s3://{BUCKET}/jobs/{JOB_ID}"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae8"
VARIABLE = {"transcribe": "VIDEO_S3_PREFIX", "stats": "TRANSCRIPTS_S3_PREFIX"}
Send = Callable[..., list[str]]


@pytest.fixture
def send(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Send]:
    """Send a worker; the keys that it did, in order, or the exit code where it is not 0."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(bootstrap, "utc_now", world.clock)
    bootstrap._client.cache_clear()

    def send(prefix: str, stage: Stage = TRANSCRIBE, **more: str) -> list[str]:
        done: list[str] = []

        def process(job: Job, unit: Unit, report: Any) -> Result:
            done.append(unit.key)
            return Result(
                settle=lambda job: (
                    job.completed(Figures(duration=1, speaking_time=1, words=1, speakers=1), now)
                    if stage is STATS
                    else job.transcribed(
                        now, duration=1, language="en", speakers_count=1, warnings=[]
                    )
                ),
                afterwards=lambda: None,
            )

        now = world.clock()
        environment = {"BUCKET": BUCKET, "JOB_TABLE": TABLE, VARIABLE[stage.name]: prefix} | more
        assert bootstrap.run_worker(stage, InOneStep(process), environment) == (0 if done else 2)
        return done

    yield send
    bootstrap._client.cache_clear()
    signal.signal(signal.SIGTERM, before)


def test_a_worker_does_the_files_below_its_prefix_and_leaves(world: World, send: Send) -> None:
    for name in ("b.mp4", "notes.txt", "a.MP3"):
        world.drop(f"jobs/{JOB_ID}/videos/{name}")
    world.drop(f"jobs/{OTHER}/videos/c.mp4")
    done = send(f"{HOME}/videos/")
    assert done == [f"jobs/{JOB_ID}/videos/{name}" for name in ("a.MP3", "b.mp4")]
    assert world.table.get(OTHER) is None
    assert world.waiting() == []
    assert world.pool.started == []


@pytest.mark.parametrize("suffix", ["", "/", "/videos", "/videos/", "/videos/town hall.mp4"])
def test_the_prefix_may_be_a_job_a_folder_or_a_file(world: World, send: Send, suffix: str) -> None:
    world.drop(VIDEO)
    assert send(HOME + suffix) == [VIDEO]
    assert world.job().status is Status.TRANSCRIBED


def test_what_is_done_is_done_again(world: World, send: Send) -> None:
    world.drop(VIDEO)
    assert [send(HOME), send(HOME)] == [[VIDEO], [VIDEO]]


def test_a_retry_that_is_due_later_is_taken_now(world: World, send: Send) -> None:
    world.drop(VIDEO)
    unit = world.arrive()
    assert unit is not None
    now = world.clock()
    claim = Claim(worker="w", until=now.timestamp())
    job = world.job().claimed(unit, claim, now)
    late = job.model_copy(update={"status": Status.QUEUED, "retry_at": now.timestamp() + 900})
    world.table.replace(late)
    assert send(HOME) == [VIDEO]


def test_a_file_in_another_worker_s_hands_is_left_to_it(world: World, send: Send) -> None:
    world.drop(VIDEO)
    unit = world.arrive()
    assert unit is not None
    now = world.clock()
    claim = Claim(worker="other", until=now.timestamp() + 60)
    world.table.replace(world.job().claimed(unit, claim, now))
    held = world.job()
    assert send(HOME) == []
    assert world.job() == held


def test_transcripts_are_counted_in_the_same_way(world: World, send: Send) -> None:
    world.drop(TRANSCRIPT, b"{}", "application/json")
    assert send(f"{HOME}/transcripts", STATS) == [TRANSCRIPT]
    assert world.job().status is Status.COMPLETE


def test_edits_are_no_file_to_do_but_come_with_their_transcript(world: World, send: Send) -> None:
    world.drop(edits_key(JOB_ID), b"{}", "application/json")
    world.drop(TRANSCRIPT, b"{}", "application/json")
    assert [send(HOME, STATS), send(HOME, STATS)] == [[TRANSCRIPT], [TRANSCRIPT]]
    assert world.job().units["stats"].edits is not None


def test_results_stay_in_their_job_s_folder(
    world: World, send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    world.drop(VIDEO)
    assert send(f"{HOME}/videos", OUTPUT_S3_PREFIX=HOME) == [VIDEO]
    elsewhere = f"s3://{BUCKET}/jobs/{OTHER}"
    assert send(f"{HOME}/videos", OUTPUT_S3_PREFIX=elsewhere) == []
    assert "results stay in their job's folder" in caplog.text


def test_nothing_to_do_is_said(world: World, send: Send, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert send(HOME) == []
    assert (
        f"There is nothing for the transcribe stage below: {HOME.removeprefix(f's3://{BUCKET}/')}/"
        in caplog.text
    )


@pytest.fixture
def count(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """Run the stats job as it is; its exit code."""
    before = signal.getsignal(signal.SIGTERM)
    bootstrap._client.cache_clear()
    queues = {"PUBLISH_QUEUE_URL": world.publish_queue.url}
    monkeypatch.setattr(bootstrap, "utc_now", world.clock)

    def count(**environment: str) -> int:
        for name, value in ({"BUCKET": BUCKET, "JOB_TABLE": TABLE} | queues | environment).items():
            monkeypatch.setenv(name, value)
        return stats_job.main()

    yield count
    bootstrap._client.cache_clear()
    signal.signal(signal.SIGTERM, before)


GOOD = b'{"duration": 2, "transcription": [{"start": 0, "end": 1, "text": "a", "speaker": "A"}]}'
MANIFEST = f"s3://{BUCKET}/manifests/monday.json"


def test_a_manifest_names_what_is_counted(world: World, count: Callable[..., int]) -> None:
    third = str(uuid.uuid4())
    for job_id in (JOB_ID, OTHER, third):
        world.drop(f"jobs/{job_id}/transcripts/a_transcription.json", GOOD, "application/json")
    manifest = {"jobs": [JOB_ID], "transcripts": [f"s3://{BUCKET}/jobs/{OTHER}/transcripts"]}
    world.drop("manifests/monday.json", json.dumps(manifest).encode(), "application/json")

    assert count(MANIFEST_S3_URI=MANIFEST, STATS_OUTPUT_S3_URI=f"s3://{BUCKET}/statistics/") == 0
    assert {world.job().status, world.job(OTHER).status} == {Status.COMPLETE}
    assert world.store.head(f"statistics/by-job/{OTHER}.json") is not None
    assert len(world.publish_requests()) == 2
    assert world.table.get(third) is None


def test_what_is_bad_or_not_there_is_told_and_the_rest_is_done(
    world: World, count: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    world.drop(f"jobs/{JOB_ID}/transcripts/a_transcription.json", GOOD, "application/json")
    world.drop(f"jobs/{OTHER}/transcripts/a_transcription.json", b"[]", "application/json")
    lost = [str(uuid.uuid4()) for _ in range(2)]

    assert count(JOB_IDS=",".join([lost[0], OTHER, JOB_ID, lost[1]])) == 1
    assert world.job().status is Status.COMPLETE
    assert f"{OTHER}: invalid_transcript: " in caplog.text
    for job_id in lost:
        assert f"There is nothing for the stats stage below: jobs/{job_id}/tr" in caplog.text


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"JOB_IDS": str(uuid.uuid4())}, "There is nothing"),
        ({"JOB_IDS": "no,id"}, "no, id"),
        ({"JOB_IDS": OTHER, "MANIFEST_S3_URI": MANIFEST}, "MANIFEST_S3_URI and JOB_IDS"),
        ({"MANIFEST_S3_URI": MANIFEST}, "is not there"),
        ({"MANIFEST_S3_URI": "s3://elsewhere/manifests/monday.json"}, "not of this deployment"),
        ({"JOB_IDS": OTHER, "STATS_OUTPUT_S3_URI": "s3://elsewhere/x"}, "nowhere else"),
    ],
)
def test_an_order_that_cannot_be_followed_starts_nothing(
    world: World,
    count: Callable[..., int],
    caplog: pytest.LogCaptureFixture,
    environment: dict[str, str],
    said: str,
) -> None:
    assert count(**environment) == 2
    assert said in caplog.text
    assert world.table.get(OTHER) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "s3://elsewhere/jobs/" + JOB_ID,
        f"s3://{BUCKET}",
        f"s3://{BUCKET}/",
        f"s3://{BUCKET}/jobs",
        f"s3://{BUCKET}/jobs/",
        f"s3://{BUCKET}/jobs/{JOB_ID[:8]}",
        f"s3://{BUCKET}/statistics/{JOB_ID}",
        f"jobs/{JOB_ID}",
        f"/jobs/{JOB_ID}",
    ],
)
def test_no_more_than_one_job_can_be_meant(uri: str) -> None:
    with pytest.raises(InvalidRequest, match="not of this deployment"):
        key_prefix(uri, BUCKET)
