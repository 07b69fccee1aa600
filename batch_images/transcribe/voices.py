"""Listening for voices beside the recogniser, and whom to blame when that fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from batch_images.transcribe.diarization.diarizer import Diarizer, Evidence
from batch_images.transcribe.sound import Sound
from debate_analyzer.errors import DebateError

logger = logging.getLogger(__name__)


class DiarizationFailed(RuntimeError):
    """The engine broke down. The words are kept, without speakers."""


class _Stop(DebateError):
    """Nobody waits for the voices any more."""


@contextmanager
def blamed(diarizer: Diarizer) -> Iterator[None]:
    """What goes wrong within is a DiarizationFailed, unless somebody else is to blame."""
    try:
        yield
    except DebateError:
        raise  # the claim was lost, or the installation lacks something: not the engine's fault
    except Exception as error:
        raise DiarizationFailed(f"{diarizer.name}: {error}") from error


class Voices:
    """A diarizer listening in a thread of its own. It tells nobody of its progress: `done`, 0 to 1,
    is for whoever wants to know."""

    def __init__(self, diarizer: Diarizer, sound: Sound, speakers: int | None) -> None:
        self._diarizer = diarizer
        self._sound = sound
        self._speakers = speakers
        self._stopped = threading.Event()
        self.done = 0.0
        self.seconds = 0.0

    def listen(self) -> Evidence | None:
        """What is heard; None where the engine broke down, or was stopped."""
        began = time.perf_counter()
        try:
            with blamed(self._diarizer):
                return self._diarizer.listen(
                    self._sound, speakers=self._speakers, on_progress=self._report
                )
        except DiarizationFailed as error:
            logger.warning("diarization failed", exc_info=error)
        except _Stop:
            logger.info("nobody waits for the voices any more")
        finally:
            self.seconds = time.perf_counter() - began
        return None

    def stop(self) -> None:
        """At the engine's next report, if it is not over."""
        self._stopped.set()

    def _report(self, done: float) -> None:
        self.done = done
        if self._stopped.is_set():
            raise _Stop("Nobody waits for the voices any more.")
