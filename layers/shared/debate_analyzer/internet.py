"""The way out: connections to the public internet, and to nothing else.

Whatever the name or the notation, in the end there is an address: it is judged here, and the one
that was judged is the one connected to, so that a name which leads elsewhere a moment later (DNS
rebinding) leads nowhere.
"""

from __future__ import annotations

import asyncio
import functools
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urlsplit

from debate_analyzer.address import PORTS, check_host, check_https_url, is_public, not_public
from debate_analyzer.errors import InvalidAddress, Unreachable

Address = IPv4Address | IPv6Address
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolve = Callable[[str, int], Awaitable[list[Address]]]
Connect = Callable[[Address, int], Awaitable[Connection]]

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_PATH_KEPT = "/%:@!$&'()*+,;=-._~"


async def resolve(host: str, port: int) -> list[Address]:
    """Every address of a host, as the system's resolver has them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(where[0]) for *_, where in found]


async def connect(address: Address, port: int) -> Connection:
    """A connection to an address, which is no name and needs no second look-up."""
    return await asyncio.open_connection(str(address), port)


async def reach(
    host: str, port: int, *, resolve: Resolve = resolve, connect: Connect = connect
) -> Connection:
    """A connection to the first address of the host that answers; all of them must be public.

    Raises InvalidAddress with a sentence, and OSError.
    """
    host = check_host(host)
    if port not in PORTS.values():
        raise InvalidAddress(f"{host}: only the usual ports are connected to.")
    addresses = await resolve(host, port)
    if not all(is_public(address) for address in addresses):
        raise InvalidAddress(not_public(host))
    failure = OSError("no address")
    for address in addresses:  # a machine may have no IPv6
        try:
            return await connect(address, port)
        except OSError as error:
            failure = error
    raise failure


@functools.cache
def trusted() -> ssl.SSLContext:
    """The authorities that the system trusts."""
    return ssl.create_default_context()


async def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    seconds: float,
    resolve: Resolve = resolve,
    connect: Connect = connect,
    trust: Callable[[], ssl.SSLContext] = trusted,
) -> int:
    """POST over HTTPS; the status of the answer, of which no more than the head is read.

    A redirect is an answer like any other. `seconds` is for all of it, from the look-up on.
    Raises InvalidAddress and Unreachable with a sentence.
    """
    where = urlsplit(check_https_url(url))
    host = str(where.hostname)
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await reach(host, PORTS["https"], resolve=resolve, connect=connect)
            try:
                await writer.start_tls(trust(), server_hostname=host.removesuffix("."))
                path = quote(where.path or "/", safe=_PATH_KEPT)
                query = f"?{quote(where.query, safe=_PATH_KEPT + '?')}" if where.query else ""
                writer.write(_request(where.netloc, path + query, headers, body))
                return await _status(reader)
            finally:
                writer.transport.abort()
    except TimeoutError as error:
        raise Unreachable(f"{host} did not answer in time: within {seconds:g} seconds.") from error
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        raise Unreachable(f"{host} speaks no TLS that can be trusted: {reason}.") from error
    except (OSError, EOFError) as error:
        raise Unreachable(f"{host} does not exist or does not answer.") from error
    except asyncio.LimitOverrunError as error:
        raise Unreachable(f"{host} answered with more than the head of an answer holds.") from error


def _request(host: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    fields = {
        "host": host,
        **headers,
        "content-length": str(len(body)),
        "connection": "close",
    }
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


async def _status(reader: asyncio.StreamReader) -> int:
    """Of the final answer (RFC 9110, 15.2: others may come before it)."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        found = _STATUS.match(head)
        if found is None:
            raise Unreachable("What answered does not speak HTTP.")
        if found[1][:1] != b"1":
            return int(found[1])
