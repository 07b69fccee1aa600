"""`debate index rebuild`, on the laptop's stack and on a deployment."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.stub import Stubber

from debate_analyzer.job import Figures, announced, new_job_id
from debate_analyzer.key import INDEX_KEY
from debate_analyzer.pipeline import Status
from deploy.cloud import Cloud
from deploy.preflight import Stack
from local.cli import main
from local.folder import DataFolder
from tests.e2e.laptop import free_port, until
from tests.local.site import Site


@pytest.mark.emulator
def test_a_laptop_s_lost_index_is_rebuilt(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = DataFolder(tmp_path)
    folder.keep_port("emulator", int(site.deployed.endpoint().rsplit(":", 1)[-1]))
    now, job_id = datetime.now(UTC), new_job_id()
    job = announced(owner="a", title="a", media=None, now=now, job_id=job_id, published=True)
    figures = Figures(duration=1, speaking_time=1, words=1, speakers=1)
    place = site.table.take_places(1)
    site.table.create(
        job.placed(place).model_copy(update={"status": Status.COMPLETE, "figures": figures})
    )
    site.store.delete("statistics/index")

    code = main(["index", "rebuild", "--data", str(tmp_path)])

    assert code == 0
    assert "Asked for 1 pages" in capsys.readouterr().out

    def shown() -> bool | None:
        found = site.store.get(INDEX_KEY)
        return True if found and job_id.encode() in found[0] else None

    until(shown, seconds=60, what="the index to show the debate")


def test_a_laptop_that_does_not_run_is_told_how_to_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "rebuild", "--data", str(tmp_path)]) == 2
    assert "No stack has run" in capsys.readouterr().err
    DataFolder(tmp_path).keep_port("emulator", free_port())
    assert main(["index", "rebuild", "--data", str(tmp_path)]) == 2
    assert "make run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"pages": 7}, 0, "Asked for 7 pages"),
        ({"errorMessage": "no such table"}, 2, "The publish function failed: no such table"),
    ],
)
def test_a_deployment_s_function_is_asked(
    answer: dict[str, Any],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    functions = boto3.client("lambda")
    monkeypatch.setattr(Cloud, "stack", lambda _, name: deployment(name))
    monkeypatch.setattr(Cloud, "client", lambda _, service: functions)
    failed = {} if code == 0 else {"FunctionError": "Unhandled"}
    with moto.mock_aws(), Stubber(functions) as stub:
        stub.add_response(
            "invoke",
            {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode()), **failed},
            {"FunctionName": "debates-publish-X1", "Payload": '{"rebuild": true}'},
        )
        assert main(["index", "rebuild", "--stack", "debates"]) == code
    assert said in "".join(capsys.readouterr())


def test_a_deployment_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Cloud, "stack", lambda _, name: None)
    with moto.mock_aws():
        assert main(["index", "rebuild", "--stack", "debates", "--region", "eu-west-1"]) == 2
    assert "no deployment debates in eu-west-1" in capsys.readouterr().err


def deployment(name: str) -> Stack:
    return Stack(
        name=name,
        status="CREATE_COMPLETE",
        outputs={"PublishFunction": "debates-publish-X1"},
    )
