"""A transcript as its edits have it. Pure: the original is not changed, and times do not move.

What the edits say is taken together, not one after the other: each word has the last text that was
said of it, each segment the last speaker and boundaries, so the result depends on the order only
where two edits speak of the same thing. Then merged speakers become one, and what is left out goes.
docs/edits.md has the rules.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from batch_images.stats.balance import People, Slot
from batch_images.stats.debate import Transcribed
from debate_analyzer.edits import (
    AssignRole,
    CorrectSpeaker,
    CorrectWord,
    Edits,
    Interval,
    LeaveOut,
    Merge,
    MoveBoundary,
    Operation,
    Rename,
    Schedule,
    moved_span,
    names_a_place,
    speakers_of,
    words_of,
)
from debate_analyzer.transcript import Warning


@dataclass(frozen=True)
class Revision:
    """What is counted. `segments` has, for each segment of the revised transcript, the index of the
    original that it is (a part of). `people` speaks of the labels that are left after merging.
    `left_out` is disjoint and in order; the transcript has the original's `duration`."""

    transcript: Transcribed
    segments: Sequence[int]
    people: People
    left_out: Sequence[Interval]
    warnings: Sequence[Warning]


def revise(transcript: Transcribed, edits: Edits, etag: str) -> Revision:
    """The transcript with this etag as the edits that are in force have it, in its own types.

    Never fails: an edit that makes no sense of this transcript is passed by, with a warning.
    """
    sorted_out = _sort_out(transcript, edits, etag)
    segments, turns = _corrected(transcript, sorted_out.corrections, sorted_out.warnings)
    cast = sorted_out.cast
    if cast.merged:
        segments = [
            _said_by(segment, cast.who(segment.speaker))
            if segment.speaker in cast.merged
            else segment
            for segment in segments
        ]
        turns = [
            _with(turn, speaker=cast.who(turn.speaker)) if turn.speaker in cast.merged else turn
            for turn in turns
        ]
    left_out = _union(sorted_out.left_out)
    origins = list(range(len(segments)))
    if left_out:
        segments, origins = _kept_segments(segments, left_out, sorted_out.warnings)
        turns = [part for turn in turns for part in _kept_turn(turn, left_out)]
    return Revision(
        transcript=_with(transcript, transcription=segments, turns=turns),
        segments=origins,
        people=People(
            names=cast.names,
            roles={label: said.role for label, said in cast.roles.items()},
            sides={label: said.side for label, said in cast.roles.items() if said.side is not None},
            agreed=[replace(slot, speaker=cast.who(slot.speaker)) for slot in sorted_out.agreed],
        ),
        left_out=left_out,
        warnings=[
            Warning(code=code, message=_SENTENCES[code].format(count=count))
            for code, count in sorted_out.warnings.items()
        ],
    )


_SENTENCES = {
    "edits_outdated": (
        "{count} corrections of segments were made for an earlier transcript and do not count. "
        "Make them again where they are still needed."
    ),
    "edits_carried": (
        "{count} edits were made for an earlier transcript of this debate. Check that its speakers "
        "still have the same labels."
    ),
    "edits_unknown_speaker": (
        "{count} edits name speakers that this transcript does not have; what they say of them "
        "does not count."
    ),
    "edits_impossible": (
        "{count} edits make no sense of this transcript (a segment or a word that is not there, a "
        "boundary on the wrong side), and do not count."
    ),
    "edits_estimated": (
        "{count} segments without times of words were left out in part: which of their words are "
        "counted was estimated by the share of time."
    ),
}


# --- What the edits say ---------------------------------------------------------------------------


@dataclass
class _Cast:
    """Who is who: after a merge, what is said of either label is said of one person. The label that
    another is merged into keeps its name and role where it has them."""

    names: dict[str, str] = field(default_factory=dict)
    roles: dict[str, AssignRole] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    def who(self, label: str) -> str:
        while label in self.merged:
            label = self.merged[label]
        return label

    def merge(self, speaker: str, into: str) -> None:
        one, other = self.who(speaker), self.who(into)
        if one == other:
            return
        self.merged[one] = other
        if (name := self.names.pop(one, None)) is not None:
            self.names.setdefault(other, name)
        if (role := self.roles.pop(one, None)) is not None:
            self.roles.setdefault(other, role)


@dataclass
class _Corrections:
    """Of one segment. `words` has the new text of some, by index."""

    words: dict[int, str] = field(default_factory=dict)
    speaker: str | None = None
    moves: list[MoveBoundary] = field(default_factory=list)


@dataclass
class _SortedOut:
    """`warnings` counts by code."""

    cast: _Cast = field(default_factory=_Cast)
    corrections: dict[int, _Corrections] = field(default_factory=lambda: defaultdict(_Corrections))
    left_out: list[Interval] = field(default_factory=list)
    agreed: list[Slot] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def _sort_out(transcript: Transcribed, edits: Edits, etag: str) -> _SortedOut:
    """The operations that count, by what they are about."""
    known = speakers_of(transcript)
    out = _SortedOut()
    for entry in edits.in_force():
        operation = entry.operation
        if isinstance(operation, CorrectWord | CorrectSpeaker | MoveBoundary):
            if entry.transcript != etag:
                out.warnings["edits_outdated"] += 1
                continue
        elif entry.transcript != etag:
            out.warnings["edits_carried"] += 1
        if not operation.speakers <= known:
            out.warnings["edits_unknown_speaker"] += 1
            if not isinstance(operation, Schedule):
                continue
        if not names_a_place(operation, transcript):
            out.warnings["edits_impossible"] += 1
            continue
        _take_in(out, operation, known)
    return out


def _take_in(out: _SortedOut, operation: Operation, known: set[str]) -> None:
    match operation:
        case Merge():
            out.cast.merge(operation.speaker, operation.into)
        case Rename():
            out.cast.names[out.cast.who(operation.speaker)] = operation.name
        case AssignRole():
            out.cast.roles[out.cast.who(operation.speaker)] = operation
        case LeaveOut():
            out.left_out.append((operation.start, operation.end))
        case Schedule():
            slots = [slot for slot in operation.slots if slot.speaker in known]
            out.agreed = [Slot(**slot.model_dump()) for slot in slots]
        case CorrectWord():
            out.corrections[operation.segment].words[operation.word] = operation.text
        case CorrectSpeaker():
            out.corrections[operation.segment].speaker = operation.speaker
        case MoveBoundary():
            out.corrections[operation.segment].moves.append(operation)


# --- Corrections ----------------------------------------------------------------------------------


def _corrected(
    transcript: Transcribed, corrections: Mapping[int, _Corrections], warnings: dict[str, int]
) -> tuple[list[Any], list[Any]]:
    segments = list(transcript.transcription)
    turns = _Turns(transcript.turns)
    for index, said in corrections.items():
        segment = segments[index]
        span, passed_by = moved_span(segment, said.moves, transcript.duration)
        if passed_by:
            warnings["edits_impossible"] += passed_by
        segments[index] = _corrected_segment(segment, said, span)
        turns.correct(segment, segments[index])
    return segments, turns.corrected()


def _corrected_segment(segment: Any, said: _Corrections, span: Interval) -> Any:
    texts = [said.words.get(index, text).split() for index, text in enumerate(words_of(segment))]
    words = [
        piece
        for index, word in enumerate(segment.words)
        for piece in (_spread(word, texts[index]) if index in said.words else [word])
    ]
    corrected = _with(
        segment, start=span[0], end=span[1], words=[_clamped(word, span) for word in words]
    )
    if said.words:
        text = _joined([word for each in texts for word in each], segment)
        corrected = _with(corrected, text=text)
    return corrected if said.speaker is None else _said_by(corrected, said.speaker)


def _said_by(segment: Any, speaker: str) -> Any:
    """With its words, where they say whose they are: they are of one speaker."""
    words = [
        _with(word, speaker=speaker) if hasattr(word, "speaker") else word for word in segment.words
    ]
    return _with(segment, speaker=speaker, words=words)


def _spread(word: Any, texts: Sequence[str]) -> list[Any]:
    """Other words in the time of one, of equal length."""
    step = (word.end - word.start) / max(1, len(texts))
    return [
        _with(
            word, word=text, start=word.start + number * step, end=word.start + (number + 1) * step
        )
        for number, text in enumerate(texts)
    ]


class _Turns:
    """The turns, and what the corrected segments take from them and add to them.

    A segment that is moved loses and gains time for its speaker. One that is given to another takes
    along what its speaker was heard of in it; all of it, where the speaker was not heard or not
    known. Without turns there is nothing to correct: segments are all the evidence.
    """

    def __init__(self, turns: Sequence[Any]) -> None:
        self._turns = turns
        self._lost: dict[str, list[Interval]] = defaultdict(list)
        self._gained: dict[str, list[Interval]] = defaultdict(list)

    def correct(self, before: Any, after: Any) -> None:
        span, moved = (before.start, before.end), (after.start, after.end)
        if (before.speaker, span) == (after.speaker, moved):
            return
        gained = _without(moved, [span])
        if before.speaker != after.speaker:
            heard = [
                part
                for turn in self._turns
                if turn.speaker == before.speaker
                for part in _within((turn.start, turn.end), span)
            ]
            gained += [part for each in heard or [span] for part in _within(each, moved)]
        if before.speaker is not None:
            taken = [span] if before.speaker != after.speaker else _without(span, [moved])
            self._lost[before.speaker] += taken
        if after.speaker is not None:
            self._gained[after.speaker] += gained

    def corrected(self) -> list[Any]:
        """In order of their starts, where anything changed."""
        if not self._turns or not (self._lost or self._gained):
            return list(self._turns)
        make = type(self._turns[0])
        lost = {speaker: _union(spans) for speaker, spans in self._lost.items()}
        turns = [
            part for turn in self._turns for part in _kept_turn(turn, lost.get(turn.speaker, []))
        ]
        for speaker, spans in self._gained.items():
            for start, end in _union(spans):
                turns = _with_turn(turns, make(start=start, end=end, speaker=speaker))
        return sorted(turns, key=lambda turn: turn.start)


def _with_turn(turns: Iterable[Any], more: Any) -> list[Any]:
    """And one more, which is one with those of its speaker that it touches."""
    apart, start, end = [], more.start, more.end
    for turn in turns:
        if turn.speaker == more.speaker and turn.start <= more.end and turn.end >= more.start:
            start, end = min(start, turn.start), max(end, turn.end)
        else:
            apart.append(turn)
    return [*apart, _with(more, start=start, end=end)]


# --- Leaving out ----------------------------------------------------------------------------------


def _kept_segments(
    segments: Sequence[Any], left_out: Sequence[Interval], warnings: dict[str, int]
) -> tuple[list[Any], list[int]]:
    """What is left of the segments, and which segment each is (a part of)."""
    kept: list[Any] = []
    origins: list[int] = []
    for index, segment in enumerate(segments):
        pieces = _without((segment.start, segment.end), left_out)
        if pieces == [(segment.start, segment.end)]:
            kept.append(segment)
            origins.append(index)
            continue
        if pieces and segment.text and not segment.words:
            warnings["edits_estimated"] += 1
        kept += _cut(segment, pieces, left_out)
        origins += [index] * len(pieces)
    return kept, origins


def _cut(segment: Any, pieces: Sequence[Interval], left_out: Sequence[Interval]) -> list[Any]:
    """A word is where its middle is; without times, the words are evenly spread."""
    texts = words_of(segment)
    step = (segment.end - segment.start) / max(1, len(texts))
    shares: list[list[int]] = [[] for _ in pieces]
    for index in range(len(texts) if pieces else 0):
        if segment.words:
            middle = (segment.words[index].start + segment.words[index].end) / 2
        else:
            middle = segment.start + (index + 0.5) * step
        middle = _clamp(middle, (segment.start, segment.end))
        if not any(start <= middle < end for start, end in left_out):
            number = sum(1 for start, _ in pieces if start <= middle) - 1
            shares[max(0, number)].append(index)
    return [
        _with(
            segment,
            start=piece[0],
            end=piece[1],
            text=_joined([texts[index] for index in share], segment),
            words=[_clamped(segment.words[index], piece) for index in share if segment.words],
        )
        for piece, share in zip(pieces, shares, strict=True)
    ]


def _kept_turn(turn: Any, left_out: Sequence[Interval]) -> list[Any]:
    """What is left of a turn."""
    pieces = _without((turn.start, turn.end), left_out)
    if pieces == [(turn.start, turn.end)]:
        return [turn]
    return [_with(turn, start=start, end=end) for start, end in pieces]


def _joined(words: Sequence[str], segment: Any) -> str:
    """The text of some words of a segment: Japanese, say, is written without spaces."""
    spaced = " " in segment.text or len(words_of(segment)) < 2
    return (" " if spaced else "").join(words)


# --- Spans ----------------------------------------------------------------------------------------


def _with(item: Any, **changes: Any) -> Any:
    """Another item with these changes; msgspec's and pydantic's are copied alike."""
    changed = copy.copy(item)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _clamp(time: float, span: Interval) -> float:
    return min(max(time, span[0]), span[1])


def _clamped(word: Any, span: Interval) -> Any:
    return _with(word, start=_clamp(word.start, span), end=_clamp(word.end, span))


def _within(span: Interval, bounds: Interval) -> list[Interval]:
    """The part of the span that is within the bounds, if any."""
    start, end = max(span[0], bounds[0]), min(span[1], bounds[1])
    return [(start, end)] if start < end else []


def _without(span: Interval, holes: Iterable[Interval]) -> list[Interval]:
    """The parts of the span that are in no hole; the holes are disjoint and in order. What has no
    length is kept unless it is within one."""
    start, end = span
    parts = []
    for hole_start, hole_end in holes:
        if hole_end <= start or hole_start >= end:
            continue
        if hole_start > start:
            parts.append((start, hole_start))
        start = hole_end
        if start >= end:
            return parts
    return [*parts, (start, end)]


def _union(spans: Iterable[Interval]) -> list[Interval]:
    """The same time, as disjoint spans in order."""
    merged: list[Interval] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
