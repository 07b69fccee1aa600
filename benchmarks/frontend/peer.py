"""The same debate in hyperaudio-lite, an open viewer of transcripts without a framework:
https://github.com/hyperaudio/hyperaudio-lite

Its transcript is HTML, a `<span>` a word, which somebody has to write first; here this does. It
shows a transcript and follows the recording; it draws, counts, edits and finds nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from html import escape
from pathlib import Path

from debate_analyzer.transcript import Transcript, Word

VERSION = "2.6.4"
ROOT = "package"
"""Within the folder: what is to be served."""
_PAGE = """<!doctype html><meta charset="utf-8"><title>hyperaudio-lite</title>
<audio id="hyperplayer" controls src="{recording}"></audio>
<div id="hypertranscript" style="height: 600px; overflow-y: scroll">
<article><section>{text}</section></article></div>
<script src="js/hyperaudio-lite.js"></script>
<script>
new HyperaudioLite({{ transcript: "hypertranscript", player: "hyperplayer", autoScroll: true }});
window.isSetUp = true;
</script>"""


def write(folder: Path, transcript: Transcript, recording: Path) -> bool:
    """The page and what it needs, in the folder; False where there is no npm to fetch it with."""
    npm = shutil.which("npm")
    if npm is None:
        return False
    packing = [npm, "pack", f"hyperaudio-lite@{VERSION}", "--silent"]
    done = subprocess.run(packing, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return False
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    text = "".join(
        f'<p><span class="speaker" data-m="{_ms(segment.start)}" data-d="0">'
        f"{escape(segment.speaker or '')} </span>{_words(segment.words)}</p>"
        for segment in transcript.transcription
    )
    root = folder / ROOT
    shutil.copy(recording, root / "debate.webm")
    (root / "index.html").write_text(_PAGE.format(recording="debate.webm", text=text))
    return True


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _words(words: list[Word]) -> str:
    return "".join(
        f'<span data-m="{_ms(word.start)}" data-d="{_ms(word.end - word.start)}">'
        f"{escape(word.word)} </span>"
        for word in words
    )
