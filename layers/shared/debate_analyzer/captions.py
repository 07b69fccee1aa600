"""Captions: the transcript as SRT, WebVTT and plain text.

SRT has no standard; WebVTT is https://www.w3.org/TR/webvtt1/. What was said is somebody's words:
nothing in it may end a cue, start another or be taken as markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from debate_analyzer.transcript import Segment, Transcript

LINE_CHARACTERS = 42
CUE_LINES = 2
_CUE_SECONDS = 7.0


@dataclass(frozen=True)
class Cue:
    """What is shown at one time. `speaker` is None where nobody could be named."""

    start: float
    end: float
    lines: tuple[str, ...]
    speaker: str | None


def cues(transcript: Transcript) -> Iterator[Cue]:
    """Each segment in pieces of two lines, timed by its words where it has them."""
    for segment in sorted(transcript.transcription, key=lambda segment: segment.start):
        yield from _cues(segment)


def write_srt(transcript: Transcript) -> str:
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


def write_vtt(transcript: Transcript) -> str:
    """Cues with a voice tag, which players may style by speaker."""
    blocks = ["WEBVTT"]
    for cue in cues(transcript):
        text = "\n".join(_escape(line) for line in cue.lines)
        if cue.speaker is not None:
            text = f"<v {_escape(_plain(cue.speaker))}>{text}</v>"
        blocks.append(f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{text}")
    return "\n\n".join(blocks) + "\n"


def write_txt(transcript: Transcript) -> str:
    """A paragraph whenever the speaker changes."""
    paragraphs: list[str] = []
    previous: str | None = ""
    for segment in sorted(transcript.transcription, key=lambda segment: segment.start):
        text = _plain(segment.text)
        if paragraphs and segment.speaker == previous:
            paragraphs[-1] += f" {text}"
        else:
            name = _plain(segment.speaker) if segment.speaker is not None else "?"
            paragraphs.append(f"{name}: {text}")
        previous = segment.speaker
    return "\n\n".join(paragraphs) + "\n"


WRITERS: dict[str, Callable[[Transcript], str]] = {
    "srt": write_srt,
    "vtt": write_vtt,
    "txt": write_txt,
}


def _cues(segment: Segment) -> Iterator[Cue]:
    timed = [(word.start, word.end, _plain(word.word)) for word in segment.words]
    timed = [word for word in timed if word[2]]
    if not timed:
        timed = list(_spread(segment))
    held: list[tuple[float, float, str]] = []
    for word in timed:
        if held and not _fits([*held, word]):
            yield _cue(held, segment.speaker)
            held = []
        held.append(word)
    if held:
        yield _cue(held, segment.speaker)


def _spread(segment: Segment) -> Iterator[tuple[float, float, str]]:
    """Words without times of their own, spread over their segment by their length."""
    words = _plain(segment.text).split()
    characters = sum(len(word) for word in words)
    start = segment.start
    for word in words:
        end = start + segment.duration * len(word) / characters
        yield start, end, word
        start = end


def _fits(words: list[tuple[float, float, str]]) -> bool:
    if words[-1][1] - words[0][0] > _CUE_SECONDS:
        return False
    return len(_lines(words)) <= CUE_LINES


def _cue(words: list[tuple[float, float, str]], speaker: str | None) -> Cue:
    return Cue(words[0][0], max(word[1] for word in words), tuple(_lines(words)), speaker)


def _lines(words: list[tuple[float, float, str]]) -> list[str]:
    lines = [""]
    for _, _, word in words:
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if len(longer) > LINE_CHARACTERS and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _plain(text: str) -> str:
    """One line without control characters, and without the arrow that separates times."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"-{2,}>", "→", " ".join(printable.split()))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float, decimal: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{decimal}{milliseconds:03d}"
