from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from batch_images.stats.balance import MODERATOR, People
from debate_analyzer.statistics import EVIDENCE
from tests.batch_images.stats.cases import EXAMPLES, Document, counted, documents
from tests.batch_images.stats.oracle import exact, together, total

pytestmark = pytest.mark.usefixtures("figures_alone")

PEOPLE = People(roles={"C": MODERATOR}, sides={"A": "pro", "B": "contra"})


@settings(max_examples=EXAMPLES // 5)
@given(documents(), st.randoms(use_true_random=False))
def test_the_order_of_segments_and_turns_does_not_matter(
    document: Document, random: Random
) -> None:
    shuffled = copy.deepcopy(document)
    random.shuffle(shuffled["transcription"])
    random.shuffle(shuffled["turns"])

    assert _placed_anywhere(counted(shuffled, PEOPLE)) == _placed_anywhere(
        counted(document, PEOPLE)
    )


def _placed_anywhere(statistics: Document) -> Document:
    """Without the places in the transcript's list, which are what was shuffled, and without the
    warning of that."""
    for spans in statistics["evidence"].values():
        for span in spans:
            span["segment"] = None
    statistics["warnings"] = [
        each for each in statistics["warnings"] if each["code"] != "unordered_segments"
    ]
    return statistics


@settings(max_examples=EXAMPLES // 5)
@given(documents())
def test_shares_add_up_to_one(document: Document) -> None:
    got = counted(document, PEOPLE)

    if got["totals"]["speakingTime"]:
        assert sum(s["speakingShare"] for s in got["speakers"]) == pytest.approx(1, abs=2e-6)
    if got["totals"]["words"]:
        shares = sum(s["wordShare"] for s in got["speakers"])
        unassigned = got["totals"]["unassignedWords"] / got["totals"]["words"]
        assert shares + unassigned == pytest.approx(1, abs=2e-6)
    differences = [s["balance"]["difference"] for s in got["speakers"] if s["balance"]]
    assert sum(differences) == pytest.approx(0, abs=2e-6)
    for sides in filter(None, [got["balance"]["sides"]]):
        assert sum(side["headcountShare"] for side in sides) == pytest.approx(1, abs=2e-6)


@settings(max_examples=EXAMPLES // 5)
@given(documents())
def test_two_speakers_merged_have_the_time_of_either_and_the_words_of_both(
    document: Document,
) -> None:
    said = [(s["start"], s["end"], s["text"]) for s in document["transcription"]]
    assume(len(said) == len(set(said)))  # what both say at the same moment is said once then
    merged = copy.deepcopy(document)
    for each in [*merged["transcription"], *merged["turns"]]:
        each["speaker"] = "A" if each["speaker"] == "B" else each["speaker"]

    before, after = counted(document), counted(merged)

    both = [s for s in before["speakers"] if s["speaker"] in "AB"]
    (one,) = [s for s in after["speakers"] if s["speaker"] == "A"] or [None]
    if one is not None:
        spans = [
            (exact(span["start"]), exact(span["end"]))
            for span in before["evidence"]["speech"]
            if span["speaker"] in "AB"
        ]
        assert exact(one["speakingTime"]) == total(together(spans))
        assert one["words"] == sum(s["words"] for s in both)
        assert one["segments"] == sum(s["segments"] for s in both)
    assert after["totals"]["silence"] == before["totals"]["silence"]
    assert after["totals"]["words"] == before["totals"]["words"]


@settings(max_examples=EXAMPLES // 5)
@given(documents(), st.integers(0, 100_000))
def test_a_debate_that_begins_later_is_the_same_debate(document: Document, shift: int) -> None:
    later = _moved(document, lambda time: (round(time * 1000) + shift) / 1000)

    before, after = counted(document, PEOPLE), counted(later, PEOPLE)

    assert after["totals"].pop("silence") == pytest.approx(
        before["totals"].pop("silence") + shift / 1000
    )
    for figure in ("totals", "turnTaking", "balance", "moderation"):
        assert after[figure] == before[figure]
    for one, other in zip(before["speakers"], after["speakers"], strict=True):
        # Windows begin with the recording.
        assert other | {"pace": None, "longestTurnStart": None} == one | {
            "pace": None,
            "longestTurnStart": None,
        }
    for what in before["evidence"].keys() - {"silences"}:
        moved = [_shifted(span, shift) for span in before["evidence"][what]]
        assert moved == after["evidence"][what]


@settings(max_examples=EXAMPLES // 5)
@given(documents(), st.integers(2, 7))
def test_a_debate_at_a_slower_speed_has_longer_times_and_lower_rates(
    document: Document, factor: int
) -> None:
    slower = _moved(document, lambda time: round(time * 1000) * factor / 1000)

    before, after = counted(document), counted(slower)

    for total_time in ("speakingTime", "silence", "overlap"):
        if before["totals"][total_time] is not None:
            assert after["totals"][total_time] == pytest.approx(
                factor * before["totals"][total_time], abs=1e-9
            )
    for one, other in zip(before["speakers"], after["speakers"], strict=True):
        assert other["speakingTime"] == pytest.approx(factor * one["speakingTime"], abs=1e-9)
        for rate in ("wordsPerMinute", "fillersPerMinute"):
            if one[rate] is not None:
                assert other[rate] * factor == pytest.approx(one[rate], abs=0.001 * factor)
        for unchanged in ("words", "wordShare", "segments", "fillers", "questions", "vocabulary"):
            assert other[unchanged] == one[unchanged]
        # A tie between two millionths may be rounded either way.
        assert other["speakingShare"] == pytest.approx(one["speakingShare"], abs=1.1e-6)
        if one["balance"]:
            difference = one["balance"]["difference"]
            assert other["balance"]["difference"] == pytest.approx(difference, abs=1.1e-6)


def _moved(document: Document, move: Callable[[float], float]) -> Document:
    moved = copy.deepcopy(document)
    words = [word for segment in moved["transcription"] for word in segment["words"]]
    for span in [*moved["transcription"], *moved["turns"], *words]:
        span["start"], span["end"] = move(span["start"]), move(span["end"])
    moved["duration"] = move(moved["duration"])
    return moved


def _shifted(span: Document, shift: int) -> Document:
    return span | {edge: (round(span[edge] * 1000) + shift) / 1000 for edge in ("start", "end")}


@settings(max_examples=EXAMPLES // 5)
@given(documents())
def test_every_count_is_the_length_of_its_evidence(document: Document) -> None:
    got = counted(document, PEOPLE)
    evidence, totals = got["evidence"], got["totals"]

    def spans(figure: str, **fields: Any) -> list[Document]:
        return [s for s in evidence[EVIDENCE[figure]] if fields.items() <= s.items()]

    def time(figure: str, **fields: Any) -> float:
        return float(sum(exact(s["end"]) - exact(s["start"]) for s in spans(figure, **fields)))

    assert time("silence") == totals["silence"]
    assert time("speakingTime") == totals["speakingTime"]
    assert sum(s["words"] for s in spans("words")) == totals["words"]
    assert sum(s["words"] for s in spans("words", speaker=None)) == totals["unassignedWords"]
    assert len(spans("segments")) == totals["segments"]
    assert len(spans("turns")) == totals["turns"]
    for speaker in got["speakers"]:
        name = speaker["speaker"]
        assert time("speakingTime", speaker=name) == speaker["speakingTime"]
        assert sum(s["words"] for s in spans("words", speaker=name)) == speaker["words"]
        for figure in ("segments", "turns", "questions", "fillers"):
            assert len(spans(figure, speaker=name)) == (speaker[figure] or 0)
        assert len(spans("questions", answeredBy=name)) == (speaker["questionsAnswered"] or 0)
        for kind, alias in (("backchannel",) * 2, ("overlap",) * 2, ("floor_taken", "floorTaken")):
            begun = speaker["overlapStarts"] or {alias: 0}
            suffered = speaker["overlapStartsSuffered"] or {alias: 0}
            assert len(spans("overlapStarts", speaker=name, kind=kind)) == begun[alias]
            assert len(spans("overlapStartsSuffered", over=name, kind=kind)) == suffered[alias]
        assert bool(spans("responseLatency", speaker=name)) == (
            speaker["responseLatency"] is not None
        )
        if turns := spans("turns", speaker=name):
            assert sum(turn["words"] for turn in turns) == speaker["words"]
    for moderator in got["moderation"]:
        name = moderator["speaker"]
        for to, count in moderator["floorGiven"].items():
            assert len(spans("floorGiven", speaker=name, to=to)) == count
            followed = len(spans("followUps", speaker=name, to=to, followUp=True))
            assert followed == moderator["followUps"].get(to, 0)
        assert len(spans("floorGiven", speaker=name)) == sum(moderator["floorGiven"].values())


@settings(max_examples=EXAMPLES // 5)
@given(documents())
def test_every_moment_lies_in_the_recording_and_points_to_what_is_said_there(
    document: Document,
) -> None:
    got = counted(document, PEOPLE)

    for what, spans in got["evidence"].items():
        for span in spans:
            assert 0 <= span["start"] <= span["end"] <= got["duration"], what
            if (place := span["segment"]) is not None:
                said = document["transcription"][place]
                assert said["speaker"] == span["speaker"], what
                assert said["start"] <= span["end"], what
                assert span["start"] <= said["end"], what
        # What is transcribed there is pointed to.
        for span in spans if what in ("segments", "questions", "fillers") else ():
            assert span["segment"] is not None, what
        for span in spans if what in ("speech", "turns") else ():
            assert (span["segment"] is None) == (
                not any(
                    said["speaker"] == span["speaker"]
                    and max(said["start"], span["start"]) < min(said["end"], span["end"])
                    for said in document["transcription"]
                    if said["start"] < said["end"]
                )
            ) or _is_a_moment(document, span), what


def _is_a_moment(document: Document, span: Document) -> bool:
    """Whether it points to a segment without length."""
    said = document["transcription"][span["segment"]]
    return bool(said["start"] == said["end"])
