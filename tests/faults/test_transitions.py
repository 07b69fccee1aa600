from __future__ import annotations

from debate_analyzer.pipeline import ENDS, TRANSITIONS, Status
from tests.faults.transitions import PATH, document


def test_the_written_table_is_the_one_in_the_code() -> None:
    assert PATH.read_text(encoding="utf-8") == document(), "python -m tests.faults.transitions"


def test_every_status_has_a_way_to_every_end_and_none_leads_out_of_deleted() -> None:
    for status in set(Status) - {Status.DELETED}:
        reached = {status}
        while new := {after for one in reached for after in TRANSITIONS[one]} - reached:
            reached |= new
        assert reached >= ENDS
    assert TRANSITIONS[Status.DELETED] == set()
