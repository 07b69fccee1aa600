"""The one way out, with real sockets on both sides of it."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch_images.download.proxy import Proxy
from debate_analyzer.address import is_public
from debate_analyzer.errors import DownloadFailed, InvalidAddress
from tests.batch_images.download.website import PUBLIC, Network, Page, Website
from tests.debate_analyzer.test_address import NO_URLS, NOTATIONS, PRIVATE


def ask(proxy: Proxy, request: bytes) -> bytes:
    """All that the proxy answers to these bytes."""
    where = urlsplit(proxy.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def get(proxy: Proxy, url: str) -> bytes:
    return ask(proxy, f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def tunnel(proxy: Proxy, target: str) -> bytes:
    return ask(proxy, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())


def test_a_page_is_fetched_from_the_address_of_its_host(
    proxy: Proxy, site: Website, network: Network
) -> None:
    site.pages["/a%20b?q=1"] = Page(b"good evening")
    answer = get(proxy, "http://videos.example/a%20b?q=1")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\ngood evening")
    assert network.connected == [PUBLIC]
    assert proxy.trouble is None


def test_what_is_for_the_proxy_goes_no_further(proxy: Proxy, site: Website) -> None:
    request = (
        b"GET http://videos.example/ HTTP/1.1\r\nHost: videos.example\r\nCookie: a=b\r\n"
        b"Proxy-Authorization: Basic c2VjcmV0\r\nProxy-Connection: keep-alive\r\n\r\n"
    )
    ask(proxy, request)
    [(_, _, headers)] = site.asked
    assert headers == {"Host": "videos.example", "Cookie": "a=b", "Connection": "close"}


def test_a_connection_serves_one_request_so_that_the_next_is_judged_anew(
    proxy: Proxy, site: Website, network: Network
) -> None:
    site.pages["/"] = Page(b"hello")
    one = b"GET http://videos.example/ HTTP/1.1\r\nHost: videos.example\r\n\r\n"
    two = b"GET http://169.254.169.254/ HTTP/1.1\r\nHost: videos.example\r\n\r\n"
    answer = ask(proxy, one + two)
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert network.connected == [PUBLIC]


def test_a_tunnel_leads_to_the_site(proxy: Proxy, site: Website, network: Network) -> None:
    site.pages["/live"] = Page(b"hello")
    where = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    connection.set_tunnel("videos.example", 443)
    for _ in range(2):  # what is inside is the business of the two ends
        connection.request("GET", "/live")
        assert connection.getresponse().read() == b"hello"
    connection.close()
    assert network.connected == [PUBLIC]


# --- Where it does not lead -----------------------------------------------------------------------


@pytest.mark.parametrize("answers", [[private] for private in PRIVATE])
def test_a_name_for_a_private_address_leads_nowhere(
    proxy: Proxy, network: Network, answers: list[str]
) -> None:
    network.names["inside.example"] = [answers]
    assert b"403 Forbidden" in get(proxy, "http://inside.example/")
    assert b"403 Forbidden" in tunnel(proxy, "inside.example:443")
    assert network.connected == []
    assert isinstance(proxy.trouble, InvalidAddress)
    assert "inside.example is not on the public internet" in str(proxy.trouble)


@pytest.mark.parametrize("answers", [["8.8.8.8", "127.0.0.1"], ["::1", "2606:4700::1"]])
def test_a_name_for_both_kinds_of_addresses_leads_nowhere(
    proxy: Proxy, network: Network, answers: list[str]
) -> None:
    network.names["both.example"] = [answers]
    assert b"403 Forbidden" in get(proxy, "http://both.example/")
    assert network.connected == []


def test_a_name_that_leads_elsewhere_a_moment_later_leads_nowhere(
    proxy: Proxy, site: Website, network: Network
) -> None:
    site.pages["/"] = Page(b"hello")
    network.names["rebound.example"] = [["8.8.8.8"], ["169.254.169.254"]]
    assert get(proxy, "http://rebound.example/").endswith(b"hello")
    assert b"403 Forbidden" in get(proxy, "http://rebound.example/")
    assert network.looked_up == ["rebound.example"] * 2  # one look-up a connection
    assert [str(address) for address in network.connected] == ["8.8.8.8"]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://127.1/",
        "http://2852039166/",
        "ftp://videos.example/debate.mp4",
        "http://videos.example:6379/",
    ],
)
def test_a_redirect_leads_to_the_same_judgement(
    proxy: Proxy, site: Website, network: Network, target: str
) -> None:
    site.pages["/"] = Page(status=302, headers={"Location": target})
    opener = build_opener(ProxyHandler(dict.fromkeys(("http", "https", "ftp"), proxy.url)))
    with pytest.raises(HTTPError, match="403"):
        opener.open("http://videos.example/", timeout=20)
    assert network.connected == [PUBLIC]


@pytest.mark.parametrize(
    "target", ["videos.example:22", "videos.example:8443", "videos.example:0", "videos.example:x"]
)
def test_a_tunnel_leads_to_no_other_port(proxy: Proxy, network: Network, target: str) -> None:
    assert b"403 Forbidden" in tunnel(proxy, target)
    assert network.connected == []


@pytest.mark.parametrize("url", [*NOTATIONS, *NO_URLS])
def test_a_hostile_url_reaches_no_private_address(proxy: Proxy, network: Network, url: str) -> None:
    if any(character.isspace() for character in url):
        url = "".join(url.split())  # a client would not get it into one line
    get(proxy, url)
    assert all(is_public(address) for address in network.connected)


@pytest.fixture(scope="module")
def real() -> Iterator[Proxy]:
    """With the system's own resolver and sockets."""
    with Proxy() as proxy:
        proxy.allow(received=2**20, seconds=600)
        yield proxy


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "0x7f.1", "2130706433", "0"])
def test_this_machine_is_out_of_reach_under_all_its_names(
    real: Proxy, site: Website, host: str
) -> None:
    site.pages["/"] = Page(b"secret")
    assert b"403 Forbidden" in get(real, f"http://{host}/")
    assert b"403 Forbidden" in tunnel(real, f"{host}:443")
    assert b"403 Forbidden" in get(real, f"http://{host}:{site.port}/")
    assert site.asked == []


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=80))
def test_no_bytes_bring_the_proxy_down(proxy: Proxy, network: Network, text: str) -> None:
    ask(proxy, text.encode("latin-1") + b"\r\n\r\n")
    ask(proxy, b"GET http://" + text.encode("latin-1") + b" HTTP/1.1\r\n\r\n")
    assert all(is_public(address) for address in network.connected)
    assert get(proxy, "http://videos.example/").startswith(b"HTTP/1.1 404 ")


def test_a_head_without_end_is_not_waited_for(proxy: Proxy, network: Network) -> None:
    with contextlib.suppress(ConnectionError):
        ask(proxy, b"GET http://videos.example/ HTTP/1.1\r\nX: " + b"x" * 200_000)
    assert network.connected == []


# --- Names and sites that do not answer -----------------------------------------------------------


def test_a_name_that_does_not_exist_is_said_to(proxy: Proxy, network: Network) -> None:
    network.names["nowhere.example"] = [[]]
    assert b"502 Bad Gateway" in tunnel(proxy, "nowhere.example:443")
    assert isinstance(proxy.trouble, DownloadFailed)
    assert "nowhere.example does not exist or does not answer" in str(proxy.trouble)


def test_the_second_address_is_tried_when_the_first_does_not_answer(site: Website) -> None:
    site.pages["/"] = Page(b"hello")
    network = Network(site, {"videos.example": [["2606:4700::1", "8.8.8.8"]]})
    open_to = network.connect

    async def connect(address, port):  # type: ignore[no-untyped-def]
        if address.version == 6:
            raise OSError("network is unreachable")
        return await open_to(address, port)

    with Proxy(resolve=network.resolve, connect=connect) as proxy:
        proxy.allow(received=2**20, seconds=60)
        assert get(proxy, "http://videos.example/").endswith(b"hello")


# --- How much passes ------------------------------------------------------------------------------


def test_nothing_passes_before_it_is_allowed(network: Network) -> None:
    with Proxy(resolve=network.resolve, connect=network.connect) as proxy:
        assert b"502 Bad Gateway" in get(proxy, "http://videos.example/")
    assert network.connected == []


def test_a_page_without_end_is_cut_off_and_nothing_passes_after_it(
    proxy: Proxy, site: Website
) -> None:
    site.pages["/"] = Page(b"x" * 65536, length=False, endless=True)
    assert len(get(proxy, "http://videos.example/")) < 2 * 2**20
    assert proxy.exhausted
    assert b"502 Bad Gateway" in get(proxy, "http://videos.example/")
    proxy.allow(received=2**20, seconds=60)
    assert not proxy.exhausted
    assert get(proxy, "http://videos.example/none").startswith(b"HTTP/1.1 404 ")


def test_a_page_that_never_comes_is_given_up(proxy: Proxy, site: Website) -> None:
    site.pages["/"] = Page(b"x" * 65536, pause=600)
    proxy.allow(received=2**20, seconds=0.3)
    get(proxy, "http://videos.example/")
    assert proxy.exhausted
