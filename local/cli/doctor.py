"""`debate doctor`: a deployment on AWS, examined with one's own credentials, not by its API."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from debate_analyzer.errors import DebateError
from deploy import huggingface
from deploy.cloud import Cloud, explained
from deploy.doctor import UNSET, Patient, examine
from deploy.finding import Finding, Level, is_good
from local.cli.deployment import NoDeployment
from local.cli.exits import FAILED, OK, REFUSED
from local.cli.show import complain, plain

_MARKS = {
    Level.OK: ("✓", "green"),
    Level.WARNING: ("!", "yellow"),
    Level.ERROR: ("✗", "red"),
}


def run(options: Namespace) -> int:
    """Print the findings; FAILED when there is an error among them."""
    errors = Console(stderr=True)
    if options.stack is None:
        complain(
            errors,
            "doctor examines a deployment on AWS: name it with --stack. How the laptop's own stack "
            "is, http://127.0.0.1:8080/status says.",
        )
        return REFUSED
    try:
        with explained():
            patient = _patient(options)
    except DebateError as error:
        complain(errors, str(error))
        return REFUSED
    findings = [*examine(patient), *_token(patient)]
    console = Console()
    for finding in findings:
        console.print(_line(finding))
    faults = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    console.print(f"{faults} errors, {warnings} warnings.")
    return OK if is_good(findings) else FAILED


def _patient(options: Namespace) -> Patient:
    cloud = Cloud(options.region)
    stack = cloud.stack(options.stack)
    if stack is None or not stack.outputs:
        raise NoDeployment(f"There is no deployment {options.stack} in {cloud.region}.")
    return cloud.patient(stack, datetime.now(UTC))


def _token(patient: Patient) -> list[Finding]:
    """What Hugging Face says of a token that is set and wanted."""
    wanted = patient.stack.parameters.get("Diarizer") == "pyannote"
    if not wanted or patient.token in (None, "", UNSET):
        return []
    return [huggingface.token_finding(patient.token)]


def _line(finding: Finding) -> Text:
    mark, style = _MARKS[finding.level]
    return Text.assemble((mark, style), " ", plain(finding.sentence))
