from __future__ import annotations

import builtins
import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper import decode_audio

from batch_images.transcribe.diarization import Diarizer, create_diarizer
from batch_images.transcribe.diarization import diarizer as diarizer_module
from batch_images.transcribe.diarization.diarizer import Evidence
from benchmarks.samples import on_disk
from debate_analyzer.errors import Misconfigured
from debate_analyzer.transcript import Turn

MODELS = Path(os.environ.get("MODELS_DIR", ".models"))
VOICES = Path(__file__).with_name("test_diarization_voices")  # flite's rms and slt, the same words
RATE = 16_000

Audio = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def diarizer() -> Diarizer:
    return create_diarizer("onnx", models_dir=MODELS)


def voice(name: str) -> Audio:
    audio: Audio = decode_audio(str(VOICES / f"{name}.opus"), sampling_rate=RATE)
    return audio


def silence(seconds: float) -> Audio:
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def diarize(diarizer: Diarizer, audio: Audio, *, speakers: int | None = None) -> list[Turn]:
    with on_disk(audio) as sound:
        return diarizer_module.diarize(diarizer, sound, speakers=speakers)


def speaking(turns: list[Turn], speaker: str, start: float, end: float) -> float:
    """The share of start..end in which `speaker` is heard."""
    spans = [(max(t.start, start), min(t.end, end)) for t in turns if t.speaker == speaker]
    return sum(last - first for first, last in spans if last > first) / (end - start)


@pytest.mark.models
@pytest.mark.parametrize("seconds", [0, 0.0001, 0.3, 5, 25])
def test_silence_has_no_turns(diarizer: Diarizer, seconds: float) -> None:
    assert diarize(diarizer, silence(seconds)) == []


@pytest.mark.models
@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0, 2.5])
def test_short_audio_ends_where_it_ends(diarizer: Diarizer, seconds: float) -> None:
    turns = diarize(diarizer, voice("rms")[: int(seconds * RATE)])
    assert len({turn.speaker for turn in turns}) <= 1
    assert all(0 <= turn.start < turn.end <= seconds for turn in turns)


@pytest.mark.models
def test_one_voice_is_one_speaker(diarizer: Diarizer) -> None:
    audio = np.concatenate([voice("slt"), silence(0.5), voice("slt")])
    turns = diarize(diarizer, audio)
    assert {turn.speaker for turn in turns} == {"SPEAKER_00"}
    assert speaking(turns, "SPEAKER_00", 0, len(audio) / RATE) > 0.8


@pytest.mark.models
@pytest.mark.parametrize("first", ["rms", "slt"])
def test_two_voices_in_turn_are_two_speakers_in_order_of_appearance(
    diarizer: Diarizer, first: str
) -> None:
    one, other = voice(first), voice("slt" if first == "rms" else "rms")
    audio = np.concatenate([one, silence(0.4), other, silence(0.4), one])
    change, back = len(one) / RATE, (len(one) + len(other)) / RATE + 0.8
    turns = diarize(diarizer, audio)
    assert [turn.start for turn in turns] == sorted(turn.start for turn in turns)
    assert {turn.speaker for turn in turns} == {"SPEAKER_00", "SPEAKER_01"}
    assert speaking(turns, "SPEAKER_00", 0, change) > 0.8
    assert speaking(turns, "SPEAKER_01", change + 0.4, back - 0.4) > 0.8
    assert speaking(turns, "SPEAKER_00", back, len(audio) / RATE) > 0.8
    assert speaking(turns, "SPEAKER_01", back, len(audio) / RATE) < 0.1


@pytest.mark.models
def test_overlapping_voices_have_overlapping_turns(diarizer: Diarizer) -> None:
    one, other = voice("rms"), voice("slt")
    begins = len(one) - 2 * RATE
    audio = np.zeros(begins + len(other), dtype=np.float32)
    audio[: len(one)] += one
    audio[begins:] += other
    turns = diarize(diarizer, audio)
    start, end = begins / RATE, len(one) / RATE
    assert speaking(turns, "SPEAKER_00", start, end) > 0.4
    assert speaking(turns, "SPEAKER_01", start, end) > 0.4


@pytest.mark.models
@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_a_known_number_of_speakers_is_respected(diarizer: Diarizer, speakers: int) -> None:
    audio = np.concatenate([voice("rms"), voice("slt"), voice("rms")])
    turns = diarize(diarizer, audio, speakers=speakers)
    assert len({turn.speaker for turn in turns}) == speakers


@pytest.mark.models
def test_progress_rises_to_one(diarizer: Diarizer) -> None:
    heard: list[float] = []
    with on_disk(silence(90)) as sound:
        diarizer.listen(sound, on_progress=heard.append)
    assert heard == sorted(heard)
    assert len(heard) > 1
    assert heard[-1] == 1.0


@pytest.mark.models
def test_the_same_recording_has_the_same_turns(diarizer: Diarizer) -> None:
    audio = np.concatenate([voice("rms"), voice("slt")])
    assert diarize(diarizer, audio) == diarize(diarizer, audio)


@pytest.mark.models
@pytest.mark.parametrize("between", [0, 1, 2])
def test_a_voice_is_the_same_person_s_in_every_part(
    diarizer: Diarizer, tmp_path: Path, between: int
) -> None:
    """The parts overlap by two margins; each is kept as a file, as another worker's is."""
    one, other = voice("rms"), voice("slt")
    audio = np.concatenate([one, silence(0.4), other, silence(0.4), one, silence(0.4), other])
    cut, margin = len(one) * (1 + between), 5 * RATE
    heard: list[tuple[float, Evidence]] = []
    for first, last in [(0, cut + margin), (cut - margin, len(audio))]:
        with on_disk(audio[first:last]) as sound:
            found = diarizer.listen(sound)
        np.savez_compressed(tmp_path / "part.npz", **found)
        heard.append((first / RATE, dict(np.load(tmp_path / "part.npz", allow_pickle=False))))

    turns = diarizer.tell_apart(heard, duration=len(audio) / RATE)

    whole = diarize(diarizer, audio)
    assert {turn.speaker for turn in turns} == {"SPEAKER_00", "SPEAKER_01"}
    for speaker in ("SPEAKER_00", "SPEAKER_01"):
        for turn in whole:
            share = speaking(turns, speaker, turn.start, turn.end)
            assert share > 0.9 if turn.speaker == speaker else share < 0.1


def test_none_tells_nobody_apart(tmp_path: Path) -> None:
    assert diarize(create_diarizer("none", models_dir=tmp_path), np.ones(RATE, np.float32)) == []


def test_an_unknown_engine_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="expected onnx, pyannote or none"):
        create_diarizer("magic", models_dir=tmp_path)


def test_missing_models_are_refused_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"batch_images\.transcribe\.weights"):
        create_diarizer("onnx", models_dir=tmp_path)


def test_damaged_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "segmentation-3.0.onnx").write_bytes(b"half a model")
    with pytest.raises(Misconfigured, match="cannot be loaded"):
        create_diarizer("onnx", models_dir=tmp_path)


def test_pyannote_without_its_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Misconfigured, match=r"pyannote\.audio cannot be imported"):
        create_diarizer("pyannote", models_dir=tmp_path, token="hf_anything")


def test_no_engine_is_imported_before_it_is_asked_for() -> None:
    assert "torch" not in sys.modules
    assert not any(name.startswith("torch") for name in vars(builtins))
