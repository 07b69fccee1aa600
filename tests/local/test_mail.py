"""From a row to a mail on the emulator: the table's stream, both functions, the queue between them,
and SES with IAM enforced."""

from __future__ import annotations

import email
import email.policy
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from debate_analyzer import aws
from debate_analyzer.attributes import marshal
from debate_analyzer.job import Fault, Figures, Job, announced, new_job_id
from debate_analyzer.key import exports_key, private_statistics_key, transcript_key
from debate_analyzer.letter import Letter
from debate_analyzer.notice import Notice, Notices, Order, State
from debate_analyzer.pipeline import Status
from debate_analyzer.unit import Unit
from tests.e2e.laptop import until
from tests.local.site import Site, running_site

pytestmark = pytest.mark.emulator

ADDRESS = "ana@example.org"
SENDER = "debates@laptop.invalid"
PAGE = "http://127.0.0.1:8080"
STATISTICS = {"speakers": [{"speaker": "SPEAKER_00", "name": "Ada", "speakingShare": 0.75}]}


@dataclass(frozen=True)
class Post:
    """A stack that sends mails."""

    site: Site
    data: Path

    def resource(self, logical: str) -> str:
        pages = self.site.client("cloudformation").get_paginator("list_stack_resources")
        return next(
            str(each["PhysicalResourceId"])
            for page in pages.paginate(StackName="debate-analyzer")
            for each in page["StackResourceSummaries"]
            if each["LogicalResourceId"] == logical
        )

    def notices(self) -> Notices:
        ledger = aws.DynamoLedger(
            self.site.client("dynamodb"), self.resource("LedgerTable"), lambda: datetime.now(UTC)
        )
        queue = aws.SqsMailQueue(self.site.client("sqs"), self.site.stack.outputs["MailQueueUrl"])
        return Notices(ledger, queue)

    def settled(self, job_id: str) -> Notice | None:
        """The notice, when nothing more is to become of it."""
        return next(
            (
                notice
                for notice in self.notices().of(job_id)
                if notice.state not in (State.WAITING, State.SENDING)
            ),
            None,
        )

    def mails(self, subject: str) -> list[EmailMessage]:
        """Those in the data folder with this subject."""
        files = sorted((self.data / "mails").glob("*.eml"))
        read = (
            email.message_from_bytes(f.read_bytes(), policy=email.policy.default) for f in files
        )
        return [mail for mail in read if mail["subject"] == subject]

    def accepted(self, subject: str) -> int:
        """How many of this subject SES took."""
        with urllib.request.urlopen(
            f"{self.site.deployed.endpoint()}/_ministack/ses/messages"
        ) as answer:
            return json.dumps(json.load(answer)).count(json.dumps(subject))

    def is_done(self) -> bool | None:
        """True when no order waits, is on its way or in hand; None while one is."""
        counted = ("", "Delayed", "NotVisible")
        names = [f"ApproximateNumberOfMessages{state}" for state in counted]
        answer = self.site.client("sqs").get_queue_attributes(
            QueueUrl=self.site.stack.outputs["MailQueueUrl"], AttributeNames=names
        )
        return True if not any(int(count) for count in answer["Attributes"].values()) else None

    def tell_again(self, job: Job) -> None:
        """What the stream told of the job's end, once more."""
        before = job.model_copy(update={"status": Status.UPLOADING, "version": job.version - 1})
        images = {
            name: marshal(each.model_dump(mode="json", exclude_none=True))
            for name, each in (("OldImage", before), ("NewImage", job))
        }
        event = {"Records": [{"eventName": "MODIFY", "dynamodb": images}]}
        answer = self.site.client("lambda").invoke(
            FunctionName=self.site.stack.outputs["NotifyFunction"], Payload=json.dumps(event)
        )
        assert json.load(answer["Payload"]) == {"deliveries": 0, "mails": 1}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    data = tmp_path_factory.mktemp("post")
    with running_site(data) as site:
        yield Post(site, data)


def upload(post: Post, title: str, **said: Any) -> Job:
    job = announced(
        owner="ada",
        title=title,
        media=None,
        now=datetime.now(UTC),
        job_id=new_job_id(),
        published=True,
        notify=ADDRESS,
        **said,
    )
    post.site.table.create(job)
    return job


def complete(post: Post, title: str) -> Job:
    job, now = upload(post, title), datetime.now(UTC)
    post.site.store.put(
        private_statistics_key(job.job_id), json.dumps(STATISTICS).encode(), "application/json"
    )
    post.site.store.put(exports_key(job.job_id, "d", "txt"), b"Ada: Good evening.\n", "text/plain")
    unit = Unit(
        job_id=job.job_id, stage_name="stats", key=transcript_key(job.job_id, "d"), etag="e"
    )
    running = job.queued(unit, now).model_copy(update={"status": Status.ANALYZING})
    figures = Figures(duration=600, speaking_time=500, words=1500, speakers=2)
    return post.site.table.replace(running.completed(figures, now))


def fail(post: Post, title: str, **said: Any) -> Job:
    fault = Fault(code="no_speech", message="Nobody speaks in it.")
    job = upload(post, title, **said)
    return post.site.table.replace(job.failed(fault, datetime.now(UTC)))


def test_a_debate_that_is_done_is_told_once(post: Post) -> None:
    job = complete(post, "Town hall – café")
    notice = until(lambda: post.settled(job.job_id), seconds=60, what="a mail")
    assert notice.state is State.SENT

    for _ in range(3):
        post.tell_again(job)
    until(post.is_done, seconds=60, what="an empty queue")

    [mail] = post.mails("Done: Town hall – café")
    assert (mail["to"], mail["from"]) == (ADDRESS, SENDER)
    assert mail.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "Spoke most: Ada, 75% of the speaking time" in text
    assert "Ada: Good evening." in text
    assert f"{PAGE}/?share={notice.share_id}" in text
    assert f'href="{PAGE}/?share={notice.share_id}"' in html
    assert '<html lang="en">' in html


def test_a_failure_is_told_in_the_language_of_the_debate(post: Post) -> None:
    job = fail(post, "Pleno", language="es")
    assert until(lambda: post.settled(job.job_id), seconds=60, what="a mail").state is State.SENT
    [mail] = post.mails("Fallido: Pleno")
    html = mail.get_body(("html",))
    assert html is not None
    assert '<html lang="es">' in html.get_content()


def test_an_outage_is_caught_up_with_one_mail(post: Post) -> None:
    """SES forgets that it knows the sender for a while."""
    ses, domain = post.site.client("sesv2"), SENDER.partition("@")[2]
    ses.delete_email_identity(EmailIdentity=domain)
    post.site.client("ses").delete_identity(Identity=domain)  # the emulator has it twice
    job = fail(post, "Council")
    refused = until(
        lambda: next((n for n in post.notices().of(job.job_id) if n.tries), None),
        seconds=60,
        what="a refusal",
    )
    assert (refused.state, refused.error) == (State.WAITING, "SES answered MessageRejected.")
    ses.create_email_identity(EmailIdentity=domain)

    assert until(lambda: post.settled(job.job_id), seconds=90, what="a mail").state is State.SENT
    assert post.accepted("Failed: Council") == len(post.mails("Failed: Council")) == 1


def test_an_order_of_what_is_gone_sends_nothing(post: Post) -> None:
    job_id = new_job_id()
    post.notices().queue.send(Order(job_id=job_id, version=1))
    until(post.is_done, seconds=60, what="an empty queue")
    assert post.notices().of(job_id) == []


def test_the_function_may_write_in_its_own_name_alone(post: Post) -> None:
    functions = post.site.client("lambda")
    role = functions.get_function_configuration(
        FunctionName=post.site.stack.outputs["MailFunction"]
    )["Role"]
    ses = post.site.as_role("sesv2", role)
    for sender in ("boss@laptop.invalid", "debates@example.org"):
        with pytest.raises(ClientError, match="AccessDenied"):
            ses.send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": [ADDRESS]},
                Content={"Simple": _simple(Letter("s", "t", "h"))},
            )


def _simple(letter: Letter) -> dict[str, Any]:
    body = {"Text": {"Data": letter.text}, "Html": {"Data": letter.html}}
    return {"Subject": {"Data": letter.subject}, "Body": body}
