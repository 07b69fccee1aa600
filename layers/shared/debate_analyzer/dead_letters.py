"""Dead letters: what a queue gave up, why, and what is to become of it.

Where the reason comes from, the first that there is:
- `tried`, a message attribute of what one of us put there (`ports.WorkQueue.bury`);
- the ledger, where whoever received the message noted each failure under its id (`messages`), which
  SQS keeps when it moves a message;
- what EventBridge and Lambda say of an event that they could not deliver, or that failed.
Where nobody said why, whoever took it died of it, or ran out of time.

To look is to receive: for the moment of a look nobody else is shown the letters. Two who look at
once may each see a part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from debate_analyzer.change import change
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.errors import NotFound, NotReplayable
from debate_analyzer.importing import Imports
from debate_analyzer.job import FailedAttempt, Fault, Job, Timestamp
from debate_analyzer.messages import attempts
from debate_analyzer.part import whole_of
from debate_analyzer.pipeline import STAGES, Status
from debate_analyzer.ports import (
    DeadMessage,
    Functions,
    JobTable,
    Ledger,
    LetterBox,
    OpenLetterBox,
)
from debate_analyzer.unit import Unit

EVENTS = "events"
DOWNLOADS = "downloads"
WORK = {f"{name}-work": stage for name, stage in STAGES.items()}
AT_ONCE = 100
"""Letters that one call replays or drops, at most: an API function has half a minute."""
SHOWN = 2_000
"""Characters of a letter's body in a list."""
SHOWN_WHOLE = 250_000
"""Characters of one that is opened. SQS takes a mebibyte, JSON may need six times as much, and
Lambda answers with 6 MB."""

_LOOKED_THROUGH = 1_000
_JOB = re.compile(
    r'(?:jobs/|"(?:job_id|subject)"\s*:\s*")'
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)
_UNKNOWN = Fault(
    code="unknown",
    message="Nobody said why: whoever took it died, or ran out of time.",
)
_TRIED = TypeAdapter(list[FailedAttempt])


class Fate(StrEnum):
    """What a replay has come to."""

    REPLAYED = "replayed"
    GONE = "gone"
    """Its debate was deleted: there is nothing to be done, and the letter went."""
    KEPT = "kept"
    """It cannot be replayed, and lies where it lay."""


class Letter(BaseModel):
    """A dead letter. `attempts` say when it failed and why, as far as anybody knows."""

    queue: str
    letter_id: str
    reason: Fault
    job_id: str | None
    job_status: Status | None = Field(description="null where the debate is not known")
    sent_at: Timestamp = Field(description="when it was first put on its queue")
    attempts: list[FailedAttempt]
    bytes: int
    body: str = Field(description="as far as it is shown")
    is_cut: bool


class QueueView(BaseModel):
    """A queue, and how many dead letters it has, approximately."""

    queue: str
    letters: int


class Replay(BaseModel):
    """How many letters met which fate. `left` is approximate."""

    replayed: int = 0
    gone: int = 0
    kept: int = 0
    left: int = 0


class Drop(BaseModel):
    """How many letters were dropped. `left` is approximate."""

    dropped: int
    left: int


@dataclass(frozen=True)
class DeadLetters:
    """`boxes` by the queue's name."""

    boxes: Mapping[str, LetterBox]
    ledger: Ledger
    table: JobTable
    dispatcher: Dispatcher
    imports: Imports
    functions: Functions
    now: Callable[[], datetime]

    # --- looking ---------------------------------------------------------------------------------

    def queues(self) -> list[QueueView]:
        return [QueueView(queue=name, letters=box.count()) for name, box in self.boxes.items()]

    def letters(self, queue: str, limit: int) -> list[Letter]:
        """Some of a queue's, at most `limit`. Raises NotFound for a queue that there is not."""
        with self._box(queue).open() as box:
            found = list(islice(iter(box.next, None), limit))
        jobs = {job.job_id: job for job in self.table.get_many(filter(None, map(job_of, found)))}
        return [self._letter(queue, one, jobs.get(job_of(one) or ""), SHOWN) for one in found]

    def letter(self, queue: str, letter_id: str) -> Letter:
        """One of them. Raises NotFound."""
        with self._box(queue).open() as box:
            found = _search(box, letter_id)
        return self._letter(queue, found, self._job(found), SHOWN_WHOLE)

    def _letter(self, queue: str, found: DeadMessage, job: Job | None, shown: int) -> Letter:
        tried = _tried(found) or attempts(self.ledger, found.letter_id)
        said = tried[-1] if tried else _said_by_aws(found) or _UNKNOWN
        body = _payload(found) if queue == EVENTS else found.body
        return Letter(
            queue=queue,
            letter_id=found.letter_id,
            reason=Fault(code=said.code, message=said.message),
            job_id=job_of(found),
            job_status=job.status if job else None,
            sent_at=found.sent_at,
            attempts=tried,
            bytes=len(body.encode()),
            body=body[:shown],
            is_cut=len(body) > shown,
        )

    # --- replaying -------------------------------------------------------------------------------

    def replay(self, queue: str, letter_id: str) -> Replay:
        """Have one done again. Raises NotFound, and NotReplayable."""
        with self._box(queue).open() as box:
            fate = self._replay(queue, box, _search(box, letter_id))
        return Replay(**{fate.value: 1}, left=self._box(queue).count())

    def replay_all(self, queue: str) -> Replay:
        """Have AT_ONCE of them done again. Raises NotFound for a queue that there is not."""
        fates = []
        with self._box(queue).open() as box:
            for found in islice(iter(box.next, None), AT_ONCE):
                try:
                    fates.append(self._replay(queue, box, found))
                except NotReplayable:
                    fates.append(Fate.KEPT)
        counts = {fate.value: fates.count(fate) for fate in Fate}
        return Replay(**counts, left=self._box(queue).count())

    def _replay(self, queue: str, box: OpenLetterBox, found: DeadMessage) -> Fate:
        """First on its way, then no letter any more: in between there are two of it, and whoever
        takes them does it once."""
        job = self._job(found)
        if job is not None and job.status is Status.DELETED:
            box.remove(found)
            return Fate.GONE
        if queue == EVENTS:
            arn, event = _call(found)
            self.functions.call(arn, event)
        elif queue == DOWNLOADS:
            self._bring(found)
        elif (unit := _unit(found)) and queue in WORK:
            self._again(unit)
        else:
            self.boxes[queue].send_back(found)
        box.remove(found)
        return Fate.REPLAYED

    def _bring(self, found: DeadMessage) -> None:
        job_id = job_of(found)
        if job_id is None:
            raise NotReplayable("The letter names no debate, so there is nothing to bring.")
        self.imports.revive(job_id, self.now())

    def _again(self, unit: Unit) -> None:
        """Put a job that was given up back to its queue, as a retry would; of any other status,
        the worker sees for itself whether there is anything to do. Of a part, the whole failed."""
        whole_id = whole_of(unit.job_id)

        def revived(job: Job) -> Job:
            owed = job.units.get(unit.stage_name)
            is_meant = owed == unit or whole_id != unit.job_id
            if job.status is Status.FAILED and owed is not None and is_meant:
                return job.queued(owed, self.now())
            return job

        try:
            job = change(self.table, whole_id, revived)
        except NotFound:
            return  # and nothing is owed to it
        self.dispatcher.send(unit if whole_id == unit.job_id else job.units[unit.stage_name])

    # --- dropping --------------------------------------------------------------------------------

    def drop(self, queue: str, letter_id: str) -> Drop:
        """One, for good. Raises NotFound."""
        with self._box(queue).open() as box:
            box.remove(_search(box, letter_id))
        return Drop(dropped=1, left=self._box(queue).count())

    def drop_all(self, queue: str) -> Drop:
        """AT_ONCE of them, for good. Raises NotFound for a queue that there is not."""
        dropped = 0
        with self._box(queue).open() as box:
            for found in islice(iter(box.next, None), AT_ONCE):
                box.remove(found)
                dropped += 1
        return Drop(dropped=dropped, left=self._box(queue).count())

    # --- pieces ----------------------------------------------------------------------------------

    def _box(self, queue: str) -> LetterBox:
        if queue not in self.boxes:
            raise NotFound(f"There is no queue {queue!r}. There are: {', '.join(self.boxes)}.")
        return self.boxes[queue]

    def _job(self, found: DeadMessage) -> Job | None:
        job_id = job_of(found)
        return self.table.get(job_id) if job_id else None


def job_of(found: DeadMessage) -> str | None:
    """The debate that a letter is about, as far as its text tells."""
    match = _JOB.search(found.body)
    return match[1] if match else None


def _search(box: OpenLetterBox, letter_id: str) -> DeadMessage:
    letters = islice(iter(box.next, None), _LOOKED_THROUGH)
    found = next((one for one in letters if one.letter_id == letter_id), None)
    if found is None:
        raise NotFound(
            "There is no such letter, or somebody else is looking at it: ask again in a minute."
        )
    return found


def _unit(found: DeadMessage) -> Unit | None:
    try:
        return Unit.model_validate_json(found.body)
    except ValidationError:
        return None


def _tried(found: DeadMessage) -> list[FailedAttempt]:
    try:
        return _TRIED.validate_json(found.attributes.get("tried", "[]"))
    except ValidationError:
        return []  # not by us


# --- events ---------------------------------------------------------------------------------------


def _record(found: DeadMessage) -> dict[str, Any]:
    """What Lambda says of an event that a function failed on; empty where EventBridge, which sends
    the event alone, could not deliver it.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    record = _json(found.body)
    is_one = isinstance(record, dict) and isinstance(record.get("requestContext"), dict)
    return record if is_one else {}


def _json(text: str) -> Any:
    """None for what is none, or nested too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _said_by_aws(found: DeadMessage) -> Fault | None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    if code := found.attributes.get("ERROR_CODE"):
        return Fault(code=code, message=found.attributes.get("ERROR_MESSAGE", code))
    record = _record(found)
    answer, context = record.get("responsePayload"), record.get("requestContext", {})
    if isinstance(answer, dict) and "errorMessage" in answer:
        return Fault(
            code=str(answer.get("errorType", "internal")), message=str(answer["errorMessage"])
        )
    if "condition" in context:
        code = str(context["condition"])
        return Fault(code=code, message=f"Lambda gave it up: {code}. The function's log says why.")
    return None


def _payload(found: DeadMessage) -> str:
    """The event, without what Lambda says of it, which may be a stack trace."""
    record = _record(found)
    return json.dumps(record.get("requestPayload", _batch(record))) if record else found.body


def _batch(record: dict[str, Any]) -> Any:
    """Where the records of a stream are that were given up: they are not in the letter."""
    return {name: record[name] for name in ("DDBStreamBatchInfo",) if name in record}


def _call(found: DeadMessage) -> tuple[str, JsonValue]:
    """The function, and the event that it is to take once more. Raises NotReplayable."""
    record = _record(found)
    if "requestPayload" in record:
        failed_on = str(record["requestContext"].get("functionArn", ""))
        return failed_on.removesuffix(":$LATEST"), record["requestPayload"]
    target, event = found.attributes.get("TARGET_ARN"), _json(found.body)
    if target and isinstance(event, dict):
        return target, event
    raise NotReplayable(
        "The letter does not hold the event that would have to come again. Where it tells of "
        "records of a stream, each debate's deliveries can be sent again."
    )
