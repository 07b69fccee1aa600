"""Debates are listed, looked at, fetched, changed, cancelled, tried again, deleted."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from itertools import islice
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from debate_analyzer.api.jobs import Deleted
from debate_analyzer.catalogue import JobView
from debate_analyzer.job_desk import Changes, RetryRequest
from debate_analyzer.pipeline import Phase, Status
from local.cli import follow as following
from local.cli.client import Client, Refused, Unreachable
from local.cli.exits import OK
from local.cli.show import jobs_table, plain, print_debate, print_json

_TRIES = 5  # of a download that breaks off, each from where it did


def list_jobs(client: Client, options: Namespace, errors: Console) -> int:
    """`debate list`"""
    status = options.status
    if status is not None and status.lower() != Phase.ACTIVE:
        status = status.upper()
        if status not in Status.__members__:
            names = ", ".join(name.lower() for name in Status.__members__)
            raise Refused(f"There is no status {options.status!r}. There are: active, {names}.")
    query = {
        "status": status,
        "from": options.since and options.since.isoformat(),
        "to": options.until and options.until.isoformat(),
        "owner": options.owner,
    }
    found = list(islice(client.jobs(**query), options.limit))
    if options.json:
        print_json([job.model_dump(mode="json") for job in found])
    elif found:
        Console().print(jobs_table(found))
    elif any(query.values()):
        errors.print("No debates are so.")
    else:
        errors.print("No debates yet. `debate upload FILE` brings the first.")
    return OK


def show(client: Client, options: Namespace, errors: Console) -> int:
    """`debate show`"""
    job = client.find(options.id)
    if options.json:
        print_json(job)
    else:
        complete = job.status is Status.COMPLETE
        print_debate(job, client.statistics(job.job_id) if complete else None)
    return OK


def follow(client: Client, options: Namespace, errors: Console) -> int:
    """`debate follow`"""
    job = client.find(options.id)
    return following.stay(client, job.job_id, errors, as_json=options.json)


def statistics(client: Client, options: Namespace, errors: Console) -> int:
    """`debate statistics`"""
    document = client.statistics_document(client.find(options.id).job_id)
    # Non-ASCII is escaped by default, and with it whatever a terminal would obey.
    print_json(json.loads(document))
    return OK


def transcript(client: Client, options: Namespace, errors: Console) -> int:
    """`debate transcript`"""
    to_terminal = options.output is None and sys.stdout.isatty()
    if to_terminal and options.format == "docx":
        raise Refused("A document of Word is no text: name a file with -o.")
    job = client.find(options.id)
    content = client.transcript(job.job_id, options.format, edited=options.edited)
    if options.output is not None:
        _write(options.output, content)
    elif to_terminal:
        print(plain(content.decode("utf-8", "replace"), keep="\n\t"))
    else:
        sys.stdout.buffer.write(content)
    return OK


def video(client: Client, options: Namespace, errors: Console) -> int:
    """`debate video`"""
    job = client.find(options.id)
    if options.output is None:
        print(client.video(job.job_id).url)
    else:
        _fetch_video(client, job, options.output, errors)
    return OK


def cancel(client: Client, options: Namespace, errors: Console) -> int:
    """`debate cancel`"""
    job = client.find(options.id)
    return _done(client.post(f"/api/jobs/{job.job_id}/cancel", JobView))


def retry(client: Client, options: Namespace, errors: Console) -> int:
    """`debate retry`"""
    try:
        wanted = RetryRequest(
            stage=options.stage,
            model=options.model,
            language=options.language,
            speakers=options.speakers,
        )
    except ValidationError as error:
        raise following.refusal(error) from error
    job = client.find(options.id)
    job = client.post(f"/api/jobs/{job.job_id}/retry", JobView, wanted)
    return following.stay(client, job.job_id, errors) if options.wait else _done(job)


def change(client: Client, options: Namespace, errors: Console) -> int:
    """`debate change`"""
    if options.title is None and options.language is None:
        raise Refused("Say what is to be different: --title, --language, or both.")
    return _change(client, options.id, title=options.title, language=options.language)


def publish(client: Client, options: Namespace, errors: Console) -> int:
    """`debate publish`"""
    return _change(client, options.id, published=True)


def unpublish(client: Client, options: Namespace, errors: Console) -> int:
    """`debate unpublish`"""
    return _change(client, options.id, published=False)


def delete(client: Client, options: Namespace, errors: Console) -> int:
    """`debate delete`"""
    found = [client.find(each) for each in options.ids]
    if not options.yes:
        for job in found:
            errors.print(f"{job.job_id}  {plain(job.title)}", markup=False, highlight=False)
        confirm("Delete everything of this, for good?", errors)
    for job in found:
        gone = client.delete(f"/api/jobs/{job.job_id}", Deleted)
        if options.json:
            print(gone.model_dump_json())
        else:
            print(*map(plain, gone.deleted), sep="\n")
    return OK


def confirm(question: str, console: Console) -> None:
    """Raises Refused unless the answer is yes."""
    try:
        answer = console.input(f"{question} \\[y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise Refused("Nothing was deleted.")


def _change(client: Client, prefix: str, **wanted: object) -> int:
    try:
        changes = Changes.model_validate(wanted)
    except ValidationError as error:
        raise following.refusal(error) from error
    job = client.find(prefix)
    return _done(client.patch(f"/api/jobs/{job.job_id}", JobView, changes))


def _done(job: JobView) -> int:
    print_debate(job, None)
    return OK


def _fetch_video(client: Client, job: JobView, target: Path, console: Console) -> None:
    """Into a file beside it, that is moved there when it is whole."""
    draft = target.with_name(f"{target.name}.part")
    try:
        draft.unlink(missing_ok=True)
        with following.transfer(console, target.name, job.bytes) as advance:
            for left in reversed(range(_TRIES)):
                try:
                    client.fetch(client.video(job.job_id).url, draft, advance)
                    break
                except Unreachable:
                    if not left:
                        raise
        draft.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error


def _write(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise _unwritable(target, error) from error


def _unwritable(target: Path, error: OSError) -> Refused:
    return Refused(f"{target} cannot be written: {error.strerror}.")
