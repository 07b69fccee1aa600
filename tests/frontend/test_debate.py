"""The page of one debate."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from debate_analyzer.statistics import SpeakerStatistics
from debate_analyzer.transcript import Transcript
from tests.browser import wait_until
from tests.frontend.backend import Backend
from tests.frontend.conftest import OpenPage
from tests.frontend.debate import DURATION, ENGLISH, SPANISH, make_transcript

COLUMNS = [
    *("speakingTime", "speakingShare", "words", "wordShare", "wordsPerMinute"),
    *("segments", "turns", "longestTurn", "meanTurn", "confidence"),
]


def media_time(page: Page) -> float:
    return float(page.locator("video").evaluate("video => video.currentTime"))


def seek(page: Page, seconds: float) -> None:
    page.locator("video").evaluate("(video, time) => { video.currentTime = time; }", seconds)


def ready(page: Page) -> None:
    """The recording can be played, the transcript and the figures are there."""
    wait_until(page, "document.querySelector('video')?.readyState >= 1")
    expect(page.locator(".segment").first).to_be_visible()
    expect(page.locator(".speaker-table")).to_be_visible()


def published(backend: Backend, job_id: str) -> dict[str, Any]:
    return backend.statistics[job_id]


def test_the_numbers_are_those_of_the_json(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    statistics = published(backend, debate)
    rows = sorted(statistics["speakers"], key=lambda row: -row["speakingTime"])
    shown = page.locator(".speaker-table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('data')].map(data => Number(data.value)))"
    )
    assert shown == [[row[column] for column in COLUMNS] for row in rows]
    names = [f"Speaker {int(row['speaker'][-2:]) + 1}" for row in rows]
    expect(page.locator(".speaker-table tbody th")).to_have_text(names)

    totals = statistics["totals"]
    headlines = page.locator(".headlines data").evaluate_all("all => all.map(d => Number(d.value))")
    assert headlines == [
        *(statistics["duration"], statistics["speakersCount"], totals["words"]),
        *(totals["turns"], totals["overlap"], totals["silence"]),
    ]
    for measure, bars in (("speakingTime", 0), ("words", 1)):
        values = page.locator(".bars").nth(bars).locator("data")
        assert values.evaluate_all("all => all.map(d => Number(d.value))") == [
            row[measure] for row in rows
        ]
    # What a reader sees is the same number, rounded.
    first = page.locator(".speaker-table tbody tr").first
    expect(first).to_contain_text(f"{rows[0]['speakingTime']:.0f} s")
    expect(first).to_contain_text(f"{100 * rows[0]['speakingShare']:.0f}%")
    expect(first).to_contain_text(f"{rows[0]['wordsPerMinute']:.0f}")
    expect(page.get_by_text("All figures are approximate")).to_be_visible()


def test_figures_come_with_how_sure_they_are(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    rows = sorted(published(backend, debate)["speakers"], key=lambda row: -row["speakingTime"])
    low, high = rows[0]["uncertainty"]["speakingTime"]["thisDebate"]
    assert low < rows[0]["speakingTime"] < high
    first = page.locator(".speaker-table tbody tr").first.locator("td").first
    expect(first.locator(".figure-range")).to_have_text(f"{low:.0f} s to {high:.0f} s")
    pace = [f"{bound:.0f}" for bound in rows[0]["uncertainty"]["wordsPerMinute"]["thisDebate"]]
    ranges = page.locator(".speaker-table tbody tr").first.locator(".figure-range")
    assert " to ".join(pace) in ranges.all_text_contents()

    (sure,) = (
        comparison["thisDebate"]
        for comparison in published(backend, debate)["comparisons"]
        if comparison["figure"] == "speakingTime"
        and (comparison["more"], comparison["less"]) == (rows[0]["speaker"], rows[1]["speaker"])
    )
    told = page.locator(".comparisons li").first
    expect(told).to_contain_text("spoke longer than")
    expect(told).to_contain_text("more than 99%" if sure > 0.995 else f"{100 * sure:.0f}%")


def test_speakers_are_called_what_people_call_them(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    first, second, third = published(backend, debate)["speakers"]
    first["name"] = "Ada <i>Lovelace</i>"
    second["name"] = third["name"] = "Sam"  # tells nobody apart
    page = open_page(f"/?job={debate}")
    ready(page)

    names = [first["name"], "Speaker 2", "Speaker 3"]
    for place in (".lanes-names li", ".speaker-table tbody th"):
        assert sorted(page.locator(place).all_inner_texts()) == names
    expect(page.locator(".segment-speaker").first).to_have_text(first["name"])
    told = " ".join(page.locator(".comparisons li").all_inner_texts())
    assert first["name"] in told
    assert "Speaker 1" not in page.locator("main").inner_text()


def test_every_column_is_in_the_contract() -> None:
    fields = {field.alias for field in SpeakerStatistics.model_fields.values()}
    assert fields > {*COLUMNS, "speaker", "longestTurnStart"}


def test_bars_are_as_long_as_their_numbers(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    widths = (
        page.locator(".bars")
        .first.locator(".bars-bar rect[fill]")
        .evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    )
    times = sorted(row["speakingTime"] for row in published(backend, debate)["speakers"])[::-1]
    assert [w / widths[0] for w in widths] == pytest.approx([t / times[0] for t in times], rel=0.01)


def test_a_click_on_a_segment_plays_it(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_text("I own one of those shops").click()
    wait_until(page, "!document.querySelector('video').paused")
    assert media_time(page) >= 28.6
    expect(page.locator(".segment[aria-current]")).to_contain_text("I own one of those shops")
    assert page.url.endswith(f"?job={debate}&t=28.6")


def test_the_longest_turn_plays_from_its_number(
    open_page: OpenPage, backend: Backend, debate: str
) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    page.get_by_role("link", name="Longest turn of Speaker 2").click()
    [row] = [r for r in published(backend, debate)["speakers"] if r["speaker"] == "SPEAKER_01"]
    wait_until(page, "!document.querySelector('video').paused")
    assert media_time(page) >= row["longestTurnStart"]
    expect(page.locator("video")).to_be_in_viewport()


def test_a_click_on_a_lane_goes_there(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    lanes = page.get_by_role("img", name=re.compile("3 speakers over"))
    box = lanes.bounding_box()
    assert box
    lanes.click(position={"x": box["width"] / 2, "y": 5})
    wait_until(page, "!document.querySelector('video').paused")
    assert media_time(page) == pytest.approx(DURATION / 2, abs=2)


def test_a_link_to_a_moment_opens_there(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}&t=52.5")
    ready(page)
    wait_until(page, "document.querySelector('video').currentTime === 52.5")
    expect(page.locator(".segment[aria-current]")).to_contain_text("One at a time")
    assert page.locator("video").evaluate("video => video.paused")


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


def test_warnings_play_their_moment(open_page: OpenPage, debate: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    expect(page.get_by_text("Two people talk at once here")).to_be_visible()
    page.get_by_role("link", name="Listen at 0:43").click()
    wait_until(page, "document.querySelector('video').currentTime >= 43.6")


@pytest.mark.parametrize("file_format", ["txt", "srt", "vtt", "json"])
def test_downloads(open_page: OpenPage, debate: str, file_format: str) -> None:
    page = open_page(f"/?job={debate}")
    ready(page)
    with page.expect_download() as download:
        page.locator(".downloads").get_by_role("link", name=file_format.upper()).click()
    assert download.value.suggested_filename == f"debate.{file_format}"
    assert "Market Street" in download.value.path().read_text()


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
    expect(page.get_by_role("status")).to_contain_text("Parliament: Complete")


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
