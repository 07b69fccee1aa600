"""The postman: has a notice's letter sent, at most once.

The mail service knows no token that would make a second request harmless. So a notice is claimed
before its letter is sent, and what happens to a claim whose outcome is lost is that nothing more
happens: one mail too few once in a while, and never two.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from debate_analyzer.digest import digest, title_of
from debate_analyzer.errors import Conflict, MailLost, MailNotTaken, MailRejected
from debate_analyzer.job import ANONYMOUS_OWNER, Job
from debate_analyzer.letter import Language, Letter, Link, completion, failure
from debate_analyzer.notice import Notice, Notices, Order, State
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, MailService, ObjectStore
from debate_analyzer.share import Shares

LENT = timedelta(hours=24)
"""How long the link of a letter is good."""
WAITS = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900))
"""Between tries of what is not taken; the last one from then on. SQS delays by 15 minutes at
most."""
GIVEN_UP = timedelta(days=14)
"""What was not taken for so long is told to nobody."""
_LOST = timedelta(minutes=1)
"""After so long a claim without an outcome is taken for lost: the function runs for half of it."""


@dataclass(frozen=True)
class Postman:
    """`site` is the address of the page."""

    notices: Notices
    table: JobTable
    store: ObjectStore
    shares: Shares
    mail: MailService
    site: str
    now: Callable[[], datetime]

    def carry(self, order: Order) -> Notice | None:
        """Take the notice as far as it goes now; as it has become, or None where nothing was to be
        done. What is not done yet is put on the queue again."""
        job, all_of_it = self.table.get(order.job_id), self.notices.of(order.job_id)
        notice = next((each for each in all_of_it if each.version == order.version), None)
        if notice is None or job is None or job.notify is None:
            return None  # the debate was deleted
        if notice.state is State.SENDING:
            return self._look_after(notice)
        if notice.state is not State.WAITING:
            return None
        if notice.next_at is not None and notice.next_at > self.now():
            self.notices.again(notice, notice.next_at - self.now())
            return None
        letter, share_id = None, notice.share_id or str(uuid.uuid4())
        if notice is all_of_it[-1]:
            letter = self._letter(notice, job, share_id)
        try:
            if letter is None:
                return self._become(notice, State.SUPERSEDED)
            claimed = self._become(notice, State.SENDING, share_id=share_id)
        except Conflict:
            self.notices.again(notice, _LOST)  # somebody else has it: look then what became of it
            return None
        return self._send(claimed, job.notify, letter)

    def _look_after(self, notice: Notice) -> Notice | None:
        """Of a notice that somebody claimed."""
        left = notice.at + _LOST - self.now()
        if left > timedelta(0):
            self.notices.again(notice, left)
            return None
        try:
            return self._become(notice, State.UNKNOWN, error="The sender died before it knew.")
        except Conflict:
            return None  # it was slow, and knows

    def _send(self, notice: Notice, address: str, letter: Letter) -> Notice:
        try:
            message_id = self.mail.send(address, letter)
        except MailNotTaken as refusal:
            return self._postpone(notice, str(refusal))
        except MailRejected as refusal:
            return self._become(notice, State.REJECTED, error=str(refusal))
        except MailLost as loss:
            return self._become(notice, State.UNKNOWN, error=str(loss))
        return self._become(notice, State.SENT, message_id=message_id)

    def _postpone(self, notice: Notice, error: str) -> Notice:
        if self.now() - notice.created_at >= GIVEN_UP:
            return self._become(notice, State.REJECTED, error=error)
        wait = WAITS[min(notice.tries, len(WAITS) - 1)]
        waiting = self._become(
            notice,
            State.WAITING,
            next_at=self.now() + wait,
            tries=notice.tries + 1,
            error=error,
        )
        self.notices.again(waiting, wait)
        return waiting

    def _become(self, notice: Notice, state: State, **changes: object) -> Notice:
        return self.notices.keep(notice, notice.become(state, self.now(), **changes))

    # --- what it says ----------------------------------------------------------------------

    def _letter(self, notice: Notice, job: Job, share_id: str) -> Letter | None:
        """None where it is not so any more."""
        language = Language.SPANISH if job.spoken == Language.SPANISH else Language.ENGLISH
        if notice.end is Status.FAILED:
            if job.status is not Status.FAILED or job.fault is None:
                return None
            fault, link = job.fault, Link(self._page(job=job.job_id))
            return failure(title_of(job), fault.code, fault.message, link, language)
        told = digest(job, self.store)
        return completion(told, self._lend(job, share_id), language) if told else None

    def _lend(self, job: Job, share_id: str) -> Link:
        """Where nobody signs in the debate's id is the whole authority over it, and there are no
        links for readers only (api.shares)."""
        if job.owner == ANONYMOUS_OWNER:
            return Link(self._page(job=job.job_id))
        self.shares.lend(job.job_id, share_id, self.now(), LENT)
        return Link(self._page(share=share_id), LENT)

    def _page(self, **query: str) -> str:
        [(name, value)] = query.items()
        return f"{self.site}/?{name}={value}"
