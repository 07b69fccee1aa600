from __future__ import annotations

import ctypes
from itertools import pairwise
from typing import Any

import pytest

from batch_images.transcribe import gpu
from debate_analyzer.errors import Misconfigured

GIB = 2**30
WEIGHTS = {
    "base": 145e6,
    "small": 484e6,
    "medium": 1.53e9,
    "large-v3-turbo": 1.62e9,
    "large-v3": 3.09e9,
}


@pytest.mark.parametrize(
    ("model", "memory", "size"),
    [
        ("large-v3-turbo", 15 * GIB, 16),  # T4, as much of its 16 as there is
        ("large-v3", 15 * GIB, 8),
        ("large-v3-turbo", 22 * GIB, 16),  # L4, A10G
        ("large-v3", 22 * GIB, 16),
        ("large-v3", 80 * GIB, 16),
        ("large-v3-turbo", 8 * GIB, 4),
        ("large-v3", 8 * GIB, 2),
        ("large-v3", 4 * GIB, 1),  # it will not fit, but to say so is CUDA's business
        ("base", 4 * GIB, 4),
    ],
)
def test_a_batch_fits_into_the_memory_of_the_gpu(model: str, memory: int, size: int) -> None:
    assert gpu.batch_size(int(WEIGHTS[model]), memory) == size


def test_more_memory_never_makes_a_batch_smaller_and_a_larger_model_never_larger() -> None:
    memories = range(2 * GIB, 40 * GIB, GIB // 2)
    by_model = [
        [gpu.batch_size(int(weights), memory) for memory in memories]
        for weights in sorted(WEIGHTS.values())
    ]
    for sizes in by_model:
        assert sizes == sorted(sizes)
        assert set(sizes) == {1, 2, 4, 8, 16}
    for smaller, larger in pairwise(by_model):
        assert all(one >= other for one, other in zip(smaller, larger, strict=True))


class Driver:
    """libcuda, as its header declares it."""

    def __init__(self, *, total: int, code: int = 0) -> None:
        self._total, self._code = total, code

    def cuInit(self, flags: int) -> int:
        return self._code

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:
        device._obj.value = 7 + ordinal
        return 0

    def cuDeviceTotalMem_v2(self, size: Any, device: ctypes.c_int) -> int:
        size._obj.value = self._total if device.value == 7 else 0
        return 0


def test_the_driver_says_how_much_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", {"libcuda.so.1": Driver(total=15 * GIB)}.__getitem__)
    assert gpu.memory() == 15 * GIB


def test_a_driver_that_fails_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(total=0, code=100))
    with pytest.raises(Misconfigured, match="CUDA error 100"):
        gpu.memory()


def test_no_driver_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(Misconfigured, match=r"no driver of a GPU: libcuda\.so\.1"):
        gpu.memory()
