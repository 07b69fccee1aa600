from __future__ import annotations

import json
import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from batch_images.transcribe.sound import SAMPLE_RATE
from benchmarks.speech.manifest import read_manifest
from benchmarks.speech.mixtures.__main__ import main
from benchmarks.speech.mixtures.mixture import Mixture, TooFewVoices, make_mixture
from benchmarks.speech.mixtures.noise import make_noise
from benchmarks.speech.mixtures.recipe import BadRecipe, Recipe, read_recipes
from benchmarks.speech.mixtures.room import impulse_responses
from benchmarks.speech.mixtures.scene import draw_scene
from benchmarks.speech.mixtures.voices import Utterance, Voice, cut
from benchmarks.speech.running import PROJECT
from benchmarks.speech.truth import Turn, write_rttm

DEMO = PROJECT / "benchmarks/speech/demo.toml"


def burst(seconds: float, rng: np.random.Generator) -> Utterance:
    samples = rng.normal(0, 0.1, int(seconds * SAMPLE_RATE)).astype(np.float32)
    return Utterance(samples, "", ((0, len(samples)),))


@cache
def voices(count: int, *, utterances: int = 12, seed: int = 0) -> list[Voice]:
    """Noise of 1 to 4 s stands for speech: placing does not listen."""
    rng = np.random.default_rng(seed)
    return [
        Voice(f"v{i}", tuple(burst(rng.uniform(1, 4), rng) for _ in range(utterances)))
        for i in range(count)
    ]


VOICES = voices(6)

recipes = st.builds(
    Recipe,
    kind=st.just("k"),
    speakers=st.sampled_from([(1, 1), (2, 2), (2, 4), (5, 5)]),
    overlap=st.floats(0, 0.4),
    noises=st.sampled_from([("white",), ("pink",), ("hum",), ("babble",)]),
    snr_db=st.floats(0, 30).map(lambda snr: (snr, snr)),
)
seeds = st.integers(0, 2**32)


def masks(mixture: Mixture) -> dict[str, np.ndarray]:
    """Sample by sample, whether a speaker speaks."""
    found: dict[str, np.ndarray] = {}
    for turn in mixture.turns:
        mask = found.setdefault(turn.speaker, np.zeros(len(mixture.speech), dtype=bool))
        mask[round(turn.start * SAMPLE_RATE) : round(turn.end * SAMPLE_RATE)] = True
    return found


@settings(max_examples=10, deadline=None)
@given(recipes, seeds)
def test_there_is_speech_where_the_truth_has_turns_and_nowhere_else(
    recipe: Recipe, seed: int
) -> None:
    mixture = make_mixture(VOICES, recipe, np.random.default_rng(seed), seconds=15)
    spoken = np.any(list(masks(mixture).values()), axis=0)
    assert not mixture.speech[~spoken].any()
    assert np.mean(mixture.speech[spoken] != 0) > 0.999


@settings(max_examples=10, deadline=None)
@given(recipes, seeds)
def test_the_noise_is_as_far_below_the_speech_as_asked(recipe: Recipe, seed: int) -> None:
    mixture = make_mixture(VOICES, recipe, np.random.default_rng(seed), seconds=15)
    spoken = np.any(list(masks(mixture).values()), axis=0)
    speech = np.mean(mixture.speech[spoken].astype(float) ** 2)
    noise = np.mean(mixture.noise.astype(float) ** 2)
    assert 10 * np.log10(speech / noise) == pytest.approx(recipe.snr_db[0], abs=0.05)
    assert np.abs(mixture.speech + mixture.noise).max() <= 1


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.floats(0, 0.4), seeds)
def test_overlap_is_as_asked_of_two_people_at_a_time_and_never_of_one_with_himself(
    count: int, overlap: float, seed: int
) -> None:
    scene = draw_scene(
        voices(count, utterances=60 // count),
        np.random.default_rng(seed),
        seconds=90,
        overlap=overlap,
        pause=(0.2, 1.0),
    )
    speaking = np.zeros(90 * SAMPLE_RATE, dtype=int)
    for placed in scene:
        speaking[placed.start : placed.end] += 1
    for one, other in combinations(scene, 2):
        if one.speaker == other.speaker:
            assert one.end <= other.start or other.end <= one.start
    assert speaking.max() <= 2
    share = np.mean(speaking[speaking > 0] > 1)
    assert share == pytest.approx(overlap, abs=0.05)
    if overlap == 0:
        assert share == 0


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0, 0.4))
def test_everybody_speaks_and_nothing_is_said_twice(seed: int, overlap: float) -> None:
    scene = draw_scene(
        VOICES[:4], np.random.default_rng(seed), seconds=60, overlap=overlap, pause=(0.2, 1.0)
    )
    assert {placed.speaker for placed in scene[:4]} == {"v0", "v1", "v2", "v3"}
    assert len({id(placed.utterance) for placed in scene}) == len(scene)
    assert all(placed.end <= 60 * SAMPLE_RATE for placed in scene)


@pytest.mark.parametrize("noise", ["white", "pink", "hum", "babble"])
def test_noise_has_the_spectrum_of_its_name(noise: str) -> None:
    rng = np.random.default_rng(3)
    speech = [u.samples for u in VOICES[0].utterances]
    samples = make_noise(noise, 10 * SAMPLE_RATE, rng, speech=speech)  # type: ignore[arg-type]
    power = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)

    def band(low: float, high: float) -> float:
        return float(power[(hertz >= low) & (hertz < high)].sum())

    octave_step = 10 * np.log10(band(2000, 4000) / band(1000, 2000))
    if noise == "hum":
        assert band(40, 500) > 0.99 * power.sum()
    else:
        # White doubles an octave, and so does babble of bursts of white; pink stays.
        assert octave_step == pytest.approx({"pink": 0.0}.get(noise, 3.0), abs=0.3)
    assert np.mean(samples**2) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("t60", [0.3, 0.6])
def test_a_room_begins_with_the_direct_sound_and_decays_as_asked(t60: float) -> None:
    for response in impulse_responses(3, t60, np.random.default_rng(5)):
        assert response[0] == 1
        left = np.cumsum(response[::-1].astype(float) ** 2)[::-1]
        decay = 10 * np.log10(left / left[0])
        # From 5 to 25 dB down, three times that: ISO 3382's T20.
        measured = 3 * (np.argmax(decay < -25) - np.argmax(decay < -5)) / SAMPLE_RATE
        assert measured == pytest.approx(t60, rel=0.4)


def test_the_same_seed_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        folder = tmp_path / name
        command = ["mixtures", str(DEMO), "--to", str(folder), "--each", "1", "--seconds", "20"]
        monkeypatch.setattr(sys, "argv", [*command, "--words", "en", "--seed", seed])
        main()
        made.append(
            {
                path.name.replace(f"-{seed}-", "-"): path.read_bytes()
                for path in sorted(folder.iterdir())
            }
        )
    assert made[0] == made[1]
    assert made[0].keys() == made[2].keys()
    assert all(made[0][name] != made[2][name] for name in made[0] if name.endswith(".wav"))


def test_what_is_made_is_a_manifest_of_clips_with_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["mixtures", str(DEMO), "--to", str(tmp_path), "--each", "1", "--words", "en"]
    monkeypatch.setattr(sys, "argv", command)
    main()
    clips = read_manifest(tmp_path / "manifest.jsonl")
    assert [clip.kind for clip in clips] == [
        *("turn-taking mixture", "overlapping mixture", "noisy mixture", "mixture in a room")
    ]
    (debate,) = read_manifest(DEMO)
    said = {(turn.speaker, turn.text) for turn in debate.utterances}
    for clip in clips:
        assert {(turn.speaker, turn.text) for turn in clip.utterances} <= said


def test_of_the_demo_whole_utterances_are_taken_that_nobody_talks_into() -> None:
    found = {voice.name: voice for voice in cut(read_manifest(DEMO), with_words=True)}
    assert found.keys() == {"moderator", "north", "south"}
    texts = {u.text for voice in found.values() for u in voice.utterances}
    assert "What do you say to that?" in texts
    assert not any(text.startswith("But we have waited") for text in texts)


def test_without_words_speech_is_cut_at_pauses_and_where_others_begin(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    samples = rng.normal(0, 0.1, 6 * SAMPLE_RATE)
    samples[2 * SAMPLE_RATE : 5 * SAMPLE_RATE // 2] = 0
    wavfile.write(tmp_path / "a.wav", SAMPLE_RATE, (samples * 32767).astype(np.int16))
    write_rttm(tmp_path / "a.rttm", [Turn(0, 4.5, "ann"), Turn(4, 6, "bob")])
    entry = {"audio": "a.wav", "kind": "k", "language": "en", "rttm": "a.rttm"}
    (tmp_path / "m.jsonl").write_text(json.dumps(entry))
    clips = read_manifest(tmp_path / "m.jsonl")
    found = {v.name: [u.duration for u in v.utterances] for v in cut(clips, with_words=False)}
    assert found == {"ann": pytest.approx([2, 1.5]), "bob": pytest.approx([1.5])}
    assert cut(clips, with_words=True) == []


@pytest.mark.parametrize("background", [0.0002, 0.003])  # 54 and 30 dB below the speech
def test_a_pause_ends_a_turn_but_no_utterance_however_loud_the_background(
    tmp_path: Path, background: float
) -> None:
    rng = np.random.default_rng(2)
    samples = rng.normal(0, background, 6 * SAMPLE_RATE)
    for first, last in ((1.0, 2.0), (3.0, 5.0)):
        spoken = slice(int(first * SAMPLE_RATE), int(last * SAMPLE_RATE))
        samples[spoken] += rng.normal(0, 0.1, spoken.stop - spoken.start)
    wavfile.write(tmp_path / "a.wav", SAMPLE_RATE, (samples * 32767).astype(np.int16))
    (tmp_path / "a.txt").write_text("Ask not.")
    entry = {"audio": "a.wav", "kind": "k", "language": "en", "txt": "a.txt"}
    (tmp_path / "m.jsonl").write_text(json.dumps(entry))
    found = cut(read_manifest(tmp_path / "m.jsonl"), with_words=True)
    recipe = Recipe(kind="alone", speakers=(1, 1))
    for seed in range(3):  # each at a speed of its own
        mixture = make_mixture(found, recipe, np.random.default_rng(seed), seconds=20)
        (utterance,) = mixture.utterances
        one, two = mixture.turns
        speed = 4 / utterance.duration
        assert utterance.text == "Ask not."
        assert (utterance.start, utterance.end) == (one.start, pytest.approx(two.end, abs=0.001))
        assert one.duration * speed == pytest.approx(1, abs=0.03)
        assert (two.start - one.end) * speed == pytest.approx(1, abs=0.03)


def test_more_speakers_than_there_are_is_said() -> None:
    recipe = Recipe(kind="crowd", speakers=(9, 9))
    with pytest.raises(TooFewVoices, match="crowd: 9 speakers are asked for, but only 6"):
        make_mixture(VOICES, recipe, np.random.default_rng(1), seconds=10)


def test_a_recipe_with_a_field_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('[[recipe]]\nkind = "k"\nspeakers = [2, 3]\nreverb = 1\n')
    with pytest.raises(BadRecipe, match="reverb"):
        read_recipes(path)
