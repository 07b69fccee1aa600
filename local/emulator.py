"""AWS on a laptop: ministack, run inside this process, with IAM enforced and state that survives.

ministack reads its environment when it is imported and keeps its state in modules, so a process has
one emulator. What is patched or called by a private name stands in `_private`, which fails at start
with a clear sentence when a new version has moved it: the version is pinned.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

REGION = "us-east-1"
ACCOUNT = "000000000000"

_USER = "local@example.invalid"
_SNAPSHOT_SECONDS = 2.0
# What changes while the stack works. The rest changes only when the template is deployed.
_BUSY_SERVICES = ("dynamodb", "sqs", "s3")
_TOKEN_MARGIN = 300
_JOB_SESSION_SECONDS = 24 * 3600

logger = logging.getLogger(__name__)


class EmulatorChanged(RuntimeError):
    """ministack no longer has a name that we rely on: pin the version that has it."""


class Emulator:
    """The AWS of one data folder. `batch_endpoint` is where functions find Batch.

    Everything lies below `data`: `aws/state` (tables, queues, the deployed stack), `aws/s3`
    (objects, written at once), `logs/aws.log`.
    """

    def __init__(
        self, data: Path, port: int, batch_endpoint: str | None, public_endpoint: str | None
    ) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.public_endpoint = public_endpoint
        self.objects = data / "aws" / "s3" / ACCOUNT
        self._port = port
        self._data = data
        self._batch_endpoint = batch_endpoint
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._snapshots = _Snapshots(data / "aws" / "state")
        self._token: tuple[str, float] = ("", 0.0)

    def start(self) -> None:
        """Answer on the endpoint, with the state of the last run. Raises EmulatorChanged."""
        self._configure()
        private = _private()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(private, ready)), name="emulator", daemon=True
        )
        self._thread.start()
        if not ready.wait(30):
            raise TimeoutError("The local AWS did not start within 30 s; see logs/aws.log.")

    def stop(self) -> None:
        """Save everything and stop. Safe to call twice."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(20)
            self._thread = None

    def save(self) -> None:
        """Write down everything, as after a deployment."""
        assert self._loop is not None, "start() first"
        asyncio.run_coroutine_threadsafe(self._snapshots.write(None), self._loop).result()

    def client(self, service: str) -> Any:
        """A boto3 client with an administrator's rights."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

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
        token, expires = self._token
        if expires - time.time() < _TOKEN_MARGIN:
            token, lifetime = self._sign_in()
            self._token = (token, time.time() + lifetime)
        return token

    def _sign_in(self) -> tuple[str, float]:
        cognito = self.client("cognito-idp")
        pool = cognito.list_user_pools(MaxResults=1)["UserPools"][0]["Id"]
        client = cognito.list_user_pool_clients(UserPoolId=pool, MaxResults=1)
        password = self._password()
        try:
            cognito.admin_create_user(UserPoolId=pool, Username=_USER, MessageAction="SUPPRESS")
            cognito.admin_set_user_password(
                UserPoolId=pool, Username=_USER, Password=password, Permanent=True
            )
        except cognito.exceptions.UsernameExistsException:
            pass
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client["UserPoolClients"][0]["ClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": _USER, "PASSWORD": password},
        )["AuthenticationResult"]
        return answer["AccessToken"], float(answer["ExpiresIn"])

    def _password(self) -> str:
        """Derived from the folder: it opens nothing that the folder does not hold already."""
        return "Aa1!" + hashlib.sha256(str(self._data).encode()).hexdigest()[:28]

    def _configure(self) -> None:
        environment = {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
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
        self._log_to(self._data / "logs" / "aws.log")

    def _log_to(self, path: Path) -> None:
        handler = logging.FileHandler(path)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(logging.INFO)

    async def _serve(self, app: Any, ready: threading.Event) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        config = Config()
        config.bind = [f"127.0.0.1:{self._port}"]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        config.accesslog = None
        config.errorlog = logging.getLogger("emulator.http")
        snapshots = asyncio.create_task(self._snapshots.run())
        tell = asyncio.create_task(self._tell_when_ready(ready))
        await serve(app, config, shutdown_trigger=self._stopping.wait)
        for task in (snapshots, tell):
            task.cancel()
        await self._snapshots.write(None)

    async def _tell_when_ready(self, ready: threading.Event) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            ready.set()
            return


class _Snapshots:
    """ministack saves on a clean stop only. This saves what has changed every two seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, str] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_SNAPSHOT_SECONDS)
            await self.write(_BUSY_SERVICES)

    async def write(self, services: tuple[str, ...] | None) -> None:
        """Save the named services, or all of them."""
        app = importlib.import_module("ministack.app")
        persistence = importlib.import_module("ministack.core.persistence")
        for name, get_state in app._build_persistence_save_dict().items():
            if services is not None and name not in services:
                continue
            # A copy, taken between two requests: on this loop nothing else runs meanwhile.
            state = get_state()
            if state is not None:
                await asyncio.to_thread(self._save, persistence, name, state)

    def _save(self, persistence: Any, name: str, state: Any) -> None:
        text = json.dumps(state, default=persistence._json_default, sort_keys=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._written.get(name) == digest:
            return
        version = persistence._state_format_version(name)
        draft = self._folder / f"{name}.json.new"
        draft.write_text(f'{{"__ministack_format__": {version}, "payload": {text}}}')
        draft.replace(self._folder / f"{name}.json")
        self._written[name] = digest


_PRIVATE = {
    "ministack.app": ["app", "_build_persistence_save_dict"],
    "ministack.core.persistence": ["_json_default", "_state_format_version"],
    "ministack.services.eventbridge": ["_put_events", "start_scheduler"],
    "ministack.services.sts": ["register_session"],
}


def _private() -> Any:
    """ministack's application, after a look that everything we rely on is there."""
    for module_name, names in _PRIVATE.items():
        module = importlib.import_module(module_name)
        for name in names:
            if not hasattr(module, name):
                raise EmulatorChanged(
                    f"{module_name} has no {name} any more. local/emulator.py was written for the "
                    "version of ministack in requirements/run.txt; install that one."
                )
    return importlib.import_module("ministack.app").app
