"""A unit of work: one object, with what belongs to it, to go through one stage, once."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from debate_analyzer.pipeline import STAGES, Stage


class Unit(BaseModel):
    """The body of a work queue message.

    Its identity is the object's content: a second delivery of the same event, or a second upload
    of the same bytes, is the same unit, and the claim in the job row lets it through once. A
    transcript is counted with the edits that lie beside it: `edits` is their etag, where there are.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    stage_name: Literal["transcribe", "stats"]
    key: str
    etag: str
    edits: str | None = None
    owner: str = ""

    @property
    def id(self) -> str:
        return ":".join(filter(None, (self.etag, self.edits, self.key)))

    @property
    def stage(self) -> Stage:
        return STAGES[self.stage_name]
