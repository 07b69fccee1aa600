"""POSTs that may be sent again when nobody knows whether they arrived.

https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header

Answers of what was done are kept for a day, by caller and key. What was refused or failed has had
no effect, so it is not kept: sent again, it is tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from debate_analyzer.api.answer import Answer
from debate_analyzer.api.request import Request
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.errors import IdempotencyMismatch, MalformedRequest, RequestInProgress

HEADER = "idempotency-key"
_LONGEST_KEY = 255
_KEPT = 24 * 60 * 60  # seconds
# DynamoDB takes items of 400 KB. Only lists of URLs are longer, and making one has no effect.
_LONGEST_BODY = 300_000


class _TooLong(Exception):
    """An answer that is not kept."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class _Deadline:
    """What Powertools asks of Lambda's context: after so long, a request that has not ended died
    with its process, and may be sent again. As the function's timeout is in template.yaml."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def once(request: Request, caller: Caller, settings: Settings, do: Callable[[], Answer]) -> Answer:
    """The answer of `do`, or the one that it gave when it was done before.

    Raises MalformedRequest for a key that is none, IdempotencyMismatch for one that came with
    another request, RequestInProgress while that one is under way; and what `do` raises.
    """
    # 139 ms of a cold start, for those alone who send a key.
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyValidationError,
    )

    from debate_analyzer.bootstrap import idempotency_store

    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="asked",
        persistence_store=idempotency_store(settings),
        config=IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="request",
            expires_after_seconds=_KEPT,
            hash_function="sha256",
            lambda_context=_Deadline(),  # type: ignore[arg-type] # this much of it is asked for
        ),
        key_prefix="api",
    )
    def answered(asked: dict[str, Any]) -> dict[str, Any]:
        answer = do()
        if len(answer.body) > _LONGEST_BODY:
            raise _TooLong(answer)
        return {
            "status": answer.status.value,
            "body": answer.body,
            "content_type": answer.content_type,
            "headers": dict(answer.headers),
        }

    body = sha256(request.body).hexdigest()
    try:
        kept = answered(
            asked={
                "key": [caller.party, _key(request)],
                "request": [request.method, request.path, dict(request.query), body],
            }
        )
    except _TooLong as error:
        return error.answer
    except IdempotencyValidationError as error:
        raise IdempotencyMismatch(
            "This Idempotency-Key came with another request before. Make a new key for every "
            "request that is a new one."
        ) from error
    except IdempotencyAlreadyInProgressError as error:
        raise RequestInProgress(
            "The request with this Idempotency-Key is still under way. Send it again in a moment.",
            retry_after=2,
        ) from error
    return Answer(HTTPStatus(kept["status"]), kept["body"], kept["content_type"], kept["headers"])


def _key(request: Request) -> str:
    """With or without the quotes that the draft wants."""
    text = request.headers[HEADER].strip()
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise MalformedRequest(
            f"Idempotency-Key has to be text of 1 to {_LONGEST_KEY} characters, such as a UUID."
        )
    return key
