"""The fixtures of tests/functions, with `sam local invoke` in place of the bare runtime."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.invoke.engine import Engine, NoEngine, engine
from tests.invoke.relay import relayed
from tests.invoke.sam import build_into, sam
from tests.local.site import Site, running_site

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BATCH")


@pytest.fixture(scope="session")
def containers() -> Iterator[Engine]:
    """Where there are none, nothing here can be run: that is the end, and no skip."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(engine())
        except NoEngine as error:
            pytest.exit(str(error), returncode=1)
        yield started


@pytest.fixture(scope="session")
def build(containers: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `sam build` makes."""
    folder = tmp_path_factory.mktemp("build")
    build_into(folder, containers.bin)
    return folder


@pytest.fixture(scope="session")
def quiet_site(containers: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), host=containers.host) as site:
        site.silence()
        yield site


@dataclass
class LocalFunction:
    """tests.functions.runtime.Function, by way of `sam local invoke`."""

    name: str
    template: Path
    variables: Path
    flags: tuple[str, ...]
    environment: dict[str, str]

    def invoke(self, event: Any) -> Any:
        """The answer as JSON; a function that raised answers with `errorMessage`."""
        answer = sam(
            *("local", "invoke", self.name, "--event", "-", "--template", str(self.template)),
            *("--env-vars", str(self.variables), *self.flags),
            environment=self.environment,
            text=json.dumps(event),
        )
        return json.loads(answer)


@pytest.fixture(scope="session")
def function(
    quiet_site: Site, containers: Engine, build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], LocalFunction]]:
    """By its name in the template: with the environment and the role that it is deployed with."""
    folder = tmp_path_factory.mktemp("variables")
    template = with_endpoints(build / "template.yaml")
    local = (quiet_site.deployed.endpoint(), quiet_site.batch_endpoint)
    ports = [port for url in local if (port := urlsplit(url).port)]

    def start(name: str) -> LocalFunction:
        environment = quiet_site.environment(name)
        endpoints = {
            key: environment[key].replace("127.0.0.1", containers.host, 1) for key in _ENDPOINTS
        }
        variables = folder / f"{name}.json"
        variables.write_text(json.dumps({name: environment | endpoints}))
        seen_from_here = {**containers.environment, **environment}
        return LocalFunction(name, template, variables, containers.flags, seen_from_here)

    with relayed(containers.host, *ports):
        yield start


def with_endpoints(template: Path) -> Path:
    """SAM hands a function no variable that the template does not name: these are named as well."""
    document = yaml_parse(template.read_text())
    variables = document["Globals"]["Function"]["Environment"]["Variables"]
    variables.update(dict.fromkeys(_ENDPOINTS, ""))
    template.write_text(json.dumps(document))
    return template
