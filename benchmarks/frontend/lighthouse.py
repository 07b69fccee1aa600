"""Lighthouse, where there is npm to fetch it: https://github.com/GoogleChrome/lighthouse"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.frontend.edge import PROTOCOL

VERSION = "12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices")


class NotMeasuredError(Exception):
    """There is no npm, or Lighthouse did not come to an end; in words."""


_SCHEMES = {"dark": 0, "light": 1}  # https://source.chromium.org: mojom::PreferredColorScheme


@dataclass(frozen=True)
class Part:
    """Of the score for performance: FCP, say."""

    name: str
    value: str
    score: int


@dataclass(frozen=True)
class Report:
    """Scores are of a hundred."""

    scores: Mapping[str, int]
    parts: Sequence[Part]
    wants: Sequence[str]
    """What would make it faster, as Lighthouse says, with what it would save."""


def measure(url: str, pin: str, chromium: str, scheme: str) -> Report:
    """As a desktop has it. `pin` is of the one certificate to trust. Raises NotMeasuredError."""
    npx = shutil.which("npx")
    if npx is None:
        raise NotMeasuredError("there is no npx")
    flags = (
        f"--headless=new --no-sandbox --blink-settings=preferredColorScheme={_SCHEMES[scheme]}"
        f" --ignore-certificate-errors-spki-list={pin}"
    )
    done = subprocess.run(
        [
            *(npx, "--yes", f"lighthouse@{VERSION}", url, "--preset=desktop", "--quiet"),
            *("--output=json", "--output-path=stdout", f"--chrome-flags={flags}"),
            f"--only-categories={','.join(CATEGORIES)}",
        ],
        env=os.environ | {"CHROME_PATH": chromium},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NotMeasuredError(done.stderr.strip().rpartition("\n")[2])
    return read(json.loads(done.stdout))


def read(told: Mapping[str, Any]) -> Report:
    """What Lighthouse's own JSON says. Raises NotMeasuredError where a file came otherwise than
    CloudFront sends it: the score is mostly in how many rounds of the network it takes."""
    audits, categories = told["audits"], told["categories"]
    requests = audits["network-requests"]["details"]["items"]
    protocols = {each["protocol"] for each in requests if each["url"].startswith("http")}
    if protocols != {PROTOCOL}:
        raise NotMeasuredError(f"it came by {', '.join(sorted(protocols))}, not by {PROTOCOL}")
    found = [(each, audits[each["id"]]) for each in categories["performance"]["auditRefs"]]
    return Report(
        scores={name: _percent(categories[name]["score"]) for name in CATEGORIES},
        parts=[
            Part(of["acronym"], audit["displayValue"], _percent(audit["score"]))
            for of, audit in found
            if of["weight"]
        ],
        wants=[
            f"{audit['title']} ({saved})"
            for _, audit in found
            if (saved := _saved(audit.get("metricSavings") or {}))
        ],
    )


def _percent(score: float) -> int:
    return round(score * 100)


def _saved(savings: Mapping[str, float]) -> str:
    """CLS is a plain number, the others are milliseconds."""
    return ", ".join(
        f"{name} {saved:.2f}" if name == "CLS" else f"{name} {saved:.0f} ms"
        for name, saved in savings.items()
        if saved
    )
