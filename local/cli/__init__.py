"""The `debate` command: a client of the API, on the laptop or on AWS.

Exit codes: 0 done; 1 the debate failed, a transcript could not be counted, or doctor found an
error; 2 wrong usage, or the API refused; 3 the API cannot be reached; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from local.cli.exits import INTERRUPTED, REFUSED, UNREACHABLE
from local.folder import data_path

DEFAULT_API = "http://127.0.0.1:8080"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "doctor":
        from local.cli import doctor

        return doctor.run(options)
    if options.command == "stats":
        from local.cli import stats

        return stats.run(options)
    if options.command == "index":
        from local.cli import index

        return index.rebuild(options)
    # Imported now, so that `--help` and a slip of the pen are answered at once.
    from rich.console import Console

    from local.cli import commands
    from local.cli.client import Client, Refused, Unreachable
    from local.cli.show import complain

    errors = Console(stderr=True)
    try:
        with Client(options.api, options.token) as client:
            code: int = getattr(commands, options.command)(client, options, errors)
            return code
    except Refused as error:
        complain(errors, str(error))
        return REFUSED
    except Unreachable as error:
        complain(errors, str(error))
        if options.api == DEFAULT_API:
            complain(errors, "Is the stack running? `make run` starts it.")
        return UNREACHABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="debate",
        description="Upload debates; read who said what, and for how long.",
        epilog="Exit codes: 0 done, 1 the debate failed or the deployment ails, 2 refused, "
        "3 the API cannot be reached.",
    )
    parser.add_argument(
        "--api",
        metavar="URL",
        default=os.environ.get("DEBATE_API") or DEFAULT_API,
        help=f"the deployment (default: $DEBATE_API, or {DEFAULT_API})",
    )
    parser.add_argument(
        "--token",
        metavar="JWT",
        default=os.environ.get("DEBATE_TOKEN"),
        help="for a deployment on AWS (default, and safer: $DEBATE_TOKEN)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    upload = commands.add_parser("upload", help="send a recording")
    upload.add_argument("file", type=Path, metavar="FILE")
    upload.add_argument("--title", help="what to call it (default: the file's name)")
    upload.add_argument("--language", metavar="CODE", help="such as en or es (default: heard)")
    upload.add_argument("--speakers", type=_count, metavar="N", help="how many speak, if you know")
    upload.add_argument(
        "--channel-per-speaker",
        action="store_true",
        help="every speaker has a channel of their own (up to 8)",
    )
    upload.add_argument("--wait", action="store_true", help="stay until the statistics are there")
    upload.add_argument("--json", action="store_true", help="print the job as JSON")

    jobs = commands.add_parser("jobs", help="list debates, newest first")
    jobs.add_argument("--limit", type=_count, default=50, metavar="N", help="at most (default: 50)")
    jobs.add_argument("--json", action="store_true", help="print them as JSON")

    show = commands.add_parser("show", help="a debate and its statistics")
    show.add_argument("id", metavar="ID", help="the id or the start of it")
    show.add_argument("--json", action="store_true", help="print the job as JSON")

    transcript = commands.add_parser("transcript", help="what was said")
    transcript.add_argument("id", metavar="ID", help="the id or the start of it")
    transcript.add_argument("--format", choices=("json", "srt", "vtt", "txt"), default="txt")
    transcript.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there")

    edits = commands.add_parser("edits", help="what was edited, and what of it counts")
    edits.add_argument("id", metavar="ID", help="the id or the start of it")
    edits.add_argument("--json", action="store_true", help="print them as JSON")

    rename = commands.add_parser("rename", help="say what a speaker is called")
    _of_speaker(rename)
    rename.add_argument("name", metavar="NAME")

    merge = commands.add_parser("merge", help="say that two speakers are one person")
    _of_speaker(merge)
    merge.add_argument("into", metavar="INTO", help="the speaker who is left")

    role = commands.add_parser("role", help="say what a speaker is there for")
    _of_speaker(role)
    role.add_argument("role", choices=("moderator", "debater", "audience"))
    role.add_argument("--side", metavar="NAME", help="whom or what the speaker stands for")

    undo = commands.add_parser("undo", help="take back the last edit that counts, or another")
    undo.add_argument("id", metavar="ID", help="the id or the start of it")
    undo.add_argument("edit", nargs="?", metavar="EDIT", help="its id or the start of it")

    stats = commands.add_parser("stats", help="count transcripts on this machine, without the API")
    stats.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="a transcript, or a folder of them"
    )
    stats.add_argument(
        "--output", type=Path, metavar="DIR", help="write statistics and Parquet there, too"
    )
    stats.add_argument(
        "--core", action="store_true", help="only time, words and segments of each speaker: fast"
    )
    stats.add_argument("--edits", type=Path, metavar="FILE", help="what was said of the one debate")
    stats.add_argument("--json", action="store_true", help="print a line of JSON for each")

    doctor = commands.add_parser("doctor", help="what ails a deployment on AWS, and what to do")
    doctor.add_argument("--stack", metavar="NAME", help="of CloudFormation, as samconfig.toml says")
    doctor.add_argument("--region", help="(default: the AWS profile's)")

    index = commands.add_parser("index", help="the published index and totals")
    actions = index.add_subparsers(dest="action", required=True, metavar="ACTION")
    rebuild = actions.add_parser("rebuild", help="make every page anew from the job table")
    rebuild.add_argument("--stack", metavar="NAME", help="on AWS (default: the laptop's stack)")
    rebuild.add_argument("--region", help="(default: the AWS profile's)")
    rebuild.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=data_path(),
        help="of the laptop's stack (default: $DEBATE_DATA or .data)",
    )
    return parser


def _of_speaker(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help="the id or the start of it")
    command.add_argument("speaker", metavar="SPEAKER", help="as in the transcript: SPEAKER_00")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
