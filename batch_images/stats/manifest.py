"""What a batch is asked to count: by the environment, or by the manifest that it names.

A manifest is a JSON document: a list, or an object with the list as its `jobs` or `transcripts`.
Each entry is a job's id, an s3:// URI of a transcript or of a folder of them, or a path or file://
URI on this machine. In a manifest that lies in S3 anything else is a key of its bucket; in one on
this machine paths are relative to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from debate_analyzer.config import Settings
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.key import is_job_id

MANIFESTS_PREFIX = "manifests/"

_VARIABLES = ("MANIFEST_S3_URI", "JOB_IDS", "TRANSCRIPTS_PREFIX", "TRANSCRIPTS_S3_PREFIX")


@dataclass(frozen=True)
class Order:
    """Either s3:// URIs of this deployment, or paths on this machine. `home`: the folder that the
    order speaks of, where results lie if nothing else is said."""

    uris: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    home: Path = Path()


def read_order(settings: Settings, fetch: Callable[[str], bytes]) -> Order | None:
    """What the environment asks for; None where it asks for nothing. `fetch` reads an s3:// URI.

    Raises InvalidRequest for what makes no sense, with all of it in one sentence.
    """
    given = [name for name in _VARIABLES if settings.text(name, "")]
    if not given:
        return None
    if len(given) > 1:
        raise InvalidRequest(f"{' and '.join(given)} are given; say in one of them what to count.")
    said = settings.text(given[0])
    match given[0]:
        case "MANIFEST_S3_URI":
            return _manifest(said, settings, fetch)
        case "JOB_IDS":
            ids = [each.strip() for each in said.split(",") if each.strip()]
            if wrong := [each for each in ids if not is_job_id(each)]:
                raise InvalidRequest(f"JOB_IDS: no id of a job: {', '.join(wrong)}.")
            return _order(ids, settings, Path())
        case _:
            return _order([said], settings, local_path(said) or Path())


def local_path(text: str) -> Path | None:
    """The path that a path or a file:// URI means; None for s3://. Raises InvalidRequest."""
    parts = urlsplit(text)
    if parts.scheme == "s3":
        return None
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(url2pathname(parts.path))
    if "://" in text:
        raise InvalidRequest(f"{text} is neither an s3:// URI nor on this machine.")
    return Path(text)


def parse_manifest(data: bytes, name: str) -> list[str]:
    """The entries, each once and in order. Raises InvalidRequest."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{name} is no JSON: {error}.") from error
    lists = [document]
    if isinstance(document, dict):
        lists = [document[key] for key in ("jobs", "transcripts") if key in document]
    if not lists or not all(isinstance(each, list) for each in lists):
        raise InvalidRequest(
            f"{name} is no manifest: a list is wanted, or an object with one as its jobs or "
            "transcripts."
        )
    entries = [entry for each in lists for entry in each]
    if wrong := [json.dumps(entry) for entry in entries if not isinstance(entry, str) or not entry]:
        raise InvalidRequest(f"{name}: entries are texts, not {', '.join(wrong)}.")
    if not entries:
        raise InvalidRequest(f"{name} names nothing.")
    return list(dict.fromkeys(entries))


def _manifest(uri: str, settings: Settings, fetch: Callable[[str], bytes]) -> Order:
    path = local_path(uri)
    if path is None:
        bucket = urlsplit(uri).netloc
        entries = [
            entry if is_job_id(entry) or "://" in entry else f"s3://{bucket}/{entry}"
            for entry in parse_manifest(fetch(uri), uri)
        ]
        return _order(entries, settings, Path())
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"The manifest {path} cannot be read: {error.strerror}.") from error
    return _order(parse_manifest(data, str(path)), settings, path.parent)


def _order(entries: Sequence[str], settings: Settings, home: Path) -> Order:
    uris, paths = [], []
    for entry in entries:
        if is_job_id(entry):
            uris.append(f"s3://{settings.bucket}/jobs/{entry}/transcripts/")
        elif (path := local_path(entry)) is None:
            uris.append(entry)
        else:
            paths.append(path if len(entries) == 1 and path == home else home / path)
    if uris and paths:
        raise InvalidRequest(
            f"What lies in S3 and what lies on this machine are counted apart: {uris[0]} and "
            f"{paths[0]} are in one order."
        )
    output = settings.text("STATS_OUTPUT_S3_URI", "").rstrip("/")
    if uris and output not in ("", f"s3://{settings.bucket}/statistics"):
        raise InvalidRequest(
            f"STATS_OUTPUT_S3_URI is {output}, but pages look for statistics in "
            f"s3://{settings.bucket}/statistics and nowhere else."
        )
    return Order(tuple(uris), tuple(paths), home)
