"""What a function behind API Gateway does: an answer, whatever happens; a log by debates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from debate_analyzer.api import problem
from debate_analyzer.api.frame import respond
from debate_analyzer.api.trace import asked_about, begun
from debate_analyzer.config import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


def answer(event: Mapping[str, Any], settings: Settings, logger: Logger) -> dict[str, Any]:
    """The answer to API Gateway's event of payload format 2.0. A defect or an outage is logged, and
    is a 500 that says nothing of it."""
    if job_id := asked_about(event):
        logger.set_correlation_id(job_id)
    try:
        answered = respond(event, settings)
    except Exception:
        logger.exception("unexpected")
        return problem.internal().event()
    if made := begun(answered):
        logger.set_correlation_id(made)
        logger.info("begun")
    return answered
