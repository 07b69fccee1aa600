from __future__ import annotations

import pytest

from cost.errors import UnknownLoad
from cost.load import read_loads
from tests.cost.conftest import a_load

TABLE = {
    "title": "t",
    "minutes": 10,
    "mib": 20,
    "files_a_start": 1,
    "stats_files_a_start": 1,
    "api_requests": 1,
    "views_a_file": 1,
    "watched_share": 0,
    "users": 1,
}


def test_spikes_take_the_place_of_ordinary_days() -> None:
    load = a_load(files_a_day=100, spike_files_a_day=300, spike_days=3)
    assert load.files_a_month == pytest.approx(100 * 27.4 + 300 * 3)
    assert load.busiest_day_files == 300


def test_a_month_may_be_given_instead_of_a_day() -> None:
    load = read_loads({"x": {**TABLE, "files_a_month": 304}})["x"]
    assert load.files_a_day == pytest.approx(10)
    assert load.audio_hours == pytest.approx(304 / 6)
    assert load.gib_a_month == pytest.approx(304 * 20 / 1024)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"minutes": -1}, "minutes is -1, below 0"),
        ({"files_a_start": 0.5}, "at least one file a start"),
        ({"spot_share": 1.5}, "spot_share is 1.5, above 1"),
        ({"spike_days": 31}, "more spike days than a month has"),
        ({"hours": 1}, "A load has no hours. It has api_requests, "),
        ({"title": 1}, "A load has no title"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(changes: dict[str, float], sentence: str) -> None:
    with pytest.raises(UnknownLoad, match=sentence):
        a_load().changed(changes)


def test_a_misspelt_field_in_the_file_is_named() -> None:
    with pytest.raises(UnknownLoad, match=r"Load x: .*'minuets'"):
        read_loads({"x": {**TABLE, "files_a_day": 1, "minuets": 3}})
