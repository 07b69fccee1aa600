from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speech.manifest import BadManifest, read_manifest
from benchmarks.speech.truth import (
    Turn,
    UnreadableTruth,
    read_rttm,
    read_stm,
    write_rttm,
    write_stm,
)
from demo.truth import read_truth

TURNS = [Turn(0.5, 2.25, "ann", "Well, no."), Turn(2.0, 3.0, "bob", "Yes!")]
DEMO = Path(__file__).parents[3] / "benchmarks/speech/demo.toml"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_stm(tmp_path / "x.stm", TURNS)
    write_rttm(tmp_path / "x.rttm", TURNS)
    assert read_stm(tmp_path / "x.stm") == TURNS
    assert read_rttm(tmp_path / "x.rttm") == [Turn(t.start, t.end, t.speaker) for t in TURNS]


def test_comments_labels_and_gaps_of_an_stm_are_no_words(tmp_path: Path) -> None:
    path = tmp_path / "x.stm"
    path.write_text(
        ";; LABEL o all\n"
        "x 1 inter_segment_gap 0.0 0.5 <o,,>\n"
        "x 1 ann 0.5 1.0 <o,f0,female> so be it\n"
        "x 1 ann 1.0 1.5\n"
    )
    assert read_stm(path) == [Turn(0.5, 1.0, "ann", "so be it"), Turn(1.0, 1.5, "ann")]


@pytest.mark.parametrize(
    "line", ["SPEAKER x 1 1.0", "SPEAKER x 1 a 1 <NA> <NA> ann", "SPEAKER x 1 2 -1 <NA> <NA> ann"]
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.rttm"
    path.write_text(f"{line}\n")
    with pytest.raises(UnreadableTruth, match="line 1"):
        read_rttm(path)


def test_the_demo_debate_is_a_clip_whose_words_are_its_script() -> None:
    (clip,) = read_manifest(DEMO)
    script = read_truth()
    assert clip.text == script.text
    for turn, utterance, line in zip(clip.turns, clip.utterances, script.turns, strict=True):
        assert turn.speaker == utterance.speaker == line.speaker
        assert turn.start == utterance.start == line.start
        assert turn.end == pytest.approx(line.end, abs=0.002)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('audio = "a.wav"\nkind = "k"\nrttm = "a.rttm"', "no 'language'"),
        ('audio = "a.wav"\nkind = "k"\nlanguage = "en"', "no truth"),
        ('audio = "b.wav"\nkind = "k"\nlanguage = "en"\nrttm = "a.rttm"', "no file .*b.wav"),
        ('audio = "a.wav"\nkind = "k"\nlanguage = "en"\nrtm = "a.rttm"', "'rtm'"),
        ('audio = "a.wav"\nkind = "k"\nlanguage = "en"\nrttm = "bad.rttm"', "clip 1: .*line 1"),
    ],
)
def test_a_manifest_says_which_clip_lacks_what(tmp_path: Path, entry: str, complaint: str) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.rttm").touch()
    (tmp_path / "bad.rttm").write_text("SPEAKER\n")
    manifest = tmp_path / "m.toml"
    manifest.write_text(f"[[clip]]\n{entry}\n")
    with pytest.raises(BadManifest, match=complaint):
        read_manifest(manifest)
