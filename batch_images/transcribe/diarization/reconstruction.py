"""From local speakers of overlapping windows back to turns on the recording's clock."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.clustering import Labels
from batch_images.transcribe.diarization.embedding import Voices
from batch_images.transcribe.diarization.segmentation import (
    FRAME_CENTRE,
    FRAME_STEP,
    FRAMES,
    LOCAL_SPEAKERS,
    SAMPLE_RATE,
    Windows,
)
from debate_analyzer.transcript import Turn


def speech(windows: Windows, voices: Voices, people: Labels) -> npt.NDArray[np.bool_]:
    """Who speaks in each frame of the recording: (frames, people).

    Windows vote: how many speak at once is the mean count of the windows that see the frame, who
    they are is decided by how many of those windows heard them (as pyannote.audio does it).
    """
    first_frames = np.rint(windows.starts / FRAME_STEP).astype(np.int64)
    frames = int(first_frames[-1]) + FRAMES
    persons = int(people.max(initial=-1)) + 1
    heard = np.zeros((frames, persons), dtype=np.float32)
    speaking = np.zeros(frames, dtype=np.float32)
    seen = np.zeros(frames, dtype=np.float32)
    rows_of = np.searchsorted(voices.window, np.arange(len(windows.starts) + 1))
    for window, first in enumerate(first_frames):
        span = slice(first, first + FRAMES)
        rows = np.arange(rows_of[window], rows_of[window + 1])
        known = windows.active[window][:, voices.local[rows]]
        votes = np.zeros((FRAMES, persons), dtype=np.bool_)
        for column, person in enumerate(people[rows]):
            votes[:, person] |= known[:, column]
        heard[span] += votes
        speaking[span] += votes.sum(axis=1)
        seen[span] += 1
    count = np.rint(speaking / np.maximum(seen, 1)).astype(np.int64)
    ranked = np.argsort(-heard, axis=1, kind="stable")
    active = np.zeros((frames, persons), dtype=np.bool_)
    for rank in range(min(LOCAL_SPEAKERS, persons)):
        at = np.flatnonzero(count > rank)
        active[at, ranked[at, rank]] = True
    return active & (heard > 0)


def turns(active: npt.NDArray[np.bool_], *, duration: float) -> list[Turn]:
    """Turns in order of their start, speakers numbered in order of their first appearance.

    `active`: (frames, people). `duration` in seconds: nothing is said after it.
    """
    spans: list[tuple[float, float, int]] = []
    for person in range(active.shape[1]):
        edges = np.flatnonzero(np.diff(active[:, person], prepend=False, append=False))
        for start, end in zip(_boundary(edges[::2]), _boundary(edges[1::2]), strict=True):
            if start < duration:
                spans.append((float(start), min(float(end), duration), person))
    spans.sort()
    label = {
        person: f"SPEAKER_{index:02d}"
        for index, person in enumerate(dict.fromkeys(person for _, _, person in spans))
    }
    return [Turn(start=start, end=end, speaker=label[person]) for start, end, person in spans]


def _boundary(frames: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Seconds at which frames begin: half a step before their middle; frame 0 begins at 0."""
    seconds = (frames * FRAME_STEP + FRAME_CENTRE - FRAME_STEP / 2) / SAMPLE_RATE
    return np.where(frames == 0, 0.0, np.round(seconds, 3))
