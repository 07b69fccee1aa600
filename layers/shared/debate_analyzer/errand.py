"""A worker sent to the files below some prefixes: it does those and leaves, and takes no others.

For `aws batch submit-job` by hand. The files go through the stage once more whatever they have been
through; the rows, the claims and the retries are those of every other unit.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from debate_analyzer.arrival import Arrivals
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.job import FailedAttempt
from debate_analyzer.key import is_job_id, parse_key
from debate_analyzer.log import about
from debate_analyzer.pipeline import Stage
from debate_analyzer.ports import Depth, JobTable, ObjectStore, StoredObject
from debate_analyzer.unit import Unit
from debate_analyzer.worker import InHand

LINGER = timedelta(seconds=0.1)  # nobody adds to an errand

ALL_DONE, SOME_NOT_DONE, NOTHING_DONE = 0, 1, 2

logger = logging.getLogger(__name__)


class Errand:
    """ports.WorkQueue with the stage's files below `prefixes`, beginnings of keys.

    Each is queued in its row when its turn comes, and not ahead of it: of two recordings in one
    job, the later takes the place of the earlier, which must be done by then. One in another
    worker's hands is left to it.
    """

    def __init__(
        self,
        table: JobTable,
        store: ObjectStore,
        stage: Stage,
        prefixes: Iterable[str],
        now: Callable[[], datetime],
        *,
        publish_by_default: bool,
    ) -> None:
        self._table = table
        self._stage = stage
        self._now = now
        self._found = self._find(store, prefixes)
        self._units: deque[Unit] = deque()
        self._arrivals = Arrivals(table, store, self, publish_by_default)
        self._missing: list[str] = []
        self._left: list[str] = []
        self._jobs: dict[str, None] = {}

    def _find(self, store: ObjectStore, prefixes: Iterable[str]) -> Iterator[StoredObject]:
        """Without companions: what they belong to brings them along."""
        for prefix in prefixes:
            found = None
            for found in filter(self._starts_work, store.list(prefix)):
                yield found
            if found is None:
                self._missing.append(prefix)

    def _starts_work(self, found: StoredObject) -> bool:
        key = parse_key(found.key)
        return (
            key is not None and key.folder in self._stage.folders and self._stage.starts_from(key)
        )

    def send(self, unit: Unit) -> None:
        self._units.append(unit)
        self._jobs[unit.job_id] = None

    def bury(self, body: str, tried: Sequence[FailedAttempt]) -> None:
        """Whoever sent the worker is told how it went: `exit_code`."""

    def receive(self, *, wait: timedelta, visibility: timedelta) -> InHand | None:
        for found in self._found:
            self._arrivals.receive(found.key, self._now(), only=self._stage, again=True)
            if self._units:
                return InHand(self._units.popleft().model_dump_json())
            self._left.append(found.key)
        time.sleep(wait.total_seconds())
        return None

    def exit_code(self) -> int:
        """When it is over: ALL_DONE, SOME_NOT_DONE or NOTHING_DONE; what is not done is logged."""
        for what, names in (
            (f"There is nothing for the {self._stage.name} stage below", self._missing),
            ("Another worker is at it, or its job is over", self._left),
        ):
            for name in names:
                with about(_job_of(name)):
                    logger.error("%s: %s", what, name)
        rows = filter(None, map(self._table.get, self._jobs))
        faults = [(row.job_id, row.fault) for row in rows if row.fault]
        for job_id, fault in faults:
            with about(job_id):
                logger.error("%s: %s: %s", job_id, fault.code, fault.message)
        if not self._jobs:
            return NOTHING_DONE
        return SOME_NOT_DONE if faults or self._missing or self._left else ALL_DONE

    def depth(self) -> Depth:
        return Depth(waiting=len(self._units), in_hand=0)


def _job_of(key: str) -> str:
    return key.split("/")[1]


def key_prefix(uri: str, bucket: str) -> str:
    """The beginning of keys in `s3://<bucket>/jobs/<job-id>/…`. Raises InvalidRequest.

    A file, or whole folders: `…/videos` means `…/videos/` and not `…/videos-2/`.
    """
    key = uri.removeprefix(f"s3://{bucket}/").strip("/")
    first, _, rest = key.partition("/")
    if key == uri.strip("/") or first != "jobs" or not is_job_id(rest.split("/")[0]):
        raise InvalidRequest(
            f"{uri} is not of this deployment. Name a job's folder: s3://{bucket}/jobs/<job-id>/…"
        )
    return key if "." in key.rpartition("/")[2] else f"{key}/"
