"""Hostile addresses by list and by Hypothesis, held against Python's reading of the registries."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debate_analyzer.address import check_host, check_url, is_public
from debate_analyzer.errors import InvalidAddress

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3"),
    *("192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1"),
    *("2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "4000::1"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"),
    *("169.253.255.255", "223.255.255.254", "168.63.129.17"),
    *("2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
]
NOTATIONS = [
    *("http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/"),
    *(
        "http://127.1/",
        "http://127.0.1/",
        "http://017700000001/",
        "http://0/",
        "http://0xa9fea9fe/",
    ),
    *("http://0xA9.254.0251.0376/", "http://2852039166/", "http://１２７.０.０.１/"),
    *("http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://[::ffff:7f00:1]/", "http://[::1]:80/"),
    *("http://[0:0:0:0:0:ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/x", "http://127.0.0.1./"),
]
NO_URLS = [
    *(
        "",
        " ",
        "http://",
        "http:///etc/passwd",
        "//example.org/",
        "example.org",
        "file:///etc/passwd",
    ),
    *("ftp://example.org/a.mp4", "gopher://example.org/", "data:video/mp4;base64,AA", "s3://b/k"),
    *("javascript:alert(1)", "ytsearch:debate", "rtmp://example.org/live", "-o/etc/passwd"),
    *("http://user@example.org/", "http://user:secret@example.org/", "http://:@example.org/"),
    *("http://example.org:22/", "https://example.org:80/", "http://example.org:6379/"),
    *("http://example.org:99999/", "http://example.org:x/", "http://exa mple.org/"),
    *("http://example.org\\@127.0.0.1/", "http://127.0.0.1\t.example.org/", "http://a\n.org/"),
    *("http://[::1/", "http://[fe80::1%25eth0]/", "http://[2606:4700::1%25eth0]/"),
    *("http://127.0.0.1%2f.example.org/", "http://%31%32%37.0.0.1/", "http://a..b/"),
    *("http://-a.org/", "http://exam\u00a0ple.org/", "http://example.org/\x7f", "http://ex*mple/"),
    *("http://" + "a" * 64 + ".org/", "http://example.org/" + "a" * 2048, "http://‮gro.live/"),
]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_of_the_internet_is_no_public_address(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_of_the_internet_is(text: str) -> None:
    assert is_public(ip_address(text))


@settings(max_examples=500)
@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_counts_as_public_that_python_takes_for_private(
    address: IPv4Address | IPv6Address,
) -> None:
    if isinstance(address, IPv6Address) and address in IPv6Network("64:ff9b::/96"):
        return
    assert not (is_public(address) and (not address.is_global or address.is_multicast))


@pytest.mark.parametrize("text", [f"[{a}]" if ":" in a else a for a in PRIVATE])
def test_a_private_address_is_refused_in_a_url(text: str) -> None:
    with pytest.raises(InvalidAddress, match="not on the public internet"):
        check_url(f"https://{text}/debate.mp4")


@pytest.mark.parametrize("url", NOTATIONS)
def test_every_notation_of_a_private_address_is_understood(url: str) -> None:
    with pytest.raises(InvalidAddress, match="not on the public internet"):
        check_url(url)


def notations(address: IPv4Address) -> list[str]:
    """As a host of a URL."""
    number, parts = int(address), address.packed
    return [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
        f"{parts[0]}.{number & 0xFFFFFF}",
        "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else "。" for c in str(address)),
        f"[::ffff:{address}]",
        f"[64:ff9b::{address}]",
        f"[::{address}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
    ]


@settings(max_examples=300)
@given(
    st.one_of(
        st.ip_addresses(v=4, network=network)
        for network in ("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16")
    ),
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["", ".", ":80", ":443"]),
    st.data(),
)
def test_no_spelling_of_a_private_address_passes(
    address: IPv4Address, scheme: str, after: str, data: st.DataObject
) -> None:
    host = data.draw(st.sampled_from(notations(address)))
    with pytest.raises(InvalidAddress):
        check_url(f"{scheme}://{host}{after}/debate.mp4")


@pytest.mark.parametrize("url", NO_URLS)
def test_what_is_no_address_of_a_recording_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(InvalidAddress) as refusal:
        check_url(url)
    assert str(refusal.value).endswith(".")


@settings(max_examples=500)
@given(st.text(max_size=60))
def test_no_text_makes_the_check_stumble(text: str) -> None:
    for url in (text, f"http://{text}/", f"https://example.org/{text}"):
        with contextlib.suppress(InvalidAddress):
            assert check_url(check_url(url)) == check_url(url)


@pytest.mark.parametrize(
    ("given_url", "checked"),
    [
        ("https://www.youtube.com/watch?v=a&list=b", "https://www.youtube.com/watch?v=a&list=b"),
        ("HTTP://Example.ORG:80/A.mp4", "http://example.org/A.mp4"),
        ("https://bücher.example/ü?q=%20#t", "https://xn--bcher-kva.example/ü?q=%20#t"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://134744072/", "http://8.8.8.8/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("http://localhost/", "http://localhost/"),  # a name: whoever connects sees where it leads
    ],
)
def test_a_public_address_passes_with_its_host_in_ascii(given_url: str, checked: str) -> None:
    assert check_url(given_url) == checked


def test_a_name_is_no_address() -> None:
    assert check_host("Parliament.Example.") == "parliament.example."
