"""The demo debate's figures beside those of its script: `python -m benchmarks.statistics.demo`.

The same measures, of the script with its true times and of what the product hears in the recording
(whisper-base, the onnx diarizer). Where a figure has an interval for this debate it is given, with
a mark where the true figure lies outside it: the interval knows of boundaries that are a little off
and of words without a speaker, and of no other error.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from batch_images.stats.analysis import Input, analyse
from batch_images.stats.intervals import Times, length, within
from batch_images.transcribe.diarization import create_diarizer
from batch_images.transcribe.recognition import WhisperRecognizer
from batch_images.transcribe.recording import open_recording
from batch_images.transcribe.transcriber import Transcriber
from benchmarks.machine import describe
from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Segment, Transcript
from demo.truth import read_truth

RECORDING = Path("demo/debate.mp4")
FIGURES = {
    "speakingTime": "speaking time, s",
    "speakingShare": "share of time",
    "words": "words",
    "wordsPerMinute": "words a minute",
    "turns": "turns",
    "longestTurn": "longest turn, s",
    "meanTurn": "mean turn, s",
    "medianTurn": "median turn, s",
    "responseLatency": "response latency, s",
    "questions": "questions",
    "questionsAnswered": "questions answered",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models-dir", type=Path, default=Path(".models"))
    options = parser.parse_args()
    true, heard = _analysed(scripted()), _analysed(hear(options.models_dir))
    print(f"{RECORDING}, whisper-base int8, onnx diarizer; {describe()}\n")
    print("| figure | speaker | true | measured | 95 % for this debate |")
    print("|---|---|---|---|---|")
    for row in _rows(true, heard):
        print(f"| {' | '.join(row)} |")


def scripted() -> Transcript:
    """What was said in the demo debate, and when."""
    truth = read_truth()
    return Transcript(
        duration=truth.duration,
        language="en",
        transcription=[
            Segment(start=turn.start, end=turn.end, text=turn.text, speaker=turn.speaker)
            for turn in truth.turns
        ],
        turns=list(truth.turns),
    )


def hear(models: Path) -> Transcript:
    """What the product makes of the recording."""
    transcriber = Transcriber(
        WhisperRecognizer(str(models / "whisper-base"), device="cpu", compute_type="int8"),
        create_diarizer("onnx", models_dir=models),
    )
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        recording = open_recording(RECORDING, Path(folder, "sound"), key=RECORDING.name)
        return transcriber.transcribe(recording, job_id="demo")


def _analysed(transcript: Transcript) -> Statistics:
    document = Input("demo", transcript.model_dump_json().encode(), "", datetime.now(UTC))
    return analyse(document, job_id="demo", video_label="demo")


def _rows(true: Statistics, heard: Statistics) -> Iterator[list[str]]:
    theirs = {speaker.speaker: _plain(speaker) for speaker in heard.speakers}
    for label, name in _matched(true, heard).items():
        (given,) = (_plain(each) for each in true.speakers if each.speaker == label)
        found = theirs[name]
        for figure, title in FIGURES.items():
            yield [title, label, *_cells(given[figure], found[figure], found, figure)]
        for kind in ("backchannel", "overlap", "floorTaken"):
            title = f"overlap starts: {kind}"
            yield [
                title,
                label,
                str(given["overlapStarts"][kind]),
                str(found["overlapStarts"][kind]),
                "",
            ]
    ours, their = _plain(true.totals), _plain(heard.totals)
    for figure in ("speakingTime", "words", "turns", "silence", "overlap"):
        yield [figure, "all", *_cells(ours[figure], their[figure], their, figure)]


def _cells(true: float, heard: float, of: dict[str, Any], figure: str) -> list[str]:
    bounds = (of["uncertainty"].get(figure) or {}).get("thisDebate")
    if bounds is None:
        return [f"{true:.4g}", f"{heard:.4g}", ""]
    low, high = bounds
    outside = "" if low <= true <= high else " (the true one is outside)"
    return [f"{true:.4g}", f"{heard:.4g}", f"{low:.4g} to {high:.4g}{outside}"]


def _plain(model: Any) -> dict[str, Any]:
    plain: dict[str, Any] = model.model_dump(mode="json", by_alias=True)
    return plain


def _matched(true: Statistics, heard: Statistics) -> dict[str, str]:
    """The true speakers and who was heard in their place, by the most time together."""
    ours, theirs = _spans(true), _spans(heard)
    together = np.array(
        [
            [
                sum(length(within(found, start, end)) for start, end in given)
                for found in theirs.values()
            ]
            for given in ours.values()
        ]
    )
    rows, columns = linear_sum_assignment(-together)
    names, others = list(ours), list(theirs)
    return {names[row]: others[column] for row, column in zip(rows, columns, strict=True)}


def _spans(statistics: Statistics) -> dict[str, Times]:
    return {
        speaker.speaker: np.array(
            [
                (span.start, span.end)
                for span in statistics.evidence.speech
                if span.speaker == speaker.speaker
            ]
        )
        for speaker in statistics.speakers
    }


if __name__ == "__main__":
    main()
