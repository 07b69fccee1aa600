"""A worker sent to the files below a prefix: it does those and leaves, and takes no others.

For `aws batch submit-job` by hand. The files go through the stage once more whatever they have been
through; the rows, the claims and the retries are those of every other unit.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from debate_analyzer.arrival import Arrivals
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.key import edits_key, is_job_id
from debate_analyzer.pipeline import Stage
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.unit import Unit
from debate_analyzer.worker import InHand

LINGER = timedelta(seconds=0.1)  # nobody adds to an errand


class Errand:
    """ports.WorkQueue with the stage's files below `prefix`, a key's beginning.

    Each is queued in its row when its turn comes, and not ahead of it: of two recordings in one
    job, the later takes the place of the earlier, which must be done by then. One in another
    worker's hands is left to it.
    """

    def __init__(
        self,
        table: JobTable,
        store: ObjectStore,
        stage: Stage,
        prefix: str,
        now: Callable[[], datetime],
        *,
        publish_by_default: bool,
    ) -> None:
        self._stage = stage
        self._now = now
        self._found = store.list(prefix)
        self._units: deque[Unit] = deque()
        self._arrivals = Arrivals(table, store, self, publish_by_default)

    def send(self, unit: Unit) -> None:
        self._units.append(unit)

    def receive(self, *, wait: timedelta, visibility: timedelta) -> InHand | None:
        for found in self._found:
            if found.key == edits_key(found.key.split("/")[1]):
                continue  # a transcript brings its edits along; both would be the same work twice
            self._arrivals.receive(found.key, self._now(), only=self._stage, again=True)
            if self._units:
                return InHand(self._units.popleft().model_dump_json())
        time.sleep(wait.total_seconds())
        return None

    def is_empty(self) -> bool:
        return not self._units


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
