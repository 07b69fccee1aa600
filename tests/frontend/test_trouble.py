"""What goes wrong: each is told in words, and mends itself when the cause is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from debate_analyzer.edits import Rename
from tests.frontend.axe import violations
from tests.frontend.backend import Backend
from tests.frontend.backend_archive import person
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import ENGLISH, make_transcript
from tests.frontend.test_failures import letter

TITLE = "Should Market Street be closed to cars?"
AGAIN_MS = 20_000  # pauses between attempts grow


def banner(page: Page) -> Locator:
    return page.locator(".banner-place")


def test_being_offline_is_said_at_once_and_goes_by_itself(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    backend.add("Parliament", "TRANSCRIBING", stage="transcribe", progress=0.2)
    page = open_page()
    expect(page.get_by_text("20%")).to_be_visible()
    page.context.set_offline(True)
    expect(banner(page)).to_contain_text("This device is offline")
    expect(page.get_by_role("link", name="Parliament")).to_be_visible()
    for job_id in backend.jobs:
        backend.change(job_id, progress=0.7)
    page.context.set_offline(False)
    expect(banner(page)).to_be_empty()
    expect(page.get_by_text("70%")).to_be_visible()
    complaints.clear()  # the browser reports each failed request


def test_what_works_does_not_hide_what_fails(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    """And whoever cannot wait need not."""
    backend.broken[f"/api/jobs/{debate}/transcript"] = 503
    page = open_page(f"/?job={debate}")
    expect(page.locator(".facts")).to_contain_text("3 speakers")
    expect(banner(page)).to_contain_text("The server has a problem")
    page.clock.install()  # from here on nothing is tried by itself
    backend.broken.clear()
    banner(page).get_by_role("button", name="Try now").click()
    expect(page.locator(".segment").first).to_be_visible()
    expect(banner(page)).to_be_empty()
    complaints.clear()


@dataclass(frozen=True)
class Question:
    """Something that a page asks the server, and what the page has from the answer."""

    at: str
    of: str
    answer: Callable[[Page], Locator]
    missing: str | None
    """What is said where the server has no such thing; None where that is in order."""


QUESTIONS = {
    "list": Question(
        r"/api/jobs\?", "/", lambda page: page.get_by_role("link", name=TITLE), "Broken by a test."
    ),
    "totals": Question(
        r"/statistics/summary", "/", lambda page: page.get_by_text("All debates so far"), None
    ),
    "debate": Question(
        r"/api/jobs/[-\w]+$",
        "/?job={}",
        lambda page: page.get_by_role("heading", level=1, name=TITLE),
        "There is no such debate here",
    ),
    "transcript": Question(
        r"/transcript\?format=json",
        "/?job={}",
        lambda page: page.locator(".segment").first,
        "The transcript could not be loaded",
    ),
    "statistics": Question(
        r"/statistics(/by-job/.*)?$",
        "/?job={}",
        lambda page: page.get_by_role("heading", name="The figures"),
        "The figures could not be loaded",
    ),
    "recording": Question(
        r"/video$", "/?job={}", lambda page: page.locator("video[src]"), "could not be loaded"
    ),
    "captions": Question(
        r"format=vtt", "/?job={}", lambda page: page.locator("video:has(track[src])"), None
    ),
    "edits": Question(r"/edits$", "/?job={}", lambda page: page.locator(".segment").first, None),
    "shared": Question(
        r"/api/shared/[-\w]+$",
        "/?share={}",
        lambda page: page.get_by_role("heading", level=1, name=TITLE),
        "There is no such debate here",
    ),
    "search": Question(
        r"/api/search",
        "/?search=shops",
        lambda page: page.get_by_role("link", name=re.compile("^Play from")),
        "Broken by a test.",
    ),
    "archive": Question(
        r"/statistics/index.json",
        "/?speaker=Ada",
        lambda page: page.get_by_role("link", name=TITLE).first,
        None,
    ),
    "comparison": Question(
        r"/api/jobs/[-\w]+$",
        "/?compare={}&with={}",
        lambda page: page.locator("table").first,
        "There is no such debate here",
    ),
    "choices": Question(
        r"/api/jobs\?",
        "/?compare=",
        lambda page: page.locator("main select").first,
        None,
    ),
    "queues": Question(
        r"/api/failures$",
        "/?failures",
        lambda page: page.get_by_role("heading", name="Publication"),
        "Broken by a test.",
    ),
    "letters": Question(
        r"/api/failures/publish$",
        "/?failures",
        lambda page: page.get_by_role("heading", name="Publication"),
        "Broken by a test.",
    ),
}


def refuse(status: int) -> Callable[[Route], None]:
    body = {"code": "broken", "title": "", "status": status, "detail": "Broken by a test."}

    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(body))

    return answer


def say_nothing(route: Route) -> None:
    """Until the page has lost its patience."""


IMPATIENT = """
  const timeout = AbortSignal.timeout;
  AbortSignal.timeout = () => timeout.call(AbortSignal, 400);
"""


@pytest.fixture
def asked(request: pytest.FixtureRequest, backend: Backend, debate: str) -> Question:
    backend.links["7c9e6679-7425-40de-944b-e07fc1f90ae7"] = debate
    backend.summary = {"jobs": 1, "duration": 85.0, "words": 118, "speakers": 3}
    backend.letters = {"publish": [letter("publish")]}
    backend.search.say(debate, TITLE, 28.6, "Ada", "I own one of those shops")
    backend.archive.add(TITLE, person("Ada", 0.6), job_id=debate)
    question = QUESTIONS[request.param]
    [link] = backend.links
    another = backend.add("Night buses")
    backend.complete(another, make_transcript(ENGLISH, job_id=another, language="en"))
    path = question.of.format(link if "share" in question.of else debate, another)
    return Question(question.at, path, question.answer, question.missing)


@pytest.mark.parametrize("asked", QUESTIONS, indirect=True)
@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (refuse(500), "The server has a problem"),
        (refuse(429), "More was asked than is allowed"),
        (say_nothing, "The server does not answer"),
    ],
    ids=["500", "429", "timeout"],
)
def test_a_server_that_fails_is_named_and_asked_again(
    open_page: OpenPage,
    asked: Question,
    trouble: Callable[[Route], None],
    sentence: str,
    complaints: list[str],
) -> None:
    page = open_page()
    if trouble is say_nothing:
        page.add_init_script(IMPATIENT)
    at = re.compile(asked.at)
    page.route(at, trouble)
    page.goto(asked.of)
    expect(banner(page)).to_contain_text(sentence)
    page.unroute(at)
    expect(asked.answer(page)).to_be_visible(timeout=AGAIN_MS)
    expect(banner(page)).to_be_empty(timeout=AGAIN_MS)
    complaints.clear()


@pytest.mark.parametrize(
    "asked", [name for name, each in QUESTIONS.items() if each.missing], indirect=True
)
def test_what_the_server_does_not_have_is_said_and_comes_late(
    open_page: OpenPage, asked: Question, complaints: list[str]
) -> None:
    page = open_page()
    at = re.compile(asked.at)
    page.route(at, refuse(404))
    page.goto(asked.of)
    assert asked.missing
    expect(page.locator("main").get_by_text(asked.missing).first).to_be_visible()
    page.unroute(at)
    page.evaluate("dispatchEvent(new Event('online'))")  # half a minute later
    expect(asked.answer(page)).to_be_visible()
    complaints.clear()


WISHES = {
    "Title and language": "Save",
    "Process again": "Process",
    "Delete": "Delete for good",
    "Share": "Make a link",
    "Withdraw": "Try again",
}


@pytest.mark.parametrize("item", WISHES)
@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (refuse(409), "Broken by a test."),
        (refuse(500), "Broken by a test."),
        (say_nothing, "The server did not answer"),
    ],
    ids=["409", "500", "timeout"],
)
def test_what_was_not_done_is_said_and_done_once_the_server_is_back(
    open_page: OpenPage,
    debate: str,
    item: str,
    trouble: Callable[[Route], None],
    sentence: str,
    complaints: list[str],
) -> None:
    page = open_page()
    if trouble is say_nothing:
        page.add_init_script(IMPATIENT)
        page.reload()

    def unless_read(route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
        else:
            trouble(route)

    at = re.compile(f"/api/jobs/{debate}")
    page.route(at, unless_read)
    page.get_by_role("button", name=f"What to do with {TITLE}").click()
    page.get_by_role("menuitem", name=item).click()
    dialog = page.get_by_role("dialog")
    wish = dialog.get_by_role("button", name=WISHES[item], exact=True)
    if item != "Withdraw":
        wish.click()
    expect(dialog).to_contain_text(sentence)
    page.unroute(at)
    wish.click()
    if item == "Share":
        expect(dialog.get_by_role("textbox")).to_be_visible()
    else:
        expect(dialog).to_have_count(0)
    complaints.clear()


def test_a_debate_that_is_listed_and_gone_is_said_to_be(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    page = open_page()
    link = page.get_by_role("link", name=TITLE)
    expect(link).to_be_visible()
    page.clock.install()  # the list is not asked for again
    del backend.jobs[debate]
    link.click()
    expect(page.get_by_text("There is no such debate here")).to_be_visible()
    expect(page.get_by_role("link", name="All debates")).to_be_visible()
    complaints.clear()


def test_figures_of_a_newer_kind_are_not_guessed_at(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    backend.statistics[debate] = {"schemaVersion": 3, "everything": {"is": "elsewhere"}}
    page = open_page(f"/?job={debate}")
    expect(page.get_by_text("version 3, which this page does not know")).to_be_visible()
    expect(page.locator(".segment").first).to_be_visible()
    expect(page.locator(".speaker-table")).to_have_count(0)


def test_a_plain_transcript_is_read(open_page: OpenPage, backend: Backend, debate: str) -> None:
    """Length, speakers and segments, and nothing else."""
    whole = backend.transcripts[debate]
    plain = {
        "duration": whole.duration,
        "speakers_count": whole.speakers_count,
        "transcription": [
            {"start": each.start, "end": each.end, "text": each.text, "speaker": each.speaker}
            for each in whole.transcription
        ],
    }
    page = open_page()
    page.route(re.compile("format=json|/json$"), lambda route: route.fulfill(json=plain))
    page.goto(f"/?job={debate}")
    expect(page.locator(".segment")).to_have_count(len(ENGLISH))
    expect(page.get_by_role("heading", name="Who speaks when")).to_be_visible()
    expect(page.get_by_role("heading", name="The figures")).to_be_visible()


RIGHT_TO_LEFT = "האם לסגור את רחוב השוק?"


def strange(backend: Backend, title: str, name: str, text: str) -> str:
    """A debate with a speaker of this name, who says this."""
    job_id = backend.add(title)
    transcript = make_transcript(ENGLISH, job_id=job_id, language="en")
    first = transcript.transcription[0]
    said = [first.model_copy(update={"text": text}), *transcript.transcription[1:]]
    backend.complete(job_id, transcript.model_copy(update={"transcription": said}))
    backend.opinions.say(job_id, Rename(speaker=transcript.transcription[0].speaker, name="Short"))
    backend.statistics[job_id]["speakers"][0]["name"] = name
    return job_id


def call(page: Page, name: str) -> None:
    """The one who was renamed, for the page alone: the server takes no such names."""

    def answer(route: Route) -> None:
        route.fulfill(body=route.fetch().text().replace("Short", name))

    page.route(re.compile("/edits$"), answer)


@pytest.mark.parametrize("letters", ["x", "long words "], ids=["one word", "words"])
def test_names_of_ten_thousand_letters_stay_within_the_page(
    open_page: OpenPage, backend: Backend, letters: str
) -> None:
    long = (letters * 10_000)[:10_000]
    job_id = strange(backend, long, long, long)
    page = open_page("/", viewport={"width": 390, "height": 800})
    expect(page.locator(".job")).to_be_visible()
    call(page, long)
    for path in ("/", f"/?job={job_id}"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        heading = page.locator("h1" if "job" in path else ".job h3").bounding_box()
        assert heading
        assert heading["height"] < 400
    expect(page.locator(".segment-speaker").first).to_contain_text(long[:20])


def direction(element: Locator) -> Any:
    return element.evaluate("it => getComputedStyle(it).direction")


def test_what_is_written_from_right_to_left_is_read_so(
    open_page: OpenPage, backend: Backend
) -> None:
    job_id = strange(backend, f"{RIGHT_TO_LEFT} (2)", "נועה", RIGHT_TO_LEFT)
    page = open_page()
    call(page, "נועה")
    assert direction(page.locator(".job h3 bdi")) == "rtl"
    assert direction(page.locator(".job h3")) == "ltr"  # the page itself stays as it is
    page.goto(f"/?job={job_id}")
    assert direction(page.locator("h1 bdi")) == "rtl"
    expect(page.locator(".segment").first).to_contain_text(RIGHT_TO_LEFT)
    assert direction(page.locator(".segment-text").first) == "rtl"
    assert direction(page.locator(".segment-speaker bdi").first) == "rtl"


@pytest.mark.parametrize("kind", ["forced", "contrast"])
@pytest.mark.parametrize("path", ["/", "/?job={}", "/?failures"])
def test_axe_finds_nothing_in_high_contrast(
    open_page: OpenPage, backend: Backend, debate: str, path: str, kind: str
) -> None:
    backend.letters = {"publish": [letter("publish")]}
    options = {"forced": {"forced_colors": "active"}, "contrast": {"contrast": "more"}}[kind]
    page = open_page(path.format(debate), **options)
    page.wait_for_load_state("networkidle")
    query = {"forced": "(forced-colors: active)", "contrast": "(prefers-contrast: more)"}[kind]
    assert page.evaluate("query => matchMedia(query).matches", query)
    assert violations(page) == []
    for width in (320, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("module", ["router.js", "main.js", "vendor/preact/preact.js"])
def test_a_module_that_was_lost_on_its_way_is_sent_for_again(
    open_page: OpenPage, debate: str, module: str, complaints: list[str]
) -> None:
    page = open_page("/icon.svg")
    page.route(re.compile(f"/{module}$"), lambda route: route.abort(), times=1)
    page.goto("/")
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    complaints.clear()


def test_a_page_that_does_not_come_says_so_and_comes_with_the_network(
    open_page: OpenPage, debate: str, complaints: list[str]
) -> None:
    page = open_page("/icon.svg")
    at = re.compile(r"/router\.js$")
    page.route(at, lambda route: route.abort())
    page.goto("/")
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Part of this page was lost on its way.")
    expect(told.locator("[lang=es]")).to_contain_text("Cargarla otra vez")
    told.get_by_role("link", name="Load it again").click()
    expect(told).to_be_visible()  # not in a circle
    page.unroute(at)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    complaints.clear()
