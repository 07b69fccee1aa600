"""The stats worker: `python -m batch_images.stats.job`."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from batch_images.stats.analysis import Input, analyse
from batch_images.stats.batch import NOT_STARTED, count_order
from batch_images.stats.manifest import MANIFESTS_PREFIX, read_order
from batch_images.stats.parquet import write_parquet
from batch_images.stats.reader import check_size
from debate_analyzer.bootstrap import job_table, object_store, publish_queue, run_worker
from debate_analyzer.config import Settings
from debate_analyzer.errors import DebateError, InvalidRequest, InvalidTranscript
from debate_analyzer.job import Figures, Job, utc_now
from debate_analyzer.key import (
    SCHEMA_KEY,
    JobKey,
    dataset_key,
    edits_key,
    parse_key,
    private_statistics_key,
    speaker_stats_key,
    statistics_key,
)
from debate_analyzer.pipeline import STATS
from debate_analyzer.ports import JobTable, ObjectStore, PublishQueue
from debate_analyzer.statistics import Statistics, statistics_schema
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result

_JSON = "application/json"
_PARQUET = "application/vnd.apache.parquet"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StatsProcess:
    """worker.Process for the stats stage."""

    table: JobTable
    store: ObjectStore
    publish_queue: PublishQueue
    now: Callable[[], datetime]

    def publish_schema(self) -> None:
        """`statistics/schema.json`, as this version of the worker writes its files."""
        self.store.put(SCHEMA_KEY, json.dumps(statistics_schema()).encode(), _JSON)

    def prepare(
        self, job: Job, unit: Unit, report: Report, resources: ExitStack
    ) -> Callable[[Report], Result]:
        """See worker.Process."""
        key = parse_key(unit.key)
        transcript = self._read(unit.key)
        if transcript is None or key is None:
            raise InvalidTranscript("The transcript was deleted before it could be counted.")
        edits = self._read(edits_key(job.job_id)) if unit.edits else None
        return lambda report: self._count(job, key, transcript, edits, report)

    def _read(self, key: str) -> Input | None:
        """None for what is not there, or not any more."""
        stored = self.store.head(key)
        if stored is None:
            return None
        check_size(stored.bytes)
        found = self.store.get(key)
        return Input(key, *found, stored.modified) if found else None

    def _count(
        self, job: Job, key: JobKey, transcript: Input, edits: Input | None, report: Report
    ) -> Result:
        statistics = analyse(transcript, job_id=job.job_id, video_label=job.title, edits=edits)
        report(1.0)
        figures = Figures(
            duration=statistics.duration,
            speaking_time=statistics.totals.speaking_time,
            words=statistics.totals.words,
            speakers=statistics.speakers_count,
        )
        return Result(
            beforehand=lambda: self._write(job, key, statistics),
            settle=lambda job: job.completed(figures, self.now(), language=statistics.language),
            afterwards=lambda: self._ask_for_publication(job.job_id),
        )

    def _write(self, job: Job, key: JobKey, statistics: Statistics) -> None:
        """Everything may be written twice, as the same bytes."""
        document = statistics.model_dump_json(by_alias=True).encode()
        speakers = write_parquet(statistics)
        self.store.put(speaker_stats_key(job.job_id, key.stem), speakers, _PARQUET)
        self.store.put(dataset_key(job.job_id, job.created_at.date()), speakers, _PARQUET)
        self.store.put(private_statistics_key(job.job_id), document, _JSON)
        newest = self.table.get(job.job_id)  # it may have been withdrawn while it was counted
        if newest is not None and newest.published:
            self.store.put(statistics_key(job.job_id), document, _JSON)

    def _ask_for_publication(self, job_id: str) -> None:
        job = self.table.get(job_id)
        if job is not None:
            self.publish_queue.send(job)


def main() -> int:
    """Count what the environment asks for, or drain the stats queue. The exit code of the Batch
    job."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings(os.environ)
    try:
        order = read_order(settings, lambda uri: _fetch(settings, uri))
        if order and order.paths:
            return count_order(order, settings)
    except DebateError as error:
        logger.error("%s", error)
        return NOT_STARTED
    process = StatsProcess(
        table=job_table(settings),
        store=object_store(settings),
        publish_queue=publish_queue(settings),
        now=utc_now,
    )
    process.publish_schema()
    return run_worker(STATS, process, os.environ, sent_to=order.uris if order else ())


def _fetch(settings: Settings, uri: str) -> bytes:
    """A manifest. Raises InvalidRequest."""
    key = uri.removeprefix(f"s3://{settings.bucket}/")
    if key == uri or not key.startswith(MANIFESTS_PREFIX):
        raise InvalidRequest(
            f"{uri} is not of this deployment: manifests lie below "
            f"s3://{settings.bucket}/{MANIFESTS_PREFIX}."
        )
    found = object_store(settings).get(key)
    if found is None:
        raise InvalidRequest(f"The manifest {uri} is not there.")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
