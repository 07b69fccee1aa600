from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings

from batch_images.stats.balance import MODERATOR, People, Slot
from tests.batch_images.stats.cases import EXAMPLES, Document, counted, documents
from tests.batch_images.stats.oracle import Oracle, Talk, exact

pytestmark = pytest.mark.usefixtures("figures_alone")

PEOPLE = People(
    roles={"C": MODERATOR},
    sides={"A": "pro", "B": "contra"},
    agreed=[Slot("A", 2.0), Slot("B", 1.5, "opening", 0.0, 5.0), Slot("C", 3.0, None, 1.25, None)],
)

_HALF_A_MILLISECOND, _HALF_A_MILLIONTH = Fraction(1, 2000), Fraction(1, 2_000_000)


def _differs(published: Any, true: Any, half: Fraction) -> bool:
    """Whether it is not the true figure, rounded to its last digit (a tie either way)."""
    if published is None or true is None:
        return published is not true
    return abs(exact(published) - true) > half


class Comparison:
    """What is published beside what is true; `mismatches` in words."""

    def __init__(self) -> None:
        self.mismatches: list[str] = []

    def times(self, what: str, published: Any, true: Any) -> None:
        """Seconds, and rates, which have as many digits."""
        if _differs(published, true, _HALF_A_MILLISECOND):
            self.mismatches.append(f"{what}: {published}, not {true}")

    def shares(self, what: str, published: Any, true: Any) -> None:
        if _differs(published, true, _HALF_A_MILLIONTH):
            self.mismatches.append(f"{what}: {published}, not {true}")

    def same(self, what: str, published: Any, true: Any) -> None:
        if published != true:
            self.mismatches.append(f"{what}: {published}, not {true}")

    def spans(self, what: str, published: list[Any], true: list[Any]) -> None:
        """Rows of times, labels and counts."""
        found = [tuple(exact(x) if isinstance(x, float) else x for x in row) for row in published]
        self.same(what, found, [tuple(row) for row in true])


@settings(max_examples=EXAMPLES)
@given(documents())
def test_what_is_published_is_the_exact_figure_rounded(document: Document) -> None:
    got, true = counted(document, PEOPLE), Oracle(document)
    found = Comparison()

    _compare_totals(found, got, true)
    for speaker in got["speakers"]:
        _compare_speaker(found, speaker, true)
    _compare_evidence(found, got["evidence"], true)
    _compare_balance(found, got, true)

    assert found.mismatches == []


def _compare_totals(found: Comparison, got: dict[str, Any], true: Oracle) -> None:
    totals = got["totals"]
    found.same("basis", got["basis"], true.basis)
    found.same("speakers", [s["speaker"] for s in got["speakers"]], true.speakers)
    found.times("duration", got["duration"], true.duration)
    found.times("all time", totals["speakingTime"], sum(map(true.speaking_time, true.speakers)))
    found.times("silence", totals["silence"], true.silence())
    found.times("overlap", totals["overlap"], true.overlap() if true.basis == "turns" else None)
    found.same("all words", totals["words"], len(true.words))
    found.same("unassigned", totals["unassignedWords"], len(true.words_of(None)))
    found.same("all segments", totals["segments"], len(true.segments))
    found.same("all turns", totals["turns"], len(true.turns))
    found.same("matrix", got["turnTaking"]["counts"], true.matrix())


def _compare_speaker(found: Comparison, got: dict[str, Any], true: Oracle) -> None:
    name = got["speaker"]
    words, turns = true.words_of(name), true.turns_of(name)
    lengths = [turn.length for turn in turns]
    found.times("time", got["speakingTime"], true.speaking_time(name))
    found.shares("share", got["speakingShare"], true.share(name))
    found.same("words", got["words"], len(words))
    found.shares("word share", got["wordShare"], _ratio(len(words), len(true.words)) or 0)
    found.times("words a minute", got["wordsPerMinute"], true.words_per_minute(name))
    found.same("segments", got["segments"], sum(s["speaker"] == name for s in true.segments))
    found.same("turns", got["turns"], len(turns))
    found.times("longest", got["longestTurn"], max(lengths, default=Fraction(0)))
    first = next((turn.start for turn in turns if turn.length == max(lengths)), None)
    found.times("start of the longest", got["longestTurnStart"], first)
    found.times("mean", got["meanTurn"], _ratio(sum(lengths), len(lengths)) or 0)
    found.times("median", got["medianTurn"], _median(lengths))
    found.times("latency", got["responseLatency"], true.latency(name))
    fillers, time = true.fillers(name), true.speaking_time(name)
    found.same("fillers", got["fillers"], fillers)
    a_minute = None if fillers is None else _ratio(60 * fillers, time)
    found.times("fillers a minute", got["fillersPerMinute"], a_minute)
    asked = true.questions()
    found.same("asked", got["questions"], _count(asked, lambda q: q.speaker == name))
    found.same("answered", got["questionsAnswered"], _count(asked, lambda q: q.answered_by == name))
    kinds = ("backchannel", "overlap", "floor_taken")
    starts = true.overlap_starts if true.basis == "turns" and true.overlap() else None
    for field, whose in (
        ("overlapStarts", lambda start: start.talk.speaker),
        ("overlapStartsSuffered", lambda start: start.over.speaker),
    ):
        counts = starts and [sum(whose(s) == name and s.kind == k for s in starts) for k in kinds]
        if starts == []:
            counts = [0, 0, 0]
        found.same(field, got[field] and list(got[field].values()), counts)
    rated = any(word.probability < 1 for word in true.words)
    if words and rated:
        mean = _ratio(sum(word.probability for word in words), len(words))
        found.shares("confidence", got["confidence"], mean)
        found.same("tenths", got["confidenceDistribution"]["histogram"], true.histogram(name))
    else:
        found.same("confidence", got["confidenceDistribution"], None)
    found.same("variety", got["vocabulary"]["distinctWords"], len(_distinct(words)))
    windows = true.pace(name)
    pace = got["pace"]
    found.spans(
        "pace",
        [(w["start"], w["end"], w["speakingTime"], w["words"]) for w in pace],
        windows,
    )
    for window, (_, _, spoken, count) in zip(pace, windows, strict=False):
        enough = _ratio(60 * count, spoken) if spoken >= 3 else None
        found.times("pace", window["wordsPerMinute"], enough)


def _compare_evidence(found: Comparison, got: dict[str, Any], true: Oracle) -> None:
    found.spans(
        "turns",
        [(t["start"], t["end"], t["speaker"], t["words"]) for t in got["turns"]],
        [(*_row(t), w) for t, w in zip(true.turns, true.turn_words(), strict=True)],
    )
    found.spans(
        "responses",
        [(r["start"], r["end"], r["speaker"], r["after"], r["latency"]) for r in got["responses"]],
        [(*_row(turn), after, latency) for turn, after, latency in true.responses()],
    )
    starts = true.overlap_starts if true.basis == "turns" and true.overlap() else []
    found.spans(
        "overlap starts",
        [(o["start"], o["end"], o["speaker"], o["over"], o["kind"]) for o in got["overlapStarts"]],
        [(*_row(start.talk), start.over.speaker, start.kind) for start in starts],
    )
    found.spans(
        "questions",
        [(q["end"], q["speaker"], q["answeredBy"]) for q in got["questions"]],
        [(q.end, q.speaker, q.answered_by) for q in true.questions() or []],
    )


def _compare_balance(found: Comparison, got: dict[str, Any], true: Oracle) -> None:
    debaters = [name for name in true.speakers if name != "C"]
    found.shares("evenness", got["balance"]["evenness"], true.evenness(debaters))
    all_time = sum(map(true.speaking_time, debaters))
    for speaker in got["speakers"]:
        if (balance := speaker["balance"]) is not None:
            share = true.speaking_time(speaker["speaker"]) / all_time
            found.shares("balance", balance["difference"], share - Fraction(1, len(debaters)))
    for side in got["balance"]["sides"]:
        name = {"pro": "A", "contra": "B"}[side["side"]]
        found.times("side", side["speakingTime"], true.speaking_time(name))
        found.shares("side", side["share"], _ratio(true.speaking_time(name), all_time) or 0)
        found.shares("heads", side["headcountShare"], Fraction(1, len(debaters)))
    for slot, published in zip(PEOPLE.agreed, got["balance"]["agreed"], strict=True):
        until = true.duration if slot.end is None else exact(slot.end)
        used = true.used(slot.speaker, exact(slot.start or 0.0), until)
        found.times("used", published["used"], used)
        found.times("overrun", published["overrun"], used - exact(slot.seconds))
    for moderator in got["moderation"]:
        given, follow_ups = true.handovers(moderator["speaker"])
        found.same("floor given", moderator["floorGiven"], dict(given))
        found.same("follow-ups", moderator["followUps"], dict(follow_ups))


def _row(talk: Talk) -> tuple[Fraction, Fraction, str]:
    return talk.start, talk.end, talk.speaker


def _ratio(part: Any, whole: Any) -> Fraction | None:
    return Fraction(part) / Fraction(whole) if whole else None


def _median(values: list[Fraction]) -> Fraction:
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered:
        return Fraction(0)
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _count(items: list[Any] | None, is_counted: Any) -> int | None:
    return None if items is None else sum(map(is_counted, items))


def _distinct(words: list[Any]) -> set[str]:
    return {word.text.strip(".,?!").lower() for word in words} - {""}
