"""Every minute: jobs that are owed something, and how the workers stand.

With `{"reconcile": …}` (reconciliation.Order): everything is compared with everything, too.
"""

from __future__ import annotations

import os
import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer import metrics
from debate_analyzer.bootstrap import reconciliation, sweeper
from debate_analyzer.config import Settings
from debate_analyzer.job import utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """How many jobs of which status were looked at; what a reconciliation found, where one was
    asked for."""
    sweep = sweeper(settings)
    report = reconcile(event["reconcile"], context) if "reconcile" in event else None
    try:
        looked = sweep.sweep(utc_now())
    finally:  # a job that cannot be mended keeps no unit from its worker
        sweep.follow_up()
    logger.info("swept", looked=looked)
    if report is None:
        pool, queues = sweep.dispatcher.pool, sweep.dispatcher.queues
        metrics.tell(metrics.of_workers(queues, pool, sweep.imports.pool))
        metrics.tell(metrics.of_checks(sweep.table, utc_now()))
    return {"looked": looked, "report": report}


def reconcile(order: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The report, as JSON has it."""
    from debate_analyzer.reconciliation import Order  # 30 ms that a minute's sweep does not need

    asked, began = Order.model_validate(order), time.monotonic()
    longest = min(asked.seconds, context.get_remaining_time_in_millis() / 1000 - 60)
    report = reconciliation(settings).follow(asked, lambda: time.monotonic() - began > longest)
    for finding in report.findings:
        logger.set_correlation_id(finding.job_id)
        logger.warning(finding.sentence, kind=finding.kind, mended=finding.mended)
    logger.set_correlation_id(None)
    logger.info("reconciled", findings=len(report.findings), next=report.next)
    return report.model_dump(mode="json")
