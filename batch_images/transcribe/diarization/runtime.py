"""ONNX Runtime sessions with as many threads as the worker may use."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from debate_analyzer.errors import Misconfigured


def open_network(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load a network for the CPU. Raises Misconfigured when the file is missing or damaged."""
    if not model.is_file():
        raise Misconfigured(
            f"{model.name} is not in {model.parent}: run "
            f"`python -m batch_images.transcribe.weights --models-dir {model.parent}`."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between calls steal the cores from the speech recogniser.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            raise Misconfigured(f"{model} cannot be loaded: {error}") from error
        raise
