"""Every minute: jobs that are owed something. With `{"reconcile": true}`: the bucket, too."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import sweeper
from debate_analyzer.config import Settings
from debate_analyzer.job import utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """How many jobs of which status were looked at, and how many objects were put to work."""
    sweep = sweeper(settings)
    found = sweep.reconcile(utc_now()) if event.get("reconcile") is True else 0
    looked = sweep.sweep(utc_now())
    sweep.follow_up()
    logger.info("swept", looked=looked, found=found)
    return {"looked": looked, "found": found}
