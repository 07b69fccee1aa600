"""The environment, typed. Each value is read when it is asked for; its error names the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from debate_analyzer.errors import Misconfigured
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE, Stage

_ERRANDS = {TRANSCRIBE.name: "VIDEO_S3_PREFIX", STATS.name: "TRANSCRIPTS_S3_PREFIX"}


@dataclass(frozen=True)
class StageResources:
    """What a stage runs on. `max_workers` bounds the workers that are started, not Batch."""

    stage: Stage
    work_queue_url: str
    batch_queue: str
    job_definition: str
    max_workers: int


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
    def publish_queue_url(self) -> str:
        return self.text("PUBLISH_QUEUE_URL")

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
    def max_upload_bytes(self) -> int:
        return int(self.number("MAX_UPLOAD_BYTES", 5 * 2**30))

    @property
    def upload_url_lifetime(self) -> timedelta:
        return timedelta(seconds=self.number("UPLOAD_URL_SECONDS", 3600))

    @property
    def s3_public_endpoint(self) -> str | None:
        """The endpoint that presigned URLs name, where it is not the one that we talk to."""
        return self.text("S3_PUBLIC_ENDPOINT", "") or None
