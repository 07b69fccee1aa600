"""What can be wrong with a question about cost: each says what to change."""

from __future__ import annotations

from debate_analyzer.errors import Misconfigured


class UnreadableTemplate(Misconfigured):
    """The template lacks a parameter or resource that the bill depends on, or says it anew."""


class UnknownFigure(Misconfigured):
    """No price, real-time factor or footprint of that name is in the files of figures."""


class UnknownLoad(Misconfigured):
    """No load of that name, or a load with fields that make no sense."""


class NoMachine(Misconfigured):
    """None of the instance types holds the job."""
