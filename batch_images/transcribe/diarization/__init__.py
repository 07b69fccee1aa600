"""Who speaks when. Engines are chosen by name; see docs/diarization.md."""

from __future__ import annotations

from pathlib import Path

from batch_images.transcribe.diarization.diarizer import Diarizer, NoDiarizer
from debate_analyzer.errors import Misconfigured

__all__ = ["Diarizer", "create_diarizer"]


def create_diarizer(
    name: str,
    *,
    models_dir: Path,
    device: str = "auto",
    token: str | None = None,
    threads: int = 2,
) -> Diarizer:
    """Load the engine called `name`: onnx, pyannote or none.

    `models_dir` holds what `weights.ensure` fetched (onnx). `device` is auto, cpu or cuda
    (pyannote); `token` is a Hugging Face token (pyannote), by default HF_TOKEN's. An engine's
    packages are imported only when it is asked for. Raises Misconfigured when it cannot be loaded.
    """
    match name:
        case "onnx":
            from batch_images.transcribe.diarization.onnx_diarizer import OnnxDiarizer

            return OnnxDiarizer(models_dir, threads=threads)
        case "pyannote":
            from batch_images.transcribe.diarization.pyannote_diarizer import PyannoteDiarizer

            return PyannoteDiarizer(device=device, token=token)
        case "none":
            return NoDiarizer()
    raise Misconfigured(f"DIARIZER is {name!r}; expected onnx, pyannote or none.")
