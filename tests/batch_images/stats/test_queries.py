"""The queries of docs/statistics-queries.md, as they stand there, on a dataset of a few debates."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from batch_images.stats.balance import People
from batch_images.stats.parquet import SCHEMA, write_parquet
from debate_analyzer.job import new_job_id
from debate_analyzer.key import dataset_key
from debate_analyzer.transcript import Transcript
from tests.batch_images.stats.documents import heard, measured, segment
from tests.world import ROOT

DOCUMENT = (ROOT / "docs" / "statistics-queries.md").read_text()
VIEW, *QUERIES = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
BUCKET = Path(".data/aws/s3/000000000000/debates")
PEOPLE = People(names={"A": "Ada Lovelace", "B": "Bo"}, sides={"A": "yes", "B": "no"})


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> duckdb.DuckDBPyConnection:
    """Three debates a year apart in which A has 10, 20 and 30 of 40 seconds; nobody is named in a
    fourth."""
    monkeypatch.chdir(tmp_path)
    for year, share in ((2023, 10), (2024, 20), (2025, 30)):
        _add(date(year, 1, 1), _debate(share), PEOPLE)
    _add(date(2026, 11, 2), _debate(20), People())
    connection = duckdb.connect()
    connection.execute(VIEW)
    return connection


def _debate(until: float) -> Transcript:
    """B begins over A's last two seconds, and takes the floor."""
    return Transcript(
        duration=50,
        language="en",
        transcription=[segment(0, until, "A", "one two."), segment(until, 40, "B", "three?")],
        turns=[*heard("A", (0, until)), *heard("B", (until - 2, 40))],
    )


def _add(day: date, transcript: Transcript, people: People) -> None:
    statistics = measured(transcript, people).model_copy(update={"job_id": new_job_id()})
    file = BUCKET / dataset_key(statistics.job_id, day)
    file.parent.mkdir(parents=True)
    file.write_bytes(write_parquet(statistics))


def _rows(connection: duckdb.DuckDBPyConnection, about: str) -> list[tuple[Any, ...]]:
    """What the one query whose text has `about` answers."""
    (query,) = (query for query in QUERIES if about in query)
    return connection.sql(query).fetchall()


def test_totals_by_month(dataset: duckdb.DuckDBPyConnection) -> None:
    rows = _rows(dataset, "AS month")

    assert [row[:3] for row in rows] == [
        ("2023-01", "en", 1),
        ("2024-01", "en", 1),
        ("2025-01", "en", 1),
        ("2026-11", "en", 1),
    ]
    assert [(row[3] * 3600, row[4]) for row in rows] == [(pytest.approx(42), 3)] * 4


def test_one_person_over_time(dataset: duckdb.DuckDBPyConnection) -> None:
    rows = _rows(dataset, "Ada Lovelace")

    assert [row[2] for row in rows] == [10, 20, 30]
    assert all(low < time < high for _, _, time, low, high, *_ in rows)
    assert [row[-2:] for row in rows] == [(0, 1)] * 3  # floors taken, floors lost


def test_trends_by_name(dataset: duckdb.DuckDBPyConnection) -> None:
    rows = _rows(dataset, "regr_slope")

    assert [(name, debates) for name, debates, *_ in rows] == [("Ada Lovelace", 3), ("Bo", 3)]
    assert rows[0][2] == pytest.approx(20 / 42)
    assert rows[0][3] == pytest.approx(10 / 42, rel=0.01)


def test_sides_against_each_other(dataset: duckdb.DuckDBPyConnection) -> None:
    assert _rows(dataset, "floors_taken_an_hour") == [
        ("no", 66, pytest.approx(3600 * 3 / 60)),
        ("yes", 60, 0),
    ]


def test_who_was_clearly_the_longest(dataset: duckdb.DuckDBPyConnection) -> None:
    """20 seconds against 22, each known to half a second or so, is told apart; nothing is of one
    debate that is even."""
    _add(date(2026, 11, 3), _debate(21), PEOPLE)  # 21 and 21 seconds

    longest = [who for _, _, who in _rows(dataset, "second_highest")]

    assert sorted(longest) == ["Ada Lovelace", "B", "Bo", "Bo"]


def test_a_month_in_one_file(dataset: duckdb.DuckDBPyConnection) -> None:
    (query,) = (query for query in QUERIES if "COPY" in query)
    dataset.execute(query)

    assert dataset.sql("SELECT count(*) FROM 'november.parquet'").fetchall() == [(2,)]


def test_every_query_is_tried() -> None:
    assert len(QUERIES) == 6


def test_athena_is_told_of_every_column() -> None:
    (statement,) = re.findall(r"CREATE EXTERNAL TABLE speakers \((.*?)\)\n", DOCUMENT, re.DOTALL)
    types = {"string": "string", "double": "double", "int32": "int"}
    assert [column.split() for column in statement.split(",")] == [
        [field.name, types[str(field.type)]] for field in SCHEMA
    ]
