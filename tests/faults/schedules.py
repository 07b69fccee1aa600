"""Random schedules: `python -m tests.faults.schedules 10000 [first seed]`.

A schedule is a few debates, what people do with them and when, and what goes wrong: events that
come twice, late and out of order, calls that fail, calls whose answers are lost, processes that are
killed, stopped or asleep for minutes, all while up to a dozen processes take turns at every call of
AWS. Then nothing goes wrong any more, and what is left at the end is compared with what people
wanted. A seed makes one schedule.
"""

from __future__ import annotations

import json
import platform
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from debate_analyzer.job import Media, announced
from debate_analyzer.key import edits_key
from debate_analyzer.pipeline import Status
from tests.faults.cloud import OWNER, Cloud, deployed
from tests.faults.engines import WORKS
from tests.faults.judge import Judge, Wish
from tests.faults.machine import NOON, Call, Fault, Machine
from tests.world import MOVING_PICTURES

_CALLS = 250  # of a usual schedule
_FAULTS = (0, 0, 1, 1, 2, 3, 3, 5, 8)
_PATIENCE = timedelta(days=5)  # a deletion is followed up for two


@dataclass
class Plan:
    """Which calls, counted over all processes, go wrong in which way."""

    strikes: dict[int, Fault]
    count: int = 0

    def __call__(self, call: Call) -> Fault | None:
        self.count += 1
        fault = self.strikes.get(self.count)
        if fault is Fault.STOP and call.port != "engine":
            return Fault.KILL_BEFORE  # Stopped comes to a worker that listens; others just die
        return fault


@dataclass(frozen=True)
class Outcome:
    """How a schedule ended. `posts` are what the receiver of webhooks got."""

    statuses: Counter[Status]
    faults: int
    calls: int
    dead: int
    writes: int
    posts: int


@dataclass
class Schedule:
    """`with_people`: who cancel, delete, retry, withdraw and edit meanwhile."""

    seed: int
    with_people: bool

    def __post_init__(self) -> None:
        draw = self.draw = random.Random(self.seed)
        faults = draw.choice(_FAULTS)
        strikes = {draw.randrange(_CALLS): draw.choice(list(Fault)) for _ in range(faults)}
        machine = Machine(random.Random(draw.getrandbits(64)), Plan(strikes))
        self.cloud = Cloud(
            machine,
            WORKS,
            repeats=draw.choice((0.0, 0.2, 0.6)),
            delays=draw.choice((0.0, 0.3)),
            searches=False,
        )
        self.wishes = [
            Wish(str(uuid.UUID(int=draw.getrandbits(128), version=4)))
            for _ in range(draw.choice((1, 1, 2, 3)))
        ]

    def run(self) -> Outcome:
        """Raises AssertionError with the seed where anything is not as it was wished."""
        cloud = self.cloud
        try:
            with deployed(cloud):
                for wish in self.wishes:
                    self._plan(wish)
                cloud.settle(within=_PATIENCE)
                Judge(cloud, self.wishes).judge()
        except Exception as error:
            struck = [
                f"{fault.name} at {call.process.kind}'s {call.port}.{call.method}"
                for call, fault in cloud.machine.faults
            ]
            kind = "people" if self.with_people else "plain"
            raise AssertionError(f"{kind} schedule {self.seed}: {error} [{struck}]") from error
        return Outcome(
            statuses=Counter(job.status for job in cloud.table.rows.values()),
            faults=len(cloud.machine.faults),
            calls=len(cloud.machine.calls),
            dead=sum(len(queue.dead) for queue in cloud.queues.values()),
            writes=len(cloud.table.writes),
            posts=len(cloud.posts),
        )

    # --- what people do ----------------------------------------------------------------------

    def _plan(self, wish: Wish) -> None:
        draw, cloud = self.draw, self.cloud
        if draw.random() < 0.7:
            media = Media(key=wish.key, bytes=len(_recording(0)), content_type="video/mp4")
            cloud.table.create(
                announced(
                    owner=OWNER,
                    title="t",
                    media=media,
                    now=NOON,
                    job_id=wish.job_id,
                    published=True,
                    notify=f"{wish.job_id}@example.org",
                )
            )
        for version in range(draw.choice((1, 1, 1, 2, 3))):
            self._at(0 if version == 0 else self._moment(), lambda v=version: self._upload(wish, v))
        for version in range(draw.choice((0, 0, 1, 2))):
            self._at(self._moment(), lambda v=version: self._edit(wish, v))
        if self.with_people:
            for _ in range(draw.choice((1, 1, 2, 3))):
                order = draw.choice(
                    ("delete", "cancel", "retry transcribe", "retry stats", "withdraw", "publish")
                )
                self._at(self._moment(), lambda order=order: self._order(wish, order))

    def _moment(self) -> float:
        """Mostly while the debate is worked on."""
        return self.draw.choice((0.0, self.draw.uniform(0, 200), self.draw.uniform(0, 4000)))

    def _at(self, seconds: float, act: object) -> None:
        self.cloud.plans.append((NOON + timedelta(seconds=seconds), act))  # type: ignore[arg-type]

    def _upload(self, wish: Wish, version: int) -> None:
        data = _recording(version)
        wish.recording = self.cloud.store.put(wish.key, data, "video/mp4")

    def _edit(self, wish: Wish, version: int) -> None:
        data = json.dumps({"version": version}).encode()
        wish.edits = self.cloud.store.put(edits_key(wish.job_id), data, "application/json")

    def _order(self, wish: Wish, order: str) -> None:
        what, *stage = order.split()
        path = f"/api/jobs/{wish.job_id}"
        method, path, body = {
            "delete": ("DELETE", path, None),
            "cancel": ("POST", f"{path}/cancel", None),
            "retry": ("POST", f"{path}/retry", {"stage": "".join(stage)}),
            "withdraw": ("PATCH", path, {"published": False}),
            "publish": ("PATCH", path, {"published": True}),
        }[what]

        def answered(answer: dict[str, Any]) -> None:
            if answer["statusCode"] < HTTPStatus.BAD_REQUEST:
                wish.granted.add(what)

        wish.orders.add(what)
        self.cloud.ask(method, path, body, answered)


def _recording(version: int) -> bytes:
    return MOVING_PICTURES + f"{version:04d}".encode()


def run(seeds: Iterable[int]) -> tuple[list[Outcome], list[str]]:
    """Every schedule twice, with people and without; those that went wrong by what did."""
    outcomes, wrong = [], []
    for seed in seeds:
        for with_people in (False, True):
            try:
                outcomes.append(Schedule(seed, with_people).run())
            except AssertionError as error:
                wrong.append(str(error))
    return outcomes, wrong


def main(count: int, first: int = 0) -> int:
    began = time.monotonic()
    outcomes, wrong = run(range(first, first + (count + 1) // 2))
    statuses: Counter[Status] = sum((each.statuses for each in outcomes), Counter())
    ends = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    lines = [
        f"{len(outcomes) + len(wrong)} schedules from seed {first} on, half of them with people; "
        f"{time.monotonic() - began:.0f} s on {platform.machine()}",
        f"{sum(each.calls for each in outcomes)} calls of AWS, "
        f"{sum(each.faults for each in outcomes)} of which were struck; "
        f"{sum(each.writes for each in outcomes)} writes of rows",
        f"debates: {ends}",
        f"{sum(each.dead for each in outcomes)} dead letters, "
        f"{sum(each.posts for each in outcomes)} posts to webhooks",
        f"{len(wrong)} went wrong",
        *wrong,
    ]
    print("\n".join(lines))  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:] if each.isdecimal()]
    sys.exit(main(*numbers))
