from __future__ import annotations

import html
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer.captions import CUE_LINES, LINE_CHARACTERS, WRITERS, cues
from debate_analyzer.transcript import Segment, Transcript, Word


def _transcript(*segments: Segment) -> Transcript:
    return Transcript(duration=600, transcription=list(segments))


def _segment(
    text: str, speaker: str | None = "SPEAKER_00", start: float = 0.0, *, words: bool = True
) -> Segment:
    """Two words a second."""
    spoken = text.split(" ")
    return Segment(
        start=start,
        end=start + len(spoken) / 2,
        text=text,
        speaker=speaker,
        words=[
            Word(start=start + n / 2, end=start + n / 2 + 0.4, word=word)
            for n, word in enumerate(spoken)
        ]
        if words
        else [],
    )


LONG = "every year we repair the same bridge and every year it is too small for the city " * 3


def test_srt() -> None:
    transcript = _transcript(_segment("Good evening."), _segment("Hello?", "SPEAKER_01", 3661.5))
    assert WRITERS["srt"](transcript) == (
        "1\n00:00:00,000 --> 00:00:00,900\nSPEAKER_00: Good evening.\n\n"
        "2\n01:01:01,500 --> 01:01:01,900\nSPEAKER_01: Hello?\n"
    )


def test_vtt_names_speakers_in_voice_tags() -> None:
    assert WRITERS["vtt"](_transcript(_segment("Good evening."), _segment("Hm?", None, 4))) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:00.900\n<v SPEAKER_00>Good evening.</v>\n\n"
        "00:00:04.000 --> 00:00:04.400\nHm?\n"
    )


def test_what_is_spelled_with_joiners_keeps_them_and_loses_other_format_characters() -> None:
    word = "می\N{ZERO WIDTH NON-JOINER}خواهم"
    assert WRITERS["txt"](
        _transcript(_segment(f"{word} \N{RIGHT-TO-LEFT OVERRIDE}x", "A\x00B"))
    ) == (f"A B: {word} x\n")


def test_a_segment_without_text_makes_no_paragraph() -> None:
    transcript = _transcript(
        _segment("One."), _segment(" ", "SPEAKER_01", 2), _segment("Two.", start=4)
    )
    assert WRITERS["txt"](transcript) == "SPEAKER_00: One. Two.\n"


def test_txt_has_a_paragraph_for_each_change_of_speaker() -> None:
    transcript = _transcript(
        _segment("One."), _segment("Two.", start=2), _segment("No.", "SPEAKER_01", 4)
    )
    assert WRITERS["txt"](transcript) == "SPEAKER_00: One. Two.\n\nSPEAKER_01: No.\n"


@pytest.mark.parametrize("timed", [True, False], ids=["word times", "segment times only"])
def test_long_speech_becomes_cues_of_two_short_lines(timed: bool) -> None:
    transcript = _transcript(_segment(LONG.strip(), words=timed))
    shown = list(cues(transcript))

    assert len(shown) > 3
    assert all(len(cue.lines) <= CUE_LINES for cue in shown)
    assert all(len(line) <= LINE_CHARACTERS for cue in shown for line in cue.lines)
    assert all(cue.end - cue.start <= 7 for cue in shown)
    assert all(first.end <= second.start + 1e-9 for first, second in pairwise(shown))
    assert " ".join(line for cue in shown for line in cue.lines) == LONG.strip()


def test_the_name_stands_only_where_the_speaker_changes() -> None:
    assert WRITERS["srt"](_transcript(_segment(LONG.strip()))).count("SPEAKER_00:") == 1


HOSTILE = [
    "one\n\n2\n00:00:09,000 --> 00:00:10,000\nforged",
    "--> a ---> b",
    "</v><script>alert(1)</script>",
    "a & b < c",
    "\x00\x1b[31m\u2028\u202etxt.exe",
    "<v Moderator>not me",
    "NOTE forged",
    "WEBVTT",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["text", "speaker"])
def test_what_was_said_cannot_forge_a_cue_or_markup(text: str, where: str) -> None:
    one = _segment(text) if where == "text" else _segment("Hello.", text)
    expected = len(list(cues(_transcript(one))))

    for suffix in ("srt", "vtt"):
        written = WRITERS[suffix](_transcript(one))
        assert written.count("-->") == expected
        assert len(re.split(r"\n\n+", written.strip())) == expected + (suffix == "vtt")
    tags = re.findall(r"<[^>]*>", WRITERS["vtt"](_transcript(one)))
    assert all(tag == "</v>" or tag.startswith("<v ") for tag in tags)
    assert len(tags) == 2 * expected


@given(st.text(max_size=200), st.one_of(st.none(), st.text(max_size=20)), st.booleans())
def test_every_text_makes_well_formed_captions(text: str, speaker: str | None, timed: bool) -> None:
    transcript = _transcript(_segment(text, speaker, words=timed))
    shown = list(cues(transcript))
    for suffix in ("srt", "vtt"):
        written = WRITERS[suffix](transcript)
        assert written.count("-->") == len(shown)
        assert "\0" not in written
        assert written.endswith("\n")


_TIMES = re.compile(r"^(\d+):(\d\d):(\d\d)[.,](\d{3}) --> (\d+):(\d\d):(\d\d)[.,](\d{3})$")
_words = st.lists(st.text("abcé>-<&'", min_size=1, max_size=60), min_size=1, max_size=40)


def _read_back(written: str) -> list[tuple[float, float, str]]:
    """Start, end and text of each cue, with the entities and the voice taken out."""
    found = []
    for block in re.split(r"\n\n+", written.strip()):
        lines = block.split("\n")
        at = next((n for n, line in enumerate(lines) if _TIMES.match(line)), None)
        if at is None:
            assert block == "WEBVTT"
            continue
        h, m, s, ms, *end = (int(part) for part in re.findall(r"\d+", lines[at]))
        text = re.sub(r"^<v [^>]*>|</v>$", "", "\n".join(lines[at + 1 :]))
        start = h * 3600 + m * 60 + s + ms / 1000
        found.append((start, end[0] * 3600 + end[1] * 60 + end[2] + end[3] / 1000, text))
    return found


@given(_words, st.floats(0, 400_000), st.booleans())
def test_captions_read_back(spoken: list[str], start: float, timed: bool) -> None:
    """Every word is there once, in order, at a time that only moves forward."""
    transcript = _transcript(_segment(" ".join(spoken), None, round(start, 3), words=timed))
    expected = re.sub(r"-{2,}>", "→", " ".join(spoken)).split()

    srt, vtt = (_read_back(WRITERS[suffix](transcript)) for suffix in ("srt", "vtt"))

    assert [word for *_, text in srt for word in text.split()] == expected
    assert [(begin, end, html.unescape(text)) for begin, end, text in vtt] == srt
    assert all(begin <= end for begin, end, _ in srt)
    assert all(first[0] <= second[0] for first, second in pairwise(srt))
    assert srt[0][0] == pytest.approx(start, abs=0.0011)


def test_a_word_longer_than_a_line_stays_whole() -> None:
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 2
    shown = cues(_transcript(_segment(f"ein {word} {word} kurz", None)))
    assert [cue.lines for cue in shown] == [("ein", word), (word, "kurz")]


def test_nothing_said_makes_empty_captions() -> None:
    assert WRITERS["vtt"](_transcript()) == "WEBVTT\n"
    assert WRITERS["srt"](_transcript()) == "\n"
    assert WRITERS["txt"](_transcript()) == "\n"
