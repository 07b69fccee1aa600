"""Speaking time, words and segments of each speaker, fast: for archives of many thousand files.

The figures that `measures` gives, in one pass over what is needed for them: words are counted and
not read, and of a large transcript a block at a time is in memory. What is out of the ordinary
(segments out of order, twice, impossible or without length, types that are wrong) goes the way of
all transcripts, by `reader` and `debate`, and has the same warnings and errors.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from batch_images.stats.blocks import BLOCK_BYTES, Data, array_of, blocks
from batch_images.stats.debate import (
    BEYOND_SECONDS,
    LONGEST_SECONDS,
    MOST_SPEAKERS,
    check_usable,
    read_debate,
    rows_by_speaker,
)
from batch_images.stats.reader import check_size, read_document
from debate_analyzer.transcript import Warning

# In milliseconds, as floats of whole numbers: sums of them are exact.
_LONGEST = LONGEST_SECONDS * 1000
_BEYOND = BEYOND_SECONDS * 1000

# Between 2^52 and 2^53 doubles are whole numbers: what is added to this and taken from it again is
# rounded, half to even as by numpy.rint, in a third of the time that `round` takes.
_WHOLE = 1.5 * 2**52

_SPACE = ord(" ")
_SPACED = bytes(_SPACE if chr(code).isspace() else code for code in range(256))


class CoreSpeaker(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`speaking_time` in seconds."""

    speaker: str
    speaking_time: float
    words: int
    segments: int


class Core(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Speakers in order of their labels. `warnings`: what was left out or mended, but for what only
    a look at the words would find."""

    speakers: list[CoreSpeaker]
    unassigned_words: int = 0
    warnings: tuple[Warning, ...] = ()


class _Word(msgspec.Struct, gc=False):
    """Only how many there are is asked."""


class _Segment(msgspec.Struct, gc=False):
    start: float
    end: float
    text: str = ""
    speaker: str | None = None
    confidence: float = 1.0
    words: list[_Word] | None = None


class _Turn(msgspec.Struct, gc=False):
    start: float
    end: float
    speaker: str


class _Document(msgspec.Struct, gc=False):
    duration: float
    transcription: list[_Segment]
    turns: list[_Turn] | None = None


_document = msgspec.json.Decoder(_Document, strict=False)
_segments = msgspec.json.Decoder(list[_Segment], strict=False)


class _Unusual(Exception):
    """The transcript wants a closer look."""


class _Speaker:
    """While he or she is counted, in milliseconds. `until`: the end of what was heard so far."""

    __slots__ = ("segments", "texts", "time", "until", "words")

    def __init__(self) -> None:
        self.time = 0.0
        self.until = 0.0
        self.words = 0
        self.segments = 0
        self.texts: list[str] = []


def count_file(path: Path | str) -> Core:
    """The core measures of a transcript. Raises InvalidTranscript, OSError."""
    with open(path, "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= BLOCK_BYTES:
            return count(file.read())
        return count(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def count(data: Data) -> Core:
    """The core measures of a transcript's bytes. Raises InvalidTranscript."""
    try:
        return _Count(data).result()
    except (_Unusual, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _looked_at(bytes(data))


class _Count:
    """Of a transcript as it should be. Raises _Unusual where it is not."""

    def __init__(self, data: Data) -> None:
        self._speakers: dict[str | None, _Speaker] = {}
        # Without escapes a text has no white space but what it has as it stands.
        self._has_escapes = data.find(b"\\") >= 0
        since = -1.0
        begin = array_of(data, "transcription") if len(data) > BLOCK_BYTES else None
        if begin is not None:
            rest = begin
            for segments, following in blocks(data, begin, _segments.decode):
                since = self._add(segments, since)
                rest = following
            if data.find(b'"transcription"', rest) >= 0:
                raise _Unusual
            # Without the segments that were counted, it is a document still.
            data = data[:begin] + data[rest:]
        check_size(len(data))  # of what is not counted yet, which is decoded at once
        document = _document.decode(data)
        self._add(document.transcription, since)
        end = self._end()
        if document.turns:
            self._hear(document.turns)
            end = max(end, self._end())
        duration = document.duration * 1000.0 + _WHOLE - _WHOLE
        if not end - _BEYOND < duration <= _LONGEST:
            raise _Unusual

    def result(self) -> Core:
        named = [(label, speaker) for label, speaker in self._speakers.items() if label]
        if len(named) > MOST_SPEAKERS:
            raise _Unusual
        return Core(
            [
                CoreSpeaker(label, speaker.time / 1000, speaker.words, speaker.segments)
                for label, speaker in sorted(named)
            ],
            sum(speaker.words for label, speaker in self._speakers.items() if not label),
        )

    def _end(self) -> float:
        return max((speaker.until for speaker in self._speakers.values()), default=0.0)

    def _add(self, segments: Iterable[_Segment], since: float) -> float:
        """`since`: the start of the segment before these. Returns that of the last of them."""
        speakers, whole, longest = self._speakers, _WHOLE, _LONGEST
        for segment in segments:
            start = segment.start * 1000.0 + whole - whole
            end = segment.end * 1000.0 + whole - whole
            if not since < start < end <= longest:
                raise _Unusual
            since = start
            try:
                speaker = speakers[segment.speaker]
            except KeyError:
                speaker = speakers[segment.speaker] = _Speaker()
            if start >= speaker.until:
                speaker.time += end - start
                speaker.until = end
            elif end > speaker.until:
                speaker.time += end - speaker.until
                speaker.until = end
            if segment.words:
                speaker.words += len(segment.words)
                speaker.segments += 1
            else:
                speaker.texts.append(segment.text)
        for speaker, words in zip(speakers.values(), self._words(), strict=True):
            speaker.words += words
            speaker.segments += len(speaker.texts)
            speaker.texts.clear()
        return since

    def _hear(self, turns: Iterable[_Turn]) -> None:
        """What is heard is in the turns, where there are any."""
        for speaker in self._speakers.values():
            speaker.time = speaker.until = 0.0
        since = 0.0
        for turn in turns:
            start = turn.start * 1000.0 + _WHOLE - _WHOLE
            end = turn.end * 1000.0 + _WHOLE - _WHOLE
            if not (since <= start < end <= _LONGEST and turn.speaker):
                raise _Unusual
            since = start
            speaker = self._speakers.setdefault(turn.speaker, _Speaker())
            speaker.time += max(0.0, end - max(start, speaker.until))
            speaker.until = max(speaker.until, end)

    def _words(self) -> list[int]:
        """In each speaker's texts, as `str.split` finds them, which would make a string of each."""
        texts = [speaker.texts for speaker in self._speakers.values()]
        said = [" ".join(["", *each]) for each in texts]
        try:
            letters = "".join(said).encode("latin-1")
        except UnicodeEncodeError:  # it has more white space than is known here
            return [sum(len(text.split()) for text in each) for each in texts]
        if self._has_escapes or not letters.isascii():
            letters = letters.translate(_SPACED)
        inside = np.frombuffer(letters, np.uint8) != _SPACE
        begins = inside[1:] > inside[:-1]
        counts, end = [], 0
        for each in said:
            begin, end = end, end + len(each)
            counts.append(int(np.count_nonzero(begins[begin:end])))
        return counts


def _looked_at(data: bytes) -> Core:
    document, unreadable = read_document(data)
    debate = read_debate(document)
    check_usable(document, debate)
    segments = map(len, rows_by_speaker(debate.segments.speaker, len(debate.speakers)))
    return Core(
        [
            CoreSpeaker(*each)
            for each in zip(
                debate.speakers,
                debate.speaking_time.tolist(),
                debate.word_counts.tolist(),
                segments,
                strict=True,
            )
        ],
        debate.unassigned_words,
        (*unreadable, *debate.warnings),
    )
