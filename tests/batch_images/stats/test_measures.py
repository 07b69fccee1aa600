from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Segment, Transcript, Turn, Word
from tests.batch_images.stats.documents import measured, segment

NAMES = ["SPEAKER_00", "SPEAKER_01", "SPEAKER_02"]


def test_a_small_debate_by_hand() -> None:
    transcript = Transcript(
        duration=20.0,
        transcription=[
            segment(0, 4, "A", "one two three four"),
            segment(4, 6, "A", "five six"),
            segment(7, 10, "B", "seven eight nine"),
            segment(12, 13, None, "what"),
            segment(13, 15, "A", "ten"),
        ],
        turns=[
            Turn(start=0, end=6, speaker="A"),
            Turn(start=5, end=10, speaker="B"),
            Turn(start=13, end=15, speaker="A"),
        ],
    )

    got = measured(transcript)

    a, b = got.speakers
    assert (a.speaking_time, a.words, a.segments, a.turns) == (8.0, 7, 3, 2)
    assert (a.longest_turn, a.longest_turn_start, a.mean_turn) == (6.0, 0.0, 4.0)
    assert a.words_per_minute == pytest.approx(52.5)
    assert (b.speaking_time, b.words, b.turns) == (5.0, 3, 1)
    assert a.speaking_share == pytest.approx(8 / 13, abs=1e-6)
    assert got.totals.overlap == 1.0
    assert got.totals.silence == 8.0
    assert got.totals.unassigned_words == 1
    assert got.speakers_count == 2


def test_a_foreign_transcript_without_turns_is_counted_from_its_segments() -> None:
    got = measured(Transcript(duration=9, transcription=[segment(1, 4, "A", "hello there")]))

    assert got.speakers[0].speaking_time == 3.0
    assert got.speakers[0].words == 2


def test_nobody_spoke() -> None:
    got = measured(Transcript(duration=9, transcription=[]))

    assert got.speakers == []
    assert got.totals.silence == 9.0


def test_words_without_speakers_are_no_silence() -> None:
    """A diarization that failed: words and their times, and nothing said of anybody."""
    got = measured(
        Transcript(
            duration=9,
            transcription=[segment(1, 4, None, "hello there"), segment(3, 6, None, "well")],
        )
    )

    assert (got.speakers, got.speakers_count) == ([], 0)
    assert (got.totals.words, got.totals.unassigned_words) == (3, 3)
    assert (got.totals.silence, got.totals.speaking_time) == (4.0, 0.0)


def test_a_speaker_who_was_heard_without_a_word_has_no_pace() -> None:
    turns = [Turn(start=0, end=2, speaker="A")]
    got = measured(Transcript(duration=9, transcription=[], turns=turns))

    assert got.speakers[0].words_per_minute is None
    assert got.speakers[0].confidence is None
    assert got.speakers[0].turns == 1


_spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from(NAMES)),
    max_size=12,
    unique=True,
)


@st.composite
def _transcripts(draw: st.DrawFn) -> Transcript:
    """Times on whole seconds, so that a count second by second is exact."""
    turns = [Turn(start=s, end=s + d, speaker=n) for s, d, n in draw(_spans)]
    segments = [
        Segment(
            start=s,
            end=s + d,
            text="w " * d,
            speaker=n,
            confidence=draw(st.floats(0, 1)),
            words=[Word(start=s + i, end=s + i + 1, word="w") for i in range(d)],
        )
        for s, d, n in draw(_spans)
    ]
    return Transcript(duration=80, transcription=segments, turns=turns)


@given(_transcripts())
def test_times_are_what_a_count_second_by_second_gives(transcript: Transcript) -> None:
    got = measured(transcript)
    spans = transcript.turns or transcript.transcription
    seconds = [{s.speaker for s in spans if s.start <= t < s.end} for t in range(80)]

    for speaker in got.speakers:
        assert speaker.speaking_time == sum(speaker.speaker in who for who in seconds)
    together = sum(len(who) > 1 for who in seconds)
    assert got.totals.overlap == (together if transcript.turns else None)
    assert got.totals.silence == sum(not who for who in seconds)


@given(_transcripts())
def test_parts_add_up_to_the_whole(transcript: Transcript) -> None:
    got = measured(transcript)

    assert sum(s.words for s in got.speakers) + got.totals.unassigned_words == got.totals.words
    assert sum(s.segments for s in got.speakers) == len(transcript.transcription)
    assert sum(s.turns for s in got.speakers) == got.totals.turns
    if got.totals.speaking_time:
        assert sum(s.speaking_share for s in got.speakers) == pytest.approx(1, abs=1e-5)
    for speaker in got.speakers:
        assert speaker.mean_turn <= speaker.longest_turn + 1e-3
        assert speaker.confidence is None or 0 <= speaker.confidence <= 1


@given(_transcripts(), st.randoms())
def test_the_order_of_segments_and_turns_does_not_matter(
    transcript: Transcript, random: Random
) -> None:
    shuffled = transcript.model_copy(deep=True)
    random.shuffle(shuffled.transcription)
    random.shuffle(shuffled.turns)

    assert _placed_anywhere(measured(shuffled)) == _placed_anywhere(measured(transcript))


def _placed_anywhere(statistics: Statistics) -> dict[str, Any]:
    """Without the places in the transcript's list, which are what was shuffled, and without the
    warning of that."""
    found = statistics.model_dump()
    for spans in found["evidence"].values():
        for span in spans:
            span["segment"] = None
    found["warnings"] = [each for each in found["warnings"] if each["code"][:9] != "unordered"]
    return found
