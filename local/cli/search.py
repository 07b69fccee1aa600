"""Where something was said."""

from __future__ import annotations

from argparse import Namespace
from itertools import islice

from rich.console import Console
from rich.text import Text

from debate_analyzer.api.search import SearchHit
from local.cli.client import Client
from local.cli.exits import OK
from local.cli.show import SHORT_ID, clock, plain, print_json


def search(client: Client, options: Namespace, errors: Console) -> int:
    """`debate search`"""
    asked = {
        "q": " ".join(f'"{word}"' if " " in word else word for word in options.words),
        "speaker": options.speaker,
        "from": options.since,
        "to": options.until,
    }
    found = client.pages("/api/search", "hits", SearchHit, **asked)
    hits = list(islice(found, options.limit))
    if options.json:
        print_json([hit.model_dump(mode="json") for hit in hits])
    elif hits:
        for hit in hits:
            _show(hit)
    else:
        errors.print("That was not said in any debate that you may read.")
    return OK


def _show(hit: SearchHit) -> None:
    console = Console(highlight=False)
    where = f"{hit.job_id[:SHORT_ID]}  {hit.created_at:%Y-%m-%d}  {plain(hit.title)}"
    console.print(Text(where, style="bold"))
    said = Text(f"  {clock(hit.start)}  {plain(hit.speaker or '?')}: ")
    for part in hit.snippet:
        said.append(plain(part.text), style="reverse" if part.match else "")
    console.print(said)
