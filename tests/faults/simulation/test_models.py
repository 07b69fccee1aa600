"""The models do what AWS says of the services, and killed is killed."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.faults.simulation.batch import Batch
from tests.faults.simulation.loop import Executor, Loop, Process, Thread
from tests.faults.simulation.sqs import Queue, receipt


def test_tasks_go_on_in_the_order_of_their_waits() -> None:
    loop, order = Loop(), []

    def work(name: str, *waits: float) -> None:
        for wait in waits:
            loop.sleep(wait)
            order.append((name, loop.now))

    loop.spawn(lambda: work("a", 3, 1))
    loop.spawn(lambda: work("b", 1, 1, 5))
    loop.run()

    assert order == [("b", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 7)]


def test_a_killed_process_does_nothing_more_in_any_of_its_threads() -> None:
    loop, done = Loop(), []

    def wait_and_note(what: str) -> None:
        try:
            loop.sleep(10)
            done.append(what)
        finally:
            done.append(f"{what}: finally")

    def main() -> None:
        Thread(loop, target=lambda: wait_and_note("thread")).start()
        with Executor(loop, 1) as executor:
            executor.submit(wait_and_note, "executor")
        wait_and_note("main")

    process = Process("worker")
    task = loop.spawn(main, process)
    loop.at(5, lambda: setattr(process, "alive", False))
    loop.run()

    assert not task.dead
    assert done == []


def test_an_executor_runs_as_many_at_once_as_it_may_and_raises_where_the_result_is_asked_for() -> (
    None
):
    loop, ends = Loop(), []

    def work(seconds: float) -> float:
        loop.sleep(seconds)
        if seconds > 4:
            raise ValueError(seconds)
        return loop.now

    def main() -> None:
        with Executor(loop, 2) as executor:
            futures = [executor.submit(work, seconds) for seconds in (3, 1, 1, 5)]
        ends.extend(future.result() for future in futures[:3])
        with pytest.raises(ValueError, match="5"):
            futures[3].result()
        ends.append("over")

    loop.spawn(main)
    loop.run()

    assert ends == [3, 1, 2, "over"]


def _run(loop: Loop, what: object) -> None:
    loop.spawn(what)  # type: ignore[arg-type]
    loop.run()


def test_a_message_that_nobody_deletes_comes_back_and_is_dead_in_the_end() -> None:
    loop = Loop()
    dead = Queue(loop, "dead", visibility=30)
    queue = Queue(loop, "queue", visibility=10, max_receives=2, dead=dead)
    seen = []

    def receive() -> None:
        while found := queue.receive(wait=30):
            seen.append((loop.now, found[0].receives))

    queue.send("poison")
    _run(loop, receive)

    assert seen == [(0, 1), (10, 2)]
    assert dead.bodies() == ["poison"]
    assert (queue.waiting, queue.in_flight) == (0, 0)


def test_a_lease_that_is_extended_keeps_a_message_and_its_old_receipt_is_void_afterwards() -> None:
    loop = Loop()
    queue = Queue(loop, "queue", visibility=10)
    got = []

    def hold() -> None:
        (message,) = queue.receive(wait=0)
        first = receipt(message)
        for _ in range(3):
            loop.sleep(8)
            queue.extend(first, 10)
        (again,) = queue.receive(wait=60)
        got.append((loop.now, again is message))
        queue.delete(first)
        assert queue.in_flight == 1
        queue.delete(receipt(again))

    queue.send("unit")
    _run(loop, hold)

    assert got == [(34, True)]
    assert (queue.waiting, queue.in_flight) == (0, 0)


@pytest.mark.parametrize(("fair", "place"), [(True, 1), (False, 41)])
def test_a_quiet_group_goes_first_once_another_is_noisy(fair: bool, place: int) -> None:
    loop = Loop()
    queue = Queue(loop, "queue", visibility=1000, fair=fair)
    order: list[str] = []

    def receive() -> None:
        for _ in range(70):
            queue.send("noisy", "a")
        for _ in range(30):  # are in flight
            queue.receive(wait=0)
        loop.sleep(1)
        queue.send("quiet", "b")
        for _ in range(41):
            order.extend(message.body for message in queue.receive(wait=0))

    loop.spawn(receive)
    loop.run(until=10)

    assert order.index("quiet") + 1 == place


def test_batch_takes_fifty_calls_a_second_and_throttles_what_comes_beyond() -> None:
    loop = Loop()
    batch = Batch(loop, {"worker": lambda job, attempt: 0}, RuntimeError, lambda job: None)
    request = {"jobName": "w", "jobQueue": "q", "jobDefinition": "worker"}
    surfaced = []

    def submit() -> None:
        try:
            batch.submit_job(**request)
        except ClientError as error:
            surfaced.append(error.response["Error"]["Code"])

    for _ in range(50):
        loop.spawn(submit)
    loop.run(until=1)
    assert batch.counts["SubmitJob throttled"] == 0

    for _ in range(2_000):
        loop.spawn(submit)
    loop.run()

    assert set(surfaced) == {"TooManyRequestsException"}
    assert batch.counts["throttles surfaced"] == len(surfaced)
    assert batch.counts["SubmitJob"] + len(surfaced) == 2_050


def test_a_machine_that_is_taken_away_ends_its_job_s_attempt_and_batch_starts_another() -> None:
    loop, attempts, told = Loop(), [], []

    def work(job: str, attempt: int) -> int:
        attempts.append(attempt)
        loop.sleep(7200)
        return 0

    batch = Batch(
        loop, {"worker": work}, RuntimeError, lambda job: told.append(job.status), interruptions=9
    )
    request = {"jobName": "w", "jobQueue": "q", "jobDefinition": "worker"}
    batch.random.random = lambda: 0.9  # without a warning
    loop.spawn(lambda: batch.submit_job(**request))
    loop.run()

    assert attempts == [1, 2, 3]
    assert told == ["FAILED"]
