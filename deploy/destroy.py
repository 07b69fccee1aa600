"""The end of a deployment: its stack goes, its data stays unless somebody says its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from debate_analyzer.errors import DebateError, Misconfigured
from deploy.cloud import Cloud
from deploy.parameters import Environment
from deploy.removal import described, in_order, monthly_cost


class NotConfirmed(DebateError):
    """What was typed is not the stack's name; nothing was deleted."""

    code = "not_confirmed"


def destroy(
    cloud: Cloud, environment: Environment, *, data: bool, ask: Callable[[str], str]
) -> None:
    """Delete the stack, and with `data` what it would leave. Raises NotConfirmed, Refused."""
    name = environment.stack_name
    stack = cloud.stack(name)
    if stack is None:
        raise Misconfigured(f"There is no stack {name} in {cloud.region}: nothing to delete.")
    if not stack.description.startswith("debate-analyzer"):
        raise Misconfigured(f"The stack {name} is not this project's: it is left alone.")
    left = in_order(cloud.kept(name))
    print(f"The stack {name} in account {cloud.account_id}, region {cloud.region}, is deleted:")
    print("  functions, queues, images, compute, sign-in, the page, secrets (tokens, cookies).")
    print("With it goes its data, for good:" if data else "Its data stays:")
    for one in left:
        print(f"  - {described(one)}")
    if not data and left:
        print(f"  Together about ${sum(map(monthly_cost, left)):.2f} a month (us-east-1's prices).")
    if ask(f"Type {name} to go on: ").strip() != name:
        raise NotConfirmed("That is not the stack's name: nothing was deleted.")
    began = datetime.now(UTC)
    print(f"==> deleting {name}; CloudFront and the database take a quarter of an hour", flush=True)
    cloud.delete_stack(name)
    if data:
        for one in left:
            print(f"==> deleting {one.id}", flush=True)
            cloud.delete(one, since=began)
    elif left:
        print(
            "The bucket's name is taken as long as it is there: a new deployment of this name "
            "wants BucketName=ANOTHER. Recordings that are copied into its bucket (aws s3 sync "
            "s3://OLD/jobs/ s3://NEW/jobs/) are transcribed anew, as nobody's in particular."
        )
