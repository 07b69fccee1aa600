"""The list of debates, and uploading."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from pydantic_core import PydanticCustomError

from debate_analyzer.mail import check_mail_address
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import ENGLISH, make_transcript

TINY = FilePayload(name="tiny.mp4", mimeType="", buffer=b"12345")


def row(page: Page, title: str) -> Locator:
    return page.locator(".job", has=page.get_by_role("link", name=title))


def test_a_newcomer_is_told_what_to_do(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    expect(page.get_by_text("make demo")).to_be_visible()
    expect(page.get_by_text("All debates so far")).to_be_hidden()


def test_an_upload_is_followed_to_complete(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.slow = True
    page = open_page()
    page.get_by_text(MORE).click()
    page.get_by_label("Spoken language").select_option("es")
    page.get_by_label("Number of speakers").fill("3")
    page.get_by_label("Every speaker has a channel of their own").check()
    page.locator("input[type=file]").set_input_files(recording)
    progress = page.get_by_role("progressbar", name="Upload of council.mp4")
    expect(progress).to_be_visible()
    expect(page.get_by_text("of 13 MB")).to_be_visible()
    facts = page.locator(".upload-facts")
    expect(facts.get_by_text(re.compile(r"^[1-9]\d?%$"))).to_be_visible()
    expect(facts.get_by_text(re.compile(r"/s$"))).to_be_visible()
    expect(facts.get_by_text(re.compile(r"^\d+:\d\d left$"))).to_be_visible()
    expect(page.locator(".job")).to_have_count(0)

    backend.slow = False
    expect(progress).to_be_hidden()
    expect(page.get_by_role("link", name="council")).to_be_visible()
    [job_id] = backend.jobs
    assert backend.received == {job_id: recording.stat().st_size}
    asked = backend.announced[0]
    assert (asked.filename, asked.language, asked.speakers) == ("council.mp4", "es", 3)
    assert asked.channel_per_speaker
    assert backend.put_headers["content-type"] == "video/mp4"
    assert backend.put_headers["if-none-match"] == "*"

    expect(page.get_by_text("Waiting to be transcribed")).to_be_visible()
    backend.change(job_id, status="TRANSCRIBING", stage="transcribe", progress=0.43)
    expect(page.get_by_text("43%")).to_be_visible()
    for left, words in [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (7000, "about 2:00 h"),
    ]:
        expected = datetime.now(UTC) + timedelta(seconds=left)
        backend.change(job_id, expected_at=expected, progress=0.44 + left / 1e5)
        expect(page.get_by_text(f"{words} left")).to_be_visible()
    backend.change(job_id, status="ANALYZING", stage="stats", progress=None)
    expect(page.get_by_text("Counting")).to_be_visible()
    backend.complete(job_id, make_transcript(ENGLISH, job_id=job_id, language="en"))
    expect(page.locator(".job-status").get_by_text("Complete")).to_be_visible()
    expect(page.get_by_text("3 speakers")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("council: Complete")


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("notes.pdf", 10, "This is not a recording we can read"),
        ("without-suffix", 10, "This is not a recording we can read"),
        ("empty.mp4", 0, "The file is empty"),
        (f"{'ñ' * 110}.mp4", 10, "The file name is too long"),
        ("a\u202egnp.mp4", 10, "control characters"),
    ],
)
def test_a_wrong_file_is_refused_without_a_request(
    open_page: OpenPage, backend: Backend, name: str, size: int, sentence: str
) -> None:
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    file = FilePayload(name=name, mimeType="", buffer=bytes(size))
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text(sentence)).to_be_visible()
    assert not backend.announced
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text(sentence)).to_be_hidden()


def test_a_file_over_the_limit_is_refused(open_page: OpenPage) -> None:
    page = open_page()
    refusal = "size => import('/media.js').then(m => m.refusal({name: 'a.mp4', size}))"
    assert page.evaluate(refusal, 50 * 2**30) is None
    assert page.evaluate(refusal, 50 * 2**30 + 1) == "size"


MORE = "Language, speakers and more"
WRITE_TO = "Write to this address when it is done"


def test_whoever_gives_an_address_is_asked_for_it_once_a_tab(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    page.get_by_text(MORE).click()
    page.get_by_label(WRITE_TO).fill("ana@example.org")
    page.reload()
    expect(page.get_by_label(WRITE_TO)).to_be_visible()
    expect(page.get_by_label(WRITE_TO)).to_have_value("ana@example.org")
    page.locator("input[type=file]").set_input_files(TINY)
    expect(page.get_by_role("link", name="tiny")).to_be_visible()
    assert backend.announced[0].notify == "ana@example.org"
    another = open_page(locale="es-ES")
    expect(another.get_by_label("Escribir a esta dirección")).to_have_value("")


def test_nothing_is_sent_with_an_address_that_is_none(
    open_page: OpenPage, backend: Backend
) -> None:
    page = open_page()
    page.get_by_text(MORE).click()
    field = page.get_by_label(WRITE_TO)
    field.fill("ana@example")
    expect(page.get_by_text("This is not a mail address")).to_be_hidden()  # it may become one
    field.blur()
    expect(page.get_by_text("This is not a mail address")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    page.locator("input[type=file]").set_input_files(TINY)
    expect(page.get_by_text("because the mail address is none")).to_be_visible()
    assert not backend.announced
    field.fill("")
    page.locator("input[type=file]").set_input_files(TINY)
    expect(page.get_by_role("link", name="tiny")).to_be_visible()
    assert backend.announced[0].notify is None


def test_nobody_is_asked_for_an_address_where_no_mails_are_sent(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.sends_mails = False
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_label(WRITE_TO)).to_have_count(0)


ADDRESSES = [
    *("ana@example.org", "a.b+c@a-b.example.org", "o'neil@example.ie", f"{'a' * 64}@b.cd"),
    *("ana", "ana@example", "ana@", "@example.org", "a b@example.org", f"{'a' * 65}@b.cd"),
    *("ana@-a.org", "ana@a-.org", "ana@a..org", "ana@example.org.", "ana@example.org\n", "ñ@b.cd"),
    *(
        f"ana@{'a' * 63}.org",
        f"ana@{'a' * 64}.org",
        f"a@{'b.' * 126}",
        f"a@{'b.' * 125}cd",
        "a@b@c.de",
    ),
]


def test_addresses_are_taken_as_the_server_takes_them(open_page: OpenPage) -> None:
    page = open_page()
    judge = "all => import('/mail.js').then(m => all.filter(m.isMailAddress))"
    assert page.evaluate(judge, ADDRESSES) == [each for each in ADDRESSES if is_taken(each)]


def is_taken(address: str) -> bool:
    try:
        return check_mail_address(address) == address
    except PydanticCustomError:
        return False


def test_files_may_be_dropped_anywhere(open_page: OpenPage, backend: Backend) -> None:
    page = open_page()
    expect(page.get_by_text("No debates yet")).to_be_visible()
    transfer = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["12345"], "first.mp3"));
          data.items.add(new File(["678"], "second.wav"));
          return data;
        }"""
    )
    page.dispatch_event("footer", "dragenter", {"dataTransfer": transfer})
    expect(page.get_by_text("Let go to upload")).to_be_visible()
    page.dispatch_event("footer", "drop", {"dataTransfer": transfer})
    expect(page.get_by_role("link", name="first")).to_be_visible()
    expect(page.get_by_role("link", name="second")).to_be_visible()
    assert sorted(backend.received.values()) == [3, 5]


def test_an_upload_can_be_cancelled_and_tried_again(
    open_page: OpenPage, backend: Backend, recording: Path
) -> None:
    backend.slow = True
    page = open_page()
    page.locator("input[type=file]").set_input_files(recording)
    page.get_by_role("button", name="Cancel: council.mp4").click()
    expect(page.get_by_text("Cancelled. Nothing was kept.")).to_be_visible()
    backend.slow = False
    page.get_by_role("button", name="Try again: council.mp4").click()
    expect(page.get_by_role("link", name="council")).to_have_count(1)
    expect(page.get_by_text("Waiting to be transcribed")).to_be_visible()


def test_an_upload_the_server_refuses_says_its_sentence(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    page = open_page()
    backend.broken["/api/uploads"] = 400
    page.locator("input[type=file]").set_input_files(
        {"name": "a.mp4", "mimeType": "", "buffer": b"1"}
    )
    expect(page.get_by_text("Broken by a test.")).to_be_visible()
    complaints.clear()  # the browser reports the 400


def test_a_failure_shows_its_sentence_and_a_retry_its_time(
    open_page: OpenPage, backend: Backend
) -> None:
    backend.add(
        "Silent film",
        "FAILED",
        error={"code": "no_audio_track", "message": "The video has no sound."},
    )
    backend.add(
        "Unlucky",
        "QUEUED",
        stage="transcribe",
        error={"code": "internal", "message": "Something went wrong."},
        retry_at=datetime.now(UTC) + timedelta(minutes=25),
    )
    page = open_page()
    expect(row(page, "Silent film")).to_contain_text("The video has no sound.")
    expect(row(page, "Unlucky")).to_contain_text("Something went wrong. It will be tried again at")


def test_names_are_text(open_page: OpenPage, backend: Backend) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    backend.add(hostile)
    page = open_page()
    expect(page.get_by_role("link", name=hostile)).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)


def test_older_debates_are_fetched_when_asked(open_page: OpenPage, backend: Backend) -> None:
    backend.page_size = 2
    for number in range(5):
        backend.add(f"Debate {number}")
    page = open_page()
    expect(page.locator(".job h3")).to_have_text(["Debate 4", "Debate 3"])
    page.get_by_role("button", name="Show older debates").click()
    expect(page.locator(".job")).to_have_count(4)
    page.get_by_role("button", name="Show older debates").click()
    expect(page.locator(".job h3")).to_have_text([f"Debate {n}" for n in (4, 3, 2, 1, 0)])
    expect(page.get_by_role("button", name="Show older debates")).to_be_hidden()


def test_totals_are_those_of_the_summary(open_page: OpenPage, backend: Backend) -> None:
    backend.add("The last of twelve")
    backend.summary = {"jobs": 12, "duration": 3723.4, "words": 45_210, "speakers": 31}
    page = open_page()
    totals = page.locator(".totals")
    expect(totals).to_contain_text("1:02:03")
    expect(totals).to_contain_text("45,210")
    values = totals.locator("data").evaluate_all("all => all.map(data => Number(data.value))")
    assert values == [12, 3723.4, 45_210, 31]


def test_an_unreachable_server_is_named_and_the_page_resumes(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    title = backend.jobs[debate].title
    backend.broken["/api/jobs"] = 503
    page = open_page()
    expect(page.locator(".banner-place")).to_contain_text("The server has a problem")
    backend.broken.clear()
    expect(page.get_by_role("link", name=title)).to_be_visible()
    expect(page.locator(".banner-place")).to_be_empty()

    page.context.set_offline(True)
    page.get_by_role("link", name=title).click()
    expect(page.locator(".banner-place")).to_contain_text("This device is offline")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    expect(page.get_by_role("heading", name="The figures")).to_be_visible()
    complaints.clear()  # the browser reports each failed request


def test_a_401_asks_to_sign_in(
    open_page: OpenPage, backend: Backend, complaints: list[str]
) -> None:
    backend.broken["/api/jobs"] = 401
    page = open_page()
    expect(page.locator(".banner-place")).to_contain_text("You are not signed in")
    page.wait_for_load_state("networkidle")
    complaints.clear()


def test_polling_slows_down_and_stops_while_hidden(open_page: OpenPage) -> None:
    page = open_page()
    delays = page.evaluate(
        """async () => {
          const { nextDelay } = await import("/jobs.js");
          const run = (active) => {
            const delays = [];
            for (let delay = null; delays.length < 8; delays.push(delay)) {
              delay = nextDelay(delay, { active, changed: false });
            }
            return delays;
          };
          const moved = nextDelay(30000, { active: true, changed: true });
          return { active: run(true), idle: run(false), moved };
        }"""
    )
    assert delays["active"] == sorted(delays["active"])
    assert (delays["active"][0], delays["active"][-1]) == (1_000, 4_000)
    assert (delays["idle"][0], delays["idle"][-1]) == (5_000, 30_000)
    assert delays["moved"] == 1_000
    asked = page.evaluate(
        """async () => {
          const { poll } = await import("/poll.js");
          let asked = 0;
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
          const polling = poll(async () => (++asked, 1000));
          const hidden = asked;
          Object.defineProperty(document, "hidden", { value: false });
          document.dispatchEvent(new Event("visibilitychange"));
          polling.stop();
          return [hidden, asked];
        }"""
    )
    assert asked == [0, 1]
