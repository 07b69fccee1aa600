"""sherpa-onnx alone, as its example has it, with the product's weights.

It reads what a network expects from the file's metadata, which ours has not. An ONNX file is a
protobuf message, and messages put one behind the other merge, so the metadata is appended.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sherpa_onnx
from scipy.io import wavfile

from benchmarks.speech.heard import Heard
from benchmarks.speech.truth import Turn

# What sherpa-onnx's own export scripts write:
# https://github.com/k2-fsa/sherpa-onnx/blob/master/scripts/pyannote/segmentation/export-onnx.py
# https://github.com/k2-fsa/sherpa-onnx/blob/master/scripts/3dspeaker/export-onnx.py
_SEGMENTATION: dict[str, str | int] = {
    "model_type": "pyannote-segmentation-3.0",
    "sample_rate": 16_000,
    "num_speakers": 3,
    "powerset_max_classes": 2,
    "num_classes": 7,
    "window_size": 160_000,
    "receptive_field_size": 991,
    "receptive_field_shift": 270,
}
_EMBEDDING: dict[str, str | int] = {
    "framework": "3d-speaker",
    "language": "Chinese-English",
    "sample_rate": 16_000,
    "output_dim": 192,
    "normalize_samples": 1,
    "feature_normalize_type": "global-mean",
}
_THREADS = 2


@dataclass(frozen=True)
class SherpaOnnx:
    """https://github.com/k2-fsa/sherpa-onnx/blob/master/python-api-examples/offline-speaker-diarization.py"""

    diarization: sherpa_onnx.OfflineSpeakerDiarization

    def hear(self, audio: Path) -> Heard:
        """Turns only."""
        _, samples = wavfile.read(audio)
        found = self.diarization.process((samples / 32768).astype(np.float32))
        return Heard(
            turns=tuple(
                Turn(t.start, t.end, f"SPEAKER_{t.speaker:02d}") for t in found.sort_by_start_time()
            )
        )


def load(models: Path) -> SherpaOnnx:
    """Its example's configuration: threshold 0.5, turns of 0.3 s at least, pauses of 0.5 s."""
    with tempfile.TemporaryDirectory() as folder:
        segmentation, embedding = Path(folder, "segmentation.onnx"), Path(folder, "embedding.onnx")
        _with_metadata(models / "segmentation-3.0.onnx", segmentation, _SEGMENTATION)
        _with_metadata(models / "campplus.onnx", embedding, _EMBEDDING)
        config = sherpa_onnx.OfflineSpeakerDiarizationConfig(
            segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(
                pyannote=sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(
                    model=str(segmentation)
                ),
                num_threads=_THREADS,
            ),
            embedding=sherpa_onnx.SpeakerEmbeddingExtractorConfig(
                model=str(embedding), num_threads=_THREADS
            ),
            clustering=sherpa_onnx.FastClusteringConfig(num_clusters=-1, threshold=0.5),
            min_duration_on=0.3,
            min_duration_off=0.5,
        )
        return SherpaOnnx(sherpa_onnx.OfflineSpeakerDiarization(config))


def _with_metadata(source: Path, target: Path, values: dict[str, str | int]) -> None:
    """`metadata_props` is field 14 of onnx.ModelProto; an entry has key (1) and value (2)."""
    appended = b""
    for key, value in values.items():
        entry = b"".join(
            bytes([field << 3 | 2, len(text)]) + text
            for field, text in ((1, key.encode()), (2, str(value).encode()))
        )
        appended += bytes([14 << 3 | 2, len(entry)]) + entry
    target.write_bytes(source.read_bytes() + appended)
