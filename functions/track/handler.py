"""Batch state change of a worker → what it held goes back to its queue; waiting units get one."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import sweeper
from debate_analyzer.config import Settings
from debate_analyzer.events import batch_job_change
from debate_analyzer.job import utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The jobs that were released. A second delivery finds nothing held by the worker."""
    change = batch_job_change(event)
    if change.status not in ("SUCCEEDED", "FAILED"):
        return {"released": []}
    sweep = sweeper(settings)
    released = sweep.release(change.job_id, utc_now())
    sweep.follow_up()
    logger.info(
        "worker left",
        worker=change.job_id,
        status=change.status,
        reason=change.status_reason,
        released=released,
    )
    return {"released": released}
