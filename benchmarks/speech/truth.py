"""What is true of a recording, as NIST's formats hold it: RTTM has turns, STM words with them.

RTTM: https://web.archive.org/web/20170119114252/http://www.itl.nist.gov/iad/mig/tests/rt/2009/docs/rt09-meeting-eval-plan-v2.pdf
STM: https://github.com/usnistgov/SCTK/blob/master/doc/infmts.htm
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One speaker speaking, in seconds. `text` is empty where only the turn is known."""

    start: float
    end: float
    speaker: str
    text: str = ""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


class UnreadableTruth(ValueError):
    """A line of an RTTM or STM that is not one."""


def read_rttm(path: Path) -> list[Turn]:
    """The SPEAKER lines in order of their start. Raises UnreadableTruth."""
    turns = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match line.split():
            case ["SPEAKER", _, _, start, length, _, _, speaker, *_]:
                begin, seconds = _numbers(path, number, start, length)
                turns.append(_turn(path, number, begin, begin + seconds, speaker))
            case ["SPEAKER", *_]:
                raise UnreadableTruth(f"{path}, line {number}: not an RTTM SPEAKER line.")
    return sorted(turns)


def read_stm(path: Path) -> list[Turn]:
    """The utterances in order of their start. Raises UnreadableTruth."""
    turns = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith(";;"):
            continue
        fields = line.split(maxsplit=5)
        if len(fields) < 5:
            raise UnreadableTruth(f"{path}, line {number}: not an STM line.")
        _, _, speaker, start, end, *rest = fields
        text = rest[0] if rest else ""
        if text.startswith("<") and ">" in text:
            text = text.partition(">")[2].strip()  # SCTK's optional label, <o,f0,female>
        if speaker != "inter_segment_gap":
            turns.append(_turn(path, number, *_numbers(path, number, start, end), speaker, text))
    return sorted(turns)


def write_rttm(path: Path, turns: Iterable[Turn]) -> None:
    """One SPEAKER line a turn; the recording has the file's name."""
    name = path.stem
    lines = (
        f"SPEAKER {name} 1 {t.start:.3f} {t.duration:.3f} <NA> <NA> {t.speaker} <NA> <NA>\n"
        for t in turns
    )
    path.write_text("".join(lines))


def write_stm(path: Path, turns: Iterable[Turn]) -> None:
    """One line an utterance; the recording has the file's name."""
    path.write_text(
        "".join(f"{path.stem} 1 {t.speaker} {t.start:.3f} {t.end:.3f} {t.text}\n" for t in turns)
    )


def _numbers(path: Path, number: int, first: str, second: str) -> tuple[float, float]:
    try:
        return float(first), float(second)
    except ValueError as error:
        raise UnreadableTruth(f"{path}, line {number}: {error}.") from error


def _turn(path: Path, number: int, start: float, end: float, speaker: str, text: str = "") -> Turn:
    if start < 0 or end < start:
        raise UnreadableTruth(f"{path}, line {number}: from {start} s to {end} s.")
    return Turn(start, end, speaker, text)
