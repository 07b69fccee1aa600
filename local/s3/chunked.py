"""`aws-chunked`: the framing of a body whose checksum is known only behind it.

    <size in hexadecimal>[;…]\\r\\n<bytes>\\r\\n … 0\\r\\n<name>:<value>\\r\\n … \\r\\n

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

from collections.abc import Iterator

_LONGEST_LINE = 8192


class Malformed(Exception):
    """The framing ends early or makes no sense."""


class Decoder:
    """Takes the frames in whatever pieces they come, and gives the bytes inside without a copy."""

    def __init__(self) -> None:
        self.trailers: dict[str, str] = {}
        """By name in lower case; complete after `finish`."""
        self._line = b""
        self._left = 0
        """Bytes of the current frame that are still to come, its line end included."""
        self._is_trailer = False
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[memoryview]:
        """The payload in `data`, in order. Raises Malformed."""
        view = memoryview(data)
        at = 0
        while at < len(data):
            if self._is_over:
                raise Malformed("something follows the last frame")
            if self._left > 2:
                piece = view[at : at + self._left - 2]
                self._left -= len(piece)
                at += len(piece)
                yield piece
            elif self._left:
                end = data[at : at + self._left]
                if end != b"\r\n"[2 - self._left :][: len(end)]:
                    raise Malformed("a frame does not end where it says")
                self._left -= len(end)
                at += len(end)
            else:
                newline = data.find(b"\n", at)
                stop = len(data) if newline < 0 else newline + 1
                self._line += data[at:stop]
                at = stop
                if len(self._line) > _LONGEST_LINE:
                    raise Malformed("a line is too long")
                if newline >= 0:
                    line, self._line = self._line, b""
                    self._take(line)

    def finish(self) -> None:
        """The request has ended. Raises Malformed when the framing has not."""
        if not self._is_over:
            raise Malformed("the last frame is missing")

    def _take(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise Malformed("a line does not end as lines do")
        text = line[:-2]
        if not self._is_trailer:
            size = text.partition(b";")[0].strip()
            if not size or size.strip(b"0123456789abcdefABCDEF"):
                raise Malformed("a frame has no size")
            length = int(size, 16)
            self._left = length + 2 if length else 0
            self._is_trailer = length == 0
        elif not text:
            self._is_over = True
        else:
            name, colon, value = text.partition(b":")
            if not colon or not name.strip():
                raise Malformed("a trailer has no name")
            # The first counts, as with headers that come twice.
            self.trailers.setdefault(
                name.strip().lower().decode("latin-1"), value.strip().decode("latin-1")
            )
