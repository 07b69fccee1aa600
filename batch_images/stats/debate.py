"""A debate as columns: what the measures are computed from.

A transcript's items become arrays, in order of time and without what cannot be true; a word that
has no time of its own has its share of its segment's. Speakers are numbers into `speakers`. Times
are whole milliseconds, in seconds: see `intervals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from batch_images.stats.intervals import (
    NO_TIME,
    Times,
    complement,
    length,
    to_milliseconds,
    union,
)
from debate_analyzer.errors import InvalidTranscript
from debate_analyzer.statistics import Basis
from debate_analyzer.transcript import Warning

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

NOBODY = -1

MOST_SPEAKERS = 1000  # who speaks after whom is a table of as many rows and columns
LONGEST_SECONDS = 366 * 86_400.0  # a later time is one of the calendar, or in milliseconds


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
    """In order of start. `index` is the place in the transcript's list, `words` a count; `timed`
    says whether the words have times of their own."""

    start: Floats
    end: Floats
    speaker: Integers
    index: Integers
    words: Integers
    timed: Booleans
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

    @cached_property
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

    def silences(self, left_out: Times) -> Times:
        """When nobody is heard, of what is counted."""
        covered = union(np.concatenate([NO_TIME, self.heard, left_out]))
        return complement(covered, 0.0, self.duration)

    @cached_property
    def speaking_time(self) -> Floats:
        """Seconds by speaker."""
        return np.array([length(spans) for spans in self.speech])

    @cached_property
    def word_counts(self) -> Integers:
        """How many, by speaker."""
        counts = np.zeros(len(self.speakers), np.int64)
        known = self.segments.speaker != NOBODY
        np.add.at(counts, self.segments.speaker[known], self.segments.words[known])
        return counts

    @cached_property
    def word_rows(self) -> list[Integers]:
        """Rows in `words`, by speaker."""
        return rows_by_speaker(self.words.speaker, len(self.speakers))

    @cached_property
    def unassigned_words(self) -> int:
        return int(self.segments.words[self.segments.speaker == NOBODY].sum())


def rows_by_speaker(speaker: Integers, speakers: int) -> list[Integers]:
    """The rows of each speaker in order, without NOBODY's."""
    order = np.argsort(speaker, kind="stable")
    return np.split(order, np.searchsorted(speaker[order], np.arange(speakers + 1)))[1:-1]


def check_usable(transcript: Transcribed, debate: Debate) -> None:
    """Raises InvalidTranscript where a transcript has segments, and none that can be true."""
    if transcript.transcription and not len(debate.segments):
        reasons = " ".join(warning.message for warning in debate.warnings)
        raise InvalidTranscript(f"transcription: no segment can be used. {reasons}")


def read_debate(transcript: Transcribed, indices: Sequence[int] | None = None) -> Debate:
    """The columns of a transcript. `indices`: the segments' places in an older list, where the
    transcript is a revision of another. Raises InvalidTranscript with more than MOST_SPEAKERS."""
    items, times, index, warnings = _sound_segments(transcript.transcription, indices)
    turns, spans, more = _sound_turns(transcript.turns)
    warnings += more
    speakers = tuple(sorted({item.speaker for item in chain(items, turns) if item.speaker}))
    if len(speakers) > MOST_SPEAKERS:
        raise InvalidTranscript(
            f"transcription: {len(speakers):,} speakers are named; at most {MOST_SPEAKERS:,} are "
            "counted. Give each person one label."
        )
    numbers = {name: number for number, name in enumerate(speakers)}
    segments = _segments(items, times, index, numbers)
    owners = np.array([numbers[turn.speaker] for turn in turns], np.int64)
    duration, more = _duration(transcript.duration, np.append(times[:, 1], spans[:, 1]))
    if not turns:
        spans, owners = times, segments.speaker
    words, more_still = _words(items, segments)
    return Debate(
        duration=duration,
        language=transcript.language,
        speakers=speakers,
        basis="turns" if turns else "segments",
        segments=segments,
        words=words,
        words_are_timed=bool(items) and all(item.words for item in items if item.text.strip()),
        words_are_rated=bool((words.probability < 1.0).any()),
        speech=tuple(union(spans[rows]) for rows in rows_by_speaker(owners, len(speakers))),
        warnings=(*warnings, *more, *more_still),
    )


BEYOND_SECONDS = 1.0  # containers and decoders disagree about ends by less


def _duration(given: float, ends: Floats) -> tuple[float, list[Warning]]:
    """The recording's, or what is heard of it where that goes on for longer."""
    last = float(ends.max(initial=0.0))
    duration = float(to_milliseconds(np.array(given)))
    if not 0 <= duration <= LONGEST_SECONDS:
        return last, [_warning("no_duration", 1, "durations cannot be true; the last end is taken")]
    if beyond := int((ends > duration + BEYOND_SECONDS).sum()):
        text = "spans end after the recording, which is taken to be longer"
        return last, [_warning("beyond_the_end", beyond, text)]
    return max(duration, last), []


def _sound_segments(
    items: Sequence[Any], indices: Sequence[int] | None
) -> tuple[list[Any], Times, Integers, list[Warning]]:
    """Those that can be true, in order of time."""
    index = np.arange(len(items)) if indices is None else np.asarray(indices, np.int64)
    times = _times(items)
    good, warnings = _possible(times, "segments")
    order = np.flatnonzero(good)
    if unordered := int((np.diff(times[order, 0]) < 0).sum()):
        text = "segments begin before the one before them; they are counted in order of time"
        warnings.append(_warning("unordered_segments", unordered, text))
    order = order[np.lexsort((times[order, 1], times[order, 0]))]
    order, doubled = _without_doubles(items, times, order)
    if doubled:
        warnings.append(_warning("duplicate_segments", doubled, "segments stand there twice"))
    times = times[order]
    if empty := int((times[:, 0] == times[:, 1]).sum()):
        text = "segments have no length: their words count, their time does not"
        warnings.append(_warning("zero_length_segments", empty, text))
    return [items[row] for row in order.tolist()], times, index[order], warnings


def _without_doubles(items: Sequence[Any], times: Times, order: Integers) -> tuple[Integers, int]:
    """Rows in order of time; those of the same time in an order that is not that of the file."""
    same = (times[order[1:]] == times[order[:-1]]).all(axis=1)
    rows = order.tolist()
    doubled = set()
    first = 0
    for group in np.split(order, np.flatnonzero(~same) + 1) if same.any() else []:
        if len(group) > 1:
            alike = sorted(group.tolist(), key=lambda row: _contents(items[row]))
            rows[first : first + len(alike)] = alike
            doubled |= {
                row
                for before, row in pairwise(alike)
                if _contents(items[before])[:2] == _contents(items[row])[:2]
            }
        first += len(group)
    return np.array([row for row in rows if row not in doubled], np.int64), len(doubled)


def _contents(item: Any) -> tuple[Any, ...]:
    """Who says what, and then what else tells two segments apart."""
    words = [(word.start, word.end, word.word, word.probability) for word in item.words]
    return item.speaker or "", item.text, item.confidence, words


def _sound_turns(items: Sequence[Any]) -> tuple[list[Any], Times, list[Warning]]:
    times = _times(items)
    good, warnings = _possible(times, "turns")
    reasons = {
        "zero_length_turns": (times[:, 0] == times[:, 1], "turns have no length"),
        "anonymous_turns": (
            np.array([not item.speaker for item in items], bool),
            "turns are nobody's",
        ),
    }
    for code, (bad, text) in reasons.items():
        if count := int((good & bad).sum()):
            warnings.append(_warning(code, count, f"{text} and are left out"))
            good &= ~bad
    return [items[row] for row in np.flatnonzero(good).tolist()], times[good], warnings


def _times(items: Sequence[Any]) -> Times:
    start = np.fromiter((item.start for item in items), np.float64, len(items))
    end = np.fromiter((item.end for item in items), np.float64, len(items))
    return to_milliseconds(np.column_stack([start, end]))


def _possible(times: Times, what: str) -> tuple[Booleans, list[Warning]]:
    start, end = times[:, 0], times[:, 1]
    good = np.ones(len(times), bool)
    warnings = []
    reasons = {
        "unreadable": (~np.isfinite(times).all(axis=1), "have no times that can be read"),
        "negative": (start < 0, "begin before the recording"),
        "reversed": (end < start, "end before they begin"),
        "late": (end > LONGEST_SECONDS, "are later than a year after the recording begins"),
    }
    for code, (bad, text) in reasons.items():
        if count := int((good & bad).sum()):
            warnings.append(_warning(f"{code}_{what}", count, f"{what} {text} and are left out"))
            good &= ~bad
    return good, warnings


def _warning(code: str, count: int, text: str) -> Warning:
    return Warning(code=code, message=f"{count} {text}.")


def _segments(items: list[Any], times: Times, index: Integers, numbers: dict[str, int]) -> Segments:
    return Segments(
        start=times[:, 0],
        end=times[:, 1],
        speaker=np.array([numbers.get(item.speaker, NOBODY) for item in items], np.int64),
        index=index,
        words=np.array([len(item.words) or len(item.text.split()) for item in items], np.int64),
        timed=np.array([bool(item.words) for item in items], bool),
        texts=[item.text for item in items],
    )


def _words(items: list[Any], segments: Segments) -> tuple[Words, list[Warning]]:
    """A segment's words, or its text's, spread evenly over it. What a word's own time has outside
    of its segment is cut off."""
    row = np.repeat(np.arange(len(segments)), segments.words)
    start, end = _spread(segments, row)
    timed = segments.timed[row]
    heard = list(chain.from_iterable(item.words for item in items))
    times = _times(heard)
    sound = np.isfinite(times).all(axis=1) & (times[:, 0] <= times[:, 1])
    at = np.flatnonzero(timed)[sound]
    within = segments.start[row[at]], segments.end[row[at]]
    start[at], end[at] = np.clip(times[sound, 0], *within), np.clip(times[sound, 1], *within)
    probability = np.array([item.confidence for item in items], np.float64)[row]
    probability[timed] = np.fromiter((word.probability for word in heard), np.float64, len(heard))
    impossible = ~((probability >= 0) & (probability <= 1))
    probability[impossible] = 1.0
    counts = {
        "untimed_words": (
            ~sound,
            "words have times that cannot be true: they have their share of their segments'",
        ),
        "impossible_probabilities": (
            impossible,
            "words are rated outside of 0 to 1 and are taken as not rated",
        ),
    }
    warnings = [
        _warning(code, int(bad.sum()), text) for code, (bad, text) in counts.items() if bad.any()
    ]
    texts = chain.from_iterable(
        (word.word for word in item.words) if item.words else item.text.split() for item in items
    )
    words = Words(
        start=start,
        end=end,
        speaker=segments.speaker[row],
        segment=row,
        probability=probability,
        texts=[text.strip() for text in texts],
    )
    return words, warnings


def _spread(segments: Segments, row: Integers) -> tuple[Floats, Floats]:
    """Even shares of the segments' milliseconds for their words."""
    place = np.arange(len(row)) - (np.cumsum(segments.words) - segments.words)[row]
    first = np.rint(segments.start * 1000).astype(np.int64)
    lasts = np.rint(segments.end * 1000).astype(np.int64) - first
    share = lasts[row], np.maximum(segments.words, 1)[row]
    start = first[row] + place * share[0] // share[1]
    end = first[row] + (place + 1) * share[0] // share[1]
    return start / 1000, end / 1000
