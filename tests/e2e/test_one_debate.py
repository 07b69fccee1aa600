"""One debate from its upload to the mail about it, by the id that is in every line of its logs."""

from __future__ import annotations

import email
import email.policy
import filecmp
import json
import os
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from debate_analyzer.upload import MULTIPART_BYTES
from tests.e2e.burst import FAST
from tests.e2e.laptop import Laptop, until
from tests.world import silent_wav

pytestmark = [pytest.mark.e2e, pytest.mark.models]

HOOK = {"url": "https://localhost/told", "events": ["job.completed"]}
FUNCTIONS = {"api", "submit-transcribe", "submit-stats", "publish", "notify", "deliver", "mail"}
WORKERS = {"transcribe", "stats"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path_factory.mktemp("one"), launcher=FAST)
    laptop.start()
    yield laptop
    laptop.stop()


def letter(stack: Laptop, address: str) -> EmailMessage:
    """The one in the outbox that is to the address, as soon as it is there."""

    def found() -> EmailMessage | None:
        for path in (stack.data / "state" / "mails").glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["to"] == address:
                return mail
        return None

    return until(found, seconds=240, what=f"a letter to {address}")


def lines(stack: Laptop) -> Iterator[tuple[str, str]]:
    """What functions and workers have written, by who wrote it."""
    logs, name = stack.data / "state" / "logs", "debate-analyzer-"
    for line in (logs / "functions.log").read_text().splitlines():
        writer = json.loads(line).get("function_name", "") if line.startswith("{") else ""
        yield writer.removeprefix(name), line
    for path in (logs / "batch").rglob("*.log"):
        for line in path.read_text().splitlines():
            yield path.parent.name.removeprefix(name), line


def about(line: str) -> Any:
    """The debate that a line says it is about."""
    return json.loads(line).get("correlation_id") if line.startswith("{") else None


def test_whoever_gives_an_address_on_the_page_is_written_to(stack: Laptop, page: Page) -> None:
    page.goto(stack.url)
    page.get_by_text("Language, speakers and more").click()
    page.get_by_label("Write to this address when it is done").fill("two@example.org")
    file = FilePayload(name="council.wav", mimeType="", buffer=silent_wav(1))
    page.locator("input[type=file]").set_input_files(file)

    written = letter(stack, "two@example.org")
    assert "council" in written["subject"]
    text = written.get_body(["plain"])
    assert text is not None
    link = re.search(r"http://\S+/\?share=\S+", text.get_content())
    assert link, text
    page.goto(link[0])
    expect(page.get_by_role("heading", level=1, name="council")).to_be_visible(timeout=30_000)


def test_a_large_file_goes_in_parts_of_which_one_breaks_off(
    stack: Laptop, page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(MULTIPART_BYTES + 1))
    broken: list[str] = []

    def break_off(route: Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort("connectionreset")

    page.route(re.compile("partNumber=3&"), break_off)
    page.goto(stack.url)
    page.locator("input[type=file]").set_input_files(path)
    link = page.get_by_role("link", name="large")
    expect(link).to_be_visible(timeout=120_000)
    [arrived] = (stack.data / "state" / "aws" / "s3").rglob(path.name)
    assert filecmp.cmp(arrived, path, shallow=False)
    assert len(broken) == 1


def test_whoever_has_touched_a_debate_says_so_under_its_id(stack: Laptop) -> None:
    made = httpx.post(f"{stack.url}/api/webhooks", json=HOOK, timeout=30)
    assert made.status_code == 201, made.text
    recording = silent_wav(1)
    body = {"filename": "one.wav", "size": len(recording), "notify": "one@example.org"}
    announced = httpx.post(f"{stack.url}/api/uploads", json=body, timeout=30).json()
    job_id, upload = announced["job"]["job_id"], announced["upload"]
    httpx.put(upload["url"], content=recording, headers=upload["headers"]).raise_for_status()
    letter(stack, "one@example.org")

    def strangers() -> set[str]:
        said = {writer for writer, line in lines(stack) if about(line) == job_id}
        return (FUNCTIONS | WORKERS) - said

    until(lambda: strangers() == set() or None, seconds=60, what="everybody's line")
    for writer, line in lines(stack):
        if job_id in line:
            assert about(line) == job_id, f"{writer}: {line}"
