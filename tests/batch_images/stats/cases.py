"""Debates by the thousand for Hypothesis: documents of whole milliseconds, made to be awkward.

Each span begins at a distance from the one before that is a threshold of some measure, or just
within or beyond it: spans touch, nest, begin or end together, and leave just the gaps that count.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from batch_images.stats.balance import People
from batch_images.stats.debate import read_debate
from batch_images.stats.measures import About, measure
from batch_images.stats.reader import read_document
from tests.batch_images.stats.documents import NOTHING

Document = dict[str, Any]

# Comparisons with the oracle, and a fifth of it of every other property.
EXAMPLES = int(os.environ.get("EXAMPLES", "1000"))

SPEAKERS = ("A", "B", "C")
_TIMES = (
    *(0, 1, 40, 150, 199, 200, 201, 249, 250, 251, 300, 499, 500, 501, 777, 900),
    *(999, 1000, 1001, 1500, 1999, 2000, 2001, 2999, 3000, 3001, 4321),
    *(4999, 5000, 5001, 9999, 10_000, 10_001, 12_345),
)
_TEXTS = (
    *("yes", "um", "what do you say?", "no. why? because", "Um, well. Uh!", ""),
    *("one two three four five six seven", "hm? hm."),
)
_PROBABILITIES = (0.0, 0.1, 0.3, 0.57, 0.6, 0.7, 0.999, 1.0)

_BYTES = 7  # an item of a document is told by so many
_items = st.binary(min_size=8 * _BYTES, max_size=16 * _BYTES)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Transcripts that a reader takes as they are, but for doubles and order. One draw of bytes:
    an example takes no longer to make than to count."""
    spelled = draw(_items)
    one_at_a_time = spelled[0] % 4 == 3  # without turns
    segments: list[Document] = []
    turns: list[Document] = []
    start = end = 0
    for item in (spelled[at : at + _BYTES] for at in range(0, len(spelled), _BYTES)):
        if len(item) < _BYTES:
            break
        kind, who, anchor, distance, lasting, text, words = item
        moment = _TIMES[distance % len(_TIMES)]
        start = max(0, (start if anchor & 1 else end) + (-moment if anchor & 2 else moment))
        end = start + _TIMES[lasting % len(_TIMES)]
        span = {"start": start / 1000, "end": end / 1000}
        if kind % 4 and not one_at_a_time and end > start:
            turns.append(span | {"speaker": SPEAKERS[who % 3]})
        else:
            speaker = (*SPEAKERS, None)[who % 4]
            segments.append(
                span
                | {"speaker": speaker, "text": _TEXTS[text % len(_TEXTS)]}
                | {"confidence": _PROBABILITIES[kind // 8 % len(_PROBABILITIES)]}
                | {"words": list(_words(start, text, words))}
            )
    return {
        "duration": (end + _TIMES[spelled[0] % len(_TIMES)]) / 1000,
        "language": ("en", "xx")[spelled[-1] & 1],
        "transcription": segments,
        "turns": turns,
    }


def _words(start: int, text: int, words: int) -> Iterator[Document]:
    """None, or the text's with times of which some are not within the segment."""
    if words & 1:
        for place, word in enumerate(_TEXTS[text % len(_TEXTS)].split()):
            begin = max(0, start + place * _TIMES[words // 2 % len(_TIMES)] - (words & 4) * 10)
            yield {
                "start": begin / 1000,
                "end": (begin + _TIMES[(words // 8 + place) % len(_TIMES)]) / 1000,
                "word": word,
                "probability": _PROBABILITIES[(words + place) % len(_PROBABILITIES)],
            }


def counted(document: Document, people: People = NOTHING) -> Document:
    """As it is published."""
    read, _ = read_document(json.dumps(document).encode())
    about = About("j", "v", "k", "2026-11-21", people=people)
    return measure(read_debate(read), about, seed=1).model_dump(mode="json", by_alias=True)
