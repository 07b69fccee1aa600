"""Many transcripts on this machine, counted side by side.

Each file's fate is its own: what cannot be counted is reported, and the rest is done. Nothing half
written is ever seen: a file is written beside its place and then moved there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from batch_images.stats.analysis import Input, analyse
from batch_images.stats.contents import contents
from batch_images.stats.core import Core, CoreSpeaker, count_file
from batch_images.stats.core_table import write_core_parquet
from batch_images.stats.manifest import Order, local_path
from batch_images.stats.parquet import write_parquet
from batch_images.stats.reader import check_size
from debate_analyzer.config import Settings
from debate_analyzer.errors import DebateError, InvalidRequest, WorkerLost
from debate_analyzer.key import parse_key
from debate_analyzer.statistics import Statistics, statistics_schema
from debate_analyzer.transcript import Warning

ALL_DONE, SOME_FAILED, NOT_STARTED = 0, 1, 2
"""Exit codes."""

_PATTERN = "*_transcription.json"
_CHUNK = 64
_EVERY_SECONDS = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What to make of each transcript.

    `core`: the core measures alone. `documents`: the folder for `by-job/<name>.json`, None for
    none. `tables`: the folder for Parquet, None for none; `beside` puts it beside each transcript.
    `edits`: what people say of the debate. `printed`: whether the outcome carries its document.
    """

    core: bool = False
    documents: Path | None = None
    tables: Path | None = None
    beside: bool = False
    edits: Path | None = None
    printed: bool = False


@dataclass(frozen=True)
class Failure:
    """`sentence` says what, why and what to do."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Outcome:
    """What became of a transcript: its speakers, or why there are none. `document` in JSON."""

    path: Path
    speakers: Sequence[CoreSpeaker] = ()
    document: bytes | None = None
    failure: Failure | None = None


def count_order(order: Order, settings: Settings) -> int:
    """The batch form: statistics, index and summary below STATS_OUTPUT_S3_URI, Parquet beside each
    transcript. The exit code. Raises InvalidRequest, WorkerLost."""
    output = local_path(settings.text("STATS_OUTPUT_S3_URI", str(order.home / "statistics")))
    if output is None:
        raise InvalidRequest(
            "Transcripts on this machine have their statistics on this machine: name a folder in "
            "STATS_OUTPUT_S3_URI, or nothing."
        )
    transcripts, missing = find_transcripts(order.paths)
    check_names(transcripts)
    failed = 0
    said = time.monotonic()
    for done, outcome in enumerate(count_all(transcripts, Work(documents=output, beside=True)), 1):
        if outcome.failure:
            failed += 1
            _report(outcome.path, outcome.failure)
        if time.monotonic() - said > _EVERY_SECONDS:
            said = time.monotonic()
            logger.info("%d of %d transcripts", done, len(transcripts))
    if missing:
        logger.error("No transcripts are in: %s.", ", ".join(missing))
    if failed < len(transcripts):
        write_contents(output)
    logger.info(
        "%d of %d transcripts counted: %s", len(transcripts) - failed, len(transcripts), output
    )
    return exit_code(len(transcripts), failed, len(missing))


def exit_code(transcripts: int, failed: int, missing: int) -> int:
    if not transcripts:
        return NOT_STARTED
    return SOME_FAILED if failed or missing else ALL_DONE


def _report(path: Path, failure: Failure) -> None:
    logger.error("%s: %s: %s", path, failure.code, failure.sentence)


def write_contents(folder: Path) -> None:
    """`index.json`, `summary.json` and `schema.json`, as they are in S3."""
    index, summary = contents(folder)
    for name, model in (("index", index), ("summary", summary)):
        write_whole(folder / f"{name}.json", model.model_dump_json(by_alias=True).encode())
    write_whole(folder / "schema.json", json.dumps(statistics_schema()).encode())


def find_transcripts(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files, and those below folders that are named as transcripts are; and what of all that
    is not there."""
    found: dict[Path, None] = {}
    missing = []
    for path in paths:
        files = sorted(path.rglob(_PATTERN)) if path.is_dir() else [path] if path.is_file() else []
        found.update(dict.fromkeys(files))
        if not files:
            missing.append(str(path))
    return list(found), missing


def check_names(transcripts: Iterable[Path]) -> None:
    """Raises InvalidRequest where two transcripts would have their results in one place."""
    names = Counter(map(name_of, transcripts))
    if twice := [name for name, count in names.items() if count > 1]:
        raise InvalidRequest(
            "Several transcripts have one name and would have their results in one place: "
            f"{', '.join(twice)}. Count them apart, or rename them."
        )


def name_of(transcript: Path) -> str:
    """The job's id where the transcript lies in a job's folder, otherwise its own name."""
    key = parse_key("/".join(transcript.absolute().parts[-4:]))
    return key.job_id if key else _stem(transcript)


def count_all(
    transcripts: Sequence[Path], work: Work, *, processes: int | None = None
) -> Iterator[Outcome]:
    """In order. `processes`: as many as the machine has cores if not said.

    Raises WorkerLost where a process dies.
    """
    processes = min(processes or os.cpu_count() or 1, len(transcripts))
    if processes <= 1:
        yield from (count_one(work, path) for path in transcripts)
        return
    size = max(1, min(_CHUNK, len(transcripts) // (4 * processes)))
    try:
        with ProcessPoolExecutor(processes) as pool:
            yield from pool.map(partial(count_one, work), transcripts, chunksize=size)
    except BrokenProcessPool as error:
        raise WorkerLost(
            "A process that was counting died, most likely for lack of memory. What is done stays; "
            "count the largest transcripts by themselves."
        ) from error


def count_one(work: Work, path: Path) -> Outcome:
    """Count a transcript and write what is asked for."""
    try:
        return _core(work, path) if work.core else _statistics(work, path)
    except DebateError as error:
        return Outcome(path, failure=Failure(error.code, str(error)))
    except OSError as error:
        sentence = f"{error.filename or path}: {error.strerror}."
        return Outcome(path, failure=Failure("unreadable", sentence))
    except Exception as error:  # whatever one transcript raises, the next is not to blame
        logger.exception("%s", path)
        sentence = f"Something went wrong on our side: {type(error).__name__}: {error}."
        return Outcome(path, failure=Failure("internal", sentence))


def _core(work: Work, path: Path) -> Outcome:
    core = count_file(path)
    if table := _table(work, path):
        write_whole(table, write_core_parquet(core))
    return Outcome(path, core.speakers, _dump(core) if work.printed else None)


def _dump(core: Core) -> bytes:
    return msgspec.json.encode(core, enc_hook=Warning.model_dump)


def _statistics(work: Work, path: Path) -> Outcome:
    name = name_of(path)
    edits = _read(work.edits) if work.edits else None
    statistics = analyse(_read(path), job_id=name, video_label=_stem(path), edits=edits)
    document = statistics.model_dump_json(by_alias=True).encode()
    if table := _table(work, path):
        write_whole(table, write_parquet(statistics))
    if work.documents:
        write_whole(work.documents / "by-job" / f"{name}.json", document)
    return Outcome(path, _speakers(statistics), document if work.printed else None)


def _speakers(statistics: Statistics) -> list[CoreSpeaker]:
    return [
        CoreSpeaker(each.name or each.speaker, each.speaking_time, each.words, each.segments)
        for each in statistics.speakers
    ]


def _read(path: Path) -> Input:
    stat = path.stat()
    check_size(stat.st_size)
    data = path.read_bytes()
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Input(str(path), data, etag, datetime.fromtimestamp(stat.st_mtime, UTC))


def _table(work: Work, path: Path) -> Path | None:
    folder = path.parent if work.beside else work.tables
    return folder / f"{_stem(path)}_speaker_stats.parquet" if folder else None


def _stem(path: Path) -> str:
    return path.stem.removesuffix("_transcription")


def write_whole(path: Path, data: bytes) -> None:
    """The file, whole or not at all. Its folder is made."""
    beside = f"{path.parent}{os.sep}.{path.name}.{os.getpid()}"
    try:
        try:
            _write(beside, data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(beside, data)
        os.replace(beside, path)
    except OSError:
        Path(beside).unlink(missing_ok=True)
        raise


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
