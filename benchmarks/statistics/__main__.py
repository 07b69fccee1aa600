"""How fast the statistics are, beside others: `python -m benchmarks.statistics`.

Everything is measured in a process of its own, one at a time and in turns, so that what else the
machine does in a minute falls on all alike; of several rounds the best and the median are given.
Seconds are those of the processor, of which all take one; where we take two, those of the clock.
Peers run in an environment of theirs (`--peers`, its Python); those that it lacks are named.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.machine import describe
from benchmarks.statistics.plot import Line, draw
from benchmarks.statistics.simulation import draw_debate, draw_process
from benchmarks.statistics.transcripts import write_archive, write_transcript

ROOT = Path(__file__).parents[2]
OURS = {"ours", "writer alone"}
LONG_BYTES = 87_000_000

ARCHIVE = ("ours", "msgspec", "orjson", "json", "duckdb", "polars", "pandas")
LONG = (
    *("ours", "msgspec, counted", "msgspec", "msgspec, any", "orjson", "json"),
    *("duckdb", "polars", "pandas"),
)


@dataclass
class Measured:
    """Of one subject: seconds and MiB of each round."""

    files: int = 0
    seconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Bench:
    """`python`: of the peers. `missing`: those that it lacks."""

    python: Path
    rounds: int
    missing: set[str] = field(default_factory=set)

    def measure(self, task: str, names: Sequence[str], path: Path) -> dict[str, Measured]:
        """All in turns; without those that are not installed."""
        found: dict[str, Measured] = {}
        for _ in range(self.rounds):
            for name in names:
                if name in self.missing:
                    continue
                print(f"  {task}: {name}", end="\r", file=sys.stderr, flush=True)
                if self._measure(task, name, path, found.setdefault(name, Measured())):
                    continue
                found.pop(name)
                self.missing.add(name)
        return found

    def _measure(self, task: str, name: str, path: Path, measured: Measured) -> bool:
        python = sys.executable if name in OURS else str(self.python)
        done = subprocess.run(
            [python, "-m", "benchmarks.statistics.subjects", task, name, str(path)],
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": f"{ROOT}/layers/shared:{ROOT}", "POLARS_MAX_THREADS": "1"}
            | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if "ModuleNotFoundError" in done.stderr:
            return False
        if done.returncode:
            raise RuntimeError(f"{task}, {name}: {done.stderr}")
        result = json.loads(done.stdout.splitlines()[-1])
        measured.files = result["files"]
        measured.seconds.append(result["seconds" if task == "parquet" else "cpu"])
        measured.mib.append(result["mib"])
        return True


def main() -> None:
    """Print the tables, draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv/bench/bin/python")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--plot", type=Path, default=ROOT / "docs/statistics-speed.svg")
    options = parser.parse_args()
    if not options.peers.exists():
        parser.error(f"{options.peers} is not there: `make .venv/.bench`, or name it with --peers.")
    bench = Bench(options.peers, options.rounds)
    print(f"{describe()}; best and median of {options.rounds} rounds\n")
    with tempfile.TemporaryDirectory(prefix="statistics-") as name:
        folder = Path(name)
        _archive(bench, folder, options.files)
        _long(bench, folder, words=False)
        _long(bench, folder, words=True)
        _three_hours(bench, folder)
        _growth(bench, folder, options.plot)
    if bench.missing:
        print(f"Not installed, and not measured: {', '.join(sorted(bench.missing))}.")


def _archive(bench: Bench, folder: Path, files: int) -> None:
    path = folder / "archive"
    write_archive(path, files=files, size=19_000)
    size = sum(file.stat().st_size for file in path.iterdir()) / files
    found = bench.measure("archive", ARCHIVE, path)
    print(f"### {files:,} transcripts of {size / 1000:.0f} kB, core measures, one process\n")
    print("| | files a second, best | median | of msgspec's |\n|---|---:|---:|---:|")
    bare = found.get("msgspec")
    for name, measured in found.items():
        best, median = (measured.files / seconds for seconds in (measured.best, measured.median))
        ratio = _ratio(best, bare.files / bare.best if bare else None)
        print(f"| {_NAMES.get(name, name)} | {best:,.0f} | {median:,.0f} | {ratio} |")
    found = bench.measure("parquet", ("ours", "writer alone"), path)
    print("\n### The same with a Parquet file each, two processes\n")
    print("| | files a second, best | median |\n|---|---:|---:|")
    for name, measured in found.items():
        best, median = (measured.files / seconds for seconds in (measured.best, measured.median))
        print(f"| {_NAMES.get(name, name)} | {best:,.0f} | {median:,.0f} |")
    print()


_NAMES = {
    "ours": "debate stats --core",
    "msgspec": "msgspec, structs of what is summed",
    "msgspec, any": "msgspec, without types",
    "msgspec, counted": "msgspec, structs, and summed",
    "json": "json (standard library)",
    "writer alone": "pyarrow alone: one table, written again and again",
}


def _long(bench: Bench, folder: Path, *, words: bool) -> None:
    path = folder / f"long-{words}.json"
    write_transcript(path, size=LONG_BYTES, words=words)
    found = bench.measure("long", LONG, path)
    path.unlink()
    parsers = {name: measured for name, measured in found.items() if name not in ("ours", LONG[1])}
    fastest = min(parsers, key=lambda name: parsers[name].best)
    print(f"### One transcript of 87 MB, {'with' if words else 'without'} words, one process\n")
    print("Ours with the core measures, others parse alone but for one.\n")
    print("| | seconds, best | median | speed of the fastest parser's | peak, MiB | of orjson's |")
    print("|---|---:|---:|---:|---:|---:|")
    orjson = found.get("orjson")
    for name, measured in found.items():
        speed = _ratio(parsers[fastest].best, measured.best)
        peak = min(measured.mib)
        memory = _ratio(peak, min(orjson.mib) if orjson else None)
        print(
            f"| {_NAMES.get(name, name)} | {measured.best:.2f} | {measured.median:.2f} | {speed} "
            f"| {peak:,.0f} | {memory} |"
        )
    print()


def _ratio(one: float, other: float | None) -> str:
    return f"{one / other:.2f}" if other else ""


def _three_hours(bench: Bench, folder: Path) -> None:
    path = folder / "three-hours.json"
    path.write_bytes(_debate(hours=3.11))
    measured = bench.measure("whole", ("ours",), path)["ours"]
    print(
        "### The whole set of measures with uncertainty, a debate of three hours and 25,000 words\n"
    )
    print(f"{_described(path)}: {measured.best:.2f} s at best, {measured.median:.2f} s median.\n")


def _debate(*, hours: float) -> bytes:
    """Six people who talk 2.3 words a second, cut off after so long."""
    import msgspec

    process = draw_process(np.random.default_rng(5)).longer(max(4, round(hours * 700)))
    document = draw_debate(process, np.random.default_rng(6)).document()
    document.transcription.sort(key=lambda segment: segment.start)
    until = 3600 * hours
    document.transcription = [each for each in document.transcription if each.end <= until]
    document.turns = [each for each in document.turns if each.end <= until]
    document.duration = until
    return msgspec.json.encode(document)


def _described(path: Path) -> str:
    said = json.loads(path.read_bytes())["transcription"]
    words = sum(len(segment["words"]) for segment in said)
    speakers = {segment["speaker"] for segment in said}
    return f"{len(said):,} segments, {words:,} words, {len(speakers)} speakers"


def _growth(bench: Bench, folder: Path, plot: Path) -> None:
    print("### Growth\n")
    print("| segments | core, s | MiB |\n|---:|---:|---:|")
    core = []
    for exponent in range(2, 7):
        path = folder / "growing.json"
        write_transcript(path, segments=10**exponent)
        measured = bench.measure("long", ("ours",), path)["ours"]
        core.append((10.0**exponent, measured.best))
        print(f"| {10**exponent:,} | {measured.best:.4f} | {min(measured.mib):,.0f} |")
    print("\n| debate | | whole set, s | MiB |\n|---|---|---:|---:|")
    whole = []
    for name, hours in _LENGTHS.items():
        path.write_bytes(_debate(hours=hours))
        measured = bench.measure("whole", ("ours",), path)["ours"]
        segments = len(json.loads(path.read_bytes())["transcription"])
        whole.append((float(segments), measured.best))
        described, peak = _described(path), min(measured.mib)
        print(f"| {name} | {described} | {measured.best:.3f} | {peak:,.0f} |")
    print()
    lines = [Line("whole set of measures with uncertainty", whole), Line("core measures", core)]
    plot.write_text(draw(lines, x="segments", y="seconds"))


_LENGTHS = {
    "1 minute": 1 / 60,
    "10 minutes": 1 / 6,
    "1 hour": 1.0,
    "3 hours": 3.0,
    "12 hours": 12.0,
    "24 hours": 24.0,
}


if __name__ == "__main__":
    main()
