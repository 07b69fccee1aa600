"""What the queues gave up, and what is to become of it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from debate_analyzer.api.failures import LettersList, QueuesList
from debate_analyzer.dead_letters import Drop, Letter, Replay
from local.cli.client import Client, Refused, the_one
from local.cli.exits import FAILED, OK
from local.cli.jobs import confirm
from local.cli.show import SHORT_ID, facts_table, plain, print_json, when

_FAILURES = "/api/failures"
_SHOWN = 50
_ID_LENGTH = 36


def list_letters(client: Client, options: Namespace, errors: Console) -> int:
    """`debate failures list`: how many each queue has, or some of one queue's."""
    if options.queue is None:
        return _list_queues(client, options, errors)
    found = _letters(client, options.queue)
    if options.json:
        print_json([letter.model_dump(mode="json") for letter in found])
    elif found:
        Console().print(_letters_table(found))
    else:
        errors.print(f"Nothing of {options.queue} was given up.")
    return OK


def _list_queues(client: Client, options: Namespace, errors: Console) -> int:
    queues = client.get(_FAILURES, QueuesList).queues
    if options.json:
        print_json([queue.model_dump(mode="json") for queue in queues])
    elif queues:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("queue")
        table.add_column("letters", justify="right")
        for queue in queues:
            table.add_row(queue.queue, str(queue.letters))
        Console().print(table)
    else:
        raise Refused("What was given up is shown to those alone who run this.")
    return OK


def show(client: Client, options: Namespace, errors: Console) -> int:
    """`debate failures show`"""
    letter = client.get(_path(client, options), Letter)
    if options.json:
        print_json(letter.model_dump(mode="json"))
        return OK
    facts = [
        ("id", letter.letter_id),
        ("queue", letter.queue),
        ("reason", f"{letter.reason.code}: {letter.reason.message}"),
        ("debate", letter.job_id),
        ("status", letter.job_status),
        ("sent", when(letter.sent_at)),
    ]
    for number, each in enumerate(letter.attempts, start=1):
        facts.append((f"attempt {number}", f"{when(each.at)}  {each.code}: {each.message}"))
    Console().print(facts_table([(name, fact and plain(fact)) for name, fact in facts]))
    print()
    print(plain(letter.body))
    if letter.is_cut:
        errors.print(f"… of {letter.bytes:,} bytes.")
    return OK


def replay(client: Client, options: Namespace, errors: Console) -> int:
    """`debate failures replay`: one, or all that there are now."""
    if options.id is not None:
        done = client.post(f"{_path(client, options)}/replay", Replay)
    else:
        done = Replay()
        while True:
            some = client.post(f"{_of(options.queue)}/replay", Replay)
            done = Replay(
                replayed=done.replayed + some.replayed,
                gone=done.gone + some.gone,
                kept=some.kept,
                left=some.left,
            )
            if not some.replayed + some.gone or some.left <= some.kept:
                break
    if options.json:
        print_json(done.model_dump(mode="json"))
    else:
        gone = f", {done.gone} of deleted debates went" if done.gone else ""
        kept = f", {done.kept} cannot be replayed" if done.kept else ""
        errors.print(f"{done.replayed} replayed{gone}{kept}.")
    return FAILED if done.kept else OK


def drop(client: Client, options: Namespace, errors: Console) -> int:
    """`debate failures drop`: one, or all that there are now, for good."""
    if options.id is not None:
        path = _path(client, options)
        if not options.yes:
            confirm(f"Throw {path.rpartition('/')[2]} away, for good?", errors)
        dropped = client.delete(path, Drop).dropped
    else:
        if not options.yes:
            confirm(f"Throw all that {options.queue} gave up away, for good?", errors)
        dropped = 0
        while (some := client.delete(_of(options.queue), Drop)).dropped:
            dropped += some.dropped
            if not some.left:
                break
    errors.print(f"{dropped} dropped.")
    return OK


def _letters(client: Client, queue: str) -> list[Letter]:
    return client.get(_of(queue), LettersList, limit=_SHOWN).letters


def _of(queue: str) -> str:
    return f"{_FAILURES}/{queue}"


def _path(client: Client, options: Namespace) -> str:
    """Of the letter whose id starts so, among those that are listed, or is given in full."""
    if len(options.id) >= _ID_LENGTH:
        return f"{_of(options.queue)}/{options.id}"
    found = [one for one in _letters(client, options.queue) if one.letter_id.startswith(options.id)]
    return f"{_of(options.queue)}/{the_one(found, 'letter', options.id).letter_id}"


def _letters_table(found: Iterable[Letter]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("id", "sent", "tries", "debate", "status", "reason"):
        table.add_column(name, overflow="fold" if name == "reason" else "ellipsis")
    for letter in sorted(found, key=lambda letter: letter.sent_at):
        table.add_row(
            letter.letter_id[:SHORT_ID],
            when(letter.sent_at),
            str(len(letter.attempts) or ""),
            (letter.job_id or "")[:SHORT_ID],
            letter.job_status or "",
            Text(plain(f"{letter.reason.code}: {letter.reason.message}")),
        )
    return table
