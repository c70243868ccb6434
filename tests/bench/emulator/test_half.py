"""FP16 conversion: types where atc puts them, and values that an independent FP16 computation explains."""

from __future__ import annotations

import numpy as np
import pytest

from bench.emulator.half import to_half
from bench.emulator.om import OmError
from bench.emulator.session import open_session

onnx = pytest.importorskip("onnx")


def two_layers(weights: np.ndarray) -> bytes:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="one"),
        helper.make_node("Conv", ["a", "w"], ["y"], name="two"),
    ]
    shape = [1, 1, 4, 4]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", kind, shape)],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=4)
    return bytes(model.SerializeToString())


def test_weights_and_activations_are_rounded_and_the_edges_keep_their_types() -> None:
    weight = np.array([[[[0.1234567]]]], dtype=np.float32)
    half = to_half(two_layers(weight), "m.onnx")
    model = onnx.load_model_from_string(half)
    assert {tensor.data_type for tensor in model.graph.initializer} == {onnx.TensorProto.FLOAT16}
    session = open_session(half, "m.om")
    assert [i.type for i in [*session.get_inputs(), *session.get_outputs()]] == ["tensor(float)"] * 2
    assert [i.name for i in [*session.get_inputs(), *session.get_outputs()]] == ["x", "y"]
    image = np.linspace(0.01, 200.03, 16, dtype=np.float32).reshape(1, 1, 4, 4)
    w = np.float16(weight[0, 0, 0, 0]).astype(np.float32)
    first = (image.astype(np.float16).astype(np.float32) * w).astype(np.float16)
    expected = (first.astype(np.float32) * w).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(session.run(None, {"x": image})[0], expected)


def test_the_same_graph_gives_the_same_bytes() -> None:
    content = two_layers(np.ones((1, 1, 1, 1), np.float32))
    assert to_half(content, "m.onnx") == to_half(content, "m.onnx")


@pytest.mark.parametrize("content", [b"", b"text", b"\x08\x04", b"\xff" * 50])
def test_what_is_no_onnx_is_one_error(content: bytes) -> None:
    with pytest.raises(OmError, match=r"^m\.onnx: not an ONNX model"):
        to_half(content, "m.onnx")
