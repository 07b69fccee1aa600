from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.cookies import YoutubeDLCookieJar

from batch_images.download import cookies
from batch_images.download.cookies import (
    Cookie,
    InvalidCookies,
    netscape,
    parse_export,
    parse_netscape,
    write,
)

SECRET = "s3cr3t-value"
LOGIN = Cookie(".youtube.com", "/", True, 1893456000, "LOGIN_INFO", SECRET, http_only=True)
PREF = Cookie("www.youtube.com", "/watch", False, 0, "PREF", "f6=1=2")
FILE = (
    "# Netscape HTTP Cookie File\n\n"
    f"#HttpOnly_.youtube.com\tTRUE\t/\tTRUE\t1893456000\tLOGIN_INFO\t{SECRET}\n"
    "www.youtube.com\tFALSE\t/watch\tFALSE\t0\tPREF\tf6=1=2\n"
)
# As EditThisCookie and Cookie-Editor write them.
EXTENSION = [
    {
        "domain": ".youtube.com",
        "expirationDate": 1893456000.25,
        "hostOnly": False,
        "httpOnly": True,
        "name": "LOGIN_INFO",
        "path": "/",
        "sameSite": "no_restriction",
        "secure": True,
        "session": False,
        "value": SECRET,
    },
    {
        "domain": "www.youtube.com",
        "hostOnly": True,
        "httpOnly": False,
        "name": "PREF",
        "path": "/watch",
        "secure": False,
        "session": True,
        "value": "f6=1=2",
    },
]
STATE = {
    "cookies": [
        {
            "name": "LOGIN_INFO",
            "value": SECRET,
            "domain": ".youtube.com",
            "path": "/",
            "expires": 1893456000,
            "httpOnly": True,
            "secure": True,
        },
        {
            "name": "PREF",
            "value": "f6=1=2",
            "domain": "www.youtube.com",
            "path": "/watch",
            "expires": -1,
            "httpOnly": False,
            "secure": False,
        },
    ],
    "origins": [],
}


def test_a_cookies_txt_is_read_and_written_as_it_was() -> None:
    assert parse_netscape(FILE) == [LOGIN, PREF]
    assert netscape([LOGIN, PREF]) == FILE


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(EXTENSION),
        json.dumps(STATE),
        "\ufeff" + json.dumps(EXTENSION, indent=2),
        FILE.replace("\n", "\r\n"),
    ],
)
def test_an_export_becomes_the_same_cookies(text: str) -> None:
    assert parse_export(text, "youtube.com") == [LOGIN, PREF]


@pytest.mark.parametrize("header", ["A=1; B=x=y", "Cookie: A=1; B=x=y;", "cookie:A=1;B=x=y\n"])
def test_a_header_becomes_cookies_of_the_site_it_went_to(header: str) -> None:
    assert parse_export(header, "youtube.com") == [
        Cookie(".youtube.com", "/", True, 0, "A", "1"),
        Cookie(".youtube.com", "/", True, 0, "B", "x=y"),
    ]


def test_the_downloader_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    write([LOGIN, PREF], path)
    jar = YoutubeDLCookieJar(str(path))
    jar.load()
    assert {(cookie.domain, cookie.name, cookie.value) for cookie in jar} == {
        (".youtube.com", "LOGIN_INFO", SECRET),
        ("www.youtube.com", "PREF", "f6=1=2"),
    }
    assert jar.get_cookie_header("https://m.youtube.com/") == f"LOGIN_INFO={SECRET}"
    assert jar.get_cookie_header("https://youtube.com.example/") is None


def test_a_flag_that_contradicts_the_dot_wins_over_it() -> None:
    """As curl has it; the downloader's own reader gives up on such a line."""
    line = "youtube.com\tTRUE\t/\tTRUE\t0\tA\t1\n"
    assert parse_netscape(line) == [Cookie(".youtube.com", "/", True, 0, "A", "1")]


def test_nobody_else_may_read_the_file_even_where_one_was(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text("old")
    path.chmod(0o644)
    write([LOGIN], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET in path.read_text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no cookies in it"),
        ("# Netscape HTTP Cookie File\n", "no cookies in it"),
        ("<!DOCTYPE html><title>Sign in</title>", "Line 1 has 1 columns"),
        (FILE.replace("\t", "    "), "Line 3 has 1 columns"),
        (json.dumps(EXTENSION), "python -m batch_images.download.cookies"),
        (f"A={SECRET}; B=2", "python -m batch_images.download.cookies"),
        (f".youtube.com\tYES\t/\tTRUE\t0\tA\t{SECRET}", "TRUE or FALSE"),
        (f".youtube.com\tTRUE\t/\tTRUE\tsoon\tA\t{SECRET}", "a time"),
        (f".youtube.com\tTRUE\t/\tTRUE\t0\tA\t{SECRET}\x1b[2J", "control characters"),
        (f"\tTRUE\t/\tTRUE\t0\tA\t{SECRET}", "no domain"),
        (f".youtube.com/x\tTRUE\t/\tTRUE\t0\tA\t{SECRET}", "no domain"),
        (f".youtube.com\tTRUE\twatch\tTRUE\t0\tA\t{SECRET}", "slash"),
    ],
)
def test_what_is_no_cookies_txt_is_refused_without_repeating_it(text: str, reason: str) -> None:
    with pytest.raises(InvalidCookies, match=reason) as refusal:
        parse_netscape(text)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        "[1]",
        '{"cookies": 3}',
        json.dumps([{"domain": ".youtube.com", "name": "A"}]),
        json.dumps([EXTENSION[0] | {"expirationDate": "soon"}]),
        json.dumps([EXTENSION[0] | {"value": "a\nb"}]),
        "no cookies in here",
        "",
    ],
)
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(InvalidCookies):
        parse_export(text, "youtube.com")


@given(st.text(max_size=200))
def test_no_text_makes_a_reader_stumble(text: str) -> None:
    for read in (parse_netscape, lambda text: parse_export(text, "youtube.com")):
        try:
            found = read(text)
        except InvalidCookies:
            continue
        assert parse_netscape(netscape(found)) == found


def test_a_cookie_in_a_log_does_not_show_its_value() -> None:
    assert SECRET not in f"{LOGIN} {[LOGIN]!r}"


def _convert(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["cookies", *arguments])
    return cookies.main()


def test_the_converter_prints_or_writes_a_cookies_txt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.json"
    export.write_text(json.dumps(EXTENSION))
    assert _convert(monkeypatch, str(export)) == 0
    assert capsys.readouterr().out == FILE
    assert _convert(monkeypatch, str(export), "-o", str(tmp_path / "cookies.txt")) == 0
    assert (tmp_path / "cookies.txt").read_text() == FILE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe\x00"])
def test_the_converter_says_what_is_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    data: bytes,
) -> None:
    export = tmp_path / "export.json"
    export.write_bytes(data)
    assert _convert(monkeypatch, str(export)) == 1
    assert capsys.readouterr().err.endswith(".\n")
    assert _convert(monkeypatch, str(tmp_path / "none")) == 1
