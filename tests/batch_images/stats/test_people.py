from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from batch_images.stats.analysis import Input, analyse
from batch_images.stats.contents import contents
from batch_images.stats.people import MOST, people
from debate_analyzer.job import Person

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SPOKEN = [
    {"start": 0.0, "end": 5.0, "text": "good evening all", "speaker": "A"},
    {"start": 6.0, "end": 8.0, "text": "thank you", "speaker": "B"},
]


@dataclass(frozen=True)
class Starts:
    backchannel: int
    overlap: int
    floor_taken: int


@dataclass(frozen=True)
class Speaker:
    speaker: str
    name: str | None
    speaking_time: float = 10.0
    speaking_share: float = 0.5
    words: int = 20
    words_per_minute: float | None = 120.0
    overlap_starts: Starts | None = None


def names(*speakers: Speaker) -> list[str]:
    return [person.name for person in people(speakers)]


def test_a_label_of_the_diarization_is_nobodys_name() -> None:
    assert names(Speaker("SPEAKER_00", None), Speaker("SPEAKER_01", "Ada")) == ["Ada"]


def test_whoever_speaks_longest_comes_first_and_then_by_name() -> None:
    rows = [Speaker("A", "Bo", 5.0), Speaker("B", "Cy", 9.0), Speaker("C", "Al", 5.0)]
    assert names(*rows) == ["Cy", "Al", "Bo"]


def test_what_two_are_called_tells_nobody_apart() -> None:
    assert names(Speaker("A", "Ada"), Speaker("B", "Ada"), Speaker("C", "Bo")) == ["Bo"]
    assert names(Speaker("A", None), Speaker("B", "A")) == []
    assert names(Speaker("Ada", "Ada")) == ["Ada"]


def test_backchannels_are_no_overlap_starts() -> None:
    starts = Starts(backchannel=7, overlap=2, floor_taken=1)
    assert people([Speaker("A", "Ada", overlap_starts=starts)])[0].overlap_starts == 3
    assert people([Speaker("A", "Ada")])[0].overlap_starts is None


@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_a_row_holds_no_more_than_it_can(times: list[float]) -> None:
    rows = [Speaker(f"S{n}", "é" * 98 + f"{n:02}", time) for n, time in enumerate(times)]
    found = people(rows)
    assert len(found) == min(len(times), MOST)
    assert sum(len(person.model_dump_json().encode()) for person in found) < 10_000


def test_a_folder_s_index_names_them_as_the_published_one_does(tmp_path: Path) -> None:
    document = json.dumps({"duration": 9.0, "transcription": SPOKEN}).encode()
    transcript = Input("a_transcription.json", document, "e1", NOW)
    statistics = analyse(transcript, job_id="a", video_label="A")
    ada = statistics.speakers[0].model_copy(update={"name": "Ada"})
    named = statistics.model_copy(update={"speakers": [ada, *statistics.speakers[1:]]})
    (tmp_path / "by-job").mkdir()
    (tmp_path / "by-job/a.json").write_text(named.model_dump_json(by_alias=True))

    index, _ = contents(tmp_path)

    [entry] = index.jobs
    assert [Person(**each.model_dump()) for each in entry.people] == people(named.speakers)
    assert [each.name for each in entry.people] == ["Ada"]
