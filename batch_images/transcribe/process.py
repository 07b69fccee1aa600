"""The transcribe stage: a recording, a part of one, or the parts of one that are all heard.

A recording that is not long is heard by the worker that takes it. A long one is cut in pauses into
parts, whose sound is put in the bucket; each arrives there as an upload does, and is heard by
whichever worker is free. The worker that finishes the last part puts them together. Should it die
before, the sweeper sends the recording again; the claim in its row lets one worker do it.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg

from batch_images.transcribe.block import MARGIN_SECONDS
from batch_images.transcribe.hearing import Hearing
from batch_images.transcribe.media import decode
from batch_images.transcribe.pauses import cut
from batch_images.transcribe.recording import Recording, open_recording
from batch_images.transcribe.sound import SAMPLE_RATE, Sound
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.captions import WRITERS
from debate_analyzer.change import change
from debate_analyzer.errors import Conflict, InvalidMedia, NotFound
from debate_analyzer.fence import put_fenced
from debate_analyzer.job import Job, Settled
from debate_analyzer.key import (
    JobKey,
    captions_key,
    hearing_key,
    parse_key,
    part_key,
    plan_key,
    transcript_key,
)
from debate_analyzer.part import Part, Plan, clear, is_wanted, missing, read_part
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.transcript import Transcript
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result

logger = logging.getLogger(__name__)

# template.yaml: the lifecycle rule transcribed-recordings
TRANSCRIBED = {"kind": "transcribed-recording"}
_CAPTION_TYPES = {"srt": "application/x-subrip", "vtt": "text/vtt", "txt": "text/plain"}

# How a recording's progress is shared out. Decoding is a hundredth of the work on two cores.
_READY = 0.02
_PARTS_HEARD = 0.97

_Work = Callable[[Report], Result]


@dataclass(frozen=True)
class Lengths:
    """In seconds: a recording longer than `longest` becomes parts of `part` each."""

    longest: float
    part: float


@dataclass(frozen=True)
class TranscribeProcess:
    """worker.Process for the transcribe stage. `transcriber`: with the model of a name, or with the
    worker's own; it may raise UnknownModel."""

    table: JobTable
    store: ObjectStore
    transcriber: Callable[[str | None], Transcriber]
    lengths: Lengths
    now: Callable[[], datetime]

    def prepare(self, job: Job, unit: Unit, report: Report, resources: ExitStack) -> _Work:
        """See worker.Process."""
        key = parse_key(unit.key)
        if key is None or (job.parts is None and self.store.head(unit.key) is None):
            raise InvalidMedia("The recording was deleted before it could be transcribed.")
        if part := read_part(key):
            return self._prepare_part(part, unit, report, resources)
        if job.parts is not None:
            return lambda report: self._join(job, key, report)
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="transcribe-")))
        # The name in the bucket is the user's: on disk only its suffix is kept.
        path = folder / f"recording{key.suffix}"
        self.store.download(unit.key, path)
        recording = open_recording(
            path,
            folder / "sound",
            key=unit.key,
            channel_per_speaker=job.channel_per_speaker,
            on_progress=lambda done: report(_READY * done),
        )
        path.unlink()  # the sound is all that is needed from here on
        # One with a channel per speaker is heard whole, whatever its length: docs/recognition.md.
        if recording.duration > self.lengths.longest and len(recording.sounds) == 1:
            return lambda report: self._split(job, recording, report)
        return lambda report: self._transcribe(job, key, recording, report)

    def _transcribe(self, job: Job, key: JobKey, recording: Recording, report: Report) -> Result:
        transcript = self.transcriber(job.model).transcribe(
            recording,
            job_id=job.job_id,
            language=job.language,
            speakers=job.speakers,
            on_progress=lambda done: report(_READY + (1 - _READY) * done),
        )
        return self._finish(job, key, transcript)

    def _split(self, job: Job, recording: Recording, report: Report) -> Result:
        (sound,) = recording.sounds
        spans = list(cut(sound, (0.0, sound.duration), every=self.lengths.part))
        plan = Plan(
            source=recording.source,
            duration=sound.duration,
            warnings=recording.warnings,
            seconds=recording.seconds,
            margin=MARGIN_SECONDS,
            spans=spans,
        )
        document = plan.model_dump_json().encode()
        self.store.put(plan_key(job.job_id, job.round), document, "application/json")
        for number, (_, end) in enumerate(spans):
            report(_READY)
            flac = _flac(sound, plan.offset(number), end + MARGIN_SECONDS)
            self.store.put(part_key(job.job_id, job.round, number), flac, "audio/flac")
        logger.info("job %s: %.0f s in %d parts", job.job_id, sound.duration, len(spans))
        return Result(
            settle=lambda job: job.split(len(spans), _READY, self.now()),
            # The parts may all be heard by now.
            afterwards=lambda: self._look_at_whole(job.job_id, job.round),
        )

    def _prepare_part(self, part: Part, unit: Unit, report: Report, resources: ExitStack) -> _Work:
        whole = self.table.get(part.whole)
        if whole is None or not is_wanted(part, whole):
            raise Settled("Nobody waits for this part any more.")
        plan = self._plan(part.whole, part.round)
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="part-")))
        path = folder / "part.flac"
        self.store.download(unit.key, path)
        sound = decode(path, folder / "sound", on_progress=lambda done: report(_READY * done))

        def work(report: Report) -> Result:
            heard = self.transcriber(whole.model).listen(
                sound,
                own=plan.own(part.number),
                language=whole.language,
                on_progress=lambda done: report(_READY + (1 - _READY) * done),
            )
            key = hearing_key(part.whole, part.round, part.number)
            return Result(
                beforehand=lambda: self.store.put(
                    key, heard.to_bytes(), "application/octet-stream"
                ),
                settle=lambda job: job.heard(self.now()),
                afterwards=lambda: self._look_at_whole(part.whole, part.round),
            )

        return work

    def _look_at_whole(self, job_id: str, round_: int) -> Unit | None:
        """Show how many parts are done; the whole's unit when all are."""
        whole = self.table.get(job_id)
        if whole is None or whole.round != round_ or whole.status is not Status.SPLIT:
            return None
        left = len(missing(self.store, whole))
        if not left:
            return whole.unit
        parts = whole.parts or 1
        progress = _READY + (_PARTS_HEARD - _READY) * (parts - left) / parts

        def advance(job: Job) -> Job:
            if job.status is not Status.SPLIT or progress <= (job.progress or 0.0):
                return job
            return job.split(parts, progress, self.now())

        try:
            change(self.table, job_id, advance)
        except (Conflict, NotFound) as reason:
            logger.info("the progress of %s is another's to tell: %s", job_id, reason)
        return None

    def _join(self, job: Job, key: JobKey, report: Report) -> Result:
        """The transcript of a recording whose parts are heard; back to waiting where one is not."""
        left = missing(self.store, job)
        parts = job.parts or 0
        if left:
            progress = _PARTS_HEARD * (parts - len(left)) / parts
            return Result(
                settle=lambda job: job.split(parts, progress, self.now()), afterwards=lambda: None
            )
        report(_PARTS_HEARD)
        plan = self._plan(job.job_id, job.round)
        heard = [(plan.offset(number), self._hearing(job, number)) for number in range(parts)]
        transcript = self.transcriber(job.model).put_together(
            heard,
            source=plan.source,
            duration=plan.duration,
            job_id=job.job_id,
            warnings=plan.warnings,
            seconds=plan.seconds,
            language=job.language,
            speakers=job.speakers,
        )
        return self._finish(job, key, transcript)

    def _plan(self, job_id: str, round_: int) -> Plan:
        found = self.store.get(plan_key(job_id, round_))
        if found is None:
            raise Settled("The recording is no longer worked on in these parts.")
        return Plan.model_validate_json(found[0])

    def _hearing(self, job: Job, number: int) -> Hearing:
        found = self.store.get(hearing_key(job.job_id, job.round, number))
        if found is None:
            raise Settled("The recording is no longer worked on in these parts.")
        return Hearing.from_bytes(found[0])

    def _finish(self, job: Job, key: JobKey, transcript: Transcript) -> Result:
        """Captions, then the transcript when the row says so: its arrival starts the next stage."""
        token = job.version
        return Result(
            beforehand=lambda: self._put_captions(job, key, transcript),
            settle=lambda job: job.transcribed(
                self.now(),
                duration=transcript.duration,
                language=transcript.language,
                speakers_count=transcript.speakers_count,
                warnings=[warning.message for warning in transcript.warnings],
                token=token,
            ),
            afterwards=lambda: self._publish(job, key, transcript),
        )

    def _put_captions(self, job: Job, key: JobKey, transcript: Transcript) -> None:
        for suffix, write in WRITERS.items():
            captions = write(transcript).encode()
            content_type = f"{_CAPTION_TYPES[suffix]}; charset=utf-8"
            target = captions_key(job.job_id, key.stem, suffix)
            put_fenced(self.store, target, captions, content_type, token=job.version)

    def _publish(self, job: Job, key: JobKey, transcript: Transcript) -> None:
        document = transcript.model_dump_json().encode()
        target = transcript_key(job.job_id, key.stem)
        put_fenced(self.store, target, document, "application/json", token=job.version)
        # From here on a crash leaves something behind, and loses nothing. The bucket's lifecycle
        # may move and delete a recording that has the tag; without it, it stays where it is.
        self.store.tag(str(key), TRANSCRIBED)
        if job.parts is not None:
            clear(self.table, self.store, job)


def _flac(sound: Sound, start: float, end: float) -> bytes:
    """From `start` to `end`, in seconds, in half the bytes."""
    pcm = sound.read_bytes(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-nostdin", "-v", "error", "-f", "s16le", "-ar", str(SAMPLE_RATE), "-ac", "1"),
        *("-i", "pipe:0", "-c:a", "flac", "-f", "flac", "pipe:1"),
    ]
    return subprocess.run(command, input=pcm, capture_output=True, check=True).stdout
