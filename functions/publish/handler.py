"""Publish queue → the index, the totals and the published copies under statistics/."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import messages, publication
from debate_analyzer.config import Settings
from debate_analyzer.publication import PublishRequest

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A whole SQS batch at once, because what is together on a page is written together; answers
    with the messages that are no requests. `{"rebuild": true}` has every page made anew; answers
    with how many there are.
    """
    if event.get("rebuild"):
        pages = publication(settings).rebuild()
        logger.info("asked for every page", pages=pages)
        return {"pages": pages}
    return messages(settings, logger).together(
        event, PublishRequest.model_validate_json, publish, of=lambda request: request.job_id
    )


def publish(requests: list[PublishRequest]) -> None:
    """What a batch asks for."""
    publication(settings).publish(requests)
    for request in requests:
        logger.set_correlation_id(request.job_id)
        logger.info("published", page=request.page)
