"""Each bad file ends in a refusal or a FAILED job with a sentence, and the next good one works."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path

import httpx
import imageio_ffmpeg
import pytest

from tests.e2e.laptop import Laptop, until
from tests.world import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.models]

DEMO = ROOT / "demo" / "debate.mp4"


def _ffmpeg(tmp_path: Path, name: str, *arguments: str) -> bytes:
    path = tmp_path / name
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *arguments, str(path)]
    subprocess.run(command, check=True)
    return path.read_bytes()


def test_random_bytes_with_a_video_s_name(laptop: Laptop) -> None:
    job = laptop.ended(laptop.upload("noise.mp4", bytes(range(256)) * 40))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "invalid_media")
    assert job["error"]["message"].endswith(".")


def test_a_document_with_a_video_s_name(laptop: Laptop) -> None:
    job = laptop.ended(laptop.upload("paper.mp4", b"%PDF-1.7\n" + bytes(10_000)))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "no_recording")
    assert "PDF" in job["error"]["message"]


def test_a_video_without_sound(laptop: Laptop, tmp_path: Path) -> None:
    silent = _ffmpeg(
        tmp_path, "mute.mp4", "-f", "lavfi", "-i", "testsrc=d=2:s=64x64", "-pix_fmt", "yuv420p"
    )
    job = laptop.ended(laptop.upload("mute.mp4", silent))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "no_audio_track")


def test_a_video_that_was_cut_off_while_copying(laptop: Laptop) -> None:
    whole = DEMO.read_bytes()
    job = laptop.ended(laptop.upload("cut.mp4", whole[: len(whole) // 2]))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "truncated_media")


def test_ten_minutes_of_silence(laptop: Laptop, tmp_path: Path) -> None:
    silence = _ffmpeg(
        tmp_path, "silence.flac", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "600"
    )
    job = laptop.ended(laptop.upload("silence.flac", silence))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "no_speech")


def test_a_recording_of_no_seconds(laptop: Laptop, tmp_path: Path) -> None:
    nothing = _ffmpeg(
        tmp_path, "none.wav", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "0"
    )
    job = laptop.ended(laptop.upload("none.wav", nothing))
    assert (job["status"], job["error"]["code"]) == ("FAILED", "empty_file")


@pytest.mark.parametrize("name", ["../../x.mp4", "a\x07b.mp4", "x" * 300 + ".mp4", "a.exe"])
def test_a_bad_name_is_refused(laptop: Laptop, name: str) -> None:
    refused = laptop.announce(name, 100)
    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid_upload"


def test_an_empty_file_is_refused(laptop: Laptop) -> None:
    assert laptop.announce("empty.mp4", 0).json()["code"] == "invalid_upload"


@pytest.mark.parametrize(
    ("data", "headers"),
    [(b"x" * 99, {}), (b"x" * 101, {}), (b"x" * 100, {"Content-Type": "text/html"})],
    ids=["shorter", "longer", "another type"],
)
def test_what_was_not_announced_is_not_taken(
    laptop: Laptop, data: bytes, headers: dict[str, str]
) -> None:
    made = laptop.announce("a.mp4", 100).json()
    upload = made["upload"]

    put = httpx.put(upload["url"], content=data, headers=upload["headers"] | headers)

    assert put.status_code == 403
    assert laptop.job(made["job"]["job_id"])["status"] == "UPLOADING"


def test_an_accepted_recording_cannot_be_overwritten(laptop: Laptop) -> None:
    upload = laptop.announce("a.mp3", 100).json()["upload"]

    first = httpx.put(upload["url"], content=b"x" * 100, headers=upload["headers"])
    second = httpx.put(upload["url"], content=b"y" * 100, headers=upload["headers"])

    assert (first.status_code, second.status_code) == (200, 412)


def test_a_transcript_that_is_none(laptop: Laptop) -> None:
    job_id = str(uuid.uuid4())
    bucket = next(b["Name"] for b in laptop.aws("s3").list_buckets()["Buckets"])
    laptop.aws("s3").put_object(
        Bucket=bucket, Key=f"jobs/{job_id}/transcripts/x_transcription.json", Body=b'{"a": 1}'
    )

    job = laptop.ended(job_id)

    assert (job["status"], job["error"]["code"]) == ("FAILED", "invalid_transcript")


def test_s3_s_test_event_and_a_duplicate_change_nothing(laptop: Laptop, tmp_path: Path) -> None:
    """And after all of the above, a good file still works."""
    clip = _ffmpeg(tmp_path, "clip.m4a", "-i", str(DEMO), "-t", "12", "-vn", "-c:a", "copy")
    job_id = laptop.upload("clip.m4a", clip)
    done = laptop.ended(job_id)
    assert done["status"] == "COMPLETE", done

    sqs = laptop.aws("sqs")
    urls = sqs.list_queues()["QueueUrls"]
    arrivals = next(url for url in urls if "TranscribeArrivalsQueue" in url)
    event = json.loads((ROOT / "events" / "submit-video.json").read_text())
    notification = json.loads(event["Records"][0]["body"])
    notification["Records"][0]["s3"]["object"]["key"] = f"jobs/{job_id}/videos/clip.m4a"
    test_event = json.loads((ROOT / "events" / "submit-s3-test-event.json").read_text())
    for body in (json.dumps(notification), test_event["Records"][0]["body"]):
        sqs.send_message(QueueUrl=arrivals, MessageBody=body)

    def drained() -> bool | None:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = sqs.get_queue_attributes(QueueUrl=arrivals, AttributeNames=names)["Attributes"]
        return True if all(count == "0" for count in counts.values()) else None

    until(drained, seconds=60, what="the arrivals queue to be drained")
    assert laptop.job(job_id) == done
