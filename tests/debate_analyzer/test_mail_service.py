"""SES, as it answers, as it does not, and as it is not there."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from debate_analyzer import aws
from debate_analyzer.errors import DebateError, MailLost, MailNotTaken, MailRejected
from debate_analyzer.letter import Letter
from tests.e2e.laptop import free_port

ADDRESS, SENDER = "ana@example.org", "debates@example.org"
LETTER = Letter("Done: café", "text", "<p>html</p>")

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[aws.SesMailService, list[Any]]]:
    """An SES that answers so; what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.path, json.loads(body)))
            answer(self)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service(server.server_port), asked
    finally:
        server.shutdown()
        server.server_close()


def service(port: int) -> aws.SesMailService:
    client = aws.client("sesv2", endpoint=f"http://127.0.0.1:{port}")
    return aws.SesMailService(client, SENDER, "debates-mail")


def said(status: int, body: dict[str, str], code: str = "") -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(data)))
        if code:
            request.send_header("x-amzn-errortype", code)
        request.end_headers()
        request.wfile.write(data)

    return answer


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


def test_a_letter_is_handed_over_whole() -> None:
    with answering(said(200, {"MessageId": "0100"})) as (ses, asked):
        assert ses.send(ADDRESS, LETTER) == "0100"
    [(path, request)] = asked
    assert path == "/v2/email/outbound-emails"
    assert (request["FromEmailAddress"], request["ConfigurationSetName"]) == (
        SENDER,
        "debates-mail",
    )
    assert request["Destination"] == {"ToAddresses": [ADDRESS]}
    simple = request["Content"]["Simple"]
    assert simple["Subject"]["Data"] == LETTER.subject
    assert {name: part["Data"] for name, part in simple["Body"].items()} == {
        "Text": LETTER.text,
        "Html": LETTER.html,
    }


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", MailNotTaken),
        (400, "LimitExceededException", "Daily message quota exceeded.", MailNotTaken),
        (400, "SendingPausedException", "Sending is paused.", MailNotTaken),
        (400, "AccountSuspendedException", "Suspended.", MailNotTaken),
        (400, "MailFromDomainNotVerifiedException", "Not verified.", MailNotTaken),
        (400, "MessageRejected", f"Email address is not verified: {SENDER}", MailNotTaken),
        (403, "AccessDeniedException", "Not authorized.", MailNotTaken),
        (503, "ServiceUnavailable", "Try later.", MailNotTaken),
        (500, "InternalFailure", "", MailNotTaken),
        (400, "MessageRejected", f"Address blacklisted: {ADDRESS}", MailRejected),
        (400, "BadRequestException", f"Illegal address {ADDRESS}", MailRejected),
    ],
)
def test_a_refusal_is_told_by_its_code_once_and_without_the_address(
    status: int, code: str, message: str, kind: type[DebateError]
) -> None:
    refuses = said(status, {"message": message}, code)
    with answering(refuses) as (ses, asked), pytest.raises(kind) as told:
        ses.send(ADDRESS, LETTER)
    assert str(told.value) == f"SES answered {code}."
    assert len(asked) == 1  # boto3 would ask again


def test_where_nobody_answers_the_telephone_nothing_was_said() -> None:
    with pytest.raises(MailNotTaken):
        service(free_port()).send(ADDRESS, LETTER)


def test_who_hangs_up_may_have_heard() -> None:
    with answering(hangs_up) as (ses, asked), pytest.raises(MailLost):
        ses.send(ADDRESS, LETTER)
    assert len(asked) == 1
