from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from batch_images.transcribe import pauses
from batch_images.transcribe.pauses import cut
from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from batch_images.transcribe.speech import Span
from benchmarks.samples import on_disk, read_samples
from benchmarks.sounds import make, mix
from demo.truth import DEMO, read_truth

EVERY, LOOK = 8.0, 4  # seconds


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a minute is long."""
    monkeypatch.setattr(pauses, "LOOK_SECONDS", LOOK)


@pytest.fixture(scope="module")
def debate() -> Samples:
    return read_samples(DEMO.with_name("debate.mp4"))


def _cut(samples: Samples, start: float = 0.0) -> list[Span]:
    with on_disk(samples) as sound:
        return list(cut(sound, (start, sound.duration), every=EVERY))


@pytest.mark.parametrize("start", [0.0, 5.0])
@pytest.mark.parametrize("seconds", [5.0, 8, 12, 12.1, 30, 70])
def test_pieces_cover_everything_once_and_none_is_too_long(
    debate: Samples, seconds: float, start: float
) -> None:
    pieces = _cut(debate[: int(seconds * SAMPLE_RATE)], start)
    assert (pieces[0][0], pieces[-1][1]) == (start, pytest.approx(seconds, abs=1e-4))
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    assert all(EVERY <= last - first <= EVERY + LOOK for first, last in pieces[:-1])
    assert pieces[-1][1] - pieces[-1][0] <= EVERY + LOOK


@pytest.mark.parametrize("snr", [None, 5])
def test_a_long_recording_is_cut_between_two_speakers(debate: Samples, snr: float | None) -> None:
    first, second, *_ = read_truth().turns
    noise = make("pink noise", 1, seconds=20, level=-6)
    (_, end), *_ = _cut(debate if snr is None else mix(debate, noise, snr=snr))
    assert first.end <= end <= second.start


def test_where_nobody_pauses_a_recording_is_cut_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Speech without end, less sure at one moment."""

    def vad(samples: Samples) -> Samples:
        speech = np.full(len(samples) // 512, 0.9, np.float32)
        speech[50] = 0.6
        return speech

    monkeypatch.setattr(pauses, "get_vad_model", lambda: vad)
    (_, end), *_ = _cut(np.zeros(13 * SAMPLE_RATE, np.float32))
    assert end == EVERY + (50 * 512 + 256) / SAMPLE_RATE
