"""A debate as columns: what the measures are computed from.

A transcript's items become arrays, in order of time and without what cannot be true; a word that
has no time of its own has its share of its segment's. Speakers are numbers into `speakers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from batch_images.stats.intervals import NO_TIME, Times, length, union
from debate_analyzer.statistics import Basis
from debate_analyzer.transcript import Warning

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

NOBODY = -1


class Transcribed(Protocol):
    """What `reader.Document` and `debate_analyzer.transcript.Transcript` have in common."""

    @property
    def duration(self) -> float: ...
    @property
    def language(self) -> str | None: ...
    @property
    def transcription(self) -> Sequence[Any]: ...
    @property
    def turns(self) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Segments:
    """In order of start. `index` is the place in the transcript's list, `words` a count."""

    start: Floats
    end: Floats
    speaker: Integers
    index: Integers
    words: Integers
    texts: list[str]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Words:
    """In order of their segments. `segment` is the row in `Segments`."""

    start: Floats
    end: Floats
    speaker: Integers
    segment: Integers
    probability: Floats
    texts: list[str]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def middle(self) -> Floats:
        return (self.start + self.end) / 2


@dataclass(frozen=True)
class Debate:
    """`speech`: by speaker, the disjoint spans in which he or she is heard. `words_are_timed` says
    whether the transcript times its words, `words_are_rated` whether anything rates them."""

    duration: float
    language: str | None
    speakers: tuple[str, ...]
    basis: Basis
    segments: Segments
    words: Words
    words_are_timed: bool
    words_are_rated: bool
    speech: tuple[Times, ...]
    warnings: tuple[Warning, ...]

    @cached_property
    def heard(self) -> Times:
        """When anybody speaks, whoever it is."""
        segments = np.column_stack([self.segments.start, self.segments.end])
        nobody = segments[self.segments.speaker == NOBODY]
        spans = [*self.speech] if self.basis == "turns" else [*self.speech, nobody]
        return union(np.concatenate([NO_TIME, *spans]))

    @cached_property
    def speaking_time(self) -> Floats:
        """Seconds by speaker."""
        return np.array([length(spans) for spans in self.speech])

    @cached_property
    def word_counts(self) -> Integers:
        """Words by speaker."""
        counts = np.zeros(len(self.speakers), np.int64)
        known = self.segments.speaker != NOBODY
        np.add.at(counts, self.segments.speaker[known], self.segments.words[known])
        return counts

    @cached_property
    def unassigned_words(self) -> int:
        return int(self.segments.words[self.segments.speaker == NOBODY].sum())


def read_debate(transcript: Transcribed, indices: Sequence[int] | None = None) -> Debate:
    """The columns of a transcript. `indices`: the segments' places in an older list, where the
    transcript is a revision of another."""
    items, index, warnings = _sound_segments(transcript.transcription, indices)
    turns, more = _sound_turns(transcript.turns)
    warnings += more
    names = {item.speaker for item in items if item.speaker is not None}
    speakers = tuple(sorted(names | {turn.speaker for turn in turns}))
    numbers = {name: number for number, name in enumerate(speakers)}
    segments = _segments(items, index, numbers)
    spans = np.column_stack([segments.start, segments.end])
    owners = segments.speaker
    if turns:
        spans = np.array([(turn.start, turn.end) for turn in turns])
        owners = np.array([numbers[turn.speaker] for turn in turns])
    end = max(float(spans[:, 1].max(initial=0.0)), float(segments.end.max(initial=0.0)))
    duration = transcript.duration
    if not (np.isfinite(duration) and duration >= 0):
        warnings.append(_warning("no_duration", 1, "The duration is no length of time"))
        duration = end
    if end > duration + _BEYOND_SECONDS:
        warnings.append(_warning("beyond_the_end", 1, "The transcript goes on after the recording"))
    return Debate(
        duration=max(duration, end),
        language=transcript.language,
        speakers=speakers,
        basis="turns" if turns else "segments",
        segments=segments,
        words=_words(items, segments),
        words_are_timed=bool(items) and all(item.words for item in items if item.text.strip()),
        words_are_rated=any(item.words or item.confidence != 1.0 for item in items),
        speech=tuple(union(spans[owners == number]) for number in range(len(speakers))),
        warnings=tuple(warnings),
    )


_BEYOND_SECONDS = 1.0  # containers and decoders disagree about ends by less


def _sound_segments(
    items: Sequence[Any], indices: Sequence[int] | None
) -> tuple[list[Any], Integers, list[Warning]]:
    """Those that can be true, in order of time."""
    index = np.arange(len(items)) if indices is None else np.asarray(indices, np.int64)
    start, end = _times(items)
    good, warnings = _possible(start, end, "segments")
    order = np.flatnonzero(good)
    if (np.diff(start[order]) < 0).any():
        warnings.append(_warning("unordered_segments", 1, "Segments were not in order of time"))
    order = order[np.lexsort((end[order], start[order]))]
    rows = order.tolist()
    moments = np.column_stack([start[order], end[order]])
    if (moments[1:] == moments[:-1]).all(axis=1).any():
        # Of the same time: the order must not be that of the file.
        rows.sort(key=lambda row: (start[row], end[row], _said(items[row])))
    kept = [
        row
        for before, row in zip([None, *rows], rows, strict=False)
        if before is None
        or start[row] != start[before]
        or end[row] != end[before]
        or _said(items[row]) != _said(items[before])
    ]
    if doubled := len(order) - len(kept):
        warnings.append(_warning("duplicate_segments", doubled, "segments stood there twice"))
    if empty := int((start[kept] == end[kept]).sum()):
        message = "segments have no length: their words count, their time does not"
        warnings.append(_warning("zero_length_segments", empty, message))
    return [items[row] for row in kept], index[kept], warnings


def _said(item: Any) -> tuple[str, str]:
    return item.speaker or "", item.text


def _sound_turns(items: Sequence[Any]) -> tuple[list[Any], list[Warning]]:
    start, end = _times(items)
    good, warnings = _possible(start, end, "turns")
    good &= end > start
    return [items[row] for row in np.flatnonzero(good).tolist()], warnings


def _times(items: Sequence[Any]) -> tuple[Floats, Floats]:
    start = np.fromiter((item.start for item in items), np.float64, len(items))
    return start, np.fromiter((item.end for item in items), np.float64, len(items))


def _possible(start: Floats, end: Floats, what: str) -> tuple[Booleans, list[Warning]]:
    finite = np.isfinite(start) & np.isfinite(end)
    negative = finite & (start < 0)
    reversed_ = finite & (end < start)
    reasons = {
        f"not_finite_{what}": (~finite, f"{what} have a time that is no number"),
        f"negative_{what}": (negative, f"{what} begin before the recording"),
        f"reversed_{what}": (reversed_ & ~negative, f"{what} end before they begin"),
    }
    warnings = [
        _warning(code, int(bad.sum()), f"{text} and are left out")
        for code, (bad, text) in reasons.items()
        if bad.any()
    ]
    return finite & ~negative & ~reversed_, warnings


def _warning(code: str, count: int, text: str) -> Warning:
    message = f"{count} {text}." if text[0].islower() else f"{text}."
    return Warning(code=code, message=message)


def _segments(items: list[Any], index: Integers, numbers: dict[str, int]) -> Segments:
    start, end = _times(items)
    return Segments(
        start=start,
        end=end,
        speaker=np.array([numbers.get(item.speaker, NOBODY) for item in items], np.int64),
        index=index,
        words=np.array([len(item.words) or len(item.text.split()) for item in items], np.int64),
        texts=[item.text for item in items],
    )


def _words(items: list[Any], segments: Segments) -> Words:
    """A segment's words, or its text's, spread evenly over it."""
    row = np.repeat(np.arange(len(segments)), segments.words)
    place = np.arange(len(row)) - np.repeat(
        np.cumsum(segments.words) - segments.words, segments.words
    )
    step = ((segments.end - segments.start) / np.maximum(segments.words, 1))[row]
    start = segments.start[row] + place * step
    end = start + step
    timed = np.array([bool(item.words) for item in items], bool)[row]
    heard = list(chain.from_iterable(item.words for item in items))
    times = np.array([(word.start, word.end) for word in heard]).reshape(-1, 2)
    sound = np.isfinite(times).all(axis=1) & (times[:, 0] <= times[:, 1])
    at = np.flatnonzero(timed)[sound]
    start[at], end[at] = times[sound, 0], times[sound, 1]
    probability = np.array([item.confidence for item in items], np.float64)[row]
    probability[timed] = [word.probability for word in heard]
    texts = chain.from_iterable(
        (word.word for word in item.words) if item.words else item.text.split() for item in items
    )
    return Words(
        start=start,
        end=end,
        speaker=segments.speaker[row],
        segment=row,
        probability=probability,
        texts=[text.strip() for text in texts],
    )
