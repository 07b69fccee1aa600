from __future__ import annotations

import pytest

from cost.hosted import offers
from cost.knowledge import Knowledge
from tests.cost.conftest import made


def test_diarization_is_added_where_it_costs_extra() -> None:
    figures = made(
        {
            "hosted/one/transcription": 0.006,
            "hosted/two/transcription": 0.004,
            "hosted/two/diarization": 0.001,
        }
    )
    found = {o.title: o for o in offers(100.0, {"one": "One", "two": "Two"}, figures)}
    assert found["One"].usd == pytest.approx(36)
    assert found["Two"].usd == pytest.approx(30)
    assert found["Two"].usd_per_audio_hour == pytest.approx(0.30)


def test_no_audio_costs_nothing() -> None:
    (offer,) = offers(0.0, {"one": "One"}, made({"hosted/one/transcription": 0.006}))
    assert (offer.usd, offer.usd_per_audio_hour) == (0, 0)


def test_amazon_transcribe_and_two_others_are_there(knowledge: Knowledge) -> None:
    assert len(knowledge.hosted) >= 3
    found = {o.title: o for o in offers(1.0, knowledge.hosted, knowledge.figures)}
    # $0.0001 a second, as the price list has it.
    assert found["Amazon Transcribe"].usd == pytest.approx(3600 * 0.0001)
    assert all(o.source.startswith("https://") for o in found.values())
