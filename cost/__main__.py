"""`python -m cost`: what the template costs under each load, and beside hosted services."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from cost import committed
from cost.answer import answer, as_json
from cost.errors import UnknownLoad
from cost.knowledge import Knowledge
from cost.load import Load
from cost.report import render
from debate_analyzer.errors import DebateError

_WIDTH_OF_A_FILE = 130


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        knowledge = Knowledge.read()
        if arguments.commit:
            committed.write(knowledge)
            print(f"Wrote {committed.FILE}.")
            return 0
        loads = [
            load.changed({name: float(value) for name, value in arguments.change})
            for load in _chosen(knowledge, arguments.load)
        ]
        found = answer(knowledge, loads, dict(arguments.set))
    except DebateError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        json.dump(as_json(found), sys.stdout, indent=2)
        print()
        return 0
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    for piece in render(found):
        console.print(piece)
    return 0


def _chosen(knowledge: Knowledge, names: Sequence[str]) -> list[Load]:
    unknown = sorted(set(names) - set(knowledge.loads))
    if unknown:
        raise UnknownLoad(
            f"No load {', '.join(unknown)} in cost/loads.toml. It has {', '.join(knowledge.loads)}."
        )
    return [knowledge.loads[name] for name in names or knowledge.loads]


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _numeric_assignment(text: str) -> tuple[str, str]:
    name, value = _assignment(text)
    try:
        float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number") from None
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cost", description=__doc__)
    parser.add_argument(
        "--load",
        action="append",
        default=[],
        metavar="NAME",
        help="only this load of cost/loads.toml; may be repeated",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="PARAMETER=VALUE",
        help="a parameter of the template, such as UseSpot=true; may be repeated",
    )
    parser.add_argument(
        "--change",
        action="append",
        default=[],
        type=_numeric_assignment,
        metavar="FIELD=NUMBER",
        help="a field of the loads, such as files_a_day=500 or spot_share=0.5; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument(
        "--commit", action="store_true", help="write cost/committed.json and say nothing else"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
