"""The recordings to measure on, and their truth.

A manifest is TOML with one `[[clip]]` a recording, or the same as JSON lines:

    [[clip]]
    audio = "meeting.wav"      # anything that the product takes
    kind = "meeting"           # error rates of different kinds are never put together
    language = "en"            # of its truth; chooses the text normaliser
    rttm = "meeting.rttm"      # who spoke when
    stm = "meeting.stm"        # who said what when
    txt = "meeting.txt"        # what was said, where nobody knows when

At least one of the three, each relative to the manifest. Where RTTM and STM are both given, turns
are the RTTM's: annotators of words often leave out overlaps.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speech.truth import Turn, UnreadableTruth, read_rttm, read_stm

_REQUIRED = {"audio", "kind", "language"}
_TRUTHS = {"rttm", "stm", "txt"}


class BadManifest(ValueError):
    """Says which entry of which manifest, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording with its truth; empty or None is what the truth does not say."""

    name: str
    audio: Path
    kind: str
    language: str
    turns: tuple[Turn, ...]
    utterances: tuple[Turn, ...]
    text: str | None


def read_manifest(path: Path) -> list[Clip]:
    """The clips in order. Raises BadManifest."""
    if not path.is_file():
        raise BadManifest(f"There is no manifest {path}.")
    try:
        if path.suffix == ".toml":
            entries = tomllib.loads(path.read_text()).get("clip", [])
        else:
            entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except ValueError as error:
        raise BadManifest(f"{path} cannot be read: {error}") from error
    if not entries:
        raise BadManifest(f"{path} names no clip.")
    clips = [_clip(path, number, entry) for number, entry in enumerate(entries, 1)]
    names = [clip.name for clip in clips]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadManifest(f"{path} has two clips of the name {min(twice)!r}.")
    return clips


def _clip(manifest: Path, number: int, entry: dict[str, Any]) -> Clip:
    where = f"{manifest}, clip {number}"
    if missing := _REQUIRED - entry.keys():
        raise BadManifest(f"{where} has no {min(missing)!r}.")
    if unknown := entry.keys() - _REQUIRED - _TRUTHS:
        raise BadManifest(f"{where} has a {min(unknown)!r}, which means nothing here.")
    if not entry.keys() & _TRUTHS:
        raise BadManifest(f"{where} has no truth: one of rttm, stm and txt is needed.")
    paths = {key: manifest.parent / entry[key] for key in entry.keys() & (_TRUTHS | {"audio"})}
    for path in paths.values():
        if not path.is_file():
            raise BadManifest(f"{where}: there is no file {path}.")
    try:
        turns = read_rttm(paths["rttm"]) if "rttm" in paths else []
        utterances = read_stm(paths["stm"]) if "stm" in paths else []
    except UnreadableTruth as error:
        raise BadManifest(f"{where}: {error}") from error
    text = paths["txt"].read_text().strip() if "txt" in paths else None
    if text is None and utterances:
        text = " ".join(utterance.text for utterance in utterances)
    return Clip(
        name=paths["audio"].stem,
        audio=paths["audio"],
        kind=entry["kind"],
        language=entry["language"],
        turns=tuple(turns or utterances),
        utterances=tuple(utterances),
        text=text,
    )
