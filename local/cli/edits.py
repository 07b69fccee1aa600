"""What people say of a debate."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from debate_analyzer.catalogue import JobView
from debate_analyzer.edit_desk import EditRequest, EditsView
from local.cli.client import Client, Refused
from local.cli.exits import OK
from local.cli.show import edits_table, print_json


def history(client: Client, options: Namespace, errors: Console) -> int:
    """`debate edits`"""
    found = _known(client, client.find(options.id))
    if options.json:
        print_json(found)
    elif found.entries:
        Console().print(edits_table(found))
    else:
        errors.print("Nothing was edited. `debate rename` and `debate merge` begin it.")
    return OK


def rename(client: Client, options: Namespace, errors: Console) -> int:
    """`debate rename`"""
    return _edit(client, options, errors, op="rename", speaker=options.speaker, name=options.name)


def merge(client: Client, options: Namespace, errors: Console) -> int:
    """`debate merge`"""
    return _edit(client, options, errors, op="merge", speaker=options.speaker, into=options.into)


def role(client: Client, options: Namespace, errors: Console) -> int:
    """`debate role`"""
    said = {"speaker": options.speaker, "role": options.role, "side": options.side}
    return _edit(client, options, errors, op="role", **said)


def undo(client: Client, options: Namespace, errors: Console) -> int:
    """`debate undo`"""
    job = client.find(options.id)
    known = _known(client, job)
    ids = known.in_force if options.edit is None else [entry.id for entry in known.entries]
    named = [each for each in ids if each.startswith(options.edit or "")]
    if not named or (options.edit is not None and len(named) > 1):
        raise Refused(
            "There is nothing to undo."
            if options.edit is None
            else f"{len(named)} edits have an id that starts with {options.edit!r}."
        )
    said = {"version": known.version, "operations": [{"op": "undo", "entry": named[-1]}]}
    return _say(client, job, said, errors)


def _known(client: Client, job: JobView) -> EditsView:
    return client.get(f"/api/jobs/{job.job_id}/edits", EditsView)


def _edit(client: Client, options: Namespace, errors: Console, **operation: str | None) -> int:
    return _say(client, client.find(options.id), {"operations": [operation]}, errors)


def _say(client: Client, job: JobView, said: dict[str, Any], errors: Console) -> int:
    try:
        request = EditRequest.model_validate(said)
    except ValidationError as error:
        raise Refused(f"{error.errors()[0]['msg']}.") from error
    entry = client.post(f"/api/jobs/{job.job_id}/edits", EditsView, request).entries[-1]
    print(entry.id)
    errors.print("The statistics are computed again; `debate show` has them in a moment.")
    return OK
