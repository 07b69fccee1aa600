from __future__ import annotations

from pathlib import Path

import pytest

from cost.errors import UnreadableTemplate
from cost.template import Template

TEMPLATE = """
Parameters:
  Spot: {Type: String, Default: "false"}
  Types: {Type: CommaDelimitedList, Default: "a, b"}
  Empty: {Type: CommaDelimitedList, Default: ""}
  Wanted: {Type: Number}
Conditions:
  OnSpot: !Equals [!Ref Spot, "true"]
  NotOnSpot: !Not [!Condition OnSpot]
  Both: !And [!Condition OnSpot, !Equals [a, a]]
  Either: !Or [!Condition OnSpot, !Equals [a, a]]
  Some: !Not [!Equals [!Join ["", !Ref Empty], ""]]
Resources:
  Always:
    Type: T
    Properties:
      Types: !Ref Types
      Kind: !If [OnSpot, SPOT, EC2]
      Gone: !If [OnSpot, here, !Ref AWS::NoValue]
      List: [one, !If [OnSpot, two, !Ref AWS::NoValue]]
      Other: !GetAtt Always.Arn
      Where: !Ref AWS::Region
  WhenOnSpot: {Type: T, Condition: OnSpot}
  WhenNot: {Type: T, Condition: NotOnSpot}
  WhenBoth: {Type: T, Condition: Both}
  WhenEither: {Type: T, Condition: Either}
  WhenSome: {Type: T, Condition: Some}
  Nested:
    Type: AWS::CloudFormation::Stack
    Condition: OnSpot
    Properties:
      TemplateURL: stacks/nested.yaml
      Parameters: {Class: !Ref Spot, Network: !GetAtt Always.Id}
"""
NESTED = """
Parameters:
  Class: {Type: String}
  Network: {Type: String}
Resources:
  Inner: {Type: T, Properties: {Class: !Ref Class}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/nested.yaml").write_text(NESTED)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path / "template.yaml"


def names(path: Path, spot: str) -> set[str]:
    return {resource.name for resource in Template.read(path, {"Spot": spot}).resources}


def test_only_what_would_be_made_is_there(path: Path) -> None:
    assert names(path, "false") == {"Always", "WhenNot", "WhenEither"}
    assert names(path, "true") == {"Always", "WhenOnSpot", "WhenBoth", "WhenEither", "Inner"}


def test_parameters_and_conditions_are_filled_in(path: Path) -> None:
    assert Template.read(path).resource("Always").properties == {
        "Types": ["a", "b"],
        "Kind": "EC2",
        "List": ["one"],
        "Other": {"Fn::GetAtt": ["Always", "Arn"]},
        "Where": "us-east-1",
    }


def test_a_nested_stack_gets_its_parameters(path: Path) -> None:
    template = Template.read(path, {"Spot": "true"})
    assert template.resource("Inner").properties == {"Class": "true"}


def test_what_is_given_takes_the_place_of_a_default(path: Path) -> None:
    assert Template.read(path, {"Types": "c"}).parameter("Types") == ["c"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Missing", "template.yaml has no parameter Missing, on which the bill depends"),
        ("Wanted", "Parameter Wanted of template.yaml has no default. Say it with --set Wanted="),
    ],
)
def test_a_parameter_without_a_value_is_named(path: Path, name: str, sentence: str) -> None:
    with pytest.raises(UnreadableTemplate, match=sentence):
        Template.read(path).parameter(name)


def test_a_parameter_that_the_template_has_not_is_refused(path: Path) -> None:
    with pytest.raises(UnreadableTemplate, match=r"has no parameter Sopt"):
        Template.read(path, {"Sopt": "true"})


def test_a_resource_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UnreadableTemplate, match="has no resource Nobody"):
        Template.read(path).resource("Nobody")


def test_a_condition_that_cannot_be_decided_is_said(path: Path) -> None:
    path.write_text(path.read_text().replace('!Equals [!Ref Spot, "true"]', "!Base64 x"))
    with pytest.raises(UnreadableTemplate, match=r"a condition with Fn::Base64"):
        names(path, "true")
