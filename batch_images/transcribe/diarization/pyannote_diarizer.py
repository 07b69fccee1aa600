"""pyannote.audio 4 on a GPU: the engine of the deployed product.

Its weights are free but gated: the conditions of the model are accepted once on Hugging Face, and a
token goes with the download (https://github.com/pyannote/pyannote-audio#community-1-open-source-speaker-diarization).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from batch_images.transcribe.diarization.diarizer import Evidence, ignore_progress, in_order
from batch_images.transcribe.diarization.linking import link
from batch_images.transcribe.sound import SAMPLE_RATE, Sound
from debate_analyzer.errors import Misconfigured
from debate_analyzer.transcript import Turn

COMMUNITY_1 = "pyannote/speaker-diarization-community-1"

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

    def listen(
        self,
        sound: Sound,
        *,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = ignore_progress,
    ) -> Evidence:
        """See Diarizer. All of the sound is in memory: 220 MiB an hour."""

        def hook(
            step: str, _artifact: object, *, total: int = 0, completed: int = 0, **_: Any
        ) -> None:
            if step in _STEPS and total:
                begin, end = _STEPS[step]
                # Of a last batch that is not full it counts what would have been in it.
                done = min(1.0, float(completed / total))
                on_progress(begin + (end - begin) * done)

        samples = sound.read() if len(sound) else np.zeros(1, np.float32)  # it refuses an empty one
        output = self._pipeline(
            {"waveform": self._from_numpy(samples)[None], "sample_rate": SAMPLE_RATE},
            num_speakers=speakers,
            hook=hook,
        )
        on_progress(1.0)
        labels = output.speaker_diarization.labels()
        turns = [
            (segment.start, segment.end, labels.index(label))
            for segment, _, label in output.speaker_diarization.itertracks(yield_label=True)
        ]
        return {
            "turns": np.array(turns, dtype=np.float64).reshape(-1, 3),
            "voices": np.asarray(output.speaker_embeddings, np.float32),
            "duration": np.array(sound.duration),
        }

    def tell_apart(
        self,
        heard: Sequence[tuple[float, Evidence]],
        *,
        duration: float,
        speakers: int | None = None,
    ) -> list[Turn]:
        """See Diarizer. Each part has its own speakers already; here they become people."""
        people = link(
            [evidence["voices"] for _, evidence in heard],
            [_seconds_spoken(evidence) for _, evidence in heard],
            speakers=speakers,
        )
        # Of what two parts heard, each has the half that is further from its end.
        cuts = [
            (offset + float(evidence["duration"]) + following) / 2
            for (offset, evidence), (following, _) in pairwise(heard)
        ]
        spans: list[tuple[float, float, int]] = []
        for (offset, evidence), numbers, first, last in zip(
            heard, people, [0.0, *cuts], [*cuts, duration], strict=True
        ):
            for begin, finish, label in evidence["turns"].tolist():
                # The last window is padded with silence, and speech may be heard into it.
                start, end = max(offset + begin, first), min(offset + finish, last)
                if start < end:
                    spans.append((start, end, int(numbers[int(label)])))
        return in_order((round(s, 3), round(e, 3), person) for s, e, person in _mended(spans))


def _seconds_spoken(evidence: Evidence) -> npt.NDArray[np.float32]:
    begin, end, label = evidence["turns"].T
    count = len(evidence["voices"])
    return np.bincount(label.astype(int), end - begin, minlength=count).astype(np.float32)


def _mended(spans: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """A turn that was cut where two parts meet is one again."""
    mended: list[tuple[float, float, int]] = []
    for start, end, person in sorted(spans, key=lambda span: (span[2], span[0])):
        if mended and mended[-1][2] == person and start <= mended[-1][1]:
            mended[-1] = (mended[-1][0], max(end, mended[-1][1]), person)
        else:
            mended.append((start, end, person))
    return mended
