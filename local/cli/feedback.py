"""Whether a debate's figures are of use."""

from __future__ import annotations

from argparse import Namespace

from pydantic import ValidationError
from rich.console import Console

from debate_analyzer.feedback import Feedback, Mark
from local.cli.client import Client, Refused
from local.cli.exits import OK
from local.cli.follow import refusal
from local.cli.show import facts_table, print_json, when


def feedback(client: Client, options: Namespace, errors: Console) -> int:
    """`debate feedback`: say it, take it back, or look at what was said."""
    if options.comment is not None and options.useful is None:
        raise Refused("A comment goes with --useful or --not-useful.")
    path = f"/api/jobs/{client.find(options.id).job_id}/feedback"
    if options.withdraw:
        client.remove(path)
        return OK
    if options.useful is None:
        said = client.get(path, Feedback)
    else:
        said = client.put(path, Feedback, _mark(options))
    if options.json:
        print_json(said)
    else:
        useful = "yes" if said.useful else "no"
        facts = [("useful", useful), ("comment", said.comment), ("said", when(said.updated_at))]
        Console().print(facts_table(facts))
    return OK


def _mark(options: Namespace) -> Mark:
    try:
        return Mark(useful=options.useful, comment=options.comment)
    except ValidationError as error:
        raise refusal(error) from error
