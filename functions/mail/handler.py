"""Mail queue → letters to those who asked for one. What is not taken is put on the queue again."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import messages, postman
from debate_analyzer.config import Settings
from debate_analyzer.metrics import Measurement, tell
from debate_analyzer.notice import Order, State

logger = Logger()
settings = Settings(os.environ)

MEASURED = {State.SENT: "MailSent", State.REJECTED: "MailFailed", State.UNKNOWN: "MailFailed"}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An SQS batch; answers with the messages that are to come back."""
    return messages(settings, logger).each(event, carry)


def carry(record: dict[str, Any]) -> None:
    """One order as far as it goes now, and a metric where that is its end."""
    order = Order.model_validate_json(record["body"])
    logger.set_correlation_id(order.job_id)
    notice = postman(settings).carry(order)
    if notice is None:
        return
    logger.info("carried", **notice.model_dump(mode="json", exclude={"job_id", "share_id"}))
    if name := MEASURED.get(notice.state):
        tell([Measurement(name)])
