"""Feedback: whether a debate's figures are of use."""

from __future__ import annotations

from debate_analyzer.bootstrap import catalogue, ledger
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.feedback import Feedback, FeedbackBook, Mark
from debate_analyzer.job import utc_now


def put(job_id: str, body: Mark, caller: Caller, settings: Settings) -> Feedback:
    """Say whether it is useful, and why if you like, in place of what you said before."""
    job, book = catalogue(settings).get(job_id, caller), FeedbackBook(ledger(settings))
    before = book.find(job.job_id, caller.owner)
    feedback = book.put(job.job_id, caller.owner, body, utc_now())
    if before is None or before.useful is not body.useful:
        _count(useful=body.useful)
    return feedback


def get(job_id: str, caller: Caller, settings: Settings) -> Feedback:
    """What you said."""
    job = catalogue(settings).get(job_id, caller)
    return FeedbackBook(ledger(settings)).get(job.job_id, caller.owner)


def delete(job_id: str, caller: Caller, settings: Settings) -> None:
    """Take back what you said."""
    job = catalogue(settings).get(job_id, caller)
    FeedbackBook(ledger(settings)).delete(job.job_id, caller.owner)


def _count(*, useful: bool) -> None:
    """A metric, by way of the log; who said it of what is not in it."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    name = "DebatesUseful" if useful else "DebatesNotUseful"
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace="DebateAnalyzer"):
        pass
