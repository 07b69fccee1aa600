"""Publish queue → the index and the totals under statistics/."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import publication
from debate_analyzer.config import Settings
from debate_analyzer.publication import PublishRequest

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """A whole SQS batch at once: ten jobs of one day are one page to rebuild."""
    requests = [PublishRequest.model_validate_json(record["body"]) for record in event["Records"]]
    publication(settings).publish(requests)
    logger.info("published", jobs=[request.job_id for request in requests])
