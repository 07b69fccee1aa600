"""Every minute: what is new in the search index is merged, and what no longer counts goes."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.bootstrap import merger
from debate_analyzer.config import Settings

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """How many steps were taken."""
    steps = merger(settings).run()
    logger.info("merged", steps=steps)
    return {"steps": steps}
