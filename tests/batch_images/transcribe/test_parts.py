"""A long recording in parts, in a small AWS: by many workers, through losses, put together once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from batch_images.transcribe.block import Block
from batch_images.transcribe.hearing import Hearing
from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.sound import SAMPLE_RATE, Sound
from batch_images.transcribe.speech import Span
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.caller import Caller
from debate_analyzer.catalogue import ListQuery
from debate_analyzer.errors import InvalidMedia
from debate_analyzer.job import Claim, Settled
from debate_analyzer.key import hearing_key, part_key, parts_prefix
from debate_analyzer.part import Part
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import Transcript, Turn, parse_transcript
from debate_analyzer.worker import Stopped
from tests.batch_images.transcribe.engines import Script, Seats, stretch
from tests.world import BUCKET, JOB_ID, TRANSCRIPT, VIDEO, World, wav

SECONDS = 400  # six parts: of a minute and a quarter, cut in the silence of half of the next
WORDS = [SpokenWord(at, at + 0.4, f" word{at}", 0.9) for at in range(1, SECONDS, 2)]
LENGTHS = Lengths(longest=150, part=60)


def clockwork(seconds: int) -> bytes:
    """A recording whose samples say which second it is, so that a part knows where it is from."""
    return wav(np.repeat(np.arange(seconds), SAMPLE_RATE).astype(np.int16))


def where(sound: Sound) -> float:
    """The second at which a piece of the clockwork begins."""
    samples = np.rint(sound.read(0, 2 * SAMPLE_RATE) * 32768).astype(int)
    changes = np.flatnonzero(np.diff(samples)) + 1
    return float(samples[0] + (1 - changes[0] / SAMPLE_RATE if samples[0] or changes[0] else 0) % 1)


@dataclass
class Ear(Script):
    """Hears what is said in its piece of the clockwork; `before` may fail at a certain second."""

    words: list[SpokenWord] = field(default_factory=lambda: list(WORDS))
    before: Callable[[float], None] = lambda offset: None
    heard: list[float] = field(default_factory=list)

    def hear(self, sound: Sound, *, own: Span | None = None, **options: Any) -> list[Block]:
        offset = where(sound)
        self.before(offset)
        self.heard.append(offset)
        start, end = own or (0.0, sound.duration)
        said = [
            replace(word, start=word.start - offset, end=word.end - offset)
            for word in self.words
            if word.start - offset >= 0 and word.end - offset <= sound.duration
        ]
        return [Block(start, end, [stretch(said)], [], "en", 0.9)]


@dataclass(frozen=True)
class Counted(Transcriber):
    """Counts how often a transcript is made, `failures` aside."""

    made: list[int] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def put_together(self, heard: Sequence[tuple[float, Hearing]], **options: Any) -> Transcript:
        if self.failures:
            raise self.failures.pop()
        self.made.append(len(heard))
        return super().put_together(heard, **options)


@dataclass
class Stage:
    """The transcribe stage of a world."""

    world: World
    ear: Ear = field(default_factory=Ear)
    lengths: Lengths = LENGTHS

    def __post_init__(self) -> None:
        turns = [Turn(start=0, end=SECONDS, speaker="SPEAKER_00")]
        self.transcriber = Counted(self.ear, Seats(turns))

    def process(self) -> TranscribeProcess:
        return TranscribeProcess(
            self.world.table,
            self.world.store,
            lambda model: self.transcriber,
            self.lengths,
            self.world.clock,
        )

    def work(self, name: str = "batch-1", linger: float = 0.3) -> int:
        return self.world.worker(self.process(), name=name, linger=linger).run()

    def split(self, data: bytes | None = None) -> int:
        """Up to where the parts lie in the bucket; how many."""
        self.world.drop(VIDEO, data or clockwork(SECONDS), "audio/wav")
        self.world.arrive()
        self.work()
        whole = self.world.job()
        assert whole.status is Status.SPLIT
        parts: int = whole.parts
        return parts

    def deliver(self, *numbers: int) -> None:
        """S3's events of the parts."""
        for number in numbers:
            self.world.arrive(part_key(JOB_ID, self.world.job().round, number))

    def row(self, number: int) -> Part:
        return Part(JOB_ID, self.world.job().round, number)

    def left(self) -> list[str]:
        listed = self.world.s3.list_objects_v2(Bucket=BUCKET, Prefix=parts_prefix(JOB_ID))
        return [item["Key"] for item in listed.get("Contents", [])]


@pytest.fixture
def stage(world: World) -> Stage:
    return Stage(world)


def assert_whole(stage: Stage) -> None:
    """Every word once, in order, and nothing left behind."""
    found = stage.world.store.get(TRANSCRIPT)
    assert found is not None
    transcript = parse_transcript(found[0])
    said = [word.word for segment in transcript.transcription for word in segment.words]
    assert said == [word.text.strip() for word in WORDS]
    starts = [word.start for segment in transcript.transcription for word in segment.words]
    assert starts == pytest.approx([word.start for word in WORDS], abs=0.01)
    assert transcript.duration == SECONDS
    assert transcript.source is not None
    assert transcript.source.key == VIDEO
    assert stage.world.job().status is Status.TRANSCRIBED
    assert stage.transcriber.made == [transcript.provenance["parts"]]
    assert stage.left() == []
    assert stage.world.table.get(stage.row(0).job_id) is None


def test_a_long_recording_is_cut_heard_and_put_together(stage: Stage) -> None:
    parts = stage.split()
    assert parts == 6
    assert stage.world.job().claim is None
    stage.deliver(*range(parts))
    stage.work()

    assert len(stage.ear.heard) == parts
    assert_whole(stage)


def each_has_a_channel(stage: Stage, data: bytes) -> None:
    """A recording arrives of which the user said so."""
    stage.world.drop(VIDEO, data, "audio/wav")
    stage.world.arrive()
    row = stage.world.job().model_copy(update={"channel_per_speaker": True})
    stage.world.table.replace(row)


def test_a_long_recording_with_a_channel_per_speaker_is_heard_whole(stage: Stage) -> None:
    stage.transcriber = Counted(Script(WORDS), Seats([]))
    rising = np.repeat(np.arange(SECONDS), SAMPLE_RATE)
    each_has_a_channel(stage, wav(np.stack([rising, SECONDS - rising], 1).astype(np.int16)))
    stage.work()

    job = stage.world.job()
    assert (job.status, job.parts, job.speakers_count) == (Status.TRANSCRIBED, None, 2)
    found = stage.world.store.get(TRANSCRIPT)
    assert found is not None
    first, second = (
        [s for s in parse_transcript(found[0]).transcription if s.speaker == name]
        for name in ("SPEAKER_00", "SPEAKER_01")
    )
    assert max(s.end for s in first) <= SECONDS / 2 + 1 <= min(s.start for s in second) + 1


def test_what_was_amiss_before_the_cutting_is_told_after_the_joining(stage: Stage) -> None:
    each_has_a_channel(stage, clockwork(SECONDS))
    stage.work()
    stage.deliver(*range(stage.world.job().parts))
    stage.work()

    assert_whole(stage)
    assert any("no channel per speaker" in warning for warning in stage.world.job().warnings)


def test_a_recording_that_is_not_long_is_not_cut(stage: Stage) -> None:
    stage.lengths = Lengths(longest=SECONDS, part=60)
    stage.world.drop(VIDEO, clockwork(SECONDS), "audio/wav")
    stage.world.arrive()
    stage.work()
    assert stage.ear.heard == [0.0]
    assert_whole(stage)


def test_as_many_workers_as_there_are_share_the_parts(stage: Stage) -> None:
    parts = stage.split()
    stage.deliver(*range(parts))
    together = threading.Barrier(2)

    def meet(offset: float) -> None:
        """The first two parts are heard at the same time, or not at all."""
        if len(stage.ear.heard) < 2:
            together.wait(20)

    stage.ear.before = meet
    workers = [
        threading.Thread(target=stage.work, args=(f"batch-{number}", 2.0)) for number in (1, 2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(stage.ear.heard) == parts
    assert_whole(stage)


def test_events_and_units_that_come_twice_cost_nothing(stage: Stage) -> None:
    parts = stage.split()
    whole = stage.world.job().unit
    for _ in range(2):
        stage.deliver(*range(parts))
    stage.world.queues["transcribe"].send(whole)
    stage.work()
    assert len(stage.ear.heard) == parts
    assert_whole(stage)

    stage.world.arrive(VIDEO)
    stage.world.queues["transcribe"].send(whole)
    stage.work()
    assert_whole(stage)


def test_a_lost_part_is_tried_again_alone(stage: Stage) -> None:
    """The network is away for one; the others are not heard again."""
    failures = [ConnectionError("the network is away")]

    def fail(offset: float) -> None:
        if offset > 0 and failures:
            raise failures.pop()

    stage.ear.before = fail
    parts = stage.split()
    stage.deliver(*range(parts))
    stage.work()
    assert stage.world.job().status is Status.SPLIT
    (missing,) = [n for n in range(parts) if not _is_heard(stage, n)]
    assert stage.world.job(stage.row(missing).job_id).fault.code == "network"

    stage.world.clock.advance(minutes=5)
    stage.world.sweeper.sweep(stage.world.clock())
    stage.work()
    assert max(Counter(stage.ear.heard).values()) == 1
    assert_whole(stage)


def _is_heard(stage: Stage, number: int) -> bool:
    key = hearing_key(JOB_ID, stage.world.job().round, number)
    return stage.world.store.head(key) is not None


def test_a_worker_that_died_with_a_part_costs_that_part(stage: Stage) -> None:
    parts = stage.split()
    stage.deliver(1)
    (unit,) = stage.world.waiting()
    claim = Claim(worker="batch-9", until=stage.world.clock().timestamp() + 60)
    row = stage.world.job(stage.row(1).job_id)
    stage.world.table.replace(row.claimed(unit, claim, stage.world.clock()))
    stage.deliver(*(n for n in range(parts) if n != 1))
    stage.work()
    assert stage.world.job().status is Status.SPLIT

    assert stage.world.sweeper.release("batch-9", stage.world.clock()) == [row.job_id]
    stage.work()
    assert_whole(stage)


def test_a_part_that_fails_for_good_fails_the_recording_with_its_sentence(stage: Stage) -> None:
    def fail(offset: float) -> None:
        if offset > 200:
            raise InvalidMedia("The sound cannot be decoded.")

    stage.ear.before = fail
    stage.deliver(*range(stage.split()))
    stage.work()
    stage.world.clock.advance(minutes=3)
    stage.world.sweeper.sweep(stage.world.clock())

    job = stage.world.job()
    assert (job.status, job.fault.code) == (Status.FAILED, "invalid_media")
    assert stage.world.store.head(TRANSCRIPT) is None


def test_an_event_that_was_lost_is_made_up_for(stage: Stage) -> None:
    parts = stage.split()
    stage.deliver(*range(1, parts))
    stage.work()
    assert stage.world.job().status is Status.SPLIT
    stage.world.clock.advance(minutes=3)
    stage.world.sweeper.sweep(stage.world.clock())
    stage.work()
    assert_whole(stage)


def test_a_worker_that_died_before_it_put_the_parts_together_is_made_up_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = stage.split()
    stage.deliver(*range(parts))
    with monkeypatch.context() as patch:
        patch.setattr(TranscribeProcess, "_look_at_whole", lambda *_: None)
        stage.work()
    assert stage.world.job().status is Status.SPLIT
    stage.world.clock.advance(minutes=3)
    for _ in range(2):
        stage.world.sweeper.sweep(stage.world.clock())
    stage.work()
    assert_whole(stage)


def test_a_worker_that_dies_while_it_puts_them_together_is_made_up_for(stage: Stage) -> None:
    parts = stage.split()
    stage.deliver(*range(parts))
    stage.transcriber.failures.append(Stopped())
    with pytest.raises(Stopped):
        stage.work()
    assert stage.world.job().status is Status.QUEUED
    stage.world.clock.advance(minutes=3)
    stage.world.sweeper.sweep(stage.world.clock())
    stage.work()
    assert len(stage.ear.heard) == parts
    assert_whole(stage)


def test_a_crash_between_the_transcript_and_the_cleaning_up_loses_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = stage.split()
    stage.deliver(*range(parts))
    with monkeypatch.context() as patch:
        patch.setattr(type(stage.world.store), "tag", _raise)
        stage.work()
    assert stage.world.store.head(TRANSCRIPT) is not None
    assert stage.world.job().status is Status.TRANSCRIBED


def _raise(*_: object) -> None:
    raise ConnectionError("the network is away")


def test_a_new_recording_takes_the_place_of_one_in_parts(stage: Stage) -> None:
    old = stage.split(clockwork(SECONDS - 1))
    stage.deliver(*range(old))
    stale = stage.world.waiting()
    stage.world.clock.advance(minutes=1)
    parts = stage.split()
    assert stage.world.job().round == 2
    for unit in stale:
        stage.world.queues["transcribe"].send(unit)
    stage.deliver(*range(parts))
    stage.work()
    assert len(stage.ear.heard) == parts
    assert_whole(stage)


def test_parts_of_a_recording_that_was_cancelled_are_dropped(stage: Stage) -> None:
    parts = stage.split()
    stage.deliver(*range(parts))
    job = stage.world.job()
    stage.world.table.replace(job.model_copy(update={"status": Status.CANCELLED}))
    stage.work()
    assert stage.ear.heard == []
    assert stage.world.arrive(part_key(JOB_ID, job.round, 0)) is None


def test_progress_grows_from_part_to_part_and_says_when_it_may_be_done(stage: Stage) -> None:
    parts = stage.split()
    seen = [stage.world.job().progress]
    for number in range(parts - 1):
        stage.world.clock.advance(minutes=2)
        stage.deliver(number)
        stage.work()
        seen.append(stage.world.job().progress)
    assert seen == sorted(set(seen))
    assert 0.6 < seen[-1] < 1
    left = (stage.world.job().expected_at - stage.world.clock()).total_seconds()
    assert 60 < left < 200


def test_parts_are_nobody_s_debates(stage: Stage) -> None:
    stage.deliver(*range(stage.split()))
    jobs = stage.world.catalogue.list(ListQuery(), Caller("ana")).jobs
    assert [job.job_id for job in jobs] == [JOB_ID]
    assert stage.world.job(stage.row(0).job_id).is_listed is False


@pytest.mark.parametrize("name", ["1-12.flac", "x-0001.flac", "7-0001.flac"])
def test_what_is_no_part_that_anybody_waits_for_leads_to_nothing(stage: Stage, name: str) -> None:
    stage.split()
    key = f"{parts_prefix(JOB_ID)}{name}"
    stage.world.drop(key, b"sound")
    assert stage.world.arrive(key) is None


def test_a_claim_that_was_lost_ends_the_hearing_of_a_part(stage: Stage) -> None:
    def lose(offset: float) -> None:
        raise Settled("The claim was lost.")

    stage.deliver(*range(stage.split()))
    stage.ear.before = lose
    stage.work()
    assert stage.world.store.head(TRANSCRIPT) is None
    assert not _is_heard(stage, 0)
