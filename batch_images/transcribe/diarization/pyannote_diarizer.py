"""pyannote.audio 4 on a GPU: the engine of the deployed product.

Its weights are free but gated: the conditions of the model are accepted once on Hugging Face, and a
token goes with the download (https://github.com/pyannote/pyannote-audio#community-1-open-source-speaker-diarization).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.diarizer import ignore_progress
from debate_analyzer.errors import Misconfigured
from debate_analyzer.transcript import Turn

COMMUNITY_1 = "pyannote/speaker-diarization-community-1"

_SAMPLE_RATE = 16_000

# The steps that take time, with the share of the work that is done when they begin and end.
_STEPS = {"segmentation": (0.0, 0.3), "embeddings": (0.3, 0.95)}


class PyannoteDiarizer:
    """Loads a diarization pipeline; `model`: its name on Hugging Face, or a folder that holds one.

    `device`: auto, cpu or cuda. `token`: by default what Hugging Face's library finds (HF_TOKEN, or
    the login of this machine). Raises Misconfigured when the package, the token or the permission
    to download is missing.
    """

    name = "pyannote"

    def __init__(
        self, *, model: str = COMMUNITY_1, device: str = "auto", token: str | None = None
    ) -> None:
        # Unless told otherwise it sends the length of every recording and its number of speakers to
        # its makers: pyannote/audio/telemetry/metrics.py.
        os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "false")
        try:
            with warnings.catch_warnings():
                # It decodes files; it is only ever given samples here.
                warnings.filterwarnings("ignore", message=r"\s*torchcodec is not installed")
                import torch
                from pyannote.audio import Pipeline
        except (ImportError, OSError) as error:
            # OSError: a library of CUDA that torchaudio wants is not there.
            raise Misconfigured(
                "DIARIZER is pyannote, but the package pyannote.audio cannot be imported "
                f"({error}): install what batch_images/transcribe/requirements.txt says, or set "
                "DIARIZER=onnx."
            ) from error
        try:
            pipeline = Pipeline.from_pretrained(model, token=token)
        except (OSError, ValueError) as error:
            # OSError: also huggingface_hub's for what cannot be reached or may not be downloaded.
            # ValueError: its for what cannot be a name.
            raise Misconfigured(
                f"The diarization pipeline {model} cannot be loaded "
                f"({' '.join(str(error).split())}). Where it is to be downloaded: accept the "
                f"conditions of https://hf.co/{COMMUNITY_1}, create a token at "
                "https://hf.co/settings/tokens and set HF_TOKEN. Or set DIARIZER=onnx."
            ) from error
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
                # Of a last batch that is not full it counts what would have been in it.
                done = min(1.0, float(completed / total))
                on_progress(begin + (end - begin) * done)

        output = self._pipeline(
            {"waveform": self._from_numpy(audio)[None], "sample_rate": _SAMPLE_RATE},
            num_speakers=speakers,
            hook=hook,
        )
        on_progress(1.0)
        duration = len(audio) / _SAMPLE_RATE
        heard = sorted(
            # The last window is padded with silence, and speech may be heard into it.
            (max(segment.start, 0.0), min(segment.end, duration), str(label))
            for segment, _, label in output.speaker_diarization.itertracks(yield_label=True)
            if segment.start < duration
        )
        labels = {
            label: f"SPEAKER_{index:02d}"
            for index, label in enumerate(dict.fromkeys(label for _, _, label in heard))
        }
        return [Turn(start=start, end=end, speaker=labels[label]) for start, end, label in heard]
