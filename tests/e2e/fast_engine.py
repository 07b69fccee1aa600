"""The transcribe worker with an engine that answers at once: `python -m tests.e2e.fast_engine`.

Queue, claim, download, decoding, captions and transcript are the worker's own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, cast

from batch_images.transcribe.process import Lengths, TranscribeProcess
from batch_images.transcribe.recording import Recording
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer import log
from debate_analyzer.bootstrap import job_table, object_store, run_worker
from debate_analyzer.config import Settings
from debate_analyzer.job import utc_now
from debate_analyzer.pipeline import TRANSCRIBE
from debate_analyzer.transcript import Segment, Transcript, Turn, Word

_SECONDS = 0.02
_SPEAKER = "SPEAKER_00"


class FastTranscriber:
    """Hears the same three words in everything."""

    def transcribe(
        self,
        recording: Recording,
        *,
        job_id: str,
        on_progress: Callable[[float], None],
        **said: Any,
    ) -> Transcript:
        on_progress(0.5)
        time.sleep(_SECONDS)
        end = recording.duration
        words = [
            Word(start=end * n / 3, end=end * (n + 1) / 3, word=word, speaker=_SPEAKER)
            for n, word in enumerate(("So", "it", "is."))
        ]
        on_progress(1.0)
        return Transcript(
            job_id=job_id,
            source=recording.source,
            duration=end,
            speakers_count=1,
            language="en",
            language_probability=1.0,
            transcription=[
                Segment(start=0, end=end, text="So it is.", speaker=_SPEAKER, words=words)
            ],
            turns=[Turn(start=0, end=end, speaker=_SPEAKER)],
            provenance={"engine": "none"},
        )


def main() -> int:
    """Drain the transcribe queue. The exit code of the Batch job."""
    log.set_up()
    settings = Settings(os.environ)
    process = TranscribeProcess(
        table=job_table(settings),
        store=object_store(settings),
        transcriber=lambda model: cast("Transcriber", FastTranscriber()),
        lengths=Lengths(longest=7200, part=600),
        now=utc_now,
    )
    return run_worker(TRANSCRIBE, process, os.environ)


if __name__ == "__main__":
    sys.exit(main())
