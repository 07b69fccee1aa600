"""Mails on a laptop: none leaves the machine. Each is a file of the data folder, as mail programs
open it.

The emulator takes SendEmail for a call on no resource, with nothing for conditions to look at. On
AWS it is on the sender's identity, and conditions see the sender's address.
https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PRIVATE = ["_smtp_relay"]
PRIVATE_OF_APP = ["_enforce_data_plane", "_enforce_ses_v2"]

_SEND = ("POST", "/v2/email/outbound-emails")


def keep_in(folder: Path) -> None:
    """Where the emulator would hand a mail on, it becomes a file of the folder."""

    def keep(sender: str, addresses: list[str], mail: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%f}.eml").write_text(mail)

    vars(importlib.import_module("ministack.services.ses_v2"))["_smtp_relay"] = keep


def decide_by_identity(region: str, account: str) -> None:
    """By the rights that IAM asks for on AWS, where the identity is a domain."""
    app = importlib.import_module("ministack.app")
    decide_otherwise = app._enforce_ses_v2

    def decide(
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        request_id: str,
    ) -> Any:
        if (method, path) != _SEND:
            return decide_otherwise(method, path, headers, body, query, request_id)
        sender = str(json.loads(body).get("FromEmailAddress", ""))
        identity = f"arn:aws:ses:{region}:{account}:identity/{sender.rpartition('@')[2]}"
        return app._enforce_data_plane(
            "sesv2",
            "ses:SendEmail",
            headers,
            query,
            request_id,
            resource_arn=identity,
            service_context={"ses:FromAddress": sender},
            named_resource=identity,
        )

    vars(app)["_enforce_ses_v2"] = decide
