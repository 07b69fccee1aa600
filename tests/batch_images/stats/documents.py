"""Transcripts of a few lines, and what is measured in them."""

from __future__ import annotations

from batch_images.stats.balance import People
from batch_images.stats.debate import read_debate
from batch_images.stats.measures import About, measure
from debate_analyzer.statistics import SpeakerStatistics, Statistics
from debate_analyzer.transcript import Segment, Transcript, Turn, Word

NOTHING = People()


def segment(start: float, end: float, speaker: str | None, text: str) -> Segment:
    return Segment(start=start, end=end, text=text, speaker=speaker, confidence=0.9)


def spoken(start: float, speaker: str | None, text: str, *, each: float = 0.5) -> Segment:
    """A segment whose words have times: one after the other, `each` seconds long."""
    words = text.split()
    return Segment(
        start=start,
        end=start + each * len(words),
        text=text,
        speaker=speaker,
        words=[
            Word(start=start + each * i, end=start + each * (i + 1), word=word, probability=0.9)
            for i, word in enumerate(words)
        ],
    )


def heard(speaker: str, *spans: tuple[float, float]) -> list[Turn]:
    return [Turn(start=start, end=end, speaker=speaker) for start, end in spans]


def measured(
    transcript: Transcript,
    people: People = NOTHING,
    left_out: tuple[tuple[float, float], ...] = (),
) -> Statistics:
    about = About("j", "v", "k", "2026-11-21", people=people, left_out=left_out)
    return measure(read_debate(transcript), about, seed=1)


def speaker(statistics: Statistics, label: str) -> SpeakerStatistics:
    (found,) = (each for each in statistics.speakers if each.speaker == label)
    return found
