"""No room, no memory, and clocks that jump: a clear state, nothing half-written, and on it goes
when there is room again."""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from debate_analyzer.job import Job
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from debate_analyzer.worker import Report, Result
from tests.faults.boundaries import tell
from tests.faults.cloud import Cloud
from tests.faults.engines import WORKS
from tests.faults.judge import Wish
from tests.faults.machine import Call, Machine
from tests.faults.stories import upload
from tests.local.bucket import NAME, Bucket, running_bucket
from tests.world import VIDEO, World

BODY = random.Random(1).randbytes(3 * 2**20)
_MIB = 2**20


@contextmanager
def no_large_files(bucket: Bucket) -> Iterator[None]:
    """The process of the bucket may write no file of more than a MiB."""
    pid, limit = bucket.process.pid(), resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, limit, (_MIB, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, limit, before)


@contextmanager
def full_disk(bucket: Bucket) -> Iterator[None]:
    """A MiB is left of the file system that the bucket lies on."""
    ballast = bucket.data / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(bucket.data).free - _MIB))
    try:
        yield
    finally:
        ballast.unlink()


@pytest.fixture(params=["a limit", "a disk"])
def kept(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Bucket, Callable[[Bucket], Any]]]:
    """A bucket, and what leaves it no room."""
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits of another process are Linux's")
    data = tmp_path / "bucket"
    data.mkdir()
    with ExitStack() as stack:
        if request.param == "a disk":
            mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(data)]
            if subprocess.run(mount, capture_output=True).returncode:
                pytest.skip("only root makes a file system")
            stack.callback(subprocess.run, ["umount", "-l", str(data)], check=True)
        bucket = stack.enter_context(running_bucket(data))
        yield bucket, full_disk if request.param == "a disk" else no_large_files


@pytest.mark.emulator
@pytest.mark.parametrize("door", ["emulator", "web"])
def test_an_upload_that_finds_no_room_is_refused_whole_and_taken_when_there_is_some(
    kept: tuple[Bucket, Callable[[Bucket], Any]], door: str
) -> None:
    bucket, without_room = kept
    s3 = bucket.client()
    s3.put_object(Bucket=NAME, Key="small", Body=b"before")
    url = bucket.presign("put_object", door, Key="a.mp4")
    upload_id = s3.create_multipart_upload(Bucket=NAME, Key="b.mp4")["UploadId"]
    part = {"Bucket": NAME, "Key": "b.mp4", "UploadId": upload_id, "PartNumber": 1}
    with without_room(bucket):
        answer = httpx.put(url, content=BODY, timeout=60)
        assert answer.status_code == 500
        assert "could not be kept" in answer.text
        with pytest.raises(ClientError):
            s3.upload_part(**part, Body=BODY)
        assert [each["Key"] for each in s3.list_objects_v2(Bucket=NAME)["Contents"]] == ["small"]
        assert s3.list_parts(Bucket=NAME, Key="b.mp4", UploadId=upload_id).get("Parts", []) == []
        assert s3.get_object(Bucket=NAME, Key="small")["Body"].read() == b"before"

    assert httpx.put(url, content=BODY, timeout=60).status_code == 200
    etag = s3.upload_part(**part, Body=BODY)["ETag"]
    s3.complete_multipart_upload(
        Bucket=NAME,
        Key="b.mp4",
        UploadId=upload_id,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]},
    )
    for key in ("a.mp4", "b.mp4"):
        assert s3.get_object(Bucket=NAME, Key=key)["Body"].read() == BODY
    assert bucket.files() == []


_HUNGRY = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
from debate_analyzer.trouble import trouble_of
import numpy as np
try:
    np.ones(1 << 30)
except Exception as error:
    print(json.dumps([type(error).__name__, trouble_of(error).value]))
"""


def _end(world: World) -> Callable[[Job, Unit, Report], Result]:
    """A Process whose results are put where they belong."""
    return lambda job, unit, report: Result(
        settle=lambda job: job.transcribed(
            world.clock(), duration=9.0, language="en", speakers_count=2, warnings=[]
        ),
        afterwards=lambda: world.drop("done"),
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemoryError("no memory"), "out_of_memory"), (OSError(28, "No space left"), "disk_full")],
)
def test_a_unit_without_room_or_memory_says_so_and_is_done_at_the_next_try(
    world: World, error: Exception, code: str
) -> None:
    world.drop(VIDEO)
    world.arrive()

    def fail(job: Job, unit: Unit, report: Report) -> Result:
        raise error

    world.worker(fail).run()
    job = world.job()
    assert (job.status, job.fault.code) == (Status.QUEUED, code)
    assert job.retry_at == (world.clock() + timedelta(minutes=5)).timestamp()
    assert world.store.head("done") is None

    world.clock.advance(minutes=5)
    world.sweeper.sweep(world.clock())
    world.worker(_end(world)).run()
    assert world.job().status is Status.TRANSCRIBED


@pytest.mark.skipif(sys.platform != "linux", reason="macOS knows no limit of this kind")
def test_a_process_that_meets_its_memory_limit_says_what_it_was() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HUNGRY],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": "layers/shared", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    name, trouble = json.loads(done.stdout)
    assert name.endswith("MemoryError")
    assert trouble == "out_of_memory"


@dataclass
class Jump:
    """The clocks of all processes jump while the `number`th call is made."""

    number: int
    hours: int
    count: int = 0
    machine: Machine | None = None

    def __call__(self, call: Call) -> None:
        self.count += 1
        if self.count - 1 == self.number and self.machine is not None:
            self.machine.skew = timedelta(hours=self.hours)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_an_hour_delays_a_debate_and_does_no_more(hours: int) -> None:
    def jumping(number: int) -> Cloud:
        jump = Jump(number, hours)

        def story(cloud: Cloud) -> list[Wish]:
            jump.machine = cloud.machine
            return upload(cloud)

        return tell(story, WORKS, jump)

    for number in range(0, len(jumping(-1).machine.calls), 5):
        (job,) = jumping(number).table.rows.values()
        assert job.status is Status.COMPLETE
