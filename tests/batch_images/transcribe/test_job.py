"""The transcribe stage in a small AWS: the engines hear a script, everything else is real."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from batch_images.stats.job import StatsProcess
from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.aws import S3ObjectStore
from debate_analyzer.key import captions_key, statistics_key
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Turn, parse_transcript
from tests.batch_images.transcribe.engines import Script, Seats
from tests.world import BUCKET, JOB_ID, STATS, TRANSCRIPT, VIDEO, World, silent_wav, template

WORDS = [
    SpokenWord(0.1, 0.5, " Buenas", 0.9),
    SpokenWord(0.5, 0.9, " noches.", 0.9),
    SpokenWord(1.1, 1.5, " Gracias.", 0.8),
]
TURNS = [
    Turn(start=0, end=1, speaker="SPEAKER_00"),
    Turn(start=1, end=2, speaker="SPEAKER_01"),
]


def _script(
    words: list[SpokenWord] | None = None, during: Callable[[], None] = lambda: None
) -> Script:
    return Script(WORDS if words is None else words, during, "es")


def _run(
    world: World, script: Script, data: bytes | None = None, seats: Seats | None = None
) -> None:
    world.drop(VIDEO, silent_wav() if data is None else data)
    world.arrive()
    _work(world, script, seats)


def _work(world: World, script: Script, seats: Seats | None = None) -> None:
    process = TranscribeProcess(
        world.table,
        world.store,
        lambda model: Transcriber(script, seats or Seats(TURNS)),
        Lengths(longest=3600, part=600),
        world.clock,
    )
    world.worker(process, linger=0.3).run()


def _text(world: World, key: str) -> str:
    found = world.store.get(key)
    assert found is not None
    return found[0].decode()


def test_a_recording_becomes_a_transcript_and_captions(world: World) -> None:
    _run(world, _script())

    job = world.job()
    assert job.status is Status.TRANSCRIBED
    assert (job.duration, job.spoken, job.speakers_count) == (2.0, "es", 2)
    transcript = parse_transcript(_text(world, TRANSCRIPT))
    assert [(part.speaker, part.text) for part in transcript.transcription] == [
        ("SPEAKER_00", "Buenas noches."),
        ("SPEAKER_01", "Gracias."),
    ]
    assert transcript.source is not None
    assert (transcript.job_id, transcript.source.key) == (JOB_ID, VIDEO)


@pytest.mark.parametrize(
    ("suffix", "content_type", "begins"),
    [
        ("srt", "application/x-subrip; charset=utf-8", "1\n00:00:00,100 --> 00:00:00,900\nSPEAK"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.100 --> 00:00:00.900\n<v SPEAKER_"),
        ("txt", "text/plain; charset=utf-8", "SPEAKER_00: Buenas noches.\n\nSPEAKER_01: Gracias."),
    ],
)
def test_captions_lie_beside_the_transcript(
    world: World, suffix: str, content_type: str, begins: str
) -> None:
    _run(world, _script())

    key = captions_key(JOB_ID, "town hall", suffix)
    assert _text(world, key).startswith(begins)
    assert world.s3.head_object(Bucket="debates", Key=key)["ContentType"] == content_type


def test_the_lifecycle_may_have_a_recording_when_its_transcript_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = S3ObjectStore.tag
    there: list[bool] = []

    def record(store: S3ObjectStore, *arguments: Any) -> None:
        there.append(store.head(TRANSCRIPT) is not None)
        tag(store, *arguments)

    monkeypatch.setattr(S3ObjectStore, "tag", record)
    _run(world, _script())

    tags = world.s3.get_object_tagging(Bucket=BUCKET, Key=VIDEO)["TagSet"]
    rules = template()["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert there == [True]
    assert tags == rules[1]["Fn::If"][1]["TagFilters"]


def test_the_row_says_so_before_the_transcript_appears(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its arrival starts the statistics, which must find the row ready for them."""
    put = S3ObjectStore.put
    written: list[tuple[str, Status]] = []

    def record(store: S3ObjectStore, key: str, *arguments: Any, **options: Any) -> Any:
        written.append((key.split("/")[2], world.job().status))
        return put(store, key, *arguments, **options)

    world.drop(VIDEO, silent_wav())
    world.arrive()
    monkeypatch.setattr(S3ObjectStore, "put", record)
    _work(world, _script())

    assert written == [
        *[("captions", Status.TRANSCRIBING)] * 3,
        ("transcripts", Status.TRANSCRIBED),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes(range(256)), "invalid_media"),
        (b"", "empty_file"),
        (silent_wav(seconds=0), "empty_file"),
        (silent_wav(seconds=60)[:200_000], "truncated_media"),
    ],
)
def test_a_bad_recording_fails_with_a_sentence(world: World, data: bytes, code: str) -> None:
    script = _script()
    _run(world, script, data)

    job = world.job()
    assert job.status is Status.FAILED
    assert job.fault.code == code
    assert job.fault.message.endswith(".")
    assert script.asked == []
    assert world.store.head(TRANSCRIPT) is None


def test_a_recording_without_speech_leaves_no_captions_behind(world: World) -> None:
    _run(world, _script(words=[]))

    assert world.job().fault.code == "no_speech"
    assert world.store.head(captions_key(JOB_ID, "town hall", "vtt")) is None


def test_a_recording_deleted_while_it_waited(world: World) -> None:
    world.drop(VIDEO, silent_wav())
    world.arrive()
    world.s3.delete_object(Bucket="debates", Key=VIDEO)
    _work(world, _script())

    job = world.job()
    assert (job.status, job.fault.code) == (Status.FAILED, "invalid_media")
    assert "deleted" in job.fault.message


def test_a_worker_that_lost_its_claim_publishes_nothing(world: World) -> None:
    """Somebody else has the file by now: their transcript is the one that counts."""

    def lose() -> None:
        job = world.job()
        other = job.claim.model_copy(update={"worker": "batch-2"})
        world.table.replace(job.model_copy(update={"claim": other}))

    _run(world, _script(during=lose))

    assert world.job().status is Status.TRANSCRIBING
    assert world.store.head(TRANSCRIPT) is None


def test_the_language_that_the_user_named_reaches_the_engine(world: World) -> None:
    script = _script()
    world.drop(VIDEO, silent_wav())
    world.arrive()
    world.table.replace(world.job().model_copy(update={"language": "es"}))
    _work(world, script)

    assert script.asked == ["es"]


def test_a_failed_diarization_costs_the_speakers_and_nothing_else(world: World) -> None:
    """To the end of the chain: words, captions and statistics, all of which say so."""
    _run(world, _script(), seats=Seats(TURNS, failure=MemoryError("voices")))

    job = world.job()
    assert (job.status, job.speakers_count) == (Status.TRANSCRIBED, 0)
    assert _text(world, captions_key(JOB_ID, "town hall", "txt")) == "?: Buenas noches. Gracias.\n"
    for suffix in ("srt", "vtt"):
        captions = _text(world, captions_key(JOB_ID, "town hall", suffix))
        assert "Buenas noches. Gracias." in captions
        assert "SPEAKER" not in captions
        assert "<v" not in captions

    world.arrive(TRANSCRIPT)
    process = StatsProcess(world.table, world.store, world.publish_queue, world.clock)
    world.worker(process, stage=STATS, linger=0.3).run()

    assert world.job().status is Status.COMPLETE
    figures = json.loads(_text(world, statistics_key(JOB_ID)))
    assert figures["speakers"] == []
    assert (figures["totals"]["words"], figures["totals"]["unassignedWords"]) == (3, 3)
    assert figures["totals"]["silence"] == pytest.approx(0.6)
    assert [warning["code"] for warning in figures["warnings"]] == ["diarization_failed"]
    world.publication.publish(world.publish_requests())
    (entry,) = json.loads(_text(world, "statistics/index.json"))["jobs"]
    assert (entry["words"], entry["speakersCount"]) == (3, 0)
