"""Small ONNX graphs of the kinds that deliverables have, and FP16 arithmetic in numpy to hold the emulator against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

KINDS: dict[str, int] = {
    "float32": onnx.TensorProto.FLOAT,
    "float16": onnx.TensorProto.FLOAT16,
    "int8": onnx.TensorProto.INT8,
    "int32": onnx.TensorProto.INT32,
    "uint8": onnx.TensorProto.UINT8,
    "int16": onnx.TensorProto.INT16,
    "uint16": onnx.TensorProto.UINT16,
    "uint32": onnx.TensorProto.UINT32,
    "int64": onnx.TensorProto.INT64,
    "uint64": onnx.TensorProto.UINT64,
    "float64": onnx.TensorProto.DOUBLE,
    "bool": onnx.TensorProto.BOOL,
}

Shape = Sequence[int | str | None]


def half(values: Any) -> np.ndarray:
    """Values rounded to FP16, as FP32."""
    return np.asarray(values, np.float32).astype(np.float16).astype(np.float32)


def graph(
    nodes: Sequence[Any],
    inputs: dict[str, tuple[str, Shape]],
    outputs: dict[str, tuple[str, Shape]],
    weights: dict[str, np.ndarray] | None = None,
    opset: int = 13,
) -> bytes:
    """An ONNX model, serialised. `inputs` and `outputs`: name -> (numpy's type name, shape)."""
    value: Callable[..., Any] = onnx.helper.make_tensor_value_info
    made = onnx.helper.make_graph(
        list(nodes),
        "graph",
        [value(name, KINDS[kind], shape) for name, (kind, shape) in inputs.items()],
        [value(name, KINDS[kind], shape) for name, (kind, shape) in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=7)
    return bytes(model.SerializeToString())


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> Any:
    """An operator; names separated by blanks."""
    return onnx.helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def scaled(batch: int | str = 1, opset: int = 13, kind: str = "float32") -> bytes:
    """x (batch, 3) times w, plus b: y; two roundings in FP16."""
    return graph(
        [node("Mul", "x w", "product"), node("Add", "product b", "y")],
        {"x": (kind, [batch, 3])},
        {"y": (kind, [batch, 3])},
        {"w": np.array([[0.1, 0.2, 0.3]], kind), "b": np.array([[1.1, 2.2, 3.3]], kind)},
        opset,
    )


def scaled_in_half(x: np.ndarray) -> np.ndarray:
    """What `scaled` gives on a device that rounds to FP16 after each operator."""
    return half(half(half(x) * half([[0.1, 0.2, 0.3]])) + half([[1.1, 2.2, 3.3]]))


def three_outputs() -> bytes:
    """Batch 16; ids int32 (16, 4), picture uint8 (16, 4), scale float32 (16, 1) -> a float32, b int32, c float16."""
    return graph(
        [
            node("Cast", "picture", "levels", to=onnx.TensorProto.FLOAT),
            node("Mul", "levels scale", "a"),
            node("Add", "ids one", "b"),
            node("Cast", "a", "c", to=onnx.TensorProto.FLOAT16),
        ],
        {"ids": ("int32", [16, 4]), "picture": ("uint8", [16, 4]), "scale": ("float32", [16, 1])},
        {"a": ("float32", [16, 4]), "b": ("int32", [16, 4]), "c": ("float16", [16, 4])},
        {"one": np.array([1], np.int32)},
    )


def passed_on(kind: str) -> bytes:
    """x (2, 3) of any type, turned round: y (3, 2)."""
    return graph(
        [node("Transpose", "x", "y", perm=[1, 0])], {"x": (kind, [2, 3])}, {"y": (kind, [3, 2])}, opset=13
    )


def summed() -> bytes:
    """x (1, 3) -> its sum s, a scalar, and the sum times a weight t."""
    return graph(
        [node("ReduceSum", "x", "s", keepdims=0), node("Mul", "s w", "t")],
        {"x": ("float32", [1, 3])},
        {"s": ("float32", []), "t": ("float32", [])},
        {"w": np.array(0.3, np.float32)},
    )
