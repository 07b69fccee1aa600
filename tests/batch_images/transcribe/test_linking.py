from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_images.transcribe.diarization.linking import link

DIMENSIONS = 64


def _voice(person: int, *, noise: float = 0.0, seed: int = 0) -> npt.NDArray[np.float32]:
    """A direction of its own for each person, and some of another for the day they have."""
    voice = np.random.default_rng(person).standard_normal(DIMENSIONS)
    day = np.random.default_rng((seed, person)).standard_normal(DIMENSIONS)
    return (voice / np.linalg.norm(voice) + noise * day / np.linalg.norm(day)).astype(np.float32)


def _link(parts: list[list[int]], *, noise: float = 0.3, speakers: int | None = None) -> list[int]:
    voices = [
        np.array([_voice(p, noise=noise, seed=n) for p in part]).reshape(-1, DIMENSIONS)
        for n, part in enumerate(parts)
    ]
    seconds = [np.full(len(part), 20, np.float32) for part in parts]
    return np.concatenate(link(voices, seconds, speakers=speakers)).tolist()


@given(st.lists(st.lists(st.integers(0, 5), unique=True, max_size=4), min_size=1, max_size=6))
def test_a_person_has_one_number_in_every_part(parts: list[list[int]]) -> None:
    numbers = _link(parts)
    people = [person for part in parts for person in part]
    assert len(set(zip(people, numbers, strict=True))) == len(set(people)) == len(set(numbers))
    assert set(numbers) == set(range(len(set(numbers))))


@given(st.integers(1, 5))
def test_speakers_of_one_part_stay_apart_however_alike(count: int) -> None:
    assert len(set(_link([[1]] * 1 + [[1, 2]], noise=0.0, speakers=1))) == 2
    same = np.tile(_voice(1), (count, 1))
    (numbers,) = link([same], [np.ones(count, np.float32)])
    assert sorted(numbers.tolist()) == list(range(count))


@pytest.mark.parametrize(("speakers", "found"), [(None, 3), (3, 3), (2, 2), (1, 2)])
def test_a_known_number_joins_the_most_alike(speakers: int | None, found: int) -> None:
    """As far as nobody is joined with a neighbour in their own part."""
    assert len(set(_link([[0, 1], [2]], speakers=speakers))) == found


def test_a_known_number_joins_those_that_a_bad_line_made_unlike() -> None:
    assert len(set(_link([[0], [0], [0]], noise=2.0))) == 3
    assert len(set(_link([[0], [0], [0]], noise=2.0, speakers=1))) == 1


def test_who_speaks_longer_counts_more() -> None:
    """The third part's voice lies between two people; the one who spoke long is not moved by it."""
    one, other = _voice(0), _voice(1)
    between = one + 0.8 * other
    voices = [v[np.newaxis] for v in (one, between, other)]
    long_first = link(voices, [np.array([s], np.float32) for s in (600, 1, 1)])
    assert [int(n[0]) for n in long_first] == [0, 0, 1]


def test_parts_without_anybody() -> None:
    empty = np.empty((0, DIMENSIONS), np.float32)
    assert [n.tolist() for n in link([empty, empty], [np.empty(0)] * 2)] == [[], []]
