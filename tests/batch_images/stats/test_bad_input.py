from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_images.stats.analysis import Input, analyse
from batch_images.stats.debate import MOST_SPEAKERS
from batch_images.stats.job import StatsProcess
from batch_images.stats.parquet import write_parquet
from debate_analyzer.errors import InvalidTranscript
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import ObjectStore, StoredObject
from debate_analyzer.statistics import Statistics
from tests.batch_images.stats.cases import EXAMPLES, Document, documents
from tests.world import STATS, TRANSCRIPT, World

pytestmark = pytest.mark.usefixtures("figures_alone")

YES = {"start": 1.0, "end": 2.0, "text": "yes", "speaker": "A"}
NO = {"start": 3.0, "end": 4.5, "text": "no no", "speaker": "B"}


def analysed(document: Any) -> Statistics:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    file = Input("transcripts/t.json", data, "etag", datetime(2026, 11, 21, tzinfo=UTC))
    return analyse(file, job_id="j", video_label="v")


def of(*segments: Any, **fields: Any) -> Statistics:
    return analysed({"duration": 9.0, "transcription": list(segments)} | fields)


def warned(statistics: Statistics) -> dict[str, str]:
    return {warning.code: warning.message for warning in statistics.warnings}


def times(statistics: Statistics) -> dict[str, float]:
    return {speaker.speaker: speaker.speaking_time for speaker in statistics.speakers}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"start": -1.0}, "negative_segments"),
        ({"start": -3.0, "end": -2.0}, "negative_segments"),
        ({"start": 2.0, "end": 1.0}, "reversed_segments"),
        ({"start": math.nan}, "unreadable_segments"),
        ({"end": math.nan}, "unreadable_segments"),
        ({"end": math.inf}, "unreadable_segments"),
        ({"start": -math.inf}, "unreadable_segments"),
        ({"start": 1.7e9, "end": 1.7e9 + 1}, "late_segments"),
        ({"end": 1e300}, "late_segments"),
    ],
)
def test_a_time_that_cannot_be_true_is_left_out_and_the_rest_kept(
    bad: dict[str, float], code: str
) -> None:
    got = of(YES | bad, NO, YES | bad | {"text": "again"})

    assert warned(got)[code].startswith("2 segments")
    assert times(got) == {"B": 1.5}
    assert got.evidence.segments[0].segment == 1
    assert got.totals.words == 2


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"start": -1.0}, "negative_turns"),
        ({"start": 2.0, "end": 1.0}, "reversed_turns"),
        ({"start": 2.0, "end": 2.0}, "zero_length_turns"),
        ({"end": math.nan}, "unreadable_turns"),
        ({"end": 1e300}, "late_turns"),
        ({"speaker": ""}, "anonymous_turns"),
    ],
)
def test_a_turn_that_cannot_be_true_is_left_out_and_the_rest_kept(
    bad: dict[str, Any], code: str
) -> None:
    good = {"start": 1.0, "end": 2.5, "speaker": "A"}

    got = of(YES, turns=[good, good | bad])

    assert warned(got)[code].startswith("1 turns")
    assert times(got) == {"A": 1.5}


def test_without_one_good_turn_the_segments_are_counted() -> None:
    got = of(YES, turns=[{"start": 2.0, "end": 1.0, "speaker": "A"}])

    assert got.basis == "segments"
    assert times(got) == {"A": 1.0}


def test_a_segment_without_length_has_words_and_no_time() -> None:
    got = of(YES, NO | {"end": 3.0})

    assert warned(got)["zero_length_segments"].startswith("1 segments")
    assert times(got) == {"A": 1.0, "B": 0.0}
    assert [speaker.words for speaker in got.speakers] == [1, 2]
    assert [speaker.turns for speaker in got.speakers] == [1, 0]


def test_what_one_says_at_once_is_time_once_and_words_twice() -> None:
    got = of(YES | {"end": 3.0}, YES | {"start": 2.0, "end": 4.0, "text": "well yes"})

    assert times(got) == {"A": 3.0}
    assert got.totals.words == 3
    assert got.warnings == []


def test_what_stands_there_twice_counts_once() -> None:
    got = of(YES, NO, YES, YES, NO | {"text": "no"})

    assert warned(got) == {
        "duplicate_segments": "2 segments stand there twice.",
        "unordered_segments": "1 segments begin before the one before them; they are counted in "
        "order of time.",
    }
    assert got.totals.segments == 3


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_that_differ_in_their_words_it_is_always_the_same_that_counts(reverse: bool) -> None:
    um = {"start": 3.0, "end": 3.5, "word": "um"}
    twice = [NO | {"words": [um]}, NO | {"words": [um | {"start": 3.2}]}]

    got = of(*(reversed(twice) if reverse else twice), language="en")

    assert [filler.start for filler in got.evidence.fillers] == [3.0]


def test_segments_out_of_order_are_counted_in_order_of_time() -> None:
    got = of(NO, YES)

    assert warned(got)["unordered_segments"].startswith("1 segments")
    assert [(span.start, span.segment) for span in got.evidence.segments] == [(1.0, 1), (3.0, 0)]
    assert got.turn_taking.counts == [[0, 1], [0, 0]]


@pytest.mark.parametrize("nobody", [{"speaker": None}, {"speaker": ""}, {}])
def test_what_nobody_is_named_for_is_unassigned(nobody: dict[str, Any]) -> None:
    said = {"start": 1.0, "end": 2.0, "text": "who was it"}

    got = of(said | nobody, NO)

    assert got.totals.unassigned_words == 3
    assert got.speakers_count == 1
    assert got.totals.silence == 9.0 - 1.0 - 1.5


def test_an_empty_transcript_is_silence() -> None:
    got = of()

    assert (got.speakers, got.totals.silence, got.totals.words) == ([], 9.0, 0)
    assert got.warnings == []


@pytest.mark.parametrize("duration", [math.nan, math.inf, -1.0, 1e300, "long", None])
def test_a_duration_that_cannot_be_true_is_that_of_what_is_heard(duration: Any) -> None:
    got = of(YES, NO, duration=duration)

    assert got.duration == 4.5
    assert "no_duration" in warned(got)


def test_a_transcript_that_goes_on_after_the_recording_makes_it_longer() -> None:
    got = of(YES, NO, duration=3.0)

    assert got.duration == 4.5
    assert warned(got)["beyond_the_end"].startswith("1 spans")
    assert of(YES, duration=1.5).warnings == []


def test_times_of_words_that_cannot_be_true_are_estimated() -> None:
    words = [
        {"start": 3.0, "end": 3.2, "word": "um"},
        {"start": math.nan, "end": 4.0, "word": "um"},
        {"start": 4.2, "end": 4.1, "word": "um"},
        {"start": 4.4, "end": 7.0, "word": "um"},
    ]

    got = of(NO | {"words": words}, language="en")

    assert warned(got)["untimed_words"].startswith("2 words")
    assert [(filler.start, filler.end) for filler in got.evidence.fillers] == [
        (3.0, 3.2),
        (3.375, 3.75),
        (3.75, 4.125),
        (4.4, 4.5),
    ]


@pytest.mark.parametrize("probability", [math.nan, -0.5, 87.0, 1e308])
def test_a_probability_that_is_none_is_not_taken(probability: float) -> None:
    word = {"start": 1.0, "end": 2.0, "word": "yes", "probability": 0.5}

    got = of(YES | {"words": [word, word | {"probability": probability}]})

    assert warned(got)["impossible_probabilities"].startswith("1 words")
    assert got.speakers[0].confidence == 0.75


def test_a_thousand_speakers_are_counted_and_more_refused() -> None:
    many = [
        {"start": n / 10, "end": n / 10 + 0.3, "text": "here", "speaker": f"S{n:04}"}
        for n in range(MOST_SPEAKERS)
    ]

    assert of(*many).speakers_count == MOST_SPEAKERS
    with pytest.raises(InvalidTranscript, match="1,001 speakers are named; at most 1,000"):
        of(*many, YES)


def test_a_word_may_be_a_mebibyte_long() -> None:
    long = "no" * 2**19 + "?"
    word = {"start": 3.0, "end": 4.5, "word": long}

    got = of(YES, NO | {"text": long, "words": [word]})

    assert got.totals.words == 2
    assert got.evidence.questions[0].end == 4.5


class _Enormous:
    """A store whose objects have two gibibytes each, which are not there to be read."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def head(self, key: str) -> StoredObject | None:
        found = self._store.head(key)
        return replace(found, bytes=2 * 2**30) if found else None

    def get(self, key: str) -> None:
        pytest.fail(f"{key} was read")


def test_a_transcript_of_two_gibibytes_is_refused_before_it_is_read(world: World) -> None:
    world.drop(TRANSCRIPT, json.dumps({"duration": 9, "transcription": [YES]}).encode(), "a/b")
    world.arrive(TRANSCRIPT)
    store: Any = _Enormous(world.store)

    process = StatsProcess(world.table, store, world.publish_queue, world.clock)
    world.worker(process, stage=STATS, linger=0.3).run()

    assert world.job().status is Status.FAILED
    assert "2,048 MiB" in world.job().fault.message


def test_the_first_form_of_transcripts_has_every_figure_that_it_can_carry() -> None:
    """Duration, speakers and segments, and nothing else."""
    plain = {
        "duration": 60.0,
        "speakers_count": 2,
        "transcription": [
            {"start": 0.0, "end": 18.0, "text": "um what now?", "speaker": "A", "confidence": 0.9},
            {"start": 19.0, "end": 30.0, "text": "this.", "speaker": "B", "confidence": 0.5},
        ],
    }

    got = analysed(plain)

    a, b = got.speakers
    assert (a.speaking_time, a.words, a.words_per_minute) == (18.0, 3, 10.0)
    assert (a.turns, a.longest_turn, a.mean_turn, a.median_turn) == (1, 18.0, 18.0, 18.0)
    assert (a.questions, b.questions_answered, b.response_latency) == (1, 1, 1.0)
    assert (a.confidence, b.confidence) == (0.9, 0.5)
    assert [window.words for window in a.pace] == [2, 1]
    assert got.turn_taking.counts == [[0, 1], [0, 0]]
    assert got.balance.evenness is not None
    missing = {each.figure for each in got.unavailable}
    assert missing == {
        *("overlap", "overlapStarts", "overlapStartsSuffered"),
        *("fillers", "fillersPerMinute", "wordTimes"),
    }
    published = got.model_dump(by_alias=True)
    for figure in missing - {"wordTimes"}:
        for place in [published["totals"], *published["speakers"]]:
            assert place.get(figure) is None
    assert all(each.reason.endswith(".") for each in got.unavailable)


# --- anything at all --------------------------------------------------------------------------

_anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["A", "yes", 1.5, 3.0]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("duration", "transcription", "turns", "language", "warnings", "provenance"),
                    *("start", "end", "text", "speaker", "words", "word", "probability", "code"),
                    *("confidence", "message", "a new field"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def _survives(data: bytes) -> None:
    """Either its statistics can be published or it is refused for a reason."""
    try:
        got = analysed(data)
    except InvalidTranscript:
        return
    published = got.model_dump_json(by_alias=True)
    assert "NaN" not in published
    assert "Infinity" not in published
    Statistics.model_validate_json(published)
    write_parquet(got)


@settings(max_examples=EXAMPLES // 5)
@given(_anything)
def test_any_json_has_statistics_or_is_refused(anything: Any) -> None:
    _survives(json.dumps(anything).encode())


@settings(max_examples=EXAMPLES // 5)
@given(documents(), st.data())
def test_a_transcript_with_anything_in_any_place_has_statistics_or_is_refused(
    document: Document, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and data.draw(st.integers(0, 3)):
                place = place[key]
                continue
            place[key] = data.draw(_anything)
            break

    _survives(json.dumps(document).encode())


@settings(max_examples=EXAMPLES // 5)
@given(documents(), st.data())
def test_a_transcript_with_any_bytes_changed_has_statistics_or_is_refused(
    document: Document, data: st.DataObject
) -> None:
    spelled = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(spelled) - 1))
        spelled[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    _survives(bytes(spelled))
