"""The transcribe worker: `python -m batch_images.transcribe.job`."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.models import Models
from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer import log
from debate_analyzer.bootstrap import job_table, object_store, run_worker
from debate_analyzer.config import Settings
from debate_analyzer.job import utc_now
from debate_analyzer.pipeline import TRANSCRIBE


def main() -> int:
    """Load the models, then drain the transcribe queue. The exit code of the Batch job."""
    log.set_up()
    settings = Settings(os.environ)
    models = Path(settings.text("MODELS_DIR", ".models"))
    device = settings.text("WHISPER_DEVICE", "auto")
    recognition = Models(
        own=settings.text("WHISPER_MODEL", "large-v3-turbo"),
        named=settings.whisper_models,
        folder=models,
        open=partial(
            WhisperRecognizer,
            device=device,
            compute_type=settings.text("WHISPER_COMPUTE_TYPE", "default"),
        ),
    )
    recognition.of(None)  # what cannot be loaded is better known before there is work in hand
    diarizer = create_diarizer(
        settings.text("DIARIZER", "pyannote"), models_dir=models, device=device
    )
    process = TranscribeProcess(
        table=job_table(settings),
        store=object_store(settings),
        transcriber=lambda model: Transcriber(recognition.of(model), diarizer),
        lengths=Lengths(
            longest=60 * settings.number("LONGEST_WHOLE_MINUTES", 120),
            part=60 * settings.number("PART_MINUTES", 10),
        ),
        now=utc_now,
    )
    return run_worker(TRANSCRIBE, process, os.environ)


if __name__ == "__main__":
    sys.exit(main())
