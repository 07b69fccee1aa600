"""What people wanted, and whether it came of it: nothing lost, nothing stuck, nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from debate_analyzer.job import Job
from debate_analyzer.key import (
    dataset_key,
    edits_key,
    is_job_id,
    job_prefix,
    private_statistics_key,
    statistics_key,
    video_key,
)
from debate_analyzer.notice import State
from debate_analyzer.pipeline import ENDS, TRANSITIONS, Status
from debate_analyzer.unit import Unit
from tests.faults.cloud import OWNER, Cloud
from tests.faults.memory import Message

MOST_ATTEMPTS = 3  # that may fail before a file is given up
_TOLD = (Status.COMPLETE, Status.FAILED)


@dataclass
class Wish:
    """What people did with a debate."""

    job_id: str
    recording: str = ""
    edits: str | None = None
    orders: set[str] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)
    fails_with: str | None = None
    """The code that it must fail with: nobody could do it."""

    @property
    def key(self) -> str:
        return video_key(self.job_id, "town hall.mp4")


@dataclass(frozen=True)
class Judge:
    """Of a cloud in which nothing is left to be done. Raises AssertionError."""

    cloud: Cloud
    wishes: Sequence[Wish]

    def judge(self) -> None:
        self._check_writes()
        for wish in self.wishes:
            job = self.cloud.table.get(wish.job_id)
            assert job is not None, "a debate is lost"
            self._check_end(wish, job)
            self._check_told(job)
        for job in self.cloud.table.rows.values():
            is_part = not is_job_id(job.job_id)  # it may be left behind by who was to clear it away
            done = job.status in ENDS or (is_part and job.status is Status.TRANSCRIBED)
            assert done, f"a debate is stuck: {job.status}"
            assert job.claim is None
            assert job.check_at is None, f"something is owed to a debate that is {job.status}"
        self._check_index()
        self._check_letters()
        for name, queue in self.cloud.queues.items():
            assert not queue.messages, f"{name} is not empty"
            given_up = [each for each in queue.dead if not self._may_be_dead(each)]
            assert not given_up or len(self.cloud.machine.faults) > MOST_ATTEMPTS, (
                f"a dead letter of {name}"
            )

    def _may_be_dead(self, message: Message) -> bool:
        hopeless = any(wish.job_id in message.body for wish in self.wishes if wish.fails_with)
        return hopeless or message in self.cloud.handled

    def _check_writes(self) -> None:
        """No step but those that are written down, and none out of an end without a reason."""
        asked = {wish.job_id: wish.orders for wish in self.wishes}
        completed: Counter[tuple[Unit, Unit]] = Counter()
        for before, after in self.cloud.table.writes:
            if before is None or after is None:
                continue
            if after.status is not before.status:
                assert after.status in TRANSITIONS[before.status], f"{before.status}→{after.status}"
            if before.status in ENDS and after.status not in ENDS:
                wanted = "retry" in asked[after.job_id]
                assert wanted or after.units != before.units, f"{before.status} began again"
            if before.status is not Status.COMPLETE and after.status is Status.COMPLETE:
                completed[after.units["transcribe"], after.units["stats"]] += 1
        for (heard, counted), times in completed.items():
            edits = edits_key(counted.job_id)
            wished = self._came(heard.key, heard.etag) + self._came(edits, counted.edits) - 1
            assert times <= wished or "retry" in asked[counted.job_id], (
                "a transcript was counted twice"
            )

    def _came(self, key: str, etag: str | None) -> int:
        """How often this was laid there: people may go back to what they had before."""
        etags = [etag for etag, _ in groupby(self.cloud.store.puts.get(key, ()))]
        return max(1, etags.count(etag))

    def _check_end(self, wish: Wish, job: Job) -> None:
        if job.status is Status.DELETED:
            assert "delete" in wish.orders
            left = [
                *self.cloud.store.list(job_prefix(job.job_id)),
                *self.cloud.store.list(dataset_key(job.job_id, job.created_at.date())),
                *self.cloud.store.list(statistics_key(job.job_id)),
            ]
            assert not left, f"deleted, and there is {left[0].key}"
            return
        assert "delete" not in wish.granted, f"to be deleted, and is {job.status}"
        if job.status is Status.CANCELLED:
            assert "cancel" in wish.orders
            return
        if job.status is Status.FAILED:
            assert job.fault is not None
            if wish.fails_with:
                assert job.fault.code == wish.fails_with
                return
            faults = self.cloud.machine.faults
            assert len(faults) > MOST_ATTEMPTS, f"given up after {len(faults)} faults: {job.fault}"
            return
        assert wish.fails_with is None, f"nobody could do it, and it is {job.status}"
        assert job.units["transcribe"].etag == wish.recording, "an older recording was transcribed"
        unit = job.units["stats"]
        transcript = json.loads(self._read(unit.key))
        made_of = transcript["provenance"].get("of", wish.recording)  # the real one does not say
        assert made_of == wish.recording, "the transcript is of an older one"
        statistics = json.loads(self._read(private_statistics_key(job.job_id)))
        found = self.cloud.store.head(unit.key)
        assert found is not None
        assert found.etag == unit.etag, "there is a newer transcript than was counted"
        told = {"of": unit.etag, "edits": wish.edits}
        assert statistics.items() >= told.items(), "the statistics are outdated"
        copy = self.cloud.store.get(statistics_key(job.job_id))
        assert (copy is not None) is job.is_listed, "published otherwise than wished"
        if copy is not None:
            assert json.loads(copy[0]) == statistics, "what is published is outdated"

    def _read(self, key: str) -> bytes:
        found = self.cloud.store.get(key)
        assert found is not None, f"{key} is lost"
        return found[0]

    def _check_told(self, job: Job) -> None:
        """The owner's webhook of every end, and of none twice under another id."""
        ends = [
            after
            for before, after in self.cloud.table.writes
            if before is not None
            and after is not None
            and after.job_id == job.job_id
            and after.status in _TOLD
            and before.status not in _TOLD
            and after.owner == OWNER
        ]
        if job.status is Status.DELETED:
            return  # the log is gone with the debate
        rows = self.cloud.ledger.list(f"deliveries#{job.job_id}", limit=1000)
        told = {name.split("#")[0] for name, _ in rows}
        assert len(told) == len(ends), f"{len(ends)} ends, and {len(told)} were told"
        for delivery in told:
            outcomes = [facts.get("outcome") for name, facts in rows if name.startswith(delivery)]
            assert "delivered" in outcomes, "a receiver was not told"

    def _check_letters(self) -> None:
        """At most one of every end; none is missing but where its sender was struck."""
        rows = [job for job in self.cloud.table.rows.values() if job.notify is not None]
        states: dict[str, list[str]] = {str(job.notify): [] for job in rows}
        for job in rows:
            notices = self.cloud.ledger.list(f"notices#{job.job_id}", limit=99)
            assert notices or job.status not in _TOLD, "nobody was written to"
            states[str(job.notify)] += [facts["state"] for _, facts in notices]
        for address, of in states.items():
            assert set(of) <= {State.SENT, State.SUPERSEDED, State.UNKNOWN}, of
            sent, unknown = of.count(State.SENT), of.count(State.UNKNOWN)
            letters = self.cloud.letters.count(address)
            gone = any(job.status is Status.DELETED for job in self.cloud.table.rows.values())
            assert sent <= letters <= sent + unknown or gone, f"{letters} letters of {of}"
            struck = [call for call, _ in self.cloud.machine.faults if call.process.kind == "mail"]
            assert struck or not unknown, "nobody knows of a letter, and nothing went wrong"

    def _check_index(self) -> None:
        listed = {job.job_id for job in self.cloud.table.rows.values() if job.is_listed}
        found = self.cloud.store.get("statistics/index.json")
        entries = json.loads(found[0])["jobs"] if found else []
        assert Counter(entry["jobId"] for entry in entries) == Counter(listed), "the index is wrong"
