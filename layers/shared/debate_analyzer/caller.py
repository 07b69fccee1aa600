"""Who asks, and what of the debates is theirs to see and to change."""

from __future__ import annotations

from dataclasses import dataclass

from debate_analyzer.job import ANONYMOUS_OWNER, SHARED_OWNER, Job
from debate_analyzer.pipeline import Status


@dataclass(frozen=True)
class Caller:
    """`owner` is the subject of a token that was verified, or ANONYMOUS_OWNER where nobody signs
    in: there the debate's id, which cannot be guessed, is the whole authority."""

    owner: str
    is_admin: bool = False
    is_operator: bool = False
    """Whether dead letters are shown: to all admins, too."""
    address: str = ""

    @property
    def party(self) -> str:
        """For whom limits are counted: where nobody signs in, for an address."""
        return f"address {self.address}" if self.is_anonymous else self.owner

    @property
    def is_anonymous(self) -> bool:
        return self.owner == ANONYMOUS_OWNER

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose debates the caller's lists show. Nobody is shown those of the anonymous."""
        return () if self.is_anonymous else (self.owner, SHARED_OWNER)

    def may_read(self, job: Job) -> bool:
        """What is shared, everybody may who signs in. What is gone is nobody's."""
        return job.status is not Status.DELETED and (
            self.is_admin or job.owner in (self.owner, *self.owners)
        )

    def may_change(self, job: Job) -> bool:
        """Whoever may see a debate in person may change it."""
        return self.may_read(job)
