"""Many uploads at once, and kill -9 of the whole tree while they are worked on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.e2e.laptop import Laptop

FAST = "tests.e2e.fast_local"
"""The launcher with the engine that answers at once."""
_AT_ONCE = 8
_PATIENCE = 1800.0


def burst(laptop: Laptop, recording: bytes, *, uploads: int, kills: int) -> Counter[str]:
    """Upload so many files at once, and kill everything so often meanwhile: the first time while
    they are uploaded, the others while they are worked on. How the files ended, by status."""
    laptop.start()
    with ThreadPoolExecutor(_AT_ONCE) as browsers:
        pending = [browsers.submit(_upload, laptop, recording) for _ in range(uploads)]
        if kills:
            _wait(lambda: sum(each.done() for each in pending) >= uploads // 2, laptop)
            _kill(laptop)
        job_ids = [each.result() for each in pending]
    ended: dict[str, str] = {}
    for share in (uploads * kill // kills for kill in range(1, kills)):
        _wait(lambda share=share: _look(laptop, job_ids, ended) >= share, laptop)
        _kill(laptop)
    _wait(lambda: _look(laptop, job_ids, ended) == uploads, laptop)
    return Counter(ended.values())


def _kill(laptop: Laptop) -> None:
    laptop.kill()
    laptop.start()


def _upload(laptop: Laptop, recording: bytes) -> str:
    """As a browser does, which tries again while nobody answers; the id of what was accepted."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return laptop.upload("debate.wav", recording)
        except (httpx.TransportError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _look(laptop: Laptop, job_ids: list[str], ended: dict[str, str]) -> int:
    """Note who is at an end; how many are. What was at an end once is not asked for again."""
    for job_id in job_ids:
        if job_id not in ended:
            job = laptop.job(job_id)
            if job is None or job["status"] not in ("COMPLETE", "FAILED"):
                continue
            ended[job_id] = job["status"]
    return len(ended)


def _wait(done: Callable[[], bool], laptop: Laptop) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not done():
        assert time.monotonic() < deadline, laptop.terminal()
        time.sleep(0.5)
