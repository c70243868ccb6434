"""The device's half: its syntax, what it imports, and each runtime on a small model."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.backends.base import WORKERS, sha256, worker_text
from bench.gateway import Session, WorkerRefused, WorkerSpec

FILES = sorted(path for path in WORKERS.glob("*.py") if path.name != "__init__.py")
RUNTIMES = {
    "loop": set(),
    "simulated": set(),
    "onnx": {"onnxruntime"},
    "mindspore": {"mindspore"},
    "sdk_log": set(),
    "stream": {"StreamManagerApi", "MxpiDataType_pb2", "mindx", "omgate_sdk_log"},
    "mxbase": {"mindx", "omgate_sdk_log"},
    "native": set(),
    "probe": set(),
    "survey": {"pkg_resources"},
    "receive": set(),
    "launch": set(),
}
BESIDE = ("loop", "sdk_log", "probe", "survey", "receive", "launch")
"""Files of that side that drive no runtime."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_worker_is_written_in_the_syntax_of_python_3_7(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_worker_needs_the_standard_library_numpy_and_its_runtime_alone(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - sys.stdlib_module_names - {"numpy"} == RUNTIMES[path.stem]


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem not in BESIDE], ids=lambda path: path.stem
)
def test_a_runtime_module_has_the_four_functions(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {
        node.name: [arg.arg for arg in node.args.args]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    expected = {"open": ["config"], "submit": ["sequence", "arrays"], "collect": [], "close": []}
    assert {name: functions[name] for name in expected} == expected


def run(
    name: str, config: dict[str, Any], images: list[np.ndarray]
) -> tuple[dict[str, Any], list[np.ndarray]]:
    session = Session(WorkerSpec(name, worker_text(name), config))
    try:
        info = session.open()
        for sequence, image in enumerate(images):
            session.submit(sequence, image)
        maps = []
        for _ in images:
            answer = session.receive()
            assert answer.problem is None, answer.problem
            assert answer.array is not None
            assert set(answer.seconds) == {"transfer", "infer"}
            assert all(value >= 0 for value in answer.seconds.values())
            maps.append(answer.array)
        return info, maps
    finally:
        session.close()


def images() -> list[np.ndarray]:
    random = np.random.default_rng(7)
    return [random.integers(0, 256, (1, 1, 16, 24), dtype=np.uint8) for _ in range(3)]


def means(image: np.ndarray, factor: float) -> np.ndarray:
    """Return what the small networks here compute: the mean of each 4x4 block times a factor."""
    height, width = image.shape[2:]
    blocks = image.astype(np.float64).reshape(1, 1, height // 4, 4, width // 4, 4)
    return np.asarray(blocks.mean(axis=(3, 5)) * factor)


def onnx_file(path: Path, kind: int = 1) -> Path:
    """Write a network of one convolution: the mean of 4x4 blocks, halved."""
    helper = pytest.importorskip("onnx.helper")
    weight = helper.make_tensor("w", kind, (1, 1, 4, 4), [0.5 / 16] * 16)
    node = helper.make_node("Conv", ["pixels", "w"], ["density"], kernel_shape=[4, 4], strides=[4, 4])
    shape = [1, 1, None, None]
    graph = helper.make_graph(
        [node],
        "means",
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [helper.make_tensor_value_info("density", kind, shape)],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_onnx_runs_on_the_cpu_in_fp32_without_scaling_pixels(tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "means.onnx")
    config = {"model": str(file), "shape": [1, 1, 16, 24], "threads": 1}
    info, maps = run("onnx", config, images())
    for image, density in zip(images(), maps, strict=True):
        assert density.dtype == np.float32
        np.testing.assert_allclose(density, means(image, 0.5), rtol=1e-6)
    assert (info["provider"], info["precision"], info["device"]) == ("CPUExecutionProvider", "fp32", "CPU")
    assert info["model_sha256"] == sha256(file)


def test_onnx_refuses_a_model_in_another_precision(tmp_path: Path) -> None:
    file = onnx_file(tmp_path / "half.onnx", kind=10)
    session = Session(WorkerSpec("onnx", worker_text("onnx"), {"model": str(file), "shape": [1, 1, 16, 24]}))
    with pytest.raises(WorkerRefused, match=r"tensor\(float16\).*FP32"):
        session.open()


def test_onnx_refuses_a_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "torn.onnx"
    file.write_bytes(b"not a model")
    session = Session(WorkerSpec("onnx", worker_text("onnx"), {"model": str(file), "shape": [1, 1, 16, 24]}))
    with pytest.raises(WorkerRefused, match="did not open"):
        session.open()


NETWORK = '''
import mindspore.nn as nn

class Means(nn.Cell):
    """The mean of each 4x4 block, times what is learned."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 4, stride=4, pad_mode="valid", has_bias=True)

    def construct(self, x):
        return self.conv(x)
'''


def checkpoint(path: Path, tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> Path:
    """Write a MindSpore checkpoint: protobuf `Checkpoint{value: [{tag, tensor{dims, tensor_type, tensor_content}}]}`.

    By hand, because importing MindSpore would take this process seconds and 300 MB.
    """

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2]) + varint(len(content)) + content

    def varint(value: int) -> bytes:
        out = bytearray()
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes([*out, value])

    text = b""
    for tag, (kind, dims, content) in tensors.items():
        sizes = b"".join(b"\x08" + varint(size) for size in dims)
        tensor = sizes + field(2, kind.encode()) + field(3, content)
        text += field(1, field(1, tag.encode()) + field(2, tensor))
    path.write_bytes(text)
    return path


def tensor(*shape: int, value: float) -> tuple[str, tuple[int, ...], bytes]:
    return "Float32", shape, np.full(shape, value, np.float32).tobytes()


def mindspore_config(path: Path) -> dict[str, Any]:
    return {
        "model": str(path),
        "network": NETWORK,
        "class_name": "Means",
        "shape": [1, 1, 16, 24],
        "target": "CPU",
        "threads": None,
    }


def test_mindspore_runs_in_graph_mode_without_scaling_pixels(tmp_path: Path) -> None:
    need_mindspore()
    tensors = {"conv.weight": tensor(1, 1, 4, 4, value=0.5 / 16), "conv.bias": tensor(1, value=0.25)}
    file = checkpoint(tmp_path / "means.ckpt", tensors)
    other_shape = np.full((1, 1, 8, 8), 200, np.uint8)  # compiled when it first comes
    info, maps = run("mindspore", mindspore_config(file), [*images(), other_shape])
    for image, density in zip([*images(), other_shape], maps, strict=True):
        assert density.dtype == np.float32
        np.testing.assert_allclose(density, means(image, 0.5) + 0.25, rtol=1e-5)
    assert (info["provider"], info["device"], info["precision"]) == ("CPU", "CPU", "fp32")
    assert info["model_sha256"] == sha256(file)


def test_mindspore_refuses_a_checkpoint_that_does_not_fit_and_lists_the_names(tmp_path: Path) -> None:
    need_mindspore()
    tensors = {"conv.weight": tensor(1, 1, 5, 5, value=0.5), "conv1.bias": tensor(1, value=0.25)}
    file = checkpoint(tmp_path / "other.ckpt", tensors)
    session = Session(WorkerSpec("mindspore", worker_text("mindspore"), mindspore_config(file)))
    with pytest.raises(WorkerRefused) as caught:
        session.open()
    message = str(caught.value)
    assert "does not fit Means" in message
    assert "missing: conv.bias" in message
    assert "unexpected: conv1.bias" in message
    assert "other shape: conv.weight is (1, 1, 5, 5), not (1, 1, 4, 4)" in message


def test_mindspore_refuses_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    need_mindspore()
    file = tmp_path / "torn.ckpt"
    file.write_bytes(b"not a checkpoint")
    session = Session(WorkerSpec("mindspore", worker_text("mindspore"), mindspore_config(file)))
    with pytest.raises(WorkerRefused, match="is not a MindSpore checkpoint"):
        session.open()


def need_mindspore() -> None:
    """Skip where MindSpore is not installed; it is not imported into this process."""
    import importlib.util

    if importlib.util.find_spec("mindspore") is None:
        pytest.skip("MindSpore is not installed: pip install 'omgate[ckpt]'")
