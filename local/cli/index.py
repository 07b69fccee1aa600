"""`debate index rebuild`: the published index made anew, with one's own credentials, not the API's.

The command asks the publish function, which asks for every page; the pages come a little later.
"""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from rich.console import Console

from debate_analyzer.errors import DebateError
from deploy.cloud import Refused, explained
from local.cli.deployment import deployment
from local.cli.exits import OK, REFUSED
from local.cli.show import complain


def rebuild(options: Namespace) -> int:
    """Ask, and print how many pages there are."""
    errors = Console(stderr=True)
    try:
        with explained():
            found = deployment(options)
            pages = _ask(found.client("lambda"), found.outputs["PublishFunction"])
    except DebateError as error:
        complain(errors, str(error))
        return REFUSED
    Console().print(f"Asked for {pages} pages of the index; they are made one after the other.")
    return OK


def _ask(functions: Any, name: str) -> int:
    answer = functions.invoke(FunctionName=name, Payload=json.dumps({"rebuild": True}))
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Refused(f"The publish function failed: {result.get('errorMessage', 'no message')}")
    return int(result["pages"])
