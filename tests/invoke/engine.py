"""What runs the containers of `sam local invoke`: Docker where it answers, or else podman.

Debian's podman answers Docker's API once it is told three things: runc for its runtime (the SAM CLI
fails with crun), limits that this process may grant, and a place of its own: the image that we make
bears the name of AWS's, and is gone when the tests are done.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from tests.invoke.debian import PYTHON_VERSION, NoRuntime, runtime

ARCH = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
IMAGE = f"public.ecr.aws/lambda/python:{PYTHON_VERSION}-{ARCH}"

_ROOM = 2 * 2**30
_NEEDED = ("podman", "runc", "mmdebstrap")
_INSTALL = "apt install podman runc mmdebstrap debian-archive-keyring"
# The limits are Lambda's own; podman's would be higher than what this process may have.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_CONTAINERS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_STORAGE = """
[storage]
driver = "{driver}"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


class NoEngine(Exception):
    """No container can be started here. The sentence says why, and what to do."""


@dataclass(frozen=True)
class Engine:
    """Containers call this machine `host`. `environment` is for `program` and the SAM CLI, `flags`
    for `sam local invoke`; `bin` has a python3.13 for `sam build`, or else the PATH has to."""

    program: str
    environment: Mapping[str, str]
    flags: tuple[str, ...]
    host: str
    bin: Path | None

    def run(self, *arguments: str) -> str:
        """`docker run`, or podman's; what the container writes to its standard error."""
        command = [self.program, "run", "--rm", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr


@contextmanager
def engine() -> Iterator[Engine]:
    """Docker with AWS's own image, or podman with ours. Raises NoEngine."""
    docker = subprocess.run(["docker", "info"], capture_output=True) if _has("docker") else None
    if docker is not None and docker.returncode == 0:
        yield Engine("docker", os.environ, (), _docker_host(), None)
        return
    if missing := [name for name in _NEEDED if not _has(name)]:
        raise NoEngine(
            f"No Docker answers, and {', '.join(missing)} is not here to take its place: "
            f"start Docker, or: {_INSTALL}"
        )
    if os.geteuid() != 0:
        raise NoEngine(
            "No Docker answers, and only root's podman gives containers an address of this "
            "machine: start Docker, or run this as root."
        )
    with (
        tempfile.TemporaryDirectory(prefix="podman-", dir=_memory()) as folder,
        _podman(Path(folder)) as podman,
    ):
        yield podman


def _has(program: str) -> bool:
    return shutil.which(program) is not None


def _memory() -> Path | None:
    """Where there is room: on a disk podman waits for each of its layers to be safe."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else None


def _docker_host() -> str:
    """Docker Desktop runs in a machine of its own, whose gateway is not this one."""
    if platform.system() != "Linux":
        return "host.docker.internal"
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    return _said("docker", "network", "inspect", "bridge", "--format", gateway)


@contextmanager
def _podman(folder: Path) -> Iterator[Engine]:
    try:
        made = runtime()
    except NoRuntime as error:
        raise NoEngine(f"No Docker answers, and podman has no image. {error}") from error
    environment = _start_a_container(made.root, folder)
    socket, log = folder / "podman.sock", folder / "log"
    with log.open("wb") as output:
        service = subprocess.Popen(
            ["podman", "system", "service", "--time", "0", f"unix://{socket}"],
            env=environment,
            stderr=output,
        )
    try:
        _wait_until_it_answers(socket, service, log)
        gateway = "{{range .Subnets}}{{.Gateway}}{{end}}"
        yield Engine(
            program="podman",
            environment={**environment, "DOCKER_HOST": f"unix://{socket}"},
            flags=("--skip-pull-image",),
            host=_said("podman", "network", "inspect", "podman", "--format", gateway),
            bin=made.bin,
        )
    finally:
        service.terminate()
        service.wait(30)
        _said("podman", "rm", "--all", "--force", environment=environment)


def _start_a_container(root: Path, folder: Path) -> Mapping[str, str]:
    """Import the image and run it once; podman's environment with which that worked.

    Overlays cannot be stacked on everything: copies can.
    """
    errors = ""
    for driver in ("overlay", "vfs"):
        environment = _configured(folder / driver, driver)
        try:
            with subprocess.Popen(["tar", "-c", "-C", root, "."], stdout=subprocess.PIPE) as files:
                image = ["podman", "import", "--quiet", "--change", "WORKDIR /var/task", "-", IMAGE]
                _said(*image, environment=environment, stdin=files.stdout)
            _said("podman", "run", "--rm", IMAGE, "/bin/true", environment=environment)
        except subprocess.CalledProcessError as error:
            errors += f"\n{driver}: {error.stderr.strip()}"
        else:
            return environment
    raise NoEngine(
        "No Docker answers, and podman cannot start a container here, for the reasons below: "
        f"start Docker, or mend what podman lacks.{errors}"
    )


def _configured(folder: Path, driver: str) -> Mapping[str, str]:
    """Podman's environment, for a place of its own."""
    folder.mkdir()
    containers, storage = folder / "containers.conf", folder / "storage.conf"
    containers.write_text(_CONTAINERS)
    storage.write_text(_STORAGE.format(driver=driver, folder=folder))
    return {
        **os.environ,
        "CONTAINERS_CONF": str(containers),
        "CONTAINERS_STORAGE_CONF": str(storage),
    }


def _said(
    *command: str, environment: Mapping[str, str] | None = None, stdin: IO[bytes] | None = None
) -> str:
    done = subprocess.run(
        command, env=environment, stdin=stdin, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _wait_until_it_answers(socket: Path, service: subprocess.Popen[bytes], log: Path) -> None:
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=transport, base_url="http://podman") as client:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and service.poll() is None:
            try:
                client.get("/_ping").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
    raise NoEngine(f"podman does not answer as Docker's API: {log.read_text().strip()}")
