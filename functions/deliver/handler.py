"""Webhook queue → the receivers. An order that is to be tried again is hidden until then."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import courier, delivery_queue, messages
from debate_analyzer.config import Settings
from debate_analyzer.delivery import Order
from debate_analyzer.job import utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An SQS batch; answers with the messages that are to come back."""
    return messages(settings, logger).each(event, deliver)


def deliver(record: dict[str, Any]) -> bool:
    """Whether the order is to come back, for which it is hidden until it is due."""
    order = Order.model_validate_json(record["body"])
    logger.set_correlation_id(order.subject)
    due = courier(settings).deliver(order)
    logger.info("tried", delivery_id=order.delivery_id, subject=order.subject, next_at=due)
    if due is None:
        return False
    delivery_queue(settings).postpone(record["receiptHandle"], due - utc_now())
    return True
