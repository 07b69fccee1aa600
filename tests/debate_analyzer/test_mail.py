from __future__ import annotations

import pytest
from pydantic import ValidationError

from debate_analyzer.upload import UploadRequest


def _notify(address: str | None) -> str | None:
    return UploadRequest(filename="a.mp4", size=1, notify=address).notify


@pytest.mark.parametrize(
    "address",
    [None, "ana@example.org", "a.b+debates@mail.example.co.uk", "o'hara@xn--bcher-kva.example"],
)
def test_an_address_is_kept_as_it_is(address: str | None) -> None:
    assert _notify(address) == address


@pytest.mark.parametrize(
    "address",
    [
        *("", "ana", "ana@", "@example.org", "ana@localhost", "a@b@example.org", "ana@.org"),
        *("ana@example.org\nBcc: eve@example.org", "ana@example.org,eve@example.org"),
        *("Ana <ana@example.org>", "ana@example..org", "ana@-example.org", " ana@example.org"),
        *("x" * 65 + "@example.org", "ana@" + "x" * 64 + ".org", "ana@" + "x." * 130 + "org"),
        "ana@exämple.org",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a mail address. Give one such as"):
        _notify(address)
