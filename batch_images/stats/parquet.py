"""One row a speaker: beside each transcript, and in the dataset that spans all debates."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from debate_analyzer.statistics import SpeakerStatistics, Statistics

# The first four columns are those that readers have had from the start. Columns are only added.
SCHEMA = pa.schema(
    [
        pa.field("speaker", pa.string(), nullable=False),
        pa.field("total_time_sec", pa.float64(), nullable=False),
        pa.field("segment_count", pa.int32(), nullable=False),
        pa.field("word_count", pa.int32(), nullable=False),
        pa.field("speaking_share", pa.float64(), nullable=False),
        pa.field("words_per_minute", pa.float64()),
        pa.field("turn_count", pa.int32(), nullable=False),
        pa.field("longest_turn_sec", pa.float64(), nullable=False),
        pa.field("mean_turn_sec", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64()),
        pa.field("job_id", pa.string(), nullable=False),
        pa.field("duration_sec", pa.float64(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("title", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("role", pa.string()),
        pa.field("side", pa.string()),
        pa.field("total_time_low_sec", pa.float64()),
        pa.field("total_time_high_sec", pa.float64()),
        pa.field("median_turn_sec", pa.float64(), nullable=False),
        pa.field("response_latency_sec", pa.float64()),
        pa.field("question_count", pa.int32()),
        pa.field("questions_answered_count", pa.int32()),
        pa.field("filler_count", pa.int32()),
        pa.field("backchannel_count", pa.int32()),
        pa.field("overlap_count", pa.int32()),
        pa.field("floor_taken_count", pa.int32()),
        pa.field("floor_lost_count", pa.int32()),
        pa.field("distinct_word_count", pa.int32(), nullable=False),
    ]
)


def speaker_table(statistics: Statistics) -> pa.Table:
    """No rows for a debate in which nobody was heard. `total_time_low_sec` and `…_high_sec` are the
    95 % interval of this debate's speaking time; null is what the transcript cannot carry."""
    rows = [_row(statistics, speaker) for speaker in statistics.speakers]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(statistics: Statistics, speaker: SpeakerStatistics) -> dict[str, Any]:
    uncertainty = speaker.uncertainty.get("speakingTime")
    bounds = uncertainty.this_debate if uncertainty else None
    began, suffered = speaker.overlap_starts, speaker.overlap_starts_suffered
    return {
        "speaker": speaker.speaker,
        "total_time_sec": speaker.speaking_time,
        "segment_count": speaker.segments,
        "word_count": speaker.words,
        "speaking_share": speaker.speaking_share,
        "words_per_minute": speaker.words_per_minute,
        "turn_count": speaker.turns,
        "longest_turn_sec": speaker.longest_turn,
        "mean_turn_sec": speaker.mean_turn,
        "confidence": speaker.confidence,
        "job_id": statistics.job_id,
        "duration_sec": statistics.duration,
        "language": statistics.language,
        "title": statistics.video_label,
        "name": speaker.name,
        "role": speaker.role,
        "side": speaker.side,
        "total_time_low_sec": bounds[0] if bounds else None,
        "total_time_high_sec": bounds[1] if bounds else None,
        "median_turn_sec": speaker.median_turn,
        "response_latency_sec": speaker.response_latency,
        "question_count": speaker.questions,
        "questions_answered_count": speaker.questions_answered,
        "filler_count": speaker.fillers,
        "backchannel_count": began.backchannel if began else None,
        "overlap_count": began.overlap if began else None,
        "floor_taken_count": began.floor_taken if began else None,
        "floor_lost_count": suffered.floor_taken if suffered else None,
        "distinct_word_count": speaker.vocabulary.distinct_words,
    }


def write_parquet(statistics: Statistics) -> bytes:
    """The table as a Parquet file in memory: a few kilobytes."""
    buffer = io.BytesIO()
    pq.write_table(speaker_table(statistics), buffer, compression="zstd")
    return buffer.getvalue()
