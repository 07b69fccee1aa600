"""The page's own reading of edits, held against the server's: the same figures come of both."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page
from pydantic import TypeAdapter, ValidationError

from batch_images.stats.revision import revise
from debate_analyzer.edits import Edits, Entry, Operation
from debate_analyzer.transcript import Segment, Transcript, Turn, Word
from tests.frontend.conftest import OpenPage

OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CASES = 60  # in one question to the page

TIMES = st.integers(0, 40).map(lambda half: half / 2)
LABELS = st.sampled_from(["A", "B", "C"])
TEXTS = st.sampled_from(["", "no", "oh  yes", "a\u00a0b", "\u3053\u3093", "x"])
PLACES = st.integers(0, 4)


@st.composite
def spans(draw: st.DrawFn) -> tuple[float, float]:
    start, end = sorted((draw(TIMES), draw(TIMES)))
    return start, end


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    start, end = draw(spans())
    texts = draw(st.lists(st.sampled_from(["good", "day", "\u3053\u3093", "you"]), max_size=4))
    words = []
    if draw(st.booleans()):
        step = (end - start) / max(1, len(texts))
        for n, text in enumerate(texts):
            words.append(Word(start=start + n * step, end=start + (n + 1) * step, word=text))
    speaker = draw(st.none() | LABELS)
    joint = draw(st.sampled_from([" ", ""]))
    return Segment(start=start, end=end, text=joint.join(texts), speaker=speaker, words=words)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    heard = draw(st.lists(st.tuples(spans(), LABELS), max_size=5))
    return Transcript(
        duration=20,
        transcription=draw(st.lists(segments(), max_size=4)),
        turns=[Turn(start=start, end=end, speaker=who) for (start, end), who in heard],
    )


def an_operation(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


MAYBE = st.none() | TIMES
OPERATIONS = st.one_of(
    an_operation(op=st.just("merge"), speaker=LABELS, into=LABELS),
    an_operation(op=st.just("rename"), speaker=LABELS, name=st.sampled_from(["Ana", "Bo"])),
    an_operation(
        op=st.just("role"),
        speaker=LABELS,
        role=st.sampled_from(["moderator", "debater"]),
        side=st.none() | st.just("for"),
    ),
    an_operation(op=st.just("leave_out"), start=TIMES, end=TIMES),
    an_operation(op=st.just("word"), segment=PLACES, word=PLACES, text=TEXTS),
    an_operation(op=st.just("speaker"), segment=PLACES, speaker=LABELS),
    an_operation(op=st.just("boundary"), segment=PLACES, start=MAYBE, end=MAYBE),
    an_operation(
        op=st.just("schedule"),
        slots=st.lists(st.fixed_dictionaries({"speaker": LABELS, "seconds": TIMES}), max_size=2),
    ),
    an_operation(op=st.just("undo"), entry=st.integers(0, 8).map(str)),
)


@st.composite
def logs(draw: st.DrawFn) -> Edits:
    """Any log that the document may hold, also what makes no sense of the transcript."""
    entries: list[Entry] = []
    for said in draw(st.lists(OPERATIONS, max_size=9)):
        try:
            operation = OPERATION.validate_python(said)
            entry = Entry(
                id=str(len(entries)),
                at=NOW,
                by="ana",
                transcript=draw(st.sampled_from(["e1", "e1", "e1", "e0"])),
                operation=operation,
            )
            entries = list(Edits(entries=(*entries, entry)).entries)
        except ValidationError:
            continue
    return Edits(entries=tuple(entries))


def as_the_server_has_it(transcript: Transcript, edits: Edits) -> Any:
    revision = revise(transcript, edits, "e1")
    people = revision.people
    return {
        "in_force": [entry.id for entry in edits.in_force()],
        "segments": [each.model_dump() for each in revision.transcript.transcription],
        "turns": [each.model_dump() for each in revision.transcript.turns],
        "names": people.names,
        "roles": people.roles,
        "sides": people.sides,
        "agreed": [[slot.speaker, slot.seconds] for slot in people.agreed],
        "leftOut": [list(span) for span in revision.left_out],
    }


AS_THE_PAGE_HAS_IT = """async (cases) => {
    const { inForce, revise } = await import("/edits.js");
    return cases.map(({ transcript, entries }) => {
        const before = JSON.stringify(transcript);
        const { cast, ...found } = revise(transcript, entries, "e1");
        if (JSON.stringify(transcript) !== before) throw new Error("the original was changed");
        const roles = [...cast.roles];
        return {
            in_force: inForce(entries).map((entry) => entry.id),
            segments: found.transcript.transcription,
            turns: found.transcript.turns,
            names: Object.fromEntries(cast.names),
            roles: Object.fromEntries(roles.map(([label, { role }]) => [label, role])),
            sides: Object.fromEntries(roles.flatMap(([l, { side }]) => side === null ? [] : [[l, side]])),
            agreed: found.agreed.map((slot) => [slot.speaker, slot.seconds]),
            leftOut: found.leftOut,
        };
    });
}"""  # noqa: E501


def ask(page: Page, cases: list[tuple[Transcript, Edits]]) -> list[Any]:
    given = [
        {
            "transcript": transcript.model_dump(mode="json"),
            "entries": [entry.model_dump(mode="json") for entry in edits.entries],
        }
        for transcript, edits in cases
    ]
    found: list[Any] = page.evaluate(AS_THE_PAGE_HAS_IT, given)
    return found


def test_the_page_takes_edits_for_what_the_server_takes_them(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = open_page("/edits.js")  # any document of the same origin

    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
    )
    @given(st.lists(st.tuples(transcripts(), logs()), min_size=1, max_size=CASES))
    def hold_against(cases: list[tuple[Transcript, Edits]]) -> None:
        for (transcript, edits), found in zip(cases, ask(page, cases), strict=True):
            assert found == json.loads(json.dumps(as_the_server_has_it(transcript, edits)))

    hold_against()
    complaints.clear()  # one that names no icon makes the browser ask for one
