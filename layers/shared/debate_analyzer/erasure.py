"""Everything of a debate, gone: in every prefix, row, index and cache, and for good.

The row is marked first, so that nobody begins anything more with it, and whoever has it in hand
finds out at the next heartbeat. A worker that was just writing, an upload whose URL is still good:
what arrives late is erased when the sweeper comes by, again and again until nobody can hold
anything of it any more. Erasing may be repeated, and be interrupted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from debate_analyzer.change import change
from debate_analyzer.errors import NotFound
from debate_analyzer.job import Job
from debate_analyzer.key import INDEX_KEY, dataset_key, job_prefix, statistics_key
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, Ledger, ObjectStore, PublishQueue, Window
from debate_analyzer.search import mark

# As long as an upload that was begun can last: its URLs, its multipart upload, its import.
_LATE = timedelta(days=2)
_SOON = timedelta(minutes=2)


@dataclass(frozen=True)
class Erasure:
    """Of debates that whoever asks may delete."""

    table: JobTable
    store: ObjectStore
    ledger: Ledger
    publish_queue: PublishQueue
    now: Callable[[], datetime]

    def delete(self, job: Job) -> list[str]:
        """What was deleted: keys of the bucket, and rows. Raises NotFound where it is gone."""

        def step(job: Job) -> Job:
            if job.status is Status.DELETED:
                raise NotFound("There is no such debate here.")
            return job.deleted(self.now())

        gone = change(self.table, job.job_id, step)
        return [*self.erase(job), *self._withdrawn(gone)]

    def erase(self, job: Job) -> list[str]:
        """What there was of it beside its row, before or after it was marked."""
        if job.media is not None and job.upload_id is not None:
            self.store.abort_multipart(job.media.key, job.upload_id)
        erased = [
            *self.store.delete(job_prefix(job.job_id)),
            *self.store.delete(dataset_key(job.job_id, job.created_at.date())),
        ]
        if job.recording is not None:
            from debate_analyzer.recording_desk import erase_session  # 20 ms that few calls need

            erased += erase_session(self.store, self.ledger, job.recording)
        erased += self.forget(job.job_id)
        mark(self.store, job.job_id)  # whoever keeps the search index takes the text out of it
        for part in self.table.owned_by(job.job_id, Window()):
            self.table.delete(part.job_id)
            erased.append(f"row {part.job_id}")
        return erased

    def forget(self, job_id: str) -> list[str]:
        """Who may see it, who was told of it, who found it useful."""
        from debate_analyzer import delivery, feedback, notice, share  # as above

        counts = {
            "links": share.revoke_all(self.ledger, job_id),
            "marks": feedback.forget(self.ledger, job_id),
            "rows of deliveries": delivery.forget(self.ledger, job_id),
            "notices": notice.forget(self.ledger, job_id),
        }
        return [f"{count} {what}" for what, count in counts.items() if count]

    def follow_up(self, job: Job) -> None:
        """For the sweeper: what came late, at growing intervals until nothing can."""
        self.erase(job)
        self.publish_queue.send(job)
        age = self.now() - job.updated_at
        self.table.replace(
            job.checked(self.now() + max(age, _SOON)) if age < _LATE else job.indexed()
        )

    def _withdrawn(self, gone: Job) -> list[str]:
        """The publish function takes it out of the index, and its copy out of bucket and CDN."""
        self.publish_queue.send(gone)
        copy = statistics_key(gone.job_id)
        shown = [copy, INDEX_KEY] if gone.place is not None else []
        return [*shown, f"row {gone.job_id}"]
