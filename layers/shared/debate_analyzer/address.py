"""Which addresses are connected to on others' behalf: public ones, over HTTP and HTTPS.

`check_url` judges what can be judged without a look-up; a name says nothing of where it leads, so
`internet.reach` asks `is_public` of the very address that it connects to.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from debate_analyzer.errors import InvalidAddress

PORTS = {"http": 80, "https": 443}
MAX_URL_LENGTH = 2048

# https://www.iana.org/assignments/iana-ipv4-special-registry, multicast, and what is reserved.
_IPV4_SPECIAL = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
        *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        "168.63.129.16/32",  # looks public, and is the metadata service of a cloud
    )
]
# https://www.iana.org/assignments/ipv6-address-space: all that is given to hosts of the internet …
_IPV6_GLOBAL = IPv6Network("2000::/3")
# … but for protocols (Teredo among them), documentation, 6to4 (which wraps any IPv4 address).
# https://www.iana.org/assignments/iana-ipv6-special-registry
_IPV6_SPECIAL = [
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]
_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: leads to the IPv4 address in its last 32 bits

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address belongs to the public internet. IPv4 within IPv6 counts as IPv4."""
    if isinstance(address, IPv6Address):
        if address in _IPV4_MAPPED or address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        return address in _IPV6_GLOBAL and not any(address in net for net in _IPV6_SPECIAL)
    return not any(address in network for network in _IPV4_SPECIAL)


def check_url(text: str) -> str:
    """The URL, with its host in ASCII. Raises InvalidAddress with a sentence.

    A host that is an address, in whatever notation, must be a public one.
    """
    url = _split(text)
    if url.scheme not in PORTS:
        raise InvalidAddress("The address must begin with https:// or http://.")
    if url.username is not None or url.password is not None:
        raise InvalidAddress(
            "The address has a user name or a password in it. Give an address that needs none."
        )
    host = check_host(url.hostname or "")
    port = _port(url)
    if port not in (None, PORTS[url.scheme]):
        raise InvalidAddress(
            f"The address names port {port}. Only the usual ports are connected to."
        )
    literal = f"[{host}]" if ":" in host else host
    return url._replace(netloc=literal).geturl()


def check_https_url(text: str) -> str:
    """As `check_url`, and over HTTPS only."""
    url = check_url(text)
    if not url.startswith("https:"):
        raise InvalidAddress("The address must begin with https://.")
    return url


def check_host(host: str) -> str:
    """A host in ASCII: a name, or a public address. Raises InvalidAddress with a sentence."""
    try:
        ascii_host = host if ":" in host else host.encode("idna").decode().lower()
    except UnicodeError as error:
        raise InvalidAddress("The address has no valid host name. Check it for typos.") from error
    address = _address(ascii_host.removesuffix("."))
    if address is None:
        if not _NAME.fullmatch(ascii_host):
            raise InvalidAddress("The address has no valid host name. Check it for typos.")
        return ascii_host
    if not is_public(address):
        raise InvalidAddress(not_public(host))
    return str(address)


def not_public(host: str) -> str:
    """The sentence for a host that is, or leads to, an address within some private network."""
    return f"{host} is not on the public internet. Give an address that can be reached from there."


def _split(text: str) -> SplitResult:
    if len(text) > MAX_URL_LENGTH:
        raise InvalidAddress(f"The address is longer than {MAX_URL_LENGTH} characters.")
    if not text or _NOT_IN_A_URL.search(text):
        raise InvalidAddress(
            "That is not an address: it is empty, or has spaces or backslashes in it."
        )
    try:
        return urlsplit(text)
    except ValueError as error:
        raise InvalidAddress("That is not an address. Check it for typos.") from error


def _port(url: SplitResult) -> int | None:
    try:
        return url.port
    except ValueError as error:
        raise InvalidAddress("The port in the address is no port. Check it for typos.") from error


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """As the system's resolver reads it: 127.1, 0x7f000001 and 2130706433 are 127.0.0.1."""
    if "%" in host:  # an interface of this machine (RFC 6874)
        return None
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
