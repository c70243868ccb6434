"""The stand-in for AIR: marked, with the input's name that the deliverable expects, and the same function."""

from __future__ import annotations

import numpy as np
import pytest

from cases.air import AIR_INPUT, STAND_IN_AIR, stand_in_air
from cases.errors import OmgateError

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def doubled(name: str, inner: str) -> bytes:
    """`name` (1, 3) -> inner = name + name -> y = inner + w."""
    helper = onnx.helper
    made = helper.make_graph(
        [helper.make_node("Add", [name, name], [inner]), helper.make_node("Add", [inner, "w"], ["y"])],
        "graph",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3])],
        [onnx.numpy_helper.from_array(np.array([1, 2, 3], np.float32), "w")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("name", "inner"), [("im_data", "a"), ("x", "a"), ("im_data", "x"), ("x", "x_of_the_graph")]
)
def test_one_input_is_called_x_and_the_function_stays(name: str, inner: str) -> None:
    air = stand_in_air(doubled(name, inner))
    assert air.startswith(STAND_IN_AIR)
    session = onnxruntime.InferenceSession(air[len(STAND_IN_AIR) :], providers=["CPUExecutionProvider"])
    assert [item.name for item in session.get_inputs()] == [AIR_INPUT]
    found = session.run(None, {AIR_INPUT: np.array([[1, 1, 1]], np.float32)})[0]
    np.testing.assert_array_equal(found, [[3, 4, 5]])


@pytest.mark.parametrize("content", [b"", b"text", b"\x0a\x05hello"])
def test_what_is_no_onnx_is_refused(content: bytes) -> None:
    with pytest.raises(OmgateError, match="not an ONNX model"):
        stand_in_air(content)
