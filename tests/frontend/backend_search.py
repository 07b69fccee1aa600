"""Search over what tests let people say, by the models of the real one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from debate_analyzer.api.search import SearchHit, SearchPage, SearchQuery, SnippetPart
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.search.words import Phrase, phrases, spans, tokens, words


class SearchBackend:
    """Finds what was `said`. `sizes` are the hits of each page, of which some may be empty."""

    def __init__(self) -> None:
        self.said: list[SearchHit] = []
        self.sizes: Sequence[int] = (20,)
        self.asked: list[SearchQuery] = []

    def routes(self) -> list[Route]:
        return [Route("/api/search", self._find)]

    def say(self, job_id: str, title: str, start: float, speaker: str | None, text: str) -> None:
        """One passage of a debate, five seconds long."""
        hit = SearchHit(
            job_id=job_id,
            title=title,
            created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
            start=start,
            end=start + 5,
            speaker=speaker,
            snippet=[SnippetPart(text=text, match=False)],
        )
        self.said.append(hit)

    async def _find(self, request: Request) -> Response:
        try:
            query = SearchQuery.model_validate(dict(request.query_params))
            asked = phrases(query.q)
        except (ValidationError, InvalidRequest) as error:
            body = {"code": "invalid_request", "status": 422, "detail": str(error)}
            return JSONResponse(body, 422, media_type="application/problem+json")
        self.asked.append(query)
        hits = [hit for hit in self.said if _is_by(hit, query)]
        hits = [marked for hit in hits if (marked := _marked(hit, asked))]
        number, first = map(int, (query.cursor or "0-0").split("-"))
        size = self.sizes[min(number, len(self.sizes) - 1)]
        end = first + size
        cursor = f"{number + 1}-{end}" if end < len(hits) else None
        page = SearchPage(hits=hits[first:end], next_cursor=cursor)
        return JSONResponse(json.loads(page.model_dump_json()))


def _is_by(hit: SearchHit, query: SearchQuery) -> bool:
    day = hit.created_at.date()
    if (query.since and day < query.since) or (query.until and day > query.until):
        return False
    asked = tuple(words(query.speaker or ""))
    return set(asked) <= set(words(hit.speaker or ""))


def _marked(hit: SearchHit, asked: Sequence[Phrase]) -> SearchHit | None:
    """With what matches marked; None where not all that is asked for stands in it."""
    text = "".join(part.text for part in hit.snippet)
    found = tokens(text)
    if not all(spans(found, [phrase]) for phrase in asked):
        return None
    parts, end = [], 0
    for first, last in spans(found, asked):
        parts += [
            SnippetPart(text=text[end:first], match=False),
            SnippetPart(text=text[first:last], match=True),
        ]
        end = last
    parts.append(SnippetPart(text=text[end:], match=False))
    return hit.model_copy(update={"snippet": [part for part in parts if part.text]})
