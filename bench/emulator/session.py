"""An FP16 ONNX graph as an ONNX Runtime session that really rounds between operators.

ONNX Runtime's CPU provider has no FP16 convolution: given the FP16 graph, it computes in FP32 and removes the casts that it put
between neighbours itself, so that activations are never rounded. Here each operator computes in FP32 on FP16 values and its result is
rounded by a pair of casts of the graph's own, which ONNX Runtime keeps (tests hold the result against an FP16 computation in numpy).
That a device accumulates in FP32 likewise is general knowledge, not measured here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.emulator.om import OmError

if TYPE_CHECKING:
    import onnx

ADDED = "omgate"
"""Prefix of the names that are added to the graph."""


def open_session(graph: bytes, where: str) -> Any:
    """Return an `onnxruntime.InferenceSession` of the FP16 `graph`. Raises OmError, which names `where`, if it can't load."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        rounded = with_rounding(onnx.load_model_from_string(graph)).SerializeToString()
        return onnxruntime.InferenceSession(rounded, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # protobuf and ONNX Runtime raise what they like on a damaged graph
        reason = str(error).strip().splitlines()
        raise OmError(
            f"{where}: its graph can't be loaded: {reason[0] if reason else type(error).__name__}"
        ) from error


def with_rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` (FP16 inside) in FP32, each floating-point result rounded to FP16. Changes `model`.

    Inputs and outputs keep their types: one that is FP16 is cast at the edge.
    """
    from onnx import TensorProto, shape_inference

    typed = shape_inference.infer_shapes(model, strict_mode=True).graph
    half = {
        value.name
        for value in [*typed.value_info, *typed.output]
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16
    }
    _widen_weights(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    nodes, renamed = [], {}
    for value in model.graph.input:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16 and value.name not in weights:
            renamed[value.name] = f"{ADDED}_{value.name}_wide"
            nodes.append(_cast(value.name, renamed[value.name], TensorProto.FLOAT))
    half_outputs = {value.name for value in model.graph.output} & half
    renamed.update({name: f"{ADDED}_{name}_wide" for name in half_outputs})
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        nodes.append(node)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT
        for index, name in enumerate(node.output):
            if name in half:
                node.output[index] = f"{ADDED}_{name}_raw"
                rounded = name if name in half_outputs else f"{ADDED}_{name}_half"
                nodes.append(_cast(node.output[index], rounded, TensorProto.FLOAT16))
                nodes.append(_cast(rounded, renamed.get(name, name), TensorProto.FLOAT))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    return model


def _widen_weights(model: onnx.ModelProto) -> None:
    """Store FP16 weights as FP32, of the same values."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    widened = set()
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            widened.add(tensor.name)
            tensor.CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
            )
    for value in model.graph.input:  # Old exporters list weights among the inputs, too.
        if value.name in widened:
            value.type.tensor_type.elem_type = TensorProto.FLOAT


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    from onnx import helper

    return helper.make_node("Cast", [source], [target], to=kind)
