"""Search over what was said: docs/search.md.

Nothing is imported here: most of the application wants `mark` and no index.
"""

from __future__ import annotations

from uuid import uuid4

from debate_analyzer.ports import ObjectStore


def mark(store: ObjectStore, job_id: str) -> None:
    """To be called after the row of a debate that may be in the index was deleted, published or
    withdrawn: within minutes the index says of it what the row says, and nothing of a debate that
    is DELETED or has no row. Repeating it does no harm."""
    store.put(f"search/new/{job_id}/{uuid4()}.mark", b"", "application/octet-stream")
