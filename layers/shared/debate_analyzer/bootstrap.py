"""The composition root: from the environment to objects that work together."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, Any

from debate_analyzer import aws
from debate_analyzer.arrival import Arrivals
from debate_analyzer.catalogue import Catalogue
from debate_analyzer.config import Settings
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.errand import LINGER, NOTHING_DONE, Errand, key_prefix
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.job import utc_now
from debate_analyzer.pipeline import STAGES, Stage
from debate_analyzer.ports import JobTable, ObjectStore, WorkQueue
from debate_analyzer.publication import Publication
from debate_analyzer.sweeper import Sweeper
from debate_analyzer.worker import Process, Stopped, Worker

if TYPE_CHECKING:
    from debate_analyzer.edit_desk import EditDesk

logger = logging.getLogger(__name__)


class _Client:
    """A client that its first call makes: each takes tens of milliseconds, few calls need all."""

    # Threads share clients, but must not make them: boto3's default session is one for all.
    _making = threading.Lock()

    def __init__(self, service: str, endpoint: str | None) -> None:
        self._service = service
        self._endpoint = endpoint
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        with self._making:
            if self._client is None:
                self._client = aws.client(self._service, endpoint=self._endpoint)
        return getattr(self._client, name)


@cache
def _client(service: str, endpoint: str | None = None) -> Any:
    return _Client(service, endpoint)


def job_table(settings: Settings) -> JobTable:
    return aws.DynamoJobTable(_client("dynamodb"), settings.job_table)


def object_store(settings: Settings) -> ObjectStore:
    public = settings.s3_public_endpoint
    return aws.S3ObjectStore(
        _client("s3"), settings.bucket, signing=_client("s3", public) if public else None
    )


def secret_text(arn: str) -> str:
    return aws.secret_text(_client("secretsmanager"), arn)


def publish_queue(settings: Settings) -> aws.SqsPublishQueue:
    return aws.SqsPublishQueue(_client("sqs"), settings.publish_queue_url)


def dispatcher(settings: Settings, *stages: Stage) -> Dispatcher:
    """For the given stages only: a function is told of no more than it serves."""
    resources = {stage.name: settings.resources(stage) for stage in stages}
    return Dispatcher(
        queues={
            name: aws.SqsWorkQueue(_client("sqs"), of.work_queue_url)
            for name, of in resources.items()
        },
        pool=aws.BatchWorkerPool(_client("batch"), resources, utc_now),
        max_workers={name: of.max_workers for name, of in resources.items()},
    )


def arrivals(settings: Settings, *stages: Stage) -> Arrivals:
    return Arrivals(
        table=job_table(settings),
        store=object_store(settings),
        dispatcher=dispatcher(settings, *stages),
        publish_by_default=settings.publish_by_default,
    )


def sweeper(settings: Settings) -> Sweeper:
    everything = arrivals(settings, *STAGES.values())
    return Sweeper(
        table=everything.table,
        store=everything.store,
        dispatcher=dispatcher(settings, *STAGES.values()),
        arrivals=everything,
        publish_queue=publish_queue(settings),
        retries=len(settings.retry_ladder),
    )


def publication(settings: Settings) -> Publication:
    return Publication(
        table=job_table(settings),
        store=object_store(settings),
        queue=publish_queue(settings),
        now=utc_now,
    )


def catalogue(settings: Settings) -> Catalogue:
    return Catalogue(
        table=job_table(settings),
        store=object_store(settings),
        max_upload_bytes=settings.max_upload_bytes,
        upload_url_lifetime=settings.upload_url_lifetime,
        publish_by_default=settings.publish_by_default,
    )


def edit_desk(settings: Settings) -> EditDesk:
    from debate_analyzer.edit_desk import EditDesk  # 10 ms of a cold start, for the API alone

    return EditDesk(object_store(settings))


def run_worker(
    stage: Stage, process: Process, environ: Mapping[str, str], *, sent_to: Sequence[str] = ()
) -> int:
    """Drain the stage's queue with `process`, or do the files below `sent_to`, s3:// URIs, or what
    the environment names, and leave; the exit code of the Batch job.

    SIGTERM (spot reclaim, a stop of the laptop) gives the unit in hand back to the queue.
    """
    signal.signal(signal.SIGTERM, _stop)
    settings = Settings(environ)
    queue: WorkQueue
    try:
        queue, linger = _work(settings, stage, sent_to)
    except InvalidRequest as error:
        logger.error("%s", error)
        return NOTHING_DONE
    worker = Worker(
        table=job_table(settings),
        queue=queue,
        process=process,
        now=utc_now,
        name=settings.text("AWS_BATCH_JOB_ID", "by-hand"),
        attempt=int(settings.number("AWS_BATCH_JOB_ATTEMPT", 1)),
        lease=settings.lease,
        linger=linger,
        retry_ladder=settings.retry_ladder,
        looks_ahead=not isinstance(queue, Errand),
    )
    try:
        done = worker.run()
    except Stopped:
        logger.info("told to stop; the unit in hand went back to the queue")
        return 0  # it left in good order; Batch need not start it again, the queue calls another
    if isinstance(queue, Errand):
        return queue.exit_code()
    logger.info("the queue is empty; %d units done", done)
    return 0


def _work(settings: Settings, stage: Stage, sent_to: Sequence[str]) -> tuple[WorkQueue, timedelta]:
    """What there is to do, and how long to wait for more. Raises InvalidRequest."""
    named = settings.errand(stage)
    uris = sent_to or ([named] if named else [])
    if not uris:
        queue = aws.SqsWorkQueue(_client("sqs"), settings.work_queue_url(stage))
        return queue, settings.linger
    prefixes = [key_prefix(uri, settings.bucket) for uri in uris]
    output = settings.text("OUTPUT_S3_PREFIX", "")
    if output and not all(
        prefix.startswith(key_prefix(output, settings.bucket)) for prefix in prefixes
    ):
        raise InvalidRequest(
            f"OUTPUT_S3_PREFIX is {output}, but results stay in their job's folder."
        )
    errand = Errand(
        job_table(settings),
        object_store(settings),
        stage,
        prefixes,
        utc_now,
        publish_by_default=settings.publish_by_default,
    )
    return errand, LINGER


def _stop(signum: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the giving back
    raise Stopped
