"""Made-up transcripts to measure speed on: their words mean nothing, their shape is a debate's."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SAID = (
    "the of and we must say that government people because taxes never always question minister "
    "answer budget schools hospitals vote time"
)
_WORDS = _SAID.split()
_WORD_SECONDS = 0.4


def write_archive(folder: Path, *, files: int, size: int) -> None:
    """`files` transcripts of about `size` bytes, as writers without words and turns make them."""
    folder.mkdir()
    for number in range(files):
        write_transcript(folder / f"{number:04}_transcription.json", size=size, seed=number)


def write_transcript(
    path: Path,
    *,
    size: float = float("inf"),
    segments: float = float("inf"),
    words: bool = False,
    seed: int = 0,
) -> None:
    """Until it has so many bytes or segments. With `words`, each has its time and probability."""
    written = 0
    with path.open("w") as file:
        file.write('{"duration":10000000.0,"language":"en","transcription":[')
        for number, segment in enumerate(_segments(random.Random(seed), words=words)):
            if written >= size or number >= segments:
                break
            text = json.dumps(segment, separators=(",", ":"))
            written += file.write(f",{text}" if number else text)
        file.write("]}")


def _segments(random_: random.Random, *, words: bool) -> Iterator[dict[str, Any]]:
    time = 0.0
    while True:
        said = random_.choices(_WORDS, k=random_.randint(8, 28))
        start, end = round(time, 2), round(time + _WORD_SECONDS * len(said), 2)
        segment: dict[str, Any] = {
            "start": start,
            "end": end,
            "text": " ".join(said),
            "speaker": f"SPEAKER_0{random_.randrange(5)}",
            "confidence": round(random_.random(), 3),
        }
        if words:
            segment["words"] = [
                {
                    "start": round(start + _WORD_SECONDS * place, 2),
                    "end": round(start + _WORD_SECONDS * (place + 1), 2),
                    "word": f" {word}",
                    "probability": round(random_.random(), 3),
                    "speaker": segment["speaker"],
                }
                for place, word in enumerate(said)
            ]
        yield segment
        time = end + random_.random()
