"""AWS on a laptop: ministack, run inside this process, with IAM enforced and state that survives.

ministack reads its environment when it is imported and keeps its state in modules, so a process has
one emulator. What is called by a private name stands in `_PRIVATE`; the start fails with a clear
sentence when a new version has moved it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from debate_analyzer.errors import Misconfigured
from local import mails, queries, snapshots
from local.s3.commits import Commits
from local.s3.door import Answer, Closed, Door
from local.server import HOST, bind

REGION = "us-east-1"
ACCOUNT = "000000000000"

_USER = "local@example.invalid"
_GROUP = "operator"  # template.yaml's OperatorGroup: this machine's user deals with its failures
_TOKEN_MARGIN = 300
_JOB_SESSION_SECONDS = 24 * 3600
_LOG_BYTES = 20 * 2**20


def client(service: str, endpoint: str, config: Config | None = None) -> Any:
    """A boto3 client of the emulator at `endpoint`, with an administrator's rights."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


class EmulatorChanged(Misconfigured):
    """ministack no longer has a name that we rely on: install the version that has it."""

    code = "emulator_changed"


class Emulator:
    """The AWS of one data folder. `batch_endpoint` is where functions find Batch.

    Everything lies below `data`: `aws/state` (tables, queues, the deployed stack), `aws/s3`
    (objects, written at once), `aws/uploads` (in parts, while they last), `aws/incoming` (bodies on
    their way into an object), `mails`, `logs/aws.log`, `logs/functions.log` (what functions write).
    """

    def __init__(
        self, data: Path, port: int, batch_endpoint: str | None, public_endpoint: str | None
    ) -> None:
        self.endpoint = f"http://{HOST}:{port}"
        self.public_endpoint = public_endpoint
        self.objects = data / "aws" / "s3" / ACCOUNT
        self._port = port
        self._data = data
        self._batch_endpoint = batch_endpoint
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._snapshots = snapshots.Snapshots(data / "aws" / "state")
        self._door: Door | None = None
        self._logs: list[logging.Handler] = []
        self._is_up = False
        self._token: tuple[str, float] = ("", 0.0)
        self._signing_in = threading.Lock()

    def start(self) -> None:
        """Answer on the endpoint, with the state of the last run.

        Raises PortTaken, and EmulatorChanged.
        """
        sock = bind(self._port)
        self._configure()
        s3 = _ministack(self._data / "aws")
        _let_functions_write(self._log("functions"))
        mails.keep_in(self._data / "mails")
        self._door = Door(s3, lambda: self._loop)
        app = _OwnOnly(
            s3,
            own={f"{name}:{self._port}" for name in (HOST, "localhost")},
            web_server=urlsplit(self.public_endpoint).netloc if self.public_endpoint else None,
        )
        started = threading.Event()

        def run() -> None:
            try:
                asyncio.run(self._serve(app, sock, started))
            finally:
                started.set()

        self._thread = threading.Thread(target=run, name="emulator", daemon=True)
        self._thread.start()
        started.wait()
        if not self._is_up:
            raise RuntimeError("the local AWS did not start; see above, and logs/aws.log")

    def stop(self) -> None:
        """Save everything and stop. Safe to call twice."""
        if self._loop is not None and self._stopping is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None
        while self._logs:
            log = self._logs.pop()
            logging.getLogger().removeHandler(log)
            log.close()

    def save(self) -> None:
        """Write down everything, as after a deployment."""
        assert self._loop is not None, "start() first"
        asyncio.run_coroutine_threadsafe(self._snapshots.write_all(), self._loop).result()

    async def s3(self, scope: Scope, receive: Receive) -> Answer:
        """See `Door.ask`."""
        if self._door is None:
            raise Closed
        return await self._door.ask(scope, receive)

    def client(self, service: str) -> Any:
        """See `client`."""
        return client(service, self.endpoint)

    def role_environment(self, role_arn: str) -> dict[str, str]:
        """The variables that let a process act as the role, and as nothing else.

        The session is registered from inside, as for functions: the role trusts ECS, and no one
        who signs in.
        """
        name = role_arn.rsplit("/", 1)[-1]
        key = f"ASIA{secrets.token_hex(8).upper()}"
        secret, token = secrets.token_hex(20), secrets.token_hex(32)
        importlib.import_module("ministack.services.sts").register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/batch",
                "UserId": f"{name}:batch",
                "SecretAccessKey": secret,
                "SessionToken": token,
                "Expiration": time.time() + _JOB_SESSION_SECONDS,
            },
        )
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
            "AWS_DEFAULT_REGION": REGION,
        }

    def emit_batch_event(self, detail: Mapping[str, Any]) -> None:
        """Tell EventBridge of a Batch job's state change.

        PutEvents refuses the source `aws.batch`, as on AWS, so it is called from inside.
        """
        entry = {
            "Source": "aws.batch",
            "DetailType": "Batch Job State Change",
            "Detail": json.dumps(detail),
        }
        events = importlib.import_module("ministack.services.eventbridge")
        events._put_events({"Entries": [entry]}, allow_aws_source=True)

    def token(self) -> str:
        """An access token of the local user that is good for five minutes at least."""
        with self._signing_in:
            token, expires = self._token
            if expires - time.time() < _TOKEN_MARGIN:
                token, lifetime = self._sign_in()
                self._token = (token, time.time() + lifetime)
            return token

    def _sign_in(self) -> tuple[str, float]:
        cognito = self.client("cognito-idp")
        pool = cognito.list_user_pools(MaxResults=1)["UserPools"][0]["Id"]
        client = cognito.list_user_pool_clients(UserPoolId=pool, MaxResults=1)
        try:
            cognito.admin_create_user(UserPoolId=pool, Username=_USER, MessageAction="SUPPRESS")
        except cognito.exceptions.UsernameExistsException:
            pass
        else:
            self.save()  # the jobs belong to this user: another one would not see them
        with suppress(cognito.exceptions.GroupExistsException):
            cognito.create_group(UserPoolId=pool, GroupName=_GROUP)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=_USER, GroupName=_GROUP)
        password = f"Aa1!{secrets.token_urlsafe(24)}"  # good for this once
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=_USER, Password=password, Permanent=True
        )
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client["UserPoolClients"][0]["ClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": _USER, "PASSWORD": password},
        )["AuthenticationResult"]
        return answer["AccessToken"], float(answer["ExpiresIn"])

    def _configure(self) -> None:
        environment = {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._data / "aws" / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._data / "aws" / "s3"),
            "AUTH": "true",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
            "LOG_LEVEL": "INFO",
        }
        if self._batch_endpoint is not None:
            environment["AWS_ENDPOINT_URL_BATCH"] = self._batch_endpoint
        os.environ.update(environment)
        for folder in ("aws/state", "aws/s3", "logs"):
            (self._data / folder).mkdir(parents=True, exist_ok=True)
        log = self._log("aws")
        log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logging.getLogger().addHandler(log)
        logging.getLogger().setLevel(logging.INFO)
        for talkative in ("persistence", "httpx", "samtranslator"):
            logging.getLogger(talkative).setLevel(logging.WARNING)

    def _log(self, name: str) -> logging.Handler:
        path = self._data / "logs" / f"{name}.log"
        self._logs.append(RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1))
        return self._logs[-1]

    async def _serve(self, app: _OwnOnly, sock: socket.socket, started: threading.Event) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        self._loop = asyncio.get_running_loop()
        self._stopping = stopping = asyncio.Event()
        config = Config()
        config.bind = [f"fd://{sock.detach()}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        config.accesslog = None
        config.errorlog = logging.getLogger("emulator.http")

        async def announced(scope: Scope, receive: Receive, send: Send) -> None:
            async def tell(message: Message) -> None:
                await send(message)
                if message["type"] == "lifespan.startup.complete":
                    self._is_up = True
                    started.set()

            await app(scope, receive, tell if scope["type"] == "lifespan" else send)

        saving = asyncio.create_task(self._snapshots.run(stopping))
        # One that cannot save any more had better stop than work for nothing.
        saving.add_done_callback(lambda _: stopping.set())
        await serve(announced, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
        await saving
        await (
            self._snapshots.write_all()
        )  # ministack has done so; but a snapshot may have come later


class _OwnOnly:
    """Lets pass what comes from this stack.

    The emulator holds whoever signs as `test` for its administrator, permits every origin, and
    runs any code as a function: any site in a browser of this machine could do as it likes. What
    a browser sends for a foreign site says so (Origin, Sec-Fetch-Site, and Host when its name
    resolves to 127.0.0.1). Our web server has made sure of what it passes on, Host and all.
    """

    def __init__(self, app: Any, own: set[str], web_server: str | None) -> None:
        self._app = app
        self._own = own
        self._web_server = web_server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and self._may_pass(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            refusal = PlainTextResponse("The local AWS serves its own stack only.", 403)
            await refusal(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if headers.get("host") in self._own:
            return "origin" not in headers and "sec-fetch-site" not in headers
        return headers.get("host") == self._web_server


_PRIVATE = {
    "ministack.app": [
        *("app", "detect_service"),
        *("_build_persistence_save_dict", "_read_request_body"),
        *mails.PRIVATE_OF_APP,
    ],
    "ministack.core.iam_actions": ["extract_iam_action"],
    "ministack.core.persistence": ["STATE_DIR", "_json_default", "_state_format_version"],
    "ministack.core.responses": ["AccountScopedDict", "StreamingResponse", "get_account_id"],
    "ministack.core.lambda_runtime": ["Worker"],
    "ministack.services.dynamodb": [*queries.PRIVATE, *snapshots.PRIVATE],
    "ministack.services.eventbridge": ["_put_events", "start_scheduler"],
    "ministack.services.s3": [
        *("DATA_DIR", "S3_NS", "handle_request", "md5_hash", "now_iso"),
        *("_bucket_owner_account", "_bucket_replication", "_bucket_versioning", "_buckets"),
        *("_check_put_preconditions", "_check_sse_c_part", "_complete_multipart_upload"),
        *("_completed_multipart_uploads", "_composite_checksum", "_compute_s3_checksum", "_error"),
        *("_fire_s3_event_async", "_get_object", "_key_history_meta", "_merge_hoisted_amz_headers"),
        *("_multipart_uploads", "_object_disk_path", "_object_meta_from_record"),
        *("_other_key_disk_path", "_parse_bucket_key", "_persist_object", "_read_body"),
        *("_record_object_version", "_stored_sse_headers", "_verify_presigned_sigv4", "_xml_body"),
    ],
    "ministack.services.lambda_svc": ["_restore_esm_positions", "_sqs_esm_concurrency"],
    "ministack.services.ses_v2": mails.PRIVATE,
    "ministack.services.sts": ["register_session"],
}


def _ministack(folder: Path) -> Any:
    """ministack's application, after a look that all we rely on is there, with bodies in files.
    `folder` is where everything of it lies."""
    commits = Commits(folder)
    commits.recover()  # before ministack reads what is there
    for module_name, names in _PRIVATE.items():
        module = importlib.import_module(module_name)
        for name in names:
            if not hasattr(module, name):
                raise EmulatorChanged(
                    f"{module_name} has no {name} any more. local/emulator.py was written for the "
                    "version of ministack in requirements/run.txt; install that one."
                )
    state = importlib.import_module("ministack.core.persistence").STATE_DIR
    if state != str(folder / "state"):
        raise RuntimeError(f"this process has an emulator already, for {state}")
    _let_batches_be_sent()
    _let_streams_begin_anew()
    _let_parameters_be_numbers()
    queries.look_at_less()
    mails.decide_by_identity(REGION, ACCOUNT)
    app = importlib.import_module("ministack.app").app
    grafted = importlib.import_module("local.s3.grafted")
    return grafted.Grafted(app, commits, folder / "uploads")


def _let_parameters_be_numbers() -> None:
    """CloudFormation makes of a parameter the number that a property wants; here a text stays one,
    and a queue with such a limit of batches at once would never be polled."""
    functions = importlib.import_module("ministack.services.lambda_svc")
    at_once = functions._sqs_esm_concurrency

    def at_once_in_numbers(source: dict[str, Any], *said: Any) -> int:
        scaling = {name: int(value) for name, value in (source.get("ScalingConfig") or {}).items()}
        return int(at_once({**source, "ScalingConfig": scaling}, *said))

    vars(functions)["_sqs_esm_concurrency"] = at_once_in_numbers


def _let_streams_begin_anew() -> None:
    """A table's stream is not saved and begins at 0 with each start; where its readers had come to
    is saved, and they would wait until it is as long again."""
    functions = importlib.import_module("ministack.services.lambda_svc")
    vars(functions)["_restore_esm_positions"] = lambda *_: None


def _let_functions_write(log: logging.Handler) -> None:
    """To a file, as it comes: a kill -9 leaves it there. ministack would keep it in memory, a
    stream a call, and waits after each answer for lines that may not come."""
    runtime = importlib.import_module("ministack.core.lambda_runtime")

    def read(worker: Any) -> None:
        for line in worker._proc.stderr:
            log.handle(logging.makeLogRecord({"msg": line.rstrip("\n")}))

    runtime.Worker._read_stderr = read
    runtime.Worker._drain_stderr_bounded = lambda _: ""


def _let_batches_be_sent() -> None:
    """As on AWS, where whoever may send a message may send ten: SQS has no actions for batches.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
    """
    actions = importlib.import_module("ministack.core.iam_actions")
    of_operation = actions.extract_iam_action

    def of_batch(service: str, *request: Any, **more: Any) -> str | None:
        action: str | None = of_operation(service, *request, **more)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    vars(actions)["extract_iam_action"] = of_batch
