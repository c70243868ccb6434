"""`atc` of the emulated SDK home: ONNX (or a stand-in .air) to an emulated .om.

Console lines follow CANN's "ATC instructions" (atc's documents on hiascend.com) and captures in public issues; the exit status of
a failure is unspecified there, so it is 1 here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bench.emulator.atc_options import (
    CUBE_FP16_ONLY,
    KEEP_MODES,
    AtcError,
    gears_of,
    help_text,
    options_of,
)
from bench.emulator.half import to_half
from bench.emulator.om import EmulatedOm, Header, OmError, read_om, sha256, write_om
from cases.air import STAND_IN_AIR

if TYPE_CHECKING:
    import onnx

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILURE = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Convert as `arguments` say, with atc's lines on `out`; return 0, or 1 on a failure."""
    if set(arguments) & {"--help", "-h", "-help"}:
        print(help_text(), file=out)
        return 0
    print(START, file=out, flush=True)
    try:
        options = options_of(arguments)
        if options.get("mode") == "6":
            display(Path(options["om"]), out)
        else:
            convert(options)
    except OmError as error:
        print(FAILURE, file=out)
        print(error, file=out)
        return 1
    print(SUCCESS, file=out)
    return 0


def convert(options: dict[str, str]) -> Path:
    """Write `<output>.om` and return its path. Raises OmError: unreadable model, not ONNX, shapes that don't fit."""
    import onnx
    import onnxruntime

    path = Path(options["model"])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AtcError(f"E10001: --model={path}: can't be read: {error.strerror}") from error
    graph = with_precision(
        prepared(graph_in(content, options["framework"], path), path, options), path, options
    )
    check_runs(graph, path)
    header = Header(
        options,
        sha256(graph),
        sha256(content),
        path.name,
        f"omgate atc; onnx {onnx.__version__}; onnxruntime {onnxruntime.__version__}",
    )
    target = Path(f"{options['output']}.om")
    write_om(target, EmulatedOm(header, graph))
    return target


def graph_in(content: bytes, framework: str, path: Path) -> bytes:
    """Return the ONNX graph that a model file of this framework (1 or 5) holds. Raises AtcError."""
    if content.startswith(STAND_IN_AIR):
        if framework != "1":
            raise AtcError(f"E10007: --model={path}: a stand-in .air: use --framework=1")
        return content[len(STAND_IN_AIR) :]
    if framework == "1":
        raise AtcError(
            f"E19010: --model={path}: not a stand-in .air; the emulated atc can't read a genuine AIR: export ONNX and use --framework=5"
        )
    return content


def prepared(graph: bytes, path: Path, options: dict[str, str]) -> onnx.ModelProto:
    """Return the graph in the shapes that were asked for, FP32 still. Raises AtcError."""
    from bench.emulator.atc_graph import fix_shapes, inputs_of, read_graph, widen_outputs

    model = read_graph(graph, path)
    fix_shapes(model, options.get("input_shape"), gears_of(options))
    for name in half_inputs(options):
        if name not in inputs_of(model):
            raise AtcError(
                f"E10016: --input_fp16_nodes: the model has no input {name}; it has {', '.join(inputs_of(model))}"
            )
    if options.get("output_type") == "FP32":
        widen_outputs(model)
    return model


def with_precision(model: onnx.ModelProto, path: Path, options: dict[str, str]) -> bytes:
    """Return the graph, serialised, in the precision that was asked for. Raises OmError."""
    from bench.emulator.atc_graph import refuse_kept_types

    content = bytes(model.SerializeToString(deterministic=True))
    mode = options.get("precision_mode_v2") or options.get("precision_mode") or "force_fp16"
    half_outputs = options.get("output_type") == "FP16"
    if mode not in KEEP_MODES:
        return to_half(content, str(path), half_inputs(options), half_outputs)
    if CUBE_FP16_ONLY.fullmatch(options["soc_version"]):
        refuse_kept_types(model, options["soc_version"])
    if half_outputs or half_inputs(options):
        raise AtcError(
            "E10001: the emulated atc does not change types of inputs and outputs while the precision mode keeps types"
        )
    return content


def check_runs(graph: bytes, path: Path) -> None:
    """Refuse a graph that the engine can't run, as atc refuses an operator without a kernel. Raises AtcError."""
    from bench.emulator.session import open_session

    try:
        open_session(graph, str(path))
    except OmError as error:
        raise AtcError(f"EZ3003: No supported Ops kernel and engine are found: {error}") from error


def half_inputs(options: dict[str, str]) -> list[str]:
    """Return the names of --input_fp16_nodes."""
    return [name for name in options.get("input_fp16_nodes", "").split(";") if name]


def display(path: Path, out: TextIO) -> None:
    """Print what an emulated .om says about itself (--mode=6; the real one's wording is another). Raises OmError."""
    header = read_om(path).header
    command = " ".join(f"--{name}={value}" for name, value in header.options.items())
    print("============ Display Model Info start ============", file=out)
    print(f"Original Atc command line: atc {command}", file=out)
    print(f"converter: {header.converter}", file=out)
    print(f"soc_version: {header.soc} (asked for: {header.options.get('soc_version')})", file=out)
    print(f"source: {header.source}, sha256 {header.source_sha256}", file=out)
    print(f"graph: sha256 {header.graph_sha256}", file=out)
    print("============ Display Model Info end   ============", file=out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))
