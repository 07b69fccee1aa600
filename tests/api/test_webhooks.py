"""Webhooks through the API, from a subscription to the log of its deliveries."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest

from debate_analyzer import courier
from debate_analyzer.job import Fault
from debate_analyzer.webhook import MAX_WEBHOOKS, secret_of
from tests.api.conftest import Api
from tests.api.test_jobs import put
from tests.debate_analyzer.test_address import NOTATIONS, PRIVATE
from tests.world import JOB_ID, ROOT, World

HOOKS = "/api/webhooks"
LOG = f"/api/jobs/{JOB_ID}/deliveries"
BOB = "22222222-3333-4444-5555-666666666666"
WANTED = {"url": "https://hooks.example/told", "events": ["job.completed", "job.failed"]}
MASTER = "correct horse battery staple"


@pytest.fixture
def api(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    secret = boto3.client("secretsmanager", region_name="us-east-1").create_secret(
        Name="webhooks", SecretString=MASTER
    )
    queue = world.sqs.create_queue(QueueName="webhooks")["QueueUrl"]
    api.environment |= {"WEBHOOK_QUEUE_URL": queue, "WEBHOOK_SECRET_ARN": secret["ARN"]}
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    return api


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What receivers answer, one after the other; the last stays."""
    queued = [204]

    def post(url: str, headers: Any, body: bytes) -> int:
        return queued.pop(0) if len(queued) > 1 else queued[0]

    monkeypatch.setattr(courier, "post", post)
    return queued


def handler(name: str) -> ModuleType:
    path = ROOT / "functions" / name / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{name}_handler", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1, invoked_function_arn="a", aws_request_id="r"
)


def deliver(api: Api, world: World) -> list[str]:
    """The function with each message that is visible; those that are to come back."""
    url, again = api.environment["WEBHOOK_QUEUE_URL"], []
    while messages := world.sqs.receive_message(QueueUrl=url).get("Messages"):
        for message in messages:
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
            }
            answer = handler("deliver").handler({"Records": [record]}, CONTEXT)
            again += [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
            if not answer["batchItemFailures"]:
                world.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return again


def notify(record: dict[str, Any]) -> Any:
    return handler("notify").handler({"Records": [record]}, CONTEXT)


def ended(world: World) -> dict[str, Any]:
    """Ana's debate fails; what the table's stream says of it."""
    job = put(world, job_id=JOB_ID)
    before = _image(world)
    fault = Fault(code="no_speech", message="Nobody speaks.")
    world.table.replace(job.failed(fault, world.clock()))
    return {"dynamodb": {"OldImage": before, "NewImage": _image(world)}}


def _image(world: World) -> Any:
    key = {"job_id": {"S": JOB_ID}}
    return world.table.dynamodb.get_item(TableName=world.table.name, Key=key)["Item"]


def test_a_webhook_is_made_looked_at_and_deleted(api: Api) -> None:
    made = api("POST", HOOKS, WANTED)
    assert made.status == 201
    one = f"{HOOKS}/{made.body['webhook_id']}"

    assert made.body["url"] == WANTED["url"]
    assert api("GET", HOOKS).body == {"webhooks": [made.body]}
    assert api("GET", one).body == made.body
    assert api("DELETE", one).status == 204
    assert api("GET", one).status == 404
    assert api("DELETE", one).status == 404
    assert api("GET", HOOKS).body == {"webhooks": []}


def test_a_secret_is_its_owner_s_and_lies_in_no_table(api: Api, world: World) -> None:
    made = api("POST", HOOKS, WANTED, headers={"idempotency-key": "k"})
    secret = f"{HOOKS}/{made.body['webhook_id']}/secret"

    told = api("GET", secret).body["secret"]
    assert told == secret_of(made.body["webhook_id"], MASTER)
    assert api("GET", secret, sub=BOB).status == 404
    rows = world.table.dynamodb.scan(TableName=api.environment["LEDGER_TABLE"])["Items"]
    assert len(rows) >= 2  # the webhook, and the answer that is kept
    assert told.removeprefix("whsec_") not in json.dumps(rows, default=str)


@pytest.mark.parametrize("path", ["", "/secret", "/deliveries"])
def test_another_s_webhook_is_nowhere(api: Api, path: str) -> None:
    made = api("POST", HOOKS, WANTED)
    assert api("GET", f"{HOOKS}/{made.body['webhook_id']}{path}", sub=BOB).status == 404
    assert api("POST", f"{HOOKS}/{made.body['webhook_id']}/test", sub=BOB).status == 404


def test_where_nobody_signs_in_there_are_no_webhooks(api: Api) -> None:
    api.environment["ACCESS"] = "anonymous"
    for method, path, body in (
        ("POST", HOOKS, WANTED),
        ("GET", HOOKS, None),
        ("GET", f"{HOOKS}/x", None),
        ("POST", f"{HOOKS}/x/test", None),
    ):
        assert api(method, path, body, sub=None).status == 403


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://{f'[{a}]' if ':' in a else a}/" for a in PRIVATE),
        *(url.replace("http:", "https:", 1) for url in NOTATIONS),
        *("http://hooks.example/", "https://hooks.example:22/", "https://u:p@hooks.example/"),
        *("file:///etc/passwd", "", "https://", "gopher://hooks.example/"),
    ],
)
def test_a_hostile_url_is_refused(api: Api, url: str) -> None:
    answer = api("POST", HOOKS, WANTED | {"url": url})
    assert (answer.status, answer.body["code"]) == (422, "invalid_address")
    assert api("GET", HOOKS).body == {"webhooks": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": WANTED["url"]},
        WANTED | {"events": []},
        WANTED | {"events": ["webhook.test"]},
        WANTED | {"events": ["job.deleted"]},
        WANTED | {"secret": "mine"},
        WANTED | {"url": 1},
        "{",
    ],
)
def test_what_is_no_subscription_is_refused(api: Api, body: Any) -> None:
    assert api("POST", HOOKS, body).status == 400


def test_there_is_a_limit(api: Api) -> None:
    for _ in range(MAX_WEBHOOKS):
        assert api("POST", HOOKS, WANTED).status == 201
    assert api("POST", HOOKS, WANTED).status == 429
    assert api("POST", HOOKS, WANTED, sub=BOB).status == 201


def test_a_debate_s_end_is_told_and_logged(api: Api, world: World, answers: list[int]) -> None:
    answers[:] = [503, 204]
    webhook = api("POST", HOOKS, WANTED).body
    record = ended(world)
    assert notify(record) == {"deliveries": 1, "mails": 0}
    assert notify(record) == {
        "deliveries": 1,
        "mails": 0,
    }  # once more: the stream may repeat itself
    assert len(deliver(api, world)) == 2  # both are to come back: one has been tried, one waits

    [delivery] = api("GET", LOG).body["deliveries"]
    assert delivery["webhook_id"] == webhook["webhook_id"]
    assert (delivery["event"], delivery["state"]) == ("job.failed", "pending")
    [attempt] = delivery["attempts"]
    assert (attempt["number"], attempt["status_code"]) == (1, 503)
    assert attempt["next_at"] is not None
    assert api("GET", LOG, sub=BOB).status == 404
    assert "body" not in delivery


def test_what_is_written_later_is_not_told(api: Api, world: World) -> None:
    api("POST", HOOKS, WANTED)
    record = ended(world)
    after = record["dynamodb"]["NewImage"]
    assert notify({"dynamodb": {"OldImage": after, "NewImage": after}}) == {
        "deliveries": 0,
        "mails": 0,
    }
    assert notify({"dynamodb": {"OldImage": after}}) == {"deliveries": 0, "mails": 0}
    part = after | {"job_id": {"S": f"{JOB_ID}.1-0"}}
    before = record["dynamodb"]["OldImage"]
    assert notify({"dynamodb": {"OldImage": before, "NewImage": part}}) == {
        "deliveries": 0,
        "mails": 0,
    }


def test_a_test_is_sent_and_logged(api: Api, world: World, answers: list[int]) -> None:
    answers[:] = [410, 204]
    one = f"{HOOKS}/{api('POST', HOOKS, WANTED).body['webhook_id']}"
    for state, paused in (("failed", True), ("delivered", False)):
        sent = api("POST", f"{one}/test")
        assert (sent.status, sent.body["state"]) == (202, "pending")
        assert deliver(api, world) == []
        logged = api("GET", f"{one}/deliveries").body["deliveries"]
        assert {d["delivery_id"]: d["state"] for d in logged}[sent.body["delivery_id"]] == state
        assert (api("GET", one).body["paused_at"] is not None) is paused


def test_a_delivery_is_sent_once_more(api: Api, world: World, answers: list[int]) -> None:
    api("POST", HOOKS, WANTED)
    notify(ended(world))
    [waiting] = api("GET", LOG).body["deliveries"]
    again = f"{LOG}/{waiting['delivery_id']}/retry"
    assert api("POST", again).status == 409
    deliver(api, world)

    assert api("POST", again, sub=BOB).status == 404
    assert api("POST", f"{LOG}/msg_x/retry").status == 404
    assert api("POST", again).status == 202
    deliver(api, world)
    [delivery] = api("GET", LOG).body["deliveries"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["delivered"] * 2


def test_an_order_that_nobody_can_read_goes_to_the_dead_letters(api: Api) -> None:
    record = {"messageId": "m", "receiptHandle": "r", "body": "{}"}
    answer = handler("deliver").handler({"Records": [record]}, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}


def test_the_log_is_the_job_s_and_gone_with_it(api: Api, world: World) -> None:
    assert api("GET", LOG).status == 404
    put(world, job_id=JOB_ID)
    assert api("GET", LOG).body == {"deliveries": [], "next_cursor": None}
    assert api("GET", LOG, cursor="x").status == 422
    assert api("GET", LOG, limit=0).status == 400
