"""FP32 ONNX to FP16 ONNX: what atc's default precision mode (force_fp16) does to a graph.

Weights and the activations between operators become FP16; the graph's inputs and outputs keep their types (atc's default
output_type is the network's own). The conversion is ONNX Runtime's; it appends its casts, so the nodes are sorted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.emulator.om import OmError

if TYPE_CHECKING:
    import onnx


def to_half(content: bytes, where: str, half_inputs: Sequence[str] = (), half_outputs: bool = False) -> bytes:
    """Return the ONNX graph `content` in FP16, serialised; inputs and outputs keep their types but for those that are named.

    half_inputs: FP32 inputs that become FP16; half_outputs: FP32 outputs do. Raises OmError, which names `where`, if it is no valid
    ONNX.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
        kept = [value.name for value in model.graph.input if value.name not in half_inputs]
        kept += [] if half_outputs else [value.name for value in model.graph.output]
        # The shapes were just checked; with them the converter knows which activations are FP32.
        half = convert_float_to_float16(model, keep_io_types=kept or False)
        sort_nodes(half.graph)
        onnx.checker.check_model(half)
    except OmError:
        raise
    except Exception as error:  # protobuf, checker and converter raise what they like on hostile bytes
        reason = str(error).strip().splitlines()
        raise OmError(
            f"{where}: not an ONNX model that can be converted to FP16: {reason[0] if reason else type(error).__name__}"
        ) from error
    return bytes(half.SerializeToString(deterministic=True))


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Put the nodes of `graph` into an order in which each comes after what it reads. Raises OmError on a cycle."""
    produced = {name for node in graph.node for name in node.output}
    ready: set[str] = set()
    waiting, ordered = list(graph.node), []
    while waiting:
        rest = []
        for node in waiting:
            if all(name not in produced or name in ready for name in node.input):
                ordered.append(node)
                ready.update(node.output)
            else:
                rest.append(node)
        if len(rest) == len(waiting):
            raise OmError(f"the graph has a cycle through {rest[0].name or rest[0].op_type}")
        waiting = rest
    del graph.node[:]
    graph.node.extend(ordered)
