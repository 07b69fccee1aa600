from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batch_images.transcribe.diarization.embedding import Snippets
from batch_images.transcribe.diarization.reconstruction import nearest, speech, turns
from batch_images.transcribe.diarization.segmentation import (
    FRAMES,
    WINDOW,
    Windows,
    runs,
    window_starts,
)

activity = arrays.arrays(np.bool_, st.tuples(st.integers(0, 80), st.integers(0, 4)))


@given(arrays.arrays(np.bool_, st.integers(0, 100)))
def test_runs_are_exactly_what_is_true(active: npt.NDArray[np.bool_]) -> None:
    rebuilt = np.zeros_like(active)
    for first, last in runs(active):
        assert first < last
        rebuilt[first:last] = True
    assert np.array_equal(rebuilt, active)


@given(arrays.arrays(np.bool_, st.integers(0, 100)), st.integers(0, 20))
def test_bridged_runs_lie_further_apart_than_the_bridge(
    active: npt.NDArray[np.bool_], bridge: int
) -> None:
    found = runs(active, bridge=bridge)
    assert all(later[0] - earlier[1] > bridge for earlier, later in pairwise(found))
    assert sum(int(active[first:last].sum()) for first, last in found) == int(active.sum())


@given(activity, st.floats(0.1, 2))
def test_turns_are_ordered_named_by_appearance_and_within_the_recording(
    active: npt.NDArray[np.bool_], duration: float
) -> None:
    found = turns(active, duration=duration)
    assert [t.start for t in found] == sorted(t.start for t in found)
    assert all(0 <= t.start < t.end <= duration for t in found)
    names = list(dict.fromkeys(t.speaker for t in found))
    assert names == [f"SPEAKER_{index:02d}" for index in range(len(names))]


@given(st.integers(0, 10 * WINDOW), st.sampled_from([16_000, 40_000, 160_000]))
def test_windows_cover_the_recording_and_end_with_it(samples: int, step: int) -> None:
    starts = window_starts(samples, step)
    assert starts[0] == 0
    assert np.all(np.diff(starts) > 0)
    assert np.all(np.diff(starts) <= step)
    assert starts[-1] + WINDOW == max(samples, WINDOW)


@pytest.mark.parametrize(("gap", "count"), [(6, 1), (7, 2)])
def test_a_closed_mouth_does_not_end_a_turn_but_a_pause_does(gap: int, count: int) -> None:
    active = np.ones((100, 1), dtype=np.bool_)
    active[40 : 40 + gap] = False
    assert len(turns(active, duration=100)) == count


def one_window(
    active: npt.NDArray[np.bool_], spans: list[tuple[int, int, int]]
) -> tuple[Windows, Snippets]:
    """A window and its snippets, given as (local speaker, first frame, last frame)."""
    local, first, last = np.array(spans, dtype=np.int64).reshape(-1, 3).T
    count = len(spans)
    snippets = Snippets(
        window=np.zeros(count, dtype=np.int64),
        local=local,
        first=first,
        last=last,
        alone=np.ones(count, dtype=np.float32),
        embeddings=np.zeros((count, 192), dtype=np.float32),
    )
    return Windows(np.zeros(1, dtype=np.int64), active[np.newaxis]), snippets


def test_two_people_in_one_local_speaker_are_told_apart() -> None:
    active = np.zeros((FRAMES, 3), dtype=np.bool_)
    active[100:200, 1] = active[210:300, 1] = True
    windows, snippets = one_window(active, [(1, 100, 200), (1, 210, 300)])
    said = speech(windows, snippets, np.array([1, 0]))
    assert runs(said[:, 1]) == [(100, 200)]
    assert runs(said[:, 0]) == [(210, 300)]


def test_overlapped_frames_go_to_the_nearest_snippet() -> None:
    active = np.zeros((FRAMES, 3), dtype=np.bool_)
    active[100:260, 0] = active[240:400, 2] = True
    windows, snippets = one_window(active, [(0, 100, 240), (2, 260, 400)])
    said = speech(windows, snippets, np.array([0, 1]))
    assert runs(said[:, 0]) == [(100, 260)]
    assert runs(said[:, 1]) == [(240, 400)]


def test_windows_vote() -> None:
    active = np.zeros((3, FRAMES, 3), dtype=np.bool_)
    active[0, 100:200, 0] = active[1, 100:200, 0] = active[2, 100:200, 0] = True
    index = np.arange(3)
    snippets = Snippets(
        window=index,
        local=np.zeros(3, dtype=np.int64),
        first=np.full(3, 100),
        last=np.full(3, 200),
        alone=np.ones(3, dtype=np.float32),
        embeddings=np.zeros((3, 192), dtype=np.float32),
    )
    windows = Windows(np.zeros(3, dtype=np.int64), active)
    said = speech(windows, snippets, np.array([0, 1, 1]))
    assert runs(said[:, 1]) == [(100, 200)]
    assert not said[:, 0].any()


@pytest.mark.parametrize(("frame", "span"), [(0, 0), (14, 0), (15, 0), (17, 1), (25, 1), (99, 1)])
def test_nearest_span(frame: int, span: int) -> None:
    spans = np.array([5, 20]), np.array([12, 30])
    assert nearest(np.array([frame]), *spans).tolist() == [span]


def test_nobody_speaks_when_there_are_no_snippets() -> None:
    windows, snippets = one_window(np.zeros((FRAMES, 3), dtype=np.bool_), [])
    assert turns(speech(windows, snippets, np.empty(0, dtype=np.int64)), duration=10) == []
