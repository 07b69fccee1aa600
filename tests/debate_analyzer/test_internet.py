"""A POST to a stranger, with real sockets and TLS: where it goes, and what may come back."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer import internet
from debate_analyzer.errors import InvalidAddress, Unreachable
from tests.debate_analyzer.receiver import HOST, PUBLIC, Internet, Receiver, answer, receiving
from tests.debate_analyzer.test_address import NO_URLS, NOTATIONS, PRIVATE

URL = f"https://{HOST}/told?by=us"


@dataclass
class Here:
    receiver: Receiver
    internet: Internet
    trust: ssl.SSLContext

    def post(self, url: str = URL, *, body: bytes = b"{}", seconds: float = 20) -> int:
        return asyncio.run(
            internet.post(
                url,
                {"webhook-id": "msg_1"},
                body,
                seconds=seconds,
                resolve=self.internet.resolve,
                connect=self.internet.connect,
                trust=lambda: self.trust,
            )
        )


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with receiving(tmp_path) as (receiver, trust):
        yield Here(receiver, Internet(receiver.port), trust)


def test_the_body_arrives_at_the_address_of_its_host(here: Here) -> None:
    here.receiver.answers = [answer(200, body=b"thanks")]

    assert here.post(body=b'{"a": 1}') == 200
    [posted] = here.receiver.posted
    assert (posted.path, posted.body) == ("/told?by=us", b'{"a": 1}')
    assert posted.headers["host"] == HOST
    assert posted.headers["webhook-id"] == "msg_1"
    assert here.internet.connected == [PUBLIC]


def test_a_path_is_sent_in_ascii_and_without_its_fragment(here: Here) -> None:
    here.post(f"https://{HOST}/bücher/%20?q=ü&r=?#top")
    assert [posted.path for posted in here.receiver.posted] == ["/b%C3%BCcher/%20?q=%C3%BC&r=?"]


def test_what_is_said_before_the_answer_is_passed_by(here: Here) -> None:
    here.receiver.answers = [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(202)]
    assert here.post() == 202


@pytest.mark.parametrize(
    "target",
    ["https://169.254.169.254/latest/meta-data/", "http://hooks.example/", "https://10.0.0.1/"],
)
def test_a_redirect_is_an_answer_and_followed_nowhere(here: Here, target: str) -> None:
    here.receiver.answers = [answer(307, f"Location: {target}")]

    assert here.post() == 307
    assert len(here.receiver.posted) == 1
    assert here.internet.connected == [PUBLIC]


# --- Where it does not go -------------------------------------------------------------------------


@pytest.mark.parametrize("private", PRIVATE)
def test_a_name_for_a_private_address_leads_nowhere(here: Here, private: str) -> None:
    here.internet.names[HOST] = [[private]]
    with pytest.raises(InvalidAddress, match="not on the public internet"):
        here.post()
    assert here.internet.connected == []


def test_a_name_for_both_kinds_of_addresses_leads_nowhere(here: Here) -> None:
    here.internet.names[HOST] = [["8.8.8.8", "127.0.0.1"]]
    with pytest.raises(InvalidAddress):
        here.post()
    assert here.internet.connected == []


def test_a_name_is_looked_up_once_and_leads_where_it_was_judged(here: Here) -> None:
    here.internet.names[HOST] = [["8.8.8.8"], ["169.254.169.254"]]

    assert here.post() == 204
    assert here.internet.connected == ["8.8.8.8"]
    with pytest.raises(InvalidAddress):
        here.post()
    assert here.internet.connected == ["8.8.8.8"]


@pytest.mark.parametrize(
    "url", [*NOTATIONS, *NO_URLS, *(url.replace("http:", "https:", 1) for url in NOTATIONS)]
)
def test_a_hostile_url_leads_nowhere(here: Here, url: str) -> None:
    with pytest.raises(InvalidAddress):
        here.post(url)
    assert here.internet.connected == []


@pytest.mark.parametrize("url", ["http://hooks.example/", "https://hooks.example:8443/"])
def test_only_https_on_its_own_port_is_spoken(here: Here, url: str) -> None:
    with pytest.raises(InvalidAddress):
        here.post(url)
    assert here.internet.connected == []


# --- Receivers that are none ----------------------------------------------------------------------


def test_a_certificate_for_another_name_is_not_trusted(here: Here) -> None:
    with pytest.raises(Unreachable, match="no TLS that can be trusted"):
        here.post("https://other.example/")
    assert here.receiver.posted == []


def test_a_certificate_of_nobody_we_know_is_not_trusted(here: Here) -> None:
    here.trust = ssl.create_default_context()
    with pytest.raises(Unreachable, match="no TLS that can be trusted"):
        here.post()
    assert here.receiver.posted == []


def _drips(connection: Any) -> None:
    """A byte now and then, for good: no single wait is long."""
    while True:
        connection.write(b"H")
        threading.Event().wait(0.05)


def _says_nothing(connection: Any) -> None:
    threading.Event().wait(5)


@pytest.mark.parametrize("slow", [_drips, _says_nothing])
def test_a_slow_receiver_is_not_waited_for(here: Here, slow: Any) -> None:
    here.receiver.answers = [slow]
    with pytest.raises(Unreachable, match="did not answer in time"):
        here.post(seconds=0.5)


def test_of_an_endless_answer_the_head_is_read(here: Here) -> None:
    def talks(connection: Any) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.write(b"x" * 65536)

    here.receiver.answers = [talks]
    assert here.post() == 200


def test_an_endless_head_is_not_read(here: Here) -> None:
    def talks(connection: Any) -> None:
        connection.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.write(b"X-Field: " + b"x" * 1000 + b"\r\n")

    here.receiver.answers = [talks]
    with pytest.raises(Unreachable, match="more than the head"):
        here.post()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "does not answer"),
        (b"HTTP/1.1 200", "does not answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "does not speak HTTP"),
    ],
)
def test_what_is_no_answer_is_none(here: Here, said: bytes, sentence: str) -> None:
    here.receiver.answers = [said]
    with pytest.raises(Unreachable, match=sentence):
        here.post()


def test_where_nobody_listens_nobody_is_told(here: Here) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        here.internet.port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="does not exist or does not answer"):
        here.post()
