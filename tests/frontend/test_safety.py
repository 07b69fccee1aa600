"""Whatever others wrote is text: nothing of it runs, loads, or leads anywhere but where it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from debate_analyzer.edits import AssignRole, CorrectWord, Rename, Schedule, Slot
from debate_analyzer.transcript import Warning
from tests.browser import wait_until
from tests.frontend.backend import Backend
from tests.frontend.backend_archive import person
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import Line, make_transcript
from tests.frontend.test_failures import letter

IMAGE = "<img src=x onerror=window.ran=1>"
SCRIPT = '"><script>window.ran=1</script>'
HREF = "javascript:window.ran=1"
HOSTILE = f"{IMAGE}{SCRIPT}' onclick='window.ran=1 \u202egnp.exe\u202c {{title}} ${{x}} {HREF}"

LINES: list[Line] = [
    (HOSTILE, 0.0, 9.0, f"{IMAGE} {SCRIPT} {HREF} &lt;b&gt; one two three"),
    ("SPEAKER_01", 9.5, 21.0, f"</p></script>{IMAGE} four five six"),
    (HOSTILE, 21.5, 40.0, "seven eight nine ten"),
]

# Put in before the page's own: the policy's breaches, which a console may tell of in other words.
WATCH = """
  document.addEventListener("securitypolicyviolation", (event) => {
    (window.breaches ??= []).push(event.violatedDirective);
  });
"""


class _Complaints(list[str]):
    """Chromium tells of every 404; some pages ask for what may not be there."""

    def append(self, complaint: str) -> None:
        if "Failed to load resource" not in complaint:
            super().append(complaint)


@pytest.fixture
def complaints() -> list[str]:
    return _Complaints()


def _debate(backend: Backend) -> str:
    job_id = backend.add(HOSTILE, filename=f"{HOSTILE}.webm", source_url=HREF, data_url=HREF)
    transcript = make_transcript(LINES, job_id=job_id, language="en")
    warning = Warning(code=HOSTILE, message=HOSTILE, start=1.0, end=2.0)
    backend.complete(job_id, transcript.model_copy(update={"warnings": [warning]}))
    # Whoever writes the documents may be newer than the page, or somebody else.
    backend.statistics[job_id]["warnings"] = [{"code": HOSTILE, "message": HOSTILE}]
    backend.change(job_id, language=HOSTILE, model=HOSTILE, warnings=[])
    return job_id


def _edited(backend: Backend) -> str:
    job_id = _debate(backend)
    backend.opinions.say(
        job_id,
        Rename(speaker="SPEAKER_01", name=IMAGE),
        AssignRole(speaker="SPEAKER_01", role="debater", side=SCRIPT),
        CorrectWord(segment=1, word=1, text=IMAGE),
        Schedule(slots=(Slot(name=SCRIPT, speaker="SPEAKER_01", seconds=60),)),
        by=HOSTILE,
    )
    return job_id


def _shared(backend: Backend) -> str:
    backend.links["L"] = _edited(backend)
    return "/?share=L"


def _found(backend: Backend) -> str:
    backend.search.say(_debate(backend), HOSTILE, 1.0, HOSTILE, f"tax {HOSTILE}")
    return f"/?search={quote('tax')}"


def _home(backend: Backend) -> str:
    _debate(backend)
    backend.add(HOSTILE, "FAILED", error={"code": HOSTILE, "message": HOSTILE}, source_url=HREF)
    backend.add(HOSTILE, "TRANSCRIBING", stage="transcribe", progress=0.4)
    return "/"


def _failed(backend: Backend) -> str:
    error = {"code": HOSTILE, "message": HOSTILE}
    return f"/?job={backend.add(HOSTILE, 'FAILED', error=error, source_url=HREF)}"


def _given_up(backend: Backend) -> str:
    one = letter("publish", body=HOSTILE, reason={"code": HOSTILE, "message": HOSTILE})
    backend.letters = {"publish": [one], HOSTILE: []}
    return "/?failures"


def _speaker(backend: Backend) -> str:
    backend.archive.add(HOSTILE, person(HOSTILE, 0.4), person("SPEAKER_01", 0.6))
    return f"/?speaker={quote(HOSTILE)}"


def _compared(backend: Backend) -> str:
    return f"/?compare={_debate(backend)}&with={_edited(backend)}"


ADDRESSES: dict[str, Callable[[Backend], str]] = {
    "home": _home,
    "debate": lambda backend: f"/?job={_debate(backend)}",
    "edited": lambda backend: f"/?job={_edited(backend)}",
    "shared": _shared,
    "failed": _failed,
    "failures": _given_up,
    "found": _found,
    "speaker": _speaker,
    "compared": _compared,
    "no such debate": lambda _: f"/?job={quote(HOSTILE)}&t={quote(HOSTILE)}",
    "no such link": lambda _: f"/?share={quote(HOSTILE)}",
    "words of the address": lambda _: f"/?search={quote(HOSTILE)}&by={quote(HOSTILE)}",
}
SAYS_NOTHING = {"no such debate", "no such link", "words of the address"}

# What a document could be made to do: every link and source with its scheme, every handler, every
# script that was not there when it was written.
FOUND = """() => {
  const all = [...document.querySelectorAll("*")];
  const named = (names) => all.flatMap((element) =>
    names.filter((name) => element.hasAttribute(name)).map((name) => element.getAttribute(name)));
  const scheme = (address) => new URL(address, document.baseURI).protocol;
  return {
    ran: window.ran ?? null,
    breaches: window.breaches ?? [],
    links: [...new Set(named(["href", "action", "formaction", "xlink:href"]).map(scheme))],
    sources: [...new Set(named(["src", "poster", "data"]).map(scheme))],
    handlers: all.flatMap((element) =>
      element.getAttributeNames().filter((name) => name.startsWith("on"))),
    scripts: all.filter((element) => element.localName === "script").length,
    frames: document.querySelectorAll("iframe, object, embed, base").length,
    images: all.filter((element) => element.localName === "img").map((element) => element.src),
  };
}"""


def inspect(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(FOUND)
    return found


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_others_wrote_is_text(open_page: OpenPage, backend: Backend, name: str) -> None:
    path = ADDRESSES[name](backend)
    page = open_page("/config.json")
    page.add_init_script(WATCH)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    if name not in SAYS_NOTHING:
        expect(page.locator("main")).to_contain_text(IMAGE)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = inspect(page)
    assert found["ran"] is None
    assert found["breaches"] == []
    assert set(found["links"]) <= {"http:", "blob:"}
    assert set(found["sources"]) <= {"http:", "blob:"}
    assert found["handlers"] == []
    assert found["scripts"] == 3  # boot.js, ahead.js and main.js
    assert found["frames"] == 0
    assert found["images"] == []


def test_text_that_turns_the_direction_round_turns_nothing_else_round(
    open_page: OpenPage, backend: Backend
) -> None:
    """U+202E reorders what follows it, up to the end of what it stands in."""
    page = open_page(f"/?job={_debate(backend)}")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(LOOSE) == []


# Where text that has U+202E in it stands in the midst of other text.
LOOSE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const loose = new Set();
  while (walker.nextNode()) {
    const { data, nextSibling, parentElement } = walker.currentNode;
    if (!data.includes("\u202e")) continue;
    const { display, unicodeBidi } = getComputedStyle(parentElement);
    const isApart = display !== "inline" || unicodeBidi.includes("isolate");
    if (nextSibling || (!isApart && parentElement.nextSibling)) loose.add(parentElement.outerHTML);
  }
  return [...loose];
}"""


def test_what_is_put_into_the_page_all_the_same_is_refused(
    open_page: OpenPage, complaints: list[str]
) -> None:
    """What the tests above rely on: that a breach is seen."""
    page = open_page("/config.json")
    page.add_init_script(WATCH)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    page.evaluate(
        """() => {
          const image = document.body.appendChild(document.createElement("img"));
          image.src = "http://elsewhere.example/x";
          try { document.body.innerHTML = "<img src=x onerror=window.ran=1>"; } catch {}
        }"""
    )
    wait_until(page, "window.breaches?.length === 2")
    found = inspect(page)
    assert found["ran"] is None
    assert set(found["breaches"]) == {"img-src", "require-trusted-types-for"}
    assert found["images"] == ["http://elsewhere.example/x"]
    assert any("Content Security Policy" in each for each in complaints)
    complaints.clear()


def test_no_library_to_sign_in_is_loaded_where_nobody_does(open_page: OpenPage) -> None:
    page = open_page()
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert any(url.endswith("/config.json") for url in loaded)
    assert not [url for url in loaded if "oauth" in url or "sign-in" in url]
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
