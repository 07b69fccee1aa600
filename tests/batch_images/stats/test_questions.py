from __future__ import annotations

import pytest

from debate_analyzer.statistics import Statistics
from debate_analyzer.transcript import Segment, Transcript, Turn
from tests.batch_images.stats.documents import heard, measured, speaker, spoken

pytestmark = pytest.mark.usefixtures("figures_alone")


def of(*segments: Segment, turns: list[Turn] | None = None) -> Statistics:
    return measured(Transcript(duration=60, transcription=list(segments), turns=turns or []))


def asked(statistics: Statistics) -> list[tuple[float, float, str | None]]:
    return [(each.start, each.end, each.answered_by) for each in statistics.evidence.questions]


@pytest.mark.parametrize(
    ("after", "answered_by"),
    [(0.0, "B"), (5.0, "B"), (5.001, None), (-1.0, "B"), (-1.001, None)],
)
def test_who_begins_within_five_seconds_answers(after: float, answered_by: str | None) -> None:
    question = spoken(0, "A", "what do you say?")
    got = of(question, turns=heard("A", (0, 2)) + heard("B", (2 + after, 20)))

    assert asked(got) == [(0, 2, answered_by)]
    assert speaker(got, "A").questions == 1
    assert speaker(got, "B").questions_answered == (1 if answered_by else 0)


@pytest.mark.parametrize(("goes_on_for", "answered_by"), [(3.0, "B"), (3.001, None)])
def test_who_goes_on_over_the_answer_did_not_ask(
    goes_on_for: float, answered_by: str | None
) -> None:
    """B begins a second after the question; A stops two seconds later at most."""
    question = spoken(0, "A", "is that so?", each=1.0)
    turns = heard("A", (0, 3 + goes_on_for)) + heard("B", (4, 20))

    assert asked(of(question, turns=turns)) == [(0, 3, answered_by)]


def test_a_rhetorical_question_is_a_question_that_nobody_answers() -> None:
    speech = spoken(0, "A", "why is that? because it always was so and always will be so.")

    got = of(speech, spoken(9, "B", "thank you."))

    assert asked(got) == [(0, 1.5, None)]
    assert speaker(got, "B").questions_answered == 0


def test_the_first_to_speak_answers() -> None:
    got = of(
        spoken(0, "A", "well?"),
        spoken(1, "C", "i would say no."),
        spoken(3.5, "B", "and i say yes."),
    )

    assert asked(got) == [(0, 0.5, "C")]


def test_a_question_begins_with_its_sentence_and_in_its_segment() -> None:
    got = of(
        spoken(0, "A", "this is one. and is this two"),
        spoken(4, "A", "or three? four. five?"),
    )

    assert [(start, end) for start, end, _ in asked(got)] == [(4, 5), (5.5, 6)]


@pytest.mark.parametrize("mark", ["?", '?"', "?)", "？", "؟", "?»"])
def test_question_marks_of_many_scripts(mark: str) -> None:
    assert len(asked(of(spoken(0, "A", f"really{mark} yes.")))) == 1


def test_what_nobody_asked_is_no_question_of_anybody() -> None:
    got = of(spoken(0, None, "who is there?"), spoken(2, "A", "me."))

    assert asked(got) == []
    assert speaker(got, "A").questions == 0


def test_without_punctuation_nothing_is_said_of_questions() -> None:
    got = of(spoken(0, "A", "what do you say"), spoken(3, "B", "nothing"))

    assert speaker(got, "A").questions is None
    assert {each.figure for each in got.unavailable} >= {"questions", "questionsAnswered"}
