"""The transcribe worker: `python -m batch_images.transcribe.job`."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.bootstrap import object_store, run_worker
from debate_analyzer.captions import WRITERS
from debate_analyzer.config import Settings
from debate_analyzer.errors import InvalidMedia
from debate_analyzer.job import Job, utc_now
from debate_analyzer.key import captions_key, parse_key, transcript_key
from debate_analyzer.pipeline import TRANSCRIBE
from debate_analyzer.ports import ObjectStore
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Result

# template.yaml: the lifecycle rule transcribed-recordings
TRANSCRIBED = {"kind": "transcribed-recording"}
_CAPTION_TYPES = {"srt": "application/x-subrip", "vtt": "text/vtt", "txt": "text/plain"}


@dataclass(frozen=True)
class TranscribeProcess:
    """worker.Process for the transcribe stage. The transcriber's models stay loaded."""

    store: ObjectStore
    transcriber: Transcriber
    now: Callable[[], datetime]

    def __call__(self, job: Job, unit: Unit, report: Callable[[float], None]) -> Result:
        """Captions now, the transcript when the row says so: its arrival starts the next stage."""
        key = parse_key(unit.key)
        if key is None or self.store.head(unit.key) is None:
            raise InvalidMedia("The recording was deleted before it could be transcribed.")
        with tempfile.TemporaryDirectory(prefix="transcribe-") as folder:
            # The name in the bucket is the user's: on disk only its suffix is kept.
            path = Path(folder, f"recording{key.suffix}")
            self.store.download(unit.key, path)
            transcript = self.transcriber.transcribe(
                path,
                job_id=job.job_id,
                key=unit.key,
                language=job.language,
                speakers=job.speakers,
                on_progress=report,
            )
        for suffix, write in WRITERS.items():
            captions = write(transcript).encode()
            content_type = f"{_CAPTION_TYPES[suffix]}; charset=utf-8"
            self.store.put(captions_key(job.job_id, key.stem, suffix), captions, content_type)
        document = transcript.model_dump_json().encode()
        return Result(
            settle=lambda job: job.transcribed(
                self.now(),
                duration=transcript.duration,
                language=transcript.language,
                speakers_count=transcript.speakers_count,
                warnings=[warning.message for warning in transcript.warnings],
            ),
            afterwards=lambda: self._publish(
                transcript_key(job.job_id, key.stem), document, unit.key
            ),
        )

    def _publish(self, key: str, document: bytes, recording: str) -> None:
        self.store.put(key, document, "application/json")
        # Last: the bucket's lifecycle may move and delete what has this tag. Where it is lost to a
        # crash, the recording stays where it is.
        self.store.tag(recording, TRANSCRIBED)


def main() -> int:
    """Load the models, then drain the transcribe queue. The exit code of the Batch job."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings(os.environ)
    models = Path(settings.text("MODELS_DIR", ".models"))
    device = settings.text("WHISPER_DEVICE", "auto")
    transcriber = Transcriber(
        WhisperRecognizer(
            settings.text("WHISPER_MODEL", "large-v3"),
            device=device,
            compute_type=settings.text("WHISPER_COMPUTE_TYPE", "default"),
        ),
        create_diarizer(settings.text("DIARIZER", "pyannote"), models_dir=models, device=device),
    )
    process = TranscribeProcess(object_store(settings), transcriber, utc_now)
    return run_worker(TRANSCRIBE, process, os.environ)


if __name__ == "__main__":
    sys.exit(main())
