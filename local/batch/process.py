"""A job's process: in a group of its own, and on a leash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.batch import leash


class Process:
    """Made by `start`. Ends with us, however we end (see `leash`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, command: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path
    ) -> Process:
        """Run a command in `folder`, its output appended to `log`. Raises OSError."""
        program, *arguments = command
        if program in ("python", "python3"):
            program = sys.executable
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                # -I -S: the leash needs nothing installed, and starts in a few milliseconds.
                *(sys.executable, "-I", "-S", leash.__file__, program, *arguments),
                stdin=PIPE,
                stdout=output,
                stderr=STDOUT,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        return cls(process)

    async def wait(self, limit: float | None = None) -> int:
        """The exit code as a container's: 128 plus the signal, if one ended it.

        Raises TimeoutError after `limit` seconds; the process is then still running.
        """
        status = await asyncio.wait_for(self._process.wait(), limit)
        self._signal(signal.SIGKILL)  # to whatever the command left behind
        return status if status >= 0 else 128 - status

    async def stop(self, grace: float) -> None:
        """SIGTERM to the whole group, SIGKILL after `grace` seconds; returns once it has ended."""
        self._signal(signal.SIGTERM)
        try:
            await self.wait(grace)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        # A group whose members have all ended: ESRCH on Linux, EPERM on macOS.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
