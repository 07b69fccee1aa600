from __future__ import annotations

import subprocess
from itertools import pairwise

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.transcribe.media import probe
from debate_analyzer.transcript import Segment, Transcript, Turn
from demo.make_demo import SCRIPT
from demo.score import diarization_error_rate, score, word_error_rate
from demo.truth import DEMO, Truth, read_truth

VIDEO = DEMO.with_name("debate.mp4")


def _turn(start: float, end: float, speaker: str) -> Turn:
    return Turn(start=start, end=end, speaker=speaker)


_turns = st.lists(
    st.builds(
        lambda start, length, who: _turn(start, start + length, who),
        st.integers(0, 50),
        st.integers(1, 20),
        st.sampled_from("ABC"),
    ),
    max_size=10,
)


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        ([_turn(0, 6, "x"), _turn(6, 10, "y")], 0.0),
        ([], 1.0),
        ([_turn(0, 5, "x"), _turn(6, 10, "y")], 0.1),  # a second missed
        ([_turn(0, 6, "x"), _turn(6, 12, "y")], 0.2),  # two seconds of false alarm
        ([_turn(0, 7, "x"), _turn(7, 10, "y")], 0.1),  # a second given to the other
        ([_turn(0, 10, "x")], 0.4),  # one speaker for both: the longer stays
        ([_turn(0, 6, "x"), _turn(4, 10, "y")], 0.2),  # two seconds of overlap that was none
        ([_turn(0, 3, "x"), _turn(3, 6, "z"), _turn(6, 10, "y")], 0.3),  # one name too many
    ],
)
def test_der_by_hand(heard: list[Turn], rate: float) -> None:
    truth = [_turn(0, 6, "A"), _turn(6, 10, "B")]
    assert diarization_error_rate(truth, heard) == pytest.approx(rate)


def test_der_counts_overlapping_speech_once_for_each_speaker() -> None:
    truth = [_turn(0, 6, "A"), _turn(4, 8, "B")]  # ten seconds of speech in eight
    heard = [_turn(0, 5, "x"), _turn(5, 8, "y")]  # 4–5 lacks B, 5–6 lacks A
    assert diarization_error_rate(truth, heard) == pytest.approx(0.2)


def test_der_without_speech_in_the_truth() -> None:
    assert diarization_error_rate([], []) == 0
    assert diarization_error_rate([], [_turn(0, 1, "x")]) == 1


@given(_turns)
def test_the_truth_has_no_error(turns: list[Turn]) -> None:
    assert diarization_error_rate(turns, turns) == pytest.approx(0)


@given(_turns, _turns, st.permutations("ABC"))
def test_names_do_not_matter(truth: list[Turn], heard: list[Turn], names: list[str]) -> None:
    renamed = [
        turn.model_copy(update={"speaker": names["ABC".index(turn.speaker)]}) for turn in heard
    ]
    assert diarization_error_rate(truth, renamed) == pytest.approx(
        diarization_error_rate(truth, heard)
    )


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        ("Good evening, and WELCOME!", 0.0),
        ("good   evening and welcome", 0.0),
        ("good morning and welcome", 0.25),
        ("good evening welcome", 0.25),
        ("very good evening and welcome", 0.25),
        ("", 1.0),
    ],
)
def test_wer_by_hand(heard: str, rate: float) -> None:
    assert word_error_rate("Good evening, and welcome.", heard) == pytest.approx(rate)


def test_score_reads_words_in_the_order_of_their_times() -> None:
    truth = Truth.model_validate(
        {
            "duration": 4,
            "turns": [
                {"start": 0, "end": 2, "speaker": "A", "text": "Yes."},
                {"start": 2, "end": 4, "speaker": "B", "text": "No."},
            ],
        }
    )
    transcript = Transcript(
        duration=4,
        transcription=[Segment(start=2, end=4, text="no"), Segment(start=0, end=2, text="yes")],
        turns=[_turn(0, 2, "SPEAKER_00"), _turn(2, 4, "SPEAKER_01")],
    )
    found = score(transcript, truth)
    assert (found.wer, found.der, found.speakers) == (0, 0, 2)


def test_the_truth_of_the_demo_is_its_script() -> None:
    turns = read_truth().turns
    assert [(turn.speaker, turn.text) for turn in turns] == [
        (line.speaker, line.text) for line in SCRIPT
    ]
    overlaps = [second for first, second in pairwise(turns) if second.start < first.end]
    assert len(overlaps) == 1


def test_the_demo_s_rttm_says_the_same() -> None:
    rows = [line.split() for line in DEMO.with_name("debate.rttm").read_text().splitlines()]
    assert [row[7] for row in rows] == [turn.speaker for turn in read_truth().turns]
    for row, turn in zip(rows, read_truth().turns, strict=True):
        assert float(row[3]) == turn.start
        assert float(row[3]) + float(row[4]) == pytest.approx(turn.end, abs=0.0011)


def test_the_demo_s_video_lasts_as_long_as_its_truth_says() -> None:
    found = probe(VIDEO)
    assert found.has_audio
    assert found.has_video
    assert found.duration == pytest.approx(read_truth().duration, abs=0.15)


def test_the_demo_s_video_plays_before_it_is_loaded() -> None:
    """Its index comes before its pictures."""
    trace = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "trace", "-i", str(VIDEO)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,  # without an output it always complains
    ).stderr
    assert 0 < trace.index("type:'moov'") < trace.index("type:'mdat'")
