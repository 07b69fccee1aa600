"""Signing in: OpenID Connect's code flow with PKCE, at an issuer on an origin of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from local.server import Server
from tests.browser import wait_until
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.issuer import Issuer, SignedIn, issuing

TITLE = "Should Market Street be closed to cars?"
NEEDED = "You are not signed in."
REFUSED = "could not be confirmed"

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with issuing(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def guarded(backend: Backend, issuer: Issuer) -> SignedIn:
    issuer.named, issuer.away = issuer.url, False
    return SignedIn(backend.app, issuer)


@pytest.fixture
def server(guarded: SignedIn, issuer: Issuer) -> Iterator[Server]:
    server = Server(0)
    server.start(guarded)
    issuer.page = f"{server.url}/"
    yield server
    server.stop()


class _Complaints(list[str]):
    """Chromium tells of every 401 and 503."""

    def append(self, complaint: str) -> None:
        if "Failed to load" not in complaint:
            super().append(complaint)


@pytest.fixture
def complaints() -> list[str]:
    return _Complaints()


@pytest.fixture
def visit(open_page: OpenPage, guarded: SignedIn) -> Visit:
    """Opens a page as somebody who is not signed in yet."""
    return partial(open_page, ignore_https_errors=True)


def banner(page: Page) -> Locator:
    return page.locator(".banner-place")


def sign_in(page: Page, account: str = "ada") -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=f"{account}@example.org").click()
    expect(page.get_by_text(f"{account}@example.org")).to_be_visible()


@pytest.fixture
def page(visit: Visit, debate: str) -> Page:
    """The debate, as it is shown to Ada, who has just signed in."""
    page = visit(f"/?job={debate}")
    sign_in(page)
    expect(page.locator(".segment").first).to_be_visible()
    return page


def debate_page(job_id: str) -> str:
    return f"/?job={job_id}&t=28.6#figures"


def held(page: Page) -> str:
    """Everything that outlives the page, and its address."""
    kept = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, name])"
    databases = "indexedDB.databases().then((all) => all.map((each) => each.name).join())"
    return f"{page.evaluate(kept)} {page.evaluate(databases)} {page.url}"


def tokens(guarded: SignedIn) -> set[str]:
    return {token.removeprefix("Bearer ") for _, token in guarded.asked if token}


def test_whoever_signs_in_comes_back_to_where_they_were(
    visit: Visit, debate: str, guarded: SignedIn, server: Server
) -> None:
    page = visit(debate_page(debate))
    expect(banner(page)).to_contain_text(NEEDED)
    assert not tokens(guarded)
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    assert page.url == server.url + debate_page(debate)
    expect(banner(page)).to_be_empty()
    api = [path for path, token in guarded.asked if path.startswith("/api/") and token]
    assert f"/api/jobs/{debate}" in api


def test_what_the_issuer_is_asked_holds_no_secret_and_wants_a_proof(visit: Visit) -> None:
    page = visit()
    with page.expect_request("**/authorize?*") as asking:
        page.get_by_role("button", name="Sign in").click()
    asked = parse_qs(urlsplit(asking.value.url).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["state"] != asked["nonce"]
    assert "code_verifier" not in asked


def test_tokens_go_to_the_api_alone_and_are_kept_nowhere(page: Page, guarded: SignedIn) -> None:
    wait_until(page, "document.querySelector('video')?.readyState >= 1")
    assert any(path.startswith("/bucket/") for path, _ in guarded.asked)
    assert any(path.startswith("/statistics/") for path, _ in guarded.asked)
    for path, token in guarded.asked:
        assert token is None or path.startswith("/api/")
    (token,) = tokens(guarded)
    kept = held(page)
    assert not any(part in kept for part in token.split("."))
    assert "code=" not in kept
    assert "state" not in kept
    assert json.loads(page.evaluate("JSON.stringify({...sessionStorage})")).get("sign-in") == ""


def test_the_answer_is_not_in_the_history(page: Page, debate: str, server: Server) -> None:
    page.get_by_role("link", name="All debates").click()
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    page.go_back()
    assert page.url == f"{server.url}/?job={debate}"
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)


def test_a_reload_signs_in_again_without_a_question(visit: Visit, debate: str) -> None:
    page = visit(debate_page(debate))
    sign_in(page)
    address = page.url
    page.reload()
    expect(page.get_by_text("ada@example.org")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    assert page.url == address


def test_a_session_that_the_issuer_has_forgotten_is_asked_for_once(
    page: Page, debate: str, server: Server
) -> None:
    page.context.clear_cookies()
    page.reload()
    expect(banner(page)).to_contain_text(NEEDED)
    assert page.url == f"{server.url}/?job={debate}"
    with page.expect_response(lambda answer: answer.url.endswith(f"/api/jobs/{debate}")) as asked:
        page.reload()  # to nobody any more: the issuer is not asked a second time
    assert asked.value.status == 401


def test_a_token_that_is_over_is_renewed_and_nobody_notices(
    page: Page, guarded: SignedIn, issuer: Issuer
) -> None:
    first = tokens(guarded)
    renewals = issuer.renewals
    issuer.revoked |= first
    page.get_by_role("link", name="All debates").click()  # asks for several things at once
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    expect(banner(page)).to_be_empty()
    assert issuer.renewals == renewals + 1
    second = tokens(guarded) - first
    assert len(second) == 1
    issuer.revoked |= second  # and once more, with the refresh token that came with it
    page.get_by_role("link", name=TITLE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    assert issuer.renewals == renewals + 2


def test_when_nothing_can_be_renewed_the_page_stays_and_offers_to_sign_in(
    page: Page, guarded: SignedIn, issuer: Issuer
) -> None:
    issuer.revoked |= tokens(guarded)
    issuer.end_all()
    page.get_by_role("link", name="All debates").click()
    alert = banner(page)
    expect(alert).to_contain_text("Your sign-in has ended")
    alert.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()  # the issuer knows them still
    expect(alert).to_be_empty()


def test_an_issuer_that_is_away_for_a_while_ends_no_session(
    page: Page, guarded: SignedIn, issuer: Issuer
) -> None:
    issuer.revoked |= tokens(guarded)
    issuer.away = True
    page.get_by_role("link", name="All debates").click()
    expect(banner(page)).to_contain_text("does not answer")
    expect(page.get_by_text("ada@example.org")).to_be_visible()
    issuer.away = False
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()


def _tampered(page: Page, change: Callable[[str], str]) -> None:
    """Signs in, with the issuer's answer changed on its way."""
    page.get_by_role("button", name="Sign in").click()
    link = page.get_by_role("link", name="ada@example.org")
    expect(link).to_be_visible()
    page.route("**/authorize?*", lambda route: _redirect(route, change))
    link.click()


def _redirect(route: Route, change: Callable[[str], str]) -> None:
    answer = route.fetch(max_redirects=0)
    headers = {**answer.headers, "location": change(answer.headers["location"])}
    route.fulfill(status=302, headers=headers)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda url: url.replace("state=", "state=x"), id="another's state"),
        pytest.param(lambda url: url.replace("iss=https", "iss=https%3A%2F%2Fevil"), id="issuer"),
        pytest.param(lambda url: re.sub("&iss=[^&]*", "", url), id="no issuer"),
        pytest.param(lambda url: url.replace("code=", "code=x"), id="another's code"),
        pytest.param(lambda url: url + "&state=x", id="two states"),
    ],
)
def test_an_answer_that_was_tampered_with_is_refused(
    visit: Visit, debate: str, guarded: SignedIn, server: Server, change: Callable[[str], str]
) -> None:
    page = visit(f"/?job={debate}")
    _tampered(page, change)
    expect(banner(page)).to_contain_text(REFUSED)
    assert page.url == f"{server.url}/?job={debate}"
    assert not tokens(guarded)


def test_an_answer_that_nobody_here_asked_for_is_refused(
    visit: Visit, guarded: SignedIn, server: Server, issuer: Issuer
) -> None:
    page = visit(f"/?code=planted&state=planted&iss={issuer.url}")
    expect(banner(page)).to_contain_text(REFUSED)
    assert page.url == f"{server.url}/"
    assert not tokens(guarded)


def test_another_user_is_told_of_no_such_debate(
    visit: Visit, debate: str, guarded: SignedIn
) -> None:
    guarded.owners[debate] = "ada@example.org"
    page = visit(f"/?job={debate}")
    sign_in(page, "grace")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such debate here")
    expect(page.get_by_text(TITLE)).to_have_count(0)


def test_whoever_signs_out_is_out_at_the_issuer_and_in_every_tab(
    page: Page, debate: str, guarded: SignedIn, issuer: Issuer, server: Server
) -> None:
    other = page.context.new_page()
    other.goto(f"/?job={debate}")
    expect(other.get_by_text("ada@example.org")).to_be_visible()
    sessions = issuer.sessions
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state("networkidle")
    expect(banner(page)).to_contain_text(NEEDED)
    assert page.url == f"{server.url}/"
    assert issuer.sessions == sessions - 1  # the token that would be good for another is not
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    page.reload()
    expect(banner(page)).to_contain_text(NEEDED)


def test_a_share_link_needs_no_sign_in(visit: Visit, backend: Backend, debate: str) -> None:
    backend.links["L"] = debate
    page = visit("/?share=L")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(page.locator(".segment").first).to_be_visible()
    expect(banner(page)).to_be_empty()
    sign_in(page)  # who has an account may; the link is still the same
    assert "share=L" in page.url


def test_an_issuer_that_does_not_answer_is_said(visit: Visit, issuer: Issuer) -> None:
    issuer.away = True
    page = visit()
    page.get_by_role("button", name="Sign in").click()
    expect(banner(page)).to_contain_text("The sign-in service does not answer")


def test_a_clock_that_is_wrong_does_not_keep_anybody_out(visit: Visit, debate: str) -> None:
    page = visit(f"/?job={debate}")
    page.clock.install(time=0)
    sign_in(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Visit, debate: str, scheme: str) -> None:
    page = visit(f"/?job={debate}", color_scheme=scheme)
    expect(banner(page)).to_contain_text(NEEDED)
    assert violations(page) == []
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    page.wait_for_load_state("networkidle")
    assert violations(page) == []


def test_config_of_the_repository_signs_nobody_in() -> None:
    pages = Path(__file__).parents[2] / "frontend"
    assert json.loads((pages / "config.json").read_text()) == {"signIn": None}
