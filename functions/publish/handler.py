"""Publish queue → the index, the totals and the published copies under statistics/."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from debate_analyzer.bootstrap import publication
from debate_analyzer.config import Settings
from debate_analyzer.publication import PublishRequest

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A whole SQS batch at once, because what is together on a page is written together; answers
    with the messages that are no requests. `{"rebuild": true}` has every page made anew; answers
    with how many there are.
    """
    if event.get("rebuild"):
        pages = publication(settings).rebuild()
        logger.info("asked for every page", pages=pages)
        return {"pages": pages}
    requests, failed = [], []
    for record in event["Records"]:
        try:
            requests.append(PublishRequest.model_validate_json(record["body"]))
        except ValidationError:
            logger.exception("not a request", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    publication(settings).publish(requests)
    logger.info("published", requests=len(requests), failed=len(failed))
    return {"batchItemFailures": failed}
