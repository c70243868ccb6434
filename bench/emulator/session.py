"""An FP16 ONNX graph as an ONNX Runtime session that really rounds between operators.

ONNX Runtime's CPU provider has no FP16 convolution: it computes in FP32 and, whatever the optimisation level, removes the
casts between neighbours, so that activations are never rounded (seen with onnxruntime on the CPU; a test shows it). Here each
operator computes in FP32 on FP16 values and its result is rounded to FP16 by a pair of casts with an operator in between that
keeps ONNX Runtime from removing them. That a device accumulates in FP32 likewise is general knowledge, not measured here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.emulator.om import OmError

if TYPE_CHECKING:
    import onnx

BARRIER = "omgate_barrier"
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
    """Return `model` (FP16 inside) in FP32, each floating-point result rounded to FP16. Changes `model`."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, shape_inference

    typed = shape_inference.infer_shapes(model, strict_mode=True).graph.value_info
    half = {value.name for value in typed if value.type.tensor_type.elem_type == TensorProto.FLOAT16}
    half.update(
        value.name for value in model.graph.output if value.type.tensor_type.elem_type == TensorProto.FLOAT16
    )
    if any(
        value.type.tensor_type.elem_type == TensorProto.FLOAT16
        for value in [*model.graph.input, *model.graph.output]
    ):
        raise OmError(
            "FP16 inputs or outputs are not supported by the emulator yet: convert without output_type FP16"
        )
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            tensor.CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
            )
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT
        for index, name in enumerate(node.output):
            if name in half:
                node.output[index] = f"{BARRIER}_{name}_raw"
                steps = [f"{BARRIER}_{name}_half", f"{BARRIER}_{name}_kept"]
                nodes.append(
                    helper.make_node("Cast", [node.output[index]], steps[:1], to=TensorProto.FLOAT16)
                )
                nodes.append(helper.make_node("Concat", steps[:1], steps[1:], axis=0))
                nodes.append(helper.make_node("Cast", steps[1:], [name], to=TensorProto.FLOAT))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]
    return model
