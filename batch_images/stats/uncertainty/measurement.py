"""Draws for `this_debate`: figures without errors of boundaries and with every word's speaker.

What nothing can be wrong with has a single draw, which is the figure.
"""

from __future__ import annotations

import numpy as np

from batch_images.stats.debate import Floats
from batch_images.stats.uncertainty.draws import DRAWS, Draws, ratio
from batch_images.stats.uncertainty.observed import OVERLAP_STARTS, Observed
from batch_images.stats.uncertainty.rehearing import Rehearing
from batch_images.stats.uncertainty.unassigned import seconds_a_word


def draw_speakers(
    observed: Observed, rehearing: Rehearing, given: Floats, generator: np.random.Generator
) -> list[Draws]:
    """By speaker. `given`: draws of how many words without a speaker are each one's."""
    debate = observed.debate
    heard = {
        figure: np.maximum(rehearing.draws(figure, generator, DRAWS), 0.0)
        for figure in ("speakingTime", "meanTurn", "medianTurn", "longestTurn", "overlapStarts")
    }
    heard["responseLatency"] = rehearing.draws("responseLatency", generator, DRAWS)
    time = heard["speakingTime"] + seconds_a_word(debate) * given
    words = debate.word_counts + given
    people = []
    for person, figures in enumerate(observed.figures):
        own, added = time[:, person], given[:, person]
        draws = {
            "speakingTime": own,
            "speakingShare": ratio(own, time.sum(axis=1)),
            "words": words[:, person],
            "wordShare": ratio(words[:, person], words.sum(axis=1)),
            "wordsPerMinute": ratio(60 * words[:, person], own),
            "confidence": _confidence(observed, person, added, generator),
        }
        for figure in ("meanTurn", "medianTurn", "longestTurn", "responseLatency"):
            draws[figure] = heard[figure][:, person]
        for kind, figure in enumerate(OVERLAP_STARTS):
            draws[figure] = heard["overlapStarts"][:, person, kind]
        for figure in ("questions", "fillers"):
            if figure in figures:
                rate = (figures[figure] + 0.5) / np.maximum(words[:, person], 1)
                draws[figure] = figures[figure] + _continuous(rate * added, generator)
        if "fillers" in figures:
            draws["fillersPerMinute"] = ratio(60 * draws["fillers"], own)
        people.append(draws)
    return people


def _continuous(mean: Floats, generator: np.random.Generator) -> Floats:
    """Counts as a continuous quantity, so that intervals are not too wide by up to a whole one
    (mid-p)."""
    counts = generator.poisson(mean)
    draws: Floats = np.maximum(counts + generator.uniform(-0.5, 0.5, len(counts)), 0.0)
    return np.where(mean > 0, draws, 0.0)


def _confidence(
    observed: Observed, person: int, added: Floats, generator: np.random.Generator
) -> Floats:
    """The mean with words of his or hers that have no speaker: like the others, a segment at a
    time."""
    words = observed.debate.words
    rows = np.flatnonzero(words.speaker == person)
    if not len(rows):
        return np.full(len(added), np.nan)
    mean = words.probability[rows].mean()
    residuals = np.bincount(words.segment[rows], weights=words.probability[rows] - mean)
    scatter = np.sqrt((residuals**2).sum() / len(rows) * added)
    off = scatter * generator.standard_normal(len(added)) / (len(rows) + added)
    confidence: Floats = np.clip(mean + off, 0.0, 1.0)
    return confidence


def draw_totals(observed: Observed, rehearing: Rehearing, generator: np.random.Generator) -> Draws:
    """Of the whole debate."""
    time = rehearing.draws("speakingTime", generator, DRAWS).sum(axis=1)
    debate = observed.debate
    return {
        "speakingTime": time + seconds_a_word(debate) * debate.unassigned_words,
        "words": np.full(1, observed.totals["words"]),
        "silence": np.maximum(rehearing.draws("silence", generator, DRAWS), 0.0),
        "overlap": np.maximum(rehearing.draws("overlap", generator, DRAWS), 0.0),
    }
