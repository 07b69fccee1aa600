"""Sending a file and waiting for what becomes of it, with progress on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from debate_analyzer.catalogue import JobView
from debate_analyzer.pipeline import ENDS, Status
from debate_analyzer.upload import UploadRequest
from local.cli.client import Client, Refused
from local.cli.show import plain, state


def upload(
    client: Client,
    file: Path,
    console: Console,
    *,
    title: str | None = None,
    language: str | None = None,
    speakers: int | None = None,
    channel_per_speaker: bool = False,
) -> JobView:
    """Announce the file and send it, as a browser does. Raises Refused, Unreachable."""
    try:
        size = file.stat().st_size
        file.open("rb").close()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error
    try:
        request = UploadRequest(
            filename=file.name,
            size=size,
            title=title,
            language=language,
            speakers=speakers,
            channel_per_speaker=channel_per_speaker,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Refused(f"{first['loc'][0]}: {first['msg']}.") from error
    job, target = client.announce(request)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(plain(file.name), total=size)
        client.send(file, size, target, lambda sent: progress.advance(task, sent))
    return job


def wait(
    client: Client,
    job_id: str,
    console: Console,
    *,
    every: float = 1.0,
    on_change: Callable[[JobView], None] = lambda _: None,
) -> JobView:
    """The job once nothing more will happen to it; `on_change` is told of each new status.

    Looks `every` so many seconds. Raises Refused, Unreachable.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn())
    seen: Status | None = None
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        while True:
            job = client.job(job_id)
            if job.status is not seen:
                seen = job.status
                on_change(job)
            if job.status in ENDS:
                return job
            known = job.status is Status.TRANSCRIBING and job.progress is not None
            total = 1.0 if known else None
            progress.update(task, description=state(job), total=total, completed=job.progress or 0)
            time.sleep(every)
