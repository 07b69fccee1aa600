from __future__ import annotations

import json

import pytest

from cost.__main__ import main


def bill_of(output: str, load: str = "hundred-users", month: int = 1) -> dict[str, float]:
    parts: dict[str, float] = json.loads(output)["loads"][load]["bills"][f"month_{month}"][
        "parts_usd"
    ]
    return parts


def test_the_tables_show_every_load_the_hosted_services_and_the_assumptions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    for text in [
        "100,000 files a day of 10 min",
        "10,000 recordings a month of 3 min in 5 s chunks",
        "100 users",
        "10,000 users",
        "Amazon Transcribe",
        "AssemblyAI",
        "│ yes",
        "What hangs on each assumption",
        "diarization/pyannote",
    ]:
        assert text in shown


def test_a_parameter_changes_the_bill(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for arguments in ([], ["--set", "UseSpot=true"], ["--set", "Database=false"]):
        assert main(["--json", "--load", "hundred-users", *arguments]) == 0
        found.append(bill_of(capsys.readouterr().out))
    plain, spot, bare = found
    assert spot["compute"] < plain["compute"]
    assert spot["fixed"] == plain["fixed"]
    assert bare["fixed"] == pytest.approx(plain["fixed"] - 729.6 * 0.016 - 2.3 - 0.4)


def test_a_parameter_changes_which_choice_is_the_templates(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = ["--set", "WhisperModel=large-v3-turbo", "--set", "Diarizer=onnx"]
    assert main(["--json", "--load", "hundred-users", *engine]) == 0
    choices = json.loads(capsys.readouterr().out)["choices"]
    deployed = {(c["recognizer"], c["diarizer"]) for c in choices if c["deployed"]}
    assert deployed == {("large-v3-turbo", "onnx")}


def test_a_load_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    changes = ["--change", "files_a_day=0", "--change", "users=0"]
    assert main(["--json", "--load", "hundred-users", *changes]) == 0
    parts = bill_of(capsys.readouterr().out)
    assert parts["fixed"] == pytest.approx(sum(parts.values()))


def test_too_few_workers_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--load", "hundred-thousand-a-day", "--set", "TranscribeMaxWorkers=16"]
    assert main(few) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "The template allows 16, so files would wait" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--load", "nobody"], "No load nobody in cost/loads.toml. It has hundred-thousand"),
        (["--set", "UseSopt=true"], "template.yaml has no parameter UseSopt"),
        (["--set", "WhisperModel=tiny"], "recognition/tiny/"),
        (["--set", "GpuInstanceTypes=p5.48xlarge"], "p5.48xlarge has no price"),
        (["--change", "hours=3"], "A load has no hours"),
    ],
)
def test_a_question_that_has_no_answer_is_told_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("arguments", [["--set", "UseSpot"], ["--change", "minutes=ten"]])
def test_what_is_not_an_assignment_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "is not" in capsys.readouterr().err
