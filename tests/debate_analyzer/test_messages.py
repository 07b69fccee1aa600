from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from debate_analyzer.aws import trouble_of
from debate_analyzer.errors import InvalidInput
from debate_analyzer.messages import Messages, attempts
from tests.world import World


@dataclass
class Written:
    """A logger that remembers."""

    lines: list[str] = field(default_factory=list)

    def set_correlation_id(self, value: str | None) -> None:
        self.lines.append(f"of {value}")

    def exception(self, msg: object, **more: Any) -> None:
        self.lines.append(f"{msg} {more['message_id']}")


def batch(*bodies: str, received: int = 1) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(received)},
            }
            for number, body in enumerate(bodies)
        ]
    }


def named(*ids: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": f"message-{number}"} for number in ids]}


def taken(world: World, log: Written | None = None) -> Messages:
    return Messages(world.ledger, trouble_of, world.clock, log or Written())


def test_of_ten_one_is_poison_and_nine_are_done(world: World) -> None:
    done: list[int] = []

    def handle(message: dict[str, Any]) -> None:
        done.append(json.loads(message["body"]))

    bodies = [*map(str, range(5)), "poison", *map(str, range(6, 10))]
    assert taken(world).each(batch(*bodies), handle) == named(5)
    assert done == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    [attempt] = attempts(world.ledger, "message-5")
    assert attempt.code == "internal"
    assert attempt.message.startswith("JSONDecodeError: Expecting value")
    assert attempts(world.ledger, "message-4") == []


def test_every_attempt_is_kept_with_its_time_and_reason_and_told_twice_is_once(
    world: World,
) -> None:
    def refuse(message: dict[str, Any]) -> None:
        raise errors.pop()

    errors = [ConnectionError("away"), MemoryError(), InvalidInput("No order."), InvalidInput("No")]
    for received in (1, 1, 2, 3):
        assert taken(world).each(batch("x", received=received), refuse) == named(0)
        world.clock.advance(minutes=3)
    told = attempts(world.ledger, "message-0")
    assert [each.code for each in told] == ["invalid_input", "out_of_memory", "network"]
    assert [each.message for each in told][:1] == ["No order."]
    assert [each.at.minute for each in told] == [3, 6, 9]
    world.clock.advance(days=15)
    assert attempts(world.ledger, "message-0") == []


def test_a_message_may_come_back_with_nothing_wrong(world: World) -> None:
    assert taken(world).each(batch("a", "b"), lambda m: m["body"] == "b") == named(1)
    assert attempts(world.ledger, "message-1") == []


def test_together_only_what_cannot_be_read_stays_behind(world: World) -> None:
    got: list[list[int]] = []
    assert taken(world).together(batch("1", "?", "3"), int, got.append, of=str) == named(1)
    assert got == [[1, 3]]
    assert [each.code for each in attempts(world.ledger, "message-1")] == ["internal"]


def test_together_all_come_back_with_the_reason_when_they_fail_together(world: World) -> None:
    def fail(numbers: list[int]) -> None:
        raise TimeoutError("too slow")

    log = Written()
    messages = taken(world, log)
    assert messages.together(batch("1", "?", "3"), int, fail, of=str) == named(0, 1, 2)
    codes = [attempts(world.ledger, f"message-{n}")[0].code for n in range(3)]
    assert codes == ["network", "internal", "network"]
    said = [line for line in log.lines if line.startswith("failed")]
    assert said == [f"failed message-{n}" for n in (1, 0, 2)]
    assert [log.lines[log.lines.index(line) - 1] for line in said] == ["of None", "of 1", "of 3"]


def test_what_was_said_of_one_message_is_not_said_of_the_next(world: World) -> None:
    log = Written()

    def handle(message: dict[str, Any]) -> None:
        if message["body"] == "first":
            log.set_correlation_id("first")

    taken(world, log).each(batch("first", "second"), handle)
    assert log.lines == ["of None", "of first", "of None"]


def test_a_message_comes_back_though_its_reason_cannot_be_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("the ledger is away")

    monkeypatch.setattr(type(world.ledger), "put", refuse)
    log = Written()
    assert taken(world, log).each(batch("x", "1"), lambda m: bool(int(m["body"]) > 1)) == named(0)
    assert log.lines[1:3] == ["failed message-0", "the reason is in this log alone message-0"]
