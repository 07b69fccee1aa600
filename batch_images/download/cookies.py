"""Cookies for sites that want a signed-in visitor: `python -m batch_images.download.cookies FILE`.

The download job takes Netscape's cookies.txt. The converter makes one of what browsers give away:
JSON from an export extension (EditThisCookie, Cookie-Editor, Playwright's storage state), or the
Cookie header of a request as the developer tools show it. Cookies are as good as a password:
nothing here repeats one, not even in an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debate_analyzer.errors import Misconfigured

_HEADER = "# Netscape HTTP Cookie File"
_HTTP_ONLY = "#HttpOnly_"
_FLAGS = {"TRUE": True, "FALSE": False}
_CONVERTER = "python -m batch_images.download.cookies makes one of a browser's export"


class InvalidCookies(Misconfigured):
    """What was given as cookies is none."""

    code = "invalid_cookies"


@dataclass(frozen=True)
class Cookie:
    """`expires` in epoch seconds, 0 for one that ends with the browser's session. A `domain` that
    begins with a dot holds for the names below it too."""

    domain: str
    path: str
    secure: bool
    expires: int
    name: str
    value: str
    http_only: bool = False

    def __repr__(self) -> str:
        return f"Cookie({self.domain}, {self.name}, …)"


def parse_netscape(text: str) -> list[Cookie]:
    """A cookies.txt, each of its lines. Raises InvalidCookies with the line that is wrong.

    https://curl.se/docs/http-cookies.html#file-format
    """
    cookies = []
    for number, line in enumerate(re.split(r"\r\n?|\n", text.removeprefix("\ufeff")), start=1):
        if not line.strip() or (line.startswith("#") and not line.startswith(_HTTP_ONLY)):
            continue
        cookies.append(_netscape_line(line, number))
    if not cookies:
        raise InvalidCookies(f"There are no cookies in it; {_CONVERTER}.")
    return cookies


def netscape(cookies: Iterable[Cookie]) -> str:
    """A cookies.txt."""
    lines = [_HEADER, ""]
    for cookie in cookies:
        domain = f"{_HTTP_ONLY}{cookie.domain}" if cookie.http_only else cookie.domain
        below, secure = (str(flag).upper() for flag in (cookie.domain[0] == ".", cookie.secure))
        fields = (domain, below, cookie.path, secure, str(cookie.expires))
        lines.append("\t".join((*fields, cookie.name, cookie.value)))
    return "\n".join(lines) + "\n"


def parse_export(text: str, domain: str) -> list[Cookie]:
    """What a browser gave away: JSON, a cookies.txt, or the header of a request to `domain`.

    Raises InvalidCookies.
    """
    text = text.removeprefix("\ufeff").strip()
    if text.startswith(("{", "[")):
        return list(_from_json(text))
    if "\t" in text or text.startswith("#"):
        return parse_netscape(text)
    cookies = list(_from_header(text, domain))
    if not cookies:
        raise InvalidCookies("There are no cookies in the file. Export it again.")
    return cookies


def _netscape_line(line: str, number: int) -> Cookie:
    fields = line.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) != 7:
        raise InvalidCookies(
            f"Line {number} has {len(fields)} columns between tabs, "
            f"where a cookies.txt has 7; {_CONVERTER}."
        )
    domain, below, path, secure, expires, name, value = fields
    if not {below, secure} <= set(_FLAGS) or not re.fullmatch(r"\d*(\.\d+)?", expires):
        raise InvalidCookies(
            f"Line {number} has something else where a cookies.txt has TRUE or FALSE and a time."
        )
    return _checked(
        Cookie(
            domain="." * _FLAGS[below] + domain.lstrip("."),
            path=path,
            secure=_FLAGS[secure],
            expires=int(float(expires or 0)),
            name=name,
            value=value,
            http_only=line.startswith(_HTTP_ONLY),
        ),
        f"Line {number}",
    )


def _from_json(text: str) -> Iterator[Cookie]:
    try:
        document: Any = json.loads(text)
    except ValueError:
        # Not its own words: they may quote a cookie.
        raise InvalidCookies("The file looks like JSON and is none. Export it again.") from None
    entries = document.get("cookies") if isinstance(document, dict) else document
    if not isinstance(entries, list) or not entries:
        raise InvalidCookies("There is no list of cookies in the JSON. Export it again.")
    for number, entry in enumerate(entries, start=1):
        where = f"Cookie {number}"
        try:
            domain = str(entry["domain"])
            below = not entry.get("hostOnly", not domain.startswith("."))
            expires = entry.get("expirationDate", entry.get("expires")) or 0
            yield _checked(
                Cookie(
                    domain="." * below + domain.lstrip("."),
                    path=str(entry.get("path") or "/"),
                    secure=bool(entry.get("secure", False)),
                    expires=max(0, int(float(expires))),  # -1 is Playwright's "session"
                    name=str(entry["name"]),
                    value=str(entry["value"]),
                    http_only=bool(entry.get("httpOnly", False)),
                ),
                where,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidCookies(
                f"{where} in the JSON lacks a domain, a name or a value. Export it again."
            ) from None


def _from_header(text: str, domain: str) -> Iterator[Cookie]:
    for number, pair in enumerate(re.sub(r"(?i)^cookie:\s*", "", text).split(";"), start=1):
        if not pair.strip():
            continue
        name, equals, value = pair.strip().partition("=")
        if not equals:
            raise InvalidCookies(
                "The file is no cookies.txt, no JSON, and no Cookie header (name=value; …)."
            )
        # A header says no more than this; to the sites that want cookies it goes over TLS only.
        cookie = Cookie("." + domain.lstrip("."), "/", True, 0, name.strip(), value.strip())
        yield _checked(cookie, f"Cookie {number}")


def _checked(cookie: Cookie, where: str) -> Cookie:
    texts = (cookie.domain, cookie.path, cookie.name, cookie.value)
    if any(re.search(r"[\x00-\x1f\x7f]", text) for text in texts):
        raise InvalidCookies(f"{where} has control characters in it.")
    if not re.fullmatch(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", cookie.domain):
        raise InvalidCookies(f"{where} has no domain.")
    if not cookie.path.startswith("/"):
        raise InvalidCookies(f"{where} has a path that does not begin with a slash.")
    return cookie


def write(cookies: Iterable[Cookie], path: Path) -> None:
    """A cookies.txt that nobody else on this machine can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(netscape(cookies))


def main() -> int:
    """Convert; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("export", type=Path, metavar="FILE")
    parser.add_argument("-o", "--output", type=Path, help="cookies.txt to write; else printed")
    parser.add_argument("--domain", default="youtube.com", help="of a Cookie header (%(default)s)")
    arguments = parser.parse_args()
    try:
        cookies = parse_export(arguments.export.read_text(encoding="utf-8"), arguments.domain)
        if arguments.output:
            write(cookies, arguments.output)
        else:
            sys.stdout.write(netscape(cookies))
    except (InvalidCookies, OSError, UnicodeDecodeError) as error:
        reason = "The file is not text." if isinstance(error, UnicodeDecodeError) else error
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
