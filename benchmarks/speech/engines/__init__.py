"""The engines that can be measured. Each is a module with `load`, imported in its own process.

`project` engines run in the project's environment. `peers` have an environment of their own, for
senko brings torch: it must not be in the project's, where CTranslate2 imports it if it is there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from benchmarks.speech.heard import Heard


class Engine(Protocol):
    """Models loaded."""

    def hear(self, audio: Path) -> Heard:
        """Called on one recording after the other."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """`takes` media, whatever the product takes, or wav: 16 kHz, mono, 16 bits.

    Who takes media is timed with decoding, who takes wav without. `packages` are those whose
    versions belong beside the figures.
    """

    environment: Literal["project", "peers"]
    takes: Literal["media", "wav"]
    packages: tuple[str, ...]


ENGINES = {
    "product": Entry("project", "media", ("debate-analyzer",)),
    "faster_whisper": Entry("project", "media", ("faster-whisper", "ctranslate2")),
    "senko": Entry("peers", "wav", ("senko", "torch")),
    "sherpa_onnx": Entry("peers", "wav", ("sherpa-onnx",)),
    "pyannote": Entry("peers", "wav", ("pyannote.audio", "torch")),
}


def load(name: str, models: Path) -> Engine:
    """An engine, ready. Raises ImportError where it is not installed."""
    module = importlib.import_module(f"benchmarks.speech.engines.{name}")
    return cast("Callable[[Path], Engine]", module.load)(models)
