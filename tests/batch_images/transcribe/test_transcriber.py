from __future__ import annotations

import os
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch_images.transcribe.diarization import Diarizer, create_diarizer
from batch_images.transcribe.media import SAMPLE_RATE, Samples
from batch_images.transcribe.recognition import Recognition, Recognizer, WhisperRecognizer
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.captions import WRITERS
from debate_analyzer.errors import InvalidMedia, Misconfigured, NoSpeech
from debate_analyzer.job import Settled
from debate_analyzer.transcript import Transcript, Turn, Warning, parse_transcript
from demo.score import score
from demo.truth import DEMO, read_truth

MODELS = Path(os.environ.get("MODELS_DIR", ".models"))
DEBATE = DEMO.with_name("debate.mp4")
KEY = "jobs/1/videos/town hall.wav"

WORDS = [
    SpokenWord(0.5, 1.0, " Hello.", 0.9),
    SpokenWord(2.2, 2.8, " Hello?", 0.7),
    SpokenWord(8.0, 8.5, " Anyone?", 0.5),
]
TURNS = [
    Turn(start=0.4, end=1.1, speaker="SPEAKER_00"),
    Turn(start=2, end=3, speaker="SPEAKER_01"),
]


@dataclass
class Script:
    """A Recognizer that hears the same words in everything, and remembers what it was asked."""

    words: list[SpokenWord] = field(default_factory=lambda: list(WORDS))
    warnings: list[Warning] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=lambda: {"engine": "script"})

    def recognize(
        self, samples: Samples, *, language: str | None, on_progress: Callable[[float], None]
    ) -> Recognition:
        self.asked.append(language)
        for fraction in (0.3, 1.0):
            on_progress(fraction)
        return Recognition(self.words, language or "en", 0.98, self.warnings)


@dataclass
class Seats:
    """A Diarizer that gives the turns it was given, or raises `failure`."""

    turns: list[Turn] = field(default_factory=lambda: list(TURNS))
    failure: Exception | None = None
    asked: list[int | None] = field(default_factory=list)
    name: str = "seats"

    def diarize(
        self,
        audio: Samples,
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> list[Turn]:
        self.asked.append(speakers)
        for fraction in (0.5, 1.0):
            on_progress(fraction)
        if self.failure is not None:
            raise self.failure
        return self.turns


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ten seconds."""
    return write_wave(tmp_path / "recording.wav", np.zeros(10 * SAMPLE_RATE, np.float32))


def write_wave(path: Path, samples: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).astype(np.int16).tobytes())
    return path


def transcribe(
    path: Path,
    recognizer: Recognizer | None = None,
    diarizer: Diarizer | None = None,
    **options: Any,
) -> Transcript:
    transcriber = Transcriber(recognizer or Script(), diarizer or Seats())
    return transcriber.transcribe(path, job_id="1", key=KEY, **options)


def test_words_get_speakers(recording: Path) -> None:
    found = transcribe(recording)
    assert [(part.speaker, part.text) for part in found.transcription] == [
        ("SPEAKER_00", "Hello."),
        ("SPEAKER_01", "Hello?"),
        (None, "Anyone?"),
    ]
    assert (found.duration, found.speakers_count, found.turns) == (10.0, 2, TURNS)
    assert (found.language, found.language_probability) == ("en", 0.98)
    assert parse_transcript(found.model_dump_json()) == found


def test_words_of_nobody_are_counted(recording: Path) -> None:
    (warning,) = transcribe(recording).warnings
    assert warning.code == "unassigned_words"
    assert warning.message.startswith("1 of 3 words")


def test_words_are_counted_where_no_turn_was_heard(recording: Path) -> None:
    (warning,) = transcribe(recording, diarizer=Seats(turns=[])).warnings
    assert warning.message.startswith("3 of 3 words")


def test_where_everybody_is_known_nothing_is_said_of_it(recording: Path) -> None:
    assert transcribe(recording, Script(words=WORDS[:2])).warnings == []


def test_what_the_user_knows_reaches_the_engines(recording: Path) -> None:
    recognizer, diarizer = Script(), Seats()
    transcribe(recording, recognizer, diarizer, language="es", speakers=4)
    assert (recognizer.asked, diarizer.asked) == (["es"], [4])


def test_a_failed_diarization_costs_the_speakers_and_no_word(recording: Path) -> None:
    found = transcribe(recording, diarizer=Seats(failure=MemoryError("voices")))
    assert [part.text for part in found.transcription] == ["Hello.", "Hello?", "Anyone?"]
    assert {part.speaker for part in found.transcription} == {None}
    assert (found.speakers_count, found.turns) == (0, [])
    assert [warning.code for warning in found.warnings] == ["diarization_failed"]


@pytest.mark.parametrize("failure", [Settled("lost"), Misconfigured("no weights")])
def test_what_is_not_the_engine_s_fault_ends_the_work(recording: Path, failure: Exception) -> None:
    with pytest.raises(type(failure)):
        transcribe(recording, diarizer=Seats(failure=failure))


@pytest.mark.parametrize("fraction", [0.05, 0.5, 1.0])
def test_a_lost_claim_ends_the_work_wherever_it_is_noticed(
    recording: Path, fraction: float
) -> None:
    def on_progress(done: float) -> None:
        if done >= fraction:
            raise Settled("The claim was lost.")

    with pytest.raises(Settled):
        transcribe(recording, on_progress=on_progress)


def test_silence_is_no_transcript(recording: Path) -> None:
    diarizer = Seats()
    with pytest.raises(NoSpeech, match="Nobody is heard"):
        transcribe(recording, Script(words=[]), diarizer)
    assert diarizer.asked == []


def test_a_file_that_cannot_be_read_costs_no_recognition(tmp_path: Path) -> None:
    recognizer = Script()
    path = tmp_path / "recording.mp4"
    path.write_text("not a film")
    with pytest.raises(InvalidMedia):
        transcribe(path, recognizer)
    assert recognizer.asked == []


def test_progress_only_grows_and_ends_at_one(recording: Path) -> None:
    heard: list[float] = []
    transcribe(recording, on_progress=heard.append)
    assert all(first <= second for first, second in pairwise(heard))
    assert 0 < heard[0] < 0.2
    assert heard[-1] == 1


def test_the_transcript_says_where_it_comes_from(recording: Path) -> None:
    found = transcribe(recording)
    assert found.source is not None
    assert (found.job_id, found.source.key) == ("1", KEY)
    assert found.source.bytes == recording.stat().st_size
    assert found.source.duration == pytest.approx(10)
    assert found.provenance["recognition"] == {"engine": "script"}
    assert found.provenance["diarization"] == {"engine": "seats"}
    assert set(found.provenance["seconds"]) == {"decode", "recognition", "diarization"}


def test_the_same_file_again_has_the_same_hash_and_another_has_not(
    recording: Path, tmp_path: Path
) -> None:
    other = write_wave(tmp_path / "other.wav", np.zeros(9 * SAMPLE_RATE, np.float32))
    first, again, second = (
        source.sha256
        for source in (transcribe(path).source for path in (recording, recording, other))
        if source is not None
    )
    assert first == again
    assert first != second


def test_warnings_of_the_recognizer_stay(recording: Path) -> None:
    removed = Warning(code="hallucination_removed", message="Left out.", start=1, end=2)
    found = transcribe(recording, Script(words=WORDS[:2], warnings=[removed]))
    assert found.warnings == [removed]


@pytest.fixture(scope="module")
def real() -> Transcriber:
    return Transcriber(
        WhisperRecognizer(str(MODELS / "whisper-base"), device="cpu", compute_type="int8"),
        create_diarizer("onnx", models_dir=MODELS),
    )


@pytest.mark.models
def test_the_demo_debate(real: Transcriber) -> None:
    heard: list[float] = []
    found = real.transcribe(DEBATE, job_id="1", key=KEY, on_progress=heard.append)

    result = score(found, read_truth())
    assert result.speakers == found.speakers_count == 3
    assert result.wer < 0.08
    assert result.der < 0.12
    assert found.language == "en"
    assert found.provenance["recognition"]["model_sha256"].startswith("905e5bf8")
    assert heard == sorted(heard)
    assert heard[-1] == 1
    assert all(write(found).count("SPEAKER_02") for write in WRITERS.values())


@pytest.mark.models
@pytest.mark.parametrize("loudness", [0.0, 0.003, 0.1], ids=["silence", "hiss", "noise"])
def test_ten_minutes_without_a_word(real: Transcriber, tmp_path: Path, loudness: float) -> None:
    """Whisper says "Thank you" to silence, if it is asked."""
    noise = np.random.default_rng(3).standard_normal(600 * SAMPLE_RATE, np.float32)
    path = write_wave(tmp_path / "recording.wav", np.clip(noise * loudness, -1, 1))
    with pytest.raises(NoSpeech):
        real.transcribe(path, job_id="1", key=KEY)
