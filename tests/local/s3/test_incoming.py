"""A request's body on its way into a file."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from local.s3.body import Region
from local.s3.incoming import Incoming, Incomplete

FRAMED = {
    "content-encoding": "aws-chunked",
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
}


class Sender:
    """Sends pieces, and goes without a last one if `leaves`. `asked` counts what was taken."""

    def __init__(self, pieces: list[bytes], *, leaves: bool = False) -> None:
        self._pieces = pieces
        self._leaves = leaves
        self.asked = 0

    async def __call__(self) -> Message:
        self.asked += 1
        if self._leaves and self.asked > len(self._pieces):
            return {"type": "http.disconnect"}
        return {
            "type": "http.request",
            "body": self._pieces[self.asked - 1],
            "more_body": self._leaves or self.asked < len(self._pieces),
        }


def sized(size: int) -> Headers:
    return Headers({"content-length": str(size)})


def framed(size: int) -> Headers:
    return Headers({**FRAMED, "x-amz-decoded-content-length": str(size)})


def into(sender: Sender, headers: Headers, region: Region) -> str:
    async def work() -> str:
        return (await Incoming(sender, headers).into(region, [])).digests.md5

    return asyncio.run(work())


@pytest.fixture
def neighbours(tmp_path: Path) -> Path:
    """A file in which others have their parts, on both sides."""
    path = tmp_path / "object"
    path.write_bytes(b"<<<<<.....>>>>>")
    return path


def test_a_body_is_written_to_its_place(neighbours: Path) -> None:
    md5 = into(Sender([b"he", b"", b"llo"]), sized(5), Region(neighbours, 5, 5))
    assert md5 == hashlib.md5(b"hello").hexdigest()
    assert neighbours.read_bytes() == b"<<<<<hello>>>>>"


def test_a_body_of_many_blocks_is_written_in_order(tmp_path: Path) -> None:
    pieces = [bytes([number]) * 700_000 for number in range(9)]
    md5 = into(Sender(pieces), sized(9 * 700_000), Region(tmp_path / "x", 0, 9 * 700_000))
    assert (tmp_path / "x").read_bytes() == b"".join(pieces)
    assert md5 == hashlib.md5(b"".join(pieces)).hexdigest()


@pytest.mark.parametrize(
    "body", [b"6\r\nhello!\r\n0\r\n\r\n", b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"]
)
def test_a_body_longer_than_announced_does_not_touch_its_neighbour(
    neighbours: Path, body: bytes
) -> None:
    with pytest.raises(Incomplete):
        into(Sender([body]), framed(5), Region(neighbours, 5, 5))
    assert neighbours.read_bytes().endswith(b">>>>>")


@pytest.mark.parametrize("sender", [Sender([b"hel"]), Sender([b"hello"], leaves=True)])
def test_a_body_that_does_not_end_as_announced_is_not_taken(
    neighbours: Path, sender: Sender
) -> None:
    with pytest.raises(Incomplete):
        into(sender, sized(5), Region(neighbours, 5, 5))


def test_a_disk_that_does_not_take_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        into(Sender([b"hello"]), sized(5), Region(tmp_path / "gone" / "object", 0, 5))


def test_what_nobody_wanted_is_read_to_its_end_unless_it_was_not_begun() -> None:
    async def left(headers: dict[str, str]) -> int:
        sender = Sender([b"a", b"b", b"c"])
        await Incoming(sender, Headers(headers)).discard()
        return sender.asked

    assert asyncio.run(left({})) == 3
    assert asyncio.run(left({"expect": "100-continue"})) == 0


@pytest.fixture
def another_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_body_is_read_where_it_came_whoever_awaits_it(
    another_loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    loops = []

    async def receive() -> Message:
        loops.append(asyncio.get_running_loop())
        return {"type": "http.request", "body": b"hello", "more_body": False}

    async def work() -> None:
        incoming = Incoming(receive, sized(5))

        async def elsewhere() -> int:
            return len(await incoming.into(Region(tmp_path / "x", 0, 5), []))

        future = asyncio.run_coroutine_threadsafe(elsewhere(), another_loop)
        assert await asyncio.wrap_future(future) == 5
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(work())
    assert (tmp_path / "x").read_bytes() == b"hello"
