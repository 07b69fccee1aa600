"""What can be typed after `debate`. Each command names the function that does it."""

from __future__ import annotations

import argparse
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from local.folder import data_path

DEFAULT_API = "http://127.0.0.1:8080"

_FORMATS = ("json", "srt", "vtt", "txt", "csv", "docx")
_STAGES = ("transcribe", "stats")


def parser() -> argparse.ArgumentParser:
    """Every command sets `ask`, a function for a client of the API, or `run`, for none."""
    whole = argparse.ArgumentParser(
        prog="debate",
        description="Upload debates; read who said what, and for how long.",
        epilog="Exit codes: 0 done, 1 the debate failed or the deployment ails, 2 refused, "
        "3 the API cannot be reached. An ID may be shortened to its first letters.",
    )
    whole.add_argument(
        "--api",
        metavar="URL",
        default=os.environ.get("DEBATE_API") or DEFAULT_API,
        help=f"the deployment (default: $DEBATE_API, or {DEFAULT_API})",
    )
    whole.add_argument(
        "--token",
        metavar="JWT",
        default=os.environ.get("DEBATE_TOKEN"),
        help="for a deployment on AWS (default, and safer: $DEBATE_TOKEN)",
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _bring(commands)
    _look(commands)
    _do(commands)
    _edit(commands)
    _tell(commands)
    _give_up(commands)
    _without_api(commands)
    return whole


# --- recordings come ------------------------------------------------------------------------------


def _bring(commands: Any) -> None:
    upload = _command(commands, "upload", "uploads.upload", "send recordings")
    upload.add_argument("files", type=Path, nargs="+", metavar="FILE")
    upload.add_argument(
        "--resume", metavar="ID", help="go on with an upload of this file that broke off"
    )
    _described(upload)
    upload.add_argument("--wait", action="store_true", help="stay until the statistics are there")
    upload.add_argument("--json", action="store_true", help="print each job as a line of JSON")

    fetch = _command(commands, "import", "imports.fetch", "have a recording fetched from the web")
    fetch.add_argument("url", metavar="URL", help="of a file, or of a page that shows it")
    fetch.add_argument(
        "--playlist",
        type=_count,
        default=1,
        metavar="N",
        help="how many of a playlist's recordings, at most, become debates (default: 1)",
    )
    register = _command(commands, "register", "imports.register", "take up what is in the bucket")
    register.add_argument(
        "uri",
        metavar="s3://…",
        help="a recording or transcript of a job, or s3://BUCKET/incoming/…",
    )
    for command in (fetch, register):
        _described(command)
        command.add_argument("--wait", action="store_true", help="stay until it is done")
        command.add_argument("--json", action="store_true", help="print the job as a line of JSON")

    recordings = _group(commands, "recordings", "what a recorder sends in chunks")
    listing = _command(recordings, "list", "recordings.list_sessions", "newest first")
    _json(listing)
    show = _command(recordings, "show", "recordings.show", "how much of one is there")
    _of_session(show)
    show.add_argument("--json", action="store_true", help="print it as JSON, with its manifest")
    finish = _command(
        recordings, "finish", "recordings.finish", "make a debate of one whose recorder went away"
    )
    _of_session(finish)
    finish.add_argument(
        "--without-missing", action="store_true", help="the chunks that are missing are lost"
    )
    delete = _command(recordings, "delete", "recordings.delete", "its chunks, not the debate")
    _of_session(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")

    abort = _command(commands, "abort", "uploads.abort", "give up an upload that broke off")
    _of_job(abort)


def _described(command: argparse.ArgumentParser) -> None:
    """What is said of a recording that is to come."""
    command.add_argument("--title", help="what to call it (default: the recording's own name)")
    command.add_argument("--language", metavar="CODE", help="such as en or es (default: heard)")
    command.add_argument("--speakers", type=_count, metavar="N", help="how many speak, if you know")
    command.add_argument(
        "--channel-per-speaker",
        action="store_true",
        default=None,
        help="every speaker has a channel of their own (up to 8)",
    )
    command.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        help="on the public page or not (default: as the deployment has it)",
    )
    command.add_argument("--notify", metavar="MAIL", help="an address to write to at the end")


# --- debates are looked at ------------------------------------------------------------------------


def _look(commands: Any) -> None:
    listing = _command(commands, "list", "jobs.list_jobs", "debates, newest first")
    listing.add_argument(
        "--status", metavar="STATUS", help="such as complete, failed, or active: all unfinished"
    )
    listing.add_argument("--from", dest="since", type=_moment, metavar="TIME", help=_TIME_HELP)
    listing.add_argument("--to", dest="until", type=_end, metavar="TIME", help="up to then")
    listing.add_argument("--owner", metavar="ID", help="somebody else's, for admins")
    many = listing.add_mutually_exclusive_group()
    many.add_argument("--limit", type=_count, default=50, metavar="N", help="(default: 50)")
    many.add_argument("--all", action="store_const", const=None, dest="limit", help="every one")
    _json(listing)

    show = _command(commands, "show", "jobs.show", "a debate and its statistics")
    _of_job(show)
    show.add_argument("--json", action="store_true", help="print the job as JSON")

    follow = _command(commands, "follow", "jobs.follow", "stay with a debate until it is done")
    _of_job(follow)
    follow.add_argument("--json", action="store_true", help="print the finished job as JSON")

    statistics = _command(commands, "statistics", "jobs.statistics", "every figure, as JSON")
    _of_job(statistics)

    transcript = _command(commands, "transcript", "jobs.transcript", "what was said")
    _of_job(transcript)
    transcript.add_argument("--format", choices=_FORMATS, default="txt")
    transcript.add_argument(
        "--edited", action="store_true", help="JSON with the edits applied; other formats have them"
    )
    transcript.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there")

    search = _command(commands, "search", "search.search", "where something was said")
    search.add_argument("words", nargs="+", metavar="WORD", help="or 'some words in a row'")
    search.add_argument("--speaker", metavar="NAME", help="or words of it")
    search.add_argument("--from", dest="since", type=_date, metavar="DAY", help="or later (UTC)")
    search.add_argument("--to", dest="until", type=_date, metavar="DAY", help="or earlier")
    search.add_argument("--limit", type=_count, default=20, metavar="N", help="(default: 20)")
    _json(search)

    video = _command(commands, "video", "jobs.video", "the recording, or a link to it")
    _of_job(video)
    video.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="fetch it (default: print the link)"
    )


# --- something is done with them ------------------------------------------------------------------


def _do(commands: Any) -> None:
    cancel = _command(commands, "cancel", "jobs.cancel", "no more work for a debate")
    _of_job(cancel)

    retry = _command(commands, "retry", "jobs.retry", "once more from a stage on")
    _of_job(retry)
    retry.add_argument("--stage", choices=_STAGES, default=_STAGES[0])
    retry.add_argument("--model", metavar="NAME", help="of speech recognition")
    retry.add_argument("--language", metavar="CODE", help="that is spoken")
    retry.add_argument("--speakers", type=_count, metavar="N", help="how many speak")
    retry.add_argument("--wait", action="store_true", help="stay until it is done")

    change = _command(commands, "change", "jobs.change", "another title or language")
    _of_job(change)
    change.add_argument("--title")
    change.add_argument("--language", metavar="CODE", help="what was spoken")

    publish = _command(commands, "publish", "jobs.publish", "show a debate on the public page")
    _of_job(publish)
    unpublish = _command(commands, "unpublish", "jobs.unpublish", "withdraw it from there")
    _of_job(unpublish)

    delete = _command(commands, "delete", "jobs.delete", "everything of a debate, for good")
    delete.add_argument("ids", nargs="+", metavar="ID", help=_ID_HELP)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.add_argument("--json", action="store_true", help="print what was deleted as JSON")


# --- what people say of them ----------------------------------------------------------------------


def _edit(commands: Any) -> None:
    edits = _command(commands, "edits", "edits.history", "what was edited, and what of it counts")
    _of_job(edits)
    _json(edits)

    rename = _command(commands, "rename", "edits.rename", "say what a speaker is called")
    _of_speaker(rename)
    rename.add_argument("name", metavar="NAME")

    merge = _command(commands, "merge", "edits.merge", "say that two speakers are one person")
    _of_speaker(merge)
    merge.add_argument("into", metavar="INTO", help="the speaker who is left")

    role = _command(commands, "role", "edits.role", "say what a speaker is there for")
    _of_speaker(role)
    role.add_argument("role", choices=("moderator", "debater", "audience"))
    role.add_argument("--side", metavar="NAME", help="whom or what the speaker stands for")

    undo = _command(commands, "undo", "edits.undo", "take back the last edit that counts")
    _of_job(undo)
    undo.add_argument("edit", nargs="?", metavar="EDIT", help="or this one: the start of its id")


# --- others are told ------------------------------------------------------------------------------


def _tell(commands: Any) -> None:
    share = _command(
        commands, "share", "shares.share", "make a link that lets others read a debate"
    )
    _of_job(share)
    shares = _command(commands, "shares", "shares.list_shares", "the links to a debate")
    _of_job(shares)
    _json(shares)
    unshare = _command(commands, "unshare", "shares.revoke", "make a link lead nowhere")
    _of_job(unshare)
    unshare.add_argument("link", metavar="LINK", help="or the id that it ends in")

    feedback = _command(
        commands, "feedback", "feedback.feedback", "say whether a debate's figures are of use"
    )
    _of_job(feedback)
    mark = feedback.add_mutually_exclusive_group()
    mark.add_argument("--useful", action="store_true", default=None)
    mark.add_argument("--not-useful", dest="useful", action="store_false")
    mark.add_argument("--withdraw", action="store_true", help="take back what you said")
    feedback.add_argument("--comment", metavar="TEXT", help="why, in a sentence")
    feedback.add_argument("--json", action="store_true", help="print it as JSON")

    webhooks = _group(commands, "webhooks", "who is told when a debate is done or has failed")
    add = _command(webhooks, "add", "webhooks.add", "have a receiver told")
    add.add_argument("url", metavar="URL", help="https, on the public internet")
    add.add_argument(
        "--event",
        choices=("completed", "failed"),
        action="append",
        help="of a debate (default: both); may be repeated",
    )
    add.add_argument("--json", action="store_true", help="print it as JSON")
    listing = _command(webhooks, "list", "webhooks.list_webhooks", "yours")
    _json(listing)
    show = _command(webhooks, "show", "webhooks.show", "one of them, with its secret")
    _of_webhook(show)
    show.add_argument("--json", action="store_true", help="print it as JSON")
    remove = _command(webhooks, "remove", "webhooks.remove", "tell it nothing more")
    _of_webhook(remove)
    test = _command(webhooks, "test", "webhooks.test", "send it something to try it out")
    _of_webhook(test)

    deliveries = _command(
        commands, "deliveries", "webhooks.deliveries", "who was told of a debate, and who answered"
    )
    _of_job(deliveries)
    deliveries.add_argument("--retry", metavar="DELIVERY", help="send it once more: its whole id")
    _json(deliveries)


# --- what was given up ----------------------------------------------------------------------------


def _give_up(commands: Any) -> None:
    failures = _group(commands, "failures", "what was given up, for those who run this")
    listing = _command(failures, "list", "failures.list_letters", "how many, or one queue's")
    listing.add_argument("queue", metavar="QUEUE", nargs="?", help="such as transcribe-work")
    _json(listing)
    show = _command(failures, "show", "failures.show", "what it was, and how it was tried")
    _of_letter(show)
    show.add_argument("--json", action="store_true", help="print it as JSON")
    replay = _command(failures, "replay", "failures.replay", "have it done once more")
    _of_letters(replay)
    replay.add_argument("--json", action="store_true", help="print what became of it as JSON")
    drop = _command(failures, "drop", "failures.drop", "throw it away, for good")
    _of_letters(drop)
    drop.add_argument("--yes", action="store_true", help="do not ask")


def _of_letter(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", metavar="QUEUE", help="as `debate failures list` has it")
    command.add_argument("id", metavar="LETTER", help=_ID_HELP)


def _of_letters(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", metavar="QUEUE", help="as `debate failures list` has it")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("id", metavar="LETTER", nargs="?", help=_ID_HELP)
    which.add_argument("--all", action="store_true", help="all that the queue gave up")


# --- without the API ------------------------------------------------------------------------------


def _without_api(commands: Any) -> None:
    stats = _local(commands, "stats", "stats.run", "count transcripts on this machine")
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

    doctor = _local(commands, "doctor", "doctor.run", "what ails a deployment on AWS")
    doctor.add_argument("--stack", metavar="NAME", help="of CloudFormation, as samconfig.toml says")
    doctor.add_argument("--region", help=_REGION_HELP)

    index = _group(commands, "index", "the published index and totals")
    rebuild = _local(index, "rebuild", "index.rebuild", "make every page anew from the job table")
    _of_deployment(rebuild)

    reconcile = _local(
        commands, "reconcile", "reconcile.run", "find and mend what fell between two steps"
    )
    reconcile.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="debates made then or later are looked at one by one (default: two days ago)",
    )
    reconcile.add_argument("--json", action="store_true", help="print the findings as JSON")
    _of_deployment(reconcile)

    submit = _group(commands, "submit", "jobs of Batch, with your own AWS credentials")
    download = _local(submit, "download", "submit.download", "fetch a recording from the web")
    full = _local(submit, "full", "submit.full", "from a recording to its statistics")
    transcribe = _local(submit, "transcribe", "submit.transcribe", "once more, what is there")
    stats = _local(submit, "stats", "submit.stats", "count transcripts once more")
    download.add_argument("--url", required=True)
    what = full.add_mutually_exclusive_group(required=True)
    what.add_argument("--url")
    what.add_argument("file", type=Path, nargs="?", metavar="FILE", help="is put into the bucket")
    transcribe.add_argument("prefix", metavar="s3://…|ID", help="of recordings, or a debate's id")
    which = stats.add_mutually_exclusive_group(required=True)
    which.add_argument("prefix", nargs="?", metavar="s3://…", help="of transcripts")
    which.add_argument("--manifest", metavar="s3://…", help="that names them, below manifests/")
    which.add_argument("--jobs", metavar="ID,…", help="whose transcripts")
    for command in (download, full, transcribe, stats):
        command.add_argument(
            "--set",
            type=_setting,
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="in the job's environment, such as WHISPER_MODEL=small; may be repeated",
        )
        command.add_argument("--follow", action="store_true", help="stay until it is done")
        _of_deployment(command)


def _of_deployment(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stack", metavar="NAME", help="on AWS (default: the laptop's stack)")
    command.add_argument("--region", help=_REGION_HELP)
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=data_path(),
        help="of the laptop's stack (default: $DEBATE_DATA or .data)",
    )


# --- pieces ---------------------------------------------------------------------------------------

_ID_HELP = "the id or the start of it"
_REGION_HELP = "(default: the AWS profile's)"
_TIME_HELP = "created then or later: 2026-11-21 or 2026-11-21T14:30, here unless it names a zone"


def _command(commands: Any, name: str, ask: str, purpose: str) -> argparse.ArgumentParser:
    return _added(commands, name, purpose, ask=ask)


def _local(commands: Any, name: str, run: str, purpose: str) -> argparse.ArgumentParser:
    return _added(commands, name, purpose, run=run)


def _group(commands: Any, name: str, purpose: str) -> Any:
    group = commands.add_parser(name, help=purpose, description=purpose)
    return group.add_subparsers(dest="action", required=True, metavar="ACTION")


def _added(commands: Any, name: str, purpose: str, **does: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=purpose, description=purpose)
    command.set_defaults(**does)
    return command


def _of_job(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="ID", help=_ID_HELP)


def _of_webhook(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="WEBHOOK", help=_ID_HELP)


def _of_session(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", metavar="RECORDING", help=_ID_HELP)


def _of_speaker(command: argparse.ArgumentParser) -> None:
    _of_job(command)
    command.add_argument("speaker", metavar="SPEAKER", help="as in the transcript: SPEAKER_00")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print them as JSON")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-21") from error


def _moment(text: str) -> datetime:
    """With a zone: this machine's, if it names none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-21T14:30") from error


def _end(text: str) -> datetime:
    """A day means its last moment."""
    if len(text) != len("2026-11-21"):
        return _moment(text)
    after = _moment(text).replace(tzinfo=None) + timedelta(days=1)  # which may have 23 hours
    return after.astimezone() - timedelta(microseconds=1)
