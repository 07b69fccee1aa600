"""The two networks as ONNX graphs, built from their published weights.

- `segmentation`: PyanNet as in pyannote/segmentation-3.0 (SincNet, 4 bidirectional LSTMs, 3 linear
  layers; https://github.com/pyannote/pyannote-audio, MIT).
- `embedding`: CAM++ as in 3D-Speaker (https://github.com/modelscope/3D-Speaker, Apache-2.0;
  https://arxiv.org/abs/2303.00332).

Written with `onnx.helper` so that neither torch nor its exporter is needed. The package `onnx` is
needed here only, when the weights are fetched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from batch_images.transcribe.diarization.checkpoint import Tensors

OPSET = 17
IR_VERSION = 8

Array = npt.NDArray[np.float32]


class _Graph:
    """Adds nodes one after the other; a value is known by its name."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str) -> Array:
        return np.asarray(self._tensors[name], dtype=np.float32)

    def has(self, name: str) -> bool:
        return name in self._tensors

    def constant(self, name: str, value: npt.ArrayLike, dtype: Any = np.float32) -> str:
        self._constants[name] = numpy_helper.from_array(
            np.ascontiguousarray(np.asarray(value, dtype=dtype)), name
        )
        return name

    def ints(self, *values: int) -> str:
        return self.constant("i" + "_".join(map(str, values)), values, np.int64)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def model(self, name: str, takes: tuple[str, list[Any]], gives: tuple[str, list[Any]]) -> bytes:
        """Serialise with one float input and one float output, each a name and its shape."""
        *_, last = self._nodes
        last.output[0] = gives[0]
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(takes[0], TensorProto.FLOAT, takes[1])],
            [helper.make_tensor_value_info(gives[0], TensorProto.FLOAT, gives[1])],
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())


def segmentation(tensors: Tensors) -> bytes:
    """Waveforms (batch, 1, samples at 16 kHz) → log-probabilities (batch, frames, 7 classes).

    The classes are the powerset of three local speakers, at most two at a time: nobody, 0, 1, 2,
    0+1, 0+2, 1+2. A frame spans 991 samples and follows the one before by 270.
    """
    graph = _Graph(tensors)
    x = _instance_norm(graph, "waveform", "sincnet.wav_norm1d")
    filters = graph.constant("sincnet.filters", sinc_filters(tensors))
    x = graph.add("Abs", graph.add("Conv", x, filters, strides=[10]))
    for layer in range(3):
        if layer:
            name = f"sincnet.conv1d.{layer}"
            weight = graph.constant(f"{name}.weight", graph.weight(f"{name}.weight"))
            bias = graph.constant(f"{name}.bias", graph.weight(f"{name}.bias"))
            x = graph.add("Conv", x, weight, bias)
        x = graph.add("MaxPool", x, kernel_shape=[3], strides=[3])
        x = graph.add("LeakyRelu", _instance_norm(graph, x, f"sincnet.norm1d.{layer}"), alpha=0.01)
    x = graph.add("Transpose", x, perm=[2, 0, 1])
    for layer in range(4):
        x = _bidirectional_lstm(graph, x, layer)
    x = graph.add("Transpose", x, perm=[1, 0, 2])
    for name in ("linear.0", "linear.1"):
        x = graph.add("LeakyRelu", _linear(graph, x, name), alpha=0.01)
    graph.add("LogSoftmax", _linear(graph, x, "classifier"), axis=-1)
    return graph.model(
        "segmentation", ("waveform", ["batch", 1, "samples"]), ("log_probs", ["batch", "frames", 7])
    )


def sinc_filters(tensors: Tensors) -> Array:
    """SincNet's 80 band-pass filters (80, 1, 251), 40 even and 40 odd, from their learnt edges.

    As asteroid_filterbanks.ParamSincFB computes them (https://arxiv.org/abs/2203.12222 names it).
    """
    prefix = "sincnet.conv1d.0.filterbank."
    floor = 50.0  # Hz: both the lowest edge and the narrowest band, as pyannote sets them
    low = floor + np.abs(tensors[prefix + "low_hz_"].astype(np.float64))
    band = tensors[prefix + "band_hz_"].astype(np.float64)
    high = np.clip(low + floor + np.abs(band), floor, 8000.0)
    phase = tensors[prefix + "n_"].astype(np.float64)  # (1, 125): 2π·n / rate, n from -125 to -1
    window = tensors[prefix + "window_"].astype(np.float64)  # (125,)
    width = high - low
    even = (np.sin(high @ phase) - np.sin(low @ phase)) / (phase / 2) * window
    odd = (np.cos(low @ phase) - np.cos(high @ phase)) / (phase / 2) * window
    filters = np.concatenate(
        [
            np.concatenate([even, 2 * width, even[:, ::-1]], axis=1) / (2 * width),
            np.concatenate([odd, 0 * width, -odd[:, ::-1]], axis=1) / (2 * width),
        ]
    )
    return filters[:, np.newaxis, :].astype(np.float32)


def _instance_norm(graph: _Graph, x: str, name: str) -> str:
    scale = graph.constant(f"{name}.weight", graph.weight(f"{name}.weight"))
    bias = graph.constant(f"{name}.bias", graph.weight(f"{name}.bias"))
    return graph.add("InstanceNormalization", x, scale, bias, epsilon=1e-5)


def _linear(graph: _Graph, x: str, name: str) -> str:
    weight = graph.constant(f"{name}.weight", graph.weight(f"{name}.weight").T)
    bias = graph.constant(f"{name}.bias", graph.weight(f"{name}.bias"))
    return graph.add("Add", graph.add("MatMul", x, weight), bias)


def _bidirectional_lstm(graph: _Graph, x: str, layer: int) -> str:
    """(frames, batch, features) → (frames, batch, 256)."""

    def reordered(kind: str, suffix: str) -> Array:
        # torch keeps the gates as input, forget, cell, output; ONNX as input, output, forget, cell
        gates = np.split(graph.weight(f"lstm.{kind}_l{layer}{suffix}"), 4)
        return np.concatenate([gates[0], gates[3], gates[1], gates[2]])

    directions = ("", "_reverse")
    stacked = {
        kind: np.stack([reordered(kind, suffix) for suffix in directions])
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    bias = np.concatenate([stacked["bias_ih"], stacked["bias_hh"]], axis=1)
    y = graph.add(
        "LSTM",
        x,
        graph.constant(f"lstm.{layer}.w", stacked["weight_ih"]),
        graph.constant(f"lstm.{layer}.r", stacked["weight_hh"]),
        graph.constant(f"lstm.{layer}.b", bias),
        hidden_size=stacked["weight_hh"].shape[2],
        direction="bidirectional",
    )
    y = graph.add("Transpose", y, perm=[0, 2, 1, 3])  # (frames, batch, 2, 128)
    return graph.add("Reshape", y, graph.ints(0, 0, -1))


def embedding(tensors: Tensors) -> bytes:
    """Mean-normalised log-mel features (batch, frames, 80) → speaker embeddings (batch, 192).

    Not normalised in length; compare them by cosine.
    """
    graph = _Graph(tensors)
    x = graph.add("Transpose", "features", perm=[0, 2, 1])
    x = graph.add("Unsqueeze", x, graph.ints(1))
    x = _relu(graph, _conv(graph, x, "head.conv1", "head.bn1", pads=[1, 1, 1, 1]))
    for name in ("head.layer1.0", "head.layer1.1", "head.layer2.0", "head.layer2.1"):
        x = _residual(graph, x, name)
    x = _conv(graph, x, "head.conv2", "head.bn2", pads=[1, 1, 1, 1], strides=[2, 1])
    x = graph.add("Reshape", _relu(graph, x), graph.ints(0, 320, -1))
    tdnn = "xvector.tdnn."
    x = _conv(graph, x, tdnn + "linear", tdnn + "nonlinear.batchnorm", pads=[2, 2], strides=[2])
    x = _relu(graph, x)
    for block, (layers, dilation) in enumerate(((12, 1), (24, 2), (16, 2)), start=1):
        for layer in range(1, layers + 1):
            name = f"xvector.block{block}.tdnnd{layer}"
            x = graph.add("Concat", x, _masked_tdnn(graph, x, name, dilation), axis=1)
        name = f"xvector.transit{block}"
        x = _relu(graph, _batch_norm(graph, x, f"{name}.nonlinear.batchnorm"))
        x = _conv(graph, x, f"{name}.linear")
    x = _relu(graph, _batch_norm(graph, x, "xvector.out_nonlinear.batchnorm"))
    x = graph.add("Unsqueeze", _statistics(graph, x), graph.ints(2))
    x = _conv(graph, x, "xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
    graph.add("Squeeze", x, graph.ints(2))
    return graph.model(
        "embedding", ("features", ["batch", "frames", 80]), ("embedding", ["batch", 192])
    )


def _relu(graph: _Graph, x: str) -> str:
    return graph.add("Relu", x)


def _scale_and_shift(graph: _Graph, norm: str) -> tuple[Array, Array]:
    """What a batch normalisation does once trained: y = scale · x + shift."""
    scale = 1.0 / np.sqrt(graph.weight(f"{norm}.running_var") + 1e-5)
    if graph.has(f"{norm}.weight"):
        scale = scale * graph.weight(f"{norm}.weight")
    shift = -scale * graph.weight(f"{norm}.running_mean")
    if graph.has(f"{norm}.bias"):
        shift = shift + graph.weight(f"{norm}.bias")
    return scale, shift


def _conv(graph: _Graph, x: str, name: str, norm: str | None = None, **attributes: Any) -> str:
    """A convolution, with the batch normalisation that follows it folded in."""
    weight = graph.weight(f"{name}.weight")
    bias = graph.weight(f"{name}.bias") if graph.has(f"{name}.bias") else np.zeros(len(weight))
    if norm is not None:
        scale, shift = _scale_and_shift(graph, norm)
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        bias = bias * scale + shift
    return graph.add(
        "Conv",
        x,
        graph.constant(f"{name}.weight", weight),
        graph.constant(f"{name}.bias", bias),
        **attributes,
    )


def _batch_norm(graph: _Graph, x: str, name: str) -> str:
    """A batch normalisation that precedes its convolution: a ReLU keeps it from being folded."""
    scale, shift = _scale_and_shift(graph, name)
    scaled = graph.add("Mul", x, graph.constant(f"{name}.scale", scale[:, np.newaxis]))
    return graph.add("Add", scaled, graph.constant(f"{name}.shift", shift[:, np.newaxis]))


def _residual(graph: _Graph, x: str, name: str) -> str:
    pads = [1, 1, 1, 1]
    shrinks = graph.has(f"{name}.shortcut.0.weight")
    strides = [2, 1] if shrinks else [1, 1]
    y = _relu(graph, _conv(graph, x, f"{name}.conv1", f"{name}.bn1", pads=pads, strides=strides))
    y = _conv(graph, y, f"{name}.conv2", f"{name}.bn2", pads=pads)
    if shrinks:
        x = _conv(graph, x, f"{name}.shortcut.0", f"{name}.shortcut.1", strides=strides)
    return _relu(graph, graph.add("Add", y, x))


def _masked_tdnn(graph: _Graph, x: str, name: str, dilation: int) -> str:
    """One densely connected layer: a TDNN whose output is masked by its context."""
    x = _relu(graph, _batch_norm(graph, x, f"{name}.nonlinear1.batchnorm"))
    x = _relu(graph, _conv(graph, x, f"{name}.linear1", f"{name}.nonlinear2.batchnorm"))
    cam = f"{name}.cam_layer"
    local = _conv(graph, x, f"{cam}.linear_local", pads=[dilation, dilation], dilations=[dilation])
    context = graph.add("Add", graph.add("ReduceMean", x, axes=[2]), _segment_means(graph, x))
    mask = _conv(graph, _relu(graph, _conv(graph, context, f"{cam}.linear1")), f"{cam}.linear2")
    return graph.add("Mul", local, graph.add("Sigmoid", mask))


def _segment_means(graph: _Graph, x: str) -> str:
    """Each frame's mean over its segment of 100 frames; the last segment may be shorter."""
    means = graph.add(
        "AveragePool", x, kernel_shape=[100], strides=[100], ceil_mode=1, count_include_pad=0
    )
    # Repeat each mean 100 times along the frames, then cut to the length of x.
    means = graph.add("Unsqueeze", means, graph.ints(3))
    means = graph.add("Expand", means, graph.ints(1, 1, 1, 100))
    means = graph.add("Reshape", means, graph.ints(0, 0, -1))
    length = graph.add("Gather", graph.add("Shape", x), graph.ints(2), axis=0)
    return graph.add("Slice", means, graph.ints(0), length, graph.ints(2))


def _statistics(graph: _Graph, x: str) -> str:
    """Mean and unbiased standard deviation over time: (batch, c, frames) → (batch, 2c)."""
    mean = graph.add("ReduceMean", x, axes=[2])
    centred = graph.add("Sub", x, mean)
    squares = graph.add("ReduceSum", graph.add("Mul", centred, centred), graph.ints(2))
    length = graph.add("Gather", graph.add("Shape", x), graph.ints(2), axis=0)
    count = graph.add(
        "Sub", graph.add("Cast", length, to=TensorProto.FLOAT), graph.constant("1", 1)
    )
    deviation = graph.add("Sqrt", graph.add("Div", squares, count))
    return graph.add("Squeeze", graph.add("Concat", mean, deviation, axis=1), graph.ints(2))
