"""The same request sent again, on moto's ledger."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from debate_analyzer import bootstrap
from debate_analyzer.api import idempotency
from debate_analyzer.api.answer import Answer
from debate_analyzer.api.operation import Operation
from debate_analyzer.config import Settings
from tests.api.conftest import Answered, Api
from tests.world import LEDGER, World

FILE = {"filename": "a.mp4", "size": 15}
KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def _announce(api: Api, body: Any = FILE, **asked: Any) -> Answered:
    return api("POST", "/api/uploads", body, **{"headers": KEY} | asked)


def _jobs(api: Api, sub: str) -> int:
    return len(api("GET", "/api/jobs", sub=sub).body["jobs"])


def test_what_is_sent_twice_is_done_once_and_answered_the_same(api: Api) -> None:
    first, second = _announce(api, sub="ana"), _announce(api, sub="ana")
    assert first.status == 201
    assert second == first
    assert _jobs(api, "ana") == 1


def test_the_key_counts_with_or_without_its_quotes(api: Api) -> None:
    first = _announce(api)
    again = _announce(api, headers={"idempotency-key": KEY["Idempotency-Key"].strip('"')})
    assert again == first


def test_without_a_key_it_is_done_again(api: Api) -> None:
    assert _announce(api, headers={}).body != _announce(api, headers={}).body


def test_a_key_is_its_caller_s(api: Api) -> None:
    _announce(api, sub="ana")
    _announce(api, sub="bob")
    assert (_jobs(api, "ana"), _jobs(api, "bob")) == (1, 1)


def test_where_nobody_signs_in_a_key_is_its_address_s(api: Api) -> None:
    api.environment["ACCESS"] = "anonymous"
    first = _announce(api, sub=None)
    assert _announce(api, sub=None, address="203.0.113.10").body != first.body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/uploads", FILE | {"size": 16}),
        ("/api/jobs/7c9e6679-7425-40de-944b-e07fc1f90ae7/cancel", FILE),
    ],
)
def test_a_key_that_came_with_another_request_is_refused(api: Api, path: str, body: Any) -> None:
    _announce(api)
    refused = api("POST", path, body, headers=KEY)
    assert (refused.status, refused.body["code"]) == (422, "idempotency_mismatch")
    assert "new key" in refused.body["detail"]


def test_what_was_refused_may_be_tried_again(api: Api) -> None:
    api.environment["MAX_UPLOAD_BYTES"] = "14"
    assert _announce(api).status == 413
    api.environment["MAX_UPLOAD_BYTES"] = "15"
    assert _announce(api).status == 201


def test_what_failed_on_our_side_may_be_tried_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.delitem(api.environment, "BUCKET")
        with pytest.raises(Exception, match="BUCKET"):
            _announce(api)
    assert _announce(api).status == 201


def test_while_it_is_under_way_the_other_waits(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()
    run = Operation.run

    def slowly(*args: Any) -> Answer:
        begun.set()
        ended.wait()
        return run(*args)

    monkeypatch.setattr(Operation, "run", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_announce, api)
        begun.wait()
        second = _announce(api)
        ended.set()
    assert first.result().status == 201
    assert (second.status, second.body["code"]) == (409, "request_in_progress")
    assert second.headers["retry-after"] == "2"


def test_of_many_at_once_one_is_done(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _announce(api, sub="ana"), range(40)))
    assert {answer.status for answer in answers} <= {201, 409}
    made = {answer.body["job"]["job_id"] for answer in answers if answer.status == 201}
    assert (len(made), _jobs(api, "ana")) == (1, 1)


def test_a_request_whose_process_died_may_be_sent_again(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves a mark, which is void when the function would have timed out."""

    class Died(BaseException):
        pass

    def die(*args: Any) -> Answer:
        raise Died

    monkeypatch.setattr(idempotency._Deadline, "get_remaining_time_in_millis", lambda _: -1)
    with monkeypatch.context() as dying:
        dying.setattr(Operation, "run", die)
        with pytest.raises(Died):
            _announce(api)
    (mark,) = world.ledger.dynamodb.scan(TableName=LEDGER)["Items"]
    assert mark["status"] == {"S": "INPROGRESS"}
    assert _announce(api).status == 201


@pytest.mark.parametrize("key", ["", '""', "   ", "x" * 256, "a\x00b"])
def test_what_is_no_key_is_refused(api: Api, key: str) -> None:
    refused = _announce(api, headers={"idempotency-key": key})
    assert (refused.status, refused.body["code"]) == (400, "invalid_request")


def test_an_answer_that_is_too_long_is_given_and_not_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "_LONGEST_BODY", 10)
    assert _announce(api).status == 201
    assert _announce(api).status == 201


def test_only_posts_have_keys(api: Api, world: World) -> None:
    assert api("GET", "/api/jobs", headers=KEY).status == 200
    assert world.ledger.dynamodb.scan(TableName=LEDGER)["Items"] == []


def test_answers_are_kept_for_a_day(api: Api, world: World) -> None:
    _announce(api)
    (kept,) = world.ledger.dynamodb.scan(TableName=LEDGER)["Items"]
    assert abs(int(kept["expires_at"]["N"]) - time.time() - 24 * 3600) < 3600


@pytest.mark.parametrize("module", ["aws_lambda_powertools", "debate_analyzer.bootstrap"])
def test_what_the_frame_may_need_it_imports_when_it_does(module: str) -> None:
    code = f"import debate_analyzer.api.frame, sys; print({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_store_is_made_once(api: Api) -> None:
    settings = Settings(api.environment)
    assert bootstrap.idempotency_store(settings) is bootstrap.idempotency_store(settings)
