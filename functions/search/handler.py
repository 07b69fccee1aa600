"""GET /api/search, apart from the rest of the API: it alone needs SQLite."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer.api.entry import answer
from debate_analyzer.config import Settings

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An answer to API Gateway, whatever happens."""
    return answer(event, settings, logger)
