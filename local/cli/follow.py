"""Sending a file and waiting for what becomes of it, with progress on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

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
from debate_analyzer.upload import MultipartTarget, UploadRequest, UploadTarget
from local.cli.client import ApiError, Client, Refused, Unreachable
from local.cli.client import Progress as Advance
from local.cli.exits import FAILED, OK
from local.cli.sender import Sender
from local.cli.show import complain, plain, print_debate, print_line, state

_OFTEN, _SELDOM = 1.0, 5.0
_OUTAGE = 24  # looks in a row that may fail


class Watched(Protocol):
    """Whoever knows how jobs stand."""

    def job(self, job_id: str) -> JobView: ...


# --- sending --------------------------------------------------------------------------------------


def upload(client: Client, file: Path, console: Console, **said: object) -> JobView:
    """Announce the file and send it, as a browser does. `said`: fields of UploadRequest.

    Raises Refused, Unreachable.
    """
    try:
        known = {**said, "filename": file.name, "size": _size(file)}
        request = UploadRequest.model_validate(known)
    except ValidationError as error:
        raise refusal(error) from error
    announced = client.announce(request)
    _send(client, announced.job, announced.upload, file, console)
    return announced.job


def resume(client: Client, job: JobView, file: Path, console: Console) -> JobView:
    """Send of the file what has not arrived. Raises Refused, Unreachable."""
    size = _size(file)
    if job.filename != file.name or job.bytes != size:
        raise Refused(
            f"{job.job_id} is of {job.filename} with {job.bytes} bytes, and this is {file.name} "
            f"with {size}. Name the file that was announced."
        )
    found = client.upload(job.job_id)
    if found.upload is None:
        console.print("All of it has arrived.")
    else:
        _send(client, job, found.upload, file, console)
    return found.job


def _send(
    client: Client,
    job: JobView,
    target: UploadTarget | MultipartTarget,
    file: Path,
    console: Console,
) -> None:
    try:
        with transfer(console, file.name, _size(file)) as advance:
            Sender(client, job.job_id, file, advance).send(target)
    except (ApiError, KeyboardInterrupt):
        again = f"To go on with it: debate upload --resume {job.job_id} {file}"
        console.print(plain(again), markup=False, soft_wrap=True)
        raise


def _size(file: Path) -> int:
    try:
        file.open("rb").close()
        return file.stat().st_size
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}.") from error


@contextmanager
def transfer(console: Console, name: str, size: int | None) -> Iterator[Advance]:
    """Bytes on their way: how many, how fast, how long still."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(plain(name), total=size)
        yield lambda count: progress.advance(task, count)


def refusal(error: ValidationError) -> Refused:
    """Of what was typed, the first thing that makes no sense."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return Refused(f"{where}: {first['msg']}." if where else f"{first['msg']}.")


# --- waiting --------------------------------------------------------------------------------------


def wait(
    watched: Watched,
    job_id: str,
    console: Console,
    *,
    every: float = _OFTEN,
    on_change: Callable[[JobView], None] = lambda _: None,
) -> JobView:
    """The job once nothing more will happen to it; `on_change` is told of each new status.

    Looks `every` so many seconds, or as seldom as it is told to, and over a short outage. Raises
    Refused, Unreachable.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn())
    seen: Status | None = None
    failed = 0
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        while True:
            try:
                job = watched.job(job_id)
            except Refused as error:
                if error.retry_after is None:
                    raise
                time.sleep(error.retry_after)
                continue
            except Unreachable:
                failed += 1
                if seen is None or failed > _OUTAGE:
                    raise
                time.sleep(every)
                continue
            failed = 0
            if job.status is not seen:
                seen = job.status
                on_change(job)
            if job.status in ENDS:
                return job
            total = 1.0 if job.progress is not None else None
            progress.update(task, description=state(job), total=total, completed=job.progress or 0)
            time.sleep(every)


def rhythm(is_local: bool) -> float:
    """Seconds between two looks, at this machine or at another."""
    return _OFTEN if is_local else _SELDOM


def stay(client: Client, job_id: str, errors: Console, *, as_json: bool = False) -> int:
    """Wait, and print what became of it; the exit code."""
    job = wait(client, job_id, errors, every=rhythm(client.is_local))
    if as_json:
        print_line(job)
    elif job.status is Status.COMPLETE:
        print_debate(job, client.statistics(job.job_id))
    if job.status is Status.COMPLETE:
        return OK
    complain(errors, fate(job))
    return FAILED


def fate(job: JobView) -> str:
    """Why there is no result, as a sentence."""
    if job.error is None:
        return f"The debate was {job.status.lower()}."
    return f"{job.error['message']} ({job.error['code']})"
