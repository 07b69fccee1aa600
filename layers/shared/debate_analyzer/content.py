"""What a file plainly is, by its first bytes, where that is no recording.

Names can be chosen. What passes here may still be none: the truth stays with the decoder, and a
file may be two things at once. Only the first is looked at, since nothing here ever opens the
second: an archive behind a film is a film to us.

Signatures: https://mimesniff.spec.whatwg.org/, which also says what a byte is that no text has, and
https://en.wikipedia.org/wiki/List_of_file_signatures for archives, programs and the rarer images.
"""

from __future__ import annotations

HEAD_BYTES = 1445  # as many as the standard has a browser look at

_DOCUMENT = "an Office document or a ZIP archive"
_ARCHIVE = "an archive"
_IMAGE = "an image"
_PROGRAM = "a program"

# What the file is, and what stands where in it.
_SIGNATURES: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...] = (
    ("a PDF document", ((0, b"%PDF-"),)),
    (_DOCUMENT, ((0, b"PK\x03\x04"),)),
    (_DOCUMENT, ((0, b"PK\x05\x06"),)),
    (_DOCUMENT, ((0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),)),
    (_IMAGE, ((0, b"\x89PNG\r\n\x1a\n"),)),
    (_IMAGE, ((0, b"\xff\xd8\xff"),)),
    (_IMAGE, ((0, b"GIF87a"),)),
    (_IMAGE, ((0, b"GIF89a"),)),
    (_IMAGE, ((0, b"RIFF"), (8, b"WEBPVP"))),
    (_IMAGE, ((0, b"BM"), (6, b"\0\0\0\0"))),
    (_IMAGE, ((0, b"II*\0"),)),
    (_IMAGE, ((0, b"MM\0*"),)),
    (_IMAGE, ((0, b"\0\0\x01\0"),)),
    (_IMAGE, ((0, b"8BPS\0"),)),
    (_IMAGE, ((4, b"ftypavif"),)),
    (_IMAGE, ((4, b"ftyphei"),)),
    (_IMAGE, ((4, b"ftypmif1"),)),
    (_ARCHIVE, ((0, b"\x1f\x8b\x08"),)),
    (_ARCHIVE, ((0, b"BZh"), (4, b"1AY&SY"))),
    (_ARCHIVE, ((0, b"\xfd7zXZ\0"),)),
    (_ARCHIVE, ((0, b"7z\xbc\xaf\x27\x1c"),)),
    (_ARCHIVE, ((0, b"Rar!\x1a\x07"),)),
    (_ARCHIVE, ((0, b"\x28\xb5\x2f\xfd"),)),
    (_ARCHIVE, ((257, b"ustar"),)),
    (_PROGRAM, ((0, b"\x7fELF"),)),
    (_PROGRAM, ((0, b"MZ"),)),
    (_PROGRAM, ((0, b"\xcf\xfa\xed\xfe"),)),
    (_PROGRAM, ((0, b"\xce\xfa\xed\xfe"),)),
    (_PROGRAM, ((0, b"\xca\xfe\xba\xbe"),)),
    (_PROGRAM, ((0, b"\0asm"),)),
    ("a database", ((0, b"SQLite format 3\0"),)),
)

_NEVER_IN_TEXT = bytes({*range(0x20)} - {*b"\t\n\f\r\x1b"})
_TEXTS = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<", "an XML document"),
    (b"{", "a JSON document"),
    (b"[", "a JSON document"),
    (b"#!", _PROGRAM),
    (b"", "a text"),
)


def plainly(head: bytes) -> str | None:
    """What the file is, for a sentence, if that is no audio or video. `head`: its first HEAD_BYTES,
    or all of it."""
    for name, signature in _SIGNATURES:
        if all(head.startswith(piece, at) for at, piece in signature):
            return name
    if not head or len(head.translate(None, _NEVER_IN_TEXT)) < len(head):
        return None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next(name for begin, name in _TEXTS if text.startswith(begin))
