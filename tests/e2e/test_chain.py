"""A debate through the whole stack: IAM enforced, real models, a real browser."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import docx
import duckdb
import httpx
import pytest
from playwright.sync_api import Page, expect

from debate_analyzer.transcript import parse_transcript
from demo.score import score
from demo.truth import read_truth
from tests.browser import wait_until
from tests.e2e.excerpt import DEMO
from tests.e2e.laptop import Laptop, until

pytestmark = [pytest.mark.e2e, pytest.mark.models]


@pytest.fixture(scope="session")
def debate(laptop: Laptop) -> Any:
    """The demo debate, uploaded by the `debate` command."""
    done = laptop.debate("upload", str(DEMO), "--title", "Demo <b>debate</b>", "--wait", "--json")
    assert done.returncode == 0, done.stdout + done.stderr + laptop.terminal()
    return json.loads(done.stdout)


def _transcript(laptop: Laptop, job_id: str) -> Any:
    answer = httpx.get(f"{laptop.url}/api/jobs/{job_id}/transcript", follow_redirects=True)
    return parse_transcript(answer.content)


def test_the_demo_debate_is_understood(laptop: Laptop, debate: Any) -> None:
    got = score(_transcript(laptop, debate["job_id"]), read_truth())

    assert debate["status"] == "COMPLETE"
    assert got.speakers == 3
    assert got.wer < 0.08
    assert got.der < 0.12


def test_its_figures_reach_the_published_files(laptop: Laptop, debate: Any) -> None:
    job_id = debate["job_id"]
    published = laptop.json(f"/statistics/by-job/{job_id}.json")
    entry = until(lambda: _entry(laptop, job_id), seconds=60, what="the index to show the debate")

    assert published == laptop.json(f"/api/jobs/{job_id}/statistics")
    assert entry["videoLabel"] == "Demo <b>debate</b>"
    assert entry["words"] == published["totals"]["words"] > 100
    until(lambda: _counted(laptop), seconds=60, what="the summary to count what the index lists")
    assert published["totals"]["words"] == sum(
        len(segment.words) for segment in _transcript(laptop, job_id).transcription
    )


def test_a_renamed_speaker_is_counted_by_the_name_and_the_transcript_stays(
    laptop: Laptop, debate: Any
) -> None:
    job_id = debate["job_id"]
    transcript, before = _transcript(laptop, job_id), _speakers(laptop, job_id)
    assert set(before.values()) == {None}

    done = laptop.debate("rename", job_id[:8], "SPEAKER_00", "Ada Lovelace")
    assert done.returncode == 0, done.stdout + done.stderr
    until(
        lambda: _speakers(laptop, job_id)["SPEAKER_00"], seconds=60, what="the figures by the name"
    )

    assert _speakers(laptop, job_id) == before | {"SPEAKER_00": "Ada Lovelace"}
    assert _transcript(laptop, job_id) == transcript
    dataset = laptop.data / "state" / "aws" / "s3" / "*" / "*" / "dataset" / "speakers"
    rows = duckdb.sql(
        f"SELECT name FROM read_parquet('{dataset}/*/*.parquet') "
        f"WHERE job_id = '{job_id}' AND name IS NOT NULL"
    )
    assert rows.fetchall() == [("Ada Lovelace",)]


def _speakers(laptop: Laptop, job_id: str) -> dict[str, str | None]:
    """Names by label."""
    statistics = laptop.json(f"/statistics/by-job/{job_id}.json")
    return {speaker["speaker"]: speaker["name"] for speaker in statistics["speakers"]}


def _published(laptop: Laptop, name: str) -> Any:
    """Nothing while it has not been written."""
    answer = httpx.get(f"{laptop.url}/statistics/{name}.json", timeout=30)
    return answer.json() if answer.status_code == 200 else {"jobs": []}


def _entry(laptop: Laptop, job_id: str) -> Any:
    jobs = _published(laptop, "index")["jobs"]
    return next((job for job in jobs if job["jobId"] == job_id), None)


def _counted(laptop: Laptop) -> bool | None:
    jobs = len(_published(laptop, "index")["jobs"])
    return True if jobs and _published(laptop, "summary")["jobs"] == jobs else None


@pytest.mark.parametrize(("suffix", "start"), [("srt", "1\n00:"), ("vtt", "WEBVTT"), ("txt", "")])
def test_captions_come_in_every_format(
    laptop: Laptop, debate: Any, suffix: str, start: str
) -> None:
    shown = laptop.debate("transcript", debate["job_id"][:8], "--format", suffix)
    assert shown.returncode == 0
    assert shown.stdout.startswith(start)
    assert len(shown.stdout) > 500


def test_it_can_be_taken_along_as_a_table_and_as_a_document(laptop: Laptop, debate: Any) -> None:
    def fetch(file_format: str) -> bytes:
        url = f"{laptop.url}/api/jobs/{debate['job_id']}/transcript?format={file_format}"
        answer = httpx.get(url, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.content

    rows = list(csv.DictReader(io.StringIO(fetch("csv").decode("utf-8-sig"), newline="")))
    paragraphs = docx.Document(io.BytesIO(fetch("docx"))).paragraphs
    speakers = {row["speaker"] for row in rows}
    assert speakers & {"SPEAKER_00", "Ada Lovelace"}  # who is renamed above
    assert "SPEAKER_01" in speakers
    assert paragraphs[0].text == debate["title"]
    assert sum(each.text.count(" ") for each in paragraphs) > 100


def test_its_video_answers_a_range(laptop: Laptop, debate: Any) -> None:
    link = laptop.json(f"/api/jobs/{debate['job_id']}/video")
    part = httpx.get(link["url"], headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == DEMO.read_bytes()[100:200]


def test_the_api_wants_a_token_that_the_page_s_origin_adds(laptop: Laptop, debate: Any) -> None:
    stage = laptop.aws("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    ports = json.loads((laptop.data / "state" / "ports.json").read_text())
    gateway = f"http://127.0.0.1:{ports['emulator']}/_aws/execute-api/{stage}/$default"

    assert httpx.get(f"{gateway}/api/jobs").status_code == 401
    assert httpx.get(f"{laptop.url}/api/jobs").status_code == 200
    assert httpx.get(f"{laptop.url}/api/jobs", headers={"Host": "evil.example"}).status_code != 200


def test_the_worker_s_log_is_where_the_terminal_says(laptop: Laptop, debate: Any) -> None:
    logs = "\n".join(p.read_text() for p in (laptop.data / "state" / "logs").rglob("*.log"))
    assert f"jobs/{debate['job_id']}/videos/debate.mp4" in logs


def test_a_person_uploads_watches_and_reads(laptop: Laptop, page: Page, excerpt: Path) -> None:
    """Through the page alone: choose a file, watch it become a debate, compare with the JSON."""
    page.goto(laptop.url)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose").first.click()
    before = {job["job_id"] for job in laptop.json("/api/jobs")["jobs"]}
    chooser.value.set_files(excerpt)
    job_id = until(lambda: _newer(laptop, before), seconds=60, what="the upload to be announced")
    page.locator(f"a[href*='{job_id}']").first.click(timeout=60_000)
    expect(page).to_have_url(re.compile(job_id))
    expect(page.get_by_role("table").first).to_be_visible(timeout=240_000)

    published = laptop.json(f"/statistics/by-job/{job_id}.json")
    table = page.get_by_role("table").first
    for speaker in published["speakers"]:
        row = table.get_by_role("row").filter(has_text=str(speaker["words"]))
        expect(row.first).to_be_visible()
    video = page.locator("video")
    expect(video).to_have_js_property("error", None)
    wait_until(page, "document.querySelector('video').readyState >= 1")
    assert page.locator("video").evaluate("v => v.duration") == pytest.approx(
        published["duration"], abs=0.5
    )


def _newer(laptop: Laptop, before: set[str]) -> str | None:
    jobs = laptop.json("/api/jobs")["jobs"]
    return next((str(job["job_id"]) for job in jobs if job["job_id"] not in before), None)


def test_a_title_with_markup_in_it_is_text(laptop: Laptop, debate: Any, page: Page) -> None:
    page.goto(laptop.url)
    expect(page.get_by_text("Demo <b>debate</b>").first).to_be_visible(timeout=30_000)


def test_a_second_stack_on_the_same_folder_is_refused(laptop: Laptop) -> None:
    rival = Laptop(laptop.data)
    with pytest.raises(AssertionError, match="Another stack"):
        rival.start()
