"""Which snippets are one person's.

Two steps. Spectral clustering sorts the snippets of this recording relative to each other: its
graph is tuned by the recording itself, by normalised maximum eigengap (Park et al. 2019,
https://arxiv.org/abs/2003.02405), so no similarity has to be called high or low. It seldom finds
too few groups, and on short recordings too many. Then groups whose mean embeddings are alike are
merged. How alike one person's groups look depends on how much speech is in them, so their cosine is
corrected for that, and the threshold need not know how long a snippet is.

What else was measured is in docs/diarization.md.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import pdist

from batch_images.transcribe.diarization.embedding import Snippets, normalised

Labels = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

SAME_VOICE = 0.65  # corrected cosine of two groups from which they are one person
_HALF_KNOWN = 1.6  # seconds of speech whose mean embedding is half the person, half chance
_CLEAR = 1.0  # seconds alone that make a snippet fit to found a group on
_MOST_SNIPPETS = 1000  # in the spectral step: of a longer recording, a random sample
_MOST_PEOPLE = 20
_FEW = 10  # snippets: too few for a graph


def cluster(snippets: Snippets, *, overlap: float, speakers: int | None = None) -> Labels:
    """A person's number, from 0 without a gap, for every snippet: (n,).

    `overlap`: how many windows see each moment, and so how often each second of speech is counted.
    `speakers`: how many people there are, if known; fewer are found only if there are fewer clear
    snippets.
    """
    if len(snippets) == 0:
        return np.empty(0, dtype=np.int64)
    clear = np.flatnonzero(snippets.alone >= min(_CLEAR, float(snippets.alone.max())))
    if len(clear) > _MOST_SNIPPETS:
        # At random, not every so many: people who take turns regularly would all be one person.
        clear = np.sort(np.random.default_rng(0).choice(clear, _MOST_SNIPPETS, replace=False))
    vectors = snippets.embeddings[clear]
    seconds = snippets.alone[clear] * (snippets.alone.sum() / snippets.alone[clear].sum() / overlap)
    groups = sort_by_graph(vectors, at_least=speakers or 1)
    people = merge_alike(vectors, groups, seconds, speakers=speakers)
    return _most_alike(snippets.embeddings, means(vectors, people))


def means(vectors: Vectors, groups: Labels) -> Vectors:
    """The mean of each group, scaled to length 1: (groups, d)."""
    sums = np.zeros((int(groups.max()) + 1, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, groups, vectors)
    return normalised(sums)


def sort_by_graph(vectors: Vectors, *, at_least: int = 1) -> Labels:
    """Spectral clustering of unit vectors (n, d), tuned by normalised maximum eigengap.

    The graph joins each vector to its p most similar; the p is taken that gives the clearest gap in
    the Laplacian's eigenvalues for the fewest edges, and the place of that gap is the number of
    groups.
    """
    count = len(vectors)
    if count < _FEW:
        return _sort_by_linkage(vectors, at_least=at_least)
    most = min(_MOST_PEOPLE, count - 1)
    by_similarity = np.argsort(-(vectors @ vectors.T), axis=1, kind="stable")
    best_ratio = np.inf
    best_p, best_groups = 0, 1
    for p in np.unique(np.linspace(3, max(4, count // 4), 15).astype(int)):
        values = np.linalg.eigvalsh(_laplacian(by_similarity, p))
        gaps = np.diff(values[: most + 1])
        ratio = p / count / max(gaps.max() / max(values[-1], 1e-9), 1e-9)
        if ratio < best_ratio:
            best_ratio, best_p, best_groups = ratio, p, int(np.argmax(gaps)) + 1
    groups = min(max(best_groups, at_least), count)
    _, spectrum = np.linalg.eigh(_laplacian(by_similarity, best_p))
    return _k_means(spectrum[:, :groups], groups)


def _laplacian(by_similarity: Labels, p: int) -> npt.NDArray[np.float64]:
    graph = np.zeros(by_similarity.shape)
    np.put_along_axis(graph, by_similarity[:, :p], 1.0, axis=1)
    graph = (graph + graph.T) / 2
    np.fill_diagonal(graph, 0)
    laplacian: npt.NDArray[np.float64] = np.diag(graph.sum(axis=1)) - graph
    return laplacian


def _k_means(points: npt.NDArray[np.float64], groups: int) -> Labels:
    """The best of ten seeded runs."""
    with warnings.catch_warnings():
        # A group may end empty, which scipy warns of: it is one group less.
        warnings.simplefilter("ignore", UserWarning)
        attempts = [kmeans2(points, groups, minit="++", rng=seed) for seed in range(10)]
    _, labels = min(attempts, key=lambda run: float(np.sum((points - run[0][run[1]]) ** 2)))
    return _renumbered(labels)


def _sort_by_linkage(vectors: Vectors, *, at_least: int) -> Labels:
    """Average linkage, cut where cosines within a person's short snippets begin to end."""
    if len(vectors) == 1:
        return np.zeros(1, dtype=np.int64)
    tree = linkage(np.maximum(pdist(vectors, "cosine"), 0), method="average")
    groups = _renumbered(fcluster(tree, 0.6, criterion="distance"))
    if groups.max() + 1 < at_least:
        groups = _renumbered(fcluster(tree, at_least, criterion="maxclust"))
    return groups


def merge_alike(
    vectors: Vectors,
    groups: Labels,
    seconds: npt.NDArray[np.float32],
    *,
    speakers: int | None = None,
    same_voice: float = SAME_VOICE,
) -> Labels:
    """Merge groups, most alike first, while they are one voice or more than `speakers`.

    `seconds` (n,): the speech behind each vector. The mean of n seconds of a voice has an expected
    cosine of √(n / (n + h)) with the mean of endless ones: dividing by it for both groups gives the
    cosine that they would have if both had spoken for long.
    """
    groups = _renumbered(groups)
    while (count := int(groups.max()) + 1) > 1:
        spoken = np.bincount(groups, weights=seconds, minlength=count)
        expected = np.sqrt(spoken / (spoken + _HALF_KNOWN))
        centres = means(vectors, groups)
        alike = centres @ centres.T / np.maximum(np.outer(expected, expected), 1e-3)
        np.fill_diagonal(alike, -np.inf)
        one, other = np.unravel_index(np.argmax(alike), alike.shape)
        if count <= speakers if speakers else alike[one, other] < same_voice:
            break
        groups = _renumbered(np.where(groups == other, one, groups))
    return groups


def _most_alike(vectors: Vectors, centres: Vectors) -> Labels:
    best: Labels = np.argmax(vectors @ centres.T, axis=1).astype(np.int64)
    return best


def _renumbered(labels: npt.NDArray[Any]) -> Labels:
    numbers: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return numbers
