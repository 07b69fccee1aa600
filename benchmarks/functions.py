"""What a function costs before and around its work, on Lambda's Python and beside a hello world.

    python -m benchmarks.functions [--runs 7]

The runtime interface emulator of the AWS SAM CLI runs each function with the layer that `sam build`
makes, bytecode and all, on the Python 3.13 of tests/invoke, in a fresh process a run. The columns,
medians in milliseconds:

init        from the start of the process until it asks for its first event: the interpreter, the
            runtime client, the handler's imports. The emulator's own figure.
first call  the sample event, against the laptop's AWS where nothing is stored: boto3, the clients
            that it needs, their first calls.
total       both: what whoever waits for a cold start waits for, but for Lambda's own share.
idle        a warm call with an event that needs no AWS: what is spent around the work.

Nothing is throttled here. Lambda gives a call the memory's share of a processor (1,769 MB are one),
and more than that to the initialisation.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from tests.functions.runtime import folder, running, sample
from tests.invoke.debian import NoRuntime, runtime
from tests.invoke.sam import build_into
from tests.local.site import Site, running_site

_WARM_CALLS = 20
_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")
_CALL = re.compile(r"INVOKE RTDONE\(.*duration: ([\d.]+)ms\)")
_HELLO = "def handler(event, context):\n    return {}\n"


@dataclass(frozen=True)
class Case:
    """A function, its sample event, and one that it has nothing to do for (None: none such)."""

    function: str
    event: Any
    idle: Any
    goal: float


@dataclass(frozen=True)
class Cost:
    """Milliseconds."""

    init: float
    first: float
    idle: float


def _cases() -> list[Case]:
    test_event = sample("submit-s3-test-event")
    unchanged = sample("track-worker-done")
    unchanged["detail"] = {**unchanged["detail"], "status": "RUNNING"}
    no_route = sample("api-list-jobs")
    no_route["rawPath"] = no_route["requestContext"]["http"]["path"] = "/api/nothing"
    return [
        Case("SubmitTranscribeFunction", sample("submit-video"), test_event, 150),
        Case("SubmitStatsFunction", sample("submit-transcript"), test_event, 150),
        Case("TrackFunction", sample("track-worker-lost"), unchanged, 150),
        Case("SweepFunction", sample("sweep-schedule"), None, 150),
        Case("PublishFunction", sample("publish"), {"Records": []}, 150),
        Case("ApiFunction", sample("api-list-jobs"), no_route, 200),
    ]


def _run(task: Path, environment: dict[str, str], path: list[Path], event: Any, idle: Any) -> Cost:
    """One fresh process."""
    with tempfile.NamedTemporaryFile(prefix="function-") as log:
        with running(
            task, environment, path=path, log=Path(log.name), python=[runtime().python]
        ) as function:
            answers = [function.invoke(event)]
            answers += [function.invoke(idle) for _ in range(_WARM_CALLS)]
        text = Path(log.name).read_text()
    for answer in answers:
        if isinstance(answer, dict) and "errorMessage" in answer:
            raise SystemExit(f"{task.name} failed: {answer['errorMessage']}")
    first, *warm = map(float, _CALL.findall(text))
    (init,) = map(float, _INIT.findall(text))
    return Cost(init, first, median(warm))


def _measure(site: Site, runs: int, path: list[Path], hello: Path) -> dict[str, list[Cost]]:
    """By function, the hello world first; the functions take turns, so that load is shared."""
    costs: dict[str, list[Cost]] = {}
    for _ in range(runs):
        costs.setdefault("hello world", []).append(_run(hello, {}, path, {}, {}))
        for case in _cases():
            environment = site.environment(case.function)
            idle = case.event if case.idle is None else case.idle
            cost = _run(folder(case.function), environment, path, case.event, idle)
            costs.setdefault(case.function, []).append(cost)
    return costs


def _table(costs: dict[str, list[Cost]], layer_bytes: int) -> Table:
    goals = {case.function: case.goal for case in _cases()}
    busy = {case.function for case in _cases() if case.idle is None}
    table = Table(
        title=describe(),
        caption=f"layer: {layer_bytes / 1e6:.2f} MB zipped (at most 6); "
        "*: has no idle event, its warm calls ask the laptop's AWS",
    )
    table.add_column("function")
    for head in ("init", "goal", "first call", "total", "idle", "over hello"):
        table.add_column(head, justify="right")
    hello = median(cost.idle for cost in costs["hello world"])
    for name, runs in costs.items():
        idle = median(cost.idle for cost in runs)
        table.add_row(
            name,
            f"{median(cost.init for cost in runs):.0f}",
            f"{goals[name]:.0f}" if name in goals else "",
            f"{median(cost.first for cost in runs):.0f}",
            f"{median(cost.init + cost.first for cost in runs):.0f}",
            f"{idle:.1f}{'*' if name in busy else ''}",
            f"{idle - hello:.1f}",
        )
    return table


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    try:
        made = runtime()
    except NoRuntime as error:
        raise SystemExit(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="functions-") as temporary:
        here = Path(temporary)
        build_into(here / "build", made.bin, "SharedLayer")
        layer = here / "build" / "SharedLayer"
        archive = Path(shutil.make_archive(str(here / "layer"), "zip", layer))
        hello = here / "hello"
        hello.mkdir()
        (hello / "handler.py").write_text(_HELLO)
        data = here / "site"
        data.mkdir()
        with running_site(data) as site:
            site.silence()
            path = [layer / "python", made.packages]
            costs = _measure(site, options.runs, path, hello)
        Console(width=100).print(_table(costs, archive.stat().st_size))


if __name__ == "__main__":
    main()
