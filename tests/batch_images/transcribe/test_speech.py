from __future__ import annotations

from types import SimpleNamespace

import pytest

from batch_images.transcribe.sound import SAMPLE_RATE
from batch_images.transcribe.speech import Detected, Span, passed_over, read_detected


@pytest.mark.parametrize(
    ("spans", "speech"),
    [
        ([(5.0, 6.0)], [0.2]),  # its margins are no speech
        ([(5.0, 7.0), (9.0, 9.9)], [1.2, 0.1]),
        ([(5.0, 7.0), (7.0, 7.9)], [1.6, 0.5]),  # where they meet, they may be narrow
        ([(0.0, 0.9), (19.0, 20.0)], [0.5, 0.6]),  # and at the ends of the recording
    ],
)
def test_how_much_speech_is_in_a_stretch(spans: list[Span], speech: list[float]) -> None:
    info = SimpleNamespace(
        vad_options=SimpleNamespace(speech_pad_ms=400),
        transcription_options=SimpleNamespace(
            clip_timestamps=[
                {"start": int(start * SAMPLE_RATE), "end": int(end * SAMPLE_RATE)}
                for start, end in spans
            ]
        ),
    )
    found = read_detected(info, 20 * SAMPLE_RATE)
    assert [(stretch.start, stretch.end) for stretch in found] == spans
    assert [stretch.speech for stretch in found] == pytest.approx(speech)


def _detected(*spans: Span) -> list[Detected]:
    return [Detected(start, end, end - start) for start, end in spans]


@pytest.mark.parametrize(
    ("detected", "said", "clips"),
    [
        ([], [], []),
        ([(0, 10)], [(0.2, 4), (4, 9.8)], []),
        ([(0, 10)], [(0.2, 4), (5.9, 9.8)], []),  # a hesitation
        ([(0, 10)], [(0.2, 4), (7, 9.8)], [(4, 7)]),
        ([(0, 10)], [(6, 9.8)], [(0, 6)]),
        ([(0, 10)], [(0.2, 4)], [(4, 10)]),
        ([(0, 10)], [], [(0, 10)]),
        ([(0, 2), (8, 10)], [(0.2, 1.8), (8.2, 9.8)], []),  # silence
        ([(0, 5), (5.5, 9)], [], [(0, 9)]),  # one breath
        ([(0, 5), (7, 12)], [], [(0, 5), (7, 12)]),
        ([(0, 1), (3, 4), (6, 7)], [], []),  # too short, each of them
        ([(0, 12)], [(5, 5.5)], [(0, 5), (5.5, 12)]),  # a word between is not heard again
        ([(0, 20), (20, 40)], [], [(0, 20), (20, 40)]),  # what Whisper hears at once
    ],
)
def test_speech_without_words_is_found(
    detected: list[Span], said: list[Span], clips: list[Span]
) -> None:
    assert passed_over(_detected(*detected), said) == clips
