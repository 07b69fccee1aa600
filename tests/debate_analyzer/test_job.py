"""The job row under any order of steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from debate_analyzer.errors import Conflict
from debate_analyzer.job import Claim, Fault, Figures, Job, Media, Settled, announced
from debate_analyzer.pipeline import ENDS, STATS, TRANSCRIBE, TRANSITIONS, Status
from debate_analyzer.unit import Unit
from tests.world import JOB_ID, TRANSCRIPT, VIDEO

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class AnyOrder(RuleBasedStateMachine):
    """Uploads, transcripts, workers, deaths and retries come in any order, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.job: Job = announced(
            owner="ana",
            title="t",
            media=Media(key=VIDEO, bytes=1),
            now=NOW,
            job_id=JOB_ID,
            published=True,
        )
        self.before = self.job.status
        self.place: int | None = None
        self.shown = False
        """By the index, when it was last looked at."""
        self.was_withdrawn = False

    def _try(self, step) -> None:  # type: ignore[no-untyped-def]
        self.before = self.job.status
        try:
            self.job = step()
        except (Conflict, Settled):
            return

    @rule(spell=st.integers(1, 200))
    def time_passes(self, spell: int) -> None:
        self.now += timedelta(seconds=spell)
        self.before = self.job.status

    @rule(etag=st.sampled_from("ab"), stage=st.sampled_from([TRANSCRIBE, STATS]))
    def content_arrives(self, etag: str, stage) -> None:  # type: ignore[no-untyped-def]
        key = VIDEO if stage is TRANSCRIBE else TRANSCRIPT
        unit = Unit(job_id=JOB_ID, stage_name=stage.name, key=key, etag=etag)
        self._try(lambda: self.job.queued(unit, self.now))

    @rule(worker=st.sampled_from("xy"), stage=st.sampled_from(["transcribe", "stats"]))
    def worker_claims(self, worker: str, stage: str) -> None:
        unit = self.job.units.get(stage)
        claim = Claim(worker=worker, until=self.now.timestamp() + 60)
        if unit is not None:
            self._try(lambda: self.job.claimed(unit, claim, self.now))

    @rule()
    def worker_finishes(self) -> None:
        if self.job.status is Status.TRANSCRIBING:
            self._try(
                lambda: self.job.transcribed(
                    self.now, duration=1, language="en", speakers_count=1, warnings=[]
                )
            )
        elif self.job.status is Status.ANALYZING:
            figures = Figures(duration=1, speaking_time=1, words=1, speakers=1)
            self._try(lambda: self.job.completed(figures, self.now))

    @rule(etag=st.sampled_from("ab"))
    def everything_goes_well(self, etag: str) -> None:
        for stage in (TRANSCRIBE, STATS):
            self.content_arrives(etag, stage)
            self.worker_claims("x", stage.name)
            self.worker_finishes()

    @rule()
    def worker_fails(self) -> None:
        self._try(lambda: self.job.failed(Fault(code="x", message="y"), self.now))

    @rule()
    def unit_is_given_back(self) -> None:
        if self.job.stage:
            self._try(lambda: self.job.requeued(self.now))

    @rule()
    def unit_is_postponed(self) -> None:
        fault = Fault(code="x", message="y")
        later = self.now + timedelta(minutes=5)
        self._try(lambda: self.job.postponed(fault, later, self.now))

    @rule(place=st.integers(0, 9))
    def the_index_shows_it(self, place: int) -> None:
        self.before = self.job.status
        if self.job.is_listed:
            self.job = self.job.placed(place)
            self.place = place if self.place is None else self.place
        self.shown = self.job.is_listed
        if self.job.status in ENDS:
            self.job = self.job.indexed()

    @rule(what=st.sampled_from([Job.unpublished, Job.republished]))
    def somebody_withdraws_it(self, what) -> None:  # type: ignore[no-untyped-def]
        self.was_withdrawn = True
        self._try(lambda: what(self.job, self.now))

    @precondition(lambda self: self.job.figures is not None)
    @rule()
    def somebody_deletes_it(self) -> None:
        self.was_withdrawn = True
        self._try(lambda: self.job.deleted(self.now))

    @rule()
    def somebody_cancels_it(self) -> None:
        self._try(lambda: self.job.cancelled(self.now))

    @invariant()
    def keeps_its_place(self) -> None:
        assert self.job.place == self.place

    @invariant()
    def what_is_deleted_is_not_listed(self) -> None:
        assert not (self.job.is_listed and self.job.status is Status.DELETED)

    @invariant()
    def moves_only_along_the_table(self) -> None:
        moved = self.job.status is not self.before
        assert not moved or self.job.status in TRANSITIONS[self.before]

    @invariant()
    def what_is_not_over_is_looked_at_some_day(self) -> None:
        assert self.job.status in ENDS or self.job.check_at is not None

    @invariant()
    def what_is_over_is_looked_at_until_the_index_is_right(self) -> None:
        if self.job.status in ENDS and self.job.check_at is None:
            assert self.shown is self.job.is_listed

    @invariant()
    def what_never_was_counted_is_not_looked_at_when_it_has_failed(self) -> None:
        if self.job.status in (Status.FAILED, Status.CANCELLED) and self.job.is_public:
            counted = self.job.figures is not None or self.job.place is not None
            assert counted or self.job.check_at is None or self.was_withdrawn

    @invariant()
    def only_a_job_in_hand_has_a_claim_and_one_in_a_stage_a_unit(self) -> None:
        running = self.job.status in (Status.TRANSCRIBING, Status.ANALYZING)
        assert (self.job.claim is not None) == running
        assert (self.job.stage is None) or self.job.unit is not None

    @invariant()
    def a_row_survives_its_json(self) -> None:
        assert Job.model_validate_json(self.job.model_dump_json()) == self.job


AnyOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase


@pytest.mark.parametrize(
    "end",
    [
        lambda job: job.cancelled(NOW),
        lambda job: job.failed(Fault(code="x", message="y"), NOW),
        lambda job: job.unpublished(NOW).cancelled(NOW),
    ],
    ids=["cancelled", "failed", "withdrawn and cancelled"],
)
def test_what_was_counted_before_is_still_owed_to_the_index(end: Callable[[Job], Job]) -> None:
    """Whoever asked for it to be published may have died before."""
    chain = AnyOrder()
    chain.everything_goes_well("a")
    assert chain.job.is_listed
    chain.content_arrives("b", TRANSCRIBE)
    assert end(chain.job).check_at is not None
