"""How likely it is that snippets are one person's: a two-covariance model of voices.

A person is a point drawn from a standard normal distribution. An embedding of s seconds of them is
that point times √(s / (s + h)), and for the rest noise of the same distribution: of h seconds half
is the person, half is chance. Both are integrated out, which leaves one number for a group of
snippets, its log evidence. Two groups are one person if together they have more than apart. No
similarity has to be called high or low for that; h is the one thing to know, and a recording tells
it: the h with the most evidence is how noisy its snippets are.

The model is probabilistic linear discriminant analysis (Ioffe, 2006,
https://doi.org/10.1007/11744085_41) with round covariances; merging by evidence is Bayesian
hierarchical clustering (Heller and Ghahramani, 2005, https://doi.org/10.1145/1102351.1102389).
Evidence is in units of half the embeddings' dimensions, without the terms that all groupings share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two groups, by their first snippets, and how much more evidence they have together."""

    kept: int
    merged: int
    gain: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What groups need to know of their snippets: their sum.

    `sums`: (n, d). `weights`: (n,) seconds over h. `noise`: the evidence that is the same however
    the snippets are grouped, but not whatever h is.
    """

    sums: Reals
    weights: Reals
    noise: float

    @classmethod
    def of(
        cls, vectors: Vectors, seconds: npt.NDArray[np.float32], *, half_known: float, views: float
    ) -> Observed:
        """Unit vectors (n, d) of so many `seconds` (n,) each; `half_known` is h.

        `views`: how many snippets show the same moment, and so count as one.
        """
        spoken = seconds.astype(np.float64)
        clearness = (spoken + half_known) / half_known  # the inverse of the noise's share
        weights = spoken / half_known
        scale = np.sqrt(weights * clearness) / views
        return cls(
            vectors.astype(np.float64) * scale[:, np.newaxis],
            weights / views,
            float((np.log(clearness) - clearness).sum()) / views,
        )

    def evidence(self, groups: Labels) -> float:
        """Of this grouping, numbered from 0 without a gap."""
        sums = np.zeros((int(groups.max()) + 1, self.sums.shape[1]))
        np.add.at(sums, groups, self.sums)
        weights: Reals = np.bincount(groups, weights=self.weights).astype(np.float64)
        return self.noise + float(_evidence((sums**2).sum(axis=1), weights).sum())

    def merges(self) -> list[Merge]:
        """From each snippet alone to all together: at each step the two groups for which there is
        most evidence that they are one."""
        count = len(self.weights)
        products = self.sums @ self.sums.T
        weights = self.weights.copy()
        squares = np.diag(products).copy()
        apart = _evidence(squares, weights)
        gains = _evidence(
            squares[:, np.newaxis] + squares + 2 * products, weights[:, np.newaxis] + weights
        )
        gains -= apart[:, np.newaxis] + apart
        np.fill_diagonal(gains, -np.inf)
        found: list[Merge] = []
        for _ in range(count - 1):
            kept, merged = sorted(divmod(int(np.argmax(gains)), count))
            found.append(Merge(kept, merged, float(gains[kept, merged])))
            products[kept] += products[merged]
            products[:, kept] += products[:, merged]
            weights[kept] += weights[merged]
            squares[kept] = products[kept, kept]
            apart[kept] = _evidence(squares[kept], weights[kept])
            gain = _evidence(squares + squares[kept] + 2 * products[kept], weights + weights[kept])
            gain -= apart + apart[kept]
            gain[np.isneginf(gains[kept])] = -np.inf  # itself, and what was merged away
            gains[kept] = gains[:, kept] = gain
            gains[merged] = gains[:, merged] = -np.inf
        return found

    def likeliest(self) -> Labels:
        """The grouping, (n,), after which no two groups have more evidence together than apart."""
        merges = self.merges()
        steps = next((step for step, merge in enumerate(merges) if merge.gain < 0), len(merges))
        return self._after(merges[:steps])

    def in_groups(self, count: int, *, least: float) -> Labels:
        """The grouping, (n,), with the fewest groups of which `count` have a weight of `least`; if
        there never are so many, as many as there can be."""
        merges = self.merges()
        weights = self.weights.copy()
        large = int((weights >= least).sum())
        best, steps = min(large, count), 0
        for step, merge in enumerate(merges, 1):
            large -= int(weights[merge.kept] >= least) + int(weights[merge.merged] >= least)
            weights[merge.kept] += weights[merge.merged]
            large += int(weights[merge.kept] >= least)
            if min(large, count) >= best:
                best, steps = min(large, count), step
        return self._after(merges[:steps])

    def _after(self, merges: list[Merge]) -> Labels:
        labels = np.arange(len(self.weights))
        for merge in merges:
            labels[labels == merge.merged] = merge.kept
        numbered: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        return numbered


def _evidence(squares: Reals, weights: Reals) -> Reals:
    """Of groups with sums of these squared lengths."""
    found: Reals = squares / (1 + weights) - np.log1p(weights)
    return found
