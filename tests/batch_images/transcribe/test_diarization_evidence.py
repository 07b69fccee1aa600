from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from batch_images.transcribe.diarization.embedding import normalised
from batch_images.transcribe.diarization.evidence import Observed

DIMENSIONS = 8
counts, seeds, half_known = st.integers(2, 12), st.integers(0, 1000), st.floats(0.3, 4.0)


def snippets(count: int, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Unit vectors of no voice in particular, and the seconds behind them."""
    rng = np.random.default_rng(seed)
    vectors = normalised(rng.normal(size=(count, DIMENSIONS)).astype(np.float32))
    return vectors, rng.uniform(0.2, 2, count).astype(np.float32)


def groupings(count: int, seed: int) -> npt.NDArray[np.int64]:
    chosen = np.random.default_rng(seed + 1).integers(0, 3, count)
    return np.unique(chosen, return_inverse=True)[1].astype(np.int64)


@given(counts, seeds, half_known)
def test_evidence_is_the_likelihood_of_all_snippets_with_their_people_integrated_out(
    count: int, seed: int, half: float
) -> None:
    vectors, seconds = snippets(count, seed)
    groups = groupings(count, seed)
    person = seconds.astype(float) / (seconds + half)
    shared = np.sqrt(np.outer(person, person)) * (groups[:, None] == groups)
    np.fill_diagonal(shared, 1)
    # Each dimension is drawn alone, with the variance of a unit vector's.
    density = multivariate_normal(np.zeros(count), shared / DIMENSIONS)
    likelihood = sum(density.logpdf(column) for column in vectors.T.astype(float))
    constant = -count * DIMENSIONS / 2 * np.log(2 * np.pi / DIMENSIONS)
    found = Observed.of(vectors, seconds, half_known=half, views=1).evidence(groups)
    assert np.isclose(DIMENSIONS / 2 * found + constant, likelihood, rtol=1e-4, atol=1e-3)


@given(counts, seeds, half_known, st.integers(2, 4))
def test_views_of_the_same_moment_count_as_one(
    count: int, seed: int, half: float, views: int
) -> None:
    vectors, seconds = snippets(count, seed)
    groups = groupings(count, seed)
    once = Observed.of(vectors, seconds, half_known=half, views=1)
    again = Observed.of(
        np.repeat(vectors, views, axis=0), np.repeat(seconds, views), half_known=half, views=views
    )
    assert np.isclose(once.evidence(groups), again.evidence(np.repeat(groups, views)))


@given(counts, seeds, half_known)
def test_merging_ends_where_no_two_groups_have_more_evidence_together(
    count: int, seed: int, half: float
) -> None:
    observed = Observed.of(*snippets(count, seed), half_known=half, views=1)
    groups = observed.likeliest()
    reached = observed.evidence(groups)
    assert reached >= observed.evidence(np.arange(count)) - 1e-9
    for one in range(groups.max() + 1):
        for other in range(one):
            joined = np.unique(np.where(groups == one, other, groups), return_inverse=True)[1]
            assert observed.evidence(joined.astype(np.int64)) <= reached + 1e-9


@given(counts, seeds, half_known)
def test_what_merges_gain_is_the_difference_in_evidence(count: int, seed: int, half: float) -> None:
    observed = Observed.of(*snippets(count, seed), half_known=half, views=1)
    gained = sum(merge.gain for merge in observed.merges())
    apart, together = np.arange(count), np.zeros(count, dtype=np.int64)
    assert np.isclose(gained, observed.evidence(together) - observed.evidence(apart))


@given(counts, seeds, st.integers(1, 14))
def test_as_many_groups_as_are_asked_for(count: int, seed: int, groups: int) -> None:
    observed = Observed.of(*snippets(count, seed), half_known=1.2, views=1)
    found = observed.in_groups(groups, least=0.0)
    assert sorted(set(found.tolist())) == list(range(min(groups, count)))


@given(counts, seeds, st.integers(1, 4), st.floats(0.5, 3))
def test_groups_that_are_too_small_do_not_count(
    count: int, seed: int, groups: int, least: float
) -> None:
    observed = Observed.of(*snippets(count, seed), half_known=1.2, views=1)
    found = observed.in_groups(groups, least=least)
    assert (np.bincount(found, weights=observed.weights) >= least).sum() <= groups
    if observed.weights.sum() >= least:
        assert (np.bincount(found, weights=observed.weights) >= least).any()
