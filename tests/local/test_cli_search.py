from __future__ import annotations

import json

import pytest

from batch_images.stats.job import StatsProcess
from local.cli import main
from tests.api.conftest import api as api
from tests.batch_images.stats.test_job import FOREIGN, _run
from tests.local.test_cli_api import Front
from tests.local.test_cli_api import front as front
from tests.world import JOB_ID


@pytest.fixture(autouse=True)
def counted(front: Front) -> None:
    world = front.world
    _run(world, StatsProcess(world.table, world.store, world.publish_queue, world.clock), FOREIGN)


def test_what_was_said_is_shown_with_its_moment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "thank", "you", "--speaker", "B"]) == 0
    shown = capsys.readouterr().out
    assert JOB_ID[:8] in shown
    assert "town hall" in shown
    assert "0:06  B: thank you" in shown


def test_words_that_the_shell_keeps_together_are_a_phrase(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["search", "--json", "evening good"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["search", "--json", "evening", "good"]) == 0
    [hit] = json.loads(capsys.readouterr().out)
    assert (hit["job_id"], hit["start"], hit["speaker"]) == (JOB_ID, 0.0, "A")


def test_nothing_found_is_said_and_a_day_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["search", "thank", "--to", "2001-01-01"]) == 0
    assert "not said" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["search", "thank", "--from", "yesterday"])
