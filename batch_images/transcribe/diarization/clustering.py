"""Which local speakers are one person.

Agglomerative clustering with average linkage on cosine distances: its stopping rule is the same
question that a speaker verification system answers, so the threshold is a property of the
embedding and not of a recording, and it can find one speaker as well as ten. The alternatives that
were measured are in docs/diarization.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import pdist

from batch_images.transcribe.diarization.embedding import Voices, normalised

SAME_VOICE = 0.5  # mean cosine similarity above which two groups of embeddings are one person
_CLEAR = 1.0  # seconds alone that make an embedding fit to found a cluster on
_MOST = 3000  # embeddings in the distance matrix: 36 MB; a longer recording is sampled evenly

Labels = npt.NDArray[np.int64]


def cluster(voices: Voices, *, speakers: int | None = None) -> Labels:
    """A person's number, from 0, for every local speaker. `speakers`: how many people, if known.

    Fewer people than asked for are found when there are fewer distinct embeddings.
    """
    if len(voices) == 0:
        return np.empty(0, dtype=np.int64)
    clear = np.flatnonzero(voices.alone >= min(_CLEAR, float(voices.alone.max())))
    if len(clear) > _MOST:
        clear = clear[np.linspace(0, len(clear) - 1, _MOST).astype(np.int64)]
    people = agglomerate(voices.embeddings[clear], speakers=speakers)
    centroids = np.stack(
        [voices.embeddings[clear][people == person].mean(axis=0) for person in np.unique(people)]
    )
    return assign(voices, normalised(centroids))


def agglomerate(
    embeddings: npt.NDArray[np.float32],
    *,
    speakers: int | None = None,
    same_voice: float = SAME_VOICE,
) -> Labels:
    """Group unit vectors (n, d): numbers from 0 without a gap, (n,)."""
    if len(embeddings) == 1:
        return np.zeros(1, dtype=np.int64)
    tree = linkage(np.maximum(pdist(embeddings, "cosine"), 0), method="average")
    if speakers is None:
        groups = fcluster(tree, 1 - same_voice, criterion="distance")
    else:
        groups = fcluster(tree, speakers, criterion="maxclust")
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def assign(voices: Voices, centroids: npt.NDArray[np.float32]) -> Labels:
    """The centroid of each voice, so that local speakers of one window are different people.

    A window with more local speakers than there are people gives the rest their nearest centroid.
    """
    similarity = voices.embeddings @ centroids.T
    people: Labels = np.argmax(similarity, axis=1).astype(np.int64)
    starts = np.flatnonzero(np.diff(voices.window, prepend=-1))
    for rows in np.split(np.arange(len(voices)), starts[1:]):
        if len(rows) > 1:
            chosen, person = linear_sum_assignment(similarity[rows], maximize=True)
            people[rows[chosen]] = person
    return people
