"""What the figures were measured on: a table without it says nothing."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def describe() -> str:
    """Cores, processor, load at the moment and date, on one line."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {_processor()}, {platform.system()}, Python "
        f"{platform.python_version()}, load {load:.1f}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
