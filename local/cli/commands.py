"""What each command of `debate` does: ask the API, print the answer, return the exit code."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from itertools import islice
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from debate_analyzer.catalogue import JobView
from debate_analyzer.edit_desk import EditRequest
from debate_analyzer.pipeline import Status
from local.cli import follow
from local.cli.client import Client, Refused
from local.cli.exits import FAILED, OK
from local.cli.show import complain, edits_table, job_facts, jobs_table, plain, statistics_table


def upload(client: Client, options: Namespace, errors: Console) -> int:
    """`debate upload`"""
    job = follow.upload(
        client,
        options.file,
        errors,
        title=options.title,
        language=options.language,
        speakers=options.speakers,
        channel_per_speaker=options.channel_per_speaker,
    )
    if not options.wait:
        if options.json:
            _print_json(job)
        else:
            print(job.job_id)
        return OK
    job = follow.wait(client, job.job_id, errors)
    if options.json:
        _print_json(job)
    elif job.status is Status.COMPLETE:
        _print_debate(client, job)
    if job.status is Status.COMPLETE:
        return OK
    complain(errors, job.error["message"] if job.error else f"The debate was {job.status.lower()}.")
    return FAILED


def jobs(client: Client, options: Namespace, errors: Console) -> int:
    """`debate jobs`"""
    found = list(islice(client.jobs(), options.limit))
    if options.json:
        print(json.dumps([job.model_dump(mode="json") for job in found], indent=2))
    elif found:
        Console().print(jobs_table(found))
    else:
        errors.print("No debates yet. `debate upload FILE` brings the first.")
    return OK


def show(client: Client, options: Namespace, errors: Console) -> int:
    """`debate show`"""
    job = client.find(options.id)
    if options.json:
        _print_json(job)
    else:
        _print_debate(client, job)
    return OK


def transcript(client: Client, options: Namespace, errors: Console) -> int:
    """`debate transcript`"""
    job = client.find(options.id)
    content = client.transcript(job.job_id, options.format)
    if options.output is not None:
        try:
            options.output.write_bytes(content)
        except OSError as error:
            raise Refused(f"{options.output} cannot be written: {error.strerror}.") from error
    elif sys.stdout.isatty():
        print(plain(content.decode("utf-8", "replace"), keep="\n\t"))
    else:
        sys.stdout.buffer.write(content)
    return OK


def edits(client: Client, options: Namespace, errors: Console) -> int:
    """`debate edits`"""
    found = client.edits(client.find(options.id).job_id)
    if options.json:
        print(json.dumps(found.model_dump(mode="json"), indent=2))
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
    known = client.edits(job.job_id)
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


def _edit(client: Client, options: Namespace, errors: Console, **operation: str | None) -> int:
    return _say(client, client.find(options.id), {"operations": [operation]}, errors)


def _say(client: Client, job: JobView, said: dict[str, Any], errors: Console) -> int:
    try:
        request = EditRequest.model_validate(said)
    except ValidationError as error:
        raise Refused(f"{error.errors()[0]['msg']}.") from error
    entry = client.edit(job.job_id, request).entries[-1]
    print(entry.id)
    errors.print("The statistics are computed again; `debate show` has them in a moment.")
    return OK


def _print_debate(client: Client, job: JobView) -> None:
    console = Console()
    console.print(job_facts(job))
    if job.status is Status.COMPLETE:
        console.print()
        console.print(statistics_table(client.statistics(job.job_id)))


def _print_json(job: JobView) -> None:
    # Non-ASCII is escaped by default, and with it whatever a terminal would obey.
    print(json.dumps(job.model_dump(mode="json"), indent=2))
