"""Who had how much of the time, beside what would be even and what was agreed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from batch_images.stats.debate import Debate
from batch_images.stats.intervals import NO_TIME, length, within
from debate_analyzer.statistics import Balance, DebateBalance, SideBalance, SlotBalance

MODERATOR, DEBATER = "moderator", "debater"


@dataclass(frozen=True)
class Slot:
    """Speaking time that was agreed: `seconds` in all, or between `start` and `end`."""

    speaker: str
    seconds: float
    name: str | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class People:
    """What people have said about the speakers, by label."""

    names: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    sides: Mapping[str, str] = field(default_factory=dict)
    agreed: Sequence[Slot] = ()

    def debaters(self, speakers: Sequence[str]) -> list[str]:
        """Those whose shares are compared: all but moderators and audience."""
        return [name for name in speakers if self.roles.get(name, DEBATER) == DEBATER]


def speaker_balances(debate: Debate, people: People) -> dict[str, Balance]:
    """By label, for those who debate."""
    debaters = people.debaters(debate.speakers)
    times = _times(debate)
    total = sum(times[name] for name in debaters)
    if not total:
        return {}
    even = 1 / len(debaters)
    return {
        name: Balance(even_share=even, difference=times[name] / total - even) for name in debaters
    }


def debate_balance(debate: Debate, people: People) -> DebateBalance:
    debaters = people.debaters(debate.speakers)
    times = _times(debate)
    return DebateBalance(
        evenness=_evenness([times[name] for name in debaters]),
        sides=_sides(times, debaters, people),
        agreed=_agreed(debate, people),
    )


def _times(debate: Debate) -> dict[str, float]:
    return dict(zip(debate.speakers, debate.speaking_time.tolist(), strict=True))


def _evenness(times: Sequence[float]) -> float | None:
    """Pielou (1966), doi:10.1016/0022-5193(66)90013-0."""
    total = sum(times)
    if len(times) < 2 or not total:
        return None
    shares = [time / total for time in times if time]
    return sum(share * math.log(1 / share) for share in shares) / math.log(len(times))


def _sides(
    times: Mapping[str, float], debaters: Sequence[str], people: People
) -> list[SideBalance]:
    taking_sides = [name for name in debaters if name in people.sides]
    total = sum(times[name] for name in taking_sides)
    sides = []
    for side in sorted({people.sides[name] for name in taking_sides}):
        members = [name for name in taking_sides if people.sides[name] == side]
        time = sum(times[name] for name in members)
        sides.append(
            SideBalance(
                side=side,
                speakers=members,
                speaking_time=time,
                share=time / total if total else 0.0,
                headcount_share=len(members) / len(taking_sides),
            )
        )
    return sides


def _agreed(debate: Debate, people: People) -> list[SlotBalance]:
    """Of everybody who was to speak, be it that nothing is heard of him or her."""
    speech = dict(zip(debate.speakers, debate.speech, strict=True))
    used = [
        length(
            within(
                speech.get(slot.speaker, NO_TIME),
                slot.start if slot.start is not None else 0.0,
                slot.end if slot.end is not None else debate.duration,
            )
        )
        for slot in people.agreed
    ]
    agreed_total, used_total = sum(slot.seconds for slot in people.agreed), sum(used)
    return [
        SlotBalance(
            name=slot.name,
            speaker=slot.speaker,
            start=slot.start,
            end=slot.end,
            agreed=slot.seconds,
            used=time,
            overrun=time - slot.seconds,
            agreed_share=slot.seconds / agreed_total if agreed_total else 0.0,
            used_share=time / used_total if used_total else 0.0,
        )
        for slot, time in zip(people.agreed, used, strict=True)
    ]
