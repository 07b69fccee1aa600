"""Makes the demo debate: `python -m demo.make_demo`, which needs flite (Debian: apt install flite).

Three of flite's voices (awb and rms, of CMU ARCTIC, and slt) read the script below: a moderator and
two debaters, who talk at the same time once. Turn times are those at which the voices were placed,
without the silence around them, so the truth is exact by construction. The recording is shipped;
run this again only to change it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
RATE = 16_000
_GAP_SECONDS = 0.45
_SILENCE = 0.004  # of full scale; flite's own silence is digital

VOICES = {"moderator": "slt", "north": "awb", "south": "rms"}


@dataclass(frozen=True)
class Line:
    """What a speaker says; `early` is how many seconds before the end of the turn before."""

    speaker: str
    text: str
    early: float = 0.0


SCRIPT = [
    Line(
        "moderator",
        "Good evening, and welcome. Tonight we ask whether our city should close its center to "
        "private cars. Each side has the same time. Who would like to begin?",
    ),
    Line(
        "north",
        "Thank you. I believe the answer is yes. Where streets were closed, the air became "
        "cleaner, the shops became busier, and children walked to school again. "
        "The old plan has failed, and we have paid for it with our health.",
    ),
    Line("moderator", "What do you say to that?"),
    Line(
        "south",
        "I say that a city is more than its center. People who live outside need their cars to "
        "reach work, and the buses stop running before midnight. "
        "First build the trains, and then we can talk about closing streets.",
    ),
    Line(
        "north",
        "But we have waited for those trains for so many years, and nothing was built.",
        early=1.5,
    ),
    Line("moderator", "Please, one at a time. How would you pay for the new trains?"),
    Line(
        "south",
        "With the money that we already spend on roads. Every year we repair the same bridge, "
        "and every year it is too small. A better plan would cost less in the long run.",
    ),
    Line(
        "north",
        "On that point we agree. So why not do both at the same time? "
        "Close one street this summer, count the visitors, and let the people decide.",
    ),
    Line(
        "moderator",
        "That is a good place to stop. You have heard both sides, and now it is for you to decide. "
        "Thank you both, and good night.",
    ),
]


def main() -> None:
    """Write debate.mp4, debate.rttm, debate.stm and debate.truth.json beside this file."""
    samples, turns = _mix()
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "debate.wav")
        _write_wave(sound, samples)
        _write_video(sound, turns, len(samples) / RATE)
    _write_truth(turns, len(samples) / RATE)


def _mix() -> tuple[NDArray[np.float32], list[tuple[float, float, Line]]]:
    """The sound, and when each line is heard in it."""
    placed: list[tuple[int, NDArray[np.float32]]] = []
    turns: list[tuple[float, float, Line]] = []
    end = int(0.8 * RATE)
    for line in SCRIPT:
        voice = _speak(line)
        start = end - int(line.early * RATE) if line.early else end + int(_GAP_SECONDS * RATE)
        placed.append((start, voice))
        turns.append((start / RATE, (start + len(voice)) / RATE, line))
        end = start + len(voice)
    samples = np.zeros(end + RATE, dtype=np.float32)
    for start, voice in placed:
        samples[start : start + len(voice)] += voice
    hiss = np.random.default_rng(7).normal(0, 0.0006, len(samples))
    return np.clip(samples + hiss, -1, 1).astype(np.float32), turns


def _speak(line: Line) -> NDArray[np.float32]:
    """The line in its speaker's voice, without the silence before and after, at one loudness."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "line.wav")
        command = ["flite", "-voice", VOICES[line.speaker], "-t", line.text, "-o", str(path)]
        subprocess.run(command, check=True)
        with wave.open(str(path)) as sound:
            assert sound.getframerate() == RATE
            voice = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16) / 32768
    loud = np.flatnonzero(np.abs(voice) > _SILENCE)
    voice = voice[loud[0] : loud[-1] + 1]
    level: NDArray[np.float32] = (voice * 0.08 / np.sqrt(np.mean(voice**2))).astype(np.float32)
    return level


def _write_wave(path: Path, samples: NDArray[np.float32]) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((samples * 32767).astype(np.int16).tobytes())


def _write_video(sound: Path, turns: list[tuple[float, float, Line]], seconds: float) -> None:
    """A card with a lane a speaker; a lane is lit while its speaker talks, a bar shows the time."""
    colours = {"moderator": "0xE69F00", "north": "0x56B4E9", "south": "0x009E73"}
    font = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
    filters = [
        f"drawtext=fontfile={font}:text='Should the city close its center to cars?'"
        ":fontsize=24:fontcolor=white:x=40:y=36",
        f"drawtext=fontfile={font}:text='A demo debate with synthetic voices'"
        ":fontsize=14:fontcolor=0xAAB4C0:x=40:y=72",
    ]
    for row, (speaker, colour) in enumerate(colours.items()):
        top = 124 + 64 * row
        name = {"moderator": "Moderator", "north": "For", "south": "Against"}[speaker]
        filters.append(
            f"drawtext=fontfile={font}:text='{name}':fontsize=16:fontcolor=white:x=40:y={top + 10}"
        )
        filters.append(f"drawbox=x=150:y={top}:w=450:h=38:color=0x27313D:t=fill")
        for start, end, line in turns:
            if line.speaker != speaker:
                continue
            left, width = 150 + 450 * start / seconds, 450 * (end - start) / seconds
            box = f"drawbox=x={left:.0f}:y={top}:w={max(2, width):.0f}:h=38:t=fill"
            filters.append(f"{box}:color={colour}@0.45")
            filters.append(f"{box}:color={colour}:enable='between(t,{start:.3f},{end:.3f})'")
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-y", "-v", "error", "-f", "lavfi", "-i", f"color=c=0x12181F:s=640x360:r=10:d={seconds}"),
        *("-f", "lavfi", "-i", f"color=c=white:s=3x190:r=10:d={seconds}", "-i", str(sound)),
        "-filter_complex",
        f"[0]{','.join(filters)}[card];[card][1]overlay=x='150+450*t/{seconds:.3f}':y=118",
        *("-map", "2:a", "-c:a", "aac", "-b:a", "64k", "-c:v", "libx264", "-preset", "slow"),
        *("-crf", "30", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-shortest"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", str(FOLDER / "debate.mp4")),
    ]
    subprocess.run(command, check=True)


def _write_truth(turns: list[tuple[float, float, Line]], seconds: float) -> None:
    truth = {
        "duration": round(seconds, 3),
        "turns": [
            {
                "start": round(start, 3),
                "end": round(end, 3),
                "speaker": line.speaker,
                "text": line.text,
            }
            for start, end, line in turns
        ],
    }
    (FOLDER / "debate.truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    rttm = [
        f"SPEAKER debate 1 {start:.3f} {end - start:.3f} <NA> <NA> {line.speaker} <NA> <NA>"
        for start, end, line in turns
    ]
    (FOLDER / "debate.rttm").write_text("\n".join(rttm) + "\n")
    stm = [
        f"debate 1 {line.speaker} {start:.3f} {end:.3f} {line.text}" for start, end, line in turns
    ]
    (FOLDER / "debate.stm").write_text("\n".join(stm) + "\n")


if __name__ == "__main__":
    main()
