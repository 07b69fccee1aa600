from __future__ import annotations

import os
import threading
import time
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from batch_images.transcribe.block import Block
from batch_images.transcribe.diarization import Diarizer, create_diarizer
from batch_images.transcribe.recognition import Recognizer, WhisperRecognizer
from batch_images.transcribe.recording import Recording, open_recording
from batch_images.transcribe.sound import SAMPLE_RATE, Samples
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.captions import WRITERS
from debate_analyzer.errors import Misconfigured, NoSpeech
from debate_analyzer.job import Settled
from debate_analyzer.transcript import Transcript, Turn, parse_transcript
from demo.score import score
from demo.truth import DEMO, read_truth
from tests.batch_images.transcribe.engines import Script, Seats, stretch

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


def script(words: list[SpokenWord] | None = None) -> Script:
    return Script(list(WORDS) if words is None else words)


def seats(turns: list[Turn] | None = None, failure: Exception | None = None) -> Seats:
    return Seats(TURNS if turns is None else turns, failure)


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
    transcriber = Transcriber(recognizer or script(), diarizer or seats())
    return transcriber.transcribe(opened(path), job_id="1", **options)


def opened(path: Path) -> Recording:
    return open_recording(path, path.with_suffix(".pcm"), key=KEY)


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
    (warning,) = transcribe(recording, diarizer=seats(turns=[])).warnings
    assert warning.message.startswith("3 of 3 words")


def test_where_everybody_is_known_nothing_is_said_of_it(recording: Path) -> None:
    assert transcribe(recording, script(words=WORDS[:2])).warnings == []


def test_what_the_user_knows_reaches_the_engines(recording: Path) -> None:
    recognizer, diarizer = script(), seats()
    transcribe(recording, recognizer, diarizer, language="es", speakers=4)
    assert (recognizer.asked, diarizer.asked) == (["es"], [4])


def test_a_failed_diarization_costs_the_speakers_and_no_word(recording: Path) -> None:
    found = transcribe(recording, diarizer=seats(failure=MemoryError("voices")))
    assert [part.text for part in found.transcription] == ["Hello.", "Hello?", "Anyone?"]
    assert {part.speaker for part in found.transcription} == {None}
    assert (found.speakers_count, found.turns) == (0, [])
    assert [warning.code for warning in found.warnings] == ["diarization_failed"]


@pytest.mark.parametrize("failure", [Settled("lost"), Misconfigured("no weights")])
def test_what_is_not_the_engine_s_fault_ends_the_work(recording: Path, failure: Exception) -> None:
    with pytest.raises(type(failure)):
        transcribe(recording, diarizer=seats(failure=failure))


@pytest.mark.parametrize("fraction", [0.05, 0.5, 1.0])
def test_a_lost_claim_ends_the_work_wherever_it_is_noticed(
    recording: Path, fraction: float
) -> None:
    def on_progress(done: float) -> None:
        if done >= fraction:
            raise Settled("The claim was lost.")

    with pytest.raises(Settled):
        transcribe(recording, on_progress=on_progress)


def test_words_and_voices_are_heard_at_the_same_time(recording: Path) -> None:
    both = threading.Barrier(2, timeout=20)
    diarizer = seats()
    listen = diarizer.listen

    def meet(*arguments: Any, **options: Any) -> Any:
        both.wait()
        return listen(*arguments, **options)

    with mock.patch.object(diarizer, "listen", meet):
        found = transcribe(recording, Script(list(WORDS), during=both.wait), diarizer)
    assert found.turns == TURNS


def test_who_loses_the_claim_while_words_are_heard_waits_for_no_voices(recording: Path) -> None:
    """However long the recording is."""

    def listen(*_: Any, on_progress: Any, **__: Any) -> Any:
        while True:
            time.sleep(0.01)
            on_progress(0.1)

    def lose() -> None:
        raise Settled("The claim was lost.")

    diarizer = seats()
    with mock.patch.object(diarizer, "listen", listen), pytest.raises(Settled):
        transcribe(recording, Script(list(WORDS), during=lose), diarizer)


def test_silence_is_no_transcript(recording: Path) -> None:
    diarizer = seats()
    with pytest.raises(NoSpeech, match="Nobody is heard"):
        transcribe(recording, script(words=[]), diarizer)
    assert diarizer.asked == []


def test_progress_only_grows_and_ends_at_one(recording: Path) -> None:
    heard: list[float] = []
    transcribe(recording, on_progress=heard.append)
    assert all(first <= second for first, second in pairwise(heard))
    assert 0 < heard[0] < 1
    assert heard[-1] == 1


def test_the_transcript_says_where_it_comes_from(recording: Path) -> None:
    found = transcribe(recording)
    assert found.source is not None
    assert (found.job_id, found.source.key) == ("1", KEY)
    assert found.source.bytes == recording.stat().st_size
    assert found.source.duration == pytest.approx(10)
    assert found.provenance["recognition"] == {"engine": "script"}
    assert found.provenance["diarization"] == {"engine": "seats"}
    steps = {"decode", "hearing", "recognition", "diarization", "clustering"}
    assert set(found.provenance["seconds"]) == steps


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
    recognizer = script(WORDS[:2])
    doubtful = stretch([SpokenWord(5, 5.4, " you", 0.3)], speech=0.1)
    heard = [Block(0, 10, [stretch(WORDS[:2]), doubtful], [])]
    with mock.patch.object(recognizer, "hear", return_value=heard):
        (warning,) = transcribe(recording, recognizer).warnings
    assert (warning.code, warning.start, warning.end) == ("hallucination_removed", 5, 5.4)


@pytest.fixture(scope="module")
def real() -> Transcriber:
    return Transcriber(
        WhisperRecognizer(str(MODELS / "whisper-base"), device="cpu", compute_type="int8"),
        create_diarizer("onnx", models_dir=MODELS),
    )


@pytest.mark.models
def test_the_demo_debate(real: Transcriber, tmp_path: Path) -> None:
    heard: list[float] = []
    debate = open_recording(DEBATE, tmp_path / "sound", key=KEY)
    found = real.transcribe(debate, job_id="1", on_progress=heard.append)

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
        real.transcribe(opened(path), job_id="1")
