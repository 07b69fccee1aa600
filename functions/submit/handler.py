"""Arrivals queue of one stage (env STAGE) → unit on the work queue, and a worker for it."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import arrivals, messages
from debate_analyzer.config import Settings
from debate_analyzer.events import arrived_keys
from debate_analyzer.job import utc_now
from debate_analyzer.key import parse_key

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An SQS batch; answers with the messages that are to come back."""
    return messages(settings, logger).each(event, submit)


def submit(message: dict[str, Any]) -> None:
    """What one S3 notification tells of."""
    stage = settings.stage
    for key in arrived_keys(message["body"], settings.bucket):
        parsed = parse_key(key)
        logger.set_correlation_id(parsed and parsed.job_id)
        unit = arrivals(settings, stage).receive(key, utc_now(), only=stage)
        logger.info("queued" if unit else "nothing to do", key=key, stage=stage.name)
