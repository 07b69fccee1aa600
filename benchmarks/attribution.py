"""Words given to the wrong speaker, clip by clip.

    python -m benchmarks.attribution [MANIFEST] [--models-dir .models]

The recordings of a manifest (benchmarks/speech/manifest.py) of which it is known who says what, by
default the demo debate. Recognised words are aligned with those of the truth (jiwer, Whisper's
normaliser, utterances in order of their start); those that are aligned with a word have a true
speaker. Twice: with the true turns, which leaves the assignment's own errors, and with the
diarizer's. Where people speak at once, the alignment itself is uncertain.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
from scipy.optimize import linear_sum_assignment

from batch_images.transcribe.assignment import assign
from batch_images.transcribe.block import join
from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.diarization.diarizer import diarize
from batch_images.transcribe.media import decode
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.spoken import SpokenWord
from benchmarks.hallucination import PROJECT, demo
from benchmarks.machine import describe
from benchmarks.speech.manifest import Clip, read_manifest
from benchmarks.speech.scoring import normalised
from debate_analyzer.transcript import Turn


@dataclass(frozen=True)
class Attribution:
    """Counts of words with a true speaker."""

    words: int
    wrong: int
    unassigned: int


def true_speakers(clip: Clip, words: Sequence[SpokenWord]) -> dict[int, str]:
    """By index, the speakers of the words that are aligned with one of the truth."""
    said = [
        (text, turn.speaker)
        for turn in sorted(clip.utterances)
        for text in normalised(turn.text, clip.language)
    ]
    heard = [
        (text, index)
        for index, word in enumerate(words)
        for text in normalised(word.text, clip.language)
    ]
    if not said or not heard:
        return {}
    out = jiwer.process_words(
        " ".join(text for text, _ in said), " ".join(text for text, _ in heard)
    )
    speakers: dict[int, str] = {}
    for chunk in out.alignments[0]:
        if chunk.type in ("equal", "substitute"):
            for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
                index = heard[chunk.hyp_start_idx + offset][1]
                speakers.setdefault(index, said[chunk.ref_start_idx + offset][1])
    return speakers


def attribution(truth: dict[int, str], given: Sequence[str | None]) -> Attribution:
    """Under the mapping of speakers that has the fewest errors."""
    true_names = sorted(set(truth.values()))
    names = sorted({name for name in given if name is not None})
    together = np.zeros((len(true_names), len(names)))
    unassigned = 0
    for index, speaker in truth.items():
        name = given[index]
        if name is None:
            unassigned += 1
        else:
            together[true_names.index(speaker), names.index(name)] += 1
    right = int(together[linear_sum_assignment(-together)].sum())
    return Attribution(len(truth), len(truth) - unassigned - right, unassigned)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("manifest", nargs="?", type=Path)
    parser.add_argument("--models-dir", type=Path, default=PROJECT / ".models")
    options = parser.parse_args()
    clips = read_manifest(options.manifest) if options.manifest else [demo()]
    recognizer = WhisperRecognizer(
        str(options.models_dir / "whisper-base"), device="cpu", compute_type="int8"
    )
    diarizer = create_diarizer("onnx", models_dir=options.models_dir)
    print(f"whisper-base int8, diarizer {diarizer.name}; {describe()}\n")
    print("| recording | kind | words | wrong, true turns | wrong | unassigned |")
    print("|---|---|---|---|---|---|")
    for clip in clips:
        if not clip.utterances:
            continue
        with tempfile.TemporaryDirectory(prefix="attribution-") as folder:
            sound = decode(clip.audio, Path(folder, "sound"))
            blocks = recognizer.hear(sound, language=None, on_progress=lambda _: None)
            words = join(blocks, language=None).words
            turns = diarize(diarizer, sound)
        truth = true_speakers(clip, words)
        true_turns = [Turn(start=t.start, end=t.end, speaker=t.speaker) for t in clip.turns]
        ideal = attribution(truth, assign(words, true_turns))
        real = attribution(truth, assign(words, turns))
        print(
            f"| {clip.name} | {clip.kind} | {real.words} | {ideal.wrong} | {real.wrong}"
            f" | {real.unassigned} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
