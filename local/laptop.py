"""The whole stack on one machine: emulator, Batch and web server around the deployed template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from batch_images.transcribe import weights
from debate_analyzer.job import utc_now
from debate_analyzer.pipeline import STAGES
from local import web
from local.batch import Batch
from local.batch import Site as BatchSite
from local.emulator import Emulator
from local.folder import DataFolder
from local.server import PortTaken, Server, bind
from local.stack import Stack, deploy
from local.status import Watch
from local.steps import Steps

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = PROJECT / "template.yaml"
FRONTEND = PROJECT / "frontend"

_STOP_GRACE = 3.0
"""Seconds a worker gets to hand its unit back when the stack stops."""


@contextmanager
def laptop(
    folder: DataFolder, port: int, models: Path, steps: Steps, chosen: Mapping[str, str]
) -> Iterator[str]:
    """Start everything, yield the page's address, stop everything. The folder is held already.

    `chosen`: parameters of the template that take the place of the laptop's own.
    Raises Misconfigured (PortTaken among it) with a sentence.
    """
    page = Server(port)
    batch = Batch(folder.path, _same_port(folder, "batch"), grace=_STOP_GRACE)
    emulator = Emulator(
        folder.path,
        port=_same_port(folder, "emulator"),
        batch_endpoint=batch.endpoint,
        public_endpoint=page.url,
    )
    with ExitStack() as running:
        # Stopped from the last to the first: a worker hands its unit back to a living queue.
        for part in (emulator, batch, page):
            running.callback(part.stop)
        with steps.step("models") as say:
            weights.ensure(models, report=say)
        with steps.step("local AWS"):
            batch.start()
            emulator.start()
        with steps.step("template") as say:
            values = parameters(models) | dict(chosen)
            stack = deploy(emulator, TEMPLATE, values, say)
            emulator.token()  # makes and saves the local user before the first debate is theirs
        with steps.step("jobs and page"):
            batch.deploy(_batch_site(emulator, stack, models, values))
            watch = Watch(
                client=emulator.client,
                outputs=stack.outputs,
                jobs=batch.counts,
                slots={stage: int(values[f"{stage.title()}MaxWorkers"]) for stage in STAGES},
                data=folder.path,
                models=models,
                started_at=utc_now(),
            )
            page.start(web.application(_web_site(emulator, stack, watch), port))
        _reconcile(emulator, stack)
        yield page.url


def parameters(models: Path) -> dict[str, str]:
    """The template's, for a laptop: engines that need neither a GPU nor a token, a worker of each
    kind at a time."""
    return {
        "WhisperModel": str(models / "whisper-base"),
        "WhisperModels": "base",
        "WhisperDevice": "cpu",
        "WhisperComputeType": "int8",
        "Diarizer": "onnx",
        "TranscribeMaxWorkers": "1",
        "StatsMaxWorkers": "1",
        "ArrivalsConcurrency": "2",  # each is a process of 50 MB
        # A few seconds after a kill -9 its work goes on; the next upload finds the models loaded.
        "LeaseSeconds": "20",
        "WorkerLingerSeconds": "60",
        # The page is served by local.web, jobs run as processes, and nothing needs the rest.
        "Site": "false",
        "HfTokenSecret": "",
        "AccessLogs": "false",
        "Database": "false",
        "Monitoring": "false",
        # Mails stay on this machine: local.mails.
        "MailFrom": "debates@laptop.invalid",
        "VpcId": "none",
        "SubnetIds": "none",
    }


def _batch_site(
    emulator: Emulator, stack: Stack, models: Path, values: Mapping[str, str]
) -> BatchSite:
    def environment(role: str | None) -> dict[str, str]:
        credentials = emulator.role_environment(role) if role is not None else {}
        return {"AWS_ENDPOINT_URL": emulator.endpoint, "MODELS_DIR": str(models), **credentials}

    return BatchSite(
        queues=stack.queues,
        definitions=stack.definitions.values(),
        environment=environment,
        emit=emulator.emit_batch_event,
        project=PROJECT,
        slots={
            queue.name: int(values[f"{stage.title()}MaxWorkers"])
            for queue in stack.queues
            for stage in STAGES
            if queue.name.endswith(f"-{stage}")
        },
    )


def _web_site(emulator: Emulator, stack: Stack, watch: Watch) -> web.Site:
    return web.Site(
        frontend=FRONTEND,
        endpoint=emulator.endpoint,
        api=f"/_aws/execute-api/{stack.outputs['ApiId']}/$default",
        token=emulator.token,
        bucket=stack.outputs["Bucket"],
        objects=emulator.objects,
        s3=emulator.s3,
        look=watch.look,
    )


def _reconcile(emulator: Emulator, stack: Stack) -> None:
    """Have the sweeper compare the bucket with the table: a kill -9 may have cost the table the
    last seconds, and the bucket nothing. Nobody waits for it, and its log says what was found."""
    emulator.client("lambda").invoke(
        FunctionName=stack.outputs["SweepFunction"],
        InvocationType="Event",
        Payload=json.dumps({"reconcile": {}}),
    )


def _same_port(folder: DataFolder, name: str) -> int:
    """The port of the last run if it is free, any other otherwise: it is in the environment of
    what is deployed, and a change of it costs an update of the stack."""
    try:
        sock = bind(folder.port(name))
    except PortTaken:
        sock = bind(0)
    port: int = sock.getsockname()[1]
    sock.close()
    folder.keep_port(name, port)
    return port
