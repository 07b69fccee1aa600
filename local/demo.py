"""The demo debate, from upload to score: what `make demo` shows of a fresh clone."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from debate_analyzer.catalogue import JobView
from debate_analyzer.pipeline import Status
from debate_analyzer.transcript import parse_transcript
from demo.score import Score, score
from demo.truth import read_truth
from local.cli import follow
from local.cli.client import Client
from local.cli.show import complain, statistics_table

FOLDER = Path(__file__).resolve().parent.parent / "demo"
_EVERY = 0.2  # seconds between two looks at the job: as exact as the timings become

_CHAIN, _START, _WORK = "events, queues, functions", "starting the worker", "the worker's work"
_SPENT_ON = {
    Status.QUEUED.lower(): _START,
    Status.TRANSCRIBING.lower(): _WORK,
    Status.STATS_QUEUED.lower(): _START,
    Status.ANALYZING.lower(): _WORK,
}


class Course:
    """When a job was first seen in each status, in seconds from the last byte of its upload."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._marks = [("uploaded", 0.0)]

    def note(self, job: JobView) -> None:
        """The job has a new status."""
        self._marks.append((job.status.lower(), time.monotonic() - self._began))

    def table(self) -> Table:
        """Seconds between one status and the next, and what they were spent on."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("from the last byte uploaded")
        table.add_column("seconds", justify="right")
        table.add_column("spent on")
        spent = dict.fromkeys((_CHAIN, _START, _WORK), 0.0)
        for (before, start), (after, end) in pairwise(self._marks):
            cause = _SPENT_ON.get(before, _CHAIN)
            spent[cause] += end - start
            table.add_row(f"{before} → {after}", f"{end - start:.1f}", cause)
        table.add_section()
        for cause, seconds in spent.items():
            table.add_row("", f"{seconds:.1f}", f"{cause}, together")
        table.add_row("", f"{self._marks[-1][1]:.1f}", "total", style="bold")
        return table


def demo(client: Client, console: Console) -> bool:
    """Upload the demo debate, wait, print what came of it; whether it was completed.

    Raises client.ApiError.
    """
    job = follow.upload(client, FOLDER / "debate.mp4", console, title="The demo debate")
    course = Course()
    job = follow.wait(client, job.job_id, console, every=_EVERY, on_change=course.note)
    console.print(course.table())
    if job.status is not Status.COMPLETE:
        complain(console, job.error["message"] if job.error else f"It was {job.status.lower()}.")
        return False
    console.print(statistics_table(client.statistics(job.job_id)))
    transcript = parse_transcript(client.transcript(job.job_id, "json"))
    console.print(_verdict(score(transcript, read_truth())), soft_wrap=True)
    return True


def _verdict(result: Score) -> str:
    return (
        f"against the truth: {result.speakers} speakers found, "
        f"word error rate {result.wer:.1%}, diarization error rate {result.der:.1%}"
    )
