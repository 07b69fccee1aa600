"""What the judge lets pass, and what not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.faults.boundaries import tell
from tests.faults.cloud import Cloud, deployed
from tests.faults.engines import WORKS
from tests.faults.judge import Judge, Wish
from tests.faults.machine import Machine
from tests.faults.stories import settle, upload
from tests.world import MOVING_PICTURES


def _nothing_wrong(call: object) -> None: ...


def test_a_letter_of_what_was_handled_is_owed_to_nobody() -> None:
    """SQS forgets every deletion until a message lies among the dead."""
    cloud = Cloud(Machine(random.Random(0)), WORKS, repeats=4.0)
    with deployed(cloud):
        wishes = upload(cloud)
        assert cloud.queues["transcribe-arrivals"].dead
        Judge(cloud, wishes).judge()


def test_a_letter_of_what_nobody_could_handle_is_noticed() -> None:
    def story(cloud: Cloud) -> list[Wish]:
        cloud.queues["transcribe-arrivals"].add("no event")
        return upload(cloud)

    with pytest.raises(AssertionError, match="a dead letter of transcribe-arrivals"):
        tell(story, WORKS, _nothing_wrong)


def _replaced(*recordings: bytes) -> Callable[[Cloud], list[Wish]]:
    def story(cloud: Cloud) -> list[Wish]:
        (wish,) = upload(cloud)
        for recording in recordings:
            wish.recording = cloud.store.put(wish.key, recording, "video/mp4")
            settle(cloud)
        return [wish]

    return story


def test_a_recording_that_takes_the_place_of_what_took_its_own_is_counted_again() -> None:
    tell(_replaced(MOVING_PICTURES + b"2", MOVING_PICTURES), WORKS, _nothing_wrong)


def test_what_is_counted_once_too_often_is_noticed() -> None:
    def story(cloud: Cloud) -> list[Wish]:
        (wish,) = _replaced(MOVING_PICTURES + b"2", MOVING_PICTURES)(cloud)
        cloud.store.puts[wish.key].pop()
        return [wish]

    with pytest.raises(AssertionError, match="counted twice"):
        tell(story, WORKS, _nothing_wrong)
