"""A channel a speaker: what is a channel, whose a word is, and the transcript of them all."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batch_images.transcribe.block import Block
from batch_images.transcribe.channels import distinct, told, without_crosstalk
from batch_images.transcribe.media import decode
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.recording import Recording, open_recording
from batch_images.transcribe.sound import SAMPLE_RATE, Samples, Sound, write_sound
from batch_images.transcribe.speech import Span
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.transcriber import Transcriber
from debate_analyzer.errors import NoSpeech
from debate_analyzer.transcript import Transcript, Turn
from demo.score import diarization_error_rate, word_error_rate
from demo.truth import DEMO, SpokenTurn, Truth, read_truth
from tests.batch_images.transcribe.engines import Script, Seats, stretch

MODELS = Path(os.environ.get("MODELS_DIR", ".models"))
SECONDS = 20
Sounds = Callable[..., list[Sound]]


def voice(*spans: Span, seed: int = 0, loudness: float = 0.1) -> Samples:
    """Somebody who speaks in these seconds: noise, as loud as speech."""
    samples = np.random.default_rng(seed).standard_normal(SECONDS * SAMPLE_RATE, np.float32)
    spoken = np.zeros(len(samples), np.float32)
    for start, end in spans:
        spoken[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = loudness
    return samples * spoken


def word(start: float, text: str, length: float = 0.4) -> SpokenWord:
    return SpokenWord(start, start + length, f" {text}", 0.9)


ANN = voice((1, 5), (9, 12), seed=1)
BOB = voice((6, 8), (11, 14), seed=2)


@pytest.fixture
def sounds(tmp_path: Path) -> Sounds:
    def sounds(*channels: Samples) -> list[Sound]:
        return [write_sound(each, tmp_path / str(n)) for n, each in enumerate(channels)]

    return sounds


def test_every_channel_with_a_voice_of_its_own_is_one(sounds: Sounds) -> None:
    channels = sounds(ANN + 0.3 * BOB, BOB + 0.3 * ANN)
    assert distinct(channels) == channels


@pytest.mark.parametrize("gain", [1.0, 0.5, -1.0])
def test_the_same_voices_twice_are_one_channel(sounds: Sounds, gain: float) -> None:
    channels = sounds(gain * (ANN + BOB), ANN + BOB + 0.001 * voice((0, SECONDS), seed=3))
    assert len(distinct(channels)) == 1


def test_a_microphone_that_only_hears_its_neighbour_is_none(sounds: Sounds) -> None:
    channels = sounds(0.05 * ANN, ANN, BOB)
    assert distinct(channels) == channels[1:]


def test_silent_channels_are_none_and_one_is_left(sounds: Sounds) -> None:
    hiss = 0.001 * voice((0, SECONDS), seed=4)
    channels = sounds(0 * ANN, ANN, hiss, BOB)
    assert distinct(channels) == [channels[1], channels[3]]
    assert distinct([channels[0], channels[0]]) == [channels[0]]


def test_one_word_in_a_long_recording_is_enough_of_a_voice(sounds: Sounds) -> None:
    channels = sounds(ANN, voice((17, 17.3), seed=5, loudness=0.0022))
    assert distinct(channels) == channels


def test_a_neighbour_s_voice_is_left_out_and_what_is_said_over_it_stays(sounds: Sounds) -> None:
    channels = sounds(ANN + 0.1 * BOB, BOB + 0.1 * ANN)
    ann = [word(1, "good"), word(2, "evening"), word(11.2, "but")]
    bob = [word(6, "thanks"), word(11.2, "no"), word(13, "never")]
    misheard = word(13.1, "ever")
    found = without_crosstalk(
        channels, [[*ann, misheard], [word(2.1, "evening"), bob[0], bob[1], bob[2]]]
    )
    assert found == [ann, bob]


def test_a_word_that_two_microphones_hear_alike_is_said_once(sounds: Sounds) -> None:
    """A stereo pair in one room: neither channel is much louder."""
    channels = sounds(ANN + 0.8 * BOB, BOB + 0.8 * ANN)
    heard = [[word(2, "Evening"), word(6, "thanks")], [word(2.1, "evening,"), word(6, "thanks")]]
    found = without_crosstalk(channels, heard)
    assert found == [[heard[0][0]], [heard[1][1]]]


def test_a_noise_takes_nobody_s_words(sounds: Sounds) -> None:
    """A cough into the other microphone: louder, but no word."""
    channels = sounds(0.1 * ANN, BOB + 3 * voice((2, 3), seed=6))
    heard = [[word(2, "evening")], [word(6, "thanks")]]
    assert without_crosstalk(channels, heard) == heard


@pytest.mark.parametrize(("length", "end"), [(0.8, 1.8), (3.0, 1.6)])
def test_a_word_stretched_over_a_pause_is_taken_where_it_is_said(
    sounds: Sounds, length: float, end: float
) -> None:
    """Ann's last word seems to last until Bob is in the middle of his."""
    soft = voice((1, 1.2), seed=7, loudness=0.02)
    channels = sounds(soft, voice((1.3, 3), seed=8))
    stretched, bob = word(1, "evening", length), word(1.3, "thanks", 0.9)
    ((ann,), others) = without_crosstalk(channels, [[stretched], [bob]])
    assert others == [bob]
    assert ann.start == 1
    assert ann.end == pytest.approx(end, abs=0.11)


def test_a_word_stretched_over_the_pause_before_it_begins_when_it_is_said(sounds: Sounds) -> None:
    channels = sounds(voice((5, 5.3), seed=7), voice((1, 3), seed=8))
    ((ann,), _) = without_crosstalk(channels, [[word(1, "you", 4.3)], [word(1, "thanks")]])
    assert ann.start == pytest.approx(4.65, abs=0.16)
    assert ann.end == pytest.approx(5.3)


def test_speakers_are_numbered_by_their_first_word_and_keep_their_overlaps() -> None:
    words = [
        [word(4, "third")],
        [],
        [word(2, "second."), word(2.5, "more"), word(9, "late")],
        [word(1, "first", 4)],
    ]
    segments, turns = told(words)
    assert [(part.speaker, part.text) for part in segments] == [
        ("SPEAKER_00", "first"),
        ("SPEAKER_01", "second. more"),
        ("SPEAKER_02", "third"),
        ("SPEAKER_01", "late"),
    ]
    assert turns == [
        Turn(start=1, end=5, speaker="SPEAKER_00"),
        Turn(start=2, end=2.9, speaker="SPEAKER_01"),
        Turn(start=4, end=4.4, speaker="SPEAKER_02"),
        Turn(start=9, end=9.4, speaker="SPEAKER_01"),
    ]


def write_wave(path: Path, *channels: Samples) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return path


class Ears(Script):
    """Hears other words in each sound it is given, in turn."""

    def __init__(self, *channels: list[SpokenWord]) -> None:
        super().__init__([])
        self.channels = iter(channels)

    def hear(self, sound: Sound, **options: Any) -> list[Block]:
        self.words = next(self.channels)
        return super().hear(sound, **options)


def opened(path: Path, *channels: Samples) -> Recording:
    file = write_wave(path / "desk.wav", *channels)
    return open_recording(file, path / "sound", key="k", channel_per_speaker=True)


def transcribe(
    recording: Recording, *heard: list[SpokenWord], seats: Seats | None = None, **options: Any
) -> Transcript:
    transcriber = Transcriber(Ears(*heard), seats or Seats([]))
    return transcriber.transcribe(recording, job_id="1", **options)


def test_nobody_is_asked_who_speaks(tmp_path: Path) -> None:
    seats = Seats([], failure=MemoryError())
    recording = opened(tmp_path, ANN + 0.1 * BOB, 0 * BOB, BOB)
    found = transcribe(
        recording, [word(2, "Evening."), word(7, "Thanks.")], [word(7, "Thanks.")], seats=seats
    )
    assert [(part.speaker, part.text) for part in found.transcription] == [
        ("SPEAKER_00", "Evening."),
        ("SPEAKER_01", "Thanks."),
    ]
    assert (seats.listened, found.speakers_count, found.duration) == (0, 2, SECONDS)
    assert found.provenance["diarization"] == {"engine": "channels"}
    (warning,) = found.warnings
    assert warning.code == "crosstalk_removed"
    assert warning.message.endswith("left out: 1.")


def test_the_language_is_that_of_most_words(tmp_path: Path) -> None:
    class Bilingual(Ears):
        def hear(self, sound: Sound, **options: Any) -> list[Block]:
            blocks = super().hear(sound, **options)
            self.language = "es"
            return blocks

    few, many = [word(2, "Evening.")], [word(6, "Buenas"), word(7, "noches.")]
    for heard, language in [((few, many), "es"), ((many, few), "en")]:
        recognizer = Bilingual(*heard)
        transcriber = Transcriber(recognizer, Seats([]))
        assert transcriber.transcribe(opened(tmp_path, ANN, BOB), job_id="1").language == language


def test_what_the_guard_takes_from_a_channel_is_told(tmp_path: Path) -> None:
    class Doubtful(Ears):
        def hear(self, sound: Sound, **options: Any) -> list[Block]:
            (block,) = super().hear(sound, **options)
            block.stretches.append(stretch([word(15, "you")], speech=0.1, log_probability=-2))
            return [block]

    transcriber = Transcriber(Doubtful([word(2, "Evening.")], [word(7, "Thanks.")]), Seats([]))
    found = transcriber.transcribe(opened(tmp_path, ANN, BOB), job_id="1")
    assert [warning.code for warning in found.warnings] == ["hallucination_removed"] * 2


@pytest.mark.parametrize("channels", [(ANN,), (ANN, ANN), (0 * ANN, ANN)])
def test_where_no_speaker_has_a_channel_the_voices_are_told_apart(
    tmp_path: Path, channels: Sequence[Samples]
) -> None:
    seats = Seats([Turn(start=1, end=8, speaker="SPEAKER_00")])
    recording = opened(tmp_path, *channels)
    found = transcribe(recording, [word(2, "Evening.")], seats=seats, speakers=3)
    assert (seats.listened, seats.asked) == (1, [3])
    assert [warning.code for warning in found.warnings] == ["one_channel"]
    assert [part.speaker for part in found.transcription] == ["SPEAKER_00"]


def test_silence_in_every_channel_is_no_transcript(tmp_path: Path) -> None:
    with pytest.raises(NoSpeech, match="Nobody is heard"):
        transcribe(opened(tmp_path, ANN, BOB), [], [])


def test_progress_goes_once_from_nought_to_one_over_all_channels(tmp_path: Path) -> None:
    heard: list[float] = []
    recording = opened(tmp_path, ANN, BOB, voice((15, 16), seed=9))
    transcribe(recording, [word(2, "Evening.")], [], [], on_progress=heard.append)
    assert all(first <= second for first, second in pairwise(heard))
    assert heard[0] == pytest.approx(0.1)
    assert heard[-1] == 1


def quarrel(folder: Path, *, bleed: float) -> tuple[Path, Truth]:
    """The demo debate with a microphone each, in which the others are softer by `bleed` (dB).

    Its turns that nobody talks over, laid anew: each begins two seconds before the one of another
    speaker ends, so that a short one lies within a long one.
    """
    mixed = decode(DEMO.with_name("debate.mp4"), folder / "mixed").read()
    known = [t for t in read_truth().turns if not 30 < t.end < 41]
    turns: list[SpokenTurn] = []
    stems: dict[str, Samples] = {t.speaker: np.zeros_like(mixed) for t in known}
    end, before = 3.0, ""
    for turn in known:
        start = end - 2 if turn.speaker != before else end + 0.5
        samples = mixed[round(turn.start * SAMPLE_RATE) : round(turn.end * SAMPLE_RATE)]
        first = round(start * SAMPLE_RATE)
        stems[turn.speaker][first : first + len(samples)] = samples
        turns.append(turn.model_copy(update={"start": start, "end": start + turn.duration}))
        end, before = max(end, turns[-1].end), turn.speaker
    length = round((end + 1) * SAMPLE_RATE)
    softer = 10 ** (-bleed / 20)
    everybody = sum(stems.values(), np.zeros_like(mixed))
    channels = [(stem + softer * (everybody - stem))[:length] for stem in stems.values()]
    return write_wave(folder / "quarrel.wav", *channels), Truth(duration=end + 1, turns=turns)


@pytest.mark.models
def test_people_who_talk_at_once_are_all_understood(tmp_path: Path) -> None:
    """Each has their own words, those too that another speaks over, and none of the neighbours'."""
    whisper = WhisperRecognizer(str(MODELS / "whisper-base"), device="cpu", compute_type="int8")
    path, truth = quarrel(tmp_path, bleed=20)
    recording = open_recording(path, tmp_path / "sound", key="k", channel_per_speaker=True)

    found = Transcriber(whisper, Seats([])).transcribe(recording, job_id="1", language="en")

    names = dict.fromkeys(turn.speaker for turn in truth.turns)
    for number, name in enumerate(names):
        said = " ".join(turn.text for turn in truth.turns if turn.speaker == name)
        heard = [part for part in found.transcription if part.speaker == f"SPEAKER_{number:02d}"]
        assert word_error_rate(said, " ".join(part.text for part in heard)) < 0.08
    assert found.speakers_count == len(names) == 3
    assert diarization_error_rate(truth.turns, found.turns) < 0.06
