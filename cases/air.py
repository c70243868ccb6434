"""A stand-in for AIR, which MindSpore exports on Ascend alone: a clearly marked ONNX graph that the emulated atc takes as framework 1.

It lets the delivery document's commands (convert_om.sh on an .air) run where no Ascend is. CANN's atc refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    import onnx

STAND_IN_AIR = b"OMGATE STAND-IN AIR, NOT FOR A DEVICE\n"
"""First bytes of the file, so that `head` shows a reader what it is; an ONNX graph follows."""

AIR_INPUT = "x"
"""Name of the input in a deliverable's AIR, which its convert_om.sh takes for granted (mindspore models, MCNN)."""


def stand_in_air(onnx_bytes: bytes) -> bytes:
    """Return a stand-in .air around an ONNX graph; where it has one input, that is called `x`. Raises OmgateError."""
    import onnx

    try:
        model = onnx.load_model_from_string(onnx_bytes)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf and checker raise what they like on other bytes
        reason = str(error).strip().splitlines()
        raise OmgateError(
            f"not an ONNX model that a stand-in .air can hold: {reason[0] if reason else 'damaged'}"
        ) from error
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) == 1:
        _rename(model.graph, inputs[0].name, AIR_INPUT)
    return STAND_IN_AIR + bytes(model.SerializeToString(deterministic=True))


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Call the tensor `old` `new`; whatever was called `new` takes another name."""
    if old == new:
        return
    names = {old: new, new: f"{new}_of_the_graph"}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for named in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        named.name = names.get(named.name, named.name)
