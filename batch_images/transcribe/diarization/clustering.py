"""Which snippets are one person's.

Snippets are merged while there is evidence that they are one voice (evidence.py). How noisy the
snippets of this recording are is found by the same evidence, so that what is called alike fits a
meeting across a table as well as a studio. Evidence grows with speech, and nobody sounds the same
for many minutes: groups whose means are alike are then merged whatever it says.

What else was measured is in docs/diarization.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, ward

from batch_images.transcribe.diarization.embedding import Snippets, normalised
from batch_images.transcribe.diarization.evidence import Labels, Observed, Vectors

SAME_VOICE = 0.65  # corrected cosine of two groups from which they are one person
HALF_KNOWN = 1.2  # seconds of speech of which half is the person, half chance: what is expected
_LEVEL = 1.25  # from one amount that is tried to the next
_MOST_LEVELS = 4  # up and down
_EXPECTATION = 0.5  # evidence against an amount e times as high or low as is expected
_CLEAR = 0.5  # seconds alone that make a snippet fit to found a group on
_HARDLY = 0.1  # seconds that a snippet counts for which is heard through another voice
_LEAST = 0.5  # seconds of speech that make a group a person
_MOST_SNIPPETS = 500  # that groups are made of: of a longer recording, a random sample


def cluster(snippets: Snippets, *, overlap: float, speakers: int | None = None) -> Labels:
    """A person's number, from 0 without a gap, for every snippet: (n,).

    `overlap`: how many windows see each moment, and so how often each second of speech is counted.
    `speakers`: how many people there are, if known; fewer are found only where too little is said.
    """
    if len(snippets) == 0:
        return np.empty(0, dtype=np.int64)
    clear = np.flatnonzero(snippets.alone >= min(_CLEAR, float(snippets.alone.max())))
    if len(clear) > _MOST_SNIPPETS:
        # At random, not every so many: people who take turns regularly would all be one person.
        clear = np.sort(np.random.default_rng(0).choice(clear, _MOST_SNIPPETS, replace=False))
    vectors = snippets.embeddings[clear]
    alone = np.maximum(snippets.alone[clear], np.float32(_HARDLY))
    people, half_known = group(vectors, alone, views=overlap, speakers=speakers)
    if speakers is None:
        seconds = alone * (snippets.alone.sum() / alone.sum() / overlap)
        people = merge_alike(vectors, people, seconds, half_known=half_known)
    spoken = np.bincount(people, weights=alone) / overlap
    founders = means(vectors, people)[spoken >= min(_LEAST, float(spoken.max()))]
    if speakers is not None and len(founders) < min(speakers, len(vectors)):
        founders = means(vectors, _split(vectors, speakers))
    return _most_alike(snippets.embeddings, founders)


def group(
    vectors: Vectors,
    seconds: npt.NDArray[np.float32],
    *,
    views: float = 1.0,
    speakers: int | None = None,
) -> tuple[Labels, float]:
    """The grouping with the most evidence, and the seconds of speech of which half is the person.

    `vectors` (n, d) of length 1; `seconds` (n,) behind each; `views`: see Observed. The amount is
    looked for upwards and downwards from what is expected, until there is less evidence. With
    `speakers`, so many groups are large enough to be people; others may be left over.
    """
    tried: dict[int, tuple[float, Labels]] = {}

    def evidence(level: int) -> float:
        if level not in tried:
            observed = Observed.of(vectors, seconds, half_known=_half_known(level), views=views)
            groups = (
                observed.likeliest()
                if speakers is None
                else observed.in_groups(speakers, least=_LEAST / _half_known(level))
            )
            unexpected = _EXPECTATION * (level * np.log(_LEVEL)) ** 2
            tried[level] = (observed.evidence(groups) - unexpected, groups)
        return tried[level][0]

    best = 0
    while abs(best) < _MOST_LEVELS:
        nearby = max((best, best - 1, best + 1), key=evidence)
        if nearby == best:
            break
        best = nearby
    return tried[best][1], _half_known(best)


def means(vectors: Vectors, groups: Labels) -> Vectors:
    """The mean of each group, scaled to length 1: (groups, d)."""
    sums = np.zeros((int(groups.max()) + 1, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, groups, vectors)
    return normalised(sums)


def merge_alike(
    vectors: Vectors,
    groups: Labels,
    seconds: npt.NDArray[np.float32],
    *,
    half_known: float = HALF_KNOWN,
) -> Labels:
    """Merge groups, most alike first, while they are one voice.

    `seconds` (n,): the speech behind each vector. The mean of n seconds of a voice has an expected
    cosine of √(n / (n + h)) with the mean of endless ones, where h is `half_known`: dividing by it
    for both groups gives the cosine that they would have if both had spoken for long.
    """
    groups = _renumbered(groups)
    while (count := int(groups.max()) + 1) > 1:
        spoken = np.bincount(groups, weights=seconds, minlength=count)
        expected = np.sqrt(spoken / (spoken + half_known))
        centres = means(vectors, groups)
        alike = centres @ centres.T / np.maximum(np.outer(expected, expected), 1e-3)
        np.fill_diagonal(alike, -np.inf)
        one, other = np.unravel_index(np.argmax(alike), alike.shape)
        if alike[one, other] < SAME_VOICE:
            break
        groups = _renumbered(np.where(groups == other, one, groups))
    return groups


def _half_known(level: int) -> float:
    return float(HALF_KNOWN * _LEVEL**level)


def _split(vectors: Vectors, groups: int) -> Labels:
    """More groups than there is evidence for: those that are closest to their means (Ward)."""
    return _renumbered(fcluster(ward(vectors), groups, criterion="maxclust"))


def _most_alike(vectors: Vectors, centres: Vectors) -> Labels:
    best: Labels = np.argmax(vectors @ centres.T, axis=1).astype(np.int64)
    return best


def _renumbered(labels: Labels) -> Labels:
    numbers: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return numbers
