"""`debate stats`: transcripts on this machine, counted by it alone."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from batch_images.stats.batch import (
    Outcome,
    Work,
    check_names,
    count_all,
    exit_code,
    find_transcripts,
    write_contents,
)
from debate_analyzer.errors import InvalidRequest, WorkerLost
from debate_analyzer.statistics import Statistics
from local.cli.exits import REFUSED
from local.cli.show import clock, complain, plain, statistics_table

_PATIENCE_SECONDS = 2.0
_SHOWN = 20  # transcripts one by one; of more, what they are together


def run(options: Namespace) -> int:
    """Count what is named; print a table, or with --json a line for each transcript."""
    errors = Console(stderr=True)
    transcripts, missing = find_transcripts(options.paths)
    if missing:
        complain(errors, f"No transcripts are in: {', '.join(missing)}.")
    try:
        if options.edits and len(transcripts) != 1:
            raise InvalidRequest("Edits are of one transcript: name it alone.")
        if options.edits and options.core:
            raise InvalidRequest("The core measures know no edits: leave out --core or --edits.")
        if options.output:
            check_names(transcripts)
        work = Work(
            core=options.core,
            documents=None if options.core else options.output,
            tables=options.output,
            edits=options.edits,
            printed=options.json or (len(transcripts) == 1 and not options.core),
        )
        outcomes = _counted(count_all(transcripts, work), len(transcripts), options.json, errors)
        failed = sum(outcome.failure is not None for outcome in outcomes)
        if work.documents and failed < len(outcomes):
            write_contents(work.documents)
    except (InvalidRequest, WorkerLost) as error:
        complain(errors, str(error))
        return REFUSED
    if not options.json and failed < len(outcomes):
        Console().print(_shown(outcomes))
    return exit_code(len(outcomes), failed, len(missing))


def _counted(
    outcomes: Iterable[Outcome], total: int, as_json: bool, errors: Console
) -> list[Outcome]:
    """All of them, told of as they come."""
    kept = []
    for outcome in _with_progress(outcomes, total, errors):
        kept.append(outcome)
        if outcome.failure:
            complain(errors, f"{outcome.path}: {outcome.failure.sentence}")
        if as_json:
            _print_line(outcome)
    return kept


def _with_progress(outcomes: Iterable[Outcome], total: int, errors: Console) -> Iterator[Outcome]:
    progress = Progress(console=errors, transient=True)
    task = progress.add_task("transcripts", total=total)
    began = time.monotonic()
    try:
        for outcome in outcomes:
            progress.advance(task)
            if time.monotonic() - began > _PATIENCE_SECONDS:
                progress.start()
            yield outcome
    finally:
        progress.stop()


def _print_line(outcome: Outcome) -> None:
    name = {"transcript": str(outcome.path)}
    if outcome.failure:
        found = {"error": {"code": outcome.failure.code, "message": outcome.failure.sentence}}
    else:
        found = {"statistics": json.loads(outcome.document or b"null")}
    # Non-ASCII is escaped by default, and with it whatever a terminal would obey.
    sys.stdout.write(json.dumps(name | found) + "\n")


def _shown(outcomes: Sequence[Outcome]) -> RenderableType:
    counted = [outcome for outcome in outcomes if not outcome.failure]
    if len(outcomes) == 1 and counted[0].document:
        return statistics_table(Statistics.model_validate_json(counted[0].document))
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("speaker" if len(counted) <= _SHOWN else "", overflow="fold")
    for name in ("time", "words", "segments"):
        table.add_column(name, justify="right")
    if len(counted) <= _SHOWN:
        for outcome in counted:
            table.add_row(Text(plain(outcome.path.name), style="bold"))
            for speaker in sorted(outcome.speakers, key=lambda each: -each.speaking_time):
                table.add_row(
                    Text(f"  {plain(speaker.speaker)}"),
                    clock(speaker.speaking_time),
                    f"{speaker.words:,}",
                    f"{speaker.segments:,}",
                )
        return table
    speakers = [speaker for outcome in counted for speaker in outcome.speakers]
    table.add_row(
        f"{len(counted):,} transcripts, {len(speakers):,} speakers",
        clock(sum(speaker.speaking_time for speaker in speakers)),
        f"{sum(speaker.words for speaker in speakers):,}",
        f"{sum(speaker.segments for speaker in speakers):,}",
    )
    return table
