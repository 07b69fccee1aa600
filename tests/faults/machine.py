"""Processes that take turns, under a clock that passes only when all of them wait.

One runs until its next call of AWS; whose turn it is then is drawn by lot, and so is what goes
wrong with the call. The same seed gives the same schedule. This is how FoundationDB is tested
(Zhou et al. 2021, doi:10.1145/3448016.3457559): what is under test is the real code, only time, the
network and the other end are ours.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from types import MappingProxyType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from debate_analyzer import hold, publication, worker
from debate_analyzer.errors import Conflict
from debate_analyzer.hold import Hold
from debate_analyzer.worker import Stopped

logger = logging.getLogger(__name__)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_BEAT = timedelta(seconds=20)
_LONGEST_STALL, _LONGEST_PAUSE = 1200.0, 20.0  # of a worker; of a function, which has timeouts


class Killed(BaseException):
    """SIGKILL: whatever the process would still do on its way out, nobody sees."""


class Outage(Exception):
    """What is left of a throttled, failed or timed-out call when boto3 has given up."""


class Fault(Enum):
    """What may happen to a call."""

    KILL_BEFORE = auto()
    KILL_AFTER = auto()
    FAIL_BEFORE = auto()
    FAIL_AFTER = auto()
    """It had its effect, and the answer was lost."""
    REFUSE_AFTER = auto()
    """As before; boto3 repeated the conditional write, which met its own effect."""
    STALL = auto()
    """The machine sleeps for minutes, and goes on as if nothing had been."""
    STOP = auto()
    """SIGTERM, where a worker listens."""


_CONDITIONAL = {"create", "replace", "put", "complete_multipart"}


@dataclass(eq=False)
class Process:
    """`kind` says what it is of, for faults that are to hit a certain one."""

    kind: str
    act: Callable[[], Any]
    ended: Callable[[Process], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_worker: bool = False
    result: Any = None
    error: BaseException | None = None
    is_killed: bool = False
    is_over: bool = False
    wakes_at: datetime = NOON
    holds: list[tuple[Hold, datetime]] = field(default_factory=list)
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@dataclass(frozen=True)
class Call:
    """A call of AWS: the `number`th of a process, from 0."""

    process: Process
    port: str
    method: str
    is_conditional: bool


@dataclass
class Machine:
    """`plan` says what goes wrong with a call."""

    random: random.Random
    plan: Callable[[Call], Fault | None] = lambda call: None
    time: datetime = NOON
    skew: timedelta = timedelta(0)
    processes: list[Process] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    faults: list[tuple[Call, Fault]] = field(default_factory=list)
    _back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _here: threading.local = field(default_factory=threading.local)

    def now(self) -> datetime:
        """As processes have it; AWS has clocks of its own."""
        return self.time + self.skew

    def monotonic(self) -> float:
        return (self.time - NOON).total_seconds()

    @property
    def current(self) -> Process | None:
        """Whose code this is; None outside of all."""
        return getattr(self._here, "process", None)

    # --- outside of processes --------------------------------------------------------------

    def start(
        self,
        kind: str,
        act: Callable[[], Any],
        *,
        ended: Callable[[Process], None] = lambda process: None,
        environment: Mapping[str, str] = MappingProxyType({}),
        is_worker: bool = False,
    ) -> Process:
        process = Process(kind, act, ended, environment, is_worker, wakes_at=self.time)
        self.processes.append(process)
        threading.Thread(target=self._live, args=(process,), daemon=True).start()
        return process

    def ready(self) -> list[Process]:
        return [process for process in self.processes if process.wakes_at <= self.time]

    def run(self, process: Process) -> None:
        """Until its next call."""
        process.turn.release()
        self._back.acquire()
        if process.is_over:
            self.processes.remove(process)
            process.ended(process)

    def kill(self, process: Process) -> None:
        process.is_killed = True
        self.run(process)

    def stop(self) -> None:
        """Nothing is left behind."""
        for process in list(self.processes):
            process.ended = lambda process: None
            self.kill(process)

    def _live(self, process: Process) -> None:
        self._here.process = process
        process.turn.acquire()
        try:
            if not process.is_killed:
                process.result = process.act()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - whoever started the process looks at it
            process.error = error
        process.is_over = True
        self._back.release()

    # --- inside of one -----------------------------------------------------------------------

    def call(self, port: str, method: str, effect: Callable[[], Any], conditional: bool) -> Any:
        """A call of AWS, before and after which others may have their turn."""
        process = self.current
        if process is None:
            return effect()
        self._pause(process)
        call = Call(process, port, method, conditional)
        self.calls.append(call)
        fault = self.plan(call)
        if fault is None:
            return effect()
        self.faults.append((call, fault))
        return self._strike(process, fault, effect, conditional)

    def _strike(
        self, process: Process, fault: Fault, effect: Callable[[], Any], conditional: bool
    ) -> Any:
        match fault:
            case Fault.STALL:
                longest = _LONGEST_STALL if process.is_worker else _LONGEST_PAUSE
                stalled = timedelta(seconds=self.random.uniform(1, longest))
                process.wakes_at = self.time + stalled
                process.holds = [(each, at + stalled) for each, at in process.holds]
                self._pause(process)
                return effect()
            case Fault.STOP:
                raise Stopped
            case Fault.FAIL_BEFORE:
                raise Outage("It was not done.")
            case Fault.KILL_BEFORE:
                self._die(process)
        effect()
        if fault is Fault.KILL_AFTER:
            self._die(process)
        if fault is Fault.REFUSE_AFTER and conditional:
            raise Conflict("Somebody else wrote it: we ourselves, a moment ago.")
        raise Outage("Nobody knows whether it was done.")

    def sleep(self, seconds: float) -> None:
        """Time passes, for heartbeats too."""
        process = self.current
        assert process is not None
        until = self.time + timedelta(seconds=max(0.001, seconds))
        while self.time < until:
            process.wakes_at = min(until, self.time + _BEAT)
            self._pause(process)

    def _pause(self, process: Process) -> None:
        if process.is_killed:
            raise Killed
        self._back.release()
        process.turn.acquire()
        if process.is_killed:
            raise Killed
        self._beat(process)

    def _die(self, process: Process) -> None:
        process.is_killed = True
        raise Killed

    def _beat(self, process: Process) -> None:
        """What the thread of a Hold would do in the time that has passed."""
        holds, process.holds = process.holds, []  # a beat calls AWS, too
        for each, beaten_at in holds:
            if each._over.is_set() or each._lost.is_set():
                continue
            if self.time - beaten_at >= _BEAT:
                beaten_at = self.time
                try:
                    each._beat(each.progress)
                except Exception as error:  # noqa: BLE001 - as Hold has it
                    logger.info("a heartbeat failed: %s", error)
            process.holds.append((each, beaten_at))


class _Still:
    """Stands in for the thread of a Hold, whose beats `Machine` makes."""

    def __init__(self, **of: Any) -> None: ...

    def start(self) -> None: ...

    def join(self) -> None: ...


class AtOnce:
    """An Executor whose threads never get ahead of whoever has them work."""

    def __init__(self, workers: int = 1) -> None: ...

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *error: object) -> None: ...

    def submit(self, act: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(act(*args))
        except BaseException as error:  # noqa: BLE001 - as the real one
            future.set_exception(error)
        return future

    def map(self, act: Callable[[Any], Any], *items: Iterable[Any]) -> Iterator[Any]:
        return iter([act(*each) for each in zip(*items, strict=False)])

    def shutdown(self) -> None: ...


@dataclass(frozen=True)
class Wired:
    """A port as a process has it: every call is one of AWS."""

    machine: Machine
    name: str
    target: Any

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.target, name)
        if not callable(found):
            return found

        def called(*args: Any, **kwargs: Any) -> Any:
            conditional = name in _CONDITIONAL and (
                self.name == "table"
                or kwargs.get("if_match") is not None
                or bool(kwargs.get("if_absent"))
                or name == "complete_multipart"
            )
            return self.machine.call(
                self.name, name, lambda: self._effect(found, args, kwargs), conditional
            )

        return called

    def _effect(self, found: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        result = found(*args, **kwargs)
        if isinstance(result, Iterator):
            return iter(list(result))  # as of now, and not as of when it is read
        return result


@contextmanager
def taking_turns(machine: Machine) -> Iterator[None]:
    """Threads, clocks and waits of the code under test are the machine's."""
    begin = Hold.__init__

    def begun(self: Hold, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        if process := machine.current:
            process.holds.append((self, machine.time))

    still = SimpleNamespace(Event=threading.Event, Thread=_Still)
    time = SimpleNamespace(monotonic=machine.monotonic, sleep=machine.sleep)
    with (
        patch.object(hold, "threading", still),
        patch.object(Hold, "__init__", begun),
        patch.object(worker, "time", time),
        patch.object(worker, "ThreadPoolExecutor", AtOnce),
        patch.object(publication, "ThreadPoolExecutor", AtOnce),
    ):
        try:
            yield
        finally:
            machine.stop()
