"""The same person in several parts of a recording, by the mean voice of each part's speakers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.embedding import normalised

# A cosine of two mean voices from which they are one person. Means of minutes of one voice are
# nearer to each other than the short stretches that a diarization tells apart, for which
# pyannote/speaker-diarization-3.1 takes 0.75 (its threshold of 0.7046 is a Euclidean distance).
SAME_PERSON = 0.75


def link(
    voices: Sequence[npt.NDArray[np.float32]],
    seconds: Sequence[npt.NDArray[np.float32]],
    *,
    speakers: int | None = None,
) -> list[npt.NDArray[np.int64]]:
    """A person's number for each speaker of each part, from 0 without a gap.

    `voices`: for each part the embeddings of its speakers (n, d); `seconds` (n,): how long each of
    them speaks, which is how much their voice counts. The most alike join first, while they are
    alike or more than `speakers`. Two speakers of one part were told apart, and stay so.
    """
    part = np.repeat(np.arange(len(voices)), [len(each) for each in voices])
    if not len(part):
        return [np.empty(0, dtype=np.int64) for _ in voices]
    weights = np.maximum(np.concatenate(seconds), 1e-3)[:, np.newaxis]
    sums = normalised(np.concatenate(voices)) * weights
    in_part = part[:, np.newaxis] == np.arange(len(voices))
    person = np.arange(len(part))
    while (count := len(sums)) > 1:
        unit = normalised(sums)
        alike = np.where(in_part.astype(np.int64) @ in_part.T > 0, -np.inf, unit @ unit.T)
        one, other = sorted(int(i) for i in np.unravel_index(np.argmax(alike), alike.shape))
        if np.isneginf(alike[one, other]):
            break
        if count <= speakers if speakers else alike[one, other] < SAME_PERSON:
            break
        sums[one] += sums[other]
        in_part[one] |= in_part[other]
        sums, in_part = np.delete(sums, other, axis=0), np.delete(in_part, other, axis=0)
        person = np.where(person == other, one, person - (person > other))
    edges = np.cumsum([len(each) for each in voices])[:-1]
    return [numbers.astype(np.int64) for numbers in np.split(person, edges)]
