"""The framing of a body whose checksum follows it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.s3.chunked import Decoder, Malformed

FRAMED = b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Amz-Checksum-Crc32:abc=\r\n\r\n"


def decoded(pieces: list[bytes]) -> tuple[bytes, dict[str, str]]:
    decoder = Decoder()
    body = b"".join(bytes(view) for piece in pieces for view in decoder.feed(piece))
    decoder.finish()
    return body, decoder.trailers


def framed(frames: list[bytes], trailers: bytes = b"") -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames if frame)
    return body + b"0\r\n" + trailers + b"\r\n"


def cut(data: bytes, at: set[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(places)]


def test_the_frames_are_taken_off_and_the_trailer_kept() -> None:
    assert decoded([FRAMED]) == (b"hello world", {"x-amz-checksum-crc32": "abc="})


@given(st.lists(st.binary(max_size=300)), st.sets(st.integers(0, 5000)))
def test_it_makes_no_difference_how_the_bytes_are_cut(frames: list[bytes], at: set[int]) -> None:
    data = framed(frames, b"a: 1\r\nb:2\r\na: 3\r\n")
    assert decoded(cut(data, at)) == (b"".join(frames), {"a": "1", "b": "2"})


@given(st.integers(0, len(FRAMED) - 1))
def test_a_body_that_ends_early_is_noticed(length: int) -> None:
    with pytest.raises(Malformed):
        decoded([FRAMED[:length]])


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n\n0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n:no name\r\n\r\n",
        b"0\r\n\r\nmore",
        b"0\r\n\r\n5\r\n",
        b"1" * 10_000,
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decoded([data])
