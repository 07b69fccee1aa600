"""The page of one debate."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from debate_analyzer.edits import Rename
from debate_analyzer.transcript import Transcript
from tests.browser import wait_until
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import ENGLISH, SPANISH, make_transcript


def media_time(page: Page) -> float:
    return float(page.locator("video").evaluate("video => video.currentTime"))


def seek(page: Page, seconds: float) -> None:
    page.locator("video").evaluate("(video, time) => { video.currentTime = time; }", seconds)


def ready(page: Page) -> None:
    """The recording can be played, the transcript and the figures are there."""
    wait_until(page, "document.querySelector('video')?.readyState >= 1")
    expect(page.locator(".segment").first).to_be_visible()
    expect(page.locator(".figures")).to_be_visible()


def published(backend: Backend, job_id: str) -> dict[str, Any]:
    return backend.statistics[job_id]


def test_speakers_are_called_what_people_call_them(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    labels = sorted(
        {segment.speaker or "" for segment in backend.transcripts[debate].transcription}
    )
    names = ["Ada <i>Lovelace</i>", "Sam", "Sam"]  # the latter tells nobody apart
    backend.opinions.say(
        debate,
        *(Rename(speaker=label, name=name) for label, name in zip(labels, names, strict=True)),
    )
    page = open_page(f"/?job={debate}")
    ready(page)

    expect(page.locator(".segment-speaker").first).to_have_text(names[0])
    figures = page.locator(".figures").inner_text()
    assert all(name in figures for name in (names[0], "Speaker 2", "Speaker 3"))
    text = page.locator("main").inner_text()
    assert "Speaker 1" not in text
    assert "Sam" not in text


def test_a_click_on_a_segment_plays_it(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_text("I own one of those shops").click()
    wait_until(page, "!document.querySelector('video').paused")
    assert media_time(page) >= 28.6
    expect(page.locator(".segment[aria-current]")).to_contain_text("I own one of those shops")
    assert page.url.endswith(f"?job={debate}&t=28.6")


def test_a_link_to_a_moment_opens_there(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}&t=52.5")
    ready(page)
    wait_until(page, "document.querySelector('video').currentTime === 52.5")
    expect(page.locator(".segment[aria-current]")).to_contain_text("One at a time")
    assert page.locator("video").evaluate("video => video.paused")


def test_a_link_to_a_clip_opens_at_its_start_and_playing_ends_with_it(
    open_page: OpenPage, debate: str
) -> None:
    page = open_page(f"/?job={debate}&t=52.5&to=53.2")
    ready(page)
    wait_until(page, "document.querySelector('video').currentTime === 52.5")
    page.locator("video").evaluate("video => video.play()")
    wait_until(page, "document.querySelector('video').currentTime > 53")
    wait_until(page, "document.querySelector('video').paused")
    assert media_time(page) == pytest.approx(53.2, abs=0.2)
    # Who goes on from there has left the clip.
    page.locator("video").evaluate("video => video.play()")
    wait_until(page, "document.querySelector('video').currentTime > 54")


def test_a_number_plays_its_span_and_no_more(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.locator("article").evaluate(
        """article => {
            const link = document.createElement("a");
            Object.assign(link, { href: "?", textContent: "0.7 s" });
            Object.assign(link.dataset, { moment: "30", end: "30.7" });
            article.append(link);
        }"""
    )
    page.get_by_role("link", name="0.7 s").click()
    wait_until(page, "document.querySelector('video').currentTime > 30.5")
    wait_until(page, "document.querySelector('video').paused")
    assert media_time(page) == pytest.approx(30.7, abs=0.2)
    assert page.url.endswith(f"?job={debate}&t=30&to=30.7")
    # What is elsewhere is not stopped by the clip that was left.
    page.get_by_text("I own one of those shops").click()
    wait_until(page, "document.querySelector('video').currentTime > 31")


def test_the_transcript_follows_unless_told_not_to(open_page: OpenPage, debate: str) -> None:
    tall = {"width": 1280, "height": 1200}
    page = open_page(f"/?job={debate}", reduced_motion="reduce", viewport=tall)
    ready(page)
    last = page.locator(".segment").last
    expect(last).not_to_be_in_viewport()
    seek(page, 80)
    expect(page.locator(".segment[aria-current]")).to_contain_text("We have heard an agreement")
    expect(last).to_be_in_viewport()
    page.get_by_label("Follow the recording").uncheck()
    seek(page, 1)
    expect(page.locator(".segment[aria-current]")).to_contain_text("Good evening")
    expect(last).to_be_in_viewport()


def test_captions_are_on_the_recording(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    expect(page.locator("track[kind=captions]")).to_have_attribute("srclang", "en")
    page.locator("video").evaluate("video => { video.textTracks[0].mode = 'showing'; }")
    wait_until(page, "document.querySelector('video').textTracks[0].cues?.length === 11")


def test_an_expired_address_is_signed_anew_at_the_same_moment(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    seek(page, 30)
    wait_until(page, "!document.querySelector('video').seeking")
    backend.broken[f"/bucket/{debate}/video/1"] = 403
    page.locator("video").evaluate("video => { video.src = video.src + '?expired'; }")
    wait_until(page, "document.querySelector('video').src.endsWith('/video/2')")
    wait_until(page, "document.querySelector('video').currentTime === 30")
    complaints.clear()  # the browser reports the 403


def test_a_recording_that_cannot_be_played_leaves_the_rest(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    backend.broken[f"/bucket/{debate}/video"] = 403
    page = open_page(f"/?job={debate}")
    expect(page.get_by_text("Your browser cannot play this recording")).to_be_visible()
    expect(page.locator(".speaker-table")).to_be_visible()
    assert backend.video_links == 2
    complaints.clear()


def test_names_and_words_are_text(open_page: OpenPage, backend: Backend) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    job_id = backend.add(hostile)
    backend.complete(job_id, make_transcript(SPANISH, job_id=job_id, language="es"))
    page = open_page(f"/?job={job_id}")
    ready(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(hostile)
    expect(page.locator(".segment-speaker", has_text=hostile)).to_have_count(2)
    expect(page.locator(".speaker-table th", has_text=hostile)).to_have_count(1)
    expect(page.locator("article img")).to_have_count(0)


def test_what_was_asked_for_early_is_given_once_and_not_when_it_is_old(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page()
    page.clock.install()
    ask = "async ([name, id]) => { await (await import('/api.js'))[name](id); }"
    counts = []
    for name in ("expectDebate", "getJob", "getJob", "expectDebate"):
        page.evaluate(ask, [name, debate])
        counts.append(backend.requests[f"GET /api/jobs/{debate}"])
    page.clock.run_for(60_000)
    page.evaluate(ask, ["getJob", debate])
    assert counts[1:3] == [1, 2]
    assert backend.requests[f"GET /api/jobs/{debate}"] == 4


def test_warnings_play_their_moment(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    expect(page.get_by_text("Two people talk at once here")).to_be_visible()
    page.get_by_role("link", name="Listen at 0:43").click()
    wait_until(page, "document.querySelector('video').currentTime >= 43.6")


@pytest.mark.parametrize("file_format", ["docx", "txt", "srt", "vtt", "csv", "json"])
def test_downloads(open_page: OpenPage, debate: str, file_format: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.locator(".downloads").get_by_role("link", name=file_format.upper()).first.click()
    assert download.value.suggested_filename == f"debate.{file_format}"
    assert "Market Street" in download.value.path().read_text()
    expect(page.locator(".download-list")).to_be_hidden()


def test_the_figures_and_the_recording_are_downloaded(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="all figures").click()
    assert download.value.suggested_filename == "debate.statistics.json"
    found = json.loads(download.value.path().read_text())
    assert found == published(backend, debate)
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="the recording itself").click()
    assert download.value.suggested_filename == "debate.webm"
    assert download.value.path().read_bytes() == backend.video.read_bytes()


def test_an_unpublished_debate_is_read_through_the_api(
    open_page: OpenPage, backend: Backend
) -> None:
    job_id = backend.add("Between us", published=False)
    backend.complete(
        job_id, make_transcript(ENGLISH, job_id=job_id, language="en"), published=False
    )
    page = open_page(f"/?job={job_id}")
    ready(page)
    assert backend.requests[f"GET /statistics/by-job/{job_id}.json"] == 0


def test_statistics_not_yet_at_the_edge_come_from_the_api(
    open_page: OpenPage, backend: Backend, debate: str, complaints: list[str]
) -> None:
    backend.published.clear()
    page = open_page(f"/?job={debate}")
    ready(page)
    complaints.clear()  # the browser reports the 403


def test_a_debate_on_its_way_shows_its_stages(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Parliament", "UPLOADING", stage="upload")
    page = open_page(f"/?job={job_id}")
    current = page.locator("[aria-current=step]")
    expect(current).to_contain_text("Waiting for the file")
    backend.change(job_id, status="TRANSCRIBING", stage="transcribe", progress=0.43)
    expect(current).to_contain_text("Transcribing 43%")
    expect(current).not_to_contain_text("left")
    soon = datetime.now(UTC) + timedelta(minutes=11, seconds=30)
    backend.change(job_id, status="SPLIT", progress=0.5, expected_at=soon)
    expect(current).to_contain_text("Transcribing in parts 50%")
    expect(current).to_contain_text("about 12 minutes left")
    expect(page.locator("video")).to_be_visible()
    backend.change(job_id, status="TRANSCRIBED", stage="transcribe", progress=None)
    expect(current).to_contain_text("Transcript written")
    backend.complete(job_id, make_transcript(ENGLISH, job_id=job_id, language="en"))
    ready(page)
    expect(page.locator(".stages")).to_be_hidden()
    expect(page.get_by_role("status").filter(has_text="Parliament: Complete")).to_have_count(1)


def test_a_failed_debate_says_why_and_what_to_do(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add(
        "Silent", "FAILED", error={"code": "no_audio_track", "message": "The video has no sound."}
    )
    page = open_page(f"/?job={job_id}")
    expect(page.get_by_text("The video has no sound.")).to_be_visible()
    expect(page.locator(".stage-failed")).to_contain_text("Transcript")
    expect(page.locator("video")).to_have_count(0)
    page.get_by_role("link", name="upload the recording again").click()
    expect(page.get_by_role("button", name="Choose recordings")).to_be_visible()


def test_failed_statistics_leave_the_transcript(open_page: OpenPage, backend: Backend) -> None:
    job_id = backend.add("Uncounted")
    backend.complete(job_id, make_transcript(ENGLISH, job_id=job_id, language="en"))
    error = {"code": "internal", "message": "Something went wrong on our side."}
    backend.change(job_id, status="FAILED", error=error)
    page = open_page(f"/?job={job_id}")
    expect(page.locator(".stage-failed")).to_contain_text("Statistics")
    expect(page.get_by_text("I own one of those shops")).to_be_visible()


@pytest.mark.parametrize("job_id", ["nope", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_debate(open_page: OpenPage, job_id: str, complaints: list[str]) -> None:
    page = open_page(f"/?job={job_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such debate here")
    page.get_by_role("link", name="All debates").click()
    expect(page.get_by_role("heading", name="Debates")).to_be_visible()
    complaints.clear()  # the browser reports the 404


def test_a_plain_foreign_transcript_is_shown(open_page: OpenPage, backend: Backend) -> None:
    """The least a transcript may hold: no turns, no words, no language, nobody known."""
    job_id = backend.add("Foreign", filename=None)
    segments = [{"start": 0, "end": 4, "text": "Hello.", "speaker": None}]
    backend.complete(job_id, Transcript.model_validate({"duration": 5, "transcription": segments}))
    page = open_page(f"/?job={job_id}")
    expect(page.get_by_text("Hello.")).to_be_visible()
    expect(page.get_by_text("Unknown speaker")).to_be_visible()
    expect(page.locator("video")).to_have_count(0)
    expect(page.get_by_text("One word could be given to nobody")).to_be_visible()
    expect(page.get_by_text("there are no figures by speaker")).to_be_visible()


def test_whoever_has_a_link_reads_the_debate_by_it_alone(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    backend.links["0b4c6e1f"] = debate
    page = open_page("/?share=0b4c6e1f")
    ready(page)
    expect(page.locator("h1")).to_have_text(backend.jobs[debate].title)
    page.locator(".segment-time").last.click()
    wait_until(page, "new URLSearchParams(location.search).has('t')")
    assert "share=0b4c6e1f" in page.url
    asked = {request.split(" ")[1] for request in backend.requests}
    assert not any(path.startswith(("/api/jobs/", "/statistics/by-job/")) for path in asked)


def test_a_link_that_has_expired_leads_nowhere_and_says_so(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = open_page("/?share=0b4c6e1f")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such debate here")
    expect(page.get_by_text("the link may have expired")).to_be_visible()
    complaints.clear()  # the browser reports the 404
