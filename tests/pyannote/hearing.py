"""What the pyannote adapter makes of pipelines and sounds, in the environment of the GPU image.

Run by that environment's Python: a request as JSON on standard input, the answer as the last line
of standard output. The pipelines of `models` are loaded; the last one hears the `sounds`, each
in its `parts`: first and last sample.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from opentelemetry import metrics

from batch_images.transcribe.diarization.pyannote_diarizer import PyannoteDiarizer
from batch_images.transcribe.sound import SAMPLE_RATE, Sound, write_sound
from debate_analyzer.errors import Misconfigured


def main() -> None:
    request = json.load(sys.stdin)
    asked_for: set[str] = set()

    def notice(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            asked_for.add(str(arguments[0]))

    sys.addaudithook(notice)
    refusals: dict[str, str | None] = {}
    diarizer = None
    for model in request["models"]:
        try:
            diarizer = PyannoteDiarizer(model=model, device="cpu")
            refusals[model] = None
        except Misconfigured as error:
            refusals[model] = str(error)
    heard = {name: hear(diarizer, **sound) for name, sound in request["sounds"].items()}
    metrics.get_meter_provider().force_flush()  # what it counts for its makers would be sent now
    answer = {"refusals": refusals, "heard": heard, "hosts": sorted(asked_for)}
    sys.stdout.write(f"\n{json.dumps(answer)}\n")


def hear(
    diarizer: PyannoteDiarizer | None, sound: str, parts: list[list[int]], speakers: int | None
) -> dict[str, Any]:
    assert diarizer is not None
    whole = Sound(Path(sound))
    progress: list[float] = []
    heard = []
    for number, (first, last) in enumerate(parts):
        part = write_sound(whole.read(first, last), Path(f"{sound}.{number}"))
        evidence = diarizer.listen(part, speakers=speakers, on_progress=progress.append)
        heard.append((first / SAMPLE_RATE, evidence))
    turns = diarizer.tell_apart(heard, duration=whole.duration, speakers=speakers)
    return {"turns": [(turn.start, turn.end, turn.speaker) for turn in turns], "progress": progress}


if __name__ == "__main__":
    main()
