"""What atc does to an ONNX graph before its precision: shapes are fixed, outputs get the type that was asked for, oddities are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.emulator.atc_options import AtcError

if TYPE_CHECKING:
    import onnx

DOMAINS = {"", "ai.onnx"}
"""Operator sets that atc's ONNX parser has plug-ins for; others need an operator plug-in of their own."""

MATRIX = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
"""Operators that run on the matrix unit."""


def read_graph(content: bytes, path: Path) -> onnx.ModelProto:
    """Return the ONNX model that `content` holds, with weights that lie in files beside `path`. Raises AtcError."""
    import onnx
    from onnx.external_data_helper import load_external_data_for_model

    try:
        model = onnx.load_model_from_string(content)
        load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # protobuf raises what it likes on hostile bytes
        raise AtcError(
            f"E19010: --model={path}: not an ONNX model: {_first_line(error, 'damaged')}"
        ) from error
    if not model.graph.node:
        raise AtcError(f"E19010: --model={path}: not an ONNX model with operators in it")
    for node in model.graph.node:
        if node.domain not in DOMAINS:
            raise AtcError(
                f"E19010: No parser is registered for Op [{node.name or node.op_type}, optype [{node.domain}::{node.op_type}]]"
            )
    return model


def inputs_of(model: onnx.ModelProto) -> dict[str, list[int]]:
    """Return the dimensions of each input by name; -1 where a dimension is not fixed."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return {
        value.name: [
            dimension.dim_value if dimension.HasField("dim_value") and dimension.dim_value > 0 else -1
            for dimension in value.type.tensor_type.shape.dim
        ]
        for value in model.graph.input
        if value.name not in weights
    }


def fix_shapes(model: onnx.ModelProto, text: str | None, gears: tuple[int, ...]) -> None:
    """Give each input the shape that `--input_shape` says; one dimension stays open where the batch has gears. Raises AtcError."""
    inputs = inputs_of(model)
    asked = parse_shapes(text, inputs) if text else {}
    for name, has in inputs.items():
        wanted = asked.get(name, has)
        if any(size < 0 for size in wanted[1:]) or (-1 in wanted and not (gears and name in asked)):
            raise AtcError(
                f'E10001: input {name} has dimensions that are not fixed ({_commas(has)}): fix them by --input_shape="{name}:n,c,h,w"'
                + ("" if gears or name not in asked else ", or give --dynamic_batch_size for -1 as the first")
            )
        if len(wanted) != len(has) or any(
            old not in (-1, new) and not (index == 0 and new == -1)
            for index, (old, new) in enumerate(zip(has, wanted, strict=False))
        ):
            raise AtcError(
                f"E10001: --input_shape={name}:{_commas(wanted)}: the model was exported with {_commas(has)}; export it in that size"
            )
        if wanted and wanted[0] == -1 and has[0] != -1:
            raise AtcError(
                f"E10001: --input_shape={name}:{_commas(wanted)}: the model was exported with the fixed batch {has[0]}; export it with a dynamic one"
            )
    _write_shapes(model, asked)


def parse_shapes(text: str, inputs: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Return `--input_shape` (`name:n,c,h,w;name2:...`) by name. Raises AtcError: its form, a name that is no input."""
    shapes = {}
    for part in filter(None, text.split(";")):
        name, _, numbers = part.rpartition(":")
        if not name or not re.fullmatch(r"(-1|[1-9][0-9]{0,8})(,(-1|[1-9][0-9]{0,8}))*", numbers):
            raise AtcError(
                f"E10001: --input_shape={text}: needs name:n,c,h,w with fixed sizes, `;` between inputs"
            )
        if name not in inputs:
            raise AtcError(
                f"E10016: --input_shape: the model has no input {name}; it has {', '.join(inputs)}"
            )
        shapes[name] = [int(number) for number in numbers.split(",")]
    return shapes


def refuse_kept_types(model: onnx.ModelProto, soc: str) -> None:
    """Refuse what has no kernel when types are kept: a matrix operator on FP32 weights or inputs. Raises AtcError."""
    import onnx
    from onnx import TensorProto

    typed = onnx.shape_inference.infer_shapes(model).graph
    wide = {
        value.name
        for value in [*typed.value_info, *typed.input, *typed.output]
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    wide.update(tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT)
    for node in model.graph.node:
        if node.op_type in MATRIX and any(name in wide for name in node.input):
            kernel = {"Conv": "Conv2D", "MatMul": "MatMulV2", "Gemm": "MatMulV2"}.get(
                node.op_type, node.op_type
            )
            raise AtcError(
                f"EZ3003: No supported Ops kernel and engine are found for [{node.name or node.output[0]}], optype [{kernel}]:"
                f" {soc} has no FP32 kernel for it; use --precision_mode=force_fp16"
            )


def widen_outputs(model: onnx.ModelProto) -> None:
    """Give out FP16 outputs as FP32 (`--output_type=FP32`)."""
    from onnx import TensorProto, helper

    for value in model.graph.output:
        kind = value.type.tensor_type
        if kind.elem_type != TensorProto.FLOAT16:
            continue
        kind.elem_type = TensorProto.FLOAT
        inner = f"omgate_half_{value.name}"
        for node in model.graph.node:
            node.input[:] = [inner if name == value.name else name for name in node.input]
            node.output[:] = [inner if name == value.name else name for name in node.output]
        model.graph.node.append(helper.make_node("Cast", [inner], [value.name], to=TensorProto.FLOAT))


def _write_shapes(model: onnx.ModelProto, asked: Mapping[str, list[int]]) -> None:
    for value in model.graph.input:
        for dimension, size in zip(value.type.tensor_type.shape.dim, asked.get(value.name, ()), strict=False):
            if size > 0:
                dimension.dim_value = size
            else:
                dimension.dim_param = "omgate_batch"
    # Some exporters write an open dimension as -1, which contradicts what follows from the inputs.
    for value in model.graph.output:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.HasField("dim_value") and dimension.dim_value < 0:
                dimension.ClearField("dim_value")
    del model.graph.value_info[:]  # They follow from the inputs.


def _commas(sizes: list[int]) -> str:
    return ",".join(str(size) for size in sizes)


def _first_line(error: Exception, otherwise: str) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else otherwise
