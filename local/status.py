"""How the laptop's stack is: queues, workers, what failed, what there is left. For `/status`.

Read from the emulator as an operator of the deployment would, from nobody's memory; a table for
people, the same as JSON for programs. The page works without scripts; with them, its figures follow
while whoever reads it stays where they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from debate_analyzer.aws import DynamoJobTable, queue_depth
from debate_analyzer.config import Settings
from debate_analyzer.job import Timestamp
from debate_analyzer.pipeline import STAGES, Status
from debate_analyzer.ports import Window

NEWEST = 200
"""Debates among which failures are looked for."""

_PACKAGES = ("ministack", "faster-whisper", "onnxruntime", "boto3")
_FAR_OFF = timedelta(days=400)  # beyond every look that a row waits for
_ROWS = 800
_GIB = 2**30


class StageStatus(BaseModel):
    """`slots` is how many workers may run at a time, `waits_since` when the debate that has waited
    longest began to."""

    name: str
    slots: int
    workers_running: int
    workers_waiting: int
    waiting: int
    in_hand: int
    waits_since: Timestamp | None


class QueueStatus(BaseModel):
    """Messages, as far as SQS counts them. `waiting` is None of what no queue of ours feeds."""

    name: str
    waiting: int | None
    in_hand: int | None
    dead_letters: int


class SourceStatus(BaseModel):
    """What has a function called: a queue or a table's stream. `state` in Lambda's words."""

    function: str
    source: str
    state: str


class Failure(BaseModel):
    """A debate that failed."""

    job_id: str
    title: str
    at: Timestamp
    code: str
    message: str


class Health(BaseModel):
    """All of it. `overdue`: debates that nobody has looked at though it was time."""

    status: Literal["ok", "down"]
    started_at: Timestamp
    read_at: Timestamp
    stages: list[StageStatus] = []
    queues: list[QueueStatus] = []
    sources: list[SourceStatus] = []
    failures: list[Failure] = []
    overdue: int = 0
    disk_free: int
    disk_total: int
    models: list[str]
    versions: dict[str, str]


@dataclass(frozen=True)
class Watch:
    """`client` makes boto3's of a service, `outputs` are the stack's, `jobs` are the unfinished
    ones of Batch by queue and status, `slots` by stage."""

    client: Callable[[str], Any]
    outputs: Mapping[str, str]
    jobs: Callable[[], Mapping[str, Mapping[str, int]]]
    slots: Mapping[str, int]
    data: Path
    models: Path
    started_at: datetime

    def look(self, is_up: bool) -> Health:
        """Without what the emulator knows where it does not answer."""
        disk = shutil.disk_usage(self.data)
        health = Health(
            status="ok" if is_up else "down",
            started_at=self.started_at,
            read_at=datetime.now(UTC),
            disk_free=disk.free,
            disk_total=disk.total,
            models=sorted(path.name for path in self.models.iterdir() if path.is_dir()),
            versions=_versions(),
        )
        return health.model_copy(update=self._deployed(health.read_at)) if is_up else health

    def _deployed(self, now: datetime) -> dict[str, Any]:
        table = DynamoJobTable(self.client("dynamodb"), self.outputs["JobTable"])
        active = table.due(now + _FAR_OFF, limit=_ROWS)
        newest = islice(table.created_within(Window(until=now)), NEWEST)
        settings = self._settings()
        return {
            "stages": [self._stage(name, active, settings) for name in STAGES],
            "queues": [self._queue(*each) for each in settings.dead_letters.items()],
            "sources": self._sources(),
            "failures": [
                Failure(job_id=job.job_id, title=job.title, at=job.updated_at, **vars(job.fault))
                for job in newest
                if job.status is Status.FAILED and job.fault is not None
            ],
            "overdue": sum((job.check_at or 0) < now.timestamp() - 300 for job in active),
        }

    def _settings(self) -> Settings:
        """What the API's function is told, and the queues that feed functions of no other."""
        functions = self.client("lambda")
        name = self.outputs["ApiFunction"]
        told = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        arrivals = {
            f"{stage.upper()}_ARRIVALS_QUEUE_URL": self.outputs[f"{stage.title()}ArrivalsQueueUrl"]
            for stage in STAGES
        }
        return Settings({**told, **arrivals})

    def _stage(self, name: str, active: Iterable[Any], settings: Settings) -> StageStatus:
        depth = queue_depth(self.client("sqs"), settings.work_queue_url(STAGES[name]))
        jobs = next((jobs for queue, jobs in self.jobs().items() if queue.endswith(f"-{name}")), {})
        queued = [job.updated_at for job in active if job.status is STAGES[name].queued]
        return StageStatus(
            name=name,
            slots=self.slots[name],
            workers_running=jobs.get("RUNNING", 0),
            workers_waiting=sum(jobs.values()) - jobs.get("RUNNING", 0),
            waiting=depth.waiting,
            in_hand=depth.in_hand,
            waits_since=min(queued, default=None),
        )

    def _queue(self, name: str, urls: tuple[str, str | None]) -> QueueStatus:
        sqs, (letters, queue) = self.client("sqs"), urls
        depth, dead = queue_depth(sqs, queue) if queue else None, queue_depth(sqs, letters)
        return QueueStatus(
            name=name,
            waiting=depth.waiting if depth else None,
            in_hand=depth.in_hand if depth else None,
            dead_letters=dead.waiting + dead.in_hand,
        )

    def _sources(self) -> list[SourceStatus]:
        found = self.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        sources = [
            SourceStatus(
                function=each["FunctionArn"].split(":")[6],
                source=each["EventSourceArn"].split(":", 5)[5].split("/stream/")[0],
                state=each["State"],
            )
            for each in found
        ]
        return sorted(sources, key=lambda each: (each.function, each.source))


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # engines are chosen, and not all are there
    return found


# --- the page -------------------------------------------------------------------------------------

_WORDS = {
    "en": {
        "title": "How the stack is",
        "down": "The local AWS does not answer. Restart the stack; logs/aws.log says why.",
        "gone": "The stack was stopped, or is too busy to answer.",
        "ok": "It runs.",
        "since": "since",
        "refresh": "Read again",
        "overdue": "debates that nobody looked at in time",
        "stages": "Stages",
        "queues": "Queues",
        "failures": "Debates that failed",
        "none": "None.",
        "sources": "What calls the functions",
        "machine": "This machine",
        "stage": "stage",
        "slots": "slots",
        "running": "workers running",
        "coming": "workers waiting",
        "waiting": "waiting",
        "in_hand": "in hand",
        "longest": "waits since",
        "queue": "queue",
        "dead": "dead letters",
        "debate": "debate",
        "when": "when",
        "why": "why",
        "function": "function",
        "source": "source",
        "state": "state",
        "what": "what",
        "value": "value",
        "disk": "disk left",
        "models": "models",
    },
    "es": {
        "title": "Cómo está el sistema",
        "down": "El AWS local no responde. Reinicie el sistema; logs/aws.log dice por qué.",
        "gone": "El sistema se detuvo, o está demasiado ocupado para responder.",
        "ok": "Está en marcha.",
        "since": "desde",
        "refresh": "Leer de nuevo",
        "overdue": "debates que nadie miró a tiempo",
        "stages": "Etapas",
        "queues": "Colas",
        "failures": "Debates que fallaron",
        "none": "Nada.",
        "sources": "Qué llama a las funciones",
        "machine": "Este equipo",
        "stage": "etapa",
        "slots": "plazas",
        "running": "procesos en marcha",
        "coming": "procesos en espera",
        "waiting": "en espera",
        "in_hand": "en curso",
        "longest": "espera desde",
        "queue": "cola",
        "dead": "mensajes fallidos",
        "debate": "debate",
        "when": "cuándo",
        "why": "por qué",
        "function": "función",
        "source": "origen",
        "state": "estado",
        "what": "qué",
        "value": "valor",
        "disk": "disco libre",
        "models": "modelos",
    },
}


def page(health: Health, accept_language: str) -> str:
    """As HTML, in Spanish where the browser asks for it first, otherwise in English."""
    language = "es" if accept_language.strip().lower().startswith("es") else "en"
    say = _WORDS[language]
    gib = f"{health.disk_free / _GIB:.1f} / {health.disk_total / _GIB:.1f} GiB"
    machine = {say["disk"]: gib, say["models"]: ", ".join(health.models), **health.versions}
    tables = [
        _table(
            say,
            "stages",
            ("stage", "slots", "running", "coming", "waiting", "in_hand", "longest"),
            [
                (
                    each.name,
                    each.slots,
                    each.workers_running,
                    each.workers_waiting,
                    each.waiting,
                    each.in_hand,
                    _clock(each.waits_since),
                )
                for each in health.stages
            ],
        ),
        _table(
            say,
            "queues",
            ("queue", "waiting", "in_hand", "dead"),
            [(q.name, q.waiting, q.in_hand, q.dead_letters) for q in health.queues],
        ),
        _table(
            say,
            "failures",
            ("debate", "when", "why"),
            [(f.title or f.job_id, _clock(f.at), f.message) for f in health.failures],
        ),
        _table(
            say,
            "sources",
            ("function", "source", "state"),
            [(s.function, s.source, s.state) for s in health.sources],
        ),
        _table(say, "machine", ("what", "value"), list(machine.items())),
    ]
    state = f"{say[health.status]} ({say['since']} {_clock(health.started_at)})"
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{say["title"]}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/styles/variables.css">
<link rel="stylesheet" href="/status.css">
<script src="/status.js" defer></script>
</head>
<body>
<main>
<h1>{say["title"]}</h1>
<p role="status" data-gone="{say["gone"]}"><span>{escape(state)}</span></p>
<p><span>{health.overdue}</span> {say["overdue"]}. <a href="/status">{say["refresh"]}</a></p>
{"".join(tables)}
</main>
</body>
</html>
"""


def _table(
    say: Mapping[str, str],
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
) -> str:
    head = "".join(f'<th scope="col">{escape(say[column])}</th>' for column in columns)
    body = "".join(f"<tr>{_row(row)}</tr>" for row in rows)
    body = body or f'<tr><td colspan="{len(columns)}">{escape(say["none"])}</td></tr>'
    return (
        f'<div role="region" aria-labelledby="{caption}" tabindex="0">'
        f'<table><caption id="{caption}">{escape(say[caption])}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )


def _row(cells: Sequence[object]) -> str:
    first, *others = ("–" if cell is None else escape(str(cell)) for cell in cells)
    return f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in others)


def _clock(time: datetime | None) -> str | None:
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}" if time else None
