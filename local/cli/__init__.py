"""The `debate` command: a client of the API, on the laptop or on AWS.

    parser ─► options.ask = "jobs.cancel" ─► local.cli.jobs.cancel(client, options, errors)
              options.run = "stats.run"   ─► local.cli.stats.run(options), which asks no API

Exit codes: 0 done; 1 the debate failed, a transcript could not be counted, or doctor found an
error; 2 wrong usage, or the API refused; 3 the API cannot be reached; 130 interrupted.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from local.cli.exits import INTERRUPTED, REFUSED, UNREACHABLE
from local.cli.parser import DEFAULT_API, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        if "ask" in options:
            return _ask(options)
        code: int = _function(options.run)(options)
        return code
    except KeyboardInterrupt:
        return INTERRUPTED


def _ask(options: Namespace) -> int:
    # Imported now, so that `--help` and a slip of the pen are answered at once.
    from rich.console import Console

    from local.cli.client import Client, Refused, Unreachable
    from local.cli.show import complain

    errors = Console(stderr=True)
    try:
        with Client(options.api, options.token) as client:
            code: int = _function(options.ask)(client, options, errors)
            return code
    except Refused as error:
        complain(errors, f"{error} ({error.code})" if error.code else str(error))
        return REFUSED
    except Unreachable as error:
        complain(errors, str(error))
        if options.api == DEFAULT_API:
            complain(errors, "Is the stack running? `make run` starts it.")
        return UNREACHABLE


def _function(name: str) -> Callable[..., Any]:
    module, function = name.split(".")
    found: Callable[..., Any] = getattr(import_module(f"local.cli.{module}"), function)
    return found
