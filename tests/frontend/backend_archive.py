"""The published index, as the real code projects it from a table in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.storage import Asked, Files, Rows
from debate_analyzer.job import Figures, Job, Person, announced
from debate_analyzer.key import private_statistics_key, statistics_key
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore
from debate_analyzer.publication import NoCdn, Publication, PublishRequest

FIRST = datetime(2026, 3, 2, 18, tzinfo=UTC)


def person(name: str, share: float, *, pace: float = 150.0, over: int | None = 2) -> Person:
    """Somebody with so much of 500 seconds' talk."""
    time = 500 * share
    return Person(
        name=name,
        speaking_time=time,
        speaking_share=share,
        words=round(time * pace / 60),
        words_per_minute=pace,
        overlap_starts=over,
    )


class ArchiveBackend:
    """Debates that were published a week after each other."""

    def __init__(self) -> None:
        self._files, self._rows = Files(), Rows()
        self._number = 0

    def routes(self) -> list[Route]:
        return [
            Route("/statistics/index.json", self._file),
            Route("/statistics/index/{path:path}", self._file),
        ]

    def add(self, title: str, *people: Person, job_id: str = "", language: str = "en") -> Job:
        """The newest debate."""
        created = FIRST + timedelta(weeks=self._number)
        self._number += 1
        figures = Figures(
            duration=600.0, speaking_time=500.0, words=1400, speakers=3, people=[*people]
        )
        job = announced(
            owner="ana",
            title=title,
            media=None,
            now=created,
            job_id=job_id or str(uuid4()),
            published=True,
        ).model_copy(
            update={
                "status": Status.COMPLETE,
                "figures": figures,
                "completed_at": created,
                "language": language,
                "check_at": created.timestamp(),
            }
        )
        self._rows.create(job)
        for key in (private_statistics_key(job.job_id), statistics_key(job.job_id)):
            self._files.objects[key] = (b"{}", "1")
        Publication(
            cast("JobTable", self._rows),
            cast("ObjectStore", self._files),
            Asked(),
            NoCdn(),
            lambda: datetime.now(UTC),
            lambda _: None,
        ).publish([PublishRequest(job_id=job.job_id)])
        return job

    def lose(self, key: str) -> None:
        """A file of the index is gone."""
        del self._files.objects[key]

    async def _file(self, request: Request) -> Response:
        found = self._files.objects.get(request.url.path.removeprefix("/"))
        if found is None:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403)
        return Response(found[0], media_type="application/json")
