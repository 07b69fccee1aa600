"""One contract for the ports of `aws` on moto and those of `memory`: what the second may not lie
about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer.errors import Conflict, LimitReached, NotFound
from debate_analyzer.job import Claim, Figures, Job, Media, announced
from debate_analyzer.pipeline import TRANSCRIBE, Phase, Status
from debate_analyzer.ports import Window
from debate_analyzer.unit import Unit
from tests.faults import memory
from tests.world import JOB_ID, VIDEO, World

OTHER = "8d9e6679-7425-40de-944b-e07fc1f90ae7"
DAY = timedelta(days=1)


@dataclass
class Ports:
    table: Any
    ledger: Any
    store: Any
    queue: Any
    world: World


@pytest.fixture(params=["aws", "memory"])
def ports(request: pytest.FixtureRequest, world: World) -> Ports:
    if request.param == "aws":
        queue = world.queues[TRANSCRIBE.name]
        return Ports(world.table, world.ledger, world.store, queue, world)
    clock = world.clock
    store, ledger = memory.Store(clock), memory.Ledger(clock)
    return Ports(memory.Table(), ledger, store, memory.WorkQueue(memory.Queue(clock)), world)


def _job(world: World, job_id: str = JOB_ID, **said: Any) -> Job:
    media = Media(key=VIDEO, bytes=15, content_type="video/mp4")
    usual = {"owner": "ana", "title": "t", "media": media, "published": True}
    return announced(job_id=job_id, now=world.clock(), **usual | said)


def _unit(job_id: str = JOB_ID) -> Unit:
    return Unit(job_id=job_id, stage_name="transcribe", key=VIDEO, etag="e", owner="ana")


def test_a_row_is_made_once_and_replaced_by_who_read_it_last(ports: Ports) -> None:
    job = _job(ports.world)
    assert ports.table.get(JOB_ID) is None
    with pytest.raises(Conflict):
        ports.table.replace(job)
    ports.table.create(job)
    with pytest.raises(Conflict):
        ports.table.create(job)

    assert ports.table.get(JOB_ID) == job
    newer = ports.table.replace(job.queued(_unit(), ports.world.clock()))
    assert newer.version == 1
    assert ports.table.get(JOB_ID) == newer
    with pytest.raises(Conflict):
        ports.table.replace(job)
    assert ports.table.get_many([JOB_ID, OTHER, JOB_ID]) == [newer]

    ports.table.delete(JOB_ID)
    ports.table.delete(JOB_ID)
    assert ports.table.get(JOB_ID) is None


def test_rows_are_found_by_owner_phase_day_claim_and_page(ports: Ports) -> None:
    clock = ports.world.clock
    first = _job(ports.world)
    clock.advance(hours=1)
    second = _job(ports.world, OTHER)
    for job in (first, second):
        ports.table.create(job)

    def of_ana(**limits: Any) -> list[str]:
        found = ports.table.owned_by("ana", Window(**limits.pop("window", {})), **limits)
        return [job.job_id for job in found]

    assert of_ana() == [OTHER, JOB_ID]
    assert of_ana(window={"until": first.created_at}) == [JOB_ID]
    assert of_ana(window={"since": second.created_at}) == [OTHER]
    assert of_ana(phase=Phase.ACTIVE) == [OTHER, JOB_ID]
    assert of_ana(phase=Phase.COMPLETE) == []
    since = Window(since=clock() - 2 * DAY, until=clock())
    assert [job.job_id for job in ports.table.created_within(since)] == [OTHER, JOB_ID]

    claim = Claim(worker="batch-1", until=clock().timestamp() + 60)
    queued = ports.table.replace(first.queued(_unit(), clock()))
    held = ports.table.replace(queued.claimed(_unit(), claim, clock()))
    assert ports.table.held_by_worker("batch-1") == [held]
    assert ports.table.held_by_worker("batch-2") == []

    figures = Figures(duration=9.0, speaking_time=8.0, words=20, speakers=2)
    done = {"status": Status.COMPLETE, "figures": figures, "claim": None}
    assert ports.table.places() == 0
    assert (ports.table.take_places(2), ports.table.take_places(1)) == (0, 2)
    assert ports.table.places() == 3
    listed = ports.table.replace(held.model_copy(update=done).placed(501))
    assert list(ports.table.on_page(1)) == [JOB_ID]
    assert list(ports.table.on_page(0)) == []
    gone = ports.table.replace(listed.deleted(clock()))
    assert list(ports.table.on_page(1)) == []
    assert of_ana() == [OTHER]
    assert gone.version == 4


def test_rows_are_due_at_their_time_and_not_before(ports: Ports) -> None:
    clock = ports.world.clock
    ids = [f"{number:08x}-7425-40de-944b-e07fc1f90ae7" for number in range(30)]
    for seconds, job_id in enumerate(ids):
        ports.table.create(_job(ports.world, job_id).checked(clock() + timedelta(seconds=seconds)))
    found = {job.job_id for job in ports.table.due(clock() + timedelta(seconds=9), limit=500)}
    assert found == set(ids[:10])
    assert len(ports.table.due(clock() + DAY, limit=8)) <= 8
    assert ports.table.due(clock() - DAY, limit=500) == []


def test_facts_are_written_if_absent_or_instead_of_others_and_expire(ports: Ports) -> None:
    clock, ledger = ports.world.clock, ports.ledger
    soon = clock().timestamp() + 60
    ledger.put("p", "a", {"n": 1}, if_absent=True, expires_at=soon)
    with pytest.raises(Conflict):
        ledger.put("p", "a", {"n": 2}, if_absent=True)
    with pytest.raises(Conflict):
        ledger.put("p", "a", {"n": 3}, replacing={"n": 2})
    ledger.put("p", "a", {"n": 3}, replacing={"n": 1}, expires_at=soon)
    ledger.put("p", "b", {})
    ledger.put("q", "c", {"n": 5})

    assert ledger.get("p", "a") == {"n": 3}
    assert ledger.list("p", limit=9) == [("a", {"n": 3}), ("b", {})]
    assert ledger.list("p", after="a", limit=9) == [("b", {})]
    assert ledger.list("p", limit=1) == [("a", {"n": 3})]
    clock.advance(seconds=61)
    assert ledger.get("p", "a") is None
    assert ledger.list("p", limit=9) == [("b", {})]
    ledger.put("p", "a", {"n": 4}, if_absent=True)
    assert ledger.get("p", "a") == {"n": 4}
    ledger.delete("p", "a")
    ledger.delete("p", "a")
    assert ledger.get("p", "a") is None


def test_counts_end_at_their_limit(ports: Ports) -> None:
    later = ports.world.clock().timestamp() + 60
    count: Callable[..., int] = ports.ledger.count
    assert count("p", "n", 2, at_most=3, expires_at=later) == 2
    with pytest.raises(LimitReached):
        count("p", "n", 2, at_most=3, expires_at=later)
    with pytest.raises(LimitReached):
        count("p", "m", 4, at_most=3, expires_at=later)
    assert count("p", "n", 1, at_most=3, expires_at=later) == 3
    assert count("p", "n", 5, expires_at=later) == 8
    assert ports.ledger.get("p", "n") == {}
    assert ports.ledger.get("p", "m") is None


def test_objects_are_written_by_their_etags(ports: Ports, tmp_path: Path) -> None:
    store = ports.store
    assert store.head("k/a") is store.get("k/a") is store.head_bytes("k/a", 3) is None
    with pytest.raises(Conflict):
        store.put("k/a", b"x", "text/plain", if_match="0" * 32)
    etag = store.put("k/a", b"first", "text/plain", if_match="")
    with pytest.raises(Conflict):
        store.put("k/a", b"second", "text/plain", if_match="")
    newer = store.put("k/a", b"second", "text/plain", if_match=etag)
    with pytest.raises(Conflict):
        store.put("k/a", b"third", "text/plain", if_match=etag)

    assert store.head("k/a").fencing_token == 0
    store.put("t/t", b"by a claim", "text/plain", fencing_token=12)
    assert store.head("t/t").fencing_token == 12
    store.delete("t/")

    assert store.get("k/a") == (b"second", newer)
    found = store.head("k/a")
    assert (found.key, found.bytes, found.etag) == ("k/a", 6, newer)
    assert found.content_type == "text/plain"
    assert store.get_range("k/a", 1, 3) == b"eco"
    assert store.head_bytes("k/a", 3) == b"sec"
    with pytest.raises(NotFound):
        store.get_range("k/b", 0, 1)
    store.put("k/empty", b"", "text/plain")
    assert store.head_bytes("k/empty", 3) == b""

    path = tmp_path / "file"
    store.download("k/a", path)
    assert path.read_bytes() == b"second"
    with pytest.raises(NotFound):
        store.download("k/none", path)
    store.upload(path, "k/b", "text/plain")
    store.copy("k/b", "l/c", "audio/wav")
    assert store.head("l/c").content_type == "audio/wav"
    store.tag("k/b", {"kind": "x"})
    store.tag("k/none", {"kind": "x"})
    assert [each.key for each in store.list("k/")] == ["k/a", "k/b", "k/empty"]
    assert [each.etag for each in store.list("k/a")] == [newer]
    assert store.delete("k/") == ["k/a", "k/b", "k/empty"]
    assert store.delete("k/") == []
    assert [each.key for each in store.list("")] == ["l/c"]


def test_an_upload_in_parts_is_nowhere_before_it_is_complete(ports: Ports) -> None:
    store = ports.store
    upload = store.start_multipart("k/a", "video/mp4")
    assert store.parts("k/a", upload) == ()
    assert store.head("k/a") is None
    with pytest.raises(NotFound):
        store.parts("k/a", "none")
    store.abort_multipart("k/a", upload)
    store.abort_multipart("k/a", upload)
    with pytest.raises(NotFound):
        store.parts("k/a", upload)


def test_a_message_that_is_not_settled_comes_back(ports: Ports) -> None:
    minute = timedelta(minutes=1)
    no_wait: dict[str, timedelta] = {"wait": timedelta(0), "visibility": minute}
    assert ports.queue.depth().is_empty
    assert ports.queue.receive(**no_wait) is None
    ports.queue.send(_unit())
    assert (ports.queue.depth().waiting, ports.queue.depth().in_hand) == (1, 0)
    taken = ports.queue.receive(**no_wait)
    assert Unit.model_validate_json(taken.body) == _unit()
    assert ports.queue.receive(**no_wait) is None
    assert (ports.queue.depth().waiting, ports.queue.depth().in_hand) == (0, 1)

    taken.extend(timedelta(0))
    again = ports.queue.receive(**no_wait)
    assert again.body == taken.body
    again.extend(minute)
    again.settle()
    again.settle()
    assert ports.queue.depth().is_empty
