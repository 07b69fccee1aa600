"""What the engines heard of a recording, or of a part of one, before anybody put it together.

It crosses from worker to worker as an .npz: the arrays of the voices, and the rest as JSON. Read
with `allow_pickle=False`, so that such a file can hold no program.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from batch_images.transcribe.block import Block
from batch_images.transcribe.diarization.diarizer import Evidence

_VOICES = "voices/"


@dataclass(frozen=True)
class _Document:
    blocks: list[Block]
    seconds: dict[str, float]
    has_voices: bool


_DOCUMENT = TypeAdapter(_Document)


@dataclass(frozen=True)
class Hearing:
    """`voices` are None where no word was heard, so that nobody looked for any, or where the
    diarization failed. `seconds`: what each step took."""

    blocks: list[Block]
    voices: Evidence | None
    seconds: dict[str, float]

    @property
    def has_words(self) -> bool:
        """Whether anything was heard that may be a word."""
        return any(stretch.words for b in self.blocks for stretch in [*b.stretches, *b.recovered])

    def to_bytes(self) -> bytes:
        """As `from_bytes` reads it."""
        document = _Document(self.blocks, self.seconds, self.voices is not None)
        arrays = {f"{_VOICES}{name}": array for name, array in (self.voices or {}).items()}
        arrays["document"] = np.frombuffer(_DOCUMENT.dump_json(document), dtype=np.uint8)
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy's stub: allow_pickle
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Hearing:
        """What `to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            document = _DOCUMENT.validate_json(arrays["document"].tobytes())
            voices = {
                name.removeprefix(_VOICES): arrays[name]
                for name in arrays.files
                if name.startswith(_VOICES)
            }
        return cls(document.blocks, voices if document.has_voices else None, document.seconds)
