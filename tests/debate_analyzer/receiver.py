"""Receivers of webhooks on loopback, over TLS, and an internet in which they are."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from debate_analyzer.internet import Address, Connection

PUBLIC = "93.184.215.14"
HOST = "hooks.example"


@dataclass(frozen=True)
class Posted:
    """What a receiver was sent. Names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are raw answers, taken one after the other, the last of which stays; a callable is
    called with the connection and answers by itself."""

    answers: list[bytes | Callable[[Any], None]] = field(default_factory=lambda: [answer(204)])
    posted: list[Posted] = field(default_factory=list)
    port: int = 0


def answer(status: int, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} As it is", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def receiving(folder: Path, host: str = HOST) -> Iterator[tuple[Receiver, ssl.SSLContext]]:
    """A receiver whose certificate is for `host`, and what a client has to trust."""
    certificate, trust = _certificate(folder, host)
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = {name.lower(): value for name, value in self.headers.items()}
            receiver.posted.append(Posted(self.path, told, body))
            answers = receiver.answers
            now = answers[0] if len(answers) == 1 else answers.pop(0)
            try:
                if callable(now):
                    now(self.wfile)
                else:
                    self.wfile.write(now)
            except OSError:
                return  # the sender has heard enough

        def log_message(self, *args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            return  # a sender that does not trust us

    with Server(("127.0.0.1", 0), Handler) as server:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield receiver, trust
        server.shutdown()
        thread.join()


def _certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    path = folder / f"{host}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + pem
    )
    return path, ssl.create_default_context(cadata=pem.decode())


@dataclass
class Internet:
    """The two ways out of `internet.reach`. `names` has answers to successive look-ups of a host,
    the last of which stays; other hosts are at PUBLIC. Every address leads to `port`, and was
    connected to if it is in `connected`."""

    port: int
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    connected: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> list[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        answers = self.names.get(host, [[PUBLIC]])
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        return [ip_address(text) for text in answer]

    async def connect(self, address: Address, port: int) -> Connection:
        self.connected.append(str(address))
        return await asyncio.open_connection("127.0.0.1", self.port)
