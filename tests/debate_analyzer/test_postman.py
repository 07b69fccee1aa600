"""What becomes of a notice: at most one letter, whatever comes twice, dies or does not answer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import moto
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from debate_analyzer.errors import MailLost, MailNotTaken, MailRejected, NotFound
from debate_analyzer.job import ANONYMOUS_OWNER, Fault, Figures, Job, announced
from debate_analyzer.key import exports_key, private_statistics_key
from debate_analyzer.letter import Letter
from debate_analyzer.notice import Notice, Notices, Order, State
from debate_analyzer.pipeline import STATS, Status
from debate_analyzer.postman import GIVEN_UP, LENT, WAITS, Postman
from debate_analyzer.share import Shares
from tests.world import JOB_ID, TRANSCRIPT, World

ADDRESS = "ana@example.org"
SITE = "https://debates.example.org"
FIGURES = Figures(duration=3725, speaking_time=3000, words=12345, speakers=3)
FAULT = Fault(code="no_speech", message="Nobody speaks in it.")
STATISTICS = {
    "speakers": [
        {"speaker": "SPEAKER_00", "name": None, "speakingShare": 0.38},
        {"speaker": "SPEAKER_01", "name": "Ada Lovelace", "speakingShare": 0.62},
    ]
}
SAID = "Ada Lovelace: Good evening.\n\nSPEAKER_00: Welcome.\n\nAda Lovelace: So.\n\nSPEAKER_00: No."


class PowerCut(BaseException):
    """The function dies here."""


@dataclass
class Mail:
    """ports.MailService: what it took, and what it is to answer instead, one after the other."""

    taken: list[tuple[str, Letter]] = field(default_factory=list)
    answers: Iterator[BaseException | None] = field(default_factory=lambda: iter(()))

    def send(self, address: str, letter: Letter) -> str:
        match next(self.answers, None):
            case None:
                self.taken.append((address, letter))
                return f"message-{len(self.taken)}"
            case error:
                raise error


@dataclass
class Orders:
    """ports.MailQueue: when each order comes."""

    world: World
    waiting: list[tuple[Any, Order]] = field(default_factory=list)

    def send(self, order: Order, *, wait: timedelta = timedelta(0)) -> None:
        assert timedelta(0) <= wait <= timedelta(minutes=15)
        self.waiting.append((self.world.clock() + wait, order))

    def take(self) -> list[Order]:
        """Those that have come."""
        due = [order for at, order in self.waiting if at <= self.world.clock()]
        self.waiting = [each for each in self.waiting if each[0] > self.world.clock()]
        return due


class Office:
    """Everything between a row and a letter."""

    def __init__(self, world: World) -> None:
        self.world, self.mail, self.orders = world, Mail(), Orders(world)
        self.notices = Notices(world.ledger, self.orders)
        self.shares = Shares(world.ledger)
        self.postman = Postman(
            notices=self.notices,
            table=world.table,
            store=world.store,
            shares=self.shares,
            mail=self.mail,
            site=SITE,
            now=world.clock,
        )

    def announce(self, job: Job) -> None:
        self.notices.announce(job, self.world.clock())

    def work(self, **spell: float) -> None:
        """Everything that is due after a while."""
        self.world.clock.advance(**spell)
        for order in self.orders.take():
            self.postman.carry(order)

    def notice(self) -> Notice:
        [notice] = self.notices.of(JOB_ID)
        return notice


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def uploaded(world: World, **said: Any) -> Job:
    job = announced(
        owner=said.pop("owner", "ana"),
        title="Town hall",
        media=None,
        now=world.clock(),
        job_id=JOB_ID,
        published=True,
        **{"notify": ADDRESS, **said},
    )
    world.table.create(job)
    return job


def complete(world: World, **said: Any) -> Job:
    uploaded(world, **said)
    world.drop(private_statistics_key(JOB_ID), json.dumps(STATISTICS).encode(), "application/json")
    world.drop(exports_key(JOB_ID, "town hall", "txt"), SAID.encode(), "text/plain")
    return count(world, b"{}")


def count(world: World, transcript: bytes | None = None) -> Job:
    """As it is after a transcript, or after an edit of one."""
    if transcript is None:
        world.drop(f"jobs/{JOB_ID}/edits/edits.json", str(world.clock()).encode(), "text/plain")
    else:
        world.drop(TRANSCRIPT, transcript, "application/json")
    world.arrive(TRANSCRIPT)
    queued = world.job()
    assert queued.stage is STATS
    running = queued.model_copy(update={"status": Status.ANALYZING})
    return world.table.replace(running.completed(FIGURES, world.clock()))


def failed(world: World, **said: Any) -> Job:
    job = uploaded(world, **said)
    return world.table.replace(job.failed(FAULT, world.clock()))


# --- What is written ------------------------------------------------------------------------------


def test_a_debate_that_is_done_is_told_in_a_few_lines(office: Office, world: World) -> None:
    office.announce(complete(world))
    office.work()

    [(address, letter)] = office.mail.taken
    assert (address, letter.subject) == (ADDRESS, "Done: Town hall")
    for line in (
        "Duration: 1 h 2 min",
        "Speakers: 3",
        "Words: 12,345",
        "Spoke most: Ada Lovelace, 62% of the speaking time",
        "Ada Lovelace: Good evening.",
        "Speaker 1: Welcome.",
    ):
        assert line in letter.text
    assert "Speaker 1: No." not in letter.text
    assert (office.notice().state, office.notice().message_id) == (State.SENT, "message-1")


def test_the_link_is_good_for_a_day(office: Office, world: World) -> None:
    office.announce(complete(world))
    office.work()

    [(_, letter)] = office.mail.taken
    share_id = letter.text.partition(f"{SITE}/?share=")[2].split()[0]
    assert office.shares.job_id(share_id) == JOB_ID
    [share] = office.shares.of(JOB_ID)
    assert share.expires_at == world.clock() + LENT
    world.clock.advance(hours=24)
    with pytest.raises(NotFound):
        office.shares.job_id(share_id)
    assert office.shares.of(JOB_ID) == []


def test_a_failure_says_what_happened_and_leads_to_the_debate(office: Office, world: World) -> None:
    office.announce(failed(world))
    office.work()

    [(_, letter)] = office.mail.taken
    assert letter.subject == "Failed: Town hall"
    assert FAULT.message in letter.text
    assert f"{SITE}/?job={JOB_ID}" in letter.text


def test_where_nobody_signs_in_there_is_no_link_for_readers(office: Office, world: World) -> None:
    office.announce(complete(world, owner=ANONYMOUS_OWNER))
    office.work()
    [(_, letter)] = office.mail.taken
    assert f"{SITE}/?job={JOB_ID}" in letter.text
    assert office.shares.of(JOB_ID) == []


def test_it_is_written_in_the_language_that_was_spoken(office: Office, world: World) -> None:
    office.announce(failed(world, language="es"))
    office.work()
    [(_, letter)] = office.mail.taken
    assert letter.subject == "Fallido: Town hall"


def test_without_statistics_or_text_there_are_still_the_figures(
    office: Office, world: World
) -> None:
    job = complete(world)
    for key in (private_statistics_key(JOB_ID), exports_key(JOB_ID, "town hall", "txt")):
        world.s3.delete_object(Bucket=world.store.bucket, Key=key)
    office.announce(job)
    office.work()
    [(_, letter)] = office.mail.taken
    assert "Words: 12,345" in letter.text
    assert "Spoke most" not in letter.text


# --- Who is told, and how often -------------------------------------------------------------------


def test_who_gave_no_address_is_not_written_to(office: Office, world: World) -> None:
    office.announce(complete(world, notify=None))
    assert office.orders.waiting == []
    assert office.notices.of(JOB_ID) == []


def test_what_is_announced_and_ordered_many_times_is_sent_once(
    office: Office, world: World
) -> None:
    job = complete(world)
    for _ in range(3):
        office.announce(job)
        office.work()
    assert len(office.mail.taken) == 1


def test_an_edit_is_no_news(office: Office, world: World) -> None:
    office.announce(complete(world))
    office.work()
    world.clock.advance(hours=1)
    office.announce(count(world))
    office.work()
    assert len(office.mail.taken) == 1


def test_another_transcript_is_news(office: Office, world: World) -> None:
    office.announce(complete(world))
    office.work()
    office.announce(count(world, b'{"again": true}'))
    office.work()
    assert len(office.mail.taken) == 2


def test_what_failed_after_an_edit_and_was_mended_is_news(office: Office, world: World) -> None:
    first = complete(world)
    office.announce(first)
    office.work()
    queued = first.queued(first.units["stats"], world.clock())
    broken = world.table.replace(queued.failed(FAULT, world.clock()))
    office.announce(broken)
    office.work()
    office.announce(count(world))
    office.work()
    assert [letter.subject.split(":")[0] for _, letter in office.mail.taken] == [
        "Done",
        "Failed",
        "Done",
    ]


def test_of_two_ends_the_later_is_told(office: Office, world: World) -> None:
    """A letter that waits while its debate is tried again tells nobody that it failed."""
    office.mail.answers = iter([MailNotTaken("not now")])
    office.announce(failed(world))
    office.work()
    office.announce(count(world, b"{}"))
    office.work(minutes=1)
    office.work(minutes=1)

    assert [letter.subject for _, letter in office.mail.taken] == ["Done: Town hall"]
    states = [notice.state for notice in office.notices.of(JOB_ID)]
    assert states == [State.SUPERSEDED, State.SENT]


def test_a_failure_that_is_being_tried_again_is_not_told(office: Office, world: World) -> None:
    office.announce(failed(world))
    count(world, b"{}")
    office.work()
    assert office.mail.taken == []
    assert office.notice().state is State.SUPERSEDED


def test_a_debate_that_is_deleted_is_not_told_of_and_forgotten(
    office: Office, world: World
) -> None:
    job = complete(world)
    office.announce(job)
    [(_, order)] = office.orders.waiting
    assert "1 notices" in world.erasure.delete(job)
    office.work()
    assert office.mail.taken == []
    office.announce(job)  # the stream was late
    assert office.postman.carry(order) is None
    assert office.mail.taken == []
    world.erasure.follow_up(world.job())
    assert office.notices.of(JOB_ID) == []


# --- What is not taken ----------------------------------------------------------------------------


def test_an_outage_is_caught_up_with_one_letter(office: Office, world: World) -> None:
    outage = timedelta(hours=3)
    over = world.clock() + outage
    refusal = MailNotTaken("SES answered ServiceUnavailable.")
    office.mail.answers = iter(lambda: refusal if world.clock() < over else None, object())
    office.announce(complete(world))
    while not office.mail.taken:
        assert world.clock() < over + WAITS[-1]
        office.work(seconds=10)
        assert office.notice().error in (None, str(refusal))
    office.work(hours=24)

    assert len(office.mail.taken) == 1
    assert office.notice().tries == len(WAITS) + (outage - sum(WAITS, timedelta())) // WAITS[-1] + 1


def test_the_link_s_day_begins_when_the_letter_is_sent(office: Office, world: World) -> None:
    office.mail.answers = iter([MailNotTaken("not now")] * 40)
    office.announce(complete(world))
    while not office.mail.taken:
        office.work(minutes=15)
    [share] = office.shares.of(JOB_ID)
    assert share.expires_at == world.clock() + LENT


def test_it_is_given_up_in_the_end(office: Office, world: World) -> None:
    office.mail.answers = itertools.repeat(MailNotTaken("SES answered AccountSuspended."))
    office.announce(complete(world))
    office.work()
    world.clock.advance(seconds=GIVEN_UP.total_seconds())
    office.work()
    assert office.orders.waiting == []
    assert office.notice().state is State.REJECTED


@pytest.mark.parametrize(
    ("answer", "state"), [(MailRejected("no"), State.REJECTED), (MailLost("?"), State.UNKNOWN)]
)
def test_what_is_refused_for_good_or_lost_is_not_sent_again(
    office: Office, world: World, answer: BaseException, state: State
) -> None:
    office.mail.answers = iter([answer])
    job = complete(world)
    office.announce(job)
    office.work()
    office.announce(job)
    office.work(hours=1)
    assert office.mail.taken == []
    assert (office.notice().state, office.notice().error) == (state, str(answer))


# --- What dies ------------------------------------------------------------------------------------


def dying(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """The step, with a power cut before or after it: the first time."""
    calls = itertools.count()

    def once(*args: Any, **kwargs: Any) -> Any:
        first = next(calls) == 0
        if first and not after:
            raise PowerCut
        answer = step(*args, **kwargs)
        if first:
            raise PowerCut
        return answer

    return once


def test_dying_before_the_claim_costs_nothing(
    office: Office, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.announce(complete(world))
    monkeypatch.setattr(type(world.ledger), "put", dying(type(world.ledger).put, after=False))
    with pytest.raises(PowerCut):
        office.work()
    office.postman.carry(office.notice().order)
    assert len(office.mail.taken) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before sending", "after sending"])
def test_dying_between_the_claim_and_its_outcome_is_never_two_letters(
    office: Office, world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    office.announce(complete(world))
    monkeypatch.setattr(office.mail, "send", dying(office.mail.send, after=after))
    with pytest.raises(PowerCut):
        office.work()
    order = office.notice().order
    office.postman.carry(order)  # too early to tell
    assert office.notice().state is State.SENDING
    office.work(minutes=2)
    office.postman.carry(order)
    assert office.notice().state is State.UNKNOWN
    assert len(office.mail.taken) == int(after)


def test_dying_while_an_order_is_given_is_made_good_by_the_next(
    office: Office, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = complete(world)
    with monkeypatch.context() as patched:
        patched.setattr(office.orders, "send", dying(office.orders.send, after=False))
        with pytest.raises(PowerCut):
            office.announce(job)
    office.announce(job)
    office.work()
    assert len(office.mail.taken) == 1


@settings(max_examples=12)
@given(
    answers=st.lists(st.sampled_from(["taken", "not now", "lost", "no", "cut", "cut late"])),
    copies=st.integers(1, 3),
)
def test_whatever_happens_there_is_one_letter_at_most_and_an_end(
    answers: list[str], copies: int
) -> None:
    with moto.mock_aws():
        world = World()
        office = Office(world)
        send, script = office.mail.send, iter(answers)

        def scripted(address: str, letter: Letter) -> str:
            match next(script, "taken"):
                case "not now":
                    raise MailNotTaken("not now")
                case "lost":
                    raise MailLost("?")
                case "no":
                    raise MailRejected("no")
                case "cut":
                    raise PowerCut
                case "cut late":
                    send(address, letter)
                    raise PowerCut
            return send(address, letter)

        office.mail.send = scripted  # type: ignore[method-assign]
        job = complete(world)
        for _ in range(copies):
            office.announce(job)
        for _ in range(len(answers) + 5):
            world.clock.advance(minutes=15)
            for order in office.orders.take():
                try:
                    office.postman.carry(order)
                except PowerCut:
                    office.orders.send(order)  # its message was never settled
        assert len(office.mail.taken) <= 1
        assert office.notice().state in (State.SENT, State.REJECTED, State.UNKNOWN)
        assert (office.notice().state is State.SENT) <= (len(office.mail.taken) == 1)
