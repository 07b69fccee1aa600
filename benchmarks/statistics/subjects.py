"""One measurement in a process of its own: `python -m …statistics.subjects TASK NAME PATH`.

Prints seconds by the clock and of the processor, files, and by how many MiB the peak of memory is
above that of the process with its libraries imported (VmHWM; where there is no /proc, ru_maxrss).
It also prints what was counted, so that nobody is fast for having done nothing. The peers are as
short as somebody would write them; each imports what it needs, so that one that is not installed
takes no other with it.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

Figures = dict[Any, list[float]]
PROCESSES = 2


def _sum(segments: Iterable[dict[str, Any]]) -> Figures:
    """Speaking time, words and segments of each speaker."""
    figures: Figures = defaultdict(lambda: [0.0, 0, 0])
    for segment in segments:
        of = figures[segment["speaker"]]
        of[0] += segment["end"] - segment["start"]
        of[1] += len(segment["text"].split())
        of[2] += 1
    return figures


# --- An archive: a function makes what is wanted once, and returns what reads one file ------------


def core() -> Callable[[Path], Any]:
    from batch_images.stats.core import count_file

    return lambda path: {
        each.speaker: [each.speaking_time, each.words, each.segments]
        for each in count_file(path).speakers
    }


def stdlib() -> Callable[[Path], Any]:
    return lambda path: _sum(json.loads(path.read_bytes())["transcription"])


def orjson() -> Callable[[Path], Any]:
    import orjson

    return lambda path: _sum(orjson.loads(path.read_bytes())["transcription"])


def msgspec() -> Callable[[Path], Any]:
    decoder = _decoder()

    def read(path: Path) -> Figures:
        with open(path, "rb") as file:
            document = decoder.decode(file.read())
        figures: Figures = {}
        for segment in document.transcription:
            try:
                of = figures[segment.speaker]
            except KeyError:
                of = figures[segment.speaker] = [0.0, 0, 0]
            of[0] += segment.end - segment.start
            of[1] += len(segment.text.split())
            of[2] += 1
        return figures

    return read


def _decoder() -> Any:
    """Of what is summed, and of nothing else."""
    import msgspec

    fields: list[Any] = [
        ("start", float),
        ("end", float),
        ("text", str),
        ("speaker", str | None, None),
    ]
    segment = msgspec.defstruct("Segment", fields)
    return msgspec.json.Decoder(
        msgspec.defstruct("Document", [("transcription", list[segment])])  # type: ignore[valid-type]
    )


def pandas() -> Callable[[Path], Any]:
    import pandas

    def read(path: Path) -> Any:
        frame = pandas.DataFrame(json.loads(path.read_bytes())["transcription"])
        frame["time"] = frame["end"] - frame["start"]
        frame["words"] = frame["text"].str.split().str.len()
        return frame.groupby("speaker").agg({"time": "sum", "words": "sum", "text": "count"})

    return read


def polars() -> Callable[[Path], Any]:
    import polars

    def read(path: Path) -> Any:
        frame = polars.read_json(path).explode("transcription").unnest("transcription")
        return frame.group_by("speaker").agg(
            (polars.col("end") - polars.col("start")).sum(),
            polars.col("text").str.split(" ").list.len().sum(),
            polars.len(),
        )

    return read


def duckdb() -> Callable[[Path], Any]:
    """A whole folder at once, which it is best at."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1; SET preserve_insertion_order = false")

    def read(path: Path) -> int:
        rows = connection.execute(
            "SELECT filename, s.speaker, sum(s.end - s.start), "
            "sum(len(string_split(s.text, ' '))), count(*) "
            "FROM (SELECT filename, unnest(transcription) AS s "
            "FROM read_json(?, filename = true, maximum_object_size = 200000000)) "
            "GROUP BY ALL",
            [str(path / "*.json") if path.is_dir() else str(path)],
        ).fetchall()
        return sum(int(row[3]) for row in rows)

    return read


READERS = {
    "ours": core,
    "msgspec": msgspec,
    "orjson": orjson,
    "json": stdlib,
    "polars": polars,
    "pandas": pandas,
}
SLOW = {"pandas", "polars"}  # a tenth of the archive says as much


def archive(name: str, path: Path) -> tuple[int, Callable[[], object]]:
    files = sorted(path.iterdir())
    if name == "duckdb":
        read = duckdb()
        return len(files), lambda: read(path)
    if name == "ours":
        return len(files), _in_one_process(files)
    files = files[:: 10 if name in SLOW else 1]
    read = READERS[name]()
    read(files[0])

    def run() -> Any:
        last = None
        for file in files:
            last = read(file)
        return last

    return len(files), run


def _in_one_process(files: Sequence[Path]) -> Callable[[], object]:
    from batch_images.stats.batch import Work, count_all

    work = Work(core=True)
    return lambda: [outcome.speakers for outcome in count_all(files, work, processes=1)][-1]


# --- A long transcript: what it takes to parse it, and for us to count in it, too -----------------


def long(name: str, path: Path) -> tuple[int, Callable[[], object]]:
    if name in ("ours", "msgspec, counted", "duckdb"):
        read = {"duckdb": duckdb, **READERS}[name.partition(",")[0]]()
        return 1, lambda: read(path)
    return 1, _parser(name, path)


def _parser(name: str, path: Path) -> Callable[[], object]:
    if name == "json":
        return lambda: len(json.loads(path.read_bytes())["transcription"])
    if name == "orjson":
        import orjson

        return lambda: len(orjson.loads(path.read_bytes())["transcription"])
    if name == "polars":
        import polars

        return lambda: polars.read_json(path).shape
    if name == "pandas":
        import pandas

        return lambda: pandas.read_json(path).shape
    import msgspec

    if name == "msgspec, any":
        return lambda: len(msgspec.json.decode(path.read_bytes())["transcription"])

    decoder = _decoder()
    return lambda: len(decoder.decode(path.read_bytes()).transcription)


# --- With Parquet, on two processes ---------------------------------------------------------------


def parquet(name: str, path: Path) -> tuple[int, Callable[[], object]]:
    from batch_images.stats.batch import Work, count_all
    from batch_images.stats.core import Core
    from batch_images.stats.core_table import write_core_parquet

    write_core_parquet(Core([]))  # pyarrow looks for pandas once, and imports it where it is
    files = sorted(path.iterdir())
    out = Path(tempfile.mkdtemp(dir=path.parent))
    if name == "writer alone":
        return len(files), lambda: _write_alone(len(files), out)
    work = Work(core=True, tables=out)

    def run() -> int:
        outcomes = list(count_all(files, work, processes=PROCESSES))
        return sum(speaker.words for each in outcomes for speaker in each.speakers)

    return len(files), run


def _write_alone(files: int, out: Path) -> int:
    """The same table again and again, made beforehand: what pyarrow takes, and the disk."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        halves = range(0, files, files // PROCESSES)
        return sum(pool.map(_write_some, halves, [files // PROCESSES] * len(halves), [out] * 9))


def _write_some(first: int, count: int, out: Path) -> int:
    import pyarrow
    import pyarrow.parquet

    from batch_images.stats.core_table import CORE_SCHEMA

    rows = [[f"SPEAKER_0{n}" for n in range(5)], [1.5] * 5, [2] * 5, [3] * 5]
    table = pyarrow.Table.from_arrays(
        [pyarrow.array(row, kind) for row, kind in zip(rows, CORE_SCHEMA.types, strict=True)],
        schema=CORE_SCHEMA,
    )
    for number in range(first, first + count):
        pyarrow.parquet.write_table(
            table,
            out / f"{number}.parquet",
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            store_schema=False,
        )
    return count


# --- The whole set of measures --------------------------------------------------------------------


def whole(name: str, path: Path) -> tuple[int, Callable[[], object]]:
    from datetime import UTC, datetime

    from batch_images.stats.analysis import Input, analyse

    def run() -> int:
        given = Input(path.name, path.read_bytes(), "", datetime(2026, 11, 21, tzinfo=UTC))
        statistics = analyse(given, job_id="j", video_label="v")
        return len(statistics.model_dump_json(by_alias=True))

    return 1, run


TASKS = {"archive": archive, "long": long, "parquet": parquet, "whole": whole}


def main(task: str, name: str, path: str) -> None:
    files, run = TASKS[task](name, Path(path))
    before = _peak_mib()
    began, cpu_before = time.perf_counter(), time.process_time()
    counted = run()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_before
    peak = _peak_mib() - before
    found = {"seconds": seconds, "cpu": cpu, "files": files, "mib": peak, "counted": repr(counted)}
    print(json.dumps(found))


def _peak_mib() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    # Unlike ru_maxrss, which a process inherits from the one that started it.
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 2**10


if __name__ == "__main__":
    main(*sys.argv[1:])
