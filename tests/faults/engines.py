"""The stages with engines that take no time of ours: what they hear is what the file says.

The order of what they write, and what they write it with, is the real one's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from batch_images.stats.job import StatsProcess
from batch_images.transcribe.process import Lengths, TranscribeProcess
from debate_analyzer.errors import InvalidMedia, InvalidTranscript
from debate_analyzer.job import Figures, Job
from debate_analyzer.key import edits_key, parse_key
from debate_analyzer.transcript import Segment, Transcript
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result
from tests.faults.cloud import Cloud


@dataclass(frozen=True)
class Listening(TranscribeProcess):
    """Says in the transcript which recording it is of."""

    cloud: Cloud | None = None

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        key, found = parse_key(unit.key), self.store.get(unit.key)
        if key is None or found is None:
            raise InvalidMedia("The recording was deleted before it could be transcribed.")
        report(0.02)

        def work(report: Report) -> Result:
            _take_time(self.cloud, report, 90)
            transcript = Transcript(
                job_id=job.job_id,
                duration=60,
                language="en",
                transcription=[Segment(start=0, end=50, text="Hello", speaker="SPEAKER_00")],
                provenance={"of": found[1]},
            )
            return self._finish(job, key, transcript)

        return work


@dataclass(frozen=True)
class Counting(StatsProcess):
    """Says in the statistics which transcript and which edits they are of."""

    cloud: Cloud | None = None

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        transcript = self.store.get(unit.key)
        if transcript is None:
            raise InvalidTranscript("The transcript was deleted before it could be counted.")
        edits = self.store.get(edits_key(job.job_id)) if unit.edits else None
        version = job.version

        def write() -> None:
            said = {"of": transcript[1], "edits": edits[1] if edits else None}
            document = json.dumps({**said, "speakers": []}).encode()
            self._put_statistics(job, document, [])

        def work(report: Report) -> Result:
            _take_time(self.cloud, report, 5)
            figures = Figures(duration=60, speaking_time=50, words=9, speakers=2)
            return Result(
                beforehand=write,
                settle=lambda job: job.completed(figures, self.now(), searchable=version),
                afterwards=lambda: self._ask_for_publication(job.job_id),
            )

        return work


def _take_time(cloud: Cloud | None, report: Report, most: float) -> None:
    assert cloud is not None
    for done in (0.3, 1.0):
        cloud.machine.sleep(cloud.machine.random.uniform(0, most))
        cloud.machine.call("engine", "listen", lambda: None, conditional=False)
        report(done)


def listening(cloud: Cloud) -> Listening:
    from debate_analyzer import bootstrap
    from tests.faults.cloud import ENVIRONMENT

    settings = bootstrap.Settings(ENVIRONMENT)
    return Listening(
        table=bootstrap.job_table(settings),
        store=bootstrap.object_store(settings),
        transcriber=_nobody,
        lengths=Lengths(longest=7200, part=600),
        now=cloud.machine.now,
        cloud=cloud,
    )


def counting(cloud: Cloud) -> Counting:
    from debate_analyzer import bootstrap
    from tests.faults.cloud import ENVIRONMENT

    settings = bootstrap.Settings(ENVIRONMENT)
    return Counting(
        table=bootstrap.job_table(settings),
        store=bootstrap.object_store(settings),
        publish_queue=bootstrap.publish_queue(settings),
        now=cloud.machine.now,
        cloud=cloud,
    )


def _nobody(model: str | None) -> None:
    raise AssertionError("nothing is listened to")


WORKS = {"transcribe": listening, "stats": counting}
