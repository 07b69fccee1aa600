"""Virtual time: whoever waits is a task, and the one whose wait ends first goes on.

Tasks are greenlets, so code that was written for threads runs as it is, a million waits in a second
or two and always in the same order. A process is some tasks; one that is killed is never gone on
with, as after SIGKILL: no `finally`, no further call.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from greenlet import getcurrent, greenlet

BEGAN = datetime(2026, 11, 21, tzinfo=UTC)

T = TypeVar("T")


@dataclass(eq=False)
class Process:
    """What can be killed."""

    name: str
    alive: bool = True


class Task(greenlet):  # type: ignore[misc] # greenlet has no types
    """A thread of a process. `turn` counts its waits: what would have ended an earlier one is
    void."""

    def __init__(self, run: Callable[[], object], parent: greenlet, process: Process) -> None:
        super().__init__(run, parent)
        self.process = process
        self.turn = 0


@dataclass
class Loop:
    """`now` in seconds since BEGAN."""

    now: float = 0.0
    _due: list[tuple[float, int, Task | None, Any, Any]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=itertools.count)
    _root: Process = field(default_factory=lambda: Process("root"))

    def __post_init__(self) -> None:
        self._hub = getcurrent()

    def utc(self) -> datetime:
        return BEGAN + timedelta(seconds=self.now)

    # --- tasks ---------------------------------------------------------------------------------

    @property
    def process(self) -> Process:
        """Of the task that runs."""
        return getattr(getcurrent(), "process", self._root)

    def spawn(self, run: Callable[[], object], process: Process | None = None) -> Task:
        task = Task(run, self._hub, process or self.process)
        self._push(self.now, task, task.turn, None)
        return task

    def at(self, time: float, call: Callable[[], object]) -> None:
        """Call something that does not wait, at a time."""
        self._push(time, None, call, None)

    def wait(self, seconds: float = math.inf) -> bool:
        """Whether the task that runs was woken, rather than having waited so long."""
        task = getcurrent()
        task.turn += 1
        if seconds < math.inf:
            due = (self.now + seconds, next(self._number), task, task.turn, False)
            heapq.heappush(self._due, due)
        return bool(self._hub.switch())

    sleep = wait

    def wake(self, task: Task, turn: int) -> bool:
        """End the wait that was a task's `turn`; whether it was waiting still."""
        if task.turn != turn or task.dead or not task.process.alive:
            return False
        self._push(self.now, task, turn, True)
        return True

    def interrupt(self, task: Task, error: BaseException) -> None:
        """Raise in a task, wherever it waits."""
        self._push(self.now, task, task.turn, error)

    def _push(self, time: float, task: Task | None, turn: Any, value: Any) -> None:
        heapq.heappush(self._due, (time, next(self._number), task, turn, value))

    def run(self, *, until: float = math.inf) -> None:
        """Let time pass until then, or until nobody waits. Raises what a task raises."""
        due = self._due
        while due and due[0][0] <= until:
            self.now, _, task, turn, value = heapq.heappop(due)
            if task is None:
                turn()
            elif task.turn != turn or task.dead or not task.process.alive:
                continue
            elif isinstance(value, BaseException):
                task.throw(value)
            else:
                task.switch(*(() if value is None else (value,)))
        if until < math.inf:
            self.now = max(self.now, until)


# --- what the product uses of `threading` and `concurrent.futures` ------------------------------


class Event:
    """threading.Event."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._set = False
        self._waiting: list[tuple[Task, int]] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        for task, turn in self._waiting:
            self._loop.wake(task, turn)
        self._waiting.clear()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            task = getcurrent()
            self._waiting.append((task, task.turn + 1))
            self._loop.wait(math.inf if timeout is None else timeout)
        return self._set


class Thread:
    """threading.Thread."""

    def __init__(
        self,
        loop: Loop,
        target: Callable[..., object],
        args: Iterable[Any] = (),
        **other: Any,
    ) -> None:
        self._loop, self._over = loop, Event(loop)
        self._target = partial(target, *args)

    def start(self) -> None:
        def run() -> None:
            self._target()
            self._over.set()

        self._loop.spawn(run)

    def join(self) -> None:
        self._over.wait()


class Future(Generic[T]):
    """concurrent.futures.Future."""

    def __init__(self, loop: Loop, call: Callable[[], T]) -> None:
        self._call, self._over = call, Event(loop)
        self._result: T
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        self._over.set()

    def result(self) -> T:
        self._over.wait()
        if self._error is not None:
            raise self._error
        return self._result


class Executor:
    """concurrent.futures.ThreadPoolExecutor."""

    def __init__(self, loop: Loop, workers: int) -> None:
        self._loop, self._free = loop, workers
        self._waiting: deque[Future[Any]] = deque()
        self._all: list[Future[Any]] = []

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        future: Future[T] = Future(self._loop, lambda: call(*arguments))
        self._waiting.append(future)
        self._all = [each for each in self._all if not each._over.is_set()] + [future]
        if self._free:
            self._free -= 1
            self._loop.spawn(self._work)
        return future

    def _work(self) -> None:
        while self._waiting:
            self._waiting.popleft().run()
        self._free += 1

    def map(self, call: Callable[..., T], items: Iterable[Any]) -> Iterator[T]:
        futures = [self.submit(call, item) for item in items]
        return (future.result() for future in futures)

    def shutdown(self) -> None:
        for future in self._all:
            future._over.wait()

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
