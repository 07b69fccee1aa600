"""Workers that are sent to files by hand, through the composition that their programs use."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

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
        assert bootstrap.run_worker(stage, InOneStep(process), environment) == (0 if done else 1)
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
    assert f"There is nothing below {HOME} " in caplog.text


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
