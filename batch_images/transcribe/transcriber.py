"""A recording becomes a transcript: heard in one part or in several, or a channel at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from batch_images.transcribe.assignment import assign, segment
from batch_images.transcribe.block import Recognition, join
from batch_images.transcribe.channels import told, without_crosstalk
from batch_images.transcribe.diarization import Diarizer
from batch_images.transcribe.diarization.diarizer import Evidence
from batch_images.transcribe.hearing import Hearing
from batch_images.transcribe.recognition import Recognizer
from batch_images.transcribe.recording import Recording
from batch_images.transcribe.sound import Sound
from batch_images.transcribe.speech import Span
from batch_images.transcribe.spoken import SpokenWord
from batch_images.transcribe.stopwatch import timed
from batch_images.transcribe.voices import DiarizationFailed, Voices, blamed
from debate_analyzer.errors import NoSpeech
from debate_analyzer.transcript import Segment, Source, Transcript, Turn, Warning

logger = logging.getLogger(__name__)

# How the progress is shared out: about as long as each takes on two cores.
_WORDS = 0.7

# Steps that are part of the hearing, at the same time.
_AT_ONCE = {"recognition", "diarization"}

# How often it is told while the voices are waited for, in seconds.
_LOOK = 0.5


@dataclass(frozen=True)
class Transcriber:
    """Holds the engines; one serves any number of recordings, one after the other."""

    recognizer: Recognizer
    diarizer: Diarizer

    def transcribe(
        self,
        recording: Recording,
        *,
        job_id: str,
        language: str | None = None,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> Transcript:
        """A recording that is heard whole; what `on_progress` raises ends the work.

        `speakers`: how many speak, if known; where each has a channel, they are counted.
        Raises NoSpeech.
        """
        if len(recording.sounds) > 1:
            return self._transcribe_channels(
                recording, job_id=job_id, language=language, on_progress=on_progress
            )
        (sound,) = recording.sounds
        heard = self.listen(sound, language=language, speakers=speakers, on_progress=on_progress)
        return self.put_together(
            [(0.0, heard)],
            source=recording.source,
            duration=recording.duration,
            job_id=job_id,
            warnings=recording.warnings,
            seconds=recording.seconds,
            language=language,
            speakers=speakers,
        )

    def _transcribe_channels(
        self,
        recording: Recording,
        *,
        job_id: str,
        language: str | None,
        on_progress: Callable[[float], None],
    ) -> Transcript:
        """A sound for each speaker, one after the other: whose the words are need not be asked."""
        spent = dict(recording.seconds)
        count = len(recording.sounds)
        heard: list[Recognition] = []
        with timed(spent, "hearing"):
            for number, sound in enumerate(recording.sounds):
                report = _share(on_progress, number, count)
                blocks = self.recognizer.hear(sound, language=language, on_progress=report)
                heard.append(join(blocks, language=language))
        _refuse_silence([word for each in heard for word in each.words])
        with timed(spent, "channels"):
            said = [each.words for each in heard]
            own = without_crosstalk(recording.sounds, said)
            segments, turns = told(own)
        warnings = [warning for each in heard for warning in each.warnings]
        if crosstalk := sum(map(len, said)) - sum(map(len, own)):
            warnings.append(
                Warning(
                    code="crosstalk_removed",
                    message=(
                        "Microphones also heard their neighbours: words that are louder in another "
                        f"channel are left out of the softer one; left out: {crosstalk}."
                    ),
                )
            )
        most = max(heard, key=lambda each: len(each.words))
        return self._transcript(
            source=recording.source,
            duration=recording.duration,
            job_id=job_id,
            language=most.language,
            language_probability=most.language_probability,
            segments=segments,
            turns=turns,
            warnings=[*recording.warnings, *warnings],
            diarization="channels",
            seconds=spent,
        )

    def listen(
        self,
        sound: Sound,
        *,
        own: Span | None = None,
        language: str | None = None,
        speakers: int | None = None,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> Hearing:
        """What is heard; what `on_progress` raises ends the work.

        Words and voices at the same time: each engine has moments in which it leaves a core idle.
        `own`: the seconds of the sound that are to be heard, the rest being there for its context;
        by default all. `speakers`: how many speak in this very sound, if known.
        """
        seconds: dict[str, float] = {}
        with timed(seconds, "hearing"), ThreadPoolExecutor(1, "voices") as beside:
            voices = Voices(self.diarizer, sound, speakers)
            waiting = beside.submit(copy_context().run, voices.listen)
            try:
                with timed(seconds, "recognition"):
                    blocks = self.recognizer.hear(
                        sound,
                        own=own,
                        language=language,
                        on_progress=lambda done: on_progress(_progress(done, voices.done)),
                    )
                hearing = Hearing(blocks, None, seconds)
                if not hearing.has_words:
                    return hearing  # so that nobody's voice is asked for
                while not wait([waiting], timeout=_LOOK).done:
                    on_progress(_progress(1.0, voices.done))
            finally:
                voices.stop()
        found = waiting.result()
        seconds["diarization"] = voices.seconds
        on_progress(1.0)
        return Hearing(blocks, found, seconds)

    def put_together(
        self,
        heard: Sequence[tuple[float, Hearing]],
        *,
        source: Source,
        duration: float,
        job_id: str,
        warnings: Sequence[Warning],
        seconds: Mapping[str, float],
        language: str | None = None,
        speakers: int | None = None,
    ) -> Transcript:
        """The transcript. `heard`: each part and the second at which its sound begins, in order.

        `duration` in seconds; `warnings` and `seconds`: what was found amiss, and spent, before
        anybody listened. Raises NoSpeech where nobody says a word.
        """
        blocks = [block.shifted(offset) for offset, part in heard for block in part.blocks]
        recognition = join(blocks, language=language)
        _refuse_silence(recognition.words)
        warnings = [*warnings, *recognition.warnings]
        with_words = [(offset, part.voices) for offset, part in heard if part.has_words]
        spent = dict(seconds)
        for name, value in (each for _, part in heard for each in part.seconds.items()):
            spent[name] = spent.get(name, 0.0) + value
        try:
            with timed(spent, "clustering"):
                turns = self._tell_apart(with_words, duration, speakers)
        except DiarizationFailed as error:
            logger.warning("diarization failed", exc_info=error)
            turns = []
            warnings.append(
                Warning(
                    code="diarization_failed",
                    message="Speakers could not be told apart; the words are complete.",
                )
            )
        whose = assign(recognition.words, turns)
        unassigned = whose.count(None)
        if unassigned and not any(warning.code == "diarization_failed" for warning in warnings):
            warnings.append(
                Warning(
                    code="unassigned_words",
                    message=f"{unassigned} of {len(whose)} words could not be given to a speaker.",
                )
            )
        return self._transcript(
            source=source,
            duration=duration,
            job_id=job_id,
            language=recognition.language,
            language_probability=recognition.language_probability,
            segments=segment(recognition.words, whose),
            turns=turns,
            warnings=warnings,
            diarization=self.diarizer.name,
            seconds=spent,
            parts=len(heard),
        )

    def _tell_apart(
        self,
        heard: Sequence[tuple[float, Evidence | None]],
        duration: float,
        speakers: int | None,
    ) -> list[Turn]:
        known = [(offset, voices) for offset, voices in heard if voices is not None]
        if len(known) < len(heard):
            raise DiarizationFailed(f"{len(heard) - len(known)} of {len(heard)} parts failed")
        with blamed(self.diarizer):
            return self.diarizer.tell_apart(known, duration=duration, speakers=speakers)

    def _transcript(
        self,
        *,
        source: Source,
        duration: float,
        job_id: str,
        language: str | None,
        language_probability: float | None,
        segments: list[Segment],
        turns: list[Turn],
        warnings: list[Warning],
        diarization: str,
        seconds: Mapping[str, float],
        parts: int = 1,
    ) -> Transcript:
        return Transcript(
            job_id=job_id,
            source=source,
            duration=round(duration, 3),
            speakers_count=len({turn.speaker for turn in turns}),
            language=language,
            language_probability=language_probability,
            transcription=segments,
            turns=turns,
            warnings=warnings,
            provenance={
                "recognition": self.recognizer.provenance,
                "diarization": {"engine": diarization},
                "debate_analyzer_version": _own_version(),
                "parts": parts,
                "seconds": {name: round(value, 2) for name, value in seconds.items()},
                "real_time_factor": round(
                    sum(took for name, took in seconds.items() if name not in _AT_ONCE) / duration,
                    4,
                ),
            },
        )


def _share(
    on_progress: Callable[[float], None], number: int, count: int
) -> Callable[[float], None]:
    """For the `number`th of `count` pieces of the work, all taken for equal."""
    return lambda done: on_progress((number + done) / count)


def _refuse_silence(words: Sequence[SpokenWord]) -> None:
    if not words:
        raise NoSpeech(
            "Nobody is heard speaking in this recording. "
            "Check that it has the right audio track, and that it is loud enough."
        )


def _progress(words: float, voices: float) -> float:
    return words * _WORDS + voices * (1 - _WORDS)


def _own_version() -> str | None:
    """None in an image, where the source is copied and not installed."""
    try:
        return version("debate-analyzer")
    except PackageNotFoundError:
        return None
