"""What the GPU image installs is what its job needs."""

from __future__ import annotations

import platform
import re
import sys

import pytest

from tests.pyannote.conftest import ENVIRONMENT, Run
from tests.world import ROOT

CUDA = sys.platform == "linux" and platform.machine() == "x86_64"

IMPORTS = """
import batch_images.transcribe.job
import batch_images.transcribe.weights
from batch_images.transcribe.diarization import graphs, onnx_diarizer, pyannote_diarizer
"""
VERSIONS = """
import torch
from torchaudio.version import __version__
print(torch.version.cuda, __version__.partition("+cu")[2])
"""


def test_the_job_finds_all_its_packages(run: Run) -> None:
    run("-c", IMPORTS)


@pytest.mark.skipif(not CUDA, reason="there are no such packages for this machine")
def test_ctranslate2_finds_its_cublas_where_the_image_looks(run: Run) -> None:
    dockerfile = (ROOT / "batch_images" / "transcribe" / "Dockerfile").read_text()
    (folder,) = re.findall(r"LD_LIBRARY_PATH=\S+/python3\.13/site-packages/(\S+)", dockerfile)
    (packages,) = ENVIRONMENT.glob("lib/python3.*/site-packages")
    (ctranslate2,) = packages.glob("ctranslate2.libs/libctranslate2-*")
    (wanted,) = set(re.findall(rb"libcublas\.so\.\d+", ctranslate2.read_bytes()))
    assert b"libcudnn" not in ctranslate2.read_bytes()  # torch's is the only one
    load = f"import ctypes; ctypes.CDLL({wanted.decode()!r})"
    run("-c", load, environment={"LD_LIBRARY_PATH": str(packages / folder)})


@pytest.mark.skipif(not CUDA, reason="there are no such packages for this machine")
def test_torch_and_torchaudio_are_of_one_cuda(run: Run) -> None:
    of_torch, of_torchaudio = run("-c", VERSIONS).split()
    assert of_torch.replace(".", "") == of_torchaudio
