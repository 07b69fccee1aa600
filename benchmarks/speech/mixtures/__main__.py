"""Conversations made of real speech of one speaker at a time, true by construction.

    python -m benchmarks.speech.mixtures MANIFEST --to FOLDER [--each 6] [--seconds 60] [--seed 1]
                                         [--words LANGUAGE] [--recipes FILE]

MANIFEST is one of `python -m benchmarks.speech`: where one speaker is alone in its recordings,
their speech is taken. Turns, pauses, overlaps, levels, noise and room are drawn as the recipes say
(recipes.toml). FOLDER gets a WAV of 16 kHz, an RTTM and, with --words, an STM for each, and
manifest.jsonl with all of them. Pauses of 0.3 s end a turn of the RTTM, but no utterance of the
STM. --words: only utterances of that language whose words are known.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from batch_images.transcribe.sound import SAMPLE_RATE
from benchmarks.speech.manifest import BadManifest, read_manifest
from benchmarks.speech.mixtures.mixture import Mixture, TooFewVoices, make_mixture
from benchmarks.speech.mixtures.recipe import BadRecipe, Recipe, read_recipes
from benchmarks.speech.mixtures.voices import Voice, cut
from benchmarks.speech.truth import write_rttm, write_stm

_RECIPES = Path(__file__).with_name("recipes.toml")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="a folder, made if need be")
    parser.add_argument("--each", type=int, default=6, help="mixtures of each recipe")
    parser.add_argument("--seconds", type=float, default=60.0, help="at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--words", metavar="LANGUAGE")
    parser.add_argument("--recipes", type=Path, default=_RECIPES)
    options = parser.parse_args()
    try:
        recipes = read_recipes(options.recipes)
        clips = read_manifest(options.manifest)
        if options.words:
            clips = [clip for clip in clips if clip.language == options.words]
        voices = cut(clips, with_words=bool(options.words))
        options.to.mkdir(parents=True, exist_ok=True)
        entries = [
            write(
                make_mixture(
                    voices,
                    recipe,
                    # One of its own, so that a mixture does not depend on those before it.
                    np.random.default_rng([options.seed, place, number]),
                    seconds=options.seconds,
                ),
                options.to / f"{recipe.kind.replace(' ', '-')}-{options.seed}-{number:03d}.wav",
                recipe,
                language=options.words,
            )
            for place, recipe in enumerate(recipes)
            for number in range(options.each)
        ]
    except (BadManifest, BadRecipe, TooFewVoices) as error:
        parser.error(str(error))
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (options.to / "manifest.jsonl").write_text(lines)
    print(_summary(voices, len(entries)))


def write(mixture: Mixture, wav: Path, recipe: Recipe, *, language: str | None) -> dict[str, str]:
    """The manifest's entry. `language`: None where the words are not known."""
    wavfile.write(wav, SAMPLE_RATE, mixture.recording)
    write_rttm(wav.with_suffix(".rttm"), mixture.turns)
    entry = {
        "audio": wav.name,
        "kind": recipe.kind,
        "language": language or "und",
        "rttm": wav.with_suffix(".rttm").name,
    }
    if language:
        write_stm(wav.with_suffix(".stm"), mixture.utterances)
        entry["stm"] = wav.with_suffix(".stm").name
    return entry


def _summary(voices: list[Voice], count: int) -> str:
    seconds = sum(voice.duration for voice in voices)
    return (
        f"{count} mixtures of {len(voices)} voices, of whom {seconds:.0f} s of speech are at hand"
    )


if __name__ == "__main__":
    main()
