"""Feedback: whether a debate's figures were of use to somebody, and a sentence why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.errors import NotFound
from debate_analyzer.job import Timestamp
from debate_analyzer.ports import Ledger

MAX_COMMENT = 1000

_MOST = 1000


class Mark(BaseModel):
    """What somebody says."""

    model_config = ConfigDict(extra="forbid")

    useful: bool
    comment: str | None = Field(default=None, max_length=MAX_COMMENT)


class Feedback(Mark):
    """And when."""

    updated_at: Timestamp


@dataclass(frozen=True)
class FeedbackBook:
    """One mark a person and debate: the newest."""

    ledger: Ledger

    def find(self, job_id: str, owner: str) -> Feedback | None:
        facts = self.ledger.get(_of(job_id), owner)
        return Feedback.model_validate(facts) if facts else None

    def get(self, job_id: str, owner: str) -> Feedback:
        """Raises NotFound."""
        found = self.find(job_id, owner)
        if found is None:
            raise NotFound("You have not said whether this debate's figures are of use to you.")
        return found

    def put(self, job_id: str, owner: str, mark: Mark, now: datetime) -> Feedback:
        """In place of what was said before."""
        feedback = Feedback(**mark.model_dump(), updated_at=now)
        self.ledger.put(_of(job_id), owner, feedback.model_dump(mode="json"))
        return feedback

    def delete(self, job_id: str, owner: str) -> None:
        """Nothing happens where nothing was said."""
        self.ledger.delete(_of(job_id), owner)


def forget(ledger: Ledger, job_id: str) -> int:
    """Everything that anybody said of a debate that is deleted; how much it was."""
    forgotten = 0
    while found := ledger.list(_of(job_id), limit=_MOST):
        for owner, _ in found:
            ledger.delete(_of(job_id), owner)
        forgotten += len(found)
    return forgotten


def _of(job_id: str) -> str:
    return f"feedback#{job_id}"
