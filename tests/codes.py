"""The codes of errors, by whom they reach."""

from __future__ import annotations

from debate_analyzer import errors
from debate_analyzer.trouble import Trouble

# Answers of the API, and of edits, which fail no job.
_ASKED = {"invalid_input", "invalid_edit", "invalid_request", "invalid_chunk"}
_BY_HAND = {"recording_gone", "upload_abandoned", errors.Misconfigured.code}


def of_failed_jobs() -> set[str]:
    """Every code that the error of a failed job can have."""
    return _below(errors.InvalidInput) - _ASKED | set(Trouble) | _BY_HAND


def _below(kind: type[errors.DebateError]) -> set[str]:
    return {kind.code}.union(*map(_below, kind.__subclasses__()))
