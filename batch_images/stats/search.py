"""What search finds of a debate: its text as it was counted, by people as they are called."""

from __future__ import annotations

from batch_images.stats.debate import Debate
from batch_images.stats.exports import tell
from batch_images.stats.measures import About
from debate_analyzer.search.piece import Passage, Said, passages


def searched(debate: Debate, about: About) -> list[Passage]:
    """The passages that go into the index."""
    return passages(
        Said(segment.start, segment.end, segment.speaker, segment.text)
        for segment in tell(debate, about).transcription
    )
