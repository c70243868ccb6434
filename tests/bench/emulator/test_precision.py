"""FP16 on the emulator is what rounding weights and activations to FP16 gives: the network computed in numpy, apart from ONNX Runtime."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.emulator.atc import main as atc
from bench.emulator.model import load_model
from tests.bench.emulator.graphs import half

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

MODEL = Path(__file__).parents[3] / "cases" / "mcnn" / "model" / "mcnn-synthetic.onnx"
SHAPE = (1, 1, 64, 96)


def resized(path: Path) -> Any:
    """The fully convolutional model for pictures of SHAPE."""
    model = onnx.load(path)
    for values, shape in ((model.graph.input, SHAPE), (model.graph.output, (1, 1, 16, 24))):
        for dimension, size in zip(values[0].type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
    del model.graph.value_info[:]
    return model


def computed(model: Any, image: np.ndarray, rounding: bool) -> np.ndarray:
    """The network in float64, rounded to FP16 after each operator, and its weights, where `rounding` says so."""

    def stored(values: np.ndarray) -> np.ndarray:
        return half(values).astype(np.float64) if rounding else values.astype(np.float64)

    tensors = {item.name: stored(onnx.numpy_helper.to_array(item)) for item in model.graph.initializer}
    tensors[model.graph.input[0].name] = stored(image)
    for node in model.graph.node:
        settings = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        given = [tensors[name] for name in node.input]
        if node.op_type == "Conv":
            result = convolved(*given, settings["pads"][0])
        elif node.op_type == "Relu":
            result = np.maximum(given[0], 0)
        elif node.op_type == "MaxPool":
            _, channels, height, width = given[0].shape
            result = given[0].reshape(1, channels, height // 2, 2, width // 2, 2).max((3, 5))
        else:
            assert node.op_type == "Concat"
            result = np.concatenate(given, settings["axis"])
        tensors[node.output[0]] = stored(result)
    return tensors[model.graph.output[0].name]


def convolved(image: np.ndarray, weight: np.ndarray, bias: np.ndarray, pad: int) -> np.ndarray:
    padded = np.pad(image[0], ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], (1, 2))
    return np.einsum("chwij,ocij->ohw", windows, weight, optimize=True)[None] + bias[None, :, None, None]


def test_the_emulated_network_is_the_rounded_one(tmp_path: Path) -> None:
    model = resized(MODEL)
    onnx.save(model, tmp_path / "m.onnx")
    arguments = [
        "--framework=5",
        f"--model={tmp_path}/m.onnx",
        f"--output={tmp_path}/m",
        "--soc_version=Ascend310",
    ]
    assert atc(arguments, io.StringIO()) == 0
    emulated = load_model(tmp_path / "m.om")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    rounded_errors, rounding_errors = [], []
    for _ in range(4):
        image = rng.integers(0, 256, SHAPE).astype(np.float32)
        outputs, _ = emulated.run(image.tobytes(), [image.nbytes], None)
        wide = session.run(None, {session.get_inputs()[0].name: image})[0]
        np.testing.assert_allclose(wide, computed(model, image, rounding=False), rtol=1e-4, atol=1e-6)
        expected = computed(model, image, rounding=True)
        rounded_errors.append(np.abs(outputs[0] - expected).mean())
        rounding_errors.append(np.abs(outputs[0] - wide).mean())
    # The order of summation flips a rounding here and there; what rounding does to the map is many times that.
    assert np.mean(rounded_errors) < 0.2 * np.mean(rounding_errors)
    assert np.mean(rounding_errors) > 0
