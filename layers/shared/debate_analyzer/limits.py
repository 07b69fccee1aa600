"""How much one party may have of it: how often, how many at once, how much a day.

A party is whoever is signed in, or where nobody signs in, an address. What is refused has had no
effect: what a check took before a later one refused is given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address

from debate_analyzer.config import Allowance
from debate_analyzer.errors import (
    Conflict,
    DailyBytesUsed,
    DailyMinutesUsed,
    LimitReached,
    TooManyJobs,
    TooManyRequests,
)
from debate_analyzer.pipeline import ENDS
from debate_analyzer.ports import JobTable, Ledger

_MINUTE = 60
_GIB = 2**30
_DAYS_KEPT = timedelta(days=2)  # of what is counted by day
_MANY = 10_000  # recordings of one party a day, of which minutes are added up

# A job takes its place before its row is written. Without a row so much later, it never came to be.
_ROW_DUE = timedelta(minutes=5)
_LOOK_AGAIN = 60  # seconds: nobody knows when a debate is done


@dataclass(frozen=True)
class Limits:
    """Exact also where many ask at once, but for minutes: those are known when a recording has been
    transcribed, so the ones under way come on top."""

    ledger: Ledger
    table: JobTable
    allowance: Allowance

    def ask(self, address: str, now: datetime) -> None:
        """Counts a request of a `network` in its minute by the clock. Raises TooManyRequests."""
        most = self.allowance.requests_per_minute
        if not most:
            return
        minute, second = divmod(int(now.timestamp()), _MINUTE)
        try:
            self.ledger.count(
                f"requests {address}",
                str(minute),
                1,
                at_most=most,
                expires_at=(minute + 2) * _MINUTE,
            )
        except LimitReached as error:
            wait = _MINUTE - second
            raise TooManyRequests(
                f"More than {most} requests came from your address within a minute, which is the "
                f"limit here. Go on in {wait} seconds.",
                retry_after=wait,
            ) from error

    @contextmanager
    def admitted(self, party: str, job_id: str, now: datetime, *, size: int = 0) -> Iterator[None]:
        """Around the making of a job: counts it, and its bytes where they are known, and takes that
        back if the job is not made.

        Raises DailyMinutesUsed, DailyBytesUsed, TooManyJobs.
        """
        self._check_minutes(party, now)
        self._take_bytes(party, size, now)
        try:
            with self._place(party, job_id, now):
                self._note(party, job_id, now)
                yield
        except BaseException:
            self._take_bytes(party, -size, now)
            raise

    # --- a day's bytes ---------------------------------------------------------------------

    def _take_bytes(self, party: str, size: int, now: datetime) -> None:
        most = self.allowance.bytes_per_day
        if not most or not size:
            return
        if size > most:
            raise DailyBytesUsed(
                f"The file has {size / _GIB:.1f} GiB, and {most / _GIB:.1f} GiB is the most that "
                "you may upload a day. Cut it, or save it at a lower picture quality."
            )
        try:
            self.ledger.count(
                f"bytes {party}",
                _day(now),
                size,
                at_most=most if size > 0 else None,
                expires_at=(now + _DAYS_KEPT).timestamp(),
            )
        except LimitReached as error:
            raise DailyBytesUsed(
                f"With this file you would have uploaded more than {most / _GIB:.1f} GiB today, "
                f"which is the limit here. {_tomorrow(now)}",
                retry_after=_until_tomorrow(now),
            ) from error

    # --- a day's minutes -------------------------------------------------------------------

    def _check_minutes(self, party: str, now: datetime) -> None:
        most = self.allowance.minutes_per_day
        if not most:
            return
        noted = self.ledger.list(f"jobs {party} {_day(now)}", limit=_MANY)
        jobs = self.table.get_many(job_id for job_id, _ in noted)
        used = sum(job.duration or 0 for job in jobs) / _MINUTE
        if used >= most:
            raise DailyMinutesUsed(
                f"You had {used:.0f} minutes of recordings analysed today, and {most} are the "
                f"limit here. {_tomorrow(now)}",
                retry_after=_until_tomorrow(now),
            )

    def _note(self, party: str, job_id: str, now: datetime) -> None:
        if self.allowance.minutes_per_day:
            expires_at = (now + _DAYS_KEPT).timestamp()
            self.ledger.put(f"jobs {party} {_day(now)}", job_id, {}, expires_at=expires_at)

    # --- jobs at once ----------------------------------------------------------------------

    @contextmanager
    def _place(self, party: str, job_id: str, now: datetime) -> Iterator[None]:
        """One of as many places as jobs are allowed at once. A place is handed over when it is
        wanted and its job is at an end, so nobody has to remember to leave it."""
        if not self.allowance.active_jobs:
            yield
            return
        partition = f"active {party}"
        place = self._take_place(partition, job_id, now)
        try:
            yield
        except BaseException:
            self.ledger.delete(partition, place)
            raise

    def _take_place(self, partition: str, job_id: str, now: datetime) -> str:
        most = self.allowance.active_jobs
        facts = {"job_id": job_id, "since": int(now.timestamp())}
        places = [f"{number:06}" for number in range(most)]
        taken = dict(self.ledger.list(partition, limit=most))
        for place in places:
            if place not in taken and self._put(partition, place, facts, None):
                return place
        rows = {job.job_id: job for job in self.table.get_many(t["job_id"] for t in taken.values())}
        overdue = (now - _ROW_DUE).timestamp()
        for place, holder in taken.items():
            row = rows.get(holder["job_id"])
            left = row.status in ENDS if row else holder["since"] < overdue
            if left and self._put(partition, place, facts, holder):
                return place
        raise TooManyJobs(
            f"{most} of your debates are being worked on, and no more are taken at once. Wait "
            "until one is done, or cancel one.",
            retry_after=_LOOK_AGAIN,
        )

    def _put(
        self,
        partition: str,
        place: str,
        facts: dict[str, object],
        holder: dict[str, object] | None,
    ) -> bool:
        """Whether nobody else was faster."""
        try:
            self.ledger.put(partition, place, facts, if_absent=holder is None, replacing=holder)
        except Conflict:
            return False
        return True


def network(address: str) -> str:
    """Whom an address stands for: of IPv6, where a household has 2**64, the first half of it.

    https://datatracker.ietf.org/doc/html/rfc6177
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(IPv6Address(int(ip) >> 64 << 64))


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def _until_tomorrow(now: datetime) -> int:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((midnight + timedelta(days=1) - now).total_seconds()) + 1


def _tomorrow(now: datetime) -> str:
    hours, minutes = divmod(_until_tomorrow(now) // _MINUTE, 60)
    return f"Go on after midnight UTC, in {hours} h {minutes} min."
