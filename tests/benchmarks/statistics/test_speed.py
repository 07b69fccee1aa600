"""The benchmark of speed: that all count the same, and that the plot shows what it is given."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from batch_images.stats import core
from benchmarks.statistics import subjects
from benchmarks.statistics.plot import Line, draw
from benchmarks.statistics.transcripts import write_archive, write_transcript


@pytest.mark.parametrize("words", [False, True])
def test_the_peers_that_are_here_count_what_we_count(
    tmp_path: Path, words: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_transcript(path, size=50_000, words=words)
    monkeypatch.setattr(core, "_looked_at", None)  # the fast way is what is measured
    ours = subjects.core()(path)
    assert sum(segments for _, _, segments in ours.values()) > 10
    for peer in (subjects.stdlib(), subjects.msgspec()):
        theirs = peer(path)
        assert theirs.keys() == ours.keys()
        for speaker, figures in theirs.items():
            assert figures == pytest.approx(ours[speaker])
    table = subjects.pandas()(path)
    assert {speaker: list(row) for speaker, *row in table.itertuples()} == {
        speaker: pytest.approx(figures) for speaker, figures in ours.items()
    }
    words_in_all = sum(figures[1] for figures in ours.values())
    assert subjects.duckdb()(path) == words_in_all


def test_transcripts_have_the_size_that_was_asked_for(tmp_path: Path) -> None:
    write_archive(tmp_path / "archive", files=3, size=19_000)
    sizes = [path.stat().st_size for path in (tmp_path / "archive").iterdir()]
    assert all(19_000 <= size < 20_000 for size in sizes)
    write_transcript(tmp_path / "a.json", segments=10)
    assert len(json.loads((tmp_path / "a.json").read_bytes())["transcription"]) == 10


@pytest.mark.parametrize("name", ["ours", "writer alone"])
def test_a_table_is_written_for_each_transcript(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_archive(tmp_path / "archive", files=6, size=500)
    subjects.main("parquet", name, str(tmp_path / "archive"))
    assert json.loads(capsys.readouterr().out)["files"] == 6
    assert len(list(tmp_path.rglob("*.parquet"))) == 6


def test_a_plot_has_its_points_where_they_belong() -> None:
    line = Line("a < b", [(100.0, 0.001), (1_000.0, 0.01), (10_000.0, 0.1)])
    svg = ElementTree.fromstring(draw([line], x="segments", y="seconds"))
    places = [
        (float(circle.attrib["cx"]), float(circle.attrib["cy"]))
        for circle in svg.iter("{http://www.w3.org/2000/svg}circle")
    ]
    (x1, y1), (x2, y2), (x3, y3) = places
    assert (x2 - x1, y2 - y1) == pytest.approx((x3 - x2, y3 - y2), abs=0.2)
    assert x1 < x2
    assert y1 > y2
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"100", "1,000", "10,000", "0.001", "0.1", "a < b"} <= set(texts)
