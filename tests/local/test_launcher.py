"""The launcher: whose folder and port it takes, what it says when it may not, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import httpx
import pytest

from debate_analyzer.errors import Misconfigured
from local.folder import DataFolder
from local.server import PortTaken, Server

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "300"}


def launch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=PROJECT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


HOLDER = """
import sys, threading
from pathlib import Path
from local.folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
folder.take("http://127.0.0.1:1")
print("held", flush=True)
threading.Event().wait()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, cwd=PROJECT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_folder_is_held_by_one_process_and_its_holder_is_named(tmp_path: Path) -> None:
    with holder(tmp_path / "data") as other:
        refusal = f"process {other.pid}, at http://127.0.0.1:1"
        with pytest.raises(Misconfigured, match=refusal):
            DataFolder(tmp_path / "data").take("http://127.0.0.1:2")


def test_a_killed_holder_leaves_the_folder_free(tmp_path: Path) -> None:
    with holder(tmp_path / "data") as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        folder = DataFolder(tmp_path / "data")
        folder.take("http://127.0.0.1:2")
        owner = json.loads((tmp_path / "data" / "launcher.json").read_text())
        assert owner == {"pid": os.getpid(), "url": "http://127.0.0.1:2"}
        folder.release()


def test_a_folder_can_be_taken_again_after_its_release(tmp_path: Path) -> None:
    for _ in range(2):
        folder = DataFolder(tmp_path)
        folder.take("http://127.0.0.1:1")
        folder.release()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(Misconfigured, match="not a data folder"):
        DataFolder(tmp_path).take("http://127.0.0.1:1")


def test_reset_empties_the_folder_and_keeps_hold_of_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = DataFolder(tmp_path / "data")
    folder.take("http://127.0.0.1:1")
    (folder.path / "s3" / "bucket").mkdir(parents=True)
    (folder.path / "state.json").touch()
    (folder.path / "link").symlink_to(outside)
    folder.reset()
    assert {entry.name for entry in folder.path.iterdir()} == {"launcher.json", "logs"}
    assert (outside / "kept").exists()
    with pytest.raises(Misconfigured, match=f"process {os.getpid()}"):
        DataFolder(folder.path).take("http://127.0.0.1:2")
    folder.release()


def test_ports_are_remembered(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.port("batch") == 0
    folder.keep_port("batch", 41000)
    folder.keep_port("emulator", 41001)
    again = DataFolder(tmp_path)
    assert (again.port("batch"), again.port("emulator")) == (41000, 41001)


def test_a_taken_port_is_said_so_with_a_way_out(tmp_path: Path) -> None:
    taken = Server(0)
    ended = launch("run", "--port", str(taken.port), "--data", str(tmp_path))
    taken.stop()
    assert ended.returncode == 2
    assert f"Port {taken.port} on 127.0.0.1 is taken" in ended.stdout
    assert f"make run PORT={taken.port + 1}" in ended.stdout


def test_a_folder_in_use_is_said_so(tmp_path: Path) -> None:
    with holder(tmp_path / "data") as other:
        ended = launch("run", "--data", str(tmp_path / "data"))
    assert ended.returncode == 2
    assert f"process {other.pid}" in ended.stdout


def test_reset_deletes_nothing_without_a_yes(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.take("http://127.0.0.1:1")
    folder.release()
    (folder.path / "state.json").touch()
    for answer in ("n\n", "\n", ""):
        ended = subprocess.run(
            [sys.executable, "-m", "local", "run", "--reset", "--data", str(folder.path)],
            cwd=PROJECT,
            env=ENVIRONMENT,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 2
        assert "Delete every debate" in ended.stdout
        assert "Nothing was deleted" in ended.stdout
        assert (folder.path / "state.json").exists()


def free_port() -> int:
    server = Server(0)
    server.stop()
    return server.port


@contextmanager
def stack(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`python -m local run`, ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "local", "run", "--port", str(port), "--data", str(data)],
        cwd=PROJECT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = list(takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
            assert any("Ready in" in line for line in said), said
            yield process
        finally:
            process.kill()


def browse(port: int) -> httpx.Client:
    # A first call to a function starts it, which a busy machine may take long to do.
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)


def ports_of(data: Path) -> dict[str, int]:
    ports: dict[str, int] = json.loads((data / "ports.json").read_text())
    return ports


def wait_until_free(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            Server(port).stop()
        except PortTaken:
            assert time.monotonic() < deadline, f"port {port} is still held"
            time.sleep(0.1)
        else:
            return


@pytest.mark.e2e
@pytest.mark.models
def test_a_killed_stack_leaves_nothing_behind_and_starts_again(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    upload = {"filename": "debate.mp4", "size": 1000}
    with stack(data, port) as first, browse(port) as http:
        assert http.get("/").status_code == 200
        assert http.get("/status.json").json()["status"] == "ok"
        assert http.get("/api/jobs").json() == {"jobs": [], "next_cursor": None}
        job = http.post("/api/uploads", json=upload).json()["job"]["job_id"]
        ports = ports_of(data)
        other = launch("run", "--port", str(port), "--data", str(tmp_path / "other"))
        assert other.returncode == 2
        assert "It is our own stack" in other.stdout
        time.sleep(3)  # a snapshot is taken every two seconds
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    for held in (port, *ports.values()):
        wait_until_free(held)

    with stack(data, port) as second, browse(port) as http:
        assert ports_of(data) == ports
        assert [one["job_id"] for one in http.get("/api/jobs").json()["jobs"]] == [job]
        second.send_signal(signal.SIGINT)
        assert second.wait() == 0
    for freed in (port, *ports.values()):
        Server(freed).stop()


@pytest.mark.e2e
@pytest.mark.models
def test_the_demo_debate_comes_through_close_to_its_truth(tmp_path: Path) -> None:
    ended = launch("demo", "--port", str(free_port()), "--data", str(tmp_path / "data"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    verdict = re.search(
        r"(\d+) speakers found, word error rate (.+)%, diarization error rate (.+)%", ended.stdout
    )
    assert verdict is not None, ended.stdout
    speakers, words, turns = verdict.groups()
    assert int(speakers) == 3
    assert float(words) < 8
    assert float(turns) < 12
