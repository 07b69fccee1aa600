"""Every call of AWS that a story makes, struck once: `python -m tests.faults.boundaries`.

The story is told once without a fault, which counts its calls, and then once for each call and
each fault, in the same order up to that call. What is owed to anybody afterwards must be made good
by what AWS delivers again, and by the sweeper.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from debate_analyzer.worker import Process as Work
from tests.faults.cloud import Cloud, deployed
from tests.faults.engines import WORKS
from tests.faults.judge import Judge, Wish
from tests.faults.machine import Call, Fault, Machine
from tests.faults.stories import STORIES

Story = Callable[[Cloud], list[Wish]]
Works = Mapping[str, Callable[[Cloud], Work]]

KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
FAILURES = (Fault.FAIL_BEFORE, Fault.FAIL_AFTER, Fault.REFUSE_AFTER)


@dataclass
class Strike:
    """The `number`th call, from 0, and no other; none where it is negative."""

    number: int
    fault: Fault
    count: int = 0

    def __call__(self, call: Call) -> Fault | None:
        self.count += 1
        return self.fault if self.count - 1 == self.number else None


@dataclass
class Tally:
    """By what was struck: how often, and what went wrong."""

    struck: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def tell(story: Story, works: Works, plan: Callable[[Call], Fault | None]) -> Cloud:
    """As it is in the end. Raises AssertionError where that is not as it should be."""
    machine = Machine(random.Random(0), plan)
    cloud = Cloud(machine, works)
    with deployed(cloud):
        Judge(cloud, story(cloud)).judge()
    return cloud


def strike_all(
    name: str,
    *,
    story: Story | None = None,
    works: Works = WORKS,
    faults: tuple[Fault, ...] = KILLS,
    only: Callable[[Call], bool] = lambda call: True,
) -> Tally:
    """Each call of a story that `only` lets through, with each fault."""
    told = story or STORIES[name]
    tally = Tally()
    calls = tell(told, works, lambda call: None).machine.calls
    for number, call, fault in _strikes(calls, faults, only):
        what = f"{call.process.kind} {call.port}.{call.method}"
        tally.struck[call.process.kind] += 1
        try:
            tell(told, works, Strike(number, fault))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and the rest is tried
            tally.wrong.append(f"{name}: {fault.name} at call {number}, {what}: {error}")
    return tally


def _strikes(
    calls: list[Call], faults: tuple[Fault, ...], only: Callable[[Call], bool]
) -> Iterator[tuple[int, Call, Fault]]:
    for number, call in enumerate(calls):
        if only(call):
            yield from ((number, call, fault) for fault in faults)


def main(*names: str) -> int:
    began = time.monotonic()
    total: Counter[str] = Counter()
    wrong: list[str] = []
    for name in names or STORIES:
        tally = strike_all(name, faults=(*KILLS, *FAILURES))
        total += tally.struck
        wrong += tally.wrong
        strikes = tally.struck.total()
        print(f"{name}: {strikes} strikes, {len(tally.wrong)} went wrong")  # noqa: T201
    for kind, strikes in sorted(total.items()):
        print(f"  {kind}: {strikes}")  # noqa: T201
    seconds = time.monotonic() - began
    print(f"{total.total()} strikes in {seconds:.0f} s, {len(wrong)} went wrong", *wrong, sep="\n")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
