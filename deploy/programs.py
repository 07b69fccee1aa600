"""The programs that a deployment runs: sam, git, and docker or podman."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debate_analyzer.errors import DebateError, Misconfigured
from deploy.preflight import Builder

PLATFORM = "linux/amd64"
"""Of the workers: GPU instances, and Fargate as template.yaml asks for it."""
_BUILDERS = ("docker", "podman")
_PARAMETERS = Path(".aws-sam") / "parameters.yaml"


class ProgramFailed(DebateError):
    """A program ended with an error; what it had to say is on the terminal."""

    code = "program_failed"


def _run(command: Sequence[str], root: Path, stdin: str = "") -> None:
    try:
        subprocess.run(command, cwd=root, input=stdin, text=True, check=True)
    except FileNotFoundError as error:
        raise Misconfigured(f"{command[0]} is not installed, or not on the PATH.") from error
    except subprocess.CalledProcessError as error:
        told = " ".join(command[:2])
        raise ProgramFailed(f"`{told}` failed (exit {error.returncode}); see above.") from error


@dataclass(frozen=True)
class Sam:
    """SAM CLI in a checkout."""

    root: Path
    region: str
    role_arn: str | None = None
    """The role that CloudFormation takes for what it makes; None for the caller's own rights."""

    def build(self, arch: str) -> None:
        """The layer for this processor; functions are code only."""
        _run(["sam", "build", "--parameter-overrides", f"Arch={arch}"], self.root)

    def deploy(self, environment: str, stack_name: str, parameters: Mapping[str, str]) -> None:
        """Create or update, with the rest of what samconfig.toml says of this environment."""
        # By a file: on the command line values are quoted by rules of SAM's own.
        path = self.root / _PARAMETERS
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(dict(parameters)))  # which is YAML as well
        role = ["--role-arn", self.role_arn] if self.role_arn else []
        _run(
            [
                *("sam", "deploy", "--config-env", environment, "--stack-name", stack_name),
                *("--region", self.region, "--no-confirm-changeset"),
                *("--parameter-overrides", f"file://{path}"),
                *role,
            ],
            self.root,
        )


def builder() -> Builder:
    """Docker, or else Podman, if it answers."""
    for name in _BUILDERS:
        if shutil.which(name):
            asked = subprocess.run(
                [name, "info"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            said = asked.stderr.strip().splitlines()
            why = said[-1] if said else f"exit {asked.returncode}"
            problem = f"{name} does not work ({why})" if asked.returncode else None
            return Builder(name, problem)
    return Builder(None)


@dataclass(frozen=True)
class Images:
    """A container engine in a checkout."""

    engine: str
    root: Path

    def build(self, dockerfile: str, references: Sequence[str]) -> None:
        """From the root of the repository, under each of the references."""
        named = [word for reference in references for word in ("--tag", reference)]
        options = ["--platform", PLATFORM, "--file", dockerfile]
        _run([self.engine, "build", *options, *named, "."], self.root)

    def log_in(self, registry: str, password: str) -> None:
        """The password goes by standard input."""
        command = [self.engine, "login", "--username", "AWS", "--password-stdin", registry]
        _run(command, self.root, stdin=password)

    def push(self, reference: str) -> None:
        """To the registry that the reference names."""
        _run([self.engine, "push", reference], self.root)


def commit(root: Path) -> str:
    """The commit of the checkout in full; with `-changed` where files differ from it."""
    try:
        head = _output(["git", "rev-parse", "HEAD"], root)
        changed = _output(["git", "status", "--porcelain"], root)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise Misconfigured(
            "Images are tagged with the commit that they are built from, and this is no checkout "
            "with a commit (git rev-parse HEAD)."
        ) from error
    return f"{head}-changed" if changed else head


def _output(command: Sequence[str], root: Path) -> str:
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()
