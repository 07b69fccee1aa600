"""Words that the recogniser gave and nobody said: found, left out, and accounted for.

Pure functions. Whisper was trained on subtitles, so it writes something wherever it is asked, and
what it writes for a noise looks like speech. No single sign tells the two apart; words go where two
agree, and a loop where its words took no time. docs/recognition.md has the figures.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from batch_images.transcribe.spoken import SpokenWord
from debate_analyzer.transcript import Warning

# Whisper's own thresholds: https://github.com/openai/whisper/blob/main/whisper/transcribe.py
_SILENCE_PROBABILITY = 0.6
_SILENCE_LOG_PROBABILITY = -1.0

# Shorter than a word: music and beeps make Silero's VAD hear 0.03 to 0.13 s of speech.
_BLIP_SECONDS = 0.25
_DOUBTFUL_PROBABILITY = 0.4

# A decoder in a loop goes on until it has no tokens left, so that its words come faster than
# anybody speaks: the alignment gives many of them no time at all. A chant takes its time.
_LOOP_WORDS = 8
_LOOP_REPEATS = 3
_LOOP_PERIOD = 20
_INSTANT_SECONDS = 0.02
_INSTANT_SHARE = 0.2
_STUTTER = re.compile(r"(.{1,12}?)\1{9,}")

# What Whisper writes for silence, most often: subtitles' last lines. People say some of it too.
# https://arxiv.org/abs/2501.11378
_STOCK = frozenset(
    {
        "you",
        "bye",
        "bye bye",
        "thank you",
        "thank you very much",
        "thank you for watching",
        "thanks for watching",
        "please subscribe",
        "gracias",
        "gracias por ver el video",
        "subtítulos realizados por la comunidad de amara org",
        "sous titres réalisés para la communauté d amara org",
        "untertitel der amara org community",
        "ご視聴ありがとうございました",
    }
)

# More would not be read: neighbours are told of together.
_MOST_WARNINGS = 20


@dataclass(frozen=True)
class Stretch:
    """The words of one stretch of detected speech.

    `speech`: seconds of it, at least of those that could be counted. `log_probability` and
    `no_speech_probability` are the recogniser's, of the up to half a minute decoded at once.
    """

    words: Sequence[SpokenWord]
    speech: float
    log_probability: float
    no_speech_probability: float


@dataclass(frozen=True)
class _Removal:
    start: float
    end: float
    words: int
    reason: str


def guard(stretches: Sequence[Stretch]) -> tuple[list[SpokenWord], list[Warning]]:
    """The words that somebody said, in order of their start, and what was left out and why."""
    removals: list[_Removal] = []
    kept: list[SpokenWord] = []
    for stretch in stretches:
        if stretch.words and (reason := _nobody_speaks(stretch)):
            removals.append(_removal(stretch.words, reason))
        else:
            kept += stretch.words
    kept.sort(key=lambda word: word.start)
    looped = set(_looped(kept))
    for first, last in _ranges(sorted(looped)):
        removals.append(_removal(kept[first:last], "the same words over and over"))
    words = [word for index, word in enumerate(kept) if index not in looped]
    return words, _warnings(removals, words)


def _nobody_speaks(stretch: Stretch) -> str | None:
    """Why the words are the model's own, if they are."""
    blip = stretch.speech < _BLIP_SECONDS
    silent = stretch.no_speech_probability > _SILENCE_PROBABILITY
    unsure = stretch.log_probability < _SILENCE_LOG_PROBABILITY
    stock = " ".join(_plain(word.text) for word in stretch.words) in _STOCK
    mean = sum(word.probability for word in stretch.words) / len(stretch.words)
    if silent and (unsure or stock):
        return "words where nothing is said"
    if blip and (silent or unsure or stock or mean < _DOUBTFUL_PROBABILITY):
        return "words for a sound that is no speech"
    return None


def _looped(words: Sequence[SpokenWord]) -> Iterator[int]:
    """Indices of the words of loops, without the first time round, which may have been said."""
    said = [_plain(word.text) for word in words]
    for period in range(1, _LOOP_PERIOD + 1):
        same = [one == other for one, other in zip(said, said[period:], strict=False)]
        for first, last in _ranges([index for index, is_same in enumerate(same) if is_same]):
            end = last + period  # said[first:end] has the period
            length = end - first
            if length >= max(_LOOP_WORDS, _LOOP_REPEATS * period) and _too_fast(words[first:end]):
                yield from range(first + period, end)
    yield from (index for index, word in enumerate(words) if _STUTTER.search(word.text))


def _too_fast(words: Sequence[SpokenWord]) -> bool:
    instant = sum(word.end - word.start <= _INSTANT_SECONDS for word in words)
    return instant >= _INSTANT_SHARE * len(words)


def _plain(text: str) -> str:
    """As it is compared: without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _ranges(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Indices in a row as (first, last), last exclusive."""
    first = 0
    for position, index in enumerate(indices):
        if position + 1 == len(indices) or indices[position + 1] != index + 1:
            yield indices[first], index + 1
            first = position + 1


def _removal(words: Sequence[SpokenWord], reason: str) -> _Removal:
    end = max(word.end for word in words)
    return _Removal(words[0].start, end, len(words), reason)


def _warnings(removals: Iterable[_Removal], words: Sequence[SpokenWord]) -> list[Warning]:
    """One for removals between which no word was kept; where that is too many, near ones join."""
    ordered = sorted(removals, key=lambda removal: removal.start)
    if not ordered:
        return []
    starts = [word.start for word in words]
    kept_before = [bisect(starts, removal.start) for removal in ordered]
    cuts = [
        index for index in range(1, len(ordered)) if kept_before[index] > kept_before[index - 1]
    ]
    cuts.sort(key=lambda index: ordered[index].start - ordered[index - 1].end, reverse=True)
    bounds = [0, *sorted(cuts[: _MOST_WARNINGS - 1]), len(ordered)]
    return [_warning(ordered[first:last]) for first, last in pairwise(bounds)]


def _warning(removals: Sequence[_Removal]) -> Warning:
    words = sum(removal.words for removal in removals)
    reasons = " and ".join(dict.fromkeys(removal.reason for removal in removals))
    return Warning(
        code="hallucination_removed",
        message=f"The recogniser gave {reasons}; left out: {words}.",
        start=round(min(removal.start for removal in removals), 3),
        end=round(max(removal.end for removal in removals), 3),
    )
