"""What docs/first-deploy.md names is there."""

from __future__ import annotations

import re

from deploy.preflight import wanted_quotas
from tests.world import ROOT, template

DOCUMENT = (ROOT / "docs" / "first-deploy.md").read_text()


def test_every_parameter_that_the_checklist_gives_is_the_templates() -> None:
    given = set(re.findall(r"\b([A-Z][a-z]+(?:[A-Z][a-z]*)+|Diarizer|Database|Site)=", DOCUMENT))
    given -= {"ProviderArn"}  # of deploy/github-role.yaml
    assert "GpuInstanceTypes" in given
    assert given <= set(template()["Parameters"])


def test_every_make_target_of_the_checklist_is_the_makefiles() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"make ([a-z-]+)", DOCUMENT))
    assert {"deploy", "preflight", "destroy", "images", "site"} <= named
    for target in named - {"roles"}:
        assert re.search(rf"^{target}[ :]", makefile, re.MULTILINE), target


def test_every_file_that_the_checklist_names_is_there() -> None:
    for path in re.findall(r"`((?:deploy|demo|batch_images|frontend)/[\w./-]+)`", DOCUMENT):
        assert (ROOT / path).exists(), path


def test_the_quotas_that_the_checklist_asks_for_are_those_of_the_preflight() -> None:
    values = {name: str(p.get("Default", "")) for name, p in template()["Parameters"].items()}
    for spot in ("true", "false"):
        codes = {quota.code for quota in wanted_quotas({**values, "UseSpot": spot})}
        assert codes & set(re.findall(r"L-[0-9A-F]{8}", DOCUMENT))
