"""From snippets of overlapping windows back to turns on the recording's clock."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.diarizer import in_order
from batch_images.transcribe.diarization.embedding import Snippets
from batch_images.transcribe.diarization.evidence import Labels
from batch_images.transcribe.diarization.segmentation import (
    FRAME_CENTRE,
    FRAME_STEP,
    FRAMES,
    LOCAL_SPEAKERS,
    SAMPLE_RATE,
    Windows,
    runs,
)
from debate_analyzer.transcript import Turn

_CLOSURE = 6  # frames: a plosive closes the mouth for a tenth of a second; that is no pause


def speech(windows: Windows, snippets: Snippets, people: Labels) -> npt.NDArray[np.bool_]:
    """Who speaks in each frame of the recording: (frames, people).

    Windows vote: how many speak at once is the mean count of the windows that see the frame, who
    they are is decided by how many of those windows heard them (as pyannote.audio does it).
    """
    first_frames = np.rint(windows.starts / FRAME_STEP).astype(np.int64)
    frames = int(first_frames[-1]) + FRAMES
    persons = int(people.max(initial=-1)) + 1
    heard = np.zeros((frames, persons), dtype=np.uint8)
    speaking = np.zeros(frames, dtype=np.uint8)
    seen = np.zeros(frames, dtype=np.uint8)
    rows_of = np.searchsorted(snippets.window, np.arange(len(windows.starts) + 1))
    for window, first in enumerate(first_frames):
        span = slice(first, first + FRAMES)
        votes = np.zeros((FRAMES, persons), dtype=np.bool_)
        rows = np.arange(rows_of[window], rows_of[window + 1])
        for local in np.unique(snippets.local[rows]):
            own = rows[snippets.local[rows] == local]
            at = np.flatnonzero(windows.active[window, :, local])
            votes[at, people[own[nearest(at, snippets.first[own], snippets.last[own])]]] = True
        heard[span] += votes
        speaking[span] += votes.sum(axis=1, dtype=np.uint8)
        seen[span] += 1
    count = np.rint(speaking / np.maximum(seen, 1)).astype(np.int64)
    active = np.zeros((frames, persons), dtype=np.bool_)
    votes_left = heard.astype(np.int16)
    for rank in range(min(LOCAL_SPEAKERS, persons)):
        at = np.flatnonzero(count > rank)
        loudest = votes_left[at].argmax(axis=1)
        active[at, loudest] = heard[at, loudest] > 0
        votes_left[at, loudest] = -1
    return active


def nearest(frames: Labels, first: Labels, last: Labels) -> Labels:
    """For each frame, the index of the span [first, last) that it is in or closest to."""
    before = first[np.newaxis] - frames[:, np.newaxis]
    after = frames[:, np.newaxis] - (last[np.newaxis] - 1)
    spans: Labels = np.argmin(np.maximum(np.maximum(before, after), 0), axis=1).astype(np.int64)
    return spans


def turns(active: npt.NDArray[np.bool_], *, duration: float) -> list[Turn]:
    """Turns in order of their start, speakers numbered in order of their first appearance.

    `active`: (frames, people). `duration` in seconds: nothing is said after it. A tenth of a second
    in which somebody is not heard does not end a turn.
    """
    return in_order(
        (start, min(_time(last), duration), person)
        for person in range(active.shape[1])
        for first, last in runs(active[:, person], bridge=_CLOSURE)
        if (start := _time(first)) < duration
    )


def _time(frame: int) -> float:
    """Seconds at which a frame begins: half a step before its middle. The first begins at 0."""
    samples = frame * FRAME_STEP + FRAME_CENTRE - FRAME_STEP / 2
    return round(samples / SAMPLE_RATE, 3) if frame else 0.0
