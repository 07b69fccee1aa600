"""The API's own description, for whoever builds on it."""

from __future__ import annotations

from importlib.resources import files

from debate_analyzer.api.answer import Text


def get_document() -> Text:
    """This document: OpenAPI 3.1."""
    document = files("debate_analyzer.api").joinpath("openapi.json").read_text(encoding="utf-8")
    return Text(document)
