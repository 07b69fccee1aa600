"""A unit of work: one object, to go through one stage, once."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from debate_analyzer.pipeline import STAGES, Stage


class Unit(BaseModel):
    """The body of a work queue message.

    Its identity is the object's content: a second delivery of the same event, or a second upload
    of the same bytes, is the same unit, and the claim in the job row lets it through once.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str
    stage_name: Literal["transcribe", "stats"]
    key: str
    etag: str
    owner: str = ""

    @property
    def id(self) -> str:
        return f"{self.etag}:{self.key}"

    @property
    def stage(self) -> Stage:
        return STAGES[self.stage_name]
