"""The first four columns of the speaker table, which the core measures fill, written fast."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from batch_images.stats.core import Core
from batch_images.stats.parquet import SCHEMA

CORE_SCHEMA = pa.schema(
    [SCHEMA.field(name) for name in ("speaker", "total_time_sec", "segment_count", "word_count")]
)


def write_core_parquet(core: Core) -> bytes:
    """Half a kilobyte as it is: what would make it smaller or its search faster costs more than the
    figures do."""
    columns = [
        [speaker.speaker for speaker in core.speakers],
        [speaker.speaking_time for speaker in core.speakers],
        [speaker.segments for speaker in core.speakers],
        [speaker.words for speaker in core.speakers],
    ]
    arrays = [
        pa.array(column, kind) for column, kind in zip(columns, CORE_SCHEMA.types, strict=True)
    ]
    out = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=CORE_SCHEMA),
        out,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
    )
    return bytes(out.getvalue())
