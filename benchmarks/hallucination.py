"""Words for sounds in which nobody speaks, and words lost to whoever guards against them.

    python -m benchmarks.hallucination [--speech MANIFEST] [--sounds 100] [--mixtures 100]

Three tables. Sounds: silence, noise, hum, tones and music (benchmarks/sounds.py), 20 s each; every
word is one too many. Mixtures: the recordings of a manifest (benchmarks/speech/manifest.py), by
default the demo debate, each over noise and music at five levels, cut into excerpts of some 15 s
where it is known who says what when. Clean: the recordings alone.

`engine` is faster-whisper, batched, with its VAD, as it comes; `product` is what the guard leaves
of the very same words, and of those of speech that the engine passed over. A correct word is
aligned with the same word of the truth (jiwer, Whisper's normaliser), and within a second of where
the clean recording has it: a loop hits a word of the truth now and then.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product, zip_longest
from pathlib import Path

import jiwer

from batch_images.transcribe.block import join
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.sound import Samples
from batch_images.transcribe.spoken import SpokenWord
from benchmarks.machine import describe
from benchmarks.samples import on_disk, read_samples
from benchmarks.sounds import KINDS, SAMPLE_RATE, make, mix, sounds
from benchmarks.speech.manifest import Clip, read_manifest
from benchmarks.speech.scoring import normalised
from benchmarks.speech.truth import Turn, read_stm

PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "demo" / "debate.mp4"
SNRS = (20, 10, 5, 0, -5)
_SOUND_SECONDS = 20.0
_NEAR_SECONDS = 1.0
_EXCERPT_SECONDS = 15.0
_BACKGROUNDS = [kind for kind in KINDS if kind != "silence"]


@dataclass(frozen=True)
class Outcome:
    """What the engine gave for samples, and what was left of it."""

    engine: list[SpokenWord]
    product: list[SpokenWord]
    language: str | None
    language_probability: float | None

    @property
    def removed(self) -> list[SpokenWord]:
        """What the guard took."""
        left = Counter(self.product)
        return list((Counter(self.engine) - left).elements())


@dataclass(frozen=True)
class Recording:
    """Speech, the words of its truth, and when the clean engine has them, where it does."""

    clip: Clip
    samples: Samples
    truth: list[str]
    times: dict[int, float]
    clean: Outcome


def run(recognizer: WhisperRecognizer, samples: Samples) -> Outcome:
    """Both sides from one decoding."""
    with on_disk(samples) as sound:
        blocks = recognizer.hear(sound, language=None, on_progress=lambda _: None)
    stretches = [stretch for block in blocks for stretch in block.stretches]
    engine = sorted((w for s in stretches for w in s.words), key=lambda word: word.start)
    heard = join(blocks, language=None)
    return Outcome(engine, heard.words, heard.language, heard.language_probability)


def aligned(
    truth: Sequence[str], words: Sequence[SpokenWord], language: str
) -> tuple[dict[int, SpokenWord], int]:
    """The words that are those of the truth, by their index there, and the number of errors."""
    heard = [(text, word) for word in words for text in normalised(word.text, language)]
    if not heard:
        return {}, len(truth)
    out = jiwer.process_words(" ".join(truth), " ".join(text for text, _ in heard))
    equal = {
        chunk.ref_start_idx + offset: heard[chunk.hyp_start_idx + offset][1]
        for chunk in out.alignments[0]
        if chunk.type == "equal"
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx)
    }
    return equal, out.substitutions + out.deletions + out.insertions


def correct(recording: Recording, words: Sequence[SpokenWord]) -> set[SpokenWord]:
    """The words that were said, when they were said."""
    equal, _ = aligned(recording.truth, words, recording.clip.language)
    return {
        word
        for index, word in equal.items()
        if abs(word.middle - recording.times.get(index, word.middle)) <= _NEAR_SECONDS
    }


def read_recordings(recognizer: WhisperRecognizer, clips: Iterable[Clip]) -> list[Recording]:
    """Those whose words are known."""
    return [
        _recording(recognizer, clip, read_samples(clip.audio), clip.text)
        for clip in clips
        if clip.text is not None
    ]


def excerpts(recognizer: WhisperRecognizer, recording: Recording) -> Iterator[Recording]:
    """Of 15 s and an utterance more at most, cut where nobody speaks; or all of it."""
    held: list[Turn] = []
    utterances = sorted(recording.clip.utterances)
    for utterance, following in zip_longest(utterances, utterances[1:]):
        held.append(utterance)
        end = max(turn.end for turn in held)
        if following and (following.start < end or end - held[0].start < _EXCERPT_SECONDS):
            continue
        samples = recording.samples[int(held[0].start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
        text = " ".join(turn.text for turn in held)
        yield _recording(recognizer, recording.clip, samples, text)
        held = []
    if not utterances:
        yield recording


def _recording(recognizer: WhisperRecognizer, clip: Clip, samples: Samples, text: str) -> Recording:
    truth = normalised(text, clip.language)
    clean = run(recognizer, samples)
    equal, _ = aligned(truth, clean.engine, clip.language)
    return Recording(clip, samples, truth, {i: word.middle for i, word in equal.items()}, clean)


def mixtures(recordings: Sequence[Recording], count: int) -> Iterator[tuple[int, Recording, str]]:
    """SNR, recording and kind of sound: every SNR and recording as often as any other."""
    pairs = product(range(count), SNRS, recordings)
    for seed, (_, snr, recording) in enumerate(islice(pairs, count)):
        yield snr, recording, _BACKGROUNDS[seed % len(_BACKGROUNDS)]


def print_sounds(recognizer: WhisperRecognizer, count: int) -> None:
    """How many sounds were given words, by kind."""
    made: Counter[str] = Counter()
    engine: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for sound in sounds(count, seconds=_SOUND_SECONDS):
        outcome = run(recognizer, sound.samples)
        made[sound.kind] += 1
        engine[sound.kind] += len(outcome.engine)
        left[sound.kind] += len(outcome.product)
    print("\n| sound | clips | words, engine | words, product |\n|---|---|---|---|")
    for kind in KINDS:
        print(f"| {kind} | {made[kind]} | {engine[kind]} | {left[kind]} |")
    print(f"| **all** | {made.total()} | {engine.total()} | {left.total()} |", flush=True)


def print_mixtures(
    recognizer: WhisperRecognizer, recordings: Sequence[Recording], count: int
) -> None:
    """What was removed of speech under sounds, by recording and SNR."""
    print(
        "\n| recording | SNR, dB | mixtures | words of the truth | correct, engine"
        " | of them removed | wrong words removed | WER, engine | WER, product |"
        "\n|---|---|---|---|---|---|---|---|---|"
    )
    rows: dict[tuple[str, int], Counter[str]] = {}
    for seed, (snr, recording, kind) in enumerate(mixtures(recordings, count)):
        sound = make(kind, seed, seconds=_SOUND_SECONDS, level=-6)
        outcome = run(recognizer, mix(recording.samples, sound, snr=snr))
        right = correct(recording, outcome.engine)
        removed = outcome.removed
        language = recording.clip.language
        row = rows.setdefault((recording.clip.name, snr), Counter())
        row["mixtures"] += 1
        row["truth"] += len(recording.truth)
        row["correct"] += len(right)
        row["lost"] += sum(word in right for word in removed)
        row["removed"] += sum(word not in right for word in removed)
        row["engine"] += aligned(recording.truth, outcome.engine, language)[1]
        row["product"] += aligned(recording.truth, outcome.product, language)[1]
    total: Counter[str] = Counter()
    for (name, snr), row in sorted(rows.items(), key=lambda item: (item[0][0], -item[0][1])):
        total.update(row)
        print(
            f"| {name} | {snr} | {row['mixtures']} | {row['truth']} | {row['correct']}"
            f" | {row['lost']} | {row['removed']} | {_percent(row['engine'], row['truth'])}"
            f" | {_percent(row['product'], row['truth'])} |"
        )
    print(
        f"| **all** | | {total['mixtures']} | {total['truth']} | {total['correct']}"
        f" | {total['lost']} | {total['removed']} | | |",
        flush=True,
    )


def print_clean(recordings: Sequence[Recording]) -> None:
    """WER of each recording as it is, and whether 95 words of 100 are right."""
    print(
        "\n| recording | kind | words | language heard | WER, engine | WER, product"
        " | 95 % accuracy |\n|---|---|---|---|---|---|---|"
    )
    for recording in recordings:
        clip, clean, words = recording.clip, recording.clean, len(recording.truth)
        engine, ours = (
            aligned(recording.truth, side, clip.language)[1]
            for side in (clean.engine, clean.product)
        )
        print(
            f"| {clip.name} | {clip.kind} | {words} | {clean.language}"
            f" ({clean.language_probability:.2f}) | {_percent(engine, words)}"
            f" | {_percent(ours, words)} | {'met' if ours <= 0.05 * words else 'not met'} |"
        )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}"


def demo() -> Clip:
    """The debate that the repository brings along."""
    turns = tuple(read_stm(DEMO.with_suffix(".stm")))
    text = " ".join(turn.text for turn in turns)
    return Clip("debate", DEMO, "made with flite", "en", turns, turns, text)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--speech", type=Path, help="manifest of recordings with their words")
    parser.add_argument("--models-dir", type=Path, default=PROJECT / ".models")
    parser.add_argument("--sounds", type=int, default=100)
    parser.add_argument("--mixtures", type=int, default=100)
    options = parser.parse_args()
    clips = read_manifest(options.speech) if options.speech else [demo()]
    recognizer = WhisperRecognizer(
        str(options.models_dir / "whisper-base"), device="cpu", compute_type="int8"
    )
    print(f"whisper-base int8; {describe()}")
    recordings = read_recordings(recognizer, clips)
    print_clean(recordings)
    print_sounds(recognizer, options.sounds)
    cut = [part for recording in recordings for part in excerpts(recognizer, recording)]
    print_mixtures(recognizer, cut, options.mixtures)


if __name__ == "__main__":
    main()
