"""All measures of one debate, put together: from its columns to what is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from batch_images.stats.balance import MODERATOR, People, debate_balance, speaker_balances
from batch_images.stats.debate import NOBODY, Debate, Floats, Integers, rows_by_speaker
from batch_images.stats.exchange import (
    Handovers,
    Responses,
    find_handovers,
    find_responses,
    matrix,
)
from batch_images.stats.intervals import Times, length, overlap, union
from batch_images.stats.pace import pace_over_time, window_edges
from batch_images.stats.questions import Questions, find_questions, is_punctuated
from batch_images.stats.turns import (
    KINDS,
    OverlapStarts,
    Turns,
    find_overlap_starts,
    find_turns,
    find_utterances,
)
from batch_images.stats.uncertainty import Events, Uncertainties, estimate
from batch_images.stats.wording import Wording, distinctive_words, moving_type_token_ratio
from debate_analyzer import statistics as published
from debate_analyzer.statistics import Statistics, Unavailable
from debate_analyzer.transcript import Warning


@dataclass(frozen=True)
class About:
    """What is published of a debate beside its figures."""

    job_id: str
    video_label: str
    transcript_key: str
    updated_at: str
    provenance: dict[str, Any] = field(default_factory=dict)
    warnings: Sequence[Warning] = ()
    people: People = field(default_factory=People)
    left_out: Sequence[tuple[float, float]] = ()


def measure(debate: Debate, about: About, *, seed: int) -> Statistics:
    """The statistics of a debate. Never fails on a valid one, be it empty.

    `seed` is the beginning of whatever is drawn at random: the same seed gives the same bytes.
    """
    return _Measurement(debate, about, seed).statistics()


class _Measurement:
    """What several measures share, found once."""

    def __init__(self, debate: Debate, about: About, seed: int) -> None:
        self.debate = debate
        self.about = about
        self.left_out = union(np.array(about.left_out).reshape(-1, 2))
        utterances = find_utterances(debate)
        starts = find_overlap_starts(utterances)
        self.turns: Turns = find_turns(debate, utterances, starts)
        self.overlap: Times = overlap(debate.speech)
        self.silences: Times = debate.silences(self.left_out)
        # Where nobody ever speaks at the same time, one speaker at a time is all that was heard.
        self.starts: OverlapStarts | None = (
            starts if debate.basis == "turns" and len(self.overlap) else None
        )
        self.questions: Questions | None = (
            find_questions(debate, self.turns) if is_punctuated(debate) else None
        )
        self.wording = Wording.of(debate)
        self.fillers: Integers | None = self.wording.fillers()
        self.responses: Responses = find_responses(self.turns)
        moderators = {
            number
            for number, name in enumerate(debate.speakers)
            if about.people.roles.get(name) == MODERATOR
        }
        self.moderators = sorted(moderators)
        self.handovers: Handovers = find_handovers(self.turns, moderators)
        events = Events(
            overlap_starts=self.starts,
            questions=self.questions,
            fillers=self.fillers,
            responses=self.responses,
            left_out=self.left_out,
        )
        self.uncertain: Uncertainties = estimate(debate, self.turns, events, seed=seed)
        self.segment_rows = rows_by_speaker(debate.segments.speaker, len(debate.speakers))
        self.segment_ends = [
            np.maximum.accumulate(debate.segments.end[rows]) for rows in self.segment_rows
        ]

    def statistics(self) -> Statistics:
        debate, about = self.debate, self.about
        return Statistics(
            job_id=about.job_id,
            video_label=about.video_label,
            updated_at=about.updated_at,
            duration=debate.duration,
            language=debate.language,
            speakers_count=len(debate.speakers),
            transcript_key=about.transcript_key,
            basis=debate.basis,
            totals=self._totals(),
            speakers=self._speakers(),
            turn_taking=published.TurnTaking(
                speakers=list(debate.speakers),
                counts=matrix(self.turns, len(debate.speakers)).tolist(),
            ),
            balance=debate_balance(debate, about.people),
            moderation=[self._moderation(moderator) for moderator in self.moderators],
            comparisons=self.uncertain.comparisons,
            unavailable=self._unavailable(),
            left_out=[
                published.Span(speaker=None, start=start, end=end, segment=None)
                for start, end in self.left_out.tolist()
            ],
            evidence=self._evidence(),
            warnings=[*about.warnings, *debate.warnings],
            provenance=about.provenance,
        )

    # --- figures ---------------------------------------------------------------------------

    def _totals(self) -> published.Totals:
        debate = self.debate
        return published.Totals(
            speaking_time=float(debate.speaking_time.sum()),
            words=int(debate.segments.words.sum()),
            segments=len(debate.segments),
            turns=len(self.turns),
            silence=length(self.silences),
            overlap=length(self.overlap) if debate.basis == "turns" else None,
            unassigned_words=debate.unassigned_words,
            uncertainty=self.uncertain.totals,
        )

    def _speakers(self) -> list[published.SpeakerStatistics]:
        debate, people = self.debate, self.about.people
        edges = window_edges(debate.duration)
        balances = speaker_balances(debate, people)
        said = self.wording.by_speaker()
        asked_by = None if self.questions is None else self.questions.speaker
        answered_by = None if self.questions is None else self.questions.answered_by
        filler_speakers = None if self.fillers is None else debate.words.speaker[self.fillers]
        all_time, all_words = debate.speaking_time.sum(), int(debate.segments.words.sum())
        speakers = []
        for number, (label, distinctive) in enumerate(
            zip(debate.speakers, distinctive_words(said), strict=True)
        ):
            time, words = float(debate.speaking_time[number]), int(debate.word_counts[number])
            rows = self.turns.of(number)
            lengths = self.turns.duration[rows]
            longest = int(rows[lengths.argmax()]) if len(rows) else None
            latencies = self.responses.latency[self.responses.speaker == number]
            fillers = _count(filler_speakers, number)
            confidence = self._confidence(number)
            speakers.append(
                published.SpeakerStatistics(
                    speaker=label,
                    name=people.names.get(label),
                    role=people.roles.get(label),
                    side=people.sides.get(label),
                    speaking_time=time,
                    speaking_share=_ratio(time, all_time) or 0.0,
                    words=words,
                    word_share=_ratio(words, all_words) or 0.0,
                    words_per_minute=_ratio(60 * words, time) if words else None,
                    segments=len(self.segment_rows[number]),
                    turns=len(rows),
                    longest_turn=float(lengths.max(initial=0.0)),
                    longest_turn_start=self.turns.start[longest] if longest is not None else None,
                    mean_turn=float(lengths.mean()) if len(rows) else 0.0,
                    median_turn=float(np.median(lengths)) if len(rows) else 0.0,
                    response_latency=float(np.median(latencies)) if len(latencies) else None,
                    questions=_count(asked_by, number),
                    questions_answered=_count(answered_by, number),
                    fillers=fillers,
                    fillers_per_minute=_ratio(60 * fillers, time) if fillers is not None else None,
                    overlap_starts=self._overlap_starts(number, suffered=False),
                    overlap_starts_suffered=self._overlap_starts(number, suffered=True),
                    pace=pace_over_time(debate, number, edges),
                    vocabulary=published.Vocabulary(
                        distinct_words=len(set(said[number])),
                        moving_type_token_ratio=moving_type_token_ratio(said[number]),
                        distinctive_words=distinctive,
                    ),
                    confidence=confidence.mean if confidence else None,
                    confidence_distribution=confidence,
                    balance=balances.get(label),
                    uncertainty=self.uncertain.speakers[number],
                )
            )
        return speakers

    def _overlap_starts(self, number: int, *, suffered: bool) -> published.OverlapStarts | None:
        if self.starts is None:
            return None
        whose = self.starts.over if suffered else self.starts.speaker
        counts = np.bincount(self.starts.kind[whose == number], minlength=len(KINDS)).tolist()
        return published.OverlapStarts(**dict(zip(KINDS, counts, strict=True)))

    def _confidence(self, number: int) -> published.Confidence | None:
        words = self.debate.words
        probability = words.probability[self.debate.word_rows[number]]
        if not len(probability) or not self.debate.words_are_rated:
            return None
        tenth = np.floor(np.round(probability * 10, 9)).astype(np.int64)  # 0.3 is in the fourth
        return published.Confidence(
            mean=float(probability.mean()),
            histogram=np.bincount(np.minimum(tenth, 9), minlength=10).tolist(),
        )

    def _moderation(self, moderator: int) -> published.Moderation:
        labels, sides = self.debate.speakers, self.about.people.sides
        given = [
            (labels[to], follow_up)
            for who, to, follow_up in zip(
                self.handovers.moderator.tolist(),
                self.handovers.to.tolist(),
                self.handovers.follow_up,
                strict=True,
            )
            if who == moderator
        ]
        over = None
        if self.starts is not None:
            backchannel = KINDS.index("backchannel")
            began = (self.starts.speaker == moderator) & (self.starts.kind != backchannel)
            over = Counter(sides.get(labels[n], labels[n]) for n in self.starts.over[began])
        return published.Moderation(
            speaker=labels[moderator],
            floor_given=_sorted(Counter(label for label, _ in given)),
            follow_ups=_sorted(Counter(label for label, follow_up in given if follow_up)),
            overlap_starts_by_side=None if over is None else _sorted(over),
        )

    def _unavailable(self) -> list[Unavailable]:
        debate = self.debate
        reasons: list[tuple[bool, Sequence[str], str]] = [
            (
                debate.basis == "segments",
                ("overlap", "overlapStarts", "overlapStartsSuffered"),
                "The transcript has one speaker at a time: it does not say who spoke at once.",
            ),
            (
                debate.basis == "turns" and self.starts is None,
                ("overlapStarts", "overlapStartsSuffered"),
                "Nobody was heard while another spoke, so nobody began over another.",
            ),
            (
                self.questions is None,
                ("questions", "questionsAnswered"),
                "The transcript has no punctuation that would tell a question.",
            ),
            (
                self.fillers is None,
                ("fillers", "fillersPerMinute"),
                "There is no list of fillers for this language.",
            ),
            (
                not debate.words_are_rated,
                ("confidence", "confidenceDistribution"),
                "The transcript does not say how sure its words are.",
            ),
            (
                not debate.words_are_timed,
                ("wordTimes",),
                "Words have no times of their own: pace takes them as spread over their segments.",
            ),
        ]
        return [
            Unavailable(figure=figure, reason=reason)
            for holds, figures, reason in reasons
            if holds
            for figure in figures
        ]

    # --- evidence --------------------------------------------------------------------------

    def _evidence(self) -> published.Evidence:
        debate, turns = self.debate, self.turns
        segments = debate.segments
        return published.Evidence(
            speech=[
                self._span(number, start, end)
                for number, spans in enumerate(debate.speech)
                for start, end in spans.tolist()
            ],
            silences=[
                published.Span(speaker=None, start=start, end=end, segment=None)
                for start, end in self.silences.tolist()
            ],
            segments=[
                published.SegmentSpan(
                    speaker=None if number == NOBODY else debate.speakers[number],
                    start=start,
                    end=end,
                    segment=index,
                    words=words,
                )
                for number, start, end, index, words in _rows(
                    segments.speaker, segments.start, segments.end, segments.index, segments.words
                )
            ],
            turns=[
                published.TurnSpan(**self._place(number, start, end), words=words)
                for number, start, end, words in _rows(
                    turns.speaker, turns.start, turns.end, turns.words
                )
            ],
            overlap_starts=list(self._overlap_evidence()),
            questions=list(self._question_evidence()),
            fillers=list(self._filler_evidence()),
            responses=[
                published.Response(
                    **self._place(number, turns.start[row], turns.end[row]),
                    after=debate.speakers[after],
                    latency=latency,
                )
                for row, number, after, latency in _rows(
                    self.responses.turn,
                    self.responses.speaker,
                    self.responses.after,
                    self.responses.latency,
                )
            ],
            handovers=[
                published.Handover(
                    **self._place(number, turns.start[row], turns.end[row]),
                    to=debate.speakers[to],
                    follow_up=follow_up,
                )
                for (row, number, to), follow_up in zip(
                    _rows(self.handovers.turn, self.handovers.moderator, self.handovers.to),
                    self.handovers.follow_up,
                    strict=True,
                )
            ],
        )

    def _overlap_evidence(self) -> Iterable[published.OverlapStart]:
        if self.starts is None:
            return
        starts = self.starts
        for number, over, kind, start, end in _rows(
            starts.speaker, starts.over, starts.kind, starts.start, starts.end
        ):
            yield published.OverlapStart(
                **self._place(number, start, end),
                over=self.debate.speakers[over],
                kind=KINDS[kind],
            )

    def _question_evidence(self) -> Iterable[published.Question]:
        if self.questions is None:
            return
        asked = self.questions
        for number, start, end, segment, answered_by in _rows(
            asked.speaker, asked.start, asked.end, asked.segment, asked.answered_by
        ):
            yield published.Question(
                speaker=self.debate.speakers[number],
                start=start,
                end=end,
                segment=int(self.debate.segments.index[segment]),
                answered_by=None if answered_by == NOBODY else self.debate.speakers[answered_by],
            )

    def _filler_evidence(self) -> Iterable[published.Filler]:
        words = self.debate.words
        for row in [] if self.fillers is None else self.fillers.tolist():
            yield published.Filler(
                speaker=self.debate.speakers[words.speaker[row]],
                start=float(words.start[row]),
                end=float(words.end[row]),
                segment=int(self.debate.segments.index[words.segment[row]]),
                word=words.texts[row],
            )

    def _span(self, number: int, start: float, end: float) -> published.Span:
        return published.Span(**self._place(number, start, end))

    def _place(self, number: int, start: float, end: float) -> dict[str, Any]:
        """The moment, with the speaker's first segment that is said in it, if one is."""
        rows = self.segment_rows[number]
        segments = self.debate.segments
        place = int(np.searchsorted(self.segment_ends[number], start, side="right"))
        row = int(rows[place]) if place < len(rows) else None
        if row is not None and segments.start[row] >= end:
            row = None
        return {
            "speaker": self.debate.speakers[number],
            "start": start,
            "end": end,
            "segment": None if row is None else int(segments.index[row]),
        }


def _rows(*columns: Integers | Floats) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)


def _count(speakers: Integers | None, number: int) -> int | None:
    """How many are the speaker's; None where it cannot be told."""
    return None if speakers is None else int((speakers == number).sum())


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
