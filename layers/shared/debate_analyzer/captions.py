"""Captions: the transcript as SRT, WebVTT and plain text.

SRT has no standard; WebVTT is https://www.w3.org/TR/webvtt1/. What was said is somebody's words:
nothing in it may end a cue, start another or be taken as markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

LINE_CHARACTERS = 42
CUE_LINES = 2
_CUE_SECONDS = 7.0

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # Persian spells with them
_ARROW = re.compile(r"-{2,}>")


class Spoken(Protocol):
    """A transcript, or another document with segments such as `transcript.Segment`."""

    @property
    def transcription(self) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Cue:
    """What is shown at one time. `speaker` is None where nobody could be named."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str | None


@dataclass(frozen=True)
class Speech:
    """What one speaker says until another does. `start` in seconds; `text` is one line."""

    start: float
    speaker: str | None
    text: str


def cues(transcript: Spoken) -> Iterator[Cue]:
    """Each segment in pieces of two lines, timed by its words where it has them."""
    for segment in sorted(transcript.transcription, key=lambda segment: segment.start):
        yield from _cues(segment)


def speeches(transcript: Spoken) -> Iterator[Speech]:
    """In order of time; `speaker` is None where nobody could be named."""
    spoken = [segment for segment in transcript.transcription if segment.text.strip()]
    spoken.sort(key=lambda segment: segment.start)
    for speaker, said in groupby(spoken, key=lambda segment: segment.speaker):
        segments = list(said)
        yield Speech(
            start=segments[0].start,
            speaker=None if speaker is None else _plain(speaker),
            text=" ".join(_plain(segment.text) for segment in segments),
        )


def write_srt(transcript: Spoken) -> str:
    """Numbered cues; the speaker's name stands before the words where it changes."""
    blocks = []
    previous: str | None = None
    for number, cue in enumerate(cues(transcript), start=1):
        lines = list(cue.lines)
        if cue.speaker is not None and cue.speaker != previous:
            lines[0] = f"{_plain(cue.speaker)}: {lines[0]}"
        previous = cue.speaker
        times = f"{_time(cue.start, ',')} --> {_time(cue.end, ',')}"
        blocks.append("\n".join([str(number), times, *lines]))
    return "\n\n".join(blocks) + "\n"


def write_vtt(transcript: Spoken) -> str:
    """Cues with a voice tag, which players may style by speaker."""
    blocks = ["WEBVTT"]
    for cue in cues(transcript):
        text = "\n".join(_escape(line) for line in cue.lines)
        if cue.speaker is not None:
            text = f"<v {_escape(_plain(cue.speaker))}>{text}</v>"
        blocks.append(f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{text}")
    return "\n\n".join(blocks) + "\n"


def write_txt(transcript: Spoken) -> str:
    """A paragraph whenever the speaker changes."""
    return (
        "\n\n".join(
            f"{'?' if speech.speaker is None else speech.speaker}: {speech.text}"
            for speech in speeches(transcript)
        )
        + "\n"
    )


WRITERS: dict[str, Callable[[Spoken], str]] = {
    "srt": write_srt,
    "vtt": write_vtt,
    "txt": write_txt,
}


def _cues(segment: Any) -> Iterator[Cue]:
    timed = [(word.start, word.end, _plain(word.word)) for word in segment.words]
    timed = [word for word in timed if word[2]]
    if not timed:
        timed = list(_spread(segment))
    begin = end = 0.0
    lines: list[str] = []
    for start, word_end, word in timed:
        if lines and word_end - begin <= _CUE_SECONDS and _is_taken(lines, word):
            end = max(end, word_end)
            continue
        if lines:
            yield Cue(begin, end, tuple(lines), segment.speaker)
        begin, end, lines = start, word_end, [word]
    if lines:
        yield Cue(begin, end, tuple(lines), segment.speaker)


def _is_taken(lines: list[str], word: str) -> bool:
    """Onto the last line, or onto one more; or there is no room."""
    if len(lines[-1]) + 1 + len(word) <= LINE_CHARACTERS:
        lines[-1] += f" {word}"
    elif len(lines) < CUE_LINES:
        lines.append(word)
    else:
        return False
    return True


def _spread(segment: Any) -> Iterator[tuple[float, float, str]]:
    """Words without times of their own, spread over their segment by their length."""
    words = _plain(segment.text).split()
    characters = sum(len(word) for word in words)
    start = segment.start
    for word in words:
        end = start + (segment.end - segment.start) * len(word) / characters
        yield start, end, word
        start = end


def one_line(text: str) -> str:
    """Without line breaks, control and format characters, and without space around it."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join(text.split())


def _plain(text: str) -> str:
    """And without the arrow that separates times."""
    text = one_line(text)
    return _ARROW.sub("→", text) if "->" in text else text


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, decimal: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{decimal}{milliseconds:03d}"
