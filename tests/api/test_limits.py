"""What the API refuses to one who asks too much, and whose address it believes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from debate_analyzer import bootstrap
from debate_analyzer.api import visitor
from tests.api.conftest import Api
from tests.world import Clock

FILE = {"filename": "a.mp4", "size": 15}


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(visitor, "utc_now", clock)
    return clock


@pytest.fixture
def site(api: Api, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a request brings that came through the site from 198.51.100.7."""
    api.environment["ORIGIN_PROOF_SECRET_ARN"] = "arn:aws:secretsmanager:::secret:proof"
    visitor._secret.cache_clear()
    monkeypatch.setattr(bootstrap, "secret_text", lambda arn: "the proof")
    return {"x-viewer-address": "198.51.100.7", "x-origin-proof": "the proof"}


def test_the_request_too_many_is_told_why_and_when_to_come_again(api: Api, at_noon: Clock) -> None:
    api.environment["REQUESTS_PER_MINUTE"] = "2"
    at_noon.advance(seconds=50)
    assert [api("GET", "/api/jobs").status for _ in range(3)] == [200, 200, 429]
    refused = api("GET", "/api/no-such-thing")
    assert (refused.status, refused.body["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.body["detail"] == (
        "More than 2 requests came from your address within a minute, which is the limit here. "
        "Go on in 10 seconds."
    )
    at_noon.advance(seconds=10)
    assert api("GET", "/api/jobs").status == 200


def test_of_two_hundred_requests_at_once_as_many_are_answered_as_may_be(api: Api) -> None:
    api.environment["REQUESTS_PER_MINUTE"] = "20"
    api("GET", "/api/jobs", address="203.0.113.10")
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: api("GET", "/api/jobs").status, range(200)))
    assert (statuses.count(200), statuses.count(429)) == (20, 180)


def test_unless_it_is_said_only_the_anonymous_are_counted(api: Api) -> None:
    path = "/api/jobs/7c9e6679-7425-40de-944b-e07fc1f90ae7"
    assert {api("GET", path).status for _ in range(15)} == {404}
    api.environment["ACCESS"] = "anonymous"
    statuses = [api("GET", path, sub=None).status for _ in range(15)]
    assert statuses == [404] * 10 + [429] * 5
    api.environment["REQUESTS_PER_MINUTE"] = "0"
    assert api("GET", path, sub=None).status == 404


@pytest.mark.parametrize(
    "forged",
    [
        {"x-forwarded-for": "198.51.100.{}"},
        {"forwarded": "for=198.51.100.{}"},
        {"cloudfront-viewer-address": "198.51.100.{}:443"},
        {"x-viewer-address": "198.51.100.{}"},
        {"x-viewer-address": "198.51.100.{}", "x-origin-proof": "a guess"},
        {"x-viewer-address": "198.51.100.{}", "x-origin-proof": ""},
        {"x-viewer-address": "198.51.100.{}", "x-origin-proof": "the pröof"},
    ],
)
def test_nobody_borrows_an_address(api: Api, site: dict[str, str], forged: dict[str, str]) -> None:
    api.environment["REQUESTS_PER_MINUTE"] = "2"
    statuses = [
        api(
            "GET", "/api/jobs", headers={name: text.format(n) for name, text in forged.items()}
        ).status
        for n in range(4)
    ]
    assert statuses == [200, 200, 429, 429]


def test_where_there_is_no_site_no_header_helps(api: Api) -> None:
    api.environment["REQUESTS_PER_MINUTE"] = "1"
    for n, status in enumerate((200, 429)):
        headers = {"x-viewer-address": f"198.51.100.{n}", "x-origin-proof": ""}
        assert api("GET", "/api/jobs", headers=headers).status == status


def test_visitors_of_the_site_are_told_apart(api: Api, site: dict[str, str]) -> None:
    api.environment["REQUESTS_PER_MINUTE"] = "1"
    for visitor_address in ("198.51.100.7", "198.51.100.8", "2001:db8::1"):
        headers = site | {"x-viewer-address": visitor_address}
        statuses = [api("GET", "/api/jobs", headers=headers).status for _ in range(2)]
        assert statuses == [200, 429]


def test_the_secret_is_read_once_and_not_for_those_who_offer_no_proof(
    api: Api, site: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def secret_text(arn: str) -> str:
        read.append(arn)
        return "the proof"

    monkeypatch.setattr(bootstrap, "secret_text", secret_text)
    api.environment["REQUESTS_PER_MINUTE"] = "9"
    api("GET", "/api/jobs")
    assert read == []
    for _ in range(3):
        api("GET", "/api/jobs", headers=site)
    assert len(read) == 1


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"MAX_ACTIVE_JOBS": "1"}, "too_many_jobs"),
        ({"MAX_BYTES_PER_DAY": "29"}, "daily_bytes_used"),
    ],
)
def test_what_one_has_used_up_is_429_with_when_to_come_again(
    api: Api, environment: dict[str, str], code: str
) -> None:
    api.environment.update(environment)
    assert api("POST", "/api/uploads", FILE).status == 201
    refused = api("POST", "/api/uploads", FILE)
    assert (refused.status, refused.body["code"]) == (429, code)
    assert int(refused.headers["retry-after"]) > 0
    assert api("POST", "/api/uploads", FILE, sub="bob").status == 201
    assert len(api("GET", "/api/jobs").body["jobs"]) == 1


def test_the_anonymous_are_limited_by_address(api: Api) -> None:
    api.environment.update({"ACCESS": "anonymous", "MAX_ACTIVE_JOBS": "1"})
    for address, status in (("203.0.113.9", 201), ("203.0.113.9", 429), ("203.0.113.10", 201)):
        assert api("POST", "/api/uploads", FILE, sub=None, address=address).status == status


def test_a_file_that_is_too_large_is_413(api: Api) -> None:
    refused = api("POST", "/api/uploads", FILE | {"size": 51 * 2**30})
    assert (refused.status, refused.body["code"]) == (413, "upload_too_large")
    assert "51.0 GiB, and 50.0 GiB is the most" in refused.body["detail"]
