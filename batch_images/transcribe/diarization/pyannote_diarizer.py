"""pyannote.audio 4 on a GPU: the engine of the deployed product.

Its weights are free but gated: the conditions of the model are accepted once on Hugging Face, and a
token goes with the download (https://github.com/pyannote/pyannote-audio#community-1-open-source-speaker-diarization).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.diarizer import ignore_progress
from debate_analyzer.errors import Misconfigured
from debate_analyzer.transcript import Turn

COMMUNITY_1 = "pyannote/speaker-diarization-community-1"

# The steps that take time, with the share of the work that is done when they begin and end.
_STEPS = {"segmentation": (0.0, 0.3), "embeddings": (0.3, 0.95)}


class PyannoteDiarizer:
    """Loads a diarization pipeline; `model` may be community-1, 3.1 or a folder with either.

    `device`: auto, cpu or cuda. Raises Misconfigured when the package, the token or the
    permission to download is missing.
    """

    name = "pyannote"

    def __init__(
        self, *, model: str = COMMUNITY_1, device: str = "auto", token: str | None = None
    ) -> None:
        try:
            import torch
            from pyannote.audio import Pipeline
        except ImportError as error:
            raise Misconfigured(
                "DIARIZER is pyannote, but the package pyannote.audio cannot be imported "
                f"({error}): install it, or set DIARIZER=onnx."
            ) from error
        token = token or os.environ.get("HF_TOKEN")
        if not token and not os.path.isdir(model):
            raise Misconfigured(
                "DIARIZER is pyannote, but HF_TOKEN is not set: accept the conditions of "
                f"https://hf.co/{model}, create a token at https://hf.co/settings/tokens and set "
                "HF_TOKEN, or set DIARIZER=onnx."
            )
        try:
            pipeline = Pipeline.from_pretrained(model, token=token)
        except OSError as error:
            # huggingface_hub's errors for a missing permission or network descend from OSError.
            raise Misconfigured(f"{model} cannot be downloaded: {error}") from error
        if pipeline is None:
            raise Misconfigured(
                f"{model} cannot be downloaded with this HF_TOKEN: accept its conditions at "
                f"https://hf.co/{model}."
            )
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._pipeline = pipeline.to(torch.device(device))
        self._from_numpy = torch.from_numpy

    def diarize(
        self,
        audio: npt.NDArray[np.float32],
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> list[Turn]:
        """See Diarizer."""
        if len(audio) == 0:
            return []

        def hook(
            step: str, _artifact: object, *, total: int = 0, completed: int = 0, **_: Any
        ) -> None:
            if step in _STEPS and total:
                begin, end = _STEPS[step]
                on_progress(begin + (end - begin) * completed / total)

        output = self._pipeline(
            {"waveform": self._from_numpy(audio)[None], "sample_rate": 16_000},
            num_speakers=speakers,
            hook=hook,
        )
        on_progress(1.0)
        # pyannote.audio 4 wraps what version 3 returned.
        annotation = getattr(output, "speaker_diarization", output)
        heard = sorted(
            (segment.start, segment.end, str(label))
            for segment, _, label in annotation.itertracks(yield_label=True)
        )
        labels = {
            label: f"SPEAKER_{index:02d}"
            for index, label in enumerate(dict.fromkeys(label for _, _, label in heard))
        }
        return [
            Turn(start=max(start, 0.0), end=end, speaker=labels[label])
            for start, end, label in heard
        ]
