"""Dead letters through the API: listed with reason and history, replayed, dropped."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from debate_analyzer import bootstrap, dead_letters
from debate_analyzer.job import FailedAttempt, Fault, announced, timestamp
from debate_analyzer.messages import note
from debate_analyzer.part import Part, part_job
from debate_analyzer.pipeline import STATS, Status
from debate_analyzer.unit import Unit
from tests.api.conftest import Answered, Api
from tests.world import JOB_ID, TRANSCRIPT, VIDEO, World

LETTER = "11111111-1111-4111-8111-111111111111"


@dataclass
class Desk:
    """The API as an operator asks it, and the queues behind it."""

    api: Api
    world: World
    called: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("PUBLISH", "EVENT", "TRANSCRIBE_ARRIVALS"):
            self._name(name, "DEAD_LETTERS")
        self._name("TRANSCRIBE_ARRIVALS", "QUEUE")
        self.api.environment["DOWNLOAD_DEAD_LETTERS_URL"] = self.world.import_letters.url
        self.api.environment["PUBLISH_QUEUE_URL"] = self.world.publish_queue.url
        for stage, queue in self.world.queues.items():
            key = stage.upper()
            self.api.environment |= {
                f"{key}_WORK_QUEUE_URL": queue.url,
                f"{key}_WORK_DEAD_LETTERS_URL": queue.dead_letters,
                f"{key}_BATCH_QUEUE": stage,
                f"{key}_JOB_DEFINITION": stage,
            }

    def _name(self, prefix: str, suffix: str) -> None:
        url = self.world.sqs.create_queue(QueueName=f"{prefix}-{suffix}".lower())["QueueUrl"]
        self.api.environment[f"{prefix}_{suffix}_URL"] = url

    def __call__(self, method: str, path: str = "", **query: Any) -> Answered:
        return self.api(method, f"/api/failures{path}", groups="[operator]", **query)

    def bury(self, name: str, body: str, **attributes: str) -> str:
        """The id of a letter that lies among the queue's."""
        said = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
        sent = self.world.sqs.send_message(
            QueueUrl=self.api.environment[f"{name}_DEAD_LETTERS_URL"],
            MessageBody=body,
            MessageAttributes=said,
        )
        return str(sent["MessageId"])

    def letters(self, queue: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("GET", f"/{queue}").body["letters"]
        return found

    def queued(self, variable: str) -> list[str]:
        return self.world._bodies(self.api.environment[variable])


@pytest.fixture
def desk(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(api, world)

    class Remembering:
        def call(self, arn: str, event: Any) -> None:
            desk.called.append((arn, event))

    real = bootstrap.dead_letters

    def composed(settings: Any) -> dead_letters.DeadLetters:
        made = real(settings)
        return dead_letters.DeadLetters(
            boxes=made.boxes,
            ledger=world.ledger,
            table=world.table,
            dispatcher=world.dispatcher,
            imports=world.imports,
            functions=Remembering(),
            now=world.clock,
        )

    monkeypatch.setattr("debate_analyzer.api.failures.dead_letters", composed, raising=False)
    monkeypatch.setattr(bootstrap, "dead_letters", composed)
    monkeypatch.setattr("debate_analyzer.aws._LOOK_SECONDS", 600)
    monkeypatch.setattr("debate_analyzer.aws._WAIT_SECONDS", 0)  # moto has one server
    return desk


def given_up(world: World, key: str = VIDEO) -> Unit:
    """A debate whose last attempt failed, with its letter."""
    world.drop(key)
    unit = world.arrive(key)
    assert unit is not None
    world.waiting(unit.stage)
    tried = FailedAttempt(code="network", message="OSError: away", at=world.clock())
    world.queues[unit.stage_name].bury(unit.model_dump_json(), [tried] * 4)
    world.table.replace(
        world.job().failed(Fault(code="network", message="It failed."), world.clock())
    )
    return unit


# --- who may look ---------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", ["", "[readers]"])
def test_whoever_runs_nothing_is_shown_nothing(desk: Desk, groups: str) -> None:
    desk.bury("PUBLISH", "{}")
    assert desk.api("GET", "/api/failures", groups=groups).body == {"queues": []}
    for method, path in [
        ("GET", "/publish"),
        ("DELETE", "/publish"),
        ("POST", "/publish/replay"),
        ("GET", f"/publish/{LETTER}"),
        ("DELETE", f"/publish/{LETTER}"),
        ("POST", f"/publish/{LETTER}/replay"),
    ]:
        answer = desk.api(method, f"/api/failures{path}", groups=groups)
        assert (answer.status, answer.body["code"]) == (403, "forbidden"), path
    assert len(desk.letters("publish")) == 1


def test_where_nobody_signs_in_nobody_is_shown_any(desk: Desk) -> None:
    desk.api.environment["ACCESS"] = "anonymous"
    assert desk("GET").body == {"queues": []}
    assert desk("GET", "/publish").status == 403


def test_admins_may_too(desk: Desk) -> None:
    assert desk.api("GET", "/api/failures/publish", groups="[admin]").status == 200


# --- what is shown --------------------------------------------------------------------------------


def test_queues_are_listed_with_how_many_letters_they_have(desk: Desk) -> None:
    desk.bury("PUBLISH", "{}")
    desk.bury("PUBLISH", "{}")
    assert desk("GET").body["queues"] == [
        {"queue": "transcribe-arrivals", "letters": 0},
        {"queue": "transcribe-work", "letters": 0},
        {"queue": "stats-work", "letters": 0},
        {"queue": "downloads", "letters": 0},
        {"queue": "publish", "letters": 2},
        {"queue": "events", "letters": 0},
    ]


def test_a_letter_says_what_why_and_when_it_was_tried(desk: Desk, world: World) -> None:
    body = json.dumps({"job_id": JOB_ID})
    letter_id = desk.bury("PUBLISH", body)
    for number in (1, 2):
        attempt = FailedAttempt(code=f"code_{number}", message="It failed.", at=world.clock())
        note(world.ledger, letter_id, number, attempt)

    [letter] = desk.letters("publish")

    assert letter["letter_id"] == letter_id
    assert (letter["body"], letter["is_cut"], letter["bytes"]) == (body, False, len(body))
    assert letter["reason"] == {"code": "code_2", "message": "It failed."}
    assert [each["code"] for each in letter["attempts"]] == ["code_1", "code_2"]
    assert letter["attempts"][0]["at"] == timestamp(world.clock())
    assert (letter["job_id"], letter["job_status"]) == (JOB_ID, None)
    assert desk("GET", f"/publish/{letter_id}").body == letter


def test_of_what_nobody_survived_it_is_said_so(desk: Desk) -> None:
    desk.bury("PUBLISH", "{}")
    [letter] = desk.letters("publish")
    assert letter["reason"]["code"] == "unknown"
    assert letter["attempts"] == []


def test_to_look_takes_nothing_away_and_hides_nothing_from_the_next(desk: Desk) -> None:
    """Nobody waits for a visibility timeout, which is long here."""
    ids = {desk.bury("PUBLISH", str(number)) for number in range(23)}
    for _ in range(2):
        shown = desk("GET", "/publish", limit=50).body["letters"]
        assert {letter["letter_id"] for letter in shown} == ids
    assert len(desk("GET", "/publish", limit=3).body["letters"]) == 3
    assert desk("GET", f"/publish/{ids.pop()}").status == 200


@pytest.mark.parametrize("size", [256 * 1024, 1024 * 1024])
def test_a_message_as_large_as_sqs_takes_is_cut_short(desk: Desk, size: int) -> None:
    letter_id = desk.bury("PUBLISH", "x" * size)
    [listed] = desk.letters("publish")
    assert (len(listed["body"]), listed["is_cut"], listed["bytes"]) == (2000, True, size)
    assert len(desk("GET", f"/publish/{letter_id}").body["body"]) == 250_000


@pytest.mark.parametrize("path", ["/other", f"/publish/{LETTER}", "/events/1"])
def test_what_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    assert desk("GET", path).status == 404
    assert desk("DELETE", path).status == 404
    assert desk("POST", f"{path}/replay").status == 404


# --- units of work --------------------------------------------------------------------------------


def test_a_unit_that_was_given_up_is_worked_on_again(desk: Desk, world: World) -> None:
    unit = given_up(world)
    [letter] = desk.letters("transcribe-work")
    assert (letter["reason"]["code"], len(letter["attempts"])) == ("network", 4)
    assert letter["job_status"] == "FAILED"

    answer = desk("POST", f"/transcribe-work/{letter['letter_id']}/replay")

    assert answer.body == {"replayed": 1, "gone": 0, "kept": 0, "left": 0}
    assert (world.job().status, world.job().attempt) == (Status.QUEUED, 0)
    assert world.job().fault is None
    assert world.waiting() == [unit]
    assert desk("POST", f"/transcribe-work/{letter['letter_id']}/replay").status == 404


def test_two_replays_at_the_same_moment_have_one_effect(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first dies before the letter goes: the second finds it once more."""
    unit = given_up(world)
    [letter] = desk.letters("transcribe-work")
    path = f"/transcribe-work/{letter['letter_id']}/replay"

    class Dead(BaseException):
        """As if the process had been killed."""

    def die(*_: Any) -> None:
        raise Dead

    with monkeypatch.context() as patched:
        patched.setattr("debate_analyzer.aws.SqsOpenLetterBox.remove", die)
        with pytest.raises(Dead):
            desk("POST", path)
    assert desk("POST", path).body["replayed"] == 1

    assert set(world.waiting()) == {unit}
    assert world.job().round == 2
    assert desk.letters("transcribe-work") == []


def test_an_import_that_was_given_up_is_begun_again(desk: Desk, world: World) -> None:
    told = {"VIDEO_URL": "https://videos.example/debate"}
    asked = announced(
        owner="u-1", title="", media=None, now=world.clock(), job_id=JOB_ID, published=True
    )
    world.imports.start(asked, told, world.clock())
    world.table.replace(world.job().model_copy(update={"attempt": 4}))
    world.imports.ended(JOB_ID, "import-1", world.clock())
    assert world.job().status is Status.FAILED

    [letter] = desk.letters("downloads")
    assert (letter["job_id"], letter["reason"]["code"]) == (JOB_ID, "worker_lost")
    assert json.loads(letter["body"])["import"] == told
    assert desk("POST", f"/downloads/{letter['letter_id']}/replay").body["replayed"] == 1

    assert (world.job().status, world.job().attempt) == (Status.UPLOADING, 1)
    assert world.importers.started[1:] == [{"JOB_ID": JOB_ID} | told]
    assert desk.letters("downloads") == []
    desk.bury("DOWNLOAD", "of no debate")
    assert desk("POST", "/downloads/replay").body["kept"] == 1


def test_of_a_part_the_whole_recording_is_worked_on_again(desk: Desk, world: World) -> None:
    world.drop(VIDEO)
    unit = world.arrive()
    assert unit is not None
    world.waiting()
    part = part_job(Part(JOB_ID, 1, 0), world.job(), world.clock())
    piece = unit.model_copy(update={"job_id": part.job_id, "key": f"jobs/{JOB_ID}/parts/1-0.flac"})
    world.queues["transcribe"].bury(piece.model_dump_json(), [])
    world.table.replace(world.job().failed(Fault(code="x", message="y"), world.clock()))

    [letter] = desk.letters("transcribe-work")
    assert letter["job_id"] == JOB_ID
    desk("POST", "/transcribe-work/replay")

    assert world.job().status is Status.QUEUED
    assert world.waiting() == [unit]


def test_a_letter_of_a_deleted_debate_is_told_as_such_and_does_nothing(
    desk: Desk, world: World
) -> None:
    given_up(world)
    world.table.replace(world.job().deleted(world.clock()))
    [letter] = desk.letters("transcribe-work")
    assert letter["job_status"] == "DELETED"

    assert desk("POST", "/transcribe-work/replay").body == {
        "replayed": 0,
        "gone": 1,
        "kept": 0,
        "left": 0,
    }
    assert world.waiting() == []
    assert world.job().status is Status.DELETED
    assert desk.letters("transcribe-work") == []


def test_what_has_moved_on_meanwhile_is_left_as_it_is(desk: Desk, world: World) -> None:
    unit = given_up(world, TRANSCRIPT)
    owed = world.job().units[STATS.name]
    world.table.replace(world.job().queued(owed, world.clock()))
    desk("POST", "/stats-work/replay")
    assert (world.job().status, world.job().round) == (Status.STATS_QUEUED, 2)
    assert world.waiting(STATS) == [unit]


def test_a_message_that_is_no_unit_goes_back_as_it_is(desk: Desk) -> None:
    desk.bury("TRANSCRIBE_WORK", "no unit")
    assert desk("POST", "/transcribe-work/replay").body["replayed"] == 1
    assert desk.queued("TRANSCRIBE_WORK_QUEUE_URL") == ["no unit"]


# --- other messages -------------------------------------------------------------------------------


def test_replaying_all_takes_a_hundred_at_a_time(desk: Desk) -> None:
    for number in range(105):
        desk.bury("TRANSCRIBE_ARRIVALS", str(number))
    assert desk("POST", "/transcribe-arrivals/replay").body == {
        "replayed": 100,
        "gone": 0,
        "kept": 0,
        "left": 5,
    }
    assert desk("POST", "/transcribe-arrivals/replay").body["replayed"] == 5
    sent = desk.queued("TRANSCRIBE_ARRIVALS_QUEUE_URL")
    assert sorted(map(int, sent)) == list(range(105))


def test_one_is_dropped_or_all(desk: Desk) -> None:
    ids = [desk.bury("PUBLISH", str(number)) for number in range(4)]
    assert desk("DELETE", f"/publish/{ids[2]}").body == {"dropped": 1, "left": 3}
    assert {each["letter_id"] for each in desk.letters("publish")} == {*ids} - {ids[2]}
    assert desk("DELETE", "/publish").body == {"dropped": 3, "left": 0}
    assert desk.queued("PUBLISH_QUEUE_URL") == []


# --- events ---------------------------------------------------------------------------------------

ARN = "arn:aws:lambda:us-east-1:000000000000:function:track"
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
FAILED_ON = {
    "version": "1.0",
    "timestamp": "2026-11-21T12:00:00.000Z",
    "requestContext": {
        "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
        "functionArn": f"{ARN}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"detail": {"status": "FAILED"}},
    "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
    "responsePayload": {
        "errorType": "InvalidInput",
        "errorMessage": "Not a state change of Batch: jobId: Field required",
        "stackTrace": ["  File handler.py, line 29, in handler"],
    },
}
# https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html
STREAM = {
    "requestContext": {
        "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
        "functionArn": ARN,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 101,
    },
    "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
    "version": "1.0",
    "timestamp": "2026-11-21T12:00:00.000Z",
    "DDBStreamBatchInfo": {"shardId": "shardId-1", "startSequenceNumber": "80", "batchSize": 1},
}


def test_an_event_that_a_function_failed_on_is_given_to_it_again(desk: Desk) -> None:
    desk.bury("EVENT", json.dumps(FAILED_ON))
    [letter] = desk.letters("events")
    assert letter["reason"] == {
        "code": "InvalidInput",
        "message": "Not a state change of Batch: jobId: Field required",
    }
    assert json.loads(letter["body"]) == FAILED_ON["requestPayload"]
    assert "handler.py" not in json.dumps(letter)

    assert desk("POST", "/events/replay").body["replayed"] == 1
    assert desk.called == [(ARN, FAILED_ON["requestPayload"])]


def test_an_event_that_was_not_delivered_is_given_to_its_target(desk: Desk) -> None:
    event = {"source": "aws.batch", "detail": {}}
    desk.bury(
        "EVENT",
        json.dumps(event),
        TARGET_ARN=ARN,
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="Lambda did not let it in.",
    )
    [letter] = desk.letters("events")
    assert letter["reason"] == {"code": "NO_PERMISSIONS", "message": "Lambda did not let it in."}
    desk("POST", f"/events/{letter['letter_id']}/replay")
    assert desk.called == [(ARN, event)]


def test_records_of_a_stream_are_not_in_their_letter_which_stays(desk: Desk) -> None:
    desk.bury("EVENT", json.dumps(STREAM))
    [letter] = desk.letters("events")
    assert letter["reason"]["code"] == "RetryAttemptsExhausted"
    assert json.loads(letter["body"]) == {"DDBStreamBatchInfo": STREAM["DDBStreamBatchInfo"]}

    answer = desk("POST", f"/events/{letter['letter_id']}/replay")
    assert (answer.status, answer.body["code"]) == (409, "not_replayable")
    assert desk("POST", "/events/replay").body == {"replayed": 0, "gone": 0, "kept": 1, "left": 1}
    assert desk("DELETE", "/events").body["dropped"] == 1


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "{", "[" * 100_000, '{"requestContext": 7}', '{"requestContext": {}}'],
    ids=lambda body: body[:20],
)
def test_a_letter_that_makes_no_sense_is_shown_as_it_is(desk: Desk, body: str) -> None:
    desk.bury("EVENT", body or " ")
    [letter] = desk.letters("events")
    assert letter["reason"]["code"] == "unknown"
    assert desk("POST", "/events/replay").body["kept"] == 1


def test_an_event_that_was_not_delivered_and_is_none_stays(desk: Desk) -> None:
    desk.bury("EVENT", "no event", TARGET_ARN=ARN, ERROR_CODE="SDK_CLIENT_ERROR")
    assert desk("POST", "/events/replay").body["kept"] == 1


def test_a_history_that_is_none_is_passed_by(desk: Desk) -> None:
    desk.bury("PUBLISH", "{}", tried='[{"at": "yesterday"}]')
    assert desk.letters("publish")[0]["attempts"] == []


def test_a_new_debate_of_the_same_name_is_none_of_a_letter_s(desk: Desk, world: World) -> None:
    other = "8d9e6679-7425-40de-944b-e07fc1f90ae7"
    job = announced(
        owner="a", title="t", media=None, now=world.clock(), job_id=other, published=True
    )
    world.table.create(job)
    given_up(world)
    desk("POST", "/transcribe-work/replay")
    assert world.job(other).status is Status.UPLOADING
