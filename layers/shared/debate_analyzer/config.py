"""The environment, typed. Each value is read when it is asked for; its error names the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from debate_analyzer.errors import Misconfigured
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE, Stage

_ERRANDS = {TRANSCRIBE.name: "VIDEO_S3_PREFIX", STATS.name: "TRANSCRIPTS_S3_PREFIX"}


_QUEUES = {
    "transcribe-arrivals": "TRANSCRIBE_ARRIVALS",
    "transcribe-work": "TRANSCRIBE_WORK",
    "stats-arrivals": "STATS_ARRIVALS",
    "stats-work": "STATS_WORK",
    "downloads": "DOWNLOAD",
    "publish": "PUBLISH",
    "webhooks": "WEBHOOK",
    "mail": "MAIL",
    "events": "EVENT",
}
"""What the queues with dead letters are called, and what their variables begin with."""


@dataclass(frozen=True)
class StageResources:
    """What a stage runs on. `max_workers` bounds the workers that are started, not Batch."""

    stage: Stage
    work_queue_url: str
    batch_queue: str
    job_definition: str
    max_workers: int


@dataclass(frozen=True)
class Allowance:
    """What a deployment grants an address, or whoever is signed in; 0 is without limit."""

    requests_per_minute: int = 0
    active_jobs: int = 0
    bytes_per_day: int = 0
    minutes_per_day: int = 0


class Settings:
    """`Settings(os.environ)`: see the table in docs/architecture.md for who is given what."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, key: str, default: str | None = None) -> str:
        """The value, or the default; Misconfigured when neither is there."""
        value = self._environ.get(key, "").strip() or default
        if value is None:
            raise Misconfigured(f"{key} is not set; docs/architecture.md says what it holds.")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        text = self.text(key, None if default is None else str(default))
        try:
            return float(text)
        except ValueError as error:
            raise Misconfigured(f"{key} must be a number, not {text!r}.") from error

    def flag(self, key: str, *, default: bool) -> bool:
        text = self.text(key, str(default)).lower()
        if text not in ("true", "false"):
            raise Misconfigured(f"{key} must be true or false, not {text!r}.")
        return text == "true"

    @property
    def bucket(self) -> str:
        return self.text("BUCKET")

    @property
    def job_table(self) -> str:
        return self.text("JOB_TABLE")

    @property
    def ledger_table(self) -> str:
        return self.text("LEDGER_TABLE")

    @property
    def publish_queue_url(self) -> str:
        return self.text("PUBLISH_QUEUE_URL")

    @property
    def webhook_queue_url(self) -> str:
        return self.text("WEBHOOK_QUEUE_URL")

    @property
    def webhook_secret_arn(self) -> str:
        return self.text("WEBHOOK_SECRET_ARN")

    @property
    def mail_queue_url(self) -> str | None:
        """None where no mails are sent."""
        return self.text("MAIL_QUEUE_URL", "") or None

    @property
    def mail_from(self) -> str:
        """The address that mails come from."""
        return self.text("MAIL_FROM")

    @property
    def mail_configuration_set(self) -> str:
        """What SES does with our mails, by name."""
        return self.text("MAIL_CONFIGURATION_SET")

    @property
    def site_url(self) -> str:
        """Where the page is, without a slash at its end."""
        return self.text("SITE_URL").rstrip("/")

    @property
    def publish_by_default(self) -> bool:
        return self.flag("PUBLISH_BY_DEFAULT", default=True)

    @property
    def stage(self) -> Stage:
        """The stage that this function or worker serves."""
        name = self.text("STAGE")
        if name not in STAGES:
            raise Misconfigured(f"STAGE must be one of {', '.join(STAGES)}, not {name!r}.")
        return STAGES[name]

    def work_queue_url(self, stage: Stage) -> str:
        return self.text(f"{stage.name.upper()}_WORK_QUEUE_URL")

    def work_dead_letters_url(self, stage: Stage) -> str:
        """Of the workers, and of those who give up in their place."""
        return self.text(f"{stage.name.upper()}_WORK_DEAD_LETTERS_URL", "")

    @property
    def dead_letters(self) -> dict[str, tuple[str, str | None]]:
        """URLs by the queue's name: of its dead letters, and its own, where it has one."""
        found = {}
        for name, key in _QUEUES.items():
            letters = self.text(f"{key}_DEAD_LETTERS_URL", "")
            if letters:  # there is no queue for mails where none are sent
                found[name] = (letters, self.text(f"{key}_QUEUE_URL", "") or None)
        return found

    def resources(self, stage: Stage) -> StageResources:
        prefix = stage.name.upper()
        return StageResources(
            stage=stage,
            work_queue_url=self.work_queue_url(stage),
            batch_queue=self.text(f"{prefix}_BATCH_QUEUE"),
            job_definition=self.text(f"{prefix}_JOB_DEFINITION"),
            max_workers=int(self.number(f"{prefix}_MAX_WORKERS", 1)),
        )

    def errand(self, stage: Stage) -> str | None:
        """The s3:// prefix of the files that a worker was sent to, where it was."""
        return self.text(_ERRANDS[stage.name], "") or None

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.number("LEASE_SECONDS", 60))

    @property
    def linger(self) -> timedelta:
        return timedelta(seconds=self.number("WORKER_LINGER_SECONDS", 20))

    @property
    def retry_ladder(self) -> tuple[timedelta, ...]:
        """The waits before the second, third … attempt."""
        text = self.text("RETRY_MINUTES", "5,25,125")
        try:
            return tuple(timedelta(minutes=float(minutes)) for minutes in text.split(","))
        except ValueError as error:
            raise Misconfigured(
                f"RETRY_MINUTES must be minutes between commas, such as 5,25,125, not {text!r}."
            ) from error

    @property
    def whisper_models(self) -> tuple[str, ...]:
        """The models of speech recognition that may be asked for, by name."""
        return tuple(filter(None, map(str.strip, self.text("WHISPER_MODELS", "").split(","))))

    @property
    def anonymous(self) -> bool:
        """Whether nobody signs in, and the id of a debate is the whole authority over it."""
        return self.text("ACCESS", "signed-in") == "anonymous"

    @property
    def groups_claim(self) -> str:
        """The claim of a token that lists the groups of whoever it is for."""
        return self.text("GROUPS_CLAIM", "cognito:groups")

    @property
    def admin_group(self) -> str:
        """The group of those who see everything."""
        return self.text("ADMIN_GROUP", "admin")

    @property
    def operator_group(self) -> str:
        """The group of those who deal with what was given up."""
        return self.text("OPERATOR_GROUP", "operator")

    @property
    def download_queue(self) -> str:
        """The Batch queue of what brings recordings."""
        return self.text("DOWNLOAD_BATCH_QUEUE")

    @property
    def download_definition(self) -> str:
        return self.text("DOWNLOAD_JOB_DEFINITION")

    @property
    def download_dead_letters_url(self) -> str:
        """Of those who give an import up."""
        return self.text("DOWNLOAD_DEAD_LETTERS_URL", "")

    @property
    def max_playlist_entries(self) -> int:
        """How many recordings of a playlist may be asked for at once."""
        return int(self.number("MAX_PLAYLIST_ENTRIES", 50))

    @property
    def event_bus(self) -> str:
        """The name of the bus that hears of recordings."""
        return self.text("EVENT_BUS", "default")

    @property
    def max_upload_bytes(self) -> int:
        return int(self.number("MAX_UPLOAD_BYTES", 50 * 2**30))

    @property
    def origin_proof_arn(self) -> str | None:
        """The secret by which the site proves that a request came through it, where there is a
        site."""
        return self.text("ORIGIN_PROOF_SECRET_ARN", "") or None

    @property
    def allowance(self) -> Allowance:
        """What one party may have."""
        often = 10 if self.anonymous else 0
        return Allowance(
            requests_per_minute=int(self.number("REQUESTS_PER_MINUTE", often)),
            active_jobs=int(self.number("MAX_ACTIVE_JOBS", 0)),
            bytes_per_day=int(self.number("MAX_BYTES_PER_DAY", 0)),
            minutes_per_day=int(self.number("MAX_MINUTES_PER_DAY", 0)),
        )

    @property
    def upload_url_lifetime(self) -> timedelta:
        return timedelta(seconds=self.number("UPLOAD_URL_SECONDS", 3600))

    @property
    def s3_public_endpoint(self) -> str | None:
        """The endpoint that presigned URLs name, where it is not the one that we talk to."""
        return self.text("S3_PUBLIC_ENDPOINT", "") or None
