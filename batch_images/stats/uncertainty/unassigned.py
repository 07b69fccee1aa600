"""Whose the words are that have no speaker: nobody knows, so they are drawn."""

from __future__ import annotations

import numpy as np

from batch_images.stats.debate import NOBODY, Debate, Floats


def unassigned_words(debate: Debate, generator: np.random.Generator, size: int) -> Floats:
    """Draws of how many of them are each speaker's, shape (size, speakers); a draw adds up to all.

    A segment without a speaker is one person's, more likely of one who says more: shares from a
    Dirichlet distribution with the segments known and Jeffreys' prior, segments by a multinomial.
    Segments of different lengths count as fewer of one length with the same variance (Kish's
    effective number).
    """
    segments = debate.segments
    speakers = len(debate.speakers)
    words = segments.words[segments.speaker == NOBODY].astype(np.float64)
    if not speakers or not words.sum():
        return np.zeros((size, speakers))
    effective = max(1, round(words.sum() ** 2 / (words**2).sum()))
    known = debate.word_counts * effective / words.sum()
    shares = generator.dirichlet(known + 0.5, size)
    drawn: Floats = generator.multinomial(effective, shares) * (words.sum() / effective)
    return drawn


def seconds_a_word(debate: Debate) -> float:
    """Seconds without a speaker for each word without one; 0 where turns say who spoke."""
    segments = debate.segments
    nobody = segments.speaker == NOBODY
    words = segments.words[nobody].sum()
    if debate.basis == "turns" or not words:
        return 0.0
    return float((segments.end - segments.start)[nobody].sum() / words)
