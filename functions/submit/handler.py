"""Arrivals queue of one stage (env STAGE) → unit on the work queue, and a worker for it."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import arrivals
from debate_analyzer.config import Settings
from debate_analyzer.events import arrived_keys
from debate_analyzer.job import utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An SQS batch; answers with the messages that failed.

    They stay on the queue and in the end go to its DLQ.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    failed = []
    for record in event["Records"]:
        try:
            submit(record["body"])
        except Exception:
            logger.exception("failed", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def submit(notification: str) -> None:
    """What one S3 notification tells of."""
    stage = settings.stage
    for key in arrived_keys(notification):
        unit = arrivals(settings, stage).receive(key, utc_now(), only=stage)
        logger.info("queued" if unit else "nothing to do", key=key, stage=stage.name)
