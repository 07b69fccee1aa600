"""One engine in a process of its own, so that its load and its memory are its own.

    python -m benchmarks.speech.worker ENGINE MODELS REPORT FILE...

Writes JSON lines to REPORT, for engines print what they like: first `{"load_seconds"}`, or
`{"missing"}` where the engine is not installed, then a line a file. Imports nothing but the
standard library before the engine, whose environment need not be the project's.
"""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.speech.engines import ENGINES, load


def main(name: str, models: str, report: str, *files: str) -> None:
    """The command."""
    with Path(report).open("w", buffering=1) as lines:
        began = time.perf_counter()
        try:
            engine = load(name, Path(models))
        except ImportError as error:
            print(json.dumps({"missing": str(error)}), file=lines)
            return
        ready = {"load_seconds": time.perf_counter() - began, "versions": _versions(name)}
        print(json.dumps(ready), file=lines)
        for file in files:
            began, used = time.perf_counter(), _cpu_seconds()
            heard = engine.hear(Path(file))
            line = {
                "heard": asdict(heard),
                "seconds": time.perf_counter() - began,
                "cpu_seconds": _cpu_seconds() - used,
                "peak_mib": peak_mib(),
            }
            print(json.dumps(line), file=lines)


def _versions(name: str) -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in ENGINES[name].packages}


def _cpu_seconds() -> float:
    """Of this process and of those it has waited for: ffmpeg decodes in one."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_mib() -> float:
    """Resident set at its largest. Linux's ru_maxrss begins with the parent's; VmHWM does not."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
