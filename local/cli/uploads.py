"""Recordings are sent."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console

from local.cli import follow
from local.cli.client import Client, Refused
from local.cli.exits import OK
from local.cli.show import print_line


def upload(client: Client, options: Namespace, errors: Console) -> int:
    """`debate upload`"""
    if len(options.files) > 1 and (options.resume or options.title):
        raise Refused("--title and --resume are of one file: name it alone.")
    sent = []
    for file in options.files:
        if options.resume:
            job = follow.resume(client, client.find(options.resume), file, errors)
        else:
            job = follow.upload(client, file, errors, **described(options))
        sent.append(job)
        if not options.wait:
            print_line(job) if options.json else print(job.job_id, flush=True)
    if not options.wait:
        return OK
    return max(follow.stay(client, job.job_id, errors, as_json=options.json) for job in sent)


def abort(client: Client, options: Namespace, errors: Console) -> int:
    """`debate abort`"""
    job = client.find(options.id)
    client.remove(f"/api/uploads/{job.job_id}")
    print(job.job_id)
    return OK


def described(options: Namespace) -> dict[str, object]:
    """What was said of a recording that is to come."""
    said = {
        "title": options.title,
        "language": options.language,
        "speakers": options.speakers,
        "channel_per_speaker": options.channel_per_speaker,
        "published": options.publish,
        "notify": options.notify,
    }
    return {name: value for name, value in said.items() if value is not None}
