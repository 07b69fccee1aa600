"""The product: the transcribe worker's Transcriber with the laptop's models."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.recording import open_recording
from batch_images.transcribe.transcriber import Transcriber
from benchmarks.speech.heard import Heard, Word
from benchmarks.speech.truth import Turn
from debate_analyzer.errors import NoSpeech


@dataclass(frozen=True)
class Product:
    """As the worker of the laptop does it."""

    transcriber: Transcriber

    def hear(self, audio: Path) -> Heard:
        """Words with speakers, and turns as heard."""
        try:
            with tempfile.TemporaryDirectory(prefix="product-") as folder:
                recording = open_recording(audio, Path(folder, "sound"), key=audio.name)
                transcript = self.transcriber.transcribe(recording, job_id="benchmark")
        except NoSpeech:
            return Heard((), ())
        return Heard(
            words=tuple(
                Word(word.start, word.end, word.word, word.speaker)
                for segment in transcript.transcription
                for word in segment.words
            ),
            turns=tuple(Turn(turn.start, turn.end, turn.speaker) for turn in transcript.turns),
        )


def load(models: Path) -> Product:
    """Whisper base in int8 and the onnx diarizer, as `local` sets them."""
    recognizer = WhisperRecognizer(str(models / "whisper-base"), device="cpu", compute_type="int8")
    return Product(Transcriber(recognizer, create_diarizer("onnx", models_dir=models)))
