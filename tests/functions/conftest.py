from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.functions.runtime import Function, folder, install, running
from tests.local.site import Site, running_site
from tests.world import ROOT


@pytest.fixture(scope="session")
def quiet_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The deployed stack with nothing that would invoke its own functions."""
    with running_site(tmp_path_factory.mktemp("site")) as site:
        site.silence()
        yield site


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The layers as `sam build` makes them, for the interpreter here, and Lambda's own."""
    layer, runtime = tmp_path_factory.mktemp("layer"), tmp_path_factory.mktemp("runtime")
    source = ROOT / "layers" / "shared"
    for name in ("shared", "search"):
        install(layer, "-r", str(ROOT / "layers" / name / "requirements.txt"))
    shutil.copytree(source / "debate_analyzer", layer / "debate_analyzer")
    install(runtime, *(f"{name}=={version(name)}" for name in ("awslambdaric", "boto3")))
    return [layer, runtime]


@pytest.fixture(scope="session")
def function(
    quiet_site: Site, paths: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Function]]:
    """By its name in the template: with the environment and the role that it is deployed with."""
    logs = tmp_path_factory.mktemp("logs")
    with ExitStack() as stack:

        @cache
        def start(name: str) -> Function:
            log = logs / f"{name}.log"
            return stack.enter_context(
                running(folder(name), quiet_site.environment(name), path=paths, log=log)
            )

        yield start
