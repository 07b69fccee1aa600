from __future__ import annotations

import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from jsonschema import validate

from batch_images.stats.job import StatsProcess
from batch_images.stats.measures import measure
from debate_analyzer.edits import Edits, Rename
from debate_analyzer.key import edits_key, private_statistics_key, speaker_stats_key, statistics_key
from debate_analyzer.pipeline import Status
from debate_analyzer.statistics import Statistics
from tests.world import JOB_ID, STATS, TRANSCRIPT, World

# As foreign writers make it: the fields of the first readers and nothing else.
FOREIGN = {
    "duration": 12.0,
    "speakers_count": 2,
    "transcription": [
        {"start": 0.0, "end": 5.0, "text": "good evening all", "speaker": "A", "confidence": 0.9},
        {"start": 5.5, "end": 8.0, "text": "thank you", "speaker": "B", "confidence": 0.8},
    ],
}


@pytest.fixture
def process(world: World) -> StatsProcess:
    return StatsProcess(world.table, world.store, world.publish_queue, world.clock)


def _run(world: World, process: StatsProcess, document: Any) -> None:
    world.drop(TRANSCRIPT, json.dumps(document).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    world.worker(process, stage=STATS, linger=0.3).run()


def _json(world: World, key: str) -> Any:
    found = world.store.get(key)
    assert found is not None
    return json.loads(found[0])


def test_a_foreign_transcript_becomes_statistics_and_reaches_the_index(
    world: World, process: StatsProcess
) -> None:
    _run(world, process, FOREIGN)

    assert world.job().status is Status.COMPLETE
    published = _json(world, statistics_key(JOB_ID))
    assert published == _json(world, private_statistics_key(JOB_ID))
    assert [s["speakingTime"] for s in published["speakers"]] == [5.0, 2.5]
    world.publication.publish(world.publish_requests())
    assert _json(world, "statistics/index.json")["jobs"][0]["words"] == 5


def test_the_parquet_beside_the_transcript_holds_the_same_figures(
    world: World, process: StatsProcess
) -> None:
    _run(world, process, FOREIGN)

    found = world.store.get(speaker_stats_key(JOB_ID, "town hall"))
    assert found is not None
    rows = pq.read_table(io.BytesIO(found[0])).to_pylist()
    assert [(r["speaker"], r["total_time_sec"], r["word_count"]) for r in rows] == [
        ("A", 5.0, 3),
        ("B", 2.5, 2),
    ]


def test_the_same_transcript_again_gives_the_same_bytes(
    world: World, process: StatsProcess
) -> None:
    _run(world, process, FOREIGN)
    parquet = world.store.get(speaker_stats_key(JOB_ID, "town hall"))
    world.table.replace(world.job().model_copy(update={"units": {}}))

    _run(world, process, FOREIGN)

    assert world.job().status is Status.COMPLETE
    assert world.store.get(speaker_stats_key(JOB_ID, "town hall")) == parquet


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], "the document"),
        ({"duration": 1}, "transcription"),
        (FOREIGN | {"transcription": [{"start": 3, "end": 1}]}, "1 segments end before they begin"),
    ],
)
def test_what_is_no_transcript_fails_with_what_is_wrong_in_it(
    world: World, process: StatsProcess, document: Any, where: str
) -> None:
    _run(world, process, document)

    job = world.job()
    assert job.status is Status.FAILED
    assert job.fault.code == "invalid_transcript"
    assert where in job.fault.message
    assert world.store.head(statistics_key(JOB_ID)) is None


def test_every_debate_is_in_the_dataset_also_a_private_one(
    world: World, process: StatsProcess
) -> None:
    _run(world, process, FOREIGN)

    day = world.job().created_at.date().isoformat()
    row = world.store.get(f"dataset/speakers/date={day}/{JOB_ID}.parquet")
    assert row is not None
    assert row == world.store.get(speaker_stats_key(JOB_ID, "town hall"))


def test_a_debate_is_counted_again_as_its_edits_have_it(
    world: World, process: StatsProcess
) -> None:
    _run(world, process, FOREIGN)
    before = _json(world, private_statistics_key(JOB_ID))
    edits = Edits().appended(
        [Rename(speaker="A", name="Ada")], by="me", at=world.clock(), transcript=""
    )
    world.drop(edits_key(JOB_ID), edits.document(), "application/json")
    world.arrive(edits_key(JOB_ID))
    world.worker(process, stage=STATS, linger=0.3).run()

    after = _json(world, private_statistics_key(JOB_ID))
    assert [speaker["name"] for speaker in before["speakers"]] == [None, None]
    assert [speaker["name"] for speaker in after["speakers"]] == ["Ada", None]
    assert len(after["provenance"]["statistics"]["inputs"]) == 2


def test_a_private_debate_is_counted_but_not_published(world: World, process: StatsProcess) -> None:
    world.drop(TRANSCRIPT, json.dumps(FOREIGN).encode(), "application/json")
    world.arrive(TRANSCRIPT)
    world.table.replace(world.job().model_copy(update={"published": False}))
    world.worker(process, stage=STATS, linger=0.3).run()

    assert world.job().status is Status.COMPLETE
    assert world.store.head(private_statistics_key(JOB_ID)) is not None
    assert world.store.head(statistics_key(JOB_ID)) is None


def test_a_debate_that_is_withdrawn_while_it_is_counted_is_not_published(
    world: World, process: StatsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def withdrawn_meanwhile(*arguments: Any, **options: Any) -> Statistics:
        world.table.replace(world.job().unpublished(world.clock()))
        return measure(*arguments, **options)

    monkeypatch.setattr("batch_images.stats.job.measure", withdrawn_meanwhile)
    _run(world, process, FOREIGN)

    assert world.job().status is Status.COMPLETE
    assert world.store.head(private_statistics_key(JOB_ID)) is not None
    assert world.store.head(statistics_key(JOB_ID)) is None


def test_the_schema_describes_what_is_written(world: World, process: StatsProcess) -> None:
    process.publish_schema()
    _run(world, process, FOREIGN)

    validate(_json(world, statistics_key(JOB_ID)), _json(world, "statistics/schema.json"))
