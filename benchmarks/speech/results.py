"""Figures of a clip, and of a kind of clips: sums over sums, never means of rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.speech import scoring
from benchmarks.speech.intervals import Interval, difference_interval, rate_interval
from benchmarks.speech.running import Outcome, Sound
from benchmarks.speech.scoring import DiarizationErrors, WordErrors


@dataclass(frozen=True, slots=True)
class ClipResult:
    """None is what the truth does not say or the engine does not do. Boundary errors in seconds."""

    clip: str
    kind: str
    engine: str
    duration: float
    seconds: float
    cpu_seconds: float
    peak_mib: float
    words: WordErrors | None = None
    unassigned_words: int | None = None
    speaker_words: tuple[int, int] | None = None
    turns: DiarizationErrors | None = None
    turns_with_collar: DiarizationErrors | None = None
    speakers: tuple[int, int] | None = None
    word_boundaries: tuple[float, ...] | None = None
    turn_boundaries: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A fraction over the `clips` whose truth allows it, with the interval that their choice leaves
    it, where there are several."""

    value: float
    interval: Interval | None
    clips: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: half of the errors are below `median`, nine tenths below `p90`."""

    median: float
    p90: float
    count: int


@dataclass(frozen=True, slots=True)
class KindResult:
    """An engine on all clips of a kind. `missed` etc. are the parts of `der`."""

    kind: str
    engine: str
    clips: int
    duration: float
    wer: Rate | None
    cp_wer: Rate | None
    der: Rate | None
    missed: float | None
    false_alarm: float | None
    confusion: float | None
    der_with_collar: Rate | None
    speakers_right: int | None
    speakers_off: float | None
    word_boundaries: Spread | None
    turn_boundaries: Spread | None
    real_time_factor: float
    cpu_factor: float
    peak_mib: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the rate of the first engine is than that of `engine`, on the same clips."""

    kind: str
    engine: str
    figure: str
    value: float
    interval: Interval | None


def of_clip(engine: str, sound: Sound, outcome: Outcome) -> ClipResult:
    """Everything that truth and engine together allow."""
    clip, heard = sound.clip, outcome.heard
    words, turns = heard.words, heard.turns
    # A recogniser alone gives no word a speaker.
    attributed = words is not None and turns is not None
    return ClipResult(
        clip=clip.name,
        kind=clip.kind,
        engine=engine,
        duration=sound.duration,
        seconds=outcome.seconds,
        cpu_seconds=outcome.cpu_seconds,
        peak_mib=outcome.peak_mib,
        words=scoring.word_errors(clip.text, " ".join(w.text for w in words), clip.language)
        if words is not None and clip.text
        else None,
        unassigned_words=sum(word.speaker is None for word in words or ()) if attributed else None,
        speaker_words=scoring.speaker_word_errors(clip.utterances, words or (), clip.language)
        if attributed and clip.utterances
        else None,
        turns=scoring.diarization_errors(clip.turns, turns, duration=sound.duration, collar=0)
        if turns is not None and clip.turns
        else None,
        turns_with_collar=scoring.diarization_errors(
            clip.turns, turns, duration=sound.duration, collar=0.25
        )
        if turns is not None and clip.turns
        else None,
        speakers=(len({t.speaker for t in turns}), len({t.speaker for t in clip.turns}))
        if turns is not None and clip.turns
        else None,
        word_boundaries=tuple(scoring.word_boundary_errors(clip.utterances, words, clip.language))
        if words is not None and clip.utterances
        else None,
        turn_boundaries=tuple(scoring.turn_boundary_errors(clip.turns, turns))
        if turns is not None and clip.turns
        else None,
    )


def of_kind(clips: Sequence[ClipResult], *, load_seconds: float) -> KindResult:
    """Clips of one kind, heard by one engine in one process."""
    duration = sum(clip.duration for clip in clips)
    speakers = [clip.speakers for clip in clips if clip.speakers]
    return KindResult(
        kind=clips[0].kind,
        engine=clips[0].engine,
        clips=len(clips),
        duration=duration,
        wer=_rate(clips, FIGURES["WER"]),
        cp_wer=_rate(clips, FIGURES["cpWER"]),
        der=_rate(clips, FIGURES["DER"]),
        missed=_part(clips, lambda turns: turns.missed),
        false_alarm=_part(clips, lambda turns: turns.false_alarm),
        confusion=_part(clips, lambda turns: turns.confusion),
        der_with_collar=_rate(clips, FIGURES["DER, collar 0.25"]),
        speakers_right=sum(found == true for found, true in speakers) if speakers else None,
        speakers_off=sum(found - true for found, true in speakers) / len(speakers)
        if speakers
        else None,
        word_boundaries=_spread([e for clip in clips for e in clip.word_boundaries or ()]),
        turn_boundaries=_spread([e for clip in clips for e in clip.turn_boundaries or ()]),
        real_time_factor=sum(clip.seconds for clip in clips) / duration,
        cpu_factor=sum(clip.cpu_seconds for clip in clips) / duration,
        peak_mib=max(clip.peak_mib for clip in clips),
        load_seconds=load_seconds,
    )


def differences(first: Sequence[ClipResult], other: Sequence[ClipResult]) -> list[Difference]:
    """Two engines on the same clips of one kind, in each figure that both have."""
    found = []
    for name, figure in FIGURES.items():
        pairs = [
            (one, two)
            for a, b in zip(first, other, strict=True)
            if (one := figure(a)) and (two := figure(b))
        ]
        if pairs:
            errors, others = [one[0] for one, _ in pairs], [two[0] for _, two in pairs]
            totals = [one[1] for one, _ in pairs]
            found.append(
                Difference(
                    first[0].kind,
                    other[0].engine,
                    name,
                    (sum(errors) - sum(others)) / sum(totals),
                    difference_interval(errors, others, totals),
                )
            )
    return found


def _word_errors(clip: ClipResult) -> tuple[float, float] | None:
    return (clip.words.errors, clip.words.words) if clip.words else None


def _speaker_word_errors(clip: ClipResult) -> tuple[float, float] | None:
    return clip.speaker_words


def _turn_errors(clip: ClipResult) -> tuple[float, float] | None:
    return (clip.turns.errors, clip.turns.speech) if clip.turns else None


def _turn_errors_with_collar(clip: ClipResult) -> tuple[float, float] | None:
    turns = clip.turns_with_collar
    return (turns.errors, turns.speech) if turns else None


# Errors of a clip, and what they are divided by.
FIGURES: dict[str, Callable[[ClipResult], tuple[float, float] | None]] = {
    "WER": _word_errors,
    "cpWER": _speaker_word_errors,
    "DER": _turn_errors,
    "DER, collar 0.25": _turn_errors_with_collar,
}


def _rate(
    clips: Sequence[ClipResult], figure: Callable[[ClipResult], tuple[float, float] | None]
) -> Rate | None:
    pairs = [pair for clip in clips if (pair := figure(clip))]
    if not pairs:
        return None
    errors, totals = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return Rate(sum(errors) / sum(totals), rate_interval(errors, totals), len(pairs))


def _part(clips: Sequence[ClipResult], part: Callable[[DiarizationErrors], float]) -> float | None:
    turns = [clip.turns for clip in clips if clip.turns]
    return sum(map(part, turns)) / sum(t.speech for t in turns) if turns else None


def _spread(errors: Sequence[float]) -> Spread | None:
    if not errors:
        return None
    median, p90 = np.percentile(errors, (50, 90))
    return Spread(float(median), float(p90), len(errors))
