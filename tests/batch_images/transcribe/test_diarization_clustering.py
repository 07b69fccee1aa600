from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_images.transcribe.diarization.clustering import HALF_KNOWN, cluster, group, merge_alike
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


@pytest.mark.parametrize("alike", [0.3, 0.4, 0.65, 0.8])
def test_people_are_told_apart_however_noisy_the_recording(alike: float) -> None:
    people = np.arange(60) % 4
    found, half_known = group(voices(people, alike=alike), np.full(60, 1.5, dtype=np.float32))
    assert same_partition(found, people)
    # alike = 1.5 / (1.5 + h), and what is expected has a say
    assert (half_known > HALF_KNOWN) == (alike < 0.5)


def test_who_says_little_is_found_beside_who_says_much() -> None:
    people = np.repeat(np.arange(2), [80, 3])
    found = cluster(snippets(voices(people)), overlap=1.0)
    assert same_partition(found, people)


def test_windows_that_see_the_same_moment_do_not_make_more_people() -> None:
    people = np.arange(24) % 3
    once = voices(people, alike=0.35)
    found = cluster(snippets(np.repeat(once, 4, axis=0)), overlap=4.0)
    assert same_partition(found, np.repeat(people, 4))


def test_who_sounds_different_after_an_hour_is_still_one_person() -> None:
    now, later = voices(np.arange(400) % 2, alike=0.8).reshape(200, 2, -1).swapaxes(0, 1)
    common = voices(np.zeros(200, dtype=np.int64), alike=0.99, seed=1)
    vectors = normalised(np.concatenate([now + 1.7 * common, later + 1.7 * common]))
    groups, _ = group(vectors, np.full(400, 1.5, dtype=np.float32))
    assert groups.max() == 1
    assert set(cluster(snippets(vectors), overlap=1.0).tolist()) == {0}


@pytest.mark.parametrize("speakers", [2, 3, 5])
@pytest.mark.parametrize("overlap", [1.0, 4.0])
def test_one_voice_is_split_if_more_people_are_known_to_be_there(
    speakers: int, overlap: float
) -> None:
    one = snippets(voices(np.zeros(30, dtype=np.int64), alike=0.8))
    assert set(cluster(one, overlap=overlap).tolist()) == {0}
    found = cluster(one, overlap=overlap, speakers=speakers)
    assert set(found.tolist()) == set(range(speakers))


def test_the_less_was_said_the_less_alike_two_groups_of_one_voice_need_to_be() -> None:
    vectors = normalised(np.array([[1.0, 0.0], [0.4, 0.917]], dtype=np.float32))  # cosine 0.4
    groups = np.array([0, 1])
    brief, long = np.full(2, 1.5, dtype=np.float32), np.full(2, 60, dtype=np.float32)
    assert merge_alike(vectors, groups, brief).tolist() == [0, 0]
    assert merge_alike(vectors, groups, long).tolist() == [0, 1]
