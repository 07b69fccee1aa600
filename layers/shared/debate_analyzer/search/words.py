"""Words, as the index has them and as questions ask for them.

Both go through the same few lines, so that what was said is found however it is spelled: without
regard to case, accents and punctuation. Scripts that put no spaces between words (Chinese,
Japanese, Thai …) have a token a character, and what is asked for in them is a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from debate_analyzer.errors import InvalidRequest

MAX_PHRASES = 32  # in one question

Phrase = tuple[str, ...]
Span = tuple[int, int]

# Thai, Lao, Myanmar, Khmer; Kana; Han and its extensions: https://www.unicode.org/charts/
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_ACCENTS = re.compile(
    "[\u0300-\u036f]"
)  # of Latin, Greek and Cyrillic; elsewhere marks are letters
_ASCII_WORD = re.compile("[a-z0-9]+")
_CHUNK = re.compile(r'"([^"]*)"?|([^\s"]+)')


@dataclass(frozen=True)
class Token:
    """A word as the index has it, and where it stands in the text."""

    word: str
    start: int
    end: int


@cache
def _word() -> re.Pattern[str]:
    """A run of letters and digits with their marks. The standard library's expressions know no
    property of characters but \\w, which leaves marks out; beyond the BMP none are looked for."""
    marks = [
        chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"
    ]
    joined = "".join(map(re.escape, marks))
    letter = rf"(?:[^\W_]|[{joined}\u200c\u200d])"  # with the joiners that Persian spells with
    return re.compile(
        rf"[{_UNSPACED}](?:(?![{_UNSPACED}])[{joined}])*|(?:(?![{_UNSPACED}]){letter})+"
    )


def tokens(text: str) -> list[Token]:
    """The words of a text, in order."""
    if text.isascii():
        found = _ASCII_WORD.finditer(text.lower())
        return [Token(match[0], match.start(), match.end()) for match in found]
    matches = _word().finditer(text)
    return [Token(word, m.start(), m.end()) for m in matches for word in _folded(m[0])]


def words(text: str) -> list[str]:
    """As `tokens`, without their places."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return [word for found in _word().findall(text) for word in _folded(found)]


def _folded(word: str) -> list[str]:
    """One way to spell it, compatibility decomposition (https://www.unicode.org/reports/tr15/),
    which makes more than one word of some characters."""
    if word.isascii():
        return [word.lower()]
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    found: list[str] = _word().findall(_ACCENTS.sub("", plain))
    return found


def phrases(question: str) -> tuple[Phrase, ...]:
    """What is asked for: words, and "words in a row" between quotation marks. All else, operators
    of search engines included, divides words. Raises InvalidRequest."""
    chunks = (match[1] or match[2] or "" for match in _CHUNK.finditer(question))
    found = tuple(dict.fromkeys(phrase for chunk in chunks if (phrase := tuple(words(chunk)))))
    if not found:
        raise InvalidRequest("q: there is no word in it to look for. Write at least one.")
    if len(found) > MAX_PHRASES:
        raise InvalidRequest(
            f"q: {len(found)} words and phrases are asked for; the most is {MAX_PHRASES}."
        )
    return found


def spans(found: Sequence[Token], asked: Sequence[Phrase]) -> list[Span]:
    """Where phrases stand among the tokens of a text, in order; what overlaps is one."""
    everywhere = sorted(span for phrase in asked for span in _places(found, phrase))
    apart: list[Span] = []
    for start, end in everywhere:
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _places(found: Sequence[Token], phrase: Phrase) -> Iterator[Span]:
    said, length = tuple(token.word for token in found), len(phrase)
    for first, word in enumerate(said):
        if word == phrase[0] and said[first : first + length] == phrase:
            yield found[first].start, found[first + length - 1].end
