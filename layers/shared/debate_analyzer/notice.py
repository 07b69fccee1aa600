"""Notices: that somebody is to be written to about the end of a debate, and what became of it.

They lie in the ledger for as long as their debate. A notice is one end, by the version of the row,
and is claimed before its letter is sent, so that whoever comes second, or twice, sees what was
done. What goes through the queue only says that there is something to do. There is no mail address
in either: it stands in the job's row.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict

from debate_analyzer.errors import Conflict
from debate_analyzer.job import Job, Timestamp
from debate_analyzer.pipeline import STATS, Status
from debate_analyzer.ports import Ledger, MailQueue

_MOST = 1000


class State(StrEnum):
    """Of a notice. Only `WAITING` and `SENDING` are to be followed by another.

    `UNKNOWN`: whoever sent it died, or lost the connection, before the mail service's answer.
    `SUPERSEDED`: a later end is told instead, or the debate is worked on again.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"


class Order(BaseModel):
    """That a notice is to be looked after. It may come twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: str
    version: int


class Notice(BaseModel):
    """One end of a debate that somebody is told of.

    `at` is when it came to its state, `next_at` when a letter that was not taken is sent again,
    after `tries`. `transcript` is what was counted, by etag; `share_id` the link that the letter
    lends. `error` says why it was not taken.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    version: int
    end: Status
    transcript: str | None = None
    state: State = State.WAITING
    created_at: Timestamp
    at: Timestamp
    next_at: Timestamp | None = None
    tries: int = 0
    share_id: str | None = None
    message_id: str | None = None
    error: str | None = None

    @property
    def order(self) -> Order:
        return Order(job_id=self.job_id, version=self.version)

    def become(self, state: State, now: datetime, **changes: object) -> Self:
        """In its next state."""
        return self.model_copy(update={"next_at": None, **changes, "state": state, "at": now})


@dataclass(frozen=True)
class Notices:
    """The log, and the queue of what is to be done."""

    ledger: Ledger
    queue: MailQueue

    def announce(self, job: Job, now: datetime) -> Notice | None:
        """Have whoever asked for it told of the job's end; None where there is nothing to tell.

        The same end leads to the same notice. A debate that is counted again after an edit is no
        news: whoever was told of a transcript is told once, unless it failed meanwhile.
        """
        if job.notify is None:
            return None
        counted = job.units.get(STATS.name)
        notice = Notice(
            job_id=job.job_id,
            version=job.version,
            end=job.status,
            transcript=counted.etag if counted else None,
            created_at=now,
            at=now,
        )
        before = [each for each in self.of(job.job_id) if each.version < job.version]
        if job.status is Status.COMPLETE and before and _is_same_news(before[-1], notice):
            return None
        # Where it was made before, nobody knows whether it was ever put on the queue.
        with suppress(Conflict):
            self.ledger.put(_of(job.job_id), _row(job.version), _facts(notice), if_absent=True)
        self.queue.send(notice.order)
        return notice

    def of(self, job_id: str) -> list[Notice]:
        """Of one debate, as its ends came."""
        rows = self.ledger.list(_of(job_id), limit=_MOST)
        return [
            Notice.model_validate({"job_id": job_id, "version": int(version), **facts})
            for version, facts in rows
        ]

    def keep(self, notice: Notice, newer: Notice) -> Notice:
        """Raises Conflict where the notice is not as it was read."""
        self.ledger.put(
            _of(notice.job_id),
            _row(notice.version),
            _facts(newer),
            replacing=_facts(notice),
        )
        return newer

    def again(self, notice: Notice, wait: timedelta) -> None:
        """Look after it once more, after `wait`."""
        self.queue.send(notice.order, wait=wait)


def forget(ledger: Ledger, job_id: str) -> int:
    """All notices of a debate that is deleted; how many there were."""
    forgotten = 0
    while rows := ledger.list(_of(job_id), limit=_MOST):
        for version, _ in rows:
            ledger.delete(_of(job_id), version)
        forgotten += len(rows)
    return forgotten


def _is_same_news(told: Notice, notice: Notice) -> bool:
    return (told.end, told.transcript) == (notice.end, notice.transcript)


def _facts(notice: Notice) -> dict[str, object]:
    return notice.model_dump(mode="json", exclude={"job_id", "version"}, exclude_none=True)


def _of(job_id: str) -> str:
    return f"notices#{job_id}"


def _row(version: int) -> str:
    return f"{version:010d}"
