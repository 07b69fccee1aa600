"""`debate index rebuild`: the published index made anew, with one's own credentials, not the API's.

The command asks the publish function, which asks for every page; the pages come a little later.
"""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from botocore.exceptions import EndpointConnectionError
from rich.console import Console

from debate_analyzer.errors import DebateError
from deploy.cloud import Cloud, Refused, explained
from local.cli.doctor import NoDeployment
from local.cli.exits import INTERRUPTED, OK, REFUSED
from local.cli.show import complain
from local.emulator import client
from local.folder import DataFolder
from local.server import HOST
from local.stack import STACK_NAME


def rebuild(options: Namespace) -> int:
    """Ask, and print how many pages there are."""
    errors = Console(stderr=True)
    try:
        with explained():
            pages = _on_aws(options) if options.stack else _on_laptop(options)
    except DebateError as error:
        complain(errors, str(error))
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    Console().print(f"Asked for {pages} pages of the index; they are made one after the other.")
    return OK


def _on_aws(options: Namespace) -> int:
    cloud = Cloud(options.region)
    stack = cloud.stack(options.stack)
    if stack is None or not stack.outputs:
        raise NoDeployment(f"There is no deployment {options.stack} in {cloud.region}.")
    return _ask(cloud.client("lambda"), stack.outputs["PublishFunction"])


def _on_laptop(options: Namespace) -> int:
    port = DataFolder(options.data).port("emulator")
    if not port:
        raise NoDeployment(f"No stack has run with the data folder {options.data}; see --data.")
    try:
        return _ask(client("lambda", f"http://{HOST}:{port}"), f"{STACK_NAME}-publish")
    except EndpointConnectionError as error:
        raise NoDeployment(
            f"The stack of {options.data} is not running: `make run` starts it."
        ) from error


def _ask(functions: Any, name: str) -> int:
    answer = functions.invoke(FunctionName=name, Payload=json.dumps({"rebuild": True}))
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Refused(f"The publish function failed: {result.get('errorMessage', 'no message')}")
    return int(result["pages"])
