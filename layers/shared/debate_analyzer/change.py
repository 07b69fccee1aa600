"""A change to a job row: read, step, write if nobody wrote in between; otherwise once more."""

from __future__ import annotations

from collections.abc import Callable

from debate_analyzer.errors import Conflict, NotFound
from debate_analyzer.job import Job
from debate_analyzer.ports import JobTable

_TRIES = 5


def change(table: JobTable, job_id: str, step: Callable[[Job], Job]) -> Job:
    """Take `step` on the newest row and return it as written.

    `step` may run several times and must have no effect of its own; what it raises ends the change.
    Raises NotFound without a row, Conflict if others kept writing first.
    """
    for _ in range(_TRIES):
        job = table.get(job_id)
        if job is None:
            raise NotFound(f"There is no job {job_id}.")
        changed = step(job)
        if changed == job:
            return job
        try:
            return table.replace(changed)
        except Conflict:
            continue
    raise Conflict(f"Job {job_id} was changed by others {_TRIES} times in a row.")
