"""Names in the bucket: what a key says about the object behind it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

INDEX_KEY = "statistics/index.json"
SUMMARY_KEY = "statistics/summary.json"
SCHEMA_KEY = "statistics/schema.json"
INDEX_CHAPTERS_PREFIX = "statistics/index/chapters/"

VIDEOS_FOLDER = "videos"
PARTS_FOLDER = "parts"
EDITS_FOLDER = "edits"

_JOB_KEY = re.compile(r"jobs/(?P<job_id>[^/]+)/(?P<folder>[a-z]+)/(?P<name>[^/]+)")


@dataclass(frozen=True)
class JobKey:
    """`jobs/<job_id>/<folder>/<name>`, the only shape that leads to work."""

    job_id: str
    folder: str
    name: str

    @property
    def suffix(self) -> str:
        """Lower case, with its dot; empty without one."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        """The name without its suffix, and for a transcript without `_transcription`."""
        return PurePosixPath(self.name).stem.removesuffix("_transcription")

    def __str__(self) -> str:
        return f"jobs/{self.job_id}/{self.folder}/{self.name}"


def parse_key(key: str) -> JobKey | None:
    """Read a key as it stands in the bucket (not URL-encoded). None for any other shape."""
    match = _JOB_KEY.fullmatch(key)
    if match is None or not is_job_id(match["job_id"]):
        return None
    return JobKey(**match.groupdict())


def is_job_id(text: str) -> bool:
    """A UUID in its canonical form: nothing else may become part of a key."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def job_prefix(job_id: str) -> str:
    """All that belongs to one debate, but for what is published of it and about many."""
    return f"jobs/{job_id}/"


def video_key(job_id: str, filename: str) -> str:
    """Where the browser, the download job or a person with the console puts a recording."""
    return f"jobs/{job_id}/{VIDEOS_FOLDER}/{filename}"


def subtitles_key(job_id: str, stem: str, language: str, suffix: str) -> str:
    """The site's own subtitles of a recording that was downloaded. `suffix` comes with its dot."""
    return f"jobs/{job_id}/subtitles/{stem}.{language}{suffix}"


def transcript_key(job_id: str, stem: str) -> str:
    """Where the transcribe worker publishes, last of all."""
    return f"jobs/{job_id}/transcripts/{stem}_transcription.json"


def speaker_stats_key(job_id: str, stem: str) -> str:
    """The Parquet table beside the transcript."""
    return f"jobs/{job_id}/transcripts/{stem}_speaker_stats.parquet"


def edits_key(job_id: str) -> str:
    """What people say of the debate: `edits.Edits`. The only object of its folder."""
    return f"jobs/{job_id}/{EDITS_FOLDER}/edits.json"


def dataset_key(job_id: str, day: date) -> str:
    """The same table in the dataset across debates, by the day that the job was created.

    Not under statistics/, since private debates are in it too. Partitions as Hive names them:
    https://docs.aws.amazon.com/athena/latest/ug/partitions.html
    """
    return f"dataset/speakers/date={day:%Y-%m-%d}/{job_id}.parquet"


def captions_key(job_id: str, stem: str, suffix: str) -> str:
    """`suffix` is srt, vtt or txt."""
    return f"jobs/{job_id}/captions/{stem}.{suffix}"


def exports_key(job_id: str, stem: str, suffix: str) -> str:
    """The transcript as it was counted, its edits applied: json, srt, vtt, txt, csv or docx."""
    return f"jobs/{job_id}/exports/{stem}.{suffix}"


def parts_prefix(job_id: str) -> str:
    """What a recording that is done in parts needs on its way; gone when it is done."""
    return f"jobs/{job_id}/{PARTS_FOLDER}/"


def plan_key(job_id: str, round_: int) -> str:
    """How the recording was cut. Written before any part."""
    return f"{parts_prefix(job_id)}{round_}.plan"


def part_key(job_id: str, round_: int, number: int) -> str:
    """The sound of a part, whose arrival brings it to a worker."""
    return f"{parts_prefix(job_id)}{round_}-{number:04d}.flac"


def hearing_key(job_id: str, round_: int, number: int) -> str:
    """What was heard of a part: where it lies, the part is done."""
    return f"{parts_prefix(job_id)}{round_}-{number:04d}.heard"


def private_statistics_key(job_id: str) -> str:
    """The statistics of one debate, published or not; read through the API."""
    return f"jobs/{job_id}/statistics/statistics.json"


def statistics_key(job_id: str) -> str:
    """The published statistics of one debate."""
    return f"statistics/by-job/{job_id}.json"


def index_page_key(chapter: int, page: int) -> str:
    """Some hundred debates of the index."""
    return f"{index_pages_prefix(chapter)}{page}.json"


def index_pages_prefix(chapter: int) -> str:
    """The pages of a chapter."""
    return f"statistics/index/pages/{chapter}/"


def index_chapter_key(chapter: int) -> str:
    """Some hundred pages of the index."""
    return f"{INDEX_CHAPTERS_PREFIX}{chapter}.json"
