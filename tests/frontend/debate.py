"""Debates as the workers leave them: transcript, captions, statistics, from lines of text."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from batch_images.stats.analysis import Input, analyse
from debate_analyzer.transcript import Segment, Source, Transcript, Turn, Warning, Word

DURATION = 85.0

Line = tuple[str, float, float, str]
"""Speaker, start, end, words."""


def _read(name: str) -> list[Line]:
    """A line of the file is `start end speaker<tab>words`."""
    lines = []
    for line in (Path(__file__).parent / name).read_text().splitlines():
        head, text = line.split("\t")
        start, end, speaker = head.split(" ", 2)
        lines.append((speaker, float(start), float(end), text))
    return lines


ENGLISH = _read("english.txt")
SPANISH = _read("spanish.txt")


def make_transcript(lines: list[Line], *, job_id: str, language: str) -> Transcript:
    """Words spread evenly over their segment; the turns overlap where the lines do."""
    return Transcript(
        job_id=job_id,
        source=Source(key=f"jobs/{job_id}/videos/debate.webm", bytes=1, duration=DURATION),
        duration=DURATION,
        speakers_count=len({speaker for speaker, *_ in lines}),
        language=language,
        language_probability=0.98,
        transcription=[_segment(line) for line in lines],
        turns=[Turn(start=start, end=end, speaker=speaker) for speaker, start, end, _ in lines],
        warnings=[
            Warning(
                code="overlap",
                message="Two people talk at once here; words may be given to the wrong one.",
                start=43.6,
                end=44.2,
            )
        ],
    )


def _segment(line: Line) -> Segment:
    speaker, start, end, text = line
    words = text.split()
    step = (end - start) / len(words)
    return Segment(
        start=start,
        end=end,
        text=text,
        speaker=speaker,
        confidence=0.93,
        words=[
            Word(
                start=start + i * step,
                end=start + (i + 1) * step,
                word=word,
                speaker=speaker,
                probability=0.93,
            )
            for i, word in enumerate(words)
        ],
    )


def make_statistics(transcript: Transcript, *, job_id: str, title: str) -> dict[str, Any]:
    """As `statistics/by-job/<id>.json` holds it."""
    document = Input(
        f"jobs/{job_id}/transcripts/debate_transcription.json",
        transcript.model_dump_json().encode(),
        "etag",
        datetime(2026, 11, 21, 10, tzinfo=UTC),
    )
    statistics = analyse(document, job_id=job_id, video_label=title)
    return statistics.model_dump(mode="json", by_alias=True)


def make_captions(transcript: Transcript) -> str:
    cues = (
        f"{_timestamp(segment.start)} --> {_timestamp(segment.end)}\n{segment.text}\n"
        for segment in transcript.transcription
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def _timestamp(seconds: float) -> str:
    return f"00:{int(seconds) // 60:02}:{seconds % 60:06.3f}"


def make_video(path: Path) -> None:
    """VP8 in WebM: every Chromium plays it, with and without licensed codecs."""
    picture = "gradients=s=640x360:r=2:c0=0x22384a:c1=0x6a4a3a:x0=0:y0=0:x1=640:y1=360:speed=0.01"
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-threads", "2"),
            *("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=frequency=220"),
            *("-t", str(DURATION), "-pix_fmt", "yuv420p", "-c:v", "libvpx", "-g", "10"),
            *("-deadline", "realtime", "-b:v", "60k", "-c:a", "libopus", "-b:a", "16k", str(path)),
        ],
        check=True,
    )
