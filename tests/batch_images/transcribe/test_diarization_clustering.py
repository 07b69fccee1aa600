from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_images.transcribe.diarization.clustering import cluster, merge_alike, sort_by_graph
from batch_images.transcribe.diarization.embedding import DIMENSIONS, Snippets, normalised


def voices(
    people: npt.NDArray[np.int64], *, alike: float = 0.6, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Unit vectors whose cosine is about `alike` within a person and 0 between two."""
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(DIMENSIONS, int(people.max()) + 1)))[0].T
    noise = normalised(rng.normal(size=(len(people), DIMENSIONS)).astype(np.float32))
    mixed = np.sqrt(alike) * centres[people] + np.sqrt(1 - alike) * noise
    return normalised(mixed.astype(np.float32))


def snippets(vectors: npt.NDArray[np.float32], alone: float = 1.8) -> Snippets:
    count = len(vectors)
    index = np.arange(count)
    return Snippets(
        window=index,
        local=np.zeros(count, dtype=np.int64),
        first=np.zeros(count, dtype=np.int64),
        last=np.full(count, 100),
        alone=np.full(count, alone, dtype=np.float32),
        embeddings=vectors,
    )


def same_partition(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    return bool(np.all((one[:, None] == one) == (other[:, None] == other)))


@settings(deadline=None, max_examples=25)
@given(
    counts=st.lists(st.integers(8, 25), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
)
def test_well_separated_people_are_found_whatever_their_number(
    counts: list[int], seed: int
) -> None:
    people = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    found = cluster(snippets(voices(people, seed=seed)), overlap=1.0)
    assert same_partition(found, people)


@settings(deadline=None, max_examples=25)
@given(
    count=st.integers(1, 60),
    speakers=st.integers(1, 5),
    people=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_a_known_number_is_respected_while_there_are_enough_snippets(
    count: int, speakers: int, people: int, seed: int
) -> None:
    truth = np.random.default_rng(seed).integers(0, people, count)
    found = cluster(snippets(voices(truth, seed=seed)), overlap=4.0, speakers=speakers)
    assert len(found) == count
    assert len(np.unique(found)) <= speakers
    assert found.min() >= 0
    if speakers == people and np.all(np.bincount(truth, minlength=people) >= 8):
        assert same_partition(found, truth)


@pytest.mark.parametrize("count", [1, 2, 9, 10, 30])
def test_identical_snippets_are_one_person(count: int) -> None:
    vectors = np.repeat(voices(np.zeros(1, dtype=np.int64)), count, axis=0)
    assert set(cluster(snippets(vectors), overlap=1.0).tolist()) == {0}


def test_no_snippets_are_nobody() -> None:
    nothing = snippets(np.empty((0, DIMENSIONS), dtype=np.float32))
    assert cluster(nothing, overlap=1.0).tolist() == []


def test_many_snippets_are_sampled_and_all_are_labelled() -> None:
    people = np.arange(1500) % 3
    found = cluster(snippets(voices(people)), overlap=4.0)
    assert same_partition(found[:300], people[:300])
    assert len(found) == 1500


def test_the_graph_numbers_its_groups_without_a_gap() -> None:
    groups = sort_by_graph(voices(np.arange(60) % 4))
    assert set(groups.tolist()) == {0, 1, 2, 3}


def test_the_less_was_said_the_less_alike_two_groups_of_one_voice_need_to_be() -> None:
    vectors = normalised(np.array([[1.0, 0.0], [0.4, 0.917]], dtype=np.float32))  # cosine 0.4
    groups = np.array([0, 1])
    brief, long = np.full(2, 1.5, dtype=np.float32), np.full(2, 60, dtype=np.float32)
    assert merge_alike(vectors, groups, brief).tolist() == [0, 0]
    assert merge_alike(vectors, groups, long).tolist() == [0, 1]
