"""The chain as a state machine: whatever people, faults and time have brought it to, once faults
stop every debate comes to COMPLETE, FAILED, CANCELLED or DELETED, as `judge` has it."""

from __future__ import annotations

import json
import os
import random
import uuid
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from debate_analyzer.job import Media, announced
from debate_analyzer.key import edits_key
from tests.faults.cloud import OWNER, Cloud, deployed
from tests.faults.engines import WORKS
from tests.faults.judge import Judge, Wish
from tests.faults.machine import Call, Fault, Machine
from tests.world import MOVING_PICTURES

_EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "15"))
_BOUND = timedelta(days=5)  # of virtual time: deletions are followed up for two
_LOST = ("transcribe-work", "stats-work", "publish")  # what the sweeper sends again
_MOST_DEBATES = 3

FAULTS = st.sampled_from([fault for fault in Fault if fault is not Fault.STOP])


class Chain(RuleBasedStateMachine):
    """`next` strikes the next call, of whomever."""

    def __init__(self) -> None:
        super().__init__()
        self.next: Fault | None = None
        self.wishes: list[Wish] = []
        self.edits = 0
        self.cloud = Cloud(Machine(random.Random(0), self._plan), WORKS, searches=False)
        self.stack = ExitStack()
        self.stack.enter_context(deployed(self.cloud))

    def _plan(self, call: Call) -> Fault | None:
        fault, self.next = self.next, None
        return fault

    @initialize()
    def begin(self) -> None:
        self._announce()

    @precondition(lambda self: len(self.wishes) < _MOST_DEBATES)
    @rule()
    def announce(self) -> None:
        self._announce()

    def _announce(self) -> None:
        wish = Wish(str(uuid.UUID(int=len(self.wishes) + 1, version=4)))
        media = Media(key=wish.key, bytes=len(_recording(0)), content_type="video/mp4")
        row = announced(
            owner=OWNER,
            title="t",
            media=media,
            now=self.cloud.machine.time,
            job_id=wish.job_id,
            published=True,
            notify=f"{wish.job_id}@example.org",
        )
        self.cloud.table.create(row)
        self.wishes.append(wish)
        self.upload(0, 0)

    @rule(which=st.integers(0, 2), version=st.integers(0, 2))
    def upload(self, which: int, version: int) -> None:
        wish = self.wishes[which % len(self.wishes)] if version else self.wishes[-1]
        if "delete" in wish.orders:
            return
        wish.recording = self.cloud.store.put(wish.key, _recording(version), "video/mp4")

    @rule(which=st.integers(0, 2))
    def edit(self, which: int) -> None:
        """Edits are a log, which only grows: none are as others were."""
        wish = self.wishes[which % len(self.wishes)]
        if "delete" in wish.orders:
            return
        self.edits += 1
        data = json.dumps({"version": self.edits}).encode()
        wish.edits = self.cloud.store.put(edits_key(wish.job_id), data, "application/json")

    @rule(which=st.integers(0, 2), what=st.sampled_from(["delete", "cancel", "retry", "withdraw"]))
    def order(self, which: int, what: str) -> None:
        wish = self.wishes[which % len(self.wishes)]
        path = f"/api/jobs/{wish.job_id}"
        wish.orders.add(what)
        asked: dict[str, tuple[str, str, Any]] = {
            "delete": ("DELETE", path, None),
            "cancel": ("POST", f"{path}/cancel", None),
            "retry": ("POST", f"{path}/retry", {"stage": "transcribe"}),
            "withdraw": ("PATCH", path, {"published": False}),
        }
        self.cloud.ask(*asked[what])

    @rule(fault=FAULTS)
    def strike(self, fault: Fault) -> None:
        self.next = fault

    @rule(turns=st.integers(1, 40))
    def go_on(self, turns: int) -> None:
        for _ in range(turns):
            self.cloud.step()

    @rule(minutes=st.integers(1, 200))
    def wait(self, minutes: int) -> None:
        self.cloud.go(timedelta(minutes=minutes))

    @precondition(lambda self: self.cloud.machine.processes)
    @rule(which=st.integers(0, 9))
    def kill(self, which: int) -> None:
        running = self.cloud.machine.processes
        process = running[which % len(running)]
        self.cloud.machine.faults.append((Call(process, "", "", False), Fault.KILL_BEFORE))
        self.cloud.machine.kill(process)

    @rule(name=st.sampled_from(_LOST), which=st.integers(0, 9))
    def lose(self, name: str, which: int) -> None:
        messages = self.cloud.queues[name].messages
        if messages:
            del messages[which % len(messages)]

    def teardown(self) -> None:
        self.next = None
        with self.stack:
            self.cloud.settle(within=_BOUND)
            Judge(self.cloud, self.wishes).judge()


def _recording(version: int) -> bytes:
    return MOVING_PICTURES + f"{version:04d}".encode()


TestChain = Chain.TestCase
TestChain.settings = settings(
    max_examples=_EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    # A failing example is short enough: to shrink it takes minutes, which looks like a hang.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
