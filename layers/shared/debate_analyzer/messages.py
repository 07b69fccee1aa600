"""What every function does that a queue feeds: each message by itself, and what fails comes back.

Why a message failed is kept in the ledger, under its id, for as long as it may lie in a queue: SQS
moves it to the dead letters with its id and without a reason. See dead_letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from debate_analyzer.job import FailedAttempt
from debate_analyzer.ports import Ledger
from debate_analyzer.trouble import Namer, reason_of

KEPT = timedelta(days=14)  # as template.yaml keeps messages
_MOST_ATTEMPTS = 100  # a webhook's order is received fifty times

Message = dict[str, Any]
"""A record of an SQS event: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
Read = TypeVar("Read")


class Log(Protocol):
    """Powertools' Logger."""

    def set_correlation_id(self, value: str | None) -> None: ...

    def exception(self, msg: object, **more: Any) -> None: ...


@dataclass(frozen=True)
class Messages:
    """A batch's messages, each with a fate of its own.

    The answer names those that are to come back; after the queue's `maxReceiveCount` they are dead
    letters. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    ledger: Ledger
    trouble_of: Namer
    now: Callable[[], datetime]
    log: Log

    def each(
        self, event: dict[str, Any], handle: Callable[[Message], bool | None]
    ) -> dict[str, Any]:
        """One after the other. `handle` is true of a message that is to come back though nothing is
        wrong with it."""
        return _answer(m for m in event["Records"] if self._comes_back(m, handle))

    def together(
        self,
        event: dict[str, Any],
        read: Callable[[str], Read],
        handle: Callable[[list[Read]], object],
        *,
        of: Callable[[Read], str | None],
    ) -> dict[str, Any]:
        """All at once, but for those whose body cannot be read. `of` is the debate that a log line
        about one is of."""
        readable: list[tuple[Message, Read]] = []
        failed = []
        self.log.set_correlation_id(None)
        for message in event["Records"]:
            try:
                readable.append((message, read(message["body"])))
            except Exception as error:  # noqa: BLE001 - whatever one raises, the next is not to blame
                self._failed(message, error)
                failed.append(message)
        try:
            handle([what for _, what in readable])
        except Exception as error:  # noqa: BLE001 - all of them come back
            for message, what in readable:
                self.log.set_correlation_id(of(what))
                self._failed(message, error)
            return _answer(event["Records"])
        return _answer(failed)

    def _comes_back(self, message: Message, handle: Callable[[Message], bool | None]) -> bool:
        self.log.set_correlation_id(None)
        try:
            return bool(handle(message))
        except Exception as error:  # noqa: BLE001 - whatever one raises, the next is not to blame
            self._failed(message, error)
            return True

    def _failed(self, message: Message, error: Exception) -> None:
        self.log.exception("failed", message_id=message["messageId"], exc_info=error)
        reason = reason_of(error, self.trouble_of)
        try:
            note(
                self.ledger,
                message["messageId"],
                int(message["attributes"]["ApproximateReceiveCount"]),
                FailedAttempt(at=self.now(), **reason.model_dump()),
            )
        except Exception:  # the ledger may be what is out of order; the message comes back anyway
            self.log.exception("the reason is in this log alone", message_id=message["messageId"])


def note(ledger: Ledger, message_id: str, number: int, attempt: FailedAttempt) -> None:
    """That the message failed when it was received for the `number`th time; twice is once."""
    ledger.put(
        _of(message_id),
        f"{number:04d}",
        attempt.model_dump(mode="json"),
        expires_at=(attempt.at + KEPT).timestamp(),
    )


def attempts(ledger: Ledger, message_id: str) -> list[FailedAttempt]:
    """What was noted of the message, the first attempt first."""
    rows = ledger.list(_of(message_id), limit=_MOST_ATTEMPTS)
    return [FailedAttempt.model_validate(facts) for _, facts in rows]


def _of(message_id: str) -> str:
    return f"failures#{message_id}"


def _answer(again: Iterable[Message]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": each["messageId"]} for each in again]}
