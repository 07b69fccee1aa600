"""Finds where something was said, in all debates that the one who asks may read.

The index says where to look. Whether a debate may be shown, and which version of its text counts,
its row says, as it is when it is asked about: nothing of another's private debate goes out, not
even that there is one.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import islice

from debate_analyzer.caller import Caller
from debate_analyzer.errors import InvalidRequest
from debate_analyzer.job import Job
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable
from debate_analyzer.search.library import Library, Volume
from debate_analyzer.search.piece import Passage, age
from debate_analyzer.search.shard import Candidate, Look, Place, Shard
from debate_analyzer.search.words import Phrase, Span, phrases, spans, tokens, words

LONG_ENOUGH = timedelta(seconds=8)
"""A question that took so long is answered with what was found, and a cursor to go on from."""

_AT_ONCE = 10  # shards that are opened together; boto3 keeps as many connections
_SNIPPET = 240  # characters
_DAY = 86_400_000_000  # microseconds
_AFTER_ALL = "~"  # after every job id


@dataclass(frozen=True)
class Question:
    """What somebody asks. Days are of the debates' creation, in UTC, inclusive."""

    text: str
    speaker: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    cursor: str | None = None


@dataclass(frozen=True)
class Part:
    """Of a snippet: a run of text that matches, or one between matches."""

    text: str
    match: bool


@dataclass(frozen=True)
class Hit:
    """A passage: `start` and `end` of what matches first in it, in seconds."""

    job: Job
    start: float
    end: float
    speaker: str | None
    snippet: list[Part]


@dataclass(frozen=True)
class Found:
    """Newest debates first, and within one in order of time. With a cursor there may be more, also
    where there is no hit."""

    hits: list[Hit]
    cursor: str | None


@dataclass(frozen=True)
class Finder:
    """Of one process, for one question at a time."""

    table: JobTable
    library: Library
    pool: Executor
    clock: Callable[[], float] = time.monotonic

    def find(self, question: Question, caller: Caller, limit: int) -> Found:
        """At most `limit` hits. Raises InvalidRequest."""
        asked = phrases(question.text)
        shelf = self.library.now()
        look = Look(
            phrases=asked,
            speaker=_speaker(question.speaker),
            after=_after(question),
            before=_age(question.first_day) + 1 if question.first_day else None,
            owners=None if caller.is_admin else caller.owners,
            unsure=shelf.unsure,
        )
        search = _Search(look, shelf.volumes, self.pool, self.clock)
        shown: list[tuple[Candidate, Shard, Job]] = []
        cursor: str | None = None
        for each in self._visible(search.candidates(), caller, limit):
            if len(shown) == limit:
                cursor = _cursor(shown[-1][0].place)
                break
            shown.append(each)
        else:
            cursor = _cursor(search.reached) if search.reached else None
        texts = {(candidate.start, id(shard)): (candidate, shard) for candidate, shard, _ in shown}
        read = self.pool.map(lambda at: at[1].passages(at[0]), texts.values())
        said = dict(zip(texts, read, strict=True))
        return Found(
            hits=[
                _hit(job, said[candidate.start, id(shard)][candidate.place.number], asked)
                for candidate, shard, job in shown
            ],
            cursor=cursor,
        )

    def _visible(
        self, candidates: Iterator[tuple[Candidate, Shard]], caller: Caller, limit: int
    ) -> Iterator[tuple[Candidate, Shard, Job]]:
        """Those whose rows say that they may be shown and that this is their text."""
        last: Place | None = None
        size = limit + 1
        while some := list(islice(candidates, size)):
            rows = self.table.get_many({candidate.place.job_id for candidate, _ in some})
            shown = {(row.job_id, row.searchable): row for row in rows if may_find(caller, row)}
            for candidate, shard in some:
                place = candidate.place
                row = shown.get((place.job_id, place.version))
                if row is not None and place != last:
                    yield candidate, shard, row
                last = place
            size = 100  # a batch of the table's: the first were not enough


def may_find(caller: Caller, job: Job) -> bool:
    """Whether a search shows the debate: what is published to everybody. Without sign-in the id is
    the whole authority, and is given away to nobody."""
    if job.status is Status.DELETED:
        return False
    return job.is_public or (not caller.is_anonymous and caller.may_read(job))


@dataclass(order=True)
class _Stream:
    """The candidates of a shard, of which the first is at hand."""

    place: Place
    shard: Shard = field(compare=False)
    some: deque[Candidate] = field(compare=False)
    more: Iterator[list[Candidate]] = field(compare=False)

    def next(self) -> bool:
        self.some.popleft()
        if not self.some:
            self.some.extend(next(self.more))
        if self.some:
            self.place = self.some[0].place
        return bool(self.some)


@dataclass
class _Search:
    """`reached`: where the candidates ended because time was up. That is at the end of a day: what
    a cursor says must not tell of what is not shown."""

    look: Look
    volumes: Sequence[Volume]
    pool: Executor
    clock: Callable[[], float]
    reached: Place | None = None

    def candidates(self) -> Iterator[tuple[Candidate, Shard]]:
        """Of all shards, in order. Shards are opened when their time comes."""
        began = self.clock()
        waiting = deque(sorted(filter(self._matters, self.volumes), key=lambda each: each.newest))
        streams: list[_Stream] = []
        while True:
            while waiting and (not streams or waiting[0].newest <= streams[0].place.age):
                if not streams and self.clock() - began > LONG_ENOUGH.total_seconds():
                    self.reached = self._end_before(waiting[0].newest)
                    if self.reached:
                        return
                some = [waiting.popleft() for _ in range(min(_AT_ONCE, len(waiting)))]
                for stream in self.pool.map(self._stream, some):
                    if stream is not None:
                        heapq.heappush(streams, stream)
            if not streams:
                return
            stream = streams[0]
            yield stream.some[0], stream.shard
            if stream.next():
                heapq.heapreplace(streams, stream)
            else:
                heapq.heappop(streams)

    def _matters(self, volume: Volume) -> bool:
        too_new = self.look.after is not None and volume.oldest < self.look.after.age
        too_old = self.look.before is not None and volume.newest >= self.look.before
        return not too_new and not too_old

    def _stream(self, volume: Volume) -> _Stream | None:
        more = volume.shard.candidates(self.look)
        some = deque(next(more))
        return _Stream(some[0].place, volume.shard, some, more) if some else None

    def _end_before(self, newest: int) -> Place | None:
        """None where no whole day is done: whoever goes on must get further."""
        day = newest // _DAY * _DAY - 1  # its end, since ages count backwards
        further = self.look.after is None or day > self.look.after.age
        return Place(day, _AFTER_ALL, 0, 0) if further else None


def _speaker(name: str | None) -> Phrase:
    found = tuple(words(name or ""))
    if name is not None and not found:
        raise InvalidRequest("speaker: there is no word in it to look for. Write a name.")
    return found


def _age(day: date) -> int:
    return age(datetime.combine(day, time_of_day(), UTC))


def _after(question: Question) -> Place | None:
    first, last = question.first_day, question.last_day
    if first and last and first > last:
        raise InvalidRequest(f"from is {first} and to is {last}: from must not be after to.")
    begin = None
    if last and last < date.max:
        # Whatever was created on the next day or later comes before this place.
        begin = Place(_age(last + timedelta(days=1)), _AFTER_ALL, 0, 0)
    place = _place(question.cursor) if question.cursor else None
    return max(filter(None, (begin, place)), default=None)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        age_, job_id, version, number = json.loads(data)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidRequest(_BAD_CURSOR) from error
    numbers = (age_, version, number)
    if not (isinstance(job_id, str) and all(type(n) is int and abs(n) < 1 << 62 for n in numbers)):
        raise InvalidRequest(_BAD_CURSOR)
    return Place(age_, job_id, version, number)


_BAD_CURSOR = "cursor: it is none of ours. Take next_cursor of the page before, as it stands."


def _hit(job: Job, passage: Passage, asked: Sequence[Phrase]) -> Hit:
    found = spans(tokens(passage.text), asked)
    start, end = passage.times(*found[0])
    return Hit(job, start, end, passage.speaker, snippet(passage.text, found))


def snippet(text: str, found: Sequence[Span]) -> list[Part]:
    """What stands around the first match, in whole words, cut up at matches."""
    begin = max(0, (found[0][0] + found[0][1] - _SNIPPET) // 2)
    if begin:
        begin = min(text.find(" ", begin) + 1 or begin, found[0][0])
    end = begin + _SNIPPET
    if end < len(text):
        end = max(text.rfind(" ", begin, end), found[0][1])
    parts, at = [], begin
    for first, last in found:
        if last > end:
            break
        parts += [Part(text[at:first], match=False), Part(text[first:last], match=True)]
        at = last
    parts.append(Part(text[at:end], match=False))
    return [part for part in parts if part.text]
