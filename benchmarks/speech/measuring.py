"""Every engine on every clip."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.speech import results
from benchmarks.speech.results import ClipResult, Difference, KindResult
from benchmarks.speech.running import NotInstalled, Sound, run


@dataclass
class Report:
    """`not_measured` says in a sentence each what is missing, and why."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    not_measured: list[str] = field(default_factory=list)
    kinds: list[KindResult] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    clips: list[ClipResult] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Fields by their names; rates are fractions, times seconds."""
        return asdict(self)


def measure(
    engines: Sequence[str],
    sounds: Sequence[Sound],
    *,
    models: Path,
    peers: Path,
    runs: int = 1,
) -> Report:
    """Differences are those of the first engine to the others. The fastest of `runs` counts."""
    report = Report()
    missing: set[str] = set()
    for kind, chosen in groupby(sorted(sounds, key=_kind), key=_kind):
        of_kind = list(chosen)
        measured: dict[str, list[ClipResult]] = {}
        for engine in engines:
            if engine in missing:
                continue
            print(f"{kind}: {engine}", file=sys.stderr)
            try:
                done = min(
                    (run(engine, of_kind, models=models, peers=peers) for _ in range(runs)),
                    # A breakdown in one of them is one.
                    key=lambda done: (done.failed is None, done.seconds),
                )
            except NotInstalled as error:
                missing.add(engine)
                report.not_measured.append(f"{engine}: not installed here ({error}).")
                continue
            if done.failed or done.load_seconds is None:
                report.not_measured.append(f"{engine}, {kind}: {done.failed}.")
                continue
            report.versions[engine] = done.versions
            clips = [
                results.of_clip(engine, sound, outcome)
                for sound, outcome in zip(of_kind, done.outcomes, strict=True)
            ]
            measured[engine] = clips
            report.clips += clips
            report.kinds.append(results.of_kind(clips, load_seconds=done.load_seconds))
        first = measured.pop(engines[0], None)
        if first:
            for other in measured.values():
                report.differences += results.differences(first, other)
    return report


def _kind(sound: Sound) -> str:
    return sound.clip.kind
