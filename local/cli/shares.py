"""Links that let others read a debate."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console
from rich.table import Table

from debate_analyzer.api.shares import SharesList
from debate_analyzer.share import Share
from local.cli.client import Client, Refused
from local.cli.exits import OK
from local.cli.show import print_json, when


def share(client: Client, options: Namespace, errors: Console) -> int:
    """`debate share`"""
    job = client.find(options.id)
    made = client.post(f"/api/jobs/{job.job_id}/shares", Share)
    print(client.api + made.url)
    return OK


def list_shares(client: Client, options: Namespace, errors: Console) -> int:
    """`debate shares`"""
    job = client.find(options.id)
    found = client.get(f"/api/jobs/{job.job_id}/shares", SharesList).shares
    if options.json:
        print_json([share.model_dump(mode="json") for share in found])
    elif found:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("created")
        table.add_column("link", overflow="fold")
        for share in found:
            table.add_row(when(share.created_at), client.api + share.url)
        Console().print(table)
    else:
        errors.print("No links. `debate share` makes one.")
    return OK


def revoke(client: Client, options: Namespace, errors: Console) -> int:
    """`debate unshare`"""
    job = client.find(options.id)
    wanted = options.link.rstrip("/").rpartition("/")[2]  # a link ends in its id
    found = client.get(f"/api/jobs/{job.job_id}/shares", SharesList).shares
    if wanted not in [share.share_id for share in found]:
        raise Refused("There is no such link to this debate. `debate shares` has those there are.")
    client.remove(f"/api/jobs/{job.job_id}/shares/{wanted}")
    print(wanted)
    return OK
