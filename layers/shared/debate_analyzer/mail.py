"""Mail addresses, as people give them."""

from __future__ import annotations

import re

from pydantic_core import PydanticCustomError

# What browsers take in <input type=email>, and a dot in the domain:
# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_ADDRESS = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}")
_MOST = 254  # https://datatracker.ietf.org/doc/html/rfc5321#section-4.5.3.1.3, less its brackets


def check_mail_address(address: str | None) -> str | None:
    """The address, or none. For pydantic's fields: raises PydanticCustomError with a sentence."""
    if address is not None and (len(address) > _MOST or not _ADDRESS.fullmatch(address)):
        raise PydanticCustomError(
            "invalid_mail_address",
            "{address} is not a mail address. Give one such as ana@example.org, or none.",
            {"address": repr(address[:80])},
        )
    return address
