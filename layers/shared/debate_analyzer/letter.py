"""Letters: what is written to somebody when their debate is done, or has failed.

A letter is a few blocks, which become plain text and HTML alike: both parts of a mail say the same.
The HTML needs no images and no style sheet, says its language, and holds nothing that somebody
typed but as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from html import escape

from debate_analyzer.captions import one_line
from debate_analyzer.errors import DownloadFailed, Misconfigured, UnknownLanguage, UnknownModel
from debate_analyzer.trouble import Trouble

_SUBJECT = 120  # characters of a title that a subject shows
_NUMBERED = re.compile(r"SPEAKER_(\d{1,4})")
_NOBODY = "?"  # what captions.write_txt has where nobody could be named
_SAID = 280  # characters that are shown of what somebody says


class Language(StrEnum):
    """Those that letters are written in."""

    ENGLISH = "en"
    SPANISH = "es"


@dataclass(frozen=True)
class Turn:
    """What one speaker says until another does."""

    speaker: str
    text: str


@dataclass(frozen=True)
class Digest:
    """A debate in a few lines. `duration` in seconds; `most` is who spoke most, and their share of
    the speaking time, 0 to 1; `beginning` is what was said first, names as they were given."""

    title: str
    duration: float
    speakers: int
    words: int
    most: tuple[str, float] | None
    beginning: tuple[Turn, ...]


@dataclass(frozen=True)
class Link:
    """Where the debate is read. `lifetime` is None for one that is not only lent."""

    url: str
    lifetime: timedelta | None = None


@dataclass(frozen=True)
class Letter:
    """What is sent: `subject` in one line, and the same in `text` and in `html`."""

    subject: str
    text: str
    html: str


def completion(debate: Digest, link: Link, language: Language) -> Letter:
    """The debate is done: its headline numbers, how it begins, and where it is read."""
    say = _WORDING[language]
    title = one_line(debate.title) or say.untitled
    facts = [
        (say.duration, _duration(debate.duration)),
        (say.speakers, say.number(debate.speakers)),
        (say.words, say.number(debate.words)),
    ]
    if debate.most is not None:
        name, share = debate.most
        facts.append((say.most, say.share.format(name=say.called(name), percent=f"{share:.0%}")))
    blocks: list[_Block] = [_Paragraph(say.completed), _Facts(tuple(facts))]
    if debate.beginning:
        turns = (Turn(say.called(t.speaker), _shortened(t.text)) for t in debate.beginning)
        blocks += [_Heading(say.beginning), _Turns(tuple(turns))]
    blocks += [_Button(say.read, link.url)]
    if link.lifetime is not None:
        hours = int(link.lifetime.total_seconds() // 3600)
        blocks.append(_Paragraph(say.lent.format(hours=hours)))
    blocks.append(_Paragraph(say.approximate))
    return _letter(say, say.completed_title.format(title=_cut(title, _SUBJECT)), blocks)


def failure(title: str, code: str, sentence: str, link: Link, language: Language) -> Letter:
    """The debate has failed: what happened (`code` and `sentence` of its fault), and what to do."""
    say = _WORDING[language]
    title = one_line(title) or say.untitled
    told = say.faults.get(code)
    what = _Paragraph(told) if told else _Paragraph(one_line(sentence), Language.ENGLISH)
    blocks: list[_Block] = [
        _Heading(say.what_happened),
        what,
        _Heading(say.what_to_do),
        _Paragraph(_remedy(say, code)),
        _Button(say.open, link.url),
    ]
    return _letter(say, say.failed_title.format(title=_cut(title, _SUBJECT)), blocks)


def _remedy(say: _Wording, code: str) -> str:
    if code in _OURS:
        return say.try_again
    return say.ask_again if code in _ASKED else say.send_another


_OURS = {*Trouble, Misconfigured.code}
"""Faults that are not the recording's."""

_ASKED = {UnknownLanguage.code, UnknownModel.code, DownloadFailed.code}
"""Faults of what was said with it."""


# --- Blocks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Paragraph:
    """`language` where it is not the letter's."""

    said: str
    language: Language | None = None

    def text(self) -> str:
        return self.said

    def html(self) -> str:
        lang = f' lang="{self.language}"' if self.language else ""
        return f"<p{lang}>{escape(self.said)}</p>"


@dataclass(frozen=True)
class _Heading:
    said: str

    def text(self) -> str:
        return f"{self.said}\n{'-' * len(self.said)}"

    def html(self) -> str:
        return f"<h2>{escape(self.said)}</h2>"


@dataclass(frozen=True)
class _Facts:
    """Names and values."""

    rows: tuple[tuple[str, str], ...]

    def text(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.rows)

    def html(self) -> str:
        rows = (f"<li>{escape(n)}: <strong>{escape(v)}</strong></li>" for n, v in self.rows)
        return f"<ul>{''.join(rows)}</ul>"


@dataclass(frozen=True)
class _Turns:
    """What was said, by whom: in any language, and in any direction of writing."""

    turns: tuple[Turn, ...]

    def text(self) -> str:
        return "\n\n".join(f"{turn.speaker}: {turn.text}" for turn in self.turns)

    def html(self) -> str:
        paragraphs = (
            f'<p dir="auto"><strong>{escape(turn.speaker)}:</strong> {escape(turn.text)}</p>'
            for turn in self.turns
        )
        return f"<blockquote>{''.join(paragraphs)}</blockquote>"


@dataclass(frozen=True)
class _Button:
    said: str
    url: str

    def text(self) -> str:
        return f"{self.said}:\n{self.url}"

    def html(self) -> str:
        return f'<p><a href="{escape(self.url)}">{escape(self.said)}</a></p>'


_Block = _Paragraph | _Heading | _Facts | _Turns | _Button

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 0 auto; padding: 1rem; }
blockquote { margin: 0; padding-left: 1rem; border-left: 4px solid #888; }
footer { font-size: 0.875rem; }
""".strip()

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{blocks}
</main>
<footer><p>{why}</p></footer>
</body>
</html>
"""


def _letter(say: _Wording, title: str, blocks: list[_Block]) -> Letter:
    return Letter(
        subject=title,
        text="\n\n".join([title, *(block.text() for block in blocks), f"-- \n{say.why}"]) + "\n",
        html=_PAGE.format(
            language=say.language,
            title=escape(title),
            style=_STYLE,
            blocks="\n".join(block.html() for block in blocks),
            why=escape(say.why),
        ),
    )


def _shortened(text: str) -> str:
    return _cut(one_line(text), _SAID)


def _cut(line: str, most: int) -> str:
    """Of so many characters at most, at the end of a word if there is one near."""
    if len(line) <= most:
        return line
    kept = line[: most - 1]
    whole, space, _ = kept.rpartition(" ")
    return f"{whole if space and len(whole) > most // 2 else kept}…"


def _duration(seconds: float) -> str:
    """The two largest units, which both languages write alike."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    parts = [(hours, "h"), (minute, "min"), (second, "s")]
    return " ".join(_largest(parts)) or "0 s"


def _largest(parts: list[tuple[int, str]]) -> Iterator[str]:
    first = next((at for at, (amount, _) in enumerate(parts) if amount), len(parts))
    for amount, unit in parts[first : first + 2]:
        if amount:
            yield f"{amount} {unit}"


# --- Wording --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Wording:
    """What letters say in one language. `faults` by code, where the sentence of a fault, which is
    English, is to be said otherwise."""

    language: Language
    thousands: str
    untitled: str
    completed_title: str
    completed: str
    duration: str
    speakers: str
    words: str
    most: str
    share: str
    beginning: str
    read: str
    lent: str
    approximate: str
    failed_title: str
    what_happened: str
    what_to_do: str
    try_again: str
    ask_again: str
    send_another: str
    open: str
    why: str
    speaker: str
    unknown_speaker: str
    faults: Mapping[str, str]

    def called(self, speaker: str) -> str:
        """As the page calls them: by name, or by the number that the diarization gave, from 1."""
        name = one_line(speaker)
        numbered = _NUMBERED.fullmatch(name)
        if numbered:
            return self.speaker.format(number=int(numbered[1]) + 1)
        return self.unknown_speaker if name in ("", _NOBODY) else name

    def number(self, count: int) -> str:
        """With its thousands set apart."""
        return f"{count:,}".replace(",", self.thousands)


_ENGLISH = _Wording(
    language=Language.ENGLISH,
    thousands=",",
    untitled="Your debate",
    completed_title="Done: {title}",
    completed="The debate has been transcribed and counted.",
    duration="Duration",
    speakers="Speakers",
    words="Words",
    most="Spoke most",
    share="{name}, {percent} of the speaking time",
    beginning="How it begins",
    read="Read the debate",
    lent=(
        "For {hours} hours, whoever has this link can read the debate, and change nothing. "
        "After that, you find it among your debates."
    ),
    approximate=(
        "All figures are approximate: they inherit the errors of recognising words and telling "
        "speakers apart."
    ),
    failed_title="Failed: {title}",
    what_happened="What happened",
    what_to_do="What to do",
    try_again=(
        "The recording is kept. Open the debate and try it again; if it fails again, tell whoever "
        "runs this site."
    ),
    ask_again="Open the debate: there you can ask for it again, or differently.",
    send_another=(
        "Trying again changes nothing as long as the recording is the same. Check that it plays, "
        "and send in one that does."
    ),
    open="Open the debate",
    why="You receive this because the debate was sent in with your address.",
    speaker="Speaker {number}",
    unknown_speaker="Unknown speaker",
    faults={},
)

_SPANISH = _Wording(
    language=Language.SPANISH,
    thousands=".",
    untitled="Su debate",
    completed_title="Listo: {title}",
    completed="El debate está transcrito y analizado.",
    duration="Duración",
    speakers="Hablantes",
    words="Palabras",
    most="Quién más habló",
    share="{name}, {percent} del tiempo de habla",
    beginning="Así empieza",
    read="Leer el debate",
    lent=(
        "Durante {hours} horas, quien tenga este enlace puede leer el debate, sin cambiar nada. "
        "Después lo encontrará entre sus debates."
    ),
    approximate=(
        "Todas las cifras son aproximadas: heredan los errores al reconocer las palabras y al "
        "distinguir a los hablantes."
    ),
    failed_title="Fallido: {title}",
    what_happened="Qué ha pasado",
    what_to_do="Qué hacer",
    try_again=(
        "La grabación se conserva. Abra el debate e inténtelo de nuevo; si vuelve a fallar, avise "
        "a quien administra este sitio."
    ),
    ask_again="Abra el debate: allí puede volver a pedirlo, o pedirlo de otro modo.",
    send_another=(
        "Intentarlo de nuevo no cambia nada mientras la grabación sea la misma. Compruebe que se "
        "reproduce y envíe una que lo haga."
    ),
    open="Abrir el debate",
    why="Recibe este mensaje porque el debate se envió con su dirección.",
    speaker="Hablante {number}",
    unknown_speaker="Hablante desconocido",
    # As the page says them: frontend/i18n/es*.js.
    faults={
        "invalid_upload": (
            "Este archivo no se puede aceptar. Elija una grabación de vídeo o audio."
        ),
        "upload_too_large": (
            "El archivo es más grande de lo que se admite aquí. Córtelo o guárdelo con menos "
            "calidad de imagen: solo se analiza el sonido."
        ),
        "no_recording": (
            "El archivo no es audio ni vídeo, diga lo que diga su nombre. Suba la grabación misma."
        ),
        "unknown_language": (
            "El modelo de reconocimiento no conoce ese idioma. Elija otro, o deje que lo reconozca."
        ),
        "unknown_model": "Ese modelo de reconocimiento no existe aquí. Elija otro.",
        "invalid_address": (
            "De esa dirección no se puede traer nada. Indique la dirección pública de una "
            "grabación."
        ),
        "download_failed": (
            "El sitio no dio ninguna grabación que se pueda usar. Compruebe en un "
            "navegador que la dirección la muestra y reinténtelo, o suba el archivo."
        ),
        "upload_mismatch": ("Lo que llegó no es lo que se anunció. Suba el archivo otra vez."),
        "upload_abandoned": "La subida nunca llegó. Suba el archivo otra vez.",
        "invalid_media": (
            "El archivo no se puede leer como audio o vídeo; puede estar dañado o ser de otro "
            "tipo. Pruebe a reproducirlo y súbalo de nuevo, o conviértalo a MP4."
        ),
        "empty_file": (
            "El archivo no contiene sonido alguno. Compruebe la grabación y súbala de nuevo."
        ),
        "truncated_media": (
            "Al archivo le falta el final; probablemente se cortó al copiarlo. Súbalo de nuevo."
        ),
        "no_audio_track": (
            "El vídeo no tiene sonido, así que no hay nada que transcribir. Suba una versión con "
            "pista de audio."
        ),
        "no_speech": ("No se ha encontrado voz en la grabación. Compruebe que es la correcta."),
        "invalid_transcript": "El archivo JSON no es una transcripción.",
        "worker_lost": (
            "La máquina se perdió mientras trabajaba en este archivo, que quizá necesite más "
            "memoria de la que hay. Pruebe con una grabación más corta."
        ),
        "recording_gone": "Lo que había que procesar ya no está. Suba la grabación otra vez.",
        "throttled": "Se pidió a AWS más de lo que da a la vez. El archivo se conserva.",
        "storage_unavailable": "El almacenamiento no respondía. El archivo se conserva.",
        "network": ("Falló la red mientras se trabajaba en este archivo. El archivo se conserva."),
        "out_of_memory": (
            "La máquina tenía muy poca memoria para este archivo. El archivo se conserva."
        ),
        "disk_full": "El disco de la máquina estaba lleno. El archivo se conserva.",
        "misconfigured": "A esta instalación le falta algo. Avise a quien la administra.",
        "internal": (
            "Algo falló por nuestra parte con este archivo. El archivo se conserva; el registro "
            "dice qué ocurrió."
        ),
    },
)

_WORDING = {say.language: say for say in (_ENGLISH, _SPANISH)}
