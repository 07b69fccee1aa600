from __future__ import annotations

import math

import pytest

from batch_images.stats.balance import MODERATOR, People, Slot
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Transcript
from tests.batch_images.stats.documents import heard, measured, speaker

pytestmark = pytest.mark.usefixtures("figures_alone")

TURNS = [
    *heard("A", (0, 30), (40, 50)),
    *heard("B", (30, 40)),
    *heard("C", (50, 60)),
    *heard("M", (60, 80)),
]


def of(people: People) -> Statistics:
    return measured(Transcript(duration=90, transcription=[], turns=TURNS), people)


def test_the_shares_of_those_who_debate_are_compared() -> None:
    got = of(People(roles={"M": MODERATOR}))

    assert speaker(got, "M").balance is None
    a = speaker(got, "A").balance
    assert a is not None
    assert a.even_share == pytest.approx(1 / 3)
    assert a.difference == pytest.approx(40 / 60 - 1 / 3)
    assert speaker(got, "A").speaking_share == pytest.approx(40 / 80)


def test_the_audience_does_not_debate() -> None:
    got = of(People(roles={"M": MODERATOR, "C": "audience", "A": "debater"}))

    assert speaker(got, "C").balance is None
    assert speaker(got, "B").balance is not None
    assert speaker(got, "B").balance.even_share == 0.5


def test_evenness_is_the_entropy_of_the_shares() -> None:
    got = of(People(roles={"M": MODERATOR}))

    shares = [40 / 60, 10 / 60, 10 / 60]
    entropy = -sum(share * math.log(share) for share in shares)
    assert got.balance.evenness == pytest.approx(entropy / math.log(3))
    assert of(People(roles={"M": MODERATOR, "A": MODERATOR})).balance.evenness == 1


def test_what_is_used_up_to_the_last_digit_is_overrun_by_zero_and_not_by_less() -> None:
    transcript = Transcript(
        duration=9, transcription=[], turns=[*heard("A", (0.1, 0.4)), *heard("B", (0.6, 0.9))]
    )

    got = measured(transcript, People(agreed=[Slot("A", 0.30000001)])).model_dump_json(
        by_alias=True
    )

    assert "-0.0," not in got


def test_one_alone_is_neither_even_nor_uneven() -> None:
    roles = dict.fromkeys("MBC", MODERATOR)

    assert of(People(roles=roles)).balance.evenness is None


def test_a_debate_in_which_only_one_spoke_is_not_even_at_all() -> None:
    people = People()
    transcript = Transcript(
        duration=9,
        transcription=[],
        turns=heard("A", (0, 5)),
    )
    silent = {"start": 6.0, "end": 6.0, "text": "…", "speaker": "B"}
    transcript = Transcript.model_validate(transcript.model_dump() | {"transcription": [silent]})

    got = measured(transcript, people)

    assert got.balance.evenness == 0
    assert math.copysign(1, got.balance.evenness) == 1


def test_a_side_has_its_share_of_time_beside_its_share_of_heads() -> None:
    got = of(People(roles={"M": MODERATOR}, sides={"A": "pro", "B": "pro", "C": "contra"}))

    contra, pro = got.balance.sides
    assert (contra.side, contra.speakers, contra.speaking_time) == ("contra", ["C"], 10)
    assert (pro.side, pro.speakers, pro.speaking_time) == ("pro", ["A", "B"], 50)
    assert (pro.share, pro.headcount_share) == (pytest.approx(50 / 60), pytest.approx(2 / 3))


def test_who_takes_no_side_is_on_none() -> None:
    got = of(People(roles={"M": MODERATOR}, sides={"A": "pro", "M": "pro"}))

    (pro,) = got.balance.sides
    assert (pro.speakers, pro.share, pro.headcount_share) == (["A"], 1, 1)


def test_agreed_time_is_set_against_what_was_used_in_its_slot() -> None:
    got = of(
        People(
            agreed=[
                Slot("A", 30, "in all"),
                Slot("A", 20, "opening", 0, 35),
                Slot("B", 15, None, 35, None),
                Slot("C", 10, None, None, 55),
            ]
        )
    )

    slots = got.balance.agreed
    assert [slot.used for slot in slots] == [40, 30, 5, 5]
    assert [slot.overrun for slot in slots] == [10, 10, -10, -5]
    assert [slot.agreed_share for slot in slots] == pytest.approx(
        [30 / 75, 20 / 75, 15 / 75, 10 / 75]
    )
    assert sum(slot.used_share for slot in slots) == pytest.approx(1)


def test_who_was_to_speak_and_did_not_has_used_nothing() -> None:
    (slot,) = of(People(agreed=[Slot("nobody", 60)])).balance.agreed

    assert (slot.used, slot.overrun, slot.used_share) == (0, -60, 0)
