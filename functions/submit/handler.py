"""Arrivals queue of one stage (env STAGE) → unit on the work queue, and a worker for it."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import arrivals
from debate_analyzer.config import Settings
from debate_analyzer.events import arrived_keys
from debate_analyzer.job import utc_now

logger = Logger()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
settings = Settings(os.environ)


def submit(record: SQSRecord) -> None:
    """One S3 notification. Raising leaves it on the queue, and in the end on its DLQ."""
    stage = settings.stage
    for key in arrived_keys(record.body):
        unit = arrivals(settings, stage).receive(key, utc_now(), only=stage)
        logger.info("queued" if unit else "nothing to do", key=key, stage=stage.name)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """An SQS batch; answers with the messages that failed."""
    return process_partial_response(
        event=event, record_handler=submit, processor=processor, context=context
    )
