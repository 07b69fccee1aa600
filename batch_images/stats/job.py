"""The stats worker: `python -m batch_images.stats.job`."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from batch_images.stats.analysis import Input, read
from batch_images.stats.batch import NOT_STARTED, count_order
from batch_images.stats.exports import Export, write_exports
from batch_images.stats.manifest import MANIFESTS_PREFIX, read_order
from batch_images.stats.measures import measure
from batch_images.stats.parquet import write_parquet
from batch_images.stats.people import people
from batch_images.stats.reader import check_size
from batch_images.stats.search import searched
from debate_analyzer import log
from debate_analyzer.bootstrap import job_table, object_store, publish_queue, run_worker
from debate_analyzer.config import Settings
from debate_analyzer.errors import DebateError, InvalidRequest, InvalidTranscript
from debate_analyzer.fence import put_fenced
from debate_analyzer.job import Figures, Job, utc_now
from debate_analyzer.key import (
    SCHEMA_KEY,
    JobKey,
    dataset_key,
    edits_key,
    exports_key,
    parse_key,
    private_statistics_key,
    speaker_stats_key,
    statistics_key,
)
from debate_analyzer.pipeline import STATS
from debate_analyzer.ports import JobTable, ObjectStore, PublishQueue
from debate_analyzer.search.piece import Passage, dump, piece_of
from debate_analyzer.statistics import Statistics, statistics_schema
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result

_JSON = "application/json"
_PARQUET = "application/vnd.apache.parquet"
_BINARY = "application/octet-stream"

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
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="stats-")))
        return lambda report: self._count(job, key, transcript, edits, folder, report)

    def _read(self, key: str) -> Input | None:
        """None for what is not there, or not any more."""
        stored = self.store.head(key)
        if stored is None:
            return None
        check_size(stored.bytes)
        found = self.store.get(key)
        return Input(key, *found, stored.modified) if found else None

    def _count(
        self,
        job: Job,
        key: JobKey,
        transcript: Input,
        edits: Input | None,
        folder: Path,
        report: Report,
    ) -> Result:
        debate, about = read(transcript, job_id=job.job_id, video_label=job.title, edits=edits)
        statistics = measure(debate, about, seed=transcript.seed)
        exports = write_exports(folder, debate, about, revised=edits is not None)
        text = searched(debate, about)
        report(1.0)
        figures = Figures(
            duration=statistics.duration,
            speaking_time=statistics.totals.speaking_time,
            words=statistics.totals.words,
            speakers=statistics.speakers_count,
            confidence=_confidence(statistics),
            people=people(statistics.speakers),
        )
        version = job.version  # of its own with every claim
        return Result(
            beforehand=lambda: self._write(job, key, statistics, exports, text),
            settle=lambda job: job.completed(
                figures,
                self.now(),
                detected_language=statistics.language,
                searchable=version,
            ),
            afterwards=lambda: self._ask_for_publication(job.job_id),
        )

    def _write(
        self,
        job: Job,
        key: JobKey,
        statistics: Statistics,
        exports: list[Export],
        text: list[Passage],
    ) -> None:
        """Everything may be written twice, as the same bytes. Raises Settled once somebody has
        taken over."""
        self._put_exports(job, key, exports)
        speakers = write_parquet(statistics)
        self._put(job, speaker_stats_key(job.job_id, key.stem), speakers, _PARQUET)
        self._put(job, dataset_key(job.job_id, job.created_at.date()), speakers, _PARQUET)
        self._put_statistics(job, statistics.model_dump_json(by_alias=True).encode(), text)

    def _put_statistics(self, job: Job, document: bytes, text: list[Passage]) -> None:
        """Where the owner finds them, others if they may, and search what was said."""
        self._put(job, private_statistics_key(job.job_id), document, _JSON)
        newest = self.table.get(job.job_id)  # it may have been withdrawn while it was counted
        if newest is not None and newest.is_public:
            self._put(job, statistics_key(job.job_id), document, _JSON)
            newest = self.table.get(job.job_id)
            if newest is not None and not newest.is_public:  # before we wrote: it goes again
                self.publish_queue.send(newest)
        piece = piece_of(job, text, published=newest is not None and newest.is_public)
        self.store.put(piece.key, dump(piece), _BINARY)

    def _put_exports(self, job: Job, key: JobKey, exports: list[Export]) -> None:
        def put(export: Export) -> None:
            target = exports_key(job.job_id, key.stem, export.suffix)
            self._put(job, target, export.path.read_bytes(), export.content_type)

        # One after the other they would take longer than the counting.
        with ThreadPoolExecutor(len(exports)) as at_once:
            list(at_once.map(put, exports))

    def _put(self, job: Job, key: str, data: bytes, content_type: str) -> None:
        put_fenced(self.store, key, data, content_type, token=job.version)

    def _ask_for_publication(self, job_id: str) -> None:
        job = self.table.get(job_id)
        if job is not None:
            self.publish_queue.send(job)


def _confidence(statistics: Statistics) -> float | None:
    """The mean over the words of all speakers; None where nobody's words have any."""
    known = [(row.confidence, row.words) for row in statistics.speakers if row.confidence]
    words = sum(count for _, count in known)
    return sum(mean * count for mean, count in known) / words if words else None


def main() -> int:
    """Count what the environment asks for, or drain the stats queue. The exit code of the Batch
    job."""
    log.set_up()
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
