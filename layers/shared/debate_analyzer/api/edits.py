"""What people say of a debate: names, roles, merged speakers, corrections."""

from __future__ import annotations

from debate_analyzer.bootstrap import catalogue, edit_desk
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.edit_desk import EditRequest, EditsView
from debate_analyzer.job import utc_now


def history(job_id: str, caller: Caller, settings: Settings) -> EditsView:
    """What people have said of the debate, and what of it counts."""
    return edit_desk(settings).history(catalogue(settings).get(job_id, caller))


def edit(job_id: str, body: EditRequest, caller: Caller, settings: Settings) -> EditsView:
    """More of it: all of the operations or none. The debate is counted again with them."""
    job = catalogue(settings).get(job_id, caller)
    return edit_desk(settings).edit(job, body, by=caller.owner, now=utc_now())
