"""The statistics of one debate, as they are published: `statistics/by-job/<job-id>.json`.

These models are the one source of `statistics/schema.json`. What each figure means, with formula,
unit, source and limits, is in docs/statistics.md. All times are in seconds from the start of the
recording, all shares 0 to 1. The figures inherit the errors of recognition and diarization: they
are approximate.

`schema_version` goes up when a field changes its meaning, its unit or its type, or goes; a field
that is new leaves it as it is, so readers let alone what they do not know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, cast, dataclass_transform

from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from debate_analyzer.transcript import Warning

SCHEMA_VERSION = 2


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) + 0.0  # no -0.0


# Milliseconds and millionths: finer than anything is known, and the same text on every machine.
Seconds = Annotated[float, PlainSerializer(lambda value: _rounded(value, 3), return_type=float)]
Share = Annotated[float, PlainSerializer(lambda value: _rounded(value, 6), return_type=float)]
Rate = Annotated[float, PlainSerializer(lambda value: _rounded(value, 3), return_type=float)]
Bounds = tuple[Share, Share]  # to as many digits as the finest figure

_T = TypeVar("_T")

OverlapKind = Literal["backchannel", "overlap", "floor_taken"]
Basis = Literal["turns", "segments"]


class _Published(BaseModel):
    """What lies under statistics/ is read by web pages: camelCase there, snake_case here."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


# --- evidence -------------------------------------------------------------------------------


@dataclass_transform(frozen_default=True, kw_only_default=True)
def _moment(of: type[_T]) -> type[_T]:
    """A model with slots and nothing else: of a long debate there are hundreds of thousands, and
    each takes a sixth of the memory."""
    config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    make = dataclass(frozen=True, slots=True, kw_only=True, config=config)
    return cast("type[_T]", make(of))


@_moment
class Span:
    """A moment of the recording. `segment` is the index in the transcript's `transcription` of
    what is said there, None where nothing is transcribed."""

    speaker: str | None
    start: Seconds
    end: Seconds
    segment: int | None


@_moment
class SegmentSpan(Span):
    """A segment of the transcript and how many words it adds."""

    words: int


@_moment
class TurnSpan(Span):
    """A turn, and how many words are in it."""

    words: int


@_moment
class OverlapStart(Span):
    """`speaker` began while `over` was speaking."""

    over: str
    kind: OverlapKind


@_moment
class Question(Span):
    """`answered_by` took the next turn soon after; None where nobody did."""

    answered_by: str | None


@_moment
class Filler(Span):
    """A filled pause that the recogniser wrote down."""

    word: str


@_moment
class Response(Span):
    """The start of a turn after somebody else's. `latency` is negative where they overlap."""

    after: str
    latency: Seconds


@_moment
class Handover(Span):
    """A turn of a moderator that leads to a turn of `to`, who spoke last before it if a
    follow-up."""

    to: str
    follow_up: bool


class Evidence(_Published):
    """The moments that make up the counts: each count is the length of one of these lists, or of
    its entries of one speaker. `EVIDENCE` says which."""

    speech: list[Span]
    silences: list[Span]
    segments: list[SegmentSpan]
    turns: list[TurnSpan]
    overlap_starts: list[OverlapStart]
    questions: list[Question]
    fillers: list[Filler]
    responses: list[Response]
    handovers: list[Handover]


# --- figures --------------------------------------------------------------------------------


class Uncertainty(_Published):
    """How sure a figure is: 95 % intervals for two questions.

    `this_debate`: where the figure would be had every boundary and every word's speaker been heard
    without error. `such_debates`: where it would tend to, did the same people speak as often again.
    None where no honest interval can be given.
    """

    this_debate: Bounds | None = None
    such_debates: Bounds | None = None


class OverlapStarts(_Published):
    """How often somebody began while another was speaking, by what became of it."""

    backchannel: int
    overlap: int
    floor_taken: int


class Pace(_Published):
    """Words in one window of the debate. None a minute where there is too little speech."""

    start: Seconds
    end: Seconds
    speaking_time: Seconds
    words: int
    words_per_minute: Rate | None


class Vocabulary(_Published):
    """`moving_type_token_ratio` is over windows of 100 words, None with fewer."""

    distinct_words: int
    moving_type_token_ratio: Share | None
    distinctive_words: list[str]


class Confidence(_Published):
    """Of the recogniser, in its words. `histogram`: how many in each tenth from 0 to 1."""

    mean: Share
    histogram: list[int]


class Balance(_Published):
    """Share of speaking time less the share that would be even, between all who debate."""

    even_share: Share
    difference: Share


class SpeakerStatistics(_Published):
    """One speaker. A figure that the transcript cannot carry is None and named in `unavailable`."""

    speaker: str
    name: str | None
    role: str | None
    side: str | None
    speaking_time: Seconds
    speaking_share: Share
    words: int
    word_share: Share
    words_per_minute: Rate | None
    segments: int
    turns: int
    longest_turn: Seconds
    longest_turn_start: Seconds | None
    mean_turn: Seconds
    median_turn: Seconds
    response_latency: Seconds | None
    questions: int | None
    questions_answered: int | None
    fillers: int | None
    fillers_per_minute: Rate | None
    overlap_starts: OverlapStarts | None
    overlap_starts_suffered: OverlapStarts | None
    pace: list[Pace]
    vocabulary: Vocabulary
    confidence: Share | None
    confidence_distribution: Confidence | None
    balance: Balance | None
    uncertainty: dict[str, Uncertainty]


class Totals(_Published):
    """`silence` is time in which nobody was heard, `overlap` time in which two or more were."""

    speaking_time: Seconds
    words: int
    segments: int
    turns: int
    silence: Seconds
    overlap: Seconds | None
    unassigned_words: int
    uncertainty: dict[str, Uncertainty]


class TurnTaking(_Published):
    """`counts[i][j]`: how often a turn of speaker j came next after one of speaker i."""

    speakers: list[str]
    counts: list[list[int]]


class SideBalance(_Published):
    """A side's share of its and the other sides' speaking time, and its share of their people."""

    side: str
    speakers: list[str]
    speaking_time: Seconds
    share: Share
    headcount_share: Share


class SlotBalance(_Published):
    """Agreed speaking time and what was used of it; an overrun is above zero."""

    name: str | None
    speaker: str
    start: Seconds | None
    end: Seconds | None
    agreed: Seconds
    used: Seconds
    overrun: Seconds
    agreed_share: Share
    used_share: Share


class DebateBalance(_Published):
    """`evenness` is Pielou's: 1 where all who debate spoke as long, None with fewer than two."""

    evenness: Share | None
    sides: list[SideBalance]
    agreed: list[SlotBalance]


class Moderation(_Published):
    """What one moderator did, in counts by whom it was done to; no verdict."""

    speaker: str
    floor_given: dict[str, int]
    follow_ups: dict[str, int]
    overlap_starts_by_side: dict[str, int] | None


class Comparison(_Published):
    """`more` is above `less` in a figure, and how sure that is (probability, 0 to 1).

    The order is that of the figures. `this_debate` and `such_debates` as in `Uncertainty`.
    """

    figure: str
    more: str
    less: str
    this_debate: Share | None
    such_debates: Share | None


class Unavailable(_Published):
    """A figure that this transcript cannot carry, and why."""

    figure: str
    reason: str


class Statistics(_Published):
    """`statistics/by-job/<job-id>.json`."""

    schema_version: int = SCHEMA_VERSION
    job_id: str
    video_label: str
    updated_at: str
    duration: Seconds
    language: str | None
    speakers_count: int
    transcript_key: str
    approximate: bool = True
    basis: Basis
    totals: Totals
    speakers: list[SpeakerStatistics]
    turn_taking: TurnTaking
    balance: DebateBalance
    moderation: list[Moderation]
    comparisons: list[Comparison]
    unavailable: list[Unavailable]
    left_out: list[Span]
    evidence: Evidence
    warnings: list[Warning]
    provenance: dict[str, Any]


def statistics_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what is written, as `statistics/schema.json` holds it."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | Statistics.model_json_schema(by_alias=True, mode="serialization")


# Which list of `Evidence` makes up a count: of a speaker, its entries with that `speaker`.
EVIDENCE = {
    "speakingTime": "speech",
    "words": "segments",
    "segments": "segments",
    "turns": "turns",
    "silence": "silences",
    "questions": "questions",
    "fillers": "fillers",
    "overlapStarts": "overlapStarts",
    "overlapStartsSuffered": "overlapStarts",
    "responseLatency": "responses",
    "turnTaking": "turns",
    "floorGiven": "handovers",
    "followUps": "handovers",
}
