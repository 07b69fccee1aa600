"""The languages that a recording may be said to be in: those of Whisper."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

# https://github.com/openai/whisper/blob/main/whisper/tokenizer.py: ISO 639-1 where it has a code;
# jw is Javanese. yue (Cantonese) is known to the models since large-v3.
_CODES = """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi
    hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn
    no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi
    yi yo yue zh
"""
LANGUAGES = frozenset(_CODES.split())


def check_language(code: str) -> str:
    """The code. For pydantic's fields: raises PydanticCustomError with a sentence."""
    if code not in LANGUAGES:
        raise PydanticCustomError(
            "unknown_language",
            "{code} is not the code of a language that can be transcribed. Give one such as "
            "en or es, or none: then the language is heard. All: {known}",
            {"code": repr(code[:20]), "known": ", ".join(sorted(LANGUAGES))},
        )
    return code


Language = Annotated[
    str,
    AfterValidator(check_language),
    WithJsonSchema({"type": "string", "enum": sorted(LANGUAGES)}),
]
"""A language as a user names it."""
