"""Search through the gateway, with a token and the rights of the functions' own roles."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from debate_analyzer.job import announced
from debate_analyzer.pipeline import Status
from debate_analyzer.search.piece import Said, dump, passages, piece_of
from tests.local.site import running_site
from tests.world import JOB_ID

pytestmark = pytest.mark.emulator


def test_a_debate_is_found_from_the_moment_it_is_complete_and_when_it_is_merged(
    tmp_path: Path,
) -> None:
    with running_site(tmp_path) as site:
        job = announced(
            owner="somebody",
            title="Council",
            media=None,
            now=datetime.now(UTC),
            job_id=JOB_ID,
            published=True,
        ).model_copy(update={"status": Status.COMPLETE, "searchable": 1, "version": 1})
        said = passages([Said(3.0, 5.0, "Ada", "Good evening, all.")])
        piece = piece_of(job, said, published=True)
        site.store.put(piece.key, dump(piece), "application/octet-stream")
        site.table.create(job)
        api = f"{site.deployed.endpoint()}/_aws/execute-api/{site.stack.outputs['ApiId']}/$default"
        token = {"authorization": f"Bearer {site.deployed.token()}"}

        def ask(headers: dict[str, str]) -> httpx.Response:
            query = {"q": '"good evening"'}
            return httpx.get(f"{api}/api/search", params=query, headers=headers, timeout=60)

        assert ask({}).status_code == 401
        found = ask(token)
        assert found.status_code == 200, found.text
        [hit] = found.json()["hits"]
        assert (hit["job_id"], hit["start"], hit["speaker"]) == (JOB_ID, 3.0, "Ada")

        merged = site.client("lambda").invoke(FunctionName=site.stack.outputs["IndexFunction"])
        assert json.loads(merged["Payload"].read()) in ({"steps": 1}, {"steps": 0})
        deadline = time.monotonic() + 60
        while list(site.store.list("search/new/")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not list(site.store.list("search/new/"))
        assert ask(token).json() == found.json()
