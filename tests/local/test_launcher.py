"""The launcher: whose folder and port it takes, what it says when it may not, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from debate_analyzer.errors import Misconfigured
from local.folder import DataFolder
from local.server import Server

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
        assert "Delete every debate" in ended.stdout
        assert (folder.path / "state.json").exists()
