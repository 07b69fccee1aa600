"""Every role may do what its code does, and nothing else: by the policies, as IAM reads them.

What the code does is recorded from its runs (`compositions`), and the runs are held to have taken
every way that leads to AWS (`trail`).
"""

from __future__ import annotations

import functools
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.template.attempts import CHAPTER, KEYS, PAGE, attempts
from tests.template.calls import Right, Role, allows, rights, roles
from tests.template.needs import DRIVES, PARAMETERS, needs, recording, runners, stack
from tests.template.templates import ACCOUNT, REGION, resolve, source
from tests.template.trail import unentered, untaken
from tests.world import JOB_ID

ROLES = [n for n, r in source()["Resources"].items() if r["Type"] == "AWS::IAM::Role"]
# Batch's hosts; its rights are AWS's own policy for them.
HOSTS = "InstanceRole"

# What is the account's, and every stack's alike.
SHARED = {
    "*",
    f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
    f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.org",
}

# With a debate goes whatever lies in its folder.
ERASERS = {"ApiFunctionRole", "SweepFunctionRole"}

# Ways to AWS that no run takes, and why they ask for no right that is not asked for elsewhere.
PASSED_BY = {
    "fence.put_fenced: there = store.head(key)": (
        "somebody published it a moment ago; the same HeadObject stands in _put_statistics"
    ),
    "messages.together: self.log.set_correlation_id(of(what))": (
        "what is said of a batch that failed; asks AWS for nothing"
    ),
    "stats._put_statistics: self.publish_queue.send(newest)": (
        "withdrawn at that very moment; the same SendMessage stands in _ask_for_publication"
    ),
    "recording_desk._changed: self.pause(random.uniform(0, pause))": (
        "somebody wrote the manifest meanwhile; waits, and asks AWS for nothing"
    ),
    "recording_desk.step: found.update(self._arrived(manifest))": (
        "somebody wrote the manifest meanwhile; the same ListBucket stands in _take_in"
    ),
    "recording_desk._multipart: self.store.abort_multipart(chunk.key, mine)": (
        "another tab began the chunk meanwhile; the same AbortMultipartUpload is in erase_session"
    ),
    "arrival._made: return self.table.get(job.job_id) or job": (
        "another event made the row a moment ago; the same GetItem stands in _row"
    ),
    "arrival.receive: return self._edited(key.job_id, now)": (
        "recordings have no edits, and a worker that is sent somewhere passes them by"
    ),
    "arrival.receive: return self.receive(key_text, now, again=again)": (
        "somebody was faster; itself once more"
    ),
    "arrival._row: whole = self.table.get(key.job_id)": (
        "the stats stage has no parts; the same GetItem stands further down"
    ),
    "arrival._row: return self.table.get(part.job_id) or self._made(part_job(part, whole, now))": (
        "the stats stage has no parts; the same GetItem stands further down"
    ),
    "limits._place: self.ledger.delete(partition, place)": (
        "the job was not made after all; the same DeleteItem as of an Idempotency-Key's request"
    ),
    "recording_desk._sealed: sealed, _ = self._stored(manifest.session_id)": (
        "another finalized it a moment ago; the same GetObject stands in finalize"
    ),
    "upload_desk.complete: if self.store.head(media.key) is None:": (
        "another call completed it a moment ago; the same HeadObject stands further up"
    ),
    "download._bring: _bury(settings, hold, error)": (
        "the last of the attempts; the same SendMessage as for what is misconfigured"
    ),
    "importing.start: row = self.table.get(job.job_id) or row": (
        "said again after a crash; the same GetItem stands in change, which follows"
    ),
    "worker._finish: self._fail(held, error)": (
        "the network failed while the results were put away; the steps of a work that fails"
    ),
    "publication._write: self.pause(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))": (  # noqa: E501
        "somebody wrote the file meanwhile; waits, and asks AWS for nothing"
    ),
    'aws.owned_by: keys = self._newest("by_phase", "owner_phase", f"{phase} {owner}", window)': (
        "the sweeper and workers want all that somebody owns; lists by status are the API's"
    ),
    'aws._of_aws: status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)': (
        "reads what AWS has answered, and asks it for nothing"
    ),
    "sweeper.sweep: self._later(job, now)": (
        "a job that cannot be mended; the same GetItem and PutItem as of one that only waits"
    ),
    "messages.together: self._failed(message, error)": (
        "all messages failed; the same PutItem as of one that cannot be read"
    ),
    'dead_letters._said_by_aws: return Fault(code=code, message=found.attributes.get("ERROR_MESSAGE", code))': (  # noqa: E501
        "reads a letter's attributes, and asks AWS for nothing"
    ),
    'dead_letters._said_by_aws: code=str(answer.get("errorType", "internal")), message=str(answer["errorMessage"])': (  # noqa: E501
        "reads a letter, and asks AWS for nothing"
    ),
    'dead_letters._call: target, event = found.attributes.get("TARGET_ARN"), _json(found.body)': (
        "reads a letter's attributes, and asks AWS for nothing"
    ),
    "aws.owned_by: return self._rows(keys, window.likely)": (
        "the sweeper and workers want all that somebody owns; lists by status are the API's"
    ),
    "job_desk.cancel: self._cancelled(part.job_id, unless=ENDS)  # one may have failed before its whole did": (  # noqa: E501
        "a recording that is not split has no parts; the whole's own row takes the same steps"
    ),
    "erasure.erase: self.store.abort_multipart(job.media.key, job.upload_id)": (
        "the row that the sweeper finds tells of no upload; its parts go with their lifecycle"
    ),
    "publication._place: return change(self.table, job.job_id, lambda row: row.placed(place))": (
        "another writer was faster; the same GetItem and PutItem stand in _put_statistics, _settle"
    ),
}


@functools.cache
def role(name: str) -> Role:
    return roles(stack())[name]


@functools.cache
def needed(name: str) -> frozenset[Right]:
    return frozenset(right for call in needs(name) for right in rights(call))


# --- What the code does ---------------------------------------------------------------------------


def test_everything_that_runs_is_run_here() -> None:
    assert set(DRIVES) == set(runners(stack()))


def test_every_way_to_aws_is_taken() -> None:
    passed_by = {way for name in DRIVES for way in untaken(recording(name).trail)}
    assert passed_by == set(PASSED_BY)


def test_everything_that_leads_to_aws_is_entered() -> None:
    assert unentered(recording(name).trail for name in DRIVES) == set()


# --- What it may do -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLES)
def test_a_role_may_do_what_its_code_does(name: str) -> None:
    assert bool(needed(name)) is (name != HOSTS)
    assert [str(right) for right in needed(name) if not role(name).may(right)] == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_no_right_that_its_code_does_not_use(name: str) -> None:
    idle = [
        f"{action} on {resource}"
        for action, resource, statement in role(name).statements()
        if not any(allows(statement, right) for right in needed(name))
    ]
    assert idle == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_may_not_do_what_only_others_do(name: str) -> None:
    others = {right for other in ROLES for right in needed(other) if not is_its_own(right, name)}
    assert [str(right) for right in others if role(name).may(right)] == []


def is_its_own(right: Right, name: str) -> bool:
    """Whether the role's code does this, or does it to another object of that kind."""
    if right in needed(name):
        return True
    bucket, _, key = right.resource.partition("/")
    if right.action == "s3:ListBucket" and right.context:
        owned = (own for own in needed(name) if own.action == right.action and own.context)
        return _folder(right) in map(_folder, owned)
    return bucket == stack().arn("Bucket") and kind(key) in kinds(name, right.action)


def _folder(right: Right) -> str:
    return dict(right.context)["s3:prefix"].split("/")[0]


@pytest.mark.parametrize("name", ROLES)
def test_stolen_credentials_are_good_for_nothing_else(name: str) -> None:
    allowed = [
        str(call)
        for call in attempts(stack())
        if all(role(name).may(right) for right in rights(call))
        and not all(is_its_own(right, name) for right in rights(call))
    ]
    assert allowed == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_reaches_nothing_of_another_stack(name: str) -> None:
    """In both directions: the name of one stack is how the other's begins."""
    one, two = stack(), resolve(parameters=PARAMETERS, stack="debate-analyzer-two")
    moved = {one.name(each): two.name(each) for each in one.resources}

    def elsewhere(right: Right) -> Right:
        mine = max((each for each in moved if each in right.resource), key=len)
        return Right(right.action, right.resource.replace(mine, moved[mine]), right.context)

    owned = {right for right in needed(name) if right.resource not in SHARED}
    theirs = {elsewhere(right) for right in owned}
    assert [str(right) for right in owned if roles(two)[name].may(right)] == []
    assert [str(right) for right in theirs if role(name).may(right)] == []
    assert [str(right) for right in theirs if not roles(two)[name].may(right)] == []


@pytest.mark.parametrize("name", ROLES)
def test_only_its_service_may_take_a_role(name: str) -> None:
    properties = stack().resources[name]["Properties"]
    [statement] = properties["AssumeRolePolicyDocument"]["Statement"]
    service = {HOSTS: "ec2", "ExecutionRole": "ecs-tasks"}.get(
        name, "ecs-tasks" if name.endswith("JobRole") else "lambda"
    )
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"
    managed = {arn.rsplit("/", 1)[-1] for arn in properties.get("ManagedPolicyArns", [])}
    assert managed == ({"AmazonEC2ContainerServiceforEC2Role"} if name == HOSTS else set())


# --- Objects --------------------------------------------------------------------------------------

_PATTERNS = {
    known: re.compile(
        re.escape(key)
        .replace(re.escape(JOB_ID), "[^/]+")
        .replace(re.escape("town hall"), "[^/]+")
        .replace(str(PAGE), "[^/]+")
        .replace(str(CHAPTER), "[^/]+")
        .replace(r"\.mp4", r"\.[^/]+")
        .replace(r"\.srt", r"\.[^/]+")
    )
    for known, key in KEYS.items()
}


def kind(key: str) -> str | None:
    """What an object is, by its key: one of KEYS."""
    return next((known for known, key_like in _PATTERNS.items() if key_like.fullmatch(key)), None)


def kinds(name: str, action: str) -> set[str | None]:
    """The objects that a role's code does this to."""
    return {
        kind(right.resource.partition("/")[2])
        for right in needed(name)
        if right.action == action and right.resource.startswith("arn:aws:s3:::")
    }


_NAMES = st.text(st.characters(exclude_categories=["C"], exclude_characters="/"), min_size=1)


@st.composite
def keys(draw: st.DrawFn) -> str:
    """A key of any kind, of any job, file or page."""
    known = KEYS[draw(st.sampled_from(sorted(KEYS)))]
    return (
        known.replace(JOB_ID, str(draw(st.uuids(version=4))))
        .replace("town hall", draw(_NAMES))
        .replace(str(PAGE), str(draw(st.integers(min_value=0))))
        .replace(str(CHAPTER), str(draw(st.integers(min_value=0))))
    )


@st.composite
def strange_keys(draw: st.DrawFn) -> str:
    """A key that nothing in the chain makes."""
    folder = draw(
        _NAMES.filter(lambda name: name not in ("videos", "transcripts", "captions", "statistics"))
    )
    return draw(
        st.sampled_from(
            [
                f"jobs/{uuid.UUID(int=1)}/{folder}/x.mp4",
                f"statistics/{folder}/x.json",
                f"{folder}/videos/x.mp4",
                f" jobs/{uuid.UUID(int=1)}/videos/x.mp4",
                f"Jobs/{uuid.UUID(int=1)}/videos/x.mp4",
                folder,
            ]
        ).filter(lambda key: not key.startswith(("statistics/index/", "statistics/by-job/")))
    )


def on_object(action: str, key: str) -> Right:
    return Right(action, f"{stack().arn('Bucket')}/{key}")


@pytest.mark.parametrize("name", ROLES)
@settings(deadline=None)
@given(key=keys())
def test_a_role_reaches_the_kinds_of_objects_that_it_works_with(name: str, key: str) -> None:
    for action in ("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"):
        assert role(name).may(on_object(action, key)) is (kind(key) in kinds(name, action)), action


@pytest.mark.parametrize("name", ROLES)
@settings(deadline=None)
@given(key=strange_keys())
def test_a_role_reaches_no_object_outside_of_the_chain(name: str, key: str) -> None:
    for action in ("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject"):
        erased = name in ERASERS and action == "s3:DeleteObject" and key.startswith("jobs/")
        assert role(name).may(on_object(action, key)) is erased, action


# --- A customer's key -----------------------------------------------------------------------------

OWN_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{JOB_ID}"


@pytest.mark.parametrize("given_key", ["create", OWN_KEY], ids=["made", "given"])
@pytest.mark.parametrize("name", [name for name in ROLES if name != HOSTS])
def test_a_customer_s_key_is_used_through_s3(name: str, given_key: str) -> None:
    """By the role's policy, or by the key's where the stack makes it. A key that exists has AWS's
    default policy, which leaves it to the roles.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    encrypted = resolve(parameters=PARAMETERS | {"EncryptionKey": given_key})
    made = encrypted.of_type("AWS::KMS::Key")
    key = encrypted.arn("Key") if made else given_key
    for_everybody = [
        statement
        for properties in made.values()
        for statement in properties["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"AWS": "*"}
    ]

    def may(action: str, via: str = "") -> bool:
        context = {"kms:calleraccount": ACCOUNT, "kms:viaservice": via}
        right = Right(action, key, tuple(context.items()))
        user = roles(encrypted)[name]
        return user.may(right) or any(allows(s, right) for s in for_everybody)

    s3 = f"s3.{REGION}.amazonaws.com"
    called = {f"{call.service}.{call.operation}" for call in needs(name)}
    if "s3.GetObject" in called:
        assert may("kms:Decrypt", s3)
    if "s3.PutObject" in called:
        assert may("kms:GenerateDataKey", s3)
    assert not may("kms:Decrypt")
    assert not may("kms:ScheduleKeyDeletion", s3)
