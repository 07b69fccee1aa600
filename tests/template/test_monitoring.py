"""Alarms and dashboard: they watch what is there, by metrics that somebody publishes, and whoever
is told finds what to do."""

from __future__ import annotations

import argparse
import functools
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from debate_analyzer.pipeline import STAGES
from local.cli.parser import parser
from tests.template.templates import ACCOUNT, REGION, STACK, Resolved, resolve
from tests.world import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()

# --- What is published ----------------------------------------------------------------------------

# Ours, with the dimensions beside `service`. https://docs.powertools.aws.dev/lambda/python/latest/core/metrics/
OURS = {
    "JobsCreated": (),
    "JobsCompleted": (),
    "JobsFailed": (),
    "JobsCancelled": (),
    "Confidence": (),
    "JobsByLanguage": ("language",),
    "StageSeconds": ("stage",),
    "RealTimeFactor": ("stage",),
    "JobsStuck": (),
    "WorkersWaiting": ("stage",),
    "BacklogPerWorker": ("stage",),
    "DebatesUseful": (),
    "DebatesNotUseful": (),
    "MailSent": (),
    "MailFailed": (),
}
# AWS's, by the pages that list them.
PUBLISHED: dict[str, dict[str, set[tuple[str, ...]]]] = {
    "DebateAnalyzer": {name: {tuple(sorted((*own, "service")))} for name, own in OURS.items()},
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "AWS/SQS": {
        name: {("QueueName",)}
        for name in (
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateAgeOfOldestMessage",
        )
    },
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": {
        "Errors": {("FunctionName",)},
        "Invocations": {("FunctionName",)},
        "Throttles": {("FunctionName",), ()},
        "IteratorAge": {("FunctionName",)},
        "ConcurrentExecutions": {()},
    },
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    "AWS/ApiGateway": {name: {("ApiId",)} for name in ("Count", "4xx", "5xx", "Latency")},
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits": {("TableName",)},
        "ConsumedWriteCapacityUnits": {("TableName",)},
        "ReadThrottleEvents": {("TableName",)},
        "WriteThrottleEvents": {("TableName",), ("GlobalSecondaryIndexName", "TableName")},
    },
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    "AWS/ECS": {
        name: {("ClusterName",)}
        for name in ("CPUUtilization", "MemoryUtilization", "GPUReservation")
    },
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
    "AWS/CloudFront": {
        name: {("DistributionId", "Region")}
        for name in ("Requests", "TotalErrorRate", "CacheHitRate")
    },
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Service-Quota-Integration.html
    "AWS/Usage": {"ResourceCount": {("Class", "Resource", "Service", "Type")}},
}


@dataclass(frozen=True)
class Watched:
    """A metric that an alarm or a graph reads. `where` names it; a search knows no values."""

    where: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@functools.cache
def deployed(**parameters: str) -> Resolved:
    """With mail, unless it says otherwise."""
    return resolve(parameters={"MailFrom": "debates@example.org"} | parameters)


def monitoring(**parameters: str) -> Resolved:
    return deployed(**parameters).nested["MonitoringStack"]


def alarms(**parameters: str) -> dict[str, Any]:
    return monitoring(**parameters).of_type("AWS::CloudWatch::Alarm")


def dashboard(**parameters: str) -> Any:
    [board] = monitoring(**parameters).of_type("AWS::CloudWatch::Dashboard").values()
    return json.loads(board["DashboardBody"])


def _of_alarm(name: str, alarm: Any) -> Iterator[Watched]:
    stats = [
        query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query
    ]
    for metric in stats or [alarm]:
        dimensions = tuple((each["Name"], each["Value"]) for each in metric["Dimensions"])
        yield Watched(name, metric["Namespace"], metric["MetricName"], dimensions)


_SEARCH = re.compile(r"SEARCH\('\{([^,}]+),?([^}]*)\}.*?MetricName=\"(\w+)\"")


def _of_widget(widget: Any) -> Iterator[Watched]:
    properties = widget["properties"]
    for row in properties.get("metrics", []):
        if isinstance(row[0], dict):
            if found := _SEARCH.match(row[0]["expression"]):
                named = tuple((name, "") for name in filter(None, found[2].split(",")))
                yield Watched(properties["title"], found[1], found[3], named)
            continue
        namespace, name, *pairs = [each for each in row if isinstance(each, str)]
        dimensions = tuple(zip(pairs[::2], pairs[1::2], strict=True))
        yield Watched(properties["title"], namespace, name, dimensions)


def watched(**parameters: str) -> list[Watched]:
    return [
        *(each for name, alarm in alarms(**parameters).items() for each in _of_alarm(name, alarm)),
        *(each for widget in dashboard(**parameters)["widgets"] for each in _of_widget(widget)),
    ]


def test_every_metric_is_one_that_is_published() -> None:
    unknown = [
        each
        for each in watched()
        if tuple(sorted(name for name, _ in each.dimensions))
        not in PUBLISHED.get(each.namespace, {}).get(each.name, set())
    ]
    assert unknown == []


def test_every_metric_of_the_list_is_read() -> None:
    read = {(each.namespace, each.name) for each in watched()}
    assert {(space, name) for space, names in PUBLISHED.items() for name in names} == read


@pytest.mark.parametrize("name", OURS)
def test_our_own_metrics_are_published_by_our_code(name: str) -> None:
    """By the layer or a function; the names stand there as they are."""
    sources = [
        *(ROOT / "layers" / "shared" / "debate_analyzer").rglob("*.py"),
        *(ROOT / "functions").rglob("*.py"),
    ]
    assert any(f'"{name}"' in source.read_text() for source in sources)


def test_every_metric_is_of_something_that_is_deployed() -> None:
    stack = deployed()
    there = {
        "QueueName": {stack.name(queue) for queue in stack.of_type("AWS::SQS::Queue")},
        "FunctionName": {stack.name(each) for each in stack.of_type("AWS::Lambda::Function")},
        "TableName": {stack.name(table) for table in stack.of_type("AWS::DynamoDB::Table")},
        "GlobalSecondaryIndexName": set(indexes(stack, "JobTable")),
        "ApiId": {stack.ref("HttpApi")},
        "DistributionId": {stack.outputs["DistributionId"]},
        "Region": {"Global"},
        "service": {STACK},
        "stage": {*STAGES, "download"},
        "Type": {"Resource"},
        "Resource": {"vCPU"},
        "Service": {"EC2"},
        "Class": {"G/OnDemand", "G/Spot"},
    }
    wrong = [
        each
        for each in watched()
        for name, value in each.dimensions
        if value and value not in there[name]
    ]
    assert wrong == []


# --- What is watched ------------------------------------------------------------------------------


def indexes(stack: Resolved, table: str) -> list[str]:
    listed = stack.of_type("AWS::DynamoDB::Table")[table].get("GlobalSecondaryIndexes", [])
    return [index["IndexName"] for index in listed]


def seen(metric: str, dimension: str) -> set[str]:
    """Whatever some alarm watches by this metric."""
    return {
        dict(each.dimensions)[dimension]
        for name, alarm in alarms().items()
        for each in _of_alarm(name, alarm)
        if each.name == metric and dimension in dict(each.dimensions)
    }


def test_every_queue_and_every_queue_of_dead_letters_has_an_alarm() -> None:
    stack = deployed()
    queues = stack.of_type("AWS::SQS::Queue")
    dead = {stack.name(name) for name in queues if name.endswith("DeadLetters")}
    alive = {stack.name(name) for name in queues} - dead
    assert seen("ApproximateNumberOfMessagesVisible", "QueueName") == dead
    assert seen("ApproximateAgeOfOldestMessage", "QueueName") == alive


@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Invocations"])
def test_every_function_has_an_alarm(metric: str) -> None:
    stack = deployed()
    functions = {stack.name(name) for name in stack.of_type("AWS::Lambda::Function")}
    assert seen(metric, "FunctionName") == functions


@pytest.mark.parametrize("metric", ["ReadThrottleEvents", "WriteThrottleEvents"])
def test_every_table_and_every_index_has_an_alarm(metric: str) -> None:
    stack = deployed()
    tables = {stack.name(name) for name in stack.of_type("AWS::DynamoDB::Table")}
    assert seen(metric, "TableName") == tables
    if metric.startswith("Write"):
        assert seen(metric, "GlobalSecondaryIndexName") == set(indexes(stack, "JobTable"))
        assert indexes(stack, "LedgerTable") == []


@pytest.mark.parametrize("alarm", alarms().values(), ids=alarms())
def test_an_alarm_can_be_made(alarm: Any) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
    queries = alarm.get("Metrics", [])
    assert sum("MetricStat" in query for query in queries) <= 10
    assert sum(query.get("ReturnData", True) for query in queries) == (
        0 if not queries else 2 if "ThresholdMetricId" in alarm else 1
    )
    assert not any("SEARCH" in query.get("Expression", "") for query in queries)
    ids = {query["Id"] for query in queries}
    functions = {"FILL", "MAX", "SUM", "ANOMALY_DETECTION_BAND"}
    for query in queries:
        used = set(re.findall(r"[A-Za-z_]\w*", query.get("Expression", "")))
        assert used <= ids | functions
    periods = {query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}
    [period] = periods or {alarm["Period"]}
    assert period * alarm["EvaluationPeriods"] <= 86_400


@pytest.mark.parametrize("alarm", alarms().values(), ids=alarms())
def test_an_alarm_tells_and_takes_back_and_says_what_it_makes_of_silence(alarm: Any) -> None:
    topic = monitoring().ref("AlarmTopic")
    assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
    assert alarm["TreatMissingData"] in ("notBreaching", "breaching", "ignore")
    assert alarm["AlarmName"].startswith(f"{STACK}-")  # as the topic's policy has it


def test_a_silent_sweeper_raises_an_alarm_and_a_silent_queue_does_not() -> None:
    silent = {name for name, alarm in alarms().items() if alarm["TreatMissingData"] == "breaching"}
    assert silent == {"JobsStuck"}


# --- Who is told ----------------------------------------------------------------------------------


def test_alarms_and_budgets_of_this_account_may_publish_and_nobody_else() -> None:
    stack = monitoring()
    [policy] = stack.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert {
        s["Principal"]["Service"]: s["Condition"]["ArnLike"]["aws:SourceArn"] for s in allowed
    } == {
        "cloudwatch.amazonaws.com": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{STACK}-*",
        "budgets.amazonaws.com": f"arn:aws:budgets::{ACCOUNT}:*",
    }
    for statement in allowed:
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        assert statement["Action"] == "sns:Publish"


def test_the_topic_is_encrypted_with_a_key_whose_policy_lets_alarms_pass() -> None:
    stack = deployed(EncryptionKey="create")
    topic = stack.nested["MonitoringStack"].of_type("AWS::SNS::Topic")["AlarmTopic"]
    assert topic["KmsMasterKeyId"] == stack.arn("Key")
    policy = stack.of_type("AWS::KMS::Key")["Key"]["KeyPolicy"]["Statement"]
    [passing] = [s for s in policy if s["Sid"] == "Alarms"]
    assert passing["Principal"]["Service"] == ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    assert set(passing["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}


@pytest.mark.parametrize("key", ["", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"])
def test_it_is_not_encrypted_with_a_key_whose_policy_nobody_here_knows(key: str) -> None:
    topic = monitoring(EncryptionKey=key).of_type("AWS::SNS::Topic")["AlarmTopic"]
    assert "KmsMasterKeyId" not in topic


def test_an_address_and_a_budget_are_made_when_they_are_given() -> None:
    nobody, somebody = monitoring(), monitoring(AlarmEmail="a@example.org", MonthlyBudget="500")
    for kind in ("AWS::SNS::Subscription", "AWS::Budgets::Budget"):
        assert nobody.of_type(kind) == {}
    [mail] = somebody.of_type("AWS::SNS::Subscription").values()
    assert (mail["Protocol"], mail["Endpoint"]) == ("email", "a@example.org")
    [budget] = somebody.of_type("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetLimit"] == {"Amount": "500", "Unit": "USD"}
    for notification in budget["NotificationsWithSubscribers"]:
        [subscriber] = notification["Subscribers"]
        assert subscriber["Address"] == somebody.ref("AlarmTopic")


def test_without_monitoring_there_is_none_of_it() -> None:
    assert "MonitoringStack" not in deployed(Monitoring="false").nested


# --- The dashboard --------------------------------------------------------------------------------

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
_NUMBER, _TEXT = {"type": "number"}, {"type": "string", "minLength": 1}
_AXIS = {
    "type": "object",
    "properties": {"min": _NUMBER, "max": _NUMBER},
    "additionalProperties": False,
}
_RENDERED = {
    "type": "object",
    "properties": {
        "expression": _TEXT,
        "label": {"type": "string"},
        "id": {"type": "string", "pattern": "^[a-z][a-zA-Z0-9_]*$"},
        "visible": {"type": "boolean"},
        "stat": {"enum": ["Sum", "Average", "Minimum", "Maximum", "p50", "p95", "p99"]},
        "yAxis": {"enum": ["left", "right"]},
        "color": {"type": "string", "pattern": "^#[0-9a-f]{6}$"},
    },
    "additionalProperties": False,
}
_METRIC = {
    "type": "object",
    "required": ["metrics", "region", "title"],
    "properties": {
        "metrics": {
            "type": "array",
            "minItems": 1,
            "maxItems": 500,
            "items": {"type": "array", "items": {"anyOf": [_TEXT, _RENDERED]}},
        },
        "region": {"type": "string", "pattern": r"^[a-z]{2}-[a-z]+-\d$"},
        "title": _TEXT,
        "stat": _RENDERED["properties"]["stat"],  # type: ignore[index]
        "period": {"type": "integer", "multipleOf": 60, "minimum": 60},
        "view": {"enum": ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]},
        "stacked": {"type": "boolean"},
        "yAxis": {"type": "object", "properties": {"left": _AXIS, "right": _AXIS}},
        "annotations": {
            "type": "object",
            "properties": {
                "horizontal": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["value"],
                        "properties": {"value": _NUMBER, "label": _TEXT},
                        "additionalProperties": False,
                    },
                }
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
_PROPERTIES = {
    "metric": _METRIC,
    "text": {
        "type": "object",
        "required": ["markdown"],
        "properties": {"markdown": _TEXT},
        "additionalProperties": False,
    },
    "alarm": {
        "type": "object",
        "required": ["alarms"],
        "properties": {
            "title": _TEXT,
            "alarms": {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 100},
        },
        "additionalProperties": False,
    },
}
DASHBOARD = {
    "type": "object",
    "required": ["widgets"],
    "properties": {
        "start": {"type": "string", "pattern": r"^-P"},
        "periodOverride": {"enum": ["auto", "inherit"]},
        "widgets": {
            "type": "array",
            "maxItems": 500,
            "items": {
                "oneOf": [
                    {
                        "type": "object",
                        "required": ["type", "width", "height", "properties"],
                        "properties": {
                            "type": {"const": kind},
                            "width": {"type": "integer", "minimum": 1, "maximum": 24},
                            "height": {"type": "integer", "minimum": 1, "maximum": 1000},
                            "properties": properties,
                        },
                        "additionalProperties": False,
                    }
                    for kind, properties in _PROPERTIES.items()
                ]
            },
        },
    },
    "additionalProperties": False,
}
NO_SITE = {"Site": "false", "AllowedOrigins": "https://news.example.org"}


@pytest.mark.parametrize("parameters", [{}, NO_SITE], ids=["with a site", "without"])
def test_the_dashboard_is_one(parameters: dict[str, str]) -> None:
    jsonschema.validate(dashboard(**parameters), DASHBOARD)


def test_a_dashboard_that_is_none_is_noticed() -> None:
    body = dashboard()
    body["widgets"][2]["properties"]["mettrics"] = []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, DASHBOARD)


def test_the_dashboard_shows_every_alarm() -> None:
    stack = monitoring()
    [shown] = [w["properties"]["alarms"] for w in dashboard()["widgets"] if w["type"] == "alarm"]
    assert sorted(shown) == sorted(stack.arn(name) for name in alarms())


def test_every_expression_of_the_dashboard_names_what_its_graph_has() -> None:
    functions = {"FILL", "PERIOD", "SERVICE_QUOTA", "ANOMALY_DETECTION_BAND"}
    for widget in dashboard()["widgets"]:
        rows = widget["properties"].get("metrics", [])
        ids = {
            part["id"] for row in rows for part in row if isinstance(part, dict) and "id" in part
        }
        for row in rows:
            expression = row[0]["expression"] if isinstance(row[0], dict) else ""
            if not expression.startswith("SEARCH"):
                assert set(re.findall(r"[A-Za-z_]\w*", expression)) <= ids | functions


def test_a_deployment_without_a_site_has_no_graph_of_it() -> None:
    titles = [w["properties"].get("title", "") for w in dashboard(**NO_SITE)["widgets"]]
    assert titles
    assert not any("Site" in title for title in titles)
    assert monitoring(**NO_SITE).of_type("AWS::CloudFront::MonitoringSubscription") == {}
    [region] = {
        w["properties"]["region"]
        for w in dashboard()["widgets"]
        if w["properties"].get("title", "").startswith("Site:")
    }
    assert region == "us-east-1"


def test_a_deployment_without_mail_watches_none() -> None:
    without = {"MailFrom": ""}
    assert set(alarms()) - set(alarms(**without)) == {
        *("MailDeadLetter", "MailOld", "MailRefused", "MailFunctionFails")
    }
    jsonschema.validate(dashboard(**without), DASHBOARD)
    assert "Mail" not in json.dumps(dashboard(**without))


# --- What to do -----------------------------------------------------------------------------------

HEADINGS = re.findall(r"^#+ (.+)$", OPERATIONS, re.MULTILINE)


@pytest.mark.parametrize("alarm", alarms().values(), ids=alarms())
def test_an_alarm_names_the_section_that_says_what_to_do(alarm: Any) -> None:
    sentence, _, section = alarm["AlarmDescription"].partition(" See docs/operations.md, ")
    assert sentence.endswith(".")
    assert sentence.count(".") == 1
    assert section.removesuffix(".") in HEADINGS


def _commands() -> list[str]:
    code = re.findall(r"`([^`\n]+)`", OPERATIONS) + [
        line
        for block in re.findall(r"^```\n(.*?)^```", OPERATIONS, re.S | re.M)
        for line in block.splitlines()
    ]
    return [each.split(" #")[0].strip() for each in code]


@pytest.mark.parametrize("command", [c for c in _commands() if c.startswith("debate ")])
def test_every_command_of_the_page_can_be_parsed(command: str) -> None:
    """With something in the place of what is written in capitals, or left out with dots."""
    words = [word for word in shlex.split(command)[1:] if word != "…"]
    try:
        parser().parse_args(words)
    except SystemExit as error:
        raise argparse.ArgumentTypeError(command) from error


def test_every_target_of_the_page_is_the_makefiles() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = {c.split()[1] for c in _commands() if c.startswith("make ")}
    assert {"deploy", "site"} <= named
    for target in named:
        assert re.search(rf"^{target}[ :]", makefile, re.MULTILINE), target


def test_every_parameter_of_the_page_is_the_templates() -> None:
    given = set(re.findall(r"\b([A-Z][a-z]\w+)=", OPERATIONS))  # a shell's variables are upper case
    declared = set(json.loads(json.dumps(deployed().parameters)))
    assert "MonthlyBudget" in given
    assert given <= declared
