"""Share links: what whoever has one may read, and everything that they may not do."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from debate_analyzer.job import timestamp
from debate_analyzer.key import edits_key
from debate_analyzer.share import MAX_SHARES, Shares, revoke_all
from tests.api.conftest import Api
from tests.api.test_jobs import (
    api as api,
)
from tests.api.test_jobs import complete, put
from tests.world import JOB_ID, LEDGER, World

SHARES = f"/api/jobs/{JOB_ID}/shares"
BOB = "22222222-3333-4444-5555-666666666666"
OTHER_ID = "0b4c6e1f-3b6c-4a53-9d3c-6b9d7d1f6a10"


def share(api: Api) -> str:
    made = api("POST", SHARES)
    assert made.status == 201
    return str(made.body["url"])


def test_whoever_has_the_link_reads_the_debate(api: Api, world: World) -> None:
    complete(world)
    url = share(api)

    for sub in (None, BOB):
        debate = api("GET", url, sub=sub)
        assert debate.status == 200
        assert (debate.body["title"], debate.body["status"]) == ("t", "COMPLETE")
        assert JOB_ID not in json.dumps(debate.body)
        assert api("GET", f"{url}/transcript", sub=sub).status == 302
        assert api("GET", f"{url}/statistics", sub=sub).status == 302
        assert api("GET", f"{url}/video", sub=sub).status == 200
        assert api("GET", f"{url}/edits", sub=sub).body["entries"] == []


def test_what_is_answered_is_what_the_debate_itself_answers(api: Api, world: World) -> None:
    complete(world)
    url, own = share(api), f"/api/jobs/{JOB_ID}"

    def path(answer: Any) -> str:
        return str(answer.headers["location"]).partition("?")[0]

    for what in ("transcript", "statistics"):
        assert path(api("GET", f"{url}/{what}", sub=None)) == path(api("GET", f"{own}/{what}"))
    assert api("GET", f"{url}/transcript", sub=None, format="srt").status == 409
    assert api("GET", f"{url}/transcript", sub=None, format="exe").status == 400


def test_who_edited_is_not_told(api: Api, world: World) -> None:
    complete(world)
    operation = {"op": "rename", "speaker": "A", "name": "Ada"}
    entry = {"id": "e1", "at": "2026-11-21T12:00:00Z", "by": "ana@example.org", "transcript": "t"}
    document = {"schema_version": 1, "entries": [entry | {"operation": operation}]}
    world.drop(edits_key(JOB_ID), json.dumps(document).encode(), "application/json")

    assert api("GET", f"/api/jobs/{JOB_ID}/edits").body["entries"][0]["by"] == "ana@example.org"
    [shown] = api("GET", f"{share(api)}/edits", sub=None).body["entries"]
    assert (shown["by"], shown["operation"]["name"]) == ("", "Ada")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["", "/transcript", "/edits", "/statistics", "/shares"])
def test_nothing_is_changed_by_a_link(api: Api, world: World, method: str, path: str) -> None:
    complete(world)
    before = world.job()
    answer = api(method, share(api) + path, {}, sub=None)
    assert answer.status in (404, 405)
    assert world.job() == before


def test_a_link_is_good_for_its_debate_alone(api: Api, world: World) -> None:
    put(world, job_id=JOB_ID)
    put(world, job_id=OTHER_ID)
    share_id = share(api).rpartition("/")[2]

    assert api("GET", f"/api/jobs/{share_id}", sub=None).status == 401
    assert api("GET", f"/api/jobs/{share_id}").status == 404
    assert api("GET", f"/api/shared/{OTHER_ID}", sub=None).status == 404
    assert api("GET", f"/api/shared/{JOB_ID}", sub=None).status == 404
    assert api("DELETE", f"/api/jobs/{OTHER_ID}/shares/{share_id}").status == 404
    assert api("GET", f"/api/shared/{share_id}", sub=None).status == 200


def test_a_link_that_is_revoked_is_as_one_that_never_was(api: Api, world: World) -> None:
    put(world, job_id=JOB_ID)
    url, kept = share(api), share(api)
    share_id = url.rpartition("/")[2]

    assert api("DELETE", f"{SHARES}/{share_id}").status == 204
    assert api("DELETE", f"{SHARES}/{share_id}").status == 404
    revoked = api("GET", url, sub=None)
    assert revoked.body == api("GET", f"/api/shared/{uuid.uuid4()}", sub=None).body
    assert [each["url"] for each in api("GET", SHARES).body["shares"]] == [kept]
    assert api("GET", kept, sub=None).status == 200


def test_of_a_deleted_debate_there_are_no_links(api: Api, world: World) -> None:
    job = put(world, job_id=JOB_ID)
    url = share(api)
    world.table.replace(job.deleted(world.clock()))

    assert api("GET", url, sub=None).status == 404
    assert revoke_all(world.ledger, JOB_ID) == 1
    assert revoke_all(world.ledger, JOB_ID) == 0
    assert Shares(world.ledger).of(JOB_ID) == []


@pytest.mark.parametrize(
    "share_id", ["x", "..", "%2e%2e", "0" * 4000, "job", JOB_ID.upper(), f"{{{JOB_ID}}}", "*"]
)
def test_what_is_no_link_leads_nowhere(api: Api, world: World, share_id: str) -> None:
    put(world, job_id=JOB_ID)
    share(api)
    assert api("GET", f"/api/shared/{share_id}", sub=None).status == 404


def test_only_who_may_see_a_debate_shares_it(api: Api, world: World) -> None:
    put(world, job_id=JOB_ID)
    assert api("POST", SHARES, sub=None).status == 401
    for method, path in (("POST", SHARES), ("GET", SHARES), ("DELETE", f"{SHARES}/{JOB_ID}")):
        assert api(method, path, sub=BOB).status == 404


def test_where_an_id_allows_everything_there_are_no_links(api: Api, world: World) -> None:
    put(world, "anonymous", job_id=JOB_ID)
    api.environment["ACCESS"] = "anonymous"
    assert api("GET", f"/api/jobs/{JOB_ID}", sub=None).status == 200
    assert api("POST", SHARES, sub=None).status == 403


def test_there_is_a_limit(api: Api, world: World) -> None:
    put(world, job_id=JOB_ID)
    shares = Shares(world.ledger)
    for _ in range(MAX_SHARES):
        shares.make(JOB_ID, world.clock())
    assert api("POST", SHARES).status == 429


def test_a_link_that_is_lent_is_one_of_them_and_expires(api: Api, world: World) -> None:
    complete(world)
    link, day = str(uuid.uuid4()), timedelta(hours=24)
    for _ in range(2):
        Shares(world.ledger).lend(JOB_ID, link, world.clock(), day)
    [shown] = api("GET", SHARES).body["shares"]
    assert (shown["share_id"], shown["expires_at"]) == (link, timestamp(world.clock() + day))
    assert api("GET", shown["url"], sub=None).status == 200

    world.clock.advance(hours=24)
    assert api("GET", shown["url"], sub=None).status == 404
    assert api("GET", SHARES).body["shares"] == []


def test_a_link_that_is_lent_can_be_revoked(api: Api, world: World) -> None:
    complete(world)
    link = str(uuid.uuid4())
    Shares(world.ledger).lend(JOB_ID, link, world.clock(), timedelta(hours=24))
    assert api("DELETE", f"{SHARES}/{link}").status == 204
    assert api("GET", f"/api/shared/{link}", sub=None).status == 404


def test_a_link_that_was_made_by_half_can_be_revoked(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died between the two writes: what is good can always be found."""
    put(world, job_id=JOB_ID)
    write, writes = type(world.ledger).put, []

    def dies(self: Any, pk: str, *rest: Any, **options: Any) -> None:
        if writes:
            raise KeyboardInterrupt
        writes.append(pk)
        write(self, pk, *rest, **options)

    monkeypatch.setattr(type(world.ledger), "put", dies)
    with pytest.raises(KeyboardInterrupt):
        Shares(world.ledger).make(JOB_ID, world.clock())
    monkeypatch.undo()
    [half] = Shares(world.ledger).of(JOB_ID)
    Shares(world.ledger).revoke(JOB_ID, half.share_id)
    assert Shares(world.ledger).of(JOB_ID) == []


def test_with_a_debate_go_its_links_marks_and_deliveries(api: Api, world: World) -> None:
    complete(world)
    url = share(api)
    api("PUT", f"/api/jobs/{JOB_ID}/feedback", {"useful": True})
    world.ledger.put(f"deliveries#{JOB_ID}", "msg_1#00", {})

    deleted = api("DELETE", f"/api/jobs/{JOB_ID}").body["deleted"]
    assert {"1 links", "1 marks", "1 rows of deliveries"} <= set(deleted)
    assert api("GET", url, sub=None).status == 404
    kept = world.table.dynamodb.scan(TableName=LEDGER)["Items"]
    assert [row for row in kept if JOB_ID in str(row)] == []
