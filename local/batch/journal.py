"""The jobs on disk: one file each, replaced whole, so that a kill -9 leaves the old or the new."""

from __future__ import annotations

from pathlib import Path

from local.batch.job import Job


class Journal:
    """The job files of one folder, and the logs that go with them."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> list[Job]:
        """Every job, in no order."""
        return [Job.model_validate_json(path.read_bytes()) for path in self._folder.glob("*.json")]

    def save(self, job: Job) -> None:
        """Write the job as it is now."""
        draft = self._file(job).with_suffix(".tmp")
        draft.write_text(job.model_dump_json(by_alias=True, exclude_none=True))
        draft.replace(self._file(job))

    def forget(self, job: Job) -> None:
        """Remove the job and its log."""
        self._file(job).unlink(missing_ok=True)
        self.log(job).unlink(missing_ok=True)

    def log(self, job: Job) -> Path:
        """Where the output of the job goes, every attempt of it: `<definition>/<job id>.log`."""
        return self._logs / f"{job.log_stream_name}.log"

    def _file(self, job: Job) -> Path:
        return self._folder / f"{job.job_id}.json"
