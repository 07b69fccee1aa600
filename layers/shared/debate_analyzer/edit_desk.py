"""Where edits are read and added to: one document a debate, changed only by who has seen it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from debate_analyzer.catalogue import transcript_location
from debate_analyzer.edits import MAX_OPERATIONS, Edits, Entry, Operation, check, parse_edits
from debate_analyzer.errors import Conflict, NotReady
from debate_analyzer.job import Job
from debate_analyzer.key import edits_key
from debate_analyzer.ports import ObjectStore
from debate_analyzer.transcript import Transcript, parse_transcript

# A transcript of twelve hours of speech has some 13 MB.
MAX_CHECKED_BYTES = 16 << 20

_TRIES = 5


class EditRequest(BaseModel):
    """What a client wants to have added. `version`: the one that it has seen, or none to add to
    whatever there is by then."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    version: str | None = None
    operations: list[Operation] = Field(min_length=1, max_length=MAX_OPERATIONS)


class EditsView(BaseModel):
    """Every edit in order, and the ids of those that count. `version` is empty where there are
    none."""

    model_config = ConfigDict(defer_build=True)

    version: str
    entries: tuple[Entry, ...]
    in_force: list[str]


@dataclass(frozen=True)
class EditDesk:
    """The edits of debates that whoever asks may see."""

    store: ObjectStore

    def history(self, job: Job) -> EditsView:
        """All edits of a debate. Raises InvalidEdit where what lies there is no such document."""
        return _view(*self._stored(job))

    def edit(self, job: Job, request: EditRequest, *, by: str, now: datetime) -> EditsView:
        """Add operations, all or none. The bucket's event has the statistics counted again.

        Checked here: the shape of the operations, and that the transcript has the speakers,
        segments and words that they name. A transcript of more than MAX_CHECKED_BYTES is not read,
        since a function has little memory and half a minute. For such a one, and for what an undo
        or a newer transcript leaves without sense, it is the statistics worker that looks: it
        passes the operation by, and warns.

        Raises InvalidEdit, NotReady without a transcript, and Conflict where `request.version` is
        not the newest.
        """
        etag, transcript = self._transcript(job)
        for _ in range(_TRIES):
            edits, version = self._stored(job)
            if request.version not in (None, version):
                break
            edits = edits.appended(request.operations, by=by, at=now, transcript=etag)
            if transcript is not None:
                check(edits, transcript, etag, new=len(request.operations))
            try:
                version = self.store.put(
                    edits_key(job.job_id), edits.document(), "application/json", if_match=version
                )
            except Conflict:
                continue
            return _view(edits, version)
        raise Conflict("Somebody else edited this debate meanwhile. Look at it, then try again.")

    def _transcript(self, job: Job) -> tuple[str, Transcript | None]:
        """Its etag, and the transcript unless it is too large to be read here."""
        key = transcript_location(job)
        found = self.store.head(key) if key else None
        if found is not None and found.bytes > MAX_CHECKED_BYTES:
            return found.etag, None
        stored = self.store.get(found.key) if found else None
        if stored is None:
            raise NotReady("There is no transcript yet. It can be edited when it is there.")
        return stored[1], parse_transcript(stored[0])

    def _stored(self, job: Job) -> tuple[Edits, str]:
        found = self.store.get(edits_key(job.job_id))
        return (parse_edits(found[0]), found[1]) if found else (Edits(), "")


def _view(edits: Edits, version: str) -> EditsView:
    in_force = [entry.id for entry in edits.in_force()]
    return EditsView(version=version, entries=edits.entries, in_force=in_force)
