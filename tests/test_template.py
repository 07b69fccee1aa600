"""The template, and what the code takes for granted of it. tests/template/test_lint.py lints it."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from samtranslator.yaml_helper import yaml_parse

from debate_analyzer import bootstrap
from debate_analyzer.caller import Caller
from debate_analyzer.config import Settings
from debate_analyzer.pipeline import STAGES, STATS, TRANSCRIBE
from local.web.guard import PAGE_POLICY
from tests.world import ROOT, template

TEMPLATE = ROOT / "template.yaml"
FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
DEFINITION = "AWS::Batch::JobDefinition"


def of_type(kind: str) -> dict[str, Any]:
    return {
        name: resource
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def name_in(reference: Any) -> str:
    """The logical name in a Ref or a GetAtt."""
    if "Ref" in reference:
        return str(reference["Ref"])
    target = reference["Fn::GetAtt"]
    return str(target[0] if isinstance(target, list) else target.split(".")[0])


def timeout(function: str) -> int:
    settings = {
        **template()["Globals"]["Function"],
        **template()["Resources"][function]["Properties"],
    }
    return int(settings["Timeout"])


# --- Bucket ---------------------------------------------------------------------------------------


def notifications() -> Iterator[tuple[str, str, str]]:
    """Queue, prefix and suffix of each."""
    bucket = template()["Resources"]["Bucket"]["Properties"]
    for entry in bucket["NotificationConfiguration"]["QueueConfigurations"]:
        rules = {rule["Name"]: rule["Value"] for rule in entry["Filter"]["S3Key"]["Rules"]}
        assert entry["Event"] == "s3:ObjectCreated:*"
        yield name_in(entry["Queue"]), rules["prefix"], rules["suffix"]


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_a_stage_hears_of_every_suffix_that_starts_it(stage: Any) -> None:
    heard = [s for queue, _, s in notifications() if queue == f"{stage.name.title()}ArrivalsQueue"]
    both_cases = {*stage.suffixes, *(suffix.upper() for suffix in stage.suffixes)}
    assert sorted(heard) == sorted(both_cases if stage is TRANSCRIBE else stage.suffixes)


def test_no_two_notifications_overlap() -> None:
    entries = list(notifications())
    assert {prefix for _, prefix, _ in entries} == {"jobs/"}
    suffixes = [suffix for _, _, suffix in entries]
    assert [(a, b) for a in suffixes for b in suffixes if a != b and a.endswith(b)] == []
    assert len(suffixes) == len(set(suffixes))


def test_the_bucket_is_private() -> None:
    bucket = template()["Resources"]["Bucket"]
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


@pytest.mark.parametrize("name", ["Bucket", "JobTable", "UserPool"])
def test_what_holds_data_outlives_the_stack(name: str) -> None:
    resource = template()["Resources"][name]
    assert resource["UpdateReplacePolicy"] == "Retain"
    # But not a creation that failed: the next one would find the bucket's name taken.
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


# --- Queues ---------------------------------------------------------------------------------------


def dead_letters() -> set[str]:
    targets = [
        queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]
        for queue in of_type(QUEUE).values()
        if "RedrivePolicy" in queue["Properties"]
    ]
    for function in of_type(FUNCTION).values():
        for event in function["Properties"].get("Events", {}).values():
            if "DeadLetterConfig" in event["Properties"]:
                targets.append(event["Properties"]["DeadLetterConfig"]["Arn"])
    for definition in of_type(DEFINITION).values():  # imports have no queue to be given up by
        for variable in definition["Properties"]["ContainerProperties"]["Environment"]:
            if variable.get("Name", "").endswith("_DEAD_LETTERS_URL"):
                targets.append(variable["Value"])
    return {name_in(target) for target in targets}


def test_every_queue_has_dead_letters_or_holds_them() -> None:
    live = {n for n, queue in of_type(QUEUE).items() if "RedrivePolicy" in queue["Properties"]}
    assert live | dead_letters() == set(of_type(QUEUE))
    assert live & dead_letters() == set()


def test_each_live_queue_has_dead_letters_of_its_own() -> None:
    live = [q for q in of_type(QUEUE).values() if "RedrivePolicy" in q["Properties"]]
    targets = [name_in(q["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]) for q in live]
    assert len(targets) == len(set(targets))


def test_every_event_of_a_rule_ends_somewhere() -> None:
    events = [
        event["Properties"]
        for function in of_type(FUNCTION).values()
        for event in function["Properties"].get("Events", {}).values()
        if event["Type"] in ("EventBridgeRule", "Schedule")
    ]
    assert len(events) == 4
    assert all("DeadLetterConfig" in event for event in events)


def test_what_a_function_fails_to_do_with_a_rule_s_event_is_kept_or_comes_again() -> None:
    """A rule's own retries and dead letters end where Lambda has taken the event over.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    for function in of_type(FUNCTION).values():
        properties = function["Properties"]
        kinds = {event["Type"] for event in properties.get("Events", {}).values()}
        if "EventBridgeRule" in kinds:
            assert "OnFailure" in properties["EventInvokeConfig"]["DestinationConfig"]
        if "Schedule" in kinds:
            assert properties["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


def test_a_message_stays_hidden_for_as_long_as_its_function_may_need() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    seen = 0
    for name, function in of_type(FUNCTION).items():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            seen += 1
            source = event["Properties"]
            queue = of_type(QUEUE)[name_in(source["Queue"])]["Properties"]
            window = source.get("MaximumBatchingWindowInSeconds", 0)
            assert queue["VisibilityTimeout"] >= 6 * timeout(name) + window
    assert seen == 5


def test_queues_and_bucket_are_encrypted_and_speak_tls_only() -> None:
    refused: list[str] = []
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        queues = [name_in(queue) for queue in policy["Properties"]["Queues"]]
        if any(statement.get("Sid") == "TlsOnly" for statement in statements):
            refused += queues
    # Each exactly once: a queue has one policy, and the last one written wins.
    assert sorted(refused) == sorted(of_type(QUEUE))
    assert all(q["Properties"]["SqsManagedSseEnabled"] for q in of_type(QUEUE).values())
    for bucket in of_type("AWS::S3::Bucket"):
        statements = template()["Resources"][f"{bucket}Policy"]["Properties"]["PolicyDocument"]
        assert statements["Statement"][0]["Sid"] == "TlsOnly"


# --- The site -------------------------------------------------------------------------------------


def test_the_page_s_policy_is_one_and_the_site_adds_the_bucket_and_the_issuer() -> None:
    site = yaml_parse((ROOT / "stacks" / "site.yaml").read_text())["Resources"]["SecurityHeaders"]
    headers = site["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    bucket = " https://${Bucket}.s3.${AWS::Region}.${AWS::URLSuffix}"
    assert policy.count(bucket) == 2
    issuer = " ${SignInOrigins};"
    assert policy.count(issuer) == 1
    assert policy.replace(bucket, "").replace(issuer, ";") == PAGE_POLICY
    documented = (ROOT / "docs" / "frontend.md").read_text().split("```")[1]
    assert " ".join(documented.split()) == PAGE_POLICY


# --- Functions and jobs ---------------------------------------------------------------------------


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [name_in(function["Properties"]["Role"]) for function in of_type(FUNCTION).values()]
    assert len(roles) == len(set(roles)) == 11


def test_every_function_has_a_log_group_of_its_own_that_forgets() -> None:
    groups = [
        name_in(function["Properties"]["LoggingConfig"]["LogGroup"])
        for function in of_type(FUNCTION).values()
    ]
    assert len(groups) == len(set(groups))
    assert set(groups) <= set(of_type("AWS::Logs::LogGroup"))
    for group in of_type("AWS::Logs::LogGroup").values():
        assert "RetentionInDays" in group["Properties"]


@pytest.mark.parametrize("function", of_type(FUNCTION).values(), ids=of_type(FUNCTION))
def test_the_code_of_a_function_is_there(function: Any) -> None:
    assert "def handler(" in (ROOT / function["Properties"]["CodeUri"] / "handler.py").read_text()


@pytest.mark.parametrize("definition", of_type(DEFINITION).values(), ids=of_type(DEFINITION))
def test_the_module_of_a_job_is_there(definition: Any) -> None:
    python, flag, module = definition["Properties"]["ContainerProperties"]["Command"]
    assert (python, flag) == ("python", "-m")
    assert importlib.util.find_spec(module) is not None


GIVEN = {"MailFrom": "debates@example.org"}  # without which its function is not deployed


def value_of(node: Any) -> str:
    """A parameter's default, a literal, or something that stands for a resource."""
    if isinstance(node, dict):
        parameter = template()["Parameters"].get(node.get("Ref"), {})
        return GIVEN.get(node.get("Ref")) or str(parameter.get("Default", "something"))
    return str(node)


def environment(name: str) -> dict[str, str]:
    """What a function or a job is given."""
    properties = template()["Resources"][name]["Properties"]
    if "ContainerProperties" in properties:
        listed = properties["ContainerProperties"]["Environment"]
        items = [item["Fn::If"][1] if "Fn::If" in item else item for item in listed]
        return {item["Name"]: value_of(item["Value"]) for item in items}
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = properties.get("Environment", {}).get("Variables", {})
    return {key: value_of(value) for key, value in {**shared, **own}.items()}


COMPOSITIONS: dict[str, Callable[[Settings], object]] = {
    "SubmitTranscribeFunction": lambda settings: bootstrap.arrivals(settings, settings.stage),
    "SubmitStatsFunction": lambda settings: bootstrap.arrivals(settings, settings.stage),
    "TrackFunction": bootstrap.sweeper,
    "SweepFunction": lambda settings: (
        bootstrap.sweeper(settings),
        settings.dead_letters,
    ),
    "PublishFunction": lambda settings: (
        bootstrap.publication(settings),
        bootstrap.messages(settings, Logger()),
    ),
    "ApiFunction": lambda settings: (
        bootstrap.catalogue(settings),
        bootstrap.upload_desk(settings),
        bootstrap.import_desk(settings),
        bootstrap.job_desk(settings),
        bootstrap.recording_desk(settings, Caller("ana")),
        bootstrap.deliveries(settings),
        bootstrap.dead_letters(settings),
        settings.operator_group,
        settings.webhook_secret_arn,
        settings.origin_proof_arn,
        settings.anonymous,
        settings.admin_group,
        settings.groups_claim,
    ),
    "NotifyFunction": lambda settings: (
        bootstrap.deliveries(settings),
        bootstrap.notices(settings),
        bootstrap.event_letters(settings),
    ),
    "DeliverFunction": lambda settings: (
        bootstrap.courier(settings),
        settings.webhook_secret_arn,
    ),
    "MailFunction": bootstrap.postman,
    "IndexFunction": bootstrap.merger,
    "SearchFunction": lambda settings: (
        bootstrap.finder(settings),
        bootstrap.limits(settings),
        settings.origin_proof_arn,
        settings.anonymous,
        settings.admin_group,
        settings.groups_claim,
    ),
    "TranscribeJobDefinition": lambda settings: (
        bootstrap.job_table(settings),
        bootstrap.object_store(settings),
        settings.work_queue_url(TRANSCRIBE),
    ),
    "StatsJobDefinition": lambda settings: (
        bootstrap.job_table(settings),
        bootstrap.object_store(settings),
        bootstrap.publish_queue(settings),
        settings.work_queue_url(STATS),
    ),
    "DownloadJobDefinition": lambda settings: (
        bootstrap.job_table(settings),
        bootstrap.object_store(settings),
        settings.text("YT_COOKIES_SECRET_ARN"),
    ),
}


def test_everything_that_runs_is_composed_here() -> None:
    assert set(COMPOSITIONS) == {*of_type(FUNCTION), *of_type(DEFINITION)}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_environment_holds_what_the_code_wants(name: str) -> None:
    """Misconfigured names the key that is missing."""
    assert COMPOSITIONS[name](Settings(environment(name)))


class Recorded(dict[str, str]):
    """An environment that remembers what was looked up."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


LIBRARIES = {"POWERTOOLS_SERVICE_NAME", "PYDANTIC_DISABLE_PLUGINS"}  # not ours to read
# What all functions are given, and these have neither use for nor rights to.
UNUSED = {name: {"BUCKET", "JOB_TABLE"} for name in ("NotifyFunction", "DeliverFunction")}


@pytest.mark.parametrize("name", of_type(FUNCTION))
def test_a_function_is_told_of_nothing_that_it_does_not_use(name: str) -> None:
    environ = Recorded(environment(name))
    COMPOSITIONS[name](Settings(environ))
    assert set(environ) - environ.read == LIBRARIES | UNUSED.get(name, set())


@pytest.mark.parametrize("name", ["SubmitTranscribeFunction", "SubmitStatsFunction"])
def test_a_submit_function_knows_its_stage(name: str) -> None:
    stage = Settings(environment(name)).stage
    assert name == f"Submit{stage.name.title()}Function"


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_environment_is_the_one_in_the_contract(name: str) -> None:
    table = (ROOT / "docs" / "architecture.md").read_text().split("## Environment")[1]
    names = set(re.findall(r"[A-Z0-9_]{4,}", table.split("\n## ")[0]))
    for prefix in ("TRANSCRIBE_", "STATS_"):  # the table has {TRANSCRIBE,STATS}_MAX_WORKERS
        names |= {prefix.removesuffix("_") + known for known in names if known.startswith("_")}
    given = set(environment(name)) - LIBRARIES - {"AWS_DEFAULT_REGION"}
    assert given <= names


def test_batch_tries_again_only_when_a_host_is_lost() -> None:
    for definition in of_type(DEFINITION).values():
        strategy = definition["Properties"]["RetryStrategy"]
        assert strategy["EvaluateOnExit"] == [
            {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
            {"OnReason": "*", "Action": "EXIT"},
        ]


# --- Rights ---------------------------------------------------------------------------------------


def allowances() -> Iterator[Any]:
    """Every statement of a role that allows something."""
    for role in of_type("AWS::IAM::Role").values():
        for entry in role["Properties"].get("Policies", []):
            policy = entry["Fn::If"][1] if "Fn::If" in entry else entry
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield statement


def as_list(node: Any) -> list[Any]:
    return list(node) if isinstance(node, list) else [node]


def test_no_role_may_do_everything_a_service_can() -> None:
    for statement in allowances():
        assert [action for action in as_list(statement["Action"]) if "*" in action] == []


def test_a_right_on_everything_says_why() -> None:
    lines = TEMPLATE.read_text().splitlines()
    everything = [
        resource
        for statement in allowances()
        for resource in as_list(statement["Resource"])
        if resource == "*"
    ]
    # The template's strings know where they stand.
    unexplained = [r.start_mark.line + 1 for r in everything if "#" not in lines[r.start_mark.line]]
    assert len(everything) == 6
    assert unexplained == []


def test_only_the_bucket_and_the_rules_may_send_from_outside() -> None:
    outsiders = [
        statement
        for policy in of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert [s["Principal"]["Service"] for s in outsiders] == [
        "s3.amazonaws.com",
        "events.amazonaws.com",
    ]
    for statement in outsiders:
        conditions = {key for test in statement["Condition"].values() for key in test}
        assert conditions == {"aws:SourceArn", "aws:SourceAccount"}


def test_nobody_whose_mail_bounced_or_who_complained_is_written_to_again() -> None:
    """By SES itself: what its configuration set says, each mail names."""
    told = of_type(FUNCTION)["MailFunction"]["Properties"]["Environment"]["Variables"]
    named = of_type("AWS::SES::ConfigurationSet")[name_in(told["MAIL_CONFIGURATION_SET"])]
    reasons = named["Properties"]["SuppressionOptions"]["SuppressedReasons"]
    assert set(reasons) == {"BOUNCE", "COMPLAINT"}
