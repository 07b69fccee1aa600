"""What Hugging Face's answers mean; no test asks it."""

from __future__ import annotations

import httpx
import pytest

from deploy.finding import Finding, Level
from deploy.huggingface import token_finding

TOKEN = "hf_0123456789"
ASKED = "https://huggingface.co/api/models/pyannote/speaker-diarization-community-1/auth-check"


def answered(status: int) -> Finding:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == ASKED
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        return httpx.Response(status)

    return token_finding(TOKEN, transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("status", "level", "said"),
    [
        (200, Level.OK, "may download"),
        (401, Level.ERROR, "does not know the token"),
        (403, Level.ERROR, "accept its terms at https://huggingface.co/pyannote/"),
        (503, Level.WARNING, "answers 503"),
    ],
)
def test_each_answer_has_its_sentence(status: int, level: Level, said: str) -> None:
    finding = answered(status)
    assert finding.level is level
    assert said in finding.sentence
    assert TOKEN not in finding.sentence


def test_without_a_network_nothing_is_claimed() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    finding = token_finding(TOKEN, transport=httpx.MockTransport(refuse))
    assert (finding.level, finding.code) == (Level.WARNING, "token_unknown")


@pytest.mark.parametrize("token", ["hf_é", "hf_1\n", "hf 1"])
def test_a_token_that_cannot_be_one_is_not_sent(token: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    finding = token_finding(token, transport=httpx.MockTransport(fail))
    assert finding.level is Level.ERROR
