"""The speaker table beside a transcript, for those who query many of them."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from debate_analyzer.statistics import Statistics

# The first four columns are those that readers have had from the start.
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
    ]
)


def speaker_table(statistics: Statistics) -> pa.Table:
    """One row a speaker; no rows for a debate in which nobody was heard."""
    rows = [
        {
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
        }
        for speaker in statistics.speakers
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write_parquet(statistics: Statistics) -> bytes:
    """The table as a Parquet file in memory: a few kilobytes."""
    buffer = io.BytesIO()
    pq.write_table(speaker_table(statistics), buffer, compression="zstd")
    return buffer.getvalue()
