"""What the published index costs and withstands: `python -m benchmarks.index`.

First table: an hour of 83 finished debates a second, published a second's worth at a time. Second
table: 16 writers with an update after another each, who all want the same page, on a clock on which
a call takes as long as it does on AWS, about. Bucket and table are in memory (benchmarks.storage);
what is published is published by the real code.
"""

from __future__ import annotations

import argparse
import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import cast

from benchmarks.machine import describe
from benchmarks.storage import GET_SECONDS, PUT_SECONDS, ROW_SECONDS, Asked, Files, Rows, Turns
from debate_analyzer.errors import Conflict
from debate_analyzer.job import Figures, Job, announced
from debate_analyzer.key import (
    INDEX_CHAPTERS_PREFIX,
    INDEX_KEY,
    SUMMARY_KEY,
    index_chapter_key,
    index_page_key,
    statistics_key,
)
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.publication import NoCdn, Publication, PublishRequest, Summary

BEGAN = datetime(2026, 11, 21, tzinfo=UTC)
PER_SECOND = 83


@dataclass
class Archive:
    """A bucket, a table, and what publishes from one to the other."""

    files: Files = field(default_factory=Files)
    rows: Rows = field(default_factory=Rows)
    asked: Asked = field(default_factory=Asked)

    def publication(self) -> Publication:
        """The real one."""
        return Publication(
            cast("JobTable", self.rows),
            cast("ObjectStore", self.files),
            self.asked,
            NoCdn(),
            lambda: BEGAN,
            self.files.wait,
        )

    def finish(self, number: int, at: float) -> str:
        """A stats worker is done with a debate, `at` so many seconds; the job's id."""
        job = debate(number, BEGAN + timedelta(seconds=at))
        self.rows.create(job)
        self.files.objects[statistics_key(job.job_id)] = (b"{}", "worker's")
        return job.job_id

    def publish(self, job_ids: Iterable[str]) -> None:
        """What SQS delivers at once."""
        self.publication().publish([PublishRequest(job_id=job_id) for job_id in job_ids])

    def counts(self) -> Counter[str]:
        """Of everything so far."""
        return self.files.counts + self.rows.counts

    def size(self, key: str) -> int:
        """Bytes of a file."""
        return len(self.files.objects[key][0])


def debate(number: int, completed: datetime) -> Job:
    """As a stats worker leaves it."""
    created = completed - timedelta(minutes=10)
    job = announced(
        owner="shared",
        title=f"Council meeting no. {number}, second session",
        media=None,
        now=created,
        job_id=str(uuid.UUID(int=number, version=4)),
        published=True,
    )
    return job.model_copy(
        update={
            "status": Status.COMPLETE,
            "figures": Figures(duration=600.5, speaking_time=540.25, words=1500, speakers=3),
            "completed_at": completed,
            "language": ("en", "es", "pt")[number % 3],
            "check_at": completed.timestamp(),
        }
    )


def hour(
    seconds: int, window: int, per_second: int = PER_SECOND
) -> tuple[Archive, list[Counter[str]]]:
    """Publish for so many seconds; and what each `window` of seconds asked for."""
    archive, windows = Archive(), []
    for start in range(0, seconds, window):
        before = archive.counts()
        for second in range(start, start + window):
            numbers = range(second * per_second, (second + 1) * per_second)
            archive.publish([archive.finish(number, second) for number in numbers])
        windows.append(archive.counts() - before)
    return archive, windows


def contention(writers: int, updates: int) -> tuple[Archive, Turns, int]:
    """Everybody publishes one debate after the other; and how often somebody gave up, whereupon SQS
    delivers the message again."""
    turns, given_up = Turns(), Counter[str]()
    archive = Archive(Files(turns.wait), Rows(turns.wait))

    def work(writer: int) -> Callable[[], None]:
        def publish_all() -> None:
            for update in range(updates):
                job_id = archive.finish(writer * updates + update, turns.now)
                while True:
                    try:
                        archive.publish([job_id])
                        break
                    except Conflict:
                        given_up["times"] += 1

        return publish_all

    turns.run(work(writer) for writer in range(writers))
    return archive, turns, given_up["times"]


def lost(archive: Archive) -> int:
    """Debates that are not in the totals, or that something is owed to still."""
    rows = list(archive.rows.all())
    summary = Summary.model_validate_json(archive.files.objects[SUMMARY_KEY][0])
    return max(len(rows) - summary.jobs, sum(row.check_at is not None for row in rows))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--updates", type=int, default=1000, help="a writer")
    options = parser.parse_args()
    print(f"{describe()}\n")
    archive, windows = hour(options.seconds, 60)
    _print_hour(archive, windows)
    archive, turns, given_up = contention(options.writers, options.updates)
    _print_contention(archive, turns, given_up, options.writers, options.updates)


def _print_hour(archive: Archive, windows: Sequence[Counter[str]]) -> None:
    print(f"| a second, of {PER_SECOND} debates | first minute | last minute | most in a minute |")
    print("|---|---|---|---|")
    calls = ("GET", "HEAD", "PUT", "LIST", "Query", "BatchGetItem", "UpdateItem", "PutItem")
    for name in (*calls, "rows read", "bytes written"):
        scale, title = (60_000, "KB written to S3") if name == "bytes written" else (60, name)
        digits = 2 if name in calls else 0
        each = [window[name] / scale for window in windows]
        told = " | ".join(f"{one:.{digits}f}" for one in (each[0], each[-1], max(each)))
        print(f"| {title} | {told} |")
    jobs = sum(1 for _ in archive.rows.all())
    print(f"\nAfter {jobs:,} debates, {lost(archive)} of them lost:\n")
    print("| file | KB |")
    print("|---|---|")
    for name, key in (
        ("index.json", INDEX_KEY),
        ("a chapter, full", index_chapter_key(0)),
        ("a page, full", index_page_key(0, 0)),
        ("summary.json", SUMMARY_KEY),
    ):
        print(f"| {name} | {archive.size(key) / 1000:.1f} |")


def _print_contention(
    archive: Archive, turns: Turns, given_up: int, writers: int, updates: int
) -> None:
    rate, asked = writers * updates / turns.now, writers * updates
    print(f"\n{writers} writers x {updates} updates; GET {GET_SECONDS * 1000:.0f} ms, ", end="")
    print(f"PUT {PUT_SECONDS * 1000:.0f} ms, a row {ROW_SECONDS * 1000:.0f} ms. Lost: ", end="")
    print(f"{lost(archive)} of {asked:,}. Gave up, and were delivered again: {given_up}. ", end="")
    print(f"{rate:.1f} updates a second.\n")
    print("| file | writes | tries a write, mean | 99 of 100 within | max |")
    print("|---|---|---|---|---|")
    for name, prefix in (
        ("pages", "statistics/index/pages/"),
        ("chapter", INDEX_CHAPTERS_PREFIX),
        ("index.json", INDEX_KEY),
        ("summary.json", SUMMARY_KEY),
    ):
        tries = sorted(
            number
            for (key, number), times in archive.files.tries.items()
            if key.startswith(prefix)
            for _ in range(times)
        )
        most = tries[math.ceil(0.99 * len(tries)) - 1]
        print(f"| {name} | {len(tries)} | {mean(tries):.2f} | {most} | {tries[-1]} |")


if __name__ == "__main__":
    main()
