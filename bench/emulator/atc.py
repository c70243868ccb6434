"""`atc` of the emulated SDK home: ONNX (or a stand-in .air) to an emulated .om.

Options, console lines and codes follow CANN's "ATC instructions" (atc's documents on hiascend.com). Which code belongs to which
mistake is in part unconfirmed, as is the wording after the code; the exit status of a failure is unspecified, so it is 1 here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from bench.emulator.half import to_half
from bench.emulator.om import EmulatedOm, Header, OmError, sha256, write_om

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILURE = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"

STAND_IN_AIR = b"OMGATE STAND-IN AIR, NOT FOR A DEVICE\n"
"""First bytes of a stand-in .air; an ONNX graph follows. AIR itself can be exported on Ascend alone."""

SOC = re.compile(
    r"Ascend(310|310P[1357]|310B[1-4]|710|910|910A|910B|910Pro[AB]|910Premium[AB]|910B[1-4]|910B2C|910B4-1|910_93\d\d)$"
)

CHOICES = {
    "mode": {"0"},
    "framework": {"1", "5"},
    "input_format": {"NCHW", "NHWC", "ND"},
    "precision_mode": {"force_fp16", "allow_fp32_to_fp16", "allow_mix_precision", "allow_mix_precision_fp16"},
    "precision_mode_v2": {"fp16", "mixed_float16"},
    "output_type": {"FP32"},
    "op_select_implmode": {
        "high_performance",
        "high_precision",
        "high_performance_for_all",
        "high_precision_for_all",
    },
    "log": {"debug", "info", "warning", "error", "null"},
}
"""What the emulator can do, by option; atc itself knows more values."""

FREE = {"model", "output", "soc_version", "input_shape"}


class AtcError(OmError):
    """atc refuses; the message begins with its code."""


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Convert as `arguments` say, with atc's lines on `out`; return 0, or 1 on a failure."""
    if list(arguments) in (["--help"], ["-h"]):
        print(
            "Emulated atc of omgate. Options: "
            + ", ".join(f"--{name}" for name in sorted(FREE | set(CHOICES))),
            file=out,
        )
        return 0
    print(START, file=out)
    try:
        convert(options_of(arguments))
    except OmError as error:
        print(FAILURE, file=out)
        print(error, file=out)
        return 1
    print(SUCCESS, file=out)
    return 0


def options_of(arguments: Sequence[str]) -> dict[str, str]:
    """Return the options by name without dashes (`-model` and `--model` are the same). Raises AtcError."""
    options: dict[str, str] = {}
    for argument in arguments:
        found = re.fullmatch(r"--?([a-z0-9_]+)=(.*)", argument, re.DOTALL)
        if not found or found[1] not in FREE | set(CHOICES):
            raise AtcError(
                f"E10001: {argument}: unknown to the emulated atc, which needs --name=value with a name of `atc --help`"
            )
        options[found[1]] = found[2]
    for name in ("framework", "model", "output", "soc_version"):
        if not options.get(name):
            raise AtcError(f"{'E10007' if name == 'framework' else 'E10054'}: --{name} is required")
    for name, value in options.items():
        if name in CHOICES and value not in CHOICES[name]:
            code = "E10007" if name == "framework" else "E10001"
            raise AtcError(
                f"{code}: --{name}={value}: the emulated atc takes {', '.join(sorted(CHOICES[name]))}"
            )
    if {"precision_mode", "precision_mode_v2"} <= set(options):
        raise AtcError("E10001: --precision_mode and --precision_mode_v2 exclude each other: give one")
    if not SOC.match(options["soc_version"]):
        raise AtcError(f"E10001: --soc_version={options['soc_version']}: no such SoC; Ascend310, for example")
    return options


def convert(options: dict[str, str]) -> Path:
    """Write `<output>.om` and return its path. Raises OmError: unreadable model, not ONNX, shapes that don't fit."""
    import onnx
    import onnxruntime

    path = Path(options["model"])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AtcError(f"E10001: --model={path}: can't be read: {error.strerror}") from error
    graph = content
    if content.startswith(STAND_IN_AIR):
        if options["framework"] != "1":
            raise AtcError(f"E10007: --model={path}: a stand-in .air: use --framework=1")
        graph = content[len(STAND_IN_AIR) :]
    elif options["framework"] == "1":
        raise AtcError(
            f"E19010: --model={path}: not a stand-in .air; the emulated atc can't read a genuine AIR: export ONNX and use --framework=5"
        )
    half = to_half(graph, str(path))
    if "input_shape" in options:
        check_shapes(options["input_shape"], shapes_of(onnx.load_model_from_string(half)))
    header = Header(
        options,
        sha256(half),
        sha256(content),
        path.name,
        f"omgate atc; onnx {onnx.__version__}; onnxruntime {onnxruntime.__version__}",
    )
    target = Path(f"{options['output']}.om")
    write_om(target, EmulatedOm(header, half))
    return target


def shapes_of(model: object) -> dict[str, list[int]]:
    """Return the dimensions of each input by name; 0 where a dimension is not fixed."""
    graph = model.graph  # type: ignore[attr-defined]
    weights = {tensor.name for tensor in graph.initializer}
    return {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in graph.input
        if value.name not in weights
    }


def check_shapes(text: str, shapes: dict[str, list[int]]) -> None:
    """Compare `--input_shape` (`name:n,c,h,w;name2:...`) with the model's inputs. Raises AtcError."""
    for part in text.split(";"):
        name, _, numbers = part.rpartition(":")
        if not name or not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", numbers):
            raise AtcError(
                f"E10001: --input_shape={text}: needs name:n,c,h,w with fixed sizes (the emulated atc has no gears)"
            )
        if name not in shapes:
            raise AtcError(
                f"E10016: --input_shape: the model has no input {name}; it has {', '.join(shapes)}"
            )
        if [int(number) for number in numbers.split(",")] != shapes[name]:
            raise AtcError(
                f"E10001: --input_shape: {part}: the model was exported with {shapes[name]}; export it in that size"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))
