"""The laptop stack: `python -m local run`, `python -m local demo`."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from debate_analyzer.errors import DebateError, Misconfigured
from local.folder import DataFolder, data_path
from local.server import HOST, PortTaken
from local.steps import Steps

PROJECT = Path(__file__).resolve().parent.parent

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPS_WITHIN = 25.0
"""Seconds, of which a stack in good order needs four."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 for a demo that failed, 2 for what cannot be started."""
    options = _parser().parse_args(arguments)
    console = Console()
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        return _demo(options, console) if options.command == "demo" else _run(options, console)
    except DebateError as error:
        console.print(f"[red]{escape(str(error))}[/]")
        if isinstance(error, PortTaken):
            console.print(_port_advice(options))
        return REFUSED
    except KeyboardInterrupt:
        return OK if options.command == "run" else INTERRUPTED


def _run(options: argparse.Namespace, console: Console) -> int:
    with ExitStack() as running:
        url = _start(running, options, console)
        _say_where(url, options.data.resolve(), console)
        if options.open:
            webbrowser.open(url)
        threading.Event().wait()
    return OK


def _demo(options: argparse.Namespace, console: Console) -> int:
    from local.cli.client import ApiError, Client
    from local.demo import demo
    from local.web import is_served

    url = _url(options)
    with ExitStack() as running:
        if is_served(url):
            if options.reset:
                raise Misconfigured(f"The stack at {url} runs; stop it before --reset.")
            console.print(f"Using the stack at {url}.")
        else:
            _start(running, options, console)
        try:
            with Client(url) as client:
                return OK if demo(client, console) else FAILED
        except ApiError as error:
            console.print(f"[red]{escape(str(error))}[/]")
            return FAILED


def _start(running: ExitStack, options: argparse.Namespace, console: Console) -> str:
    """The stack, to be stopped by `running`; its address."""
    steps = Steps(console)
    folder = DataFolder(options.data)
    folder.take(_url(options))
    running.callback(folder.release)
    if options.reset:
        _reset(folder, options, console)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for every request
    # Only now: whoever gives a wrong folder or port should not wait for the imports.
    from local.laptop import laptop

    chosen = dict(options.set)
    url = running.enter_context(laptop(folder, options.port, options.models, steps, chosen))
    console.print(f"[bold]Ready in {steps.seconds:.1f} s.[/]\n")
    return url


def _say_where(url: str, data: Path, console: Console) -> None:
    for name, value in (
        ("page", url),
        ("upload", "drop a file on the page, or: debate upload FILE --wait"),
        ("data", str(data)),
        ("logs", str(data / "logs")),
        ("stop", "Ctrl-C (twice: at once)"),
    ):
        console.print(f"  [bold]{name:7}[/] {escape(value)}", soft_wrap=True)
    console.print()


def _reset(folder: DataFolder, options: argparse.Namespace, console: Console) -> None:
    question = f"Delete every debate and everything else in {folder.path}? [y/N] "
    try:
        answer = "y" if options.yes else console.input(escape(question))
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise Misconfigured("Nothing was deleted, nothing started.")
    folder.reset()


def _interrupt(_: int, __: FrameType | None) -> None:
    """Stop in good order. The next signal ends the process at once, and so does time, with a word
    on what it was that did not stop: jobs and functions hang on pipes that close with it."""
    faulthandler.dump_traceback_later(_STOPS_WITHIN, exit=True)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: os._exit(INTERRUPTED))
    raise KeyboardInterrupt


def _url(options: argparse.Namespace) -> str:
    return f"http://{HOST}:{options.port}"


def _port_advice(options: argparse.Namespace) -> str:
    from local.web import is_served

    if is_served(_url(options)):
        return f"It is our own stack: open {_url(options)}, or stop it with Ctrl-C where it runs."
    other = options.port + 1
    return (
        f"Stop what listens there (lsof -i :{options.port} names it), or choose another port: "
        f"make {options.command} PORT={other}, or python -m local {options.command} --port {other}"
    )


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--port", type=int, default=8080, help="of the page (default: 8080)")
    shared.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=data_path(),
        help="where everything is kept (default: $DEBATE_DATA or .data)",
    )
    shared.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        default=Path(os.environ.get("MODELS_DIR") or PROJECT / ".models").resolve(),
        help="where the models are (default: $MODELS_DIR or .models)",
    )
    shared.add_argument(
        "--set",
        type=_parameter,
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a parameter of template.yaml, such as LongestWholeMinutes=60; may be repeated",
    )
    shared.add_argument("--reset", action="store_true", help="delete all data first; asks")
    shared.add_argument("--yes", action="store_true", help="do not ask")

    parser = argparse.ArgumentParser(prog="python -m local", description="The laptop stack.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", parents=[shared], help="start it and stay")
    run.add_argument(
        "--open",
        action=argparse.BooleanOptionalAction,
        default=sys.stdout.isatty() and _has_desktop(),
        help="open the page in a browser",
    )
    commands.add_parser(
        "demo",
        parents=[shared],
        help="send the demo debate through it (or through the one that runs), and leave",
    )
    return parser


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _has_desktop() -> bool:
    # Without one, webbrowser would start a text browser in this terminal.
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


if __name__ == "__main__":
    sys.exit(main())
