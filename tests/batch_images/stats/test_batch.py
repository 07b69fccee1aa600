"""Batches on this machine: by the environment, and what is said of those that go wrong."""

from __future__ import annotations

import json
import logging
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batch_images.stats import batch, job
from batch_images.stats.batch import Work, count_all, find_transcripts
from batch_images.stats.core_table import CORE_SCHEMA
from batch_images.stats.manifest import parse_manifest
from debate_analyzer.errors import InvalidRequest, WorkerLost
from debate_analyzer.publication import Index, Summary
from debate_analyzer.statistics import Statistics

Count = Callable[..., int]


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Run the stats job with nothing but this in its environment; its exit code."""

    def count(**environment: str) -> int:
        monkeypatch.setattr(os, "environ", environment)
        return job.main()

    return count


def put(path: Path, *speakers: str, language: str = "en") -> Path:
    """A transcript in which each says two words in a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = [
        {"start": second, "end": second + 1, "text": "well yes", "speaker": speaker}
        for second, speaker in enumerate(speakers)
    ]
    document = {"duration": len(said), "language": language, "transcription": said}
    path.write_text(json.dumps(document))
    return path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("variable", ["TRANSCRIPTS_PREFIX", "TRANSCRIPTS_S3_PREFIX"])
@pytest.mark.parametrize("as_uri", [False, True])
def test_a_folder_s_transcripts_are_counted_beside_them(
    tmp_path: Path, count: Count, variable: str, as_uri: bool
) -> None:
    put(tmp_path / "town hall_transcription.json", "A", "B", "A")
    put(tmp_path / "council_transcription.json", "A", language="es")
    (tmp_path / "notes.json").write_text("[]")

    assert count(**{variable: tmp_path.as_uri() if as_uri else str(tmp_path)}) == 0

    assert files(tmp_path) == [
        "council_speaker_stats.parquet",
        "council_transcription.json",
        "notes.json",
        "statistics/by-job/council.json",
        "statistics/by-job/town hall.json",
        "statistics/index.json",
        "statistics/schema.json",
        "statistics/summary.json",
        "town hall_speaker_stats.parquet",
        "town hall_transcription.json",
    ]
    written = tmp_path / "statistics"
    found = Statistics.model_validate_json((written / "by-job/town hall.json").read_bytes())
    assert [(each.speaker, each.speaking_time, each.words) for each in found.speakers] == [
        ("A", 2.0, 4),
        ("B", 1.0, 2),
    ]
    table = pq.read_table(tmp_path / "town hall_speaker_stats.parquet")
    assert table.column("total_time_sec").to_pylist() == [2.0, 1.0]
    index = Index.model_validate_json((written / "index.json").read_bytes())
    assert {entry.job_id for entry in index.jobs} == {"council", "town hall"}
    summary = Summary.model_validate_json((written / "summary.json").read_bytes())
    assert (summary.jobs, summary.words, summary.languages) == (2, 8, {"en": 1, "es": 1})


def test_a_manifest_on_this_machine_names_files_by_where_it_lies(
    tmp_path: Path, count: Count
) -> None:
    job_id = str(uuid.uuid4())
    put(tmp_path / f"jobs/{job_id}/transcripts/a_transcription.json", "A")
    other = put(tmp_path / "elsewhere/b.json", "B")
    put(tmp_path / "elsewhere/c_transcription.json", "C")
    manifest = tmp_path / "monday.json"
    manifest.write_text(json.dumps([f"jobs/{job_id}", other.as_uri()]))

    assert count(MANIFEST_S3_URI=str(manifest), STATS_OUTPUT_S3_URI=str(tmp_path / "out")) == 0

    assert files(tmp_path / "out/by-job") == sorted(["b.json", f"{job_id}.json"])


def test_what_cannot_be_counted_is_told_and_the_rest_is_done(
    tmp_path: Path, count: Count, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "good_transcription.json", "A")
    (tmp_path / "bad_transcription.json").write_text('{"duration": 3, ')
    manifest = tmp_path / "manifest.json"
    names = ["lost.json", "good_transcription.json", "bad_transcription.json", "gone"]
    manifest.write_text(json.dumps({"transcripts": names}))

    assert count(MANIFEST_S3_URI=manifest.as_uri()) == 1

    assert f"No transcripts are in: {tmp_path}/lost.json, {tmp_path}/gone." in caplog.text
    assert "bad_transcription.json: invalid_transcript: the document" in caplog.text
    assert files(tmp_path / "statistics/by-job") == ["good.json"]


def test_what_is_written_is_written_whole(
    tmp_path: Path, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a_transcription.json", "A")
    assert count(TRANSCRIPTS_PREFIX=str(tmp_path)) == 0
    written = files(tmp_path)
    before = (tmp_path / "statistics/by-job/a.json").read_bytes()
    put(tmp_path / "a_transcription.json", "A", "B")

    def full(path: str, data: bytes) -> None:
        Path(path).write_bytes(data[:10])
        raise OSError(28, "No space left on device", path)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "_write", full)
        assert count(TRANSCRIPTS_PREFIX=str(tmp_path)) == 1
    assert (tmp_path / "statistics/by-job/a.json").read_bytes() == before
    assert files(tmp_path) == written


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"TRANSCRIPTS_PREFIX": "{}/nowhere"}, "nowhere"),
        ({"TRANSCRIPTS_PREFIX": "https://example.org/a"}, "neither an s3:// URI nor on this"),
        ({"TRANSCRIPTS_PREFIX": "{}", "STATS_OUTPUT_S3_URI": "s3://debates/statistics"}, "folder"),
        ({"TRANSCRIPTS_PREFIX": "{}", "JOB_IDS": "x"}, "JOB_IDS and TRANSCRIPTS_PREFIX"),
        ({"MANIFEST_S3_URI": "{}/nowhere.json"}, "cannot be read"),
        ({"JOB_IDS": str(uuid.UUID(int=1))}, "BUCKET is not set"),
        ({"MANIFEST_S3_URI": "{}/mixed.json", "BUCKET": "debates"}, "counted apart"),
        ({"MANIFEST_S3_URI": "{}/twice.json"}, "in one place: a."),
    ],
)
def test_an_order_that_makes_no_sense_starts_nothing(
    tmp_path: Path,
    count: Count,
    caplog: pytest.LogCaptureFixture,
    order: dict[str, str],
    said: str,
) -> None:
    for folder in ("one", "two"):
        put(tmp_path / folder / "a_transcription.json", "A")
    (tmp_path / "mixed.json").write_text(json.dumps([str(uuid.uuid4()), "one"]))
    (tmp_path / "twice.json").write_text(json.dumps(["one", "two"]))
    before = files(tmp_path)

    assert count(**{name: value.format(tmp_path) for name, value in order.items()}) == 2
    assert said in caplog.text
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("", "is no JSON"),
        ("3", "is no manifest"),
        ('{"job": []}', "is no manifest"),
        ('{"jobs": "a"}', "is no manifest"),
        ('["a", 3, "", null]', 'not 3, "", null'),
        ('{"jobs": []}', "names nothing"),
    ],
)
def test_a_manifest_that_is_none_is_refused(manifest: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_manifest(manifest.encode(), "m.json")
    assert said in str(refused.value)


def test_a_manifest_may_name_jobs_and_transcripts_once_or_twice() -> None:
    data = json.dumps({"transcripts": ["b", "a", "b"], "jobs": ["c"]}).encode()
    assert parse_manifest(data, "m.json") == ["c", "b", "a"]


@pytest.mark.parametrize("core", [False, True])
def test_processes_side_by_side_give_what_one_gives(tmp_path: Path, core: bool) -> None:
    for number in range(9):
        put(tmp_path / f"{number}_transcription.json", *"ABC"[: number % 4])
    (tmp_path / "5_transcription.json").write_text("[]")
    transcripts, missing = find_transcripts([tmp_path, tmp_path / "0_transcription.json"])
    assert (len(transcripts), missing) == (9, [])

    def counted(processes: int) -> list[Any]:
        return list(count_all(transcripts, Work(core=core, printed=True), processes=processes))

    alone = counted(1)
    assert counted(3) == alone
    assert [outcome.failure is not None for outcome in alone] == [n == 5 for n in range(9)]


_write = batch._write


def _die_half_way(path: str, data: bytes) -> None:
    if Path(path).name.startswith(".5.json"):
        _write(path, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    _write(path, data)


def test_a_process_that_is_killed_while_it_counts_leaves_whole_files_and_all_are_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcripts = [put(tmp_path / f"{number}_transcription.json", "A", "B") for number in range(10)]

    def counted(folder: str, processes: int = 2) -> None:
        list(count_all(transcripts, Work(documents=tmp_path / folder), processes=processes))

    counted("alone", 1)
    with monkeypatch.context() as patch:
        patch.setattr(batch, "_write", _die_half_way)
        with pytest.raises(WorkerLost, match="What is done stays"):
            counted("struck")
    done, left = tmp_path / "alone/by-job", tmp_path / "struck/by-job"
    written = {path.name: path.read_bytes() for path in left.glob("*.json")}
    assert "5.json" not in written
    assert written.items() <= {path.name: path.read_bytes() for path in done.iterdir()}.items()

    counted("struck")
    again = {path.name: path.read_bytes() for path in left.glob("*.json")}
    assert again == {path.name: path.read_bytes() for path in done.iterdir()}


def test_the_core_measures_fill_the_first_columns(tmp_path: Path) -> None:
    path = put(tmp_path / "a_transcription.json", "A", "B", "A")
    tables = tmp_path / "out"
    (outcome,) = count_all([path], Work(core=True, tables=tables))

    assert outcome.failure is None
    table = pq.read_table(tables / "a_speaker_stats.parquet")
    assert table.schema == CORE_SCHEMA
    assert table.to_pylist()[0] == {
        "speaker": "A",
        "total_time_sec": 2.0,
        "segment_count": 2,
        "word_count": 4,
    }


def test_a_defect_of_ours_is_told_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path / "a_transcription.json", "A")
    monkeypatch.setattr("batch_images.stats.batch.count_file", lambda path: 1 / 0)
    with caplog.at_level(logging.CRITICAL):
        (outcome,) = count_all([path], Work(core=True))
    assert outcome.failure is not None
    assert outcome.failure.code == "internal"
    assert "ZeroDivisionError" in outcome.failure.sentence
