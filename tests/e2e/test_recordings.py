"""Recordings in chunks through the whole stack: signatures checked, IAM enforced, real speech."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import pytest

from debate_analyzer.transcript import parse_transcript
from demo.score import score
from demo.truth import read_truth
from tests.e2e.excerpt import DEMO, SECONDS_OF_EXCERPT
from tests.e2e.laptop import Laptop, until
from tests.world import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.models]

SECONDS = 71.48


def decoded(*arguments: str, to: Path) -> bytes:
    """The demo debate's sound, as ffmpeg makes something else of it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(DEMO), "-vn"]
    subprocess.run([*command, *arguments, str(to)], check=True)
    return to.read_bytes()


class Recorder:
    """A browser that records, so far as the API sees it."""

    def __init__(self, laptop: Laptop, content_type: str) -> None:
        self.laptop = laptop
        self.url = f"{laptop.url}/api/audio/sessions"
        said = {"content_type": content_type, "title": "Recorded"}
        self.url += f"/{self.ask('POST', '', said, status=201)['session_id']}"

    def ask(self, method: str, route: str, body: Any = None, *, status: int = 200) -> Any:
        answer = httpx.request(method, f"{self.url}{route}", json=body, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def announce(self, seq: int, t_start: float, t_end: float, size: int) -> Any:
        times = {"t_start": round(t_start * 1000), "t_end": round(t_end * 1000)}
        return self.ask("POST", "/chunks/presign", {"seq": seq, "size": size, **times})

    def put(self, target: Any, data: bytes, *, status: int = 200) -> None:
        for put in target["puts"]:
            piece = data[put["offset"] : put["offset"] + put["bytes"]]
            answer = httpx.put(put["url"], content=piece, headers=put["headers"], timeout=60)
            assert answer.status_code == status, answer.text

    def complete(self, seq: int, *, status: int = 200) -> Any:
        return self.ask("POST", "/chunks/complete", {"seq": seq}, status=status)

    def record(self, chunks: Sequence[bytes], seconds: Sequence[float]) -> None:
        """The last first."""
        times = list(pairwise([0.0, *accumulate(seconds)]))
        for seq in reversed(range(len(chunks))):
            self.put(self.announce(seq, *times[seq], len(chunks[seq])), chunks[seq])
            self.complete(seq)

    def debate(self) -> Any:
        """Finalized, joined, transcribed and counted; how far its transcript is from the truth."""
        job_id = self.ask("POST", "/finalize", {})["job_id"]
        assert self.laptop.ended(job_id)["status"] == "COMPLETE"
        found = httpx.get(
            f"{self.laptop.url}/api/jobs/{job_id}/transcript", follow_redirects=True, timeout=30
        )
        return score(parse_transcript(found.content), read_truth())


def test_every_route_answers_curl(laptop: Laptop, excerpt: Path) -> None:
    done = subprocess.run(
        [ROOT / "demo" / "recording.sh", excerpt, "video/mp4", str(SECONDS_OF_EXCERPT)],
        env=os.environ | {"DEBATE_API": laptop.url},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr + laptop.terminal()
    assert "chunk 1 is missing" in done.stdout
    assert done.stdout.endswith("COMPLETE\n")


def test_a_stream_in_pieces_becomes_a_debate(laptop: Laptop, tmp_path: Path) -> None:
    """As MediaRecorder gives it: one WebM, of which only the first piece has the header."""
    stream = decoded("-c:a", "libopus", "-b:a", "48k", "-live", "1", to=tmp_path / "speech.webm")
    step = len(stream) // 14 + 1
    chunks = [stream[start : start + step] for start in range(0, len(stream), step)]
    recorder = Recorder(laptop, "audio/webm;codecs=opus")
    recorder.record(chunks, [SECONDS * len(chunk) / len(stream) for chunk in chunks])
    got = recorder.debate()
    assert got.speakers == 3
    assert got.wer < 0.12


def test_files_of_their_own_become_a_debate_and_large_ones_come_in_parts(
    laptop: Laptop, tmp_path: Path
) -> None:
    form = ("-ac", "1", "-ar", "48000")
    first = decoded("-t", "60", *form, to=tmp_path / "first.wav")
    second = decoded("-ss", "60", *form, to=tmp_path / "second.wav")
    recorder = Recorder(laptop, "audio/wav")
    target = recorder.announce(0, 0, 60, len(first))
    assert len(target["puts"]) == 2
    recorder.put({"puts": target["puts"][:1]}, first)
    told = recorder.complete(0, status=409)
    assert "parts 2 are not" in told["detail"]
    [again] = recorder.ask("POST", "/chunks/retry", {})["chunks"]
    assert [put["offset"] for put in again["puts"]] == [target["puts"][1]["offset"]]
    recorder.put(again, first)
    recorder.complete(0)

    recorder.put(recorder.announce(1, 60, SECONDS, len(second)), second)
    recorder.complete(1)
    got = recorder.debate()
    assert got.speakers == 3
    assert got.wer < 0.08


def test_an_address_takes_its_chunk_and_nothing_else(laptop: Laptop) -> None:
    recorder = Recorder(laptop, "audio/ogg")
    target = recorder.announce(0, 0, 5, 8)
    [put] = target["puts"]
    for refused in (
        {"data": b"longer than eight"},
        {"data": b"8 bytes!", "headers": put["headers"] | {"Content-Type": "text/html"}},
        {"data": b"8 bytes!", "headers": put["headers"] | {"x-amz-meta-user-id": "bo"}},
        {"data": b"8 bytes!", "url": put["url"].replace("00000-0-5000", "00001-0-5000")},
    ):
        answer = httpx.put(
            str(refused.get("url", put["url"])),
            content=refused["data"],
            headers=refused.get("headers", put["headers"]),  # type: ignore[arg-type]
        )
        assert answer.status_code == 403, answer.text
    recorder.put(target, b"8 bytes!")
    recorder.put(target, b"another!", status=412)
    assert recorder.complete(0)["chunk"]["bytes"] == 8
    assert recorder.ask("DELETE", "")["deleted"]


def test_many_tabs_that_write_one_manifest_lose_no_chunk(laptop: Laptop) -> None:
    """And whoever has a rule on the bus hears of each."""
    heard = _listener(laptop)
    recorder = Recorder(laptop, "audio/webm")

    def write(tab: int) -> None:
        for seq in range(tab, 32, 4):
            recorder.put(recorder.announce(seq, seq, seq + 1, 8), b"8 bytes!")
            recorder.complete(seq)

    with ThreadPoolExecutor(4) as tabs:
        for done in [tabs.submit(write, tab) for tab in range(4)]:
            done.result()
    whole = recorder.ask("GET", "")
    assert (whole["missing"], whole["bytes"], whole["duration_ms"]) == ([], 32 * 8, 32_000)

    told: set[int] = set()

    def all_of_them() -> bool | None:
        told.update(detail["seq"] for detail in heard() if detail["session_id"] in recorder.url)
        return True if told == set(range(32)) else None

    until(all_of_them, seconds=30, what="the events of 32 chunks")


def _listener(laptop: Laptop) -> Callable[[], list[Any]]:
    """A rule on the bus, and what has come by it since the last look."""
    sqs, events = laptop.aws("sqs"), laptop.aws("events")
    queue = sqs.create_queue(QueueName="listener")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    pattern = {"source": ["debate-analyzer"], "detail-type": ["AudioChunkUploaded"]}
    events.put_rule(Name="listener", EventPattern=json.dumps(pattern))
    target = {"Id": "listener", "Arn": found["Attributes"]["QueueArn"]}
    events.put_targets(Rule="listener", Targets=[target])

    def heard() -> list[Any]:
        details = []
        while some := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in some:
                details.append(json.loads(message["Body"])["detail"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return details

    return heard
