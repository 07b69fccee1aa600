"""What is lost, and how long one waits: `python -m benchmarks.reliability burst` (or another of
alone, flood, day and laptop).

The real functions, dispatcher, sweeper and workers in virtual time, on services that are modelled:
tests/faults/simulation says which and how. `laptop` is the whole stack of one, in real time, killed
over and over. docs/reliability.md has what was printed.
"""

from __future__ import annotations

import argparse
import gc
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg

from benchmarks.curves import Curve, draw
from benchmarks.machine import describe
from debate_analyzer.pipeline import TRANSCRIBE, Status
from tests.e2e.burst import FAST
from tests.e2e.burst import burst as uploads_to
from tests.e2e.laptop import Laptop
from tests.faults.simulation import scenarios
from tests.faults.simulation.scenarios import HOUR, Outcome
from tests.world import ROOT, silent_wav

_PLOT = ROOT / "docs" / "reliability-burst.svg"
_OBJECTS = 200_000  # between two looks for garbage, of which a simulation makes little


def burst(files: int, plot: Path) -> None:
    """Print the burst, and draw the depth of its queues."""
    outcome = scenarios.burst(files)
    chain = outcome.chain
    print(f"## A burst of {files:,} files, {scenarios.PER_SECOND:.0f} a second")
    _common(outcome)
    _row("SubmitJob a file", f"{outcome.submits / files:.6f} ({outcome.submits} in all)")
    _row("calls of Batch throttled, surfaced", f"{outcome.throttles_surfaced}")
    _row("events that waited at most", f"{max(depth[1] for depth in chain.depths):,}")
    _row("recordings that waited at most", f"{max(depth[2] for depth in chain.depths):,}")
    workers = chain.load.workers[TRANSCRIBE.name]
    _row(f"files a second by {workers} workers", f"{outcome.rate:.2f}")
    _row("as the engine alone would", f"{outcome.modelled_rate:.2f}")
    hours = [(at / HOUR, events, waiting) for at, events, waiting, _ in chain.depths]
    curves = [
        Curve("S3 events", [(at, events) for at, events, _ in hours]),
        Curve("recordings", [(at, waiting) for at, _, waiting in hours]),
    ]
    plot.write_text(draw(curves, x="hours since the first upload", y="waiting"))


def alone(files: int, plot: Path) -> None:
    """Print what one file waits for."""
    one = scenarios.alone()
    print("## One file alone, seconds after its upload")
    _row("its worker is submitted", f"{one.submitted:.1f}")
    _row("its worker runs (a machine is started)", f"{one.running:.0f}")
    _row("statistics (another machine is started)", f"{one.complete:.0f}")
    _row("SubmitJob", f"{one.submits}")


def flood(files: int, plot: Path) -> None:
    """Print how long one file waits beside many of another owner."""
    print(f"## {files:,} files of one owner, and one of another in the middle of them; seconds")
    print("| | with message groups | first come, first served |\n|---|---:|---:|")
    fair, plain = scenarios.flood(files), scenarios.flood(files, fair=False)
    print(f"| the one's S3 event waited | {fair.event:,.0f} | {plain.event:,.0f} |")
    print(f"| then the one waited for a worker | {fair.worker:,.0f} | {plain.worker:,.0f} |")
    print(f"| from its upload to its statistics | {fair.end:,.0f} | {plain.end:,.0f} |")


def day(files: int, plot: Path) -> None:
    """Print a day with failures and outages."""
    outcome = scenarios.day(files)
    chain = outcome.chain
    print(f"## A day of {outcome.files:,} files, with failures, interruptions and outages")
    _common(outcome)
    failed = ", ".join(f"{code}: {count}" for code, count in sorted(outcome.reasons.items()))
    _row("FAILED, by reason", failed or "none")
    _row("owners not told, by mail and by webhook", f"{outcome.untold}")
    _row("owners told more than once", f"{outcome.told_twice}")
    _row("a retry was taken up after its time by", f"{chain.table.latest_retry:.0f} s at most")
    _row("machines taken away", f"{chain.batch.counts['interruptions']}")
    _row("SubmitJob", f"{outcome.submits}")
    _row("calls of Batch throttled, surfaced", f"{outcome.throttles_surfaced}")


def laptop(files: int, plot: Path) -> None:
    """Print what became of many uploads to a laptop that is killed, with an engine that answers at
    once and with the real one."""
    print("## A laptop that is killed while it works")
    print("| uploads at once | engine | kill -9 of the tree | how they ended | seconds |")
    print("|---:|---|---:|---|---:|")
    for uploads, engine, launcher, kills, recording in (
        (files, "answers at once", FAST, 5, silent_wav(1)),
        (max(1, files // 25), "real", "local", 1, _speech()),
    ):
        began = time.monotonic()
        with TemporaryDirectory() as folder:
            stack = Laptop(Path(folder), launcher=launcher)
            ended = uploads_to(stack, recording, uploads=uploads, kills=kills)
            stack.stop()
        told = ", ".join(f"{status}: {count}" for status, count in sorted(ended.items()))
        took = time.monotonic() - began
        print(f"| {uploads} | {engine} | {kills} | {told} | {took:,.0f} |")


def _speech() -> bytes:
    """The first seconds of the demo debate."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(ROOT / "demo/debate.mp4")]
    command += ["-t", "10", "-vn", "-ac", "1", "-ar", "16000", "-f", "wav", "pipe:1"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def _common(outcome: Outcome) -> None:
    print("| | |\n|---|---:|")
    _row("COMPLETE", f"{outcome.statuses[Status.COMPLETE]:,}")
    _row("FAILED", f"{outcome.statuses[Status.FAILED]:,}")
    _row("lost", f"{outcome.lost}")
    _row("the last was done after", f"{outcome.done / HOUR:.1f} h")
    _row("a unit waited without a worker on its way", f"{outcome.chain.longest_gap:.0f} s")
    _row("dead letters", ", ".join(f"{q}: {n}" for q, n in outcome.dead_letters.items()) or "none")


def _row(what: str, got: str) -> None:
    print(f"| {what} | {got} |")


_SCENARIOS: dict[str, tuple[Callable[[int, Path], None], int]] = {
    "burst": (burst, 300_000),
    "alone": (alone, 1),
    "flood": (flood, 50_000),
    "day": (day, 100_000),
    "laptop": (laptop, 500),
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=_SCENARIOS)
    parser.add_argument(
        "--files", type=int, help="as many as docs/reliability.md says if not given"
    )
    parser.add_argument("--plot", type=Path, default=_PLOT, help="where burst draws its queues")
    said = parser.parse_args()
    run, usual = _SCENARIOS[said.scenario]
    logging.disable(logging.CRITICAL)
    gc.set_threshold(_OBJECTS)
    began = time.monotonic()
    run(said.files or usual, said.plot)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    print(
        f"\n{describe()}; {time.monotonic() - began:,.0f} s, of which {time.process_time():,.0f} s "
        f"of the processor; {memory / 1e9:.1f} GB"
    )


if __name__ == "__main__":
    main()
