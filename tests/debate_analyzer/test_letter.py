"""What is written to people: readable, in two languages, and with nothing in it that somebody
smuggled in."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate_analyzer import letter
from debate_analyzer.letter import Digest, Language, Letter, Link, Turn, completion, failure
from debate_analyzer.trouble import Trouble
from tests.codes import of_failed_jobs
from tests.world import ROOT

LINK = Link("https://debates.example.org/?share=0b4c6e1f", timedelta(hours=24))
DEBATE = Digest(
    title="Town hall",
    duration=3725.4,
    speakers=3,
    words=12345,
    most=("Ada Lovelace", 0.617),
    beginning=(Turn("Ada Lovelace", "Good evening."), Turn("SPEAKER_00", "Welcome, all of you.")),
)

COMPLETION = """\
Done: Town hall

The debate has been transcribed and counted.

Duration: 1 h 2 min
Speakers: 3
Words: 12,345
Spoke most: Ada Lovelace, 62% of the speaking time

How it begins
-------------

Ada Lovelace: Good evening.

Speaker 1: Welcome, all of you.

Read the debate:
https://debates.example.org/?share=0b4c6e1f

For 24 hours, whoever has this link can read the debate, and change nothing. \
After that, you find it among your debates.

All figures are approximate: they inherit the errors of recognising words and telling speakers \
apart.

-- 
You receive this because the debate was sent in with your address.
"""  # noqa: W291 - a signature begins so: https://datatracker.ietf.org/doc/html/rfc3676#section-4.3

FAILURE = """\
Fallido: Pleno

Qué ha pasado
-------------

No se ha encontrado voz en la grabación. Compruebe que es la correcta.

Qué hacer
---------

Intentarlo de nuevo no cambia nada mientras la grabación sea la misma. Compruebe que se reproduce \
y envíe una que lo haga.

Abrir el debate:
https://debates.example.org/?job=7c9e

-- 
Recibe este mensaje porque el debate se envió con su dirección.
"""  # noqa: W291


class Page(HTMLParser):
    """What a mail program makes of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def plain(text: str) -> str:
    """Its letters and digits alone: the two parts differ in what is between."""
    return "".join(filter(str.isalnum, text))


# --- Two letters, whole ---------------------------------------------------------------------------


def test_a_completion() -> None:
    written = completion(DEBATE, LINK, Language.ENGLISH)
    assert written.subject == "Done: Town hall"
    assert written.text == COMPLETION


def test_a_failure() -> None:
    link = Link("https://debates.example.org/?job=7c9e")
    written = failure("Pleno", "no_speech", "Nobody speaks in it.", link, Language.SPANISH)
    assert written.subject == "Fallido: Pleno"
    assert written.text == FAILURE


# --- HTML -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", Language)
def test_the_html_is_a_page_that_anybody_can_read(language: Language) -> None:
    page = Page(completion(DEBATE, LINK, language).html)
    assert page.tags[:2] == ["html", "head"]
    assert ("lang", language.value) in page.attributes
    assert ("content", "light dark") in page.attributes
    assert page.tags.count("h1") == page.tags.count("main") == 1
    assert not {"img", "script", "table", "form", "iframe"} & set(page.tags)
    assert page.links == [LINK.url]


@pytest.mark.parametrize("language", Language)
def test_the_two_parts_say_the_same(language: Language) -> None:
    written = completion(DEBATE, LINK, language)
    shown = Page(written.html.partition("</head>")[2]).text
    assert plain(written.text).replace(plain(LINK.url), "") == plain(shown)


HOSTILE = '"><img src=x onerror=alert(1)></title><script>alert(1)</script>&amp;<a href="//evil">'


@pytest.mark.parametrize(
    "written",
    [
        completion(
            Digest(HOSTILE, 1.0, 1, 1, (HOSTILE, 1.0), (Turn(HOSTILE, HOSTILE),)),
            LINK,
            Language.ENGLISH,
        ),
        failure(HOSTILE, HOSTILE, HOSTILE, LINK, Language.SPANISH),
    ],
    ids=["completion", "failure"],
)
def test_markup_that_somebody_typed_is_text(written: Letter) -> None:
    page = Page(written.html)
    assert not {"img", "script"} & set(page.tags)
    assert page.links == [LINK.url]
    assert page.text.count("<script>alert(1)</script>") >= 2


@given(
    title=st.text(),
    name=st.text(),
    said=st.text(),
    share=st.floats(0, 1),
    duration=st.floats(0, 1e6),
    language=st.sampled_from(Language),
)
def test_whatever_is_typed_changes_no_tag_and_no_header(
    title: str, name: str, said: str, share: float, duration: float, language: Language
) -> None:
    told = Digest(title, duration, 2, 10, (name, share), (Turn(name, said),))
    usual = Digest("t", 1.0, 2, 10, ("n", 0.5), (Turn("n", "t"),))
    for written, expected in (
        (completion(told, LINK, language), completion(usual, LINK, language)),
        (failure(title, "c", said, LINK, language), failure("t", "c", "s", LINK, language)),
    ):
        assert Page(written.html).tags == Page(expected.html).tags
        assert Page(written.html).links == [LINK.url]
        assert written.subject.splitlines() == [written.subject]
        assert all(c.isprintable() or c in "\u200c\u200d" for c in written.subject)
        assert len(written.subject) <= 140


def _dictionary(language: str) -> str:
    """All that the page says in it."""
    folder = ROOT / "frontend" / "i18n"
    return "".join(path.read_text() for path in folder.glob(f"{language}*.js"))


# --- Wording --------------------------------------------------------------------------------------


def test_a_spanish_letter_says_of_a_fault_what_the_page_says() -> None:
    page = _dictionary("es")
    # The page has more: it also says why something that was asked of it was refused.
    sentences = dict(re.findall(r'"error\.(\w+)":\s+"([^"]+)"', page))
    assert letter._SPANISH.faults == {code: sentences[code] for code in of_failed_jobs()}


def test_a_sentence_that_is_only_there_in_english_is_marked_so() -> None:
    html = failure("t", "new", "No such video.", LINK, Language.SPANISH).html
    assert '<p lang="en">No such video.</p>' in html


@pytest.mark.parametrize("code", [*Trouble, "misconfigured"])
def test_what_is_not_the_recording_s_fault_is_to_be_tried_again(code: str) -> None:
    assert "try it again" in failure("t", code, "s", LINK, Language.ENGLISH).text


@pytest.mark.parametrize("code", ["unknown_language", "unknown_model", "download_failed"])
def test_what_was_asked_for_in_vain_is_to_be_asked_for_differently(code: str) -> None:
    assert "ask for it again" in failure("t", code, "s", LINK, Language.ENGLISH).text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (320, "5 min 20 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (3601, "1 h"),
        (43200, "12 h"),
    ],
)
def test_a_duration_is_told_by_its_two_largest_units(seconds: float, shown: str) -> None:
    debate = Digest("t", seconds, 1, 1, None, ())
    assert f"Duration: {shown}\n" in completion(debate, LINK, Language.ENGLISH).text


def test_numbers_are_written_as_the_language_does() -> None:
    assert "Palabras: 12.345" in completion(DEBATE, LINK, Language.SPANISH).text


@pytest.mark.parametrize("language", Language)
def test_speakers_are_called_as_on_the_page(language: Language) -> None:
    page = _dictionary(language)
    told = dict(re.findall(r'"speaker\.(\w+)": "([^"]+)"', page))
    say = letter._WORDING[language]
    assert say.called("SPEAKER_00") == told["numbered"].format(number=1)
    assert say.called("?") == told["unknown"]
    assert say.called("Ada\nLovelace") == "Ada Lovelace"


def test_what_is_long_is_cut_at_a_word() -> None:
    debate = Digest("word " * 100, 1.0, 1, 1, None, (Turn("A", "talk " * 200),))
    written = completion(debate, LINK, Language.ENGLISH)
    assert written.subject.endswith("word…")
    assert re.search(r"A: (talk )+talk…\n", written.text)
