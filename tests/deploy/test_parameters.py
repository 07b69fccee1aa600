"""samconfig.toml and the template's parameters, as the deployment reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from debate_analyzer.errors import Misconfigured
from deploy import parameters, preflight
from deploy.parameters import Template, assignments, effective, environment
from tests.world import ROOT


@pytest.fixture(scope="module")
def template() -> Template:
    return parameters.template(ROOT)


def problems(template: Template, **given: str) -> list[str]:
    found = parameters.problems(template, effective(template.defaults, {}, given))
    return [f"{finding.code}: {finding.sentence}" for finding in found]


@pytest.mark.parametrize("name", ["default", "dev", "prod"])
def test_what_the_repository_configures_makes_sense(template: Template, name: str) -> None:
    config = environment(ROOT, name)
    values = effective(template.defaults, {}, config.parameters)
    assert parameters.problems(template, values) == []
    assert list(preflight.sense(values, config.stack_name)) == []


def test_environments_are_stacks_of_their_own() -> None:
    names = {name: environment(ROOT, name).stack_name for name in ("dev", "prod")}
    assert names == {"dev": "debate-analyzer-dev", "prod": "debate-analyzer"}


def test_production_keeps_what_development_does_without() -> None:
    dev, prod = (environment(ROOT, name).parameters for name in ("dev", "prod"))
    assert (dev["UseSpot"], prod["UseSpot"]) == ("true", "false")
    assert (dev["Database"], prod["Database"]) == ("false", "true")
    assert int(dev["LogRetentionDays"]) < int(prod["LogRetentionDays"])


def test_an_environment_that_is_not_there_is_told_which_are() -> None:
    with pytest.raises(Misconfigured, match=r"'production'.*default, dev, prod"):
        environment(ROOT, "production")


@pytest.mark.parametrize(
    "written",
    ['"UseSpot=true GpuInstanceTypes=\\"g6.xlarge,g5.xlarge\\""', '{UseSpot = "true"}'],
    ids=["as --guided writes it", "a table"],
)
def test_overrides_may_be_text_or_a_table(tmp_path: Path, written: str) -> None:
    (tmp_path / "samconfig.toml").write_text(
        f'[x.global.parameters]\nstack_name = "x"\n'
        f"[x.deploy.parameters]\nparameter_overrides = {written}\n"
    )
    assert environment(tmp_path, "x").parameters["UseSpot"] == "true"


@pytest.mark.parametrize(
    ("content", "reason"), [("[x", "cannot be read"), ("[x.deploy.parameters]", "no stack_name")]
)
def test_a_broken_configuration_says_so(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "samconfig.toml").write_text(content)
    with pytest.raises(Misconfigured, match=reason):
        environment(tmp_path, "x")


def test_assignments_are_read_as_a_shell_would() -> None:
    assert assignments("A=1 B='two words' C=") == {"A": "1", "B": "two words", "C": ""}


@pytest.mark.parametrize("text", ["UseSpot", "=1", "A='"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        assignments(text)


def test_an_update_keeps_what_nobody_gives() -> None:
    values = effective({"A": "0", "B": "0", "C": "0"}, {"A": "1", "B": "1", "Old": "1"}, {"B": "2"})
    assert values == {"A": "1", "B": "2", "C": "0"}


def test_a_misspelt_parameter_is_not_dropped_in_silence(template: Template) -> None:
    assert problems(template, useSpot="true") == [
        "unknown_parameter: The template has no parameter useSpot. Is UseSpot meant?"
    ]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Diarizer", "pyanote", "one of pyannote, onnx, none"),
        ("GpuMaxVcpus", "many", "a number"),
        ("GpuMaxVcpus", "2", "at least 4"),
        ("LogRetentionDays", "8", "one of 1, 3, 5"),
        ("BucketName", "My_Bucket", "lower-case"),
        ("JwtIssuer", "http://issuer", "https"),
        ("CertificateArn", "arn:aws:acm:eu-west-1:123456789012:certificate/1", "us-east-1"),
        ("HfTokenSecret", "hf_0123", "the ARN of a secret"),
    ],
)
def test_a_wrong_value_says_what_would_be_right(
    template: Template, name: str, value: str, reason: str
) -> None:
    (problem,) = problems(template, **{name: value})
    assert problem.startswith(f"bad_parameter: {name}={value}: ")
    assert reason in problem


def test_a_value_above_the_most_is_refused() -> None:
    declared = {"N": {"Type": "Number", "MaxValue": 9}}
    (finding,) = parameters.problems(Template(declared, {}, 0), {"N": "10"})
    assert "at most 9" in finding.sentence


def test_a_parameter_without_default_or_value_is_missed() -> None:
    (finding,) = parameters.problems(Template({"N": {"Type": "String"}}, {}, 0), {})
    assert finding.code == "missing_parameter"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"JwtIssuer": "https://issuer.example"}, "TokensHaveAnAudience"),
        ({"DomainName": "debates.example.org"}, "DomainHasACertificate"),
        ({"VpcId": "vpc-1", "Database": "false"}, "NetworkHasSubnets"),
        ({"VpcId": "vpc-1", "SubnetIds": "subnet-1"}, "NetworkHasSubnets"),
        ({"SubnetIds": "subnet-1,subnet-2"}, "SubnetsHaveANetwork"),
        ({"HfTokenSecret": ""}, "DiarizerHasAToken"),
        ({"Site": "false"}, "SomePageMayUpload"),
    ],
)
def test_the_templates_own_rules_speak_before_it_is_deployed(
    template: Template, given: dict[str, str], rule: str
) -> None:
    (problem,) = problems(template, **given)
    assert problem.startswith(f"rule:{rule}: ")


@pytest.mark.parametrize(
    "given",
    [
        {"JwtIssuer": "https://issuer.example", "JwtAudience": "web"},
        {"HfTokenSecret": "", "Diarizer": "onnx"},
        {"Site": "false", "AllowedOrigins": "https://news.example"},
        {"VpcId": "vpc-1", "SubnetIds": "subnet-1", "DatabaseSubnetIds": "subnet-2,subnet-3"},
    ],
)
def test_what_the_rules_ask_for_satisfies_them(template: Template, given: dict[str, str]) -> None:
    assert problems(template, **given) == []


def test_every_function_of_a_rule_is_known(template: Template) -> None:
    """A rule that this evaluator cannot read fails here and not in somebody's deployment."""
    for name, rule in template.rules.items():
        unconditional = {name: {"Assertions": rule["Assertions"]}}
        sure = Template(template.declared, unconditional, 0)
        for default in (template.defaults, dict.fromkeys(template.declared, "x")):
            list(parameters.broken(sure.rules, sure.declared, default))
