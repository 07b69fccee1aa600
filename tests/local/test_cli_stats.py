"""`debate stats` on transcripts of a few lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from debate_analyzer.edits import Edits, Rename
from debate_analyzer.statistics import Statistics
from local.cli import main, stats


def put(path: Path, speaker: str = "A", words: str = "well yes") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"start": 0, "end": 4, "text": words, "speaker": speaker}
    path.write_text(json.dumps({"duration": 5, "transcription": [said]}))
    return path


def test_one_transcript_is_shown_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put(tmp_path / "a_transcription.json", "\x1b[31mA", "one two three")
    assert main(["stats", str(path)]) == 0
    out = capsys.readouterr().out
    assert "words/min" in out
    assert "45" in out
    assert "\x1b[31m" not in out


def test_a_few_are_shown_by_speaker_and_many_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put(tmp_path / f"{number}_transcription.json", f"SPEAKER_0{number}")
    assert main(["stats", "--core", str(tmp_path)]) == 0
    assert "SPEAKER_02" in capsys.readouterr().out
    monkeypatch.setattr(stats, "_SHOWN", 2)
    assert main(["stats", str(tmp_path)]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.split() == ["3", "transcripts,", "3", "speakers", "0:12", "6", "3"]


@pytest.mark.parametrize("core", [False, True])
def test_json_is_a_line_for_each_whatever_becomes_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], core: bool
) -> None:
    good, bad = put(tmp_path / "a_transcription.json"), tmp_path / "b_transcription.json"
    bad.write_text("[]")
    assert main(["stats", "--json", *["--core"] * core, str(tmp_path)]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["transcript"] == str(good)
    assert first["statistics"]["speakers"][0]["speakingTime"] == 4.0
    assert second == {
        "transcript": str(bad),
        "error": {"code": "invalid_transcript", "message": second["error"]["message"]},
    }


def test_results_are_written_where_asked_and_nowhere_else(tmp_path: Path) -> None:
    put(tmp_path / "in/a_transcription.json")
    assert main(["stats", str(tmp_path / "in")]) == 0
    assert main(["stats", str(tmp_path / "in"), "--output", str(tmp_path / "out")]) == 0
    assert main(["stats", str(tmp_path / "in"), "--core", "--output", str(tmp_path / "fast")]) == 0
    found = sorted(
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()
    )
    assert found == [
        "fast/a_speaker_stats.parquet",
        "in/a_transcription.json",
        "out/a_speaker_stats.parquet",
        "out/by-job/a.json",
        "out/index.json",
        "out/schema.json",
        "out/summary.json",
    ]


def test_the_command_of_the_provenance_gives_the_same_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = put(Path("town hall_transcription.json"))
    assert main(["stats", str(path), "--output", "out"]) == 0
    before = Path("out/by-job/town hall.json").read_bytes()
    statistics = Statistics.model_validate_json(before)
    command = statistics.provenance["statistics"]["command"]
    assert command == "debate stats 'town hall_transcription.json'"
    assert main(["stats", "town hall_transcription.json", "--output", "again"]) == 0
    assert Path("again/by-job/town hall.json").read_bytes() == before


def test_edits_are_counted_with_their_transcript(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, edits = put(tmp_path / "a_transcription.json"), tmp_path / "edits.json"
    log = Edits().appended(
        [Rename(speaker="A", name="Ada")],
        by="me",
        at=datetime(2026, 11, 21, tzinfo=UTC),
        transcript="",
    )
    edits.write_bytes(log.document())
    assert main(["stats", str(path), "--edits", str(edits)]) == 0
    assert "Ada" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "No transcripts are in: nowhere."),
        (["a", "b", "--output", "out"], "in one place: x"),
        (["a", "b", "--edits", "e.json"], "Edits are of one transcript"),
        (["a", "--core", "--edits", "e.json"], "know no edits"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in "ab":
        put(Path(folder, "x_transcription.json"))
    assert main(["stats", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not Path("out").exists()
