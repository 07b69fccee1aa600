"""A debate as the workers leave it: transcript, captions, statistics, all from a few lines of text."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from debate_analyzer.statistics import compute
from debate_analyzer.transcript import Segment, Source, Transcript, Turn, Warning, Word

DURATION = 85.0

Line = tuple[str, float, float, str]

ENGLISH: list[Line] = [
    ("SPEAKER_00", 0.6, 9.4, "Good evening, and welcome to the town hall. Tonight we ask one question: "
     "should Market Street be closed to cars? You each have two minutes."),
    ("SPEAKER_01", 10.1, 19.8, "Thank you. Three thousand people walk that street every day and only four "
     "hundred drive it. A street is for the people who use it."),
    ("SPEAKER_01", 20.3, 27.9, "In every city that tried, the shops gained. Sales went up by a tenth within "
     "two years, and the air got better within a month."),
    ("SPEAKER_02", 28.6, 38.0, "I own one of those shops. My deliveries come at seven and at noon, and my "
     "oldest customers come by car because they cannot walk from the station."),
    ("SPEAKER_02", 38.5, 44.2, "Nobody asked us. The plan was printed before the first meeting was held."),
    ("SPEAKER_01", 43.6, 51.0, "That is not fair. There were four meetings, and the minutes are public. "
     "Deliveries stay possible until eleven."),
    ("SPEAKER_00", 51.6, 55.2, "One at a time, please. You will both have your turn."),
    ("SPEAKER_02", 56.0, 66.9, "Until eleven does not help the baker whose flour comes at noon. Give us a "
     "trial of six months, count the customers before and after, and let the numbers decide."),
    ("SPEAKER_01", 67.5, 73.4, "A trial I can accept, if it begins this spring and not in five years."),
    ("SPEAKER_02", 73.9, 76.0, "This spring, then. Agreed."),
    ("SPEAKER_00", 76.8, 84.2, "We have heard an agreement, which does not happen every evening. Thank you "
     "both, and thank you for coming. Good night."),
]  # fmt: skip

SPANISH: list[Line] = [
    ("Moderadora: María Fernanda Ortiz-Villanueva de la Cruz", 0.8, 8.9, "Buenas noches. Hoy debatimos si "
     "el ayuntamiento debe ampliar el horario de la biblioteca central hasta la medianoche."),
    ("Concejal José Ignacio Etxeberria Goikoetxea", 9.5, 30.2, "Miles de estudiantes no tienen en casa un "
     "lugar tranquilo donde estudiar. Abrir hasta las doce cuesta menos que una rotonda, y una ciudad que "
     "presume de universidad no puede apagar la luz a las ocho de la tarde."),
    ("<img src=x onerror=alert(1)>", 30.8, 47.5, "El personal ya trabaja los sábados. Antes de "
     "prometer más horas, cubran las siete plazas que llevan dos años vacías."),
    ("Concejal José Ignacio Etxeberria Goikoetxea", 47.1, 60.0, "Las plazas están en el presupuesto. Lo que "
     "falta es la voluntad de sacarlas a concurso este mismo año."),
    ("<img src=x onerror=alert(1)>", 60.7, 72.3, "La voluntad no abre puertas; las abren personas con "
     "contrato."),
    ("Moderadora: María Fernanda Ortiz-Villanueva de la Cruz", 73.0, 84.1, "Lo dejamos aquí. Gracias a "
     "ambos, y gracias al público por su paciencia."),
]  # fmt: skip


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
            Word(start=start + i * step, end=start + (i + 1) * step, word=word, speaker=speaker)
            for i, word in enumerate(words)
        ],
    )


def make_statistics(transcript: Transcript, *, job_id: str, title: str) -> dict[str, Any]:
    """As `statistics/by-job/<id>.json` holds it."""
    statistics = compute(
        transcript,
        job_id=job_id,
        video_label=title,
        transcript_key=f"jobs/{job_id}/transcripts/debate_transcription.json",
        updated_at="2026-11-21T10:00:00Z",
    )
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
            *("-t", str(DURATION), "-pix_fmt", "yuv420p", "-c:v", "libvpx", "-deadline", "realtime", "-g", "10"),
            *("-b:v", "60k", "-c:a", "libopus", "-b:a", "16k", str(path)),
        ],
        check=True,
    )
