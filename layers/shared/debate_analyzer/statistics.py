"""Statistics of one debate: how long each spoke, how much, how fast.

Speaking time is taken from `turns` where the diarization heard them, so that people who speak at
the same moment are both counted, and from segments otherwise. All times are in seconds, all shares
0 to 1. The figures inherit the errors of recognition and diarization: they are approximate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from debate_analyzer.transcript import Segment, Transcript, Turn, Warning

SCHEMA_VERSION = 1

Interval = tuple[float, float]


class _Published(BaseModel):
    """What lies under statistics/ is read by web pages: camelCase there, snake_case here."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class SpeakerStatistics(_Published):
    """One speaker. `words_per_minute` is None where the speaker was heard but no word was."""

    speaker: str
    speaking_time: float
    speaking_share: float
    words: int
    word_share: float
    words_per_minute: float | None
    segments: int
    turns: int
    longest_turn: float
    longest_turn_start: float | None
    mean_turn: float
    confidence: float | None


class Totals(_Published):
    """`silence` is time in which nobody was heard, `overlap` time in which two or more were."""

    speaking_time: float
    words: int
    segments: int
    turns: int
    silence: float
    overlap: float
    unassigned_words: int


class Statistics(_Published):
    """`statistics/by-job/<job-id>.json`, and what `statistics/schema.json` describes."""

    schema_version: int = SCHEMA_VERSION
    job_id: str
    video_label: str
    updated_at: str
    duration: float
    language: str | None
    speakers_count: int
    transcript_key: str
    approximate: bool = True
    totals: Totals
    speakers: list[SpeakerStatistics]
    warnings: list[Warning]
    provenance: dict[str, Any]


def compute(
    transcript: Transcript, *, job_id: str, video_label: str, transcript_key: str, updated_at: str
) -> Statistics:
    """The statistics of a transcript. Never fails on a valid one, be it empty."""
    segments = sorted(transcript.transcription, key=lambda segment: segment.start)
    runs = [list(run) for _, run in groupby(segments, key=lambda segment: segment.speaker)]
    heard = _heard(transcript.turns, segments)
    names = sorted(set(heard) | {s.speaker for s in segments if s.speaker is not None})
    speaking = {name: _length(_union(heard.get(name, []))) for name in names}
    words = {
        name: sum(_words(segment) for segment in segments if segment.speaker == name)
        for name in names
    }
    all_speaking, all_words = sum(speaking.values()), sum(_words(segment) for segment in segments)
    speakers = [
        _speaker(
            name,
            [segment for segment in segments if segment.speaker == name],
            [run for run in runs if run[0].speaker == name],
            speaking=speaking[name],
            all_speaking=all_speaking,
            words=words[name],
            all_words=all_words,
        )
        for name in names
    ]
    # Where nobody could be told apart, somebody spoke all the same.
    spoken = transcript.turns or segments
    anybody = _length(_union((span.start, span.end) for span in spoken))
    return Statistics(
        job_id=job_id,
        video_label=video_label,
        updated_at=updated_at,
        duration=transcript.duration,
        language=transcript.language,
        speakers_count=len(names),
        transcript_key=transcript_key,
        totals=Totals(
            speaking_time=_seconds(all_speaking),
            words=all_words,
            segments=len(segments),
            turns=sum(1 for run in runs if run[0].speaker is not None),
            silence=_seconds(max(0.0, transcript.duration - anybody)),
            overlap=_seconds(_overlap(heard.values())),
            unassigned_words=sum(_words(s) for s in segments if s.speaker is None),
        ),
        speakers=speakers,
        warnings=transcript.warnings,
        provenance=transcript.provenance,
    )


def _speaker(
    name: str,
    segments: Sequence[Segment],
    runs: Sequence[Sequence[Segment]],
    *,
    speaking: float,
    all_speaking: float,
    words: int,
    all_words: int,
) -> SpeakerStatistics:
    turns = [(run[0].start, max(segment.end for segment in run)) for run in runs]
    longest = max(turns, key=lambda turn: turn[1] - turn[0], default=None)
    return SpeakerStatistics(
        speaker=name,
        speaking_time=_seconds(speaking),
        speaking_share=_share(speaking, all_speaking),
        words=words,
        word_share=_share(words, all_words),
        words_per_minute=round(60 * words / speaking, 1) if words and speaking else None,
        segments=len(segments),
        turns=len(turns),
        longest_turn=_seconds(longest[1] - longest[0]) if longest else 0.0,
        longest_turn_start=_seconds(longest[0]) if longest else None,
        mean_turn=_seconds(_length(turns) / len(turns)) if turns else 0.0,
        confidence=_confidence(segments),
    )


def _heard(turns: Sequence[Turn], segments: Sequence[Segment]) -> dict[str, list[Interval]]:
    """When each speaker was heard, by the best evidence that the transcript has."""
    heard: dict[str, list[Interval]] = {}
    spans: Iterable[Turn | Segment] = turns or segments
    for span in spans:
        if span.speaker is not None:
            heard.setdefault(span.speaker, []).append((span.start, span.end))
    return heard


def _words(segment: Segment) -> int:
    return len(segment.words) or len(segment.text.split())


def _confidence(segments: Sequence[Segment]) -> float | None:
    """Mean over words, so that a long segment weighs more than a short one."""
    weight = sum(_words(segment) for segment in segments)
    if not weight:
        return None
    return round(sum(s.confidence * _words(s) for s in segments) / weight, 4)


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time, as disjoint intervals in order."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _length(intervals: Iterable[Interval]) -> float:
    return sum(end - start for start, end in intervals)


def _overlap(speakers: Iterable[Sequence[Interval]]) -> float:
    """Time in which two speakers or more are heard, by a sweep over starts and ends."""
    edges = sorted(
        edge
        for spans in speakers
        for start, end in _union(spans)
        for edge in ((start, 1), (end, -1))
    )
    total, speaking, since = 0.0, 0, 0.0
    for time, change in edges:
        if speaking >= 2:
            total += time - since
        speaking, since = speaking + change, time
    return total


def _share(part: float, whole: float) -> float:
    return round(part / whole, 6) if whole else 0.0


def _seconds(value: float) -> float:
    return round(value, 3)
