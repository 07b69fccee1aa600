"""Recordings that nobody uploads: a job of Batch brings them, and their rows wait for it.

The row comes first and says what is owed (`job.Import`), so nothing is forgotten between two lines:
the sweeper asks Batch about every import that it has not heard of for two minutes, and submits
again what was lost. Two jobs for one row do no harm, since one of them holds the row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from debate_analyzer.change import change
from debate_analyzer.errors import Conflict, NotFound
from debate_analyzer.job import FailedAttempt, Fault, Job
from debate_analyzer.key import is_job_id
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import ImportPool, JobTable, LetterQueue
from debate_analyzer.trouble import WHAT_HAPPENED, Trouble

# What the job is told, beside JOB_ID; where more than one is given, the first counts.
MANIFEST = "RECORDING_MANIFEST"  # the key of a recording's manifest: join its chunks
SOURCE = "SOURCE_KEY"  # the key of an object: copy it
URL = "VIDEO_URL"
ENTRY = "PLAYLIST_ENTRY"  # which recording of those at the URL, from 1
ENTRIES = "MAX_PLAYLIST_ENTRIES"  # how many of them, at most, become debates

_LOOK_AGAIN = timedelta(minutes=2)
_NAME = "import-"


@dataclass(frozen=True)
class Imports:
    """`retry_ladder` are the waits before the second, third … attempt; `letters` take what comes
    after the last."""

    table: JobTable
    pool: ImportPool
    letters: LetterQueue
    retry_ladder: tuple[timedelta, ...]

    def start(self, job: Job, environment: Mapping[str, str], now: datetime) -> Job:
        """Make the row of a new job, and submit what brings its recording.

        Of a job whose row is there already, nothing but a submission that has never been made: so
        whoever may have died in between says it again.
        """
        row = job.to_import(environment, now)
        try:
            self.table.create(row)
        except Conflict:
            row = self.table.get(job.job_id) or row
            known = row.importing is not None and row.importing.batch_id is not None
            if known or row.claim or row.attempt > 1 or not row.is_importing:
                return row
        return self.submit(row)

    def look_after(self, job: Job, now: datetime) -> None:
        """An import that is due: submit it, or see that it is under way."""
        batch_id = _batch_id(job)
        if job.retry_at is not None or batch_id is None:
            # Its wait is over, or whoever was to submit it has died.
            environment = job.importing.environment if job.importing else {}
            self.submit(self.table.replace(job.to_import(environment, now)))
        elif self.pool.is_alive(batch_id):
            look_again = now + _LOOK_AGAIN
            change(
                self.table,
                job.job_id,
                lambda row: row.checked(look_again) if row.is_importing else row,
            )
        else:
            self.ended(job.job_id, batch_id, now)

    def ended(self, job_id: str, batch_id: str, now: datetime) -> None:
        """A job of Batch has come to an end without success. Told twice, or of a job that others
        have taken over from, nothing happens."""

        def is_owed(row: Job) -> bool:
            waits = row.is_importing and row.retry_at is None
            return waits and _batch_id(row) in (None, batch_id)

        def step(row: Job) -> Job:
            return broke_off(row, lost, self.retry_ladder, now) if is_owed(row) else row

        row = self.table.get(job_id)
        if row is None or not is_owed(row):  # None: by hand, and dead before it made its row
            return
        lost = told(Trouble.WORKER_LOST, row, self.retry_ladder)
        if is_last(row, self.retry_ladder):
            reason = f"The job of Batch {batch_id} ended, and left no reason in the row."
            bury(self.letters, row, Fault(code=lost.code, message=reason), now)
        with suppress(NotFound):
            change(self.table, job_id, step)

    def revive(self, job_id: str, now: datetime) -> None:
        """Bring what was given up once more, from the beginning; of a row that went on since, the
        submission that has never been made, if any. Of what is deleted, cancelled or there,
        nothing."""

        def step(row: Job) -> Job:
            is_given_up = row.status is Status.FAILED and row.importing and not row.units
            return row.imported_again(now) if is_given_up else row

        with suppress(NotFound):
            row = change(self.table, job_id, step)
            if row.is_importing and row.retry_at is None and _batch_id(row) is None:
                self.submit(row)

    def submit(self, row: Job) -> Job:
        """What brings the recording of a row that was written as `to_import`. Where this is never
        reached, the sweeper does it."""
        environment = row.importing.environment if row.importing else {}
        batch_id = self.pool.start(row.job_id, environment)
        return change(self.table, row.job_id, lambda row: row.submitted(batch_id))


def broke_off(job: Job, fault: Fault, retry_ladder: tuple[timedelta, ...], now: datetime) -> Job:
    """After an attempt for which neither the address nor the recording is to blame: once more in a
    while, or the end."""
    if is_last(job, retry_ladder):
        return job.failed(fault, now)
    return job.postponed(fault, now + retry_ladder[job.attempt - 1], now)


def is_last(job: Job, retry_ladder: tuple[timedelta, ...]) -> bool:
    """Whether nothing follows the attempt that the import is at."""
    return job.attempt > len(retry_ladder)


def told(trouble: Trouble, job: Job, retry_ladder: tuple[timedelta, ...]) -> Fault:
    """What the user is told of an attempt for which neither the address nor the recording is to
    blame."""
    what = WHAT_HAPPENED[trouble]
    if is_last(job, retry_ladder):
        message = (
            f"This recording was asked for {job.attempt} times without success; the last time "
            f"{what}. Ask for it again, or download the recording and upload the file."
        )
    else:
        message = f"While this recording was fetched {what}. It is tried again by itself."
    return Fault(code=trouble.value, message=message)


def bury(letters: LetterQueue, job: Job, reason: Fault, now: datetime) -> None:
    """A letter of what nobody tries again, before its row says that it is over: so there may be a
    letter too many, but none too few. `reason` is for whoever runs this."""
    environment = job.importing.environment if job.importing else {}
    body = json.dumps({"job_id": job.job_id, "import": dict(environment)})
    letters.bury(body, [*job.tried, FailedAttempt(at=now, **reason.model_dump())])


def batch_job_name(job_id: str) -> str:
    """What the job of Batch is called, so that its events say whose it is."""
    return f"{_NAME}{job_id}"


def imported_job(name: str, batch_id: str) -> str:
    """The job that a job of Batch brings the recording of: whoever submits one by hand leaves it to
    the download job, which takes Batch's id."""
    job_id = name.removeprefix(_NAME)
    return job_id if is_job_id(job_id) else batch_id


def _batch_id(job: Job) -> str | None:
    """The job of Batch that holds the row, or that was submitted for it."""
    if job.claim is not None:
        return job.claim.worker
    return job.importing.batch_id if job.importing else None
