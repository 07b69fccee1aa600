"""Lambda's Python 3.13 where AWS's registry is out of reach: Debian's, with AWS's runtime client.

Debian 13 has the same minor version of Python, so it reads the same bytecode and loads the same
extension modules; the image has the paths that the SAM CLI and the layer rely on, and no more.
Made once in `.venv/lambda`, and anew when this recipe changes.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.functions.runtime import install
from tests.world import ROOT

MADE = ROOT / ".venv" / "lambda"
PYTHON_VERSION = "3.13"

_MIRROR, _SUITE = "http://deb.debian.org/debian", "trixie"
# The shell and `mv` are for the SAM CLI, which builds its image on this one.
_PACKAGES = ("python3.13", "libstdc++6", "dash", "coreutils")
_BOOTSTRAP = """#!/bin/sh
export PYTHONPATH=/var/task:/opt/python:/var/runtime
exec /usr/bin/python3.13 -m awslambdaric "$_HANDLER"
"""
# The loader is named, so that the host's own C library, which may be older, stays out of it.
_PYTHON = """#!/bin/sh
export PYTHONHOME={root}/usr
exec {loader} --library-path {libraries} {root}/usr/bin/python3.13 "$@"
"""


class NoRuntime(Exception):
    """The runtime cannot be made here. The sentence says why, and what to do."""


@dataclass(frozen=True)
class Runtime:
    """`root` is the image's file system; `bin` has a python3.13 that runs on this machine."""

    root: Path
    bin: Path

    @property
    def python(self) -> Path:
        return self.bin / "python3.13"

    @property
    def packages(self) -> Path:
        """What Lambda brings: the runtime client and boto3."""
        return self.root / "var" / "runtime"


def runtime() -> Runtime:
    """Take it from `.venv/lambda`, or make it there from Debian's mirror. Raises NoRuntime."""
    shipped = [f"{name}=={version(name)}" for name in ("awslambdaric", "boto3")]
    recipe = "\n".join([Path(__file__).read_text(), platform.machine(), *shipped])
    folder = MADE / hashlib.sha256(recipe.encode()).hexdigest()[:12]
    made = Runtime(folder / "root", folder / "bin")
    if not folder.exists():
        shutil.rmtree(MADE, ignore_errors=True)
        unfinished = Runtime(MADE / "unfinished" / "root", MADE / "unfinished" / "bin")
        _unpack(unfinished.root)
        _write(unfinished.python, _python(unfinished.root, unfinished.root))
        install(unfinished.packages, *shipped, python_version=PYTHON_VERSION)
        _write(unfinished.packages / "bootstrap", _BOOTSTRAP)
        for empty in ("var/rapid", "var/task", "opt"):
            (unfinished.root / empty).mkdir(parents=True)
        _compile(unfinished)
        _write(unfinished.python, _python(unfinished.root, made.root))
        (MADE / "unfinished").rename(folder)
    return made


def _unpack(root: Path) -> None:
    """The packages and what they depend on, their files only: no script of theirs is run."""
    if shutil.which("mmdebstrap") is None:
        raise NoRuntime(
            "Lambda's Python comes from Debian here, and mmdebstrap, which fetches it, is not "
            "installed: apt install mmdebstrap debian-archive-keyring"
        )
    root.mkdir(parents=True)
    bootstrap = subprocess.Popen(
        [
            *("mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(_PACKAGES)}"),
            *("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", _SUITE, "-", _MIRROR),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    tar = ["tar", "-x", "-C", root, "--exclude=./dev/*"]
    unpacked = subprocess.run(tar, stdin=bootstrap.stdout, stderr=subprocess.PIPE)
    _, said = bootstrap.communicate()
    if bootstrap.returncode or unpacked.returncode:
        why = (said + unpacked.stderr).decode().strip()
        raise NoRuntime(f"Debian's Python, which stands for Lambda's, cannot be fetched: {why}")


def _python(root: Path, later: Path) -> str:
    """The script that runs the interpreter of `root`, from where it will lie later."""
    (loader,) = root.glob("usr/lib*/ld-linux-*.so.*")
    (libc,) = root.glob("usr/lib/*/libc.so.6")
    return _PYTHON.format(
        root=later,
        loader=later / loader.relative_to(root),
        libraries=later / libc.parent.relative_to(root),
    )


def _write(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def _compile(made: Runtime) -> None:
    """As in AWS's image: what the runtime brings has its bytecode."""
    folders = [made.root / "usr" / "lib" / "python3.13", made.packages]
    subprocess.run([made.python, "-m", "compileall", "-q", *folders], check=True)
