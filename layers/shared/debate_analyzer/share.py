"""Share links: who knows one may read one debate, until it is revoked or, if it is lent, expires.

A link is a random UUID of 122 bits. It lies in the ledger twice: under itself, which makes it good,
and under its debate, which finds it again. It is entered there first and taken out there last, so
that none is good and cannot be found.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from debate_analyzer.errors import LimitReached, NotFound
from debate_analyzer.job import Timestamp, timestamp
from debate_analyzer.key import is_job_id
from debate_analyzer.ports import Ledger

MAX_SHARES = 100
"""Of a debate. Two that are made in the same moment may be one too many."""

_GOOD = "job"


class Share(BaseModel):
    """A link. `url` is below the API's own address."""

    share_id: str
    url: str = Field(description="below the address of the API; what is there, anybody may read")
    created_at: Timestamp
    expires_at: Timestamp | None = None


@dataclass(frozen=True)
class Shares:
    """The links of debates that whoever asks may change."""

    ledger: Ledger

    def make(self, job_id: str, now: datetime) -> Share:
        """Raises LimitReached."""
        if len(self.of(job_id)) >= MAX_SHARES:
            raise LimitReached(f"There are {MAX_SHARES} links to this debate. Revoke some first.")
        share = _share(str(uuid.uuid4()), {"created_at": timestamp(now)})
        self.ledger.put(_of(job_id), share.share_id, {"created_at": timestamp(now)})
        self.ledger.put(_under(share.share_id), _GOOD, {"job_id": job_id})
        return share

    def lend(self, job_id: str, share_id: str, now: datetime, lifetime: timedelta) -> None:
        """A link with an id that was made before, good from now on for so long. As often as one
        likes, and beyond MAX_SHARES."""
        expires_at = now + lifetime
        told = {"created_at": timestamp(now), "expires_at": timestamp(expires_at)}
        until = expires_at.timestamp()
        self.ledger.put(_of(job_id), share_id, told, expires_at=until)
        self.ledger.put(_under(share_id), _GOOD, {"job_id": job_id}, expires_at=until)

    def of(self, job_id: str) -> list[Share]:
        """The oldest first."""
        found = self.ledger.list(_of(job_id), limit=2 * MAX_SHARES)
        shares = [_share(share_id, facts) for share_id, facts in found]
        return sorted(shares, key=lambda share: share.created_at)

    def revoke(self, job_id: str, share_id: str) -> None:
        """Raises NotFound."""
        if share_id not in [share.share_id for share in self.of(job_id)]:
            raise NotFound("There is no such link to this debate.")
        self.ledger.delete(_under(share_id), _GOOD)
        self.ledger.delete(_of(job_id), share_id)

    def job_id(self, share_id: str) -> str:
        """The debate that may be read. Raises NotFound."""
        facts = self.ledger.get(_under(share_id), _GOOD) if is_job_id(share_id) else None
        if facts is None:
            raise NotFound("There is no such link, or it was revoked.")
        return str(facts["job_id"])


def revoke_all(ledger: Ledger, job_id: str) -> int:
    """Of a debate that is deleted; how many there were."""
    shares = Shares(ledger)
    found = shares.of(job_id)
    for share in found:
        shares.revoke(job_id, share.share_id)
    return len(found)


def _share(share_id: str, facts: dict[str, str]) -> Share:
    return Share.model_validate({"share_id": share_id, "url": f"/api/shared/{share_id}", **facts})


def _of(job_id: str) -> str:
    return f"shares#{job_id}"


def _under(share_id: str) -> str:
    return f"share#{share_id}"
