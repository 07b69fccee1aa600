"""What a check has found, for preflight and doctor alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: an error stops, a warning only speaks."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """`code` is for programs and tests; `sentence` says what, why and what to do."""

    level: Level
    code: str
    sentence: str


def ok(code: str, sentence: str) -> Finding:
    return Finding(Level.OK, code, sentence)


def warning(code: str, sentence: str) -> Finding:
    return Finding(Level.WARNING, code, sentence)


def error(code: str, sentence: str) -> Finding:
    return Finding(Level.ERROR, code, sentence)


def is_good(findings: Iterable[Finding]) -> bool:
    """Whether there is no error among them."""
    return all(finding.level is not Level.ERROR for finding in findings)
