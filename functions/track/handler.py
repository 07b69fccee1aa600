"""Batch state change of a worker → what it held goes back to its queue; waiting units get one.

Of an import that failed → it is tried again, or its job fails.
"""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import imports, sweeper
from debate_analyzer.config import Settings
from debate_analyzer.events import batch_job_change
from debate_analyzer.importing import imported_job
from debate_analyzer.job import utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The jobs that were released. A second delivery finds nothing held by the worker."""
    change = batch_job_change(event)
    if change.status not in ("SUCCEEDED", "FAILED"):
        return {"released": []}
    if change.status == "FAILED":
        job_id = imported_job(change.job_name, change.job_id)
        imports(settings).ended(job_id, change.job_id, utc_now())
    sweep = sweeper(settings)
    released = sweep.release(change.job_id, utc_now())
    for job_id in released:
        logger.set_correlation_id(job_id)
        logger.info("released", worker=change.job_id)
    logger.set_correlation_id(None)
    sweep.follow_up()
    logger.info(
        "worker left",
        worker=change.job_id,
        status=change.status,
        reason=change.status_reason,
        released=len(released),
    )
    return {"released": released}
