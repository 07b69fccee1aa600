"""faster-whisper alone, batched as its README has it, with the product's weights and beam."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.speech.heard import Heard, Word


@dataclass(frozen=True)
class FasterWhisper:
    """https://github.com/SYSTRAN/faster-whisper#batched-transcription"""

    pipeline: BatchedInferencePipeline

    def hear(self, audio: Path) -> Heard:
        """Words only."""
        segments, _ = self.pipeline.transcribe(
            str(audio), beam_size=5, batch_size=4, word_timestamps=True, vad_filter=True
        )
        return Heard(
            words=tuple(
                Word(float(word.start), float(word.end), word.word.strip())
                for segment in segments
                for word in segment.words or []
            )
        )


def load(models: Path) -> FasterWhisper:
    """Whisper base in int8."""
    model = WhisperModel(str(models / "whisper-base"), device="cpu", compute_type="int8")
    return FasterWhisper(BatchedInferencePipeline(model))
