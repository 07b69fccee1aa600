"""How far what was heard is from the truth. Pure functions; times in seconds.

WER   word error rate, both sides through Whisper's text normaliser, which the Open ASR Leaderboard
      uses: https://github.com/huggingface/open_asr_leaderboard
cpWER the same of each speaker's words, under the mapping of speakers that has the fewest errors:
      https://arxiv.org/abs/2004.09249. A word that nobody was given counts as not recognised.
DER   diarization error rate, overlapped speech included, by pyannote.metrics:
      https://pyannote.github.io/pyannote-metrics/reference.html#diarization
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import jiwer
import numpy as np
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from scipy.optimize import linear_sum_assignment
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from benchmarks.speech.heard import Word
from benchmarks.speech.truth import Turn


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Counts; `words` are the truth's."""

    words: int
    substituted: int
    deleted: int
    inserted: int

    @property
    def errors(self) -> int:
        """All three kinds."""
        return self.substituted + self.deleted + self.inserted


@dataclass(frozen=True, slots=True)
class DiarizationErrors:
    """Seconds; `speech` is the truth's, a second of two speakers counting twice."""

    speech: float
    missed: float
    false_alarm: float
    confusion: float

    @property
    def errors(self) -> float:
        """All three kinds."""
        return self.missed + self.false_alarm + self.confusion


def normalised(text: str, language: str) -> list[str]:
    """Words as they are compared."""
    words: list[str] = _normaliser(language)(text).split()
    return words


@cache
def _normaliser(language: str) -> EnglishTextNormalizer | BasicTextNormalizer:
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()


def word_errors(truth: str, heard: str, language: str) -> WordErrors:
    """Of a text of which at least one word is left when it is normalised."""
    said = normalised(truth, language)
    out = jiwer.process_words(" ".join(said), " ".join(normalised(heard, language)))
    return WordErrors(len(said), out.substitutions, out.deletions, out.insertions)


def speaker_word_errors(
    truth: Sequence[Turn], heard: Sequence[Word], language: str
) -> tuple[int, int]:
    """cpWER's errors, and the words of the truth."""
    said = _by_speaker((turn.speaker, turn.text) for turn in sorted(truth))
    got = _by_speaker((word.speaker, word.text) for word in heard if word.speaker is not None)
    said_words = [normalised(text, language) for text in said.values()]
    got_words = [normalised(text, language) for text in got.values()]
    size = max(len(said_words), len(got_words))
    said_words += [[]] * (size - len(said_words))
    got_words += [[]] * (size - len(got_words))
    errors = np.array([[_errors(one, other) for other in got_words] for one in said_words])
    rows, columns = linear_sum_assignment(errors)
    return int(errors[rows, columns].sum()), sum(map(len, said_words))


def _by_speaker(spoken: Iterable[tuple[str, str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for speaker, text in spoken:
        texts[speaker] = f"{texts.get(speaker, '')} {text}"
    return texts


def _errors(said: list[str], heard: list[str]) -> int:
    if not said or not heard:
        return len(said) + len(heard)
    out = jiwer.process_words(" ".join(said), " ".join(heard))
    return int(out.substitutions + out.deletions + out.insertions)


def diarization_errors(
    truth: Sequence[Turn], heard: Sequence[Turn], *, duration: float, collar: float
) -> DiarizationErrors:
    """`collar`: seconds on either side of each boundary of the truth that are not looked at."""
    # pyannote.metrics' collar is both sides together.
    metric = DiarizationErrorRate(collar=2 * collar)
    parts = metric(
        _annotation(truth),
        _annotation(heard),
        uem=Timeline([Segment(0, duration)]),
        detailed=True,
    )
    return DiarizationErrors(
        parts["total"], parts["missed detection"], parts["false alarm"], parts["confusion"]
    )


def turn_boundary_errors(truth: Sequence[Turn], heard: Sequence[Turn]) -> list[float]:
    """From each start and end of a turn to the nearest start or end heard of the same speaker.

    Speakers are mapped as for DER; one that was not found has no boundaries to be compared.
    """
    said, got = _annotation(truth), _annotation(heard)
    mapping = {
        one: other for other, one in DiarizationErrorRate().optimal_mapping(said, got).items()
    }
    errors = []
    for segment, _, speaker in said.itertracks(yield_label=True):
        if speaker in mapping:
            found = got.label_timeline(mapping[speaker])
            errors.append(min(abs(segment.start - other.start) for other in found))
            errors.append(min(abs(segment.end - other.end) for other in found))
    return errors


def word_boundary_errors(
    truth: Sequence[Turn], heard: Sequence[Word], language: str
) -> list[float]:
    """Of the first word's start and the last word's end of each utterance.

    Words are aligned as for WER; a boundary counts where its word was recognised. An utterance of
    one word gives its word's own boundaries.
    """
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    said: list[str] = []
    for turn in sorted(truth):
        if words := normalised(turn.text, language):
            starts[len(said)] = turn.start
            said += words
            ends[len(said) - 1] = turn.end
    # A word may be none when it is normalised ("uh"), or several ("they're").
    got = [(text, word) for word in heard for text in normalised(word.text, language)]
    if not said or not got:
        return []
    out = jiwer.process_words(" ".join(said), " ".join(text for text, _ in got))
    errors = []
    for chunk in out.alignments[0]:
        if chunk.type != "equal":
            continue
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
            index = chunk.ref_start_idx + offset
            word = got[chunk.hyp_start_idx + offset][1]
            if index in starts:
                errors.append(abs(word.start - starts[index]))
            if index in ends:
                errors.append(abs(word.end - ends[index]))
    return errors


def _annotation(turns: Sequence[Turn]) -> Annotation:
    """Turns of one speaker that overlap or touch become one."""
    annotation = Annotation()
    for index, turn in enumerate(turns):
        if turn.duration > 0:
            annotation[Segment(turn.start, turn.end), index] = turn.speaker
    return annotation.support()
