"""`debate reconcile`: table, bucket, queues and Batch compared with one another, and mended.

By the sweep function, invoked with one's own credentials: it runs for a part of a minute at a time,
and says where to go on.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from debate_analyzer.errors import DebateError
from debate_analyzer.reconciliation import Finding, Order, Report
from deploy.cloud import Refused, explained
from local.cli.deployment import deployment
from local.cli.exits import FAILED, OK, REFUSED
from local.cli.show import complain, plain, print_json

_SECONDS = 40.0
"""Of a run: somebody watches. The minute's sweep comes on top, and what is in hand is finished."""


def run(options: Namespace) -> int:
    """Print what was found; FAILED when some of it could not be mended."""
    errors = Console(stderr=True)
    try:
        with explained():
            found = deployment(options)
            rounds = reports(found.client("lambda"), found.outputs["SweepFunction"], options.since)
            findings = [finding for report in rounds for finding in report.findings]
    except DebateError as error:
        complain(errors, str(error))
        return REFUSED
    if options.json:
        print_json([finding.model_dump(mode="json") for finding in findings])
    elif findings:
        Console().print(_table(findings))
    else:
        errors.print("Nothing was amiss.")
    return OK if all(finding.mended for finding in findings) else FAILED


def reports(functions: Any, name: str, since: datetime | None = None) -> Iterator[Report]:
    """Of the runs that make up a round. Raises Refused."""
    order = Order(since=since, seconds=_SECONDS)
    while True:
        payload = json.dumps({"reconcile": order.model_dump(mode="json", exclude_none=True)})
        answer = functions.invoke(FunctionName=name, Payload=payload)
        result = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Refused(f"The sweep function failed: {result.get('errorMessage', 'no message')}")
        report = Report.model_validate(result["report"])
        yield report
        if report.next is None:
            return
        order = order.model_copy(update={"start": report.next})


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("kind", "debate", "done", "what"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        done = "mended" if finding.mended else "reported"
        table.add_row(finding.kind, finding.job_id or "", done, plain(finding.sentence))
    return table
