"""How fast search answers, what its index weighs, and what a debate costs it:
`python -m benchmarks.search`.

Debates are made of words drawn from a vocabulary as English has it, by Zipf's law with its usual
exponent; ten minutes, 1,500 words in the mean, 60 in a passage, three speakers. That is right about
how many words are rare and how many are in every debate, and wrong about which stand together: real
phrases are found in fewer places, and real text packs better.

The index is the product's, brought and merged as the product does it, in files that answer ranges
as a bucket does: at once, and once more with what a request of S3 takes. Beside it, the same texts
in one SQLite file of the standard library (FTS5, with its own tokenizer, newest first), which would
have to be on the machine that is asked, and a scan of all texts.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import cast

from benchmarks.machine import describe
from debate_analyzer.caller import Caller
from debate_analyzer.job import Job, announced
from debate_analyzer.pipeline import Status
from debate_analyzer.ports import JobTable, ObjectStore, StoredObject
from debate_analyzer.search.finder import Finder, Question, may_find
from debate_analyzer.search.library import Library, OpenShards
from debate_analyzer.search.manifest import read_manifest
from debate_analyzer.search.merger import Merger
from debate_analyzer.search.piece import Said, dump, passages, piece_of
from debate_analyzer.search.words import phrases

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
VOCABULARY, EXPONENT = 60_000, 1.0
WORDS, PASSAGE, SPREAD = 1_500, 60, 0.4  # the last of the logarithm of a debate's length
BATCH = 70  # debates that come in a minute, where 100,000 come in a day
QUESTIONS = 50
OWNERS = 50  # half of the debates are private
CALLER = Caller("owner 1")
S3_SECONDS = 0.02  # what a small read takes, about; assumed

_VOWELS, _CONSONANTS = "aeiou", "bcdfghlmnprst"


@dataclass
class Folder:
    """The part of ports.ObjectStore that search asks for, in files. Each request waits `wait`."""

    path: Path
    wait: float = 0.0
    requests: int = 0
    stored: dict[str, StoredObject] = field(default_factory=dict)

    def _at(self, key: str) -> Path:
        self.requests += 1
        if self.wait:
            time.sleep(self.wait)
        return self.path / key.replace("/", "_")

    def get(self, key: str) -> tuple[bytes, str] | None:
        """See the port."""
        path = self._at(key)
        return (path.read_bytes(), self.stored[key].etag) if key in self.stored else None

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See the port."""
        with self._at(key).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def put(
        self,
        key: str,
        data: bytes,
        content_type: str,
        *,
        if_match: str | None = None,
        fencing_token: int = 0,
    ) -> str:
        """See the port; nobody else writes here."""
        self._at(key).write_bytes(data)
        etag = str(time.monotonic_ns())
        self.stored[key] = StoredObject(key, len(data), etag, "", datetime.now(UTC))
        return etag

    def download(self, key: str, path: Path) -> None:
        """See the port."""
        path.write_bytes(self._at(key).read_bytes())

    def upload(self, path: Path, key: str, content_type: str) -> None:
        """See the port."""
        self.put(key, path.read_bytes(), content_type)

    def delete(self, prefix: str) -> None:
        """See the port."""
        for found in self.list(prefix):
            self._at(found.key).unlink()
            del self.stored[found.key]

    def list(self, prefix: str) -> list[StoredObject]:
        """See the port."""
        self._at(prefix)
        return [found for key, found in list(self.stored.items()) if key.startswith(prefix)]


@dataclass
class Rows:
    """The part of ports.JobTable that search asks for."""

    wait: float = 0.0
    jobs: dict[str, Job] = field(default_factory=dict)

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        """See the port."""
        if self.wait:
            time.sleep(self.wait)
        return [self.jobs[job_id] for job_id in job_ids if job_id in self.jobs]


@dataclass(frozen=True)
class Corpus:
    """Words by rank, and how they are drawn."""

    chance: random.Random
    words: Sequence[str]
    weights: Sequence[float]

    def draw(self, count: int) -> list[str]:
        """Words in a row."""
        return self.chance.choices(self.words, cum_weights=self.weights, k=count)


def corpus(seed: int) -> Corpus:
    """A language of syllables; the more frequent a word, the shorter it is."""
    chance = random.Random(seed)
    syllables = [c + v for c in _CONSONANTS for v in _VOWELS]
    found = itertools.chain.from_iterable(
        map("".join, itertools.product(syllables, repeat=n)) for n in (1, 2, 3)
    )
    pool = list(islice(found, VOCABULARY * 2))
    words = pool[:4000] + chance.sample(pool[4000:], VOCABULARY - 4000)
    weights = itertools.accumulate(1 / rank**EXPONENT for rank in range(1, VOCABULARY + 1))
    return Corpus(chance, words, list(weights))


def debate(text: Corpus, number: int) -> tuple[Job, list[Said]]:
    """A debate that was counted, half an hour after the one before."""
    job_id = f"7c9e6679-7425-40de-944b-{number:012d}"
    job = announced(
        owner=f"owner {number % OWNERS}",
        title=f"Debate {number}",
        media=None,
        now=BEGAN + timedelta(minutes=30 * number),
        job_id=job_id,
        published=number % 2 == 0,
    ).model_copy(update={"version": 3, "searchable": 3, "status": Status.COMPLETE})
    length = int(WORDS * text.chance.lognormvariate(-(SPREAD**2) / 2, SPREAD))
    words = text.draw(length)
    said = [
        Said(at * 0.4, (at + PASSAGE) * 0.4, f"Speaker {text.chance.randrange(3)}", " ".join(some))
        for at in range(0, length, PASSAGE)
        if (some := words[at : at + PASSAGE])
    ]
    return job, said


def questions(text: Corpus, texts: Sequence[str]) -> list[tuple[str, str]]:
    """Kinds and questions: of words of all ranks, of two, and of phrases that were said."""
    chance = text.chance
    kinds: list[tuple[str, Callable[[], str]]] = [
        ("a frequent word", lambda: chance.choice(text.words[:100])),
        ("a word", lambda: chance.choice(text.words[100:5000])),
        ("a rare word", lambda: chance.choice(text.words[20_000:])),
        ("two words", lambda: " ".join(chance.sample(text.words[:3000], 2))),
        ("a phrase", lambda: f'"{_some_words(chance, chance.choice(texts))}"'),
    ]
    return [(kind, make()) for kind, make in kinds for _ in range(QUESTIONS // len(kinds))]


def _some_words(chance: random.Random, text: str) -> str:
    words = text.split()
    first = chance.randrange(max(1, len(words) - 3))
    return " ".join(words[first : first + 3])


def percentile(times: Sequence[float], share: float) -> float:
    """Nearest rank."""
    return sorted(times)[math.ceil(share * len(times)) - 1]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--debates", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(10) as pool:
        archive = Archive(Path(folder), pool, corpus(options.seed))
        for number in range(options.debates):
            archive.add(number)
            if number % BATCH == BATCH - 1 or number == options.debates - 1:
                archive.merge()
        archive.report()
        archive.ask()


@dataclass
class Archive:
    """Debates in both indexes, and what it took to bring them there, in seconds."""

    folder: Path
    pool: ThreadPoolExecutor
    text: Corpus
    said: list[tuple[str, str]] = field(default_factory=list)
    bringing: list[float] = field(default_factory=list)
    merging: list[float] = field(default_factory=list)
    comparing: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bucket, self.rows = Folder(self.folder), Rows()
        self.store, self.table = cast("ObjectStore", self.bucket), cast("JobTable", self.rows)
        shards = OpenShards(self.store, 64 << 20)
        self.merger = Merger(self.table, self.store, shards, self.pool, lambda: datetime.now(UTC))
        self.peer = sqlite3.connect(self.folder / "peer.db")
        self.peer.execute("CREATE VIRTUAL TABLE said USING fts5(text, debate UNINDEXED)")

    def add(self, number: int) -> None:
        """As the stats worker does, and to the peer."""
        job, said = debate(self.text, number)
        self.rows.jobs[job.job_id] = job
        with timed(self.bringing):
            piece = piece_of(job, passages(said), published=job.published)
            self.store.put(piece.key, dump(piece), "")
        with timed(self.comparing):
            self.peer.executemany(
                "INSERT INTO said VALUES (?, ?)",
                [(each.text, job.job_id) for each in piece.passages],
            )
        self.said += [(job.job_id, each.text) for each in piece.passages]

    def merge(self) -> None:
        """As the index function does every minute; and what the peer has kept open."""
        with timed(self.comparing):
            self.peer.commit()
        with timed(self.merging):
            self.merger.run()

    def report(self) -> None:
        """What it weighs and what it took."""
        shards = read_manifest(self.store)[0].shards
        words, debates = sum(entry.words for entry in shards), len(self.rows.jobs)
        text = sum(len(said) for _, said in self.said)
        print(f"{debates:,} debates, {words:,} words, {text / 1e6:.0f} MB of text; ", end="")
        print(f"shards of {', '.join(str(n) for n in sorted(s.debates for s in shards))} debates")
        print("\n| | index | sqlite3, one file |\n|---|---|---|")
        words_mb = sum(entry.words_bytes for entry in shards) / 1e6
        text_mb = sum(entry.text_bytes for entry in shards) / 1e6
        peer_mb = (self.folder / "peer.db").stat().st_size / 1e6
        print(f"| size | {words_mb:.0f} MB of words, {text_mb:.0f} MB of text | {peer_mb:.0f} MB |")
        mine, peer = 1000 * median(self.bringing), 1000 * sum(self.comparing) / debates
        print(f"| to bring a debate | {mine:.1f} ms, median | {peer:.1f} ms, mean |")
        mean = 1000 * sum(self.merging) / debates
        print(f"| to merge it | {mean:.1f} ms, mean; {max(self.merging):.1f} s the longest run | |")

    def ask(self) -> None:
        """The questions, of each."""
        asked = questions(self.text, [said for _, said in self.said])
        print(f"\n| {len(asked)} questions, 20 hits | median | 95 of 100 within | requests |")
        print("|---|---|---|---|")
        for wait in (0.0, S3_SECONDS):
            self.bucket.wait = self.rows.wait = wait
            of = f"; a request takes {1000 * wait:.0f} ms" if wait else ""
            self._time(f"a new process{of}", asked, lambda question: self._find(None, question))
            finder = self._finder()
            for _, question in asked:
                self._find(finder, question)
            warm = partial(self._find, finder)
            self._time(f"one that was asked before{of}", asked, warm)
        may = {job.job_id for job in self.rows.jobs.values() if may_find(CALLER, job)}
        self._time("sqlite3, one file", asked, lambda question: self._ask_peer(question, may))
        some = asked[:: len(asked) // 10]
        self._time("a scan of all texts", some, lambda question: self._scan(question, may))

    def _time(
        self, name: str, asked: Sequence[tuple[str, str]], ask: Callable[[str], object]
    ) -> None:
        times: list[float] = []
        requests = []
        for _, question in asked:
            before = self.bucket.requests
            with timed(times):
                ask(question)
            requests.append(self.bucket.requests - before)
        middle, most = 1000 * median(times), 1000 * percentile(times, 0.95)
        print(f"| {name} | {middle:.0f} ms | {most:.0f} ms | {median(requests):.0f} |")

    def _finder(self) -> Finder:
        library = Library(self.store, OpenShards(self.store, 192 << 20), self.pool)
        return Finder(self.table, library, self.pool)

    def _find(self, finder: Finder | None, question: str) -> object:
        return (finder or self._finder()).find(Question(question), CALLER, 20)

    def _ask_peer(self, question: str, may: set[str]) -> object:
        quoted = " ".join(f'"{" ".join(phrase)}"' for phrase in phrases(question))
        query = (
            "SELECT debate, snippet(said, 0, '', '', '', 30) FROM said"
            " WHERE said MATCH ? ORDER BY rowid DESC"
        )
        found = self.peer.execute(query, [quoted])
        return list(islice((row for row in found if row[0] in may), 20))

    def _scan(self, question: str, may: set[str]) -> object:
        wanted = [f" {' '.join(phrase)} " for phrase in phrases(question)]
        found = (
            job_id
            for job_id, said in reversed(self.said)
            if job_id in may and all(each in f" {said} " for each in wanted)
        )
        return list(islice(found, 20))


@contextmanager
def timed(times: list[float]) -> Iterator[None]:
    """How long the block takes, in seconds."""
    began = time.perf_counter()
    yield
    times.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
