"""The same hours of audio at hosted services, list prices, with speakers told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cost.figure import Figures


@dataclass(frozen=True)
class Offer:
    """`usd` for the audio of a month."""

    title: str
    usd: float
    usd_per_audio_hour: float
    source: str


def offers(audio_hours: float, titles: Mapping[str, str], figures: Figures) -> Iterator[Offer]:
    """One a service; diarization is added where it has a price of its own."""
    for service, title in titles.items():
        transcription = f"hosted/{service}/transcription"
        names = [transcription, f"hosted/{service}/diarization"]
        usd = sum(
            figures.times(name, audio_hours * 60) for name in names if name in figures.by_name
        )
        yield Offer(
            title=title,
            usd=usd,
            usd_per_audio_hour=usd / audio_hours if audio_hours else 0.0,
            source=figures[transcription].source,
        )
