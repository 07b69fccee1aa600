"""Recordings that nobody sends: fetched from the web, or in the bucket already."""

from __future__ import annotations

from argparse import Namespace

from pydantic import BaseModel, ValidationError
from rich.console import Console

from debate_analyzer.catalogue import JobView
from debate_analyzer.import_desk import ImportRequest, RegisterRequest
from local.cli import follow
from local.cli.client import Client
from local.cli.exits import OK
from local.cli.show import print_line
from local.cli.uploads import described


def fetch(client: Client, options: Namespace, errors: Console) -> int:
    """`debate import`"""
    said = {"url": options.url, "playlist": options.playlist, **described(options)}
    return _begun(client, "/api/imports", ImportRequest, said, options, errors)


def register(client: Client, options: Namespace, errors: Console) -> int:
    """`debate register`"""
    said = {"uri": options.uri, **described(options)}
    return _begun(client, "/api/jobs", RegisterRequest, said, options, errors)


def _begun(
    client: Client,
    path: str,
    kind: type[BaseModel],
    said: dict[str, object],
    options: Namespace,
    errors: Console,
) -> int:
    try:
        request = kind.model_validate(said)
    except ValidationError as error:
        raise follow.refusal(error) from error
    job = client.post(path, JobView, request)
    if options.wait:
        return follow.stay(client, job.job_id, errors, as_json=options.json)
    print_line(job) if options.json else print(job.job_id)
    return OK
