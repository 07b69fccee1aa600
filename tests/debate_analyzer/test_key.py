from __future__ import annotations

import pytest

from debate_analyzer import key
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE, stage_started_by
from tests.world import JOB_ID


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (key.video_key(JOB_ID, "Debate.MP4"), TRANSCRIBE),
        (key.video_key(JOB_ID, "a.b.webm"), TRANSCRIBE),
        (key.transcript_key(JOB_ID, "x"), STATS),
        (f"jobs/{JOB_ID}/transcripts/anything.json", STATS),
        (key.edits_key(JOB_ID), STATS),
        (f"jobs/{JOB_ID}/edits/notes.json", None),
        (key.speaker_stats_key(JOB_ID, "x"), None),
        (key.captions_key(JOB_ID, "x", "vtt"), None),
        (key.private_statistics_key(JOB_ID), None),
        (key.exports_key(JOB_ID, "x", "json"), None),
    ],
)
def test_which_key_leads_where(text: str, stage: object) -> None:
    parsed = key.parse_key(text)
    assert parsed is not None
    assert str(parsed) == text
    assert stage_started_by(parsed) is stage


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jobs/",
        f"jobs/{JOB_ID.upper()}/videos/a.mp4",
        f"jobs/{{{JOB_ID}}}/videos/a.mp4",
        f"jobs/{JOB_ID}/videos/",
        f"/jobs/{JOB_ID}/videos/a.mp4",
        key.statistics_key(JOB_ID),
        key.INDEX_KEY,
    ],
)
def test_other_shapes_lead_nowhere(text: str) -> None:
    assert key.parse_key(text) is None


def test_stems_link_a_transcript_to_its_recording() -> None:
    recording = key.parse_key(key.video_key(JOB_ID, "a.b.mp4"))
    assert recording is not None
    transcript = key.parse_key(key.transcript_key(JOB_ID, recording.stem))
    assert transcript is not None
    assert transcript.stem == recording.stem == "a.b"


def test_no_stage_starts_from_what_its_own_worker_or_a_later_one_writes() -> None:
    """The chain ends: following what each stage writes never comes back to a stage."""
    writes = {
        "transcribe": [key.transcript_key(JOB_ID, "x")]
        + [key.captions_key(JOB_ID, "x", suffix) for suffix in ("srt", "vtt", "txt")],
        "stats": [
            key.speaker_stats_key(JOB_ID, "x"),
            key.private_statistics_key(JOB_ID),
            key.exports_key(JOB_ID, "x", "json"),
        ],
    }
    order = list(STAGES)
    for name, keys in writes.items():
        for text in keys:
            parsed = key.parse_key(text)
            assert parsed is not None
            started = stage_started_by(parsed)
            assert started is None or order.index(started.name) > order.index(name)
