"""The measures once more: slow, simple, in exact fractions, and without a line of the product's.

Definitions: docs/statistics.md. A transcript is given as its JSON document. Everybody is compared
with everybody and every span with every span; nothing here is fit for more than a few dozen.
"""

from __future__ import annotations

import decimal
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Any

Span = tuple[Fraction, Fraction]

PAUSE, TURN_GAP, SHORT = Fraction("0.2"), Fraction(2), Fraction(1)
LEAST_TURN, LEAST_WITHIN, LEAST_OVERLAP, FLOOR = (
    Fraction("0.25"),
    Fraction("0.25"),
    Fraction("0.5"),
    Fraction(1),
)
LONGEST_RESPONSE = Fraction(10)
EARLY, ANSWER, STOP = Fraction(1), Fraction(5), Fraction(2)
LEAST_SPEECH = Fraction(3)
WINDOWS, MOST_WINDOWS = (10, 30, 60, 300, 900), 120
FILLERS = {"en": {"uh", "uhh", "um", "umm", "uhm", "er", "erm", "hm", "hmm", "mm"}}


def exact(time: float) -> Fraction:
    """What is written: 0.1 is a tenth."""
    return Fraction(repr(time))


@dataclass(frozen=True)
class Said:
    """A word."""

    text: str
    speaker: str | None
    start: Fraction
    end: Fraction
    probability: Fraction
    segment: int

    @property
    def middle(self) -> Fraction:
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class Talk:
    """Somebody's utterance or turn."""

    start: Fraction
    end: Fraction
    speaker: str

    @property
    def length(self) -> Fraction:
        return self.end - self.start


@dataclass(frozen=True)
class Overlapped:
    talk: Talk
    over: Talk
    kind: str


@dataclass(frozen=True)
class Asked:
    speaker: str
    end: Fraction
    answered_by: str | None


class Oracle:
    """Of a document without anything that would be left out."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.segments: list[dict[str, Any]] = []
        for segment in sorted(document["transcription"], key=_moment):
            if not any(_same(segment, other) for other in self.segments):
                self.segments.append(segment)
        self.turns_given = document.get("turns") or []
        self.basis = "turns" if self.turns_given else "segments"
        named = [each.get("speaker") for each in [*self.segments, *self.turns_given]]
        self.speakers = sorted({name for name in named if name})
        ends = [exact(each["end"]) for each in [*self.segments, *self.turns_given]]
        self.duration = max([exact(document["duration"]), *ends])
        self.language = document.get("language")

    # --- time --------------------------------------------------------------------------------

    def speech(self, speaker: str | None) -> list[Span]:
        """Disjoint and in order."""
        given = self.turns_given or self.segments
        return together(
            [(exact(s["start"]), exact(s["end"])) for s in given if s.get("speaker") == speaker]
        )

    def speaking_time(self, speaker: str) -> Fraction:
        return total(self.speech(speaker))

    def share(self, speaker: str) -> Fraction:
        everybody = sum(map(self.speaking_time, self.speakers))
        return self.speaking_time(speaker) / everybody if everybody else Fraction(0)

    def silence(self) -> Fraction:
        heard = [span for name in self.speakers for span in self.speech(name)]
        if self.basis == "segments":
            heard += self.speech(None)
        return self.duration - total(together(heard))

    def overlap(self) -> Fraction:
        spans = [span for name in self.speakers for span in self.speech(name)]
        return sum(
            (
                end - start
                for start, end in pairwise(_boundaries(spans))
                if sum(one <= start and end <= other for one, other in spans) > 1
            ),
            Fraction(0),
        )

    # --- words -------------------------------------------------------------------------------

    @cached_property
    def words(self) -> list[Said]:
        return [word for row in range(len(self.segments)) for word in self._words(row)]

    def _words(self, row: int) -> Iterable[Said]:
        segment = self.segments[row]
        start, end = exact(segment["start"]), exact(segment["end"])
        given = segment.get("words")
        texts = [w["word"].strip() for w in given] if given else segment["text"].split()
        for place, text in enumerate(texts):
            from_, until = (
                start + _milliseconds(each * (end - start) / len(texts))
                for each in (place, place + 1)
            )
            probability = segment.get("confidence", 1.0)
            if given:
                word = given[place]
                probability = word.get("probability", 1.0)
                if word["start"] <= word["end"]:
                    from_, until = (
                        min(max(exact(word[edge]), start), end) for edge in ("start", "end")
                    )
            yield Said(text, segment["speaker"], from_, until, exact(probability), row)

    def words_of(self, speaker: str | None) -> list[Said]:
        return [word for word in self.words if word.speaker == speaker]

    def words_per_minute(self, speaker: str) -> Fraction | None:
        time, words = self.speaking_time(speaker), len(self.words_of(speaker))
        return 60 * words / time if time and words else None

    def fillers(self, speaker: str) -> int | None:
        if self.language not in FILLERS:
            return None
        heard = (word.text.strip(".,?!").lower() for word in self.words_of(speaker))
        return sum(text in FILLERS[self.language] for text in heard)

    def histogram(self, speaker: str) -> list[int]:
        tenths = Counter(min(int(word.probability * 10), 9) for word in self.words_of(speaker))
        return [tenths[tenth] for tenth in range(10)]

    # --- turns -------------------------------------------------------------------------------

    @cached_property
    def utterances(self) -> list[Talk]:
        found = [
            Talk(start, end, speaker)
            for speaker in self.speakers
            for start, end in joined(
                self.speech(speaker), lambda one, other: other[0] - one[1] <= PAUSE
            )
        ]
        return sorted(found, key=_order)

    def is_interjected(self, talk: Talk) -> bool:
        return talk.length <= SHORT and any(
            other.start < talk.start and talk.end <= other.end for other in self.utterances
        )

    @cached_property
    def overlap_starts(self) -> list[Overlapped]:
        found = []
        for talk in self.utterances:
            for other in self.utterances:
                least = LEAST_WITHIN if talk.end <= other.end else LEAST_OVERLAP
                both = min(talk.end, other.end) - talk.start
                if other.start < talk.start < other.end and both >= least:
                    found.append(Overlapped(talk, other, self._kind(talk, other)))
                    break
        return found

    def _kind(self, talk: Talk, other: Talk) -> str:
        if self.is_interjected(talk):
            return "backchannel"
        if talk.end <= other.end or other.end - talk.start < FLOOR:
            return "overlap"
        until = talk.end
        for later in self._later(talk):
            if later.start - until > TURN_GAP:
                break
            until = later.end
        resumed = [later.start for later in self._later(other)]
        return "floor_taken" if min([until, *resumed]) - other.end >= FLOOR else "overlap"

    def _later(self, talk: Talk) -> list[Talk]:
        return [
            other
            for other in self.utterances
            if other.speaker == talk.speaker and other.start > talk.start
        ]

    @cached_property
    def turns(self) -> list[Talk]:
        holding = [
            talk
            for talk in self.utterances
            if talk.length >= LEAST_TURN and not self.is_interjected(talk)
        ]

        def go_on(one: Span, other: Span) -> bool:
            return other[0] - one[1] <= TURN_GAP and not any(
                talk.start < other[0] and one[1] < talk.end for talk in holding
            )

        found = [
            Talk(start, end, speaker)
            for speaker in self.speakers
            for start, end in joined(
                [(talk.start, talk.end) for talk in holding if talk.speaker == speaker], go_on
            )
        ]
        return sorted(found, key=_order)

    def turns_of(self, speaker: str) -> list[Talk]:
        return [turn for turn in self.turns if turn.speaker == speaker]

    def nearest_turn(self, speaker: str, time: Fraction) -> Talk | None:
        """Of two as near the earlier."""
        turns = self.turns_of(speaker)
        return min(
            turns, key=lambda t: max(t.start - time, time - t.end, Fraction(0)), default=None
        )

    def turn_words(self) -> list[int]:
        nearest = [self.nearest_turn(w.speaker, w.middle) for w in self.words if w.speaker]
        return [sum(turn == each for each in nearest) for turn in self.turns]

    # --- one after another -------------------------------------------------------------------

    @cached_property
    def succession(self) -> list[Talk]:
        found: list[Talk] = []
        for turn in self.turns:
            if all(turn.end > earlier.end for earlier in found):
                found.append(turn)
        return found

    def matrix(self) -> list[list[int]]:
        pairs = Counter((one.speaker, other.speaker) for one, other in pairwise(self.succession))
        return [[pairs[one, other] for other in self.speakers] for one in self.speakers]

    def responses(self) -> list[tuple[Talk, str, Fraction]]:
        """Turn, whose turn it follows, latency."""
        return [
            (turn, before.speaker, turn.start - before.end)
            for before, turn in pairwise(self.succession)
            if before.speaker != turn.speaker and turn.start - before.end <= LONGEST_RESPONSE
        ]

    def latency(self, speaker: str) -> Fraction | None:
        latencies = [latency for turn, _, latency in self.responses() if turn.speaker == speaker]
        return median(latencies) if latencies else None

    def handovers(self, moderator: str) -> tuple[Counter[str], Counter[str]]:
        """Floor given and follow-ups, by label."""
        given, follow_ups = Counter[str](), Counter[str]()
        for turn, after, _ in self.responses():
            place = self.succession.index(turn)
            if after == moderator:
                given[turn.speaker] += 1
                if place > 1 and self.succession[place - 2].speaker == turn.speaker:
                    follow_ups[turn.speaker] += 1
        return given, follow_ups

    def questions(self) -> list[Asked] | None:
        if not any(word.text.endswith((".", "?", "!")) for word in self.words):
            return None
        return [
            Asked(word.speaker, word.end, self._answer(word.speaker, word.end))
            for word in self.words
            if word.speaker and word.text.endswith("?")
        ]

    def _answer(self, asker: str, end: Fraction) -> str | None:
        own = self.nearest_turn(asker, end)
        for turn in self.turns:
            if turn.speaker != asker and end - EARLY <= turn.start <= end + ANSWER:
                stops = (own.end if own else end) - turn.start <= STOP
                return turn.speaker if stops else None
        return None

    # --- pace and balance ----------------------------------------------------------------------

    def pace(self, speaker: str) -> list[tuple[Fraction, Fraction, Fraction, int]]:
        """Start, end, speaking time, words."""
        size = next(size for size in WINDOWS if self.duration <= size * MOST_WINDOWS)
        found = []
        start = Fraction(0)
        while start < self.duration:
            end = min(start + size, self.duration)
            spoken = sum(
                (max(min(b, end) - max(a, start), Fraction(0)) for a, b in self.speech(speaker)),
                Fraction(0),
            )
            last = end == self.duration
            words = sum(
                start <= word.middle < end or (last and word.middle == end)
                for word in self.words_of(speaker)
            )
            if spoken or words:
                found.append((start, end, spoken, words))
            start = end
        return found

    def evenness(self, speakers: Sequence[str]) -> Fraction | None:
        times = [self.speaking_time(speaker) for speaker in speakers]
        if len(times) < 2 or not sum(times):
            return None
        shares = [_decimal(time / sum(times)) for time in times if time]
        with decimal.localcontext(prec=50):
            entropy = -sum(share * share.ln() for share in shares)
            return Fraction(entropy / Decimal(len(times)).ln())

    def used(self, speaker: str, start: Fraction, end: Fraction) -> Fraction:
        """Speaking time between two moments."""
        return sum(
            (max(min(b, end) - max(a, start), Fraction(0)) for a, b in self.speech(speaker)),
            Fraction(0),
        )


def joined(spans: Sequence[Span], go_on: Callable[[Span, Span], bool]) -> list[Span]:
    """Neighbours that go on are one."""
    found: list[Span] = []
    before: Span | None = None
    for span in spans:
        if before is not None and go_on(before, span):
            found[-1] = (found[-1][0], span[1])
        else:
            found.append(span)
        before = span
    return found


def together(spans: Iterable[Span]) -> list[Span]:
    """The time that is in any of them."""
    spans = list(spans)
    pieces = [
        (start, end)
        for start, end in pairwise(_boundaries(spans))
        if any(one <= start and end <= other for one, other in spans)
    ]
    return joined(pieces, lambda one, other: one[1] == other[0])


def total(spans: Iterable[Span]) -> Fraction:
    return sum((end - start for start, end in spans), Fraction(0))


def _boundaries(spans: Iterable[Span]) -> list[Fraction]:
    return sorted({time for span in spans for time in span})


def _moment(segment: dict[str, Any]) -> tuple[Any, ...]:
    words = [(w["start"], w["end"], w["word"], w["probability"]) for w in segment.get("words", [])]
    said = (segment["speaker"] or "", segment["text"], segment["confidence"], words)
    return segment["start"], segment["end"], *said


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[field] == other[field] for field in ("start", "end", "speaker", "text"))


def _order(talk: Talk) -> tuple[Fraction, Fraction, str]:
    return talk.start, talk.end, talk.speaker


def _milliseconds(time: Fraction) -> Fraction:
    return Fraction(time * 1000 // 1, 1000)


def _decimal(value: Fraction) -> Decimal:
    with decimal.localcontext(prec=50):
        return Decimal(value.numerator) / value.denominator
