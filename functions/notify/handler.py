"""The job table's stream → orders for whoever is to be told of a debate's end: webhooks, and the
address that was given for it."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from debate_analyzer import metrics
from debate_analyzer.bootstrap import deliveries, event_letters, notices
from debate_analyzer.config import Settings
from debate_analyzer.events import ended_jobs, sifted
from debate_analyzer.job import Job, utc_now

logger = Logger()
settings = Settings(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """How many orders were given. What it raises has the stream come again with the same changes,
    which lead to the same orders. What cannot be read is put among the dead letters of events.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    event, unreadable = sifted(event)
    for record, why in unreadable:
        event_letters(settings).bury(context.invoked_function_arn, {"Records": [record]}, why)
        logger.error("unreadable", reason=str(why), event_id=record.get("eventID"))
    told = {"deliveries": 0, "mails": 0}
    for job in ended_jobs(event):
        logger.set_correlation_id(job.job_id)
        try:
            told["deliveries"] += tell_webhooks(job)
        finally:  # what fails for the one keeps the other waiting for nothing
            told["mails"] += tell_by_mail(job)
    logger.set_correlation_id(None)
    metrics.tell(metrics.of_changes(event))  # at the end: what comes again was not measured
    return told


def tell_webhooks(job: Job) -> int:
    """How many of them."""
    made = deliveries(settings).announce(job, utc_now())
    logger.info("ended", status=job.status, deliveries=made)
    return len(made)


def tell_by_mail(job: Job) -> int:
    """1 where there is somebody to be written to, and mails are sent."""
    wanted = notices(settings)
    notice = wanted.announce(job, utc_now()) if wanted else None
    logger.info("ended", status=job.status, mail=notice is not None)
    return int(notice is not None)
