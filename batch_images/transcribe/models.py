"""The models of speech recognition that a worker may be asked for; one of them is in memory.

A second would fit beside it on most GPUs, but batches are made of what the first leaves free, and
speed comes from batches. Another model is asked for when somebody tries a debate again: rarely. To
change back takes seconds, since the files stay in the machine's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from batch_images.transcribe.recognition import Recognizer
from debate_analyzer.errors import UnknownModel


class Loadable(Recognizer, Protocol):
    """A recognizer whose weights come and go."""

    def load(self) -> None:
        """Into memory, where they are not."""

    def unload(self) -> None:
        """Out of memory, until they are loaded again."""


@dataclass
class Models:
    """`own` is the worker's model, a name or a folder; `named` are those that may be asked for.

    A name means the folder `whisper-<name>` below `folder` where there is one, and otherwise a
    model that faster-whisper knows. No other name gets as far as that: it could be a path, or
    anybody's repository. `open` makes a recognizer and loads it; it raises Misconfigured.
    """

    own: str
    named: Sequence[str]
    folder: Path
    open: Callable[[str], Loadable]
    _opened: dict[str, Loadable] = field(default_factory=dict, init=False)

    def of(self, name: str | None) -> Recognizer:
        """The model of this name, or the worker's own, ready to hear. Raises UnknownModel,
        Misconfigured."""
        source = self._source(name)
        for other in self._opened.keys() - {source}:
            self._opened[other].unload()
        if source in self._opened:
            self._opened[source].load()
        else:
            self._opened[source] = self.open(source)
        return self._opened[source]

    def _source(self, name: str | None) -> str:
        if name is None:
            return self.own
        if name not in self.named:
            known = ", ".join(self.named) or "none but the usual one"
            raise UnknownModel(f"There is no model {name!r} here. There are: {known}.")
        there = self.folder / f"whisper-{name}"
        return str(there) if there.is_dir() else name
