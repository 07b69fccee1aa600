"""The composition root: from the environment to objects that work together."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, Any

from debate_analyzer import aws
from debate_analyzer.arrival import Arrivals
from debate_analyzer.catalogue import Catalogue
from debate_analyzer.config import Settings
from debate_analyzer.dispatch import Dispatcher
from debate_analyzer.erasure import Erasure
from debate_analyzer.errand import LINGER, NOTHING_DONE, Errand, key_prefix
from debate_analyzer.errors import InvalidRequest, Misconfigured
from debate_analyzer.importing import Imports
from debate_analyzer.job import utc_now
from debate_analyzer.messages import Log, Messages
from debate_analyzer.pipeline import STAGES, Stage
from debate_analyzer.ports import Cdn, JobTable, Ledger, LetterQueue, ObjectStore, WorkQueue
from debate_analyzer.publication import NoCdn, Publication
from debate_analyzer.sweeper import Sweeper
from debate_analyzer.worker import Process, Stopped, Worker

if TYPE_CHECKING:
    from debate_analyzer.caller import Caller
    from debate_analyzer.courier import Courier
    from debate_analyzer.dead_letters import DeadLetters
    from debate_analyzer.delivery import Deliveries
    from debate_analyzer.edit_desk import EditDesk
    from debate_analyzer.import_desk import ImportDesk
    from debate_analyzer.job_desk import JobDesk
    from debate_analyzer.limits import Limits
    from debate_analyzer.notice import Notices
    from debate_analyzer.postman import Postman
    from debate_analyzer.reconciliation import Reconciliation
    from debate_analyzer.recording_desk import RecordingDesk
    from debate_analyzer.search.finder import Finder
    from debate_analyzer.search.merger import Merger
    from debate_analyzer.upload_desk import UploadDesk

_AT_ONCE = 10  # calls of a service; boto3 keeps as many connections

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


def ledger(settings: Settings) -> Ledger:
    return aws.DynamoLedger(_client("dynamodb"), settings.ledger_table, utc_now)


def object_store(settings: Settings) -> ObjectStore:
    public = settings.s3_public_endpoint
    return aws.S3ObjectStore(
        _client("s3"), settings.bucket, signing=_client("s3", public) if public else None
    )


def secret_text(arn: str) -> str:
    return aws.secret_text(_client("secretsmanager"), arn)


def messages(settings: Settings, log: Log) -> Messages:
    return Messages(ledger(settings), aws.trouble_of, utc_now, log)


def publish_queue(settings: Settings) -> aws.SqsPublishQueue:
    return aws.SqsPublishQueue(_client("sqs"), settings.publish_queue_url)


def dispatcher(settings: Settings, *stages: Stage) -> Dispatcher:
    """For the given stages only: a function is told of no more than it serves."""
    resources = {stage.name: settings.resources(stage) for stage in stages}
    return Dispatcher(
        queues={stage.name: _work_queue(settings, stage) for stage in stages},
        pool=aws.BatchWorkerPool(_client("batch"), resources, utc_now),
        max_workers={name: of.max_workers for name, of in resources.items()},
        ledger=ledger(settings),
        now=utc_now,
    )


def _work_queue(settings: Settings, stage: Stage) -> aws.SqsWorkQueue:
    return aws.SqsWorkQueue(
        _client("sqs"), settings.work_queue_url(stage), settings.work_dead_letters_url(stage)
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
        imports=imports(settings),
        publish_queue=publish_queue(settings),
        erasure=erasure(settings),
        retries=len(settings.retry_ladder),
    )


def reconciliation(settings: Settings) -> Reconciliation:
    from debate_analyzer.reconciliation import Reconciliation

    threads = ThreadPoolExecutor(_AT_ONCE)
    return Reconciliation(sweeper(settings), ledger(settings), threads, utc_now)


def erasure(settings: Settings) -> Erasure:
    return Erasure(
        table=job_table(settings),
        store=object_store(settings),
        ledger=ledger(settings),
        publish_queue=publish_queue(settings),
        now=utc_now,
    )


def imports(settings: Settings) -> Imports:
    return Imports(
        table=job_table(settings),
        pool=aws.BatchImportPool(
            _client("batch"), settings.download_queue, settings.download_definition, utc_now
        ),
        letters=import_letters(settings),
        retry_ladder=settings.retry_ladder,
    )


def import_letters(settings: Settings) -> LetterQueue:
    return aws.SqsLetterQueue(_client("sqs"), settings.download_dead_letters_url)


def cdn(settings: Settings) -> Cdn:
    distribution = settings.text("DISTRIBUTION_ID", "")
    return aws.CloudFrontCdn(_client("cloudfront"), distribution) if distribution else NoCdn()


def publication(settings: Settings) -> Publication:
    return Publication(
        table=job_table(settings),
        store=object_store(settings),
        queue=publish_queue(settings),
        cdn=cdn(settings),
        now=utc_now,
    )


def catalogue(settings: Settings) -> Catalogue:
    return Catalogue(job_table(settings), object_store(settings))


@cache
def _idempotency_store(table: str) -> Any:
    """One a process: each makes itself known to the client."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return DynamoDBPersistenceLayer(
        table,
        key_attr="pk",
        static_pk_value="idempotency",
        sort_key_attr="sk",
        expiry_attr="expires_at",
        boto3_client=_client("dynamodb"),
    )


def idempotency_store(settings: Settings) -> Any:
    """What Powertools keeps answers in: the ledger."""
    return _idempotency_store(settings.ledger_table)


def limits(settings: Settings) -> Limits:
    from debate_analyzer.limits import Limits

    return Limits(ledger(settings), job_table(settings), settings.allowance)


def upload_desk(settings: Settings) -> UploadDesk:
    from debate_analyzer.upload_desk import UploadDesk

    return UploadDesk(
        table=job_table(settings),
        store=object_store(settings),
        limits=limits(settings),
        max_bytes=settings.max_upload_bytes,
        url_lifetime=settings.upload_url_lifetime,
        publish_by_default=settings.publish_by_default,
        now=utc_now,
    )


def import_desk(settings: Settings) -> ImportDesk:
    from debate_analyzer.import_desk import ImportDesk

    return ImportDesk(
        bucket=settings.bucket,
        imports=imports(settings),
        arrivals=arrivals(settings, *STAGES.values()),
        limits=limits(settings),
        max_bytes=settings.max_upload_bytes,
        max_entries=settings.max_playlist_entries,
        publish_by_default=settings.publish_by_default,
        now=utc_now,
    )


def finder(settings: Settings) -> Finder:
    """Of one process: it keeps what it has read of the index."""
    return _finder(settings.bucket, settings.job_table)


@cache
def _finder(bucket: str, table: str) -> Finder:
    from debate_analyzer.search.finder import Finder
    from debate_analyzer.search.library import Library, OpenShards

    store, pool = aws.S3ObjectStore(_client("s3"), bucket), ThreadPoolExecutor(_AT_ONCE)
    library = Library(store, OpenShards(store, held=192 << 20), pool)
    return Finder(aws.DynamoJobTable(_client("dynamodb"), table), library, pool)


def merger(settings: Settings) -> Merger:
    from debate_analyzer.search.library import OpenShards
    from debate_analyzer.search.merger import Merger

    store = object_store(settings)
    pool = ThreadPoolExecutor(_AT_ONCE)
    return Merger(job_table(settings), store, OpenShards(store, held=64 << 20), pool, utc_now)


def edit_desk(settings: Settings) -> EditDesk:
    from debate_analyzer.edit_desk import EditDesk  # 10 ms of a cold start, for the API alone

    return EditDesk(object_store(settings))


def job_desk(settings: Settings) -> JobDesk:
    from debate_analyzer.job_desk import JobDesk

    return JobDesk(
        table=job_table(settings),
        store=object_store(settings),
        dispatcher=dispatcher(settings, *STAGES.values()),
        imports=imports(settings),
        publish_queue=publish_queue(settings),
        models=settings.whisper_models,
        now=utc_now,
    )


def recording_desk(settings: Settings, caller: Caller) -> RecordingDesk:
    from debate_analyzer.recording_desk import RecordingDesk

    return RecordingDesk(
        owner=caller.owner,
        party=caller.party,
        table=job_table(settings),
        store=object_store(settings),
        ledger=ledger(settings),
        bus=aws.EventBridgeBus(_client("events"), settings.event_bus),
        imports=imports(settings),
        limits=limits(settings),
        publish_by_default=settings.publish_by_default,
        now=utc_now,
    )


def dead_letters(settings: Settings) -> DeadLetters:
    from debate_analyzer.dead_letters import DeadLetters

    return DeadLetters(
        boxes={
            name: aws.SqsLetterBox(_client("sqs"), letters, queue)
            for name, (letters, queue) in settings.dead_letters.items()
        },
        ledger=ledger(settings),
        table=job_table(settings),
        dispatcher=dispatcher(settings, *STAGES.values()),
        imports=imports(settings),
        functions=aws.LambdaFunctions(_client("lambda")),
        now=utc_now,
    )


def event_letters(settings: Settings) -> aws.SqsEventLetters:
    return aws.SqsEventLetters(_client("sqs"), settings.text("EVENT_DEAD_LETTERS_URL"))


def deliveries(settings: Settings) -> Deliveries:
    from debate_analyzer.delivery import Deliveries

    return Deliveries(ledger(settings), delivery_queue(settings))


def delivery_queue(settings: Settings) -> aws.SqsDeliveryQueue:
    return aws.SqsDeliveryQueue(_client("sqs"), settings.webhook_queue_url)


def webhook_master(settings: Settings) -> str:
    """What the webhooks' secrets are derived from."""
    return secret_text(settings.webhook_secret_arn)


def courier(settings: Settings) -> Courier:
    from debate_analyzer import courier
    from debate_analyzer.webhook import Webhooks

    return courier.Courier(
        deliveries=deliveries(settings),
        webhooks=Webhooks(ledger(settings)),
        master=lambda: webhook_master(settings),
        post=courier.post,
        now=utc_now,
    )


def notices(settings: Settings) -> Notices | None:
    """None where no mails are sent."""
    from debate_analyzer.notice import Notices

    url = settings.mail_queue_url
    return Notices(ledger(settings), aws.SqsMailQueue(_client("sqs"), url)) if url else None


def postman(settings: Settings) -> Postman:
    """Raises Misconfigured where no mails are sent."""
    from debate_analyzer.postman import Postman
    from debate_analyzer.share import Shares

    announced = notices(settings)
    if announced is None:
        raise Misconfigured("MAIL_QUEUE_URL is not set; docs/architecture.md says what it holds.")
    return Postman(
        notices=announced,
        table=job_table(settings),
        store=object_store(settings),
        shares=Shares(ledger(settings)),
        mail=aws.SesMailService(
            _client("sesv2"), settings.mail_from, settings.mail_configuration_set
        ),
        site=settings.site_url,
        now=utc_now,
    )


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
        trouble_of=aws.trouble_of,
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
        return _work_queue(settings, stage), settings.linger
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
