"""Recordings that come in chunks while they are made; a recorder sends them, and not this."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from debate_analyzer.api.recordings import DeletedSession
from debate_analyzer.recording import name_numbers
from debate_analyzer.recording_desk import (
    FinalizeRequest,
    Retry,
    Session,
    SessionEntry,
    SessionState,
)
from local.cli.client import Client, the_one
from local.cli.exits import OK
from local.cli.jobs import confirm
from local.cli.show import SHORT_ID, clock, facts_table, plain, print_json, when

_SESSIONS = "/api/audio/sessions"


def list_sessions(client: Client, options: Namespace, errors: Console) -> int:
    """`debate recordings list`"""
    found = list(client.pages(_SESSIONS, "sessions", SessionEntry))
    if options.json:
        print_json([entry.model_dump(mode="json") for entry in found])
    elif found:
        Console().print(_sessions_table(found))
    else:
        errors.print("No recordings.")
    return OK


def show(client: Client, options: Namespace, errors: Console) -> int:
    """`debate recordings show`"""
    session = client.get(_path(client, options.id), Session)
    if options.json:
        print_json(session)
    else:
        _print_state(session)
    return OK


def finish(client: Client, options: Namespace, errors: Console) -> int:
    """`debate recordings finish`: for a recorder that went away."""
    path = _path(client, options.id)
    session = client.get(path, Session)
    if session.state == "recording" and session.missing:
        client.post(f"{path}/chunks/retry", Retry, {})  # some may lie there, and nobody said so
        session = client.get(path, Session)
    lost = session.missing if options.without_missing else []
    request = FinalizeRequest(without=lost)
    sealed = client.post(f"{path}/finalize", SessionState, request)
    print(sealed.job_id)
    return OK


def delete(client: Client, options: Namespace, errors: Console) -> int:
    """`debate recordings delete`"""
    path = _path(client, options.id)
    if not options.yes:
        _print_state(client.get(path, Session))
        confirm("Delete the chunks of this, for good? The debate that came of it stays.", errors)
    print(*map(plain, client.delete(path, DeletedSession).deleted), sep="\n")
    return OK


def _path(client: Client, prefix: str) -> str:
    if len(prefix) >= len("018f3c6e-0000-7000-8000-000000000000"):
        return f"{_SESSIONS}/{prefix}"
    sessions = client.pages(_SESSIONS, "sessions", SessionEntry)
    found = [one for one in sessions if one.session_id.startswith(prefix.lower())]
    return f"{_SESSIONS}/{the_one(found, 'recording', prefix).session_id}"


def _sessions_table(sessions: list[SessionEntry]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("id", "created", "title", "state", "debate"):
        table.add_column(name, overflow="fold" if name in ("id", "title") else "ellipsis")
    for one in sessions:
        # Whole: an id begins with the time, so those of one day begin alike.
        debate = (one.job_id or "")[:SHORT_ID]
        table.add_row(one.session_id, when(one.created_at), _text(one.title), one.state, debate)
    return table


def _print_state(session: SessionState) -> None:
    facts = [
        ("title", session.title),
        ("id", session.session_id),
        ("state", session.state),
        ("created", when(session.created_at)),
        ("length", clock(session.duration_ms / 1000)),
        ("bytes", f"{session.bytes:,}"),
        ("missing", name_numbers(session.missing) if session.missing else None),
        ("debate", session.job_id),
    ]
    Console().print(facts_table(facts))


def _text(text: str) -> Text:
    return Text(plain(text))
