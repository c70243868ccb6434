"""The options of atc: which there are, what they may say, what the emulated atc can do of it.

Names and values follow CANN's "ATC instructions" (atc's documents on hiascend.com). Which code belongs to which mistake is in
part unconfirmed, as is the wording after the code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.emulator.om import OmError

SOC = re.compile(
    r"Ascend(310|310P[1357]|310B[1-4]|710|910|910A|910B|910Pro[AB]|910Premium[AB]|910B[1-4]|910B2C|910B4-1|910_93\d\d)"
)

CUBE_FP16_ONLY = re.compile(r"Ascend(310|310P[1357]|710|910|910A|910B|910Pro[AB]|910Premium[AB])")
"""SoCs whose matrix unit has no FP32 kernel, so that a convolution can't keep its type. Ascend310 by atc's documents, the others by
general knowledge (unconfirmed)."""

PATH = re.compile(r"[A-Za-z0-9_./\-一-龥]+")
"""Characters that atc takes in paths (Chinese in newer versions)."""

HALF_MODES = {
    "force_fp16",
    "allow_fp32_to_fp16",
    "allow_mix_precision",
    "allow_mix_precision_fp16",
    "fp16",
    "mixed_float16",
}
KEEP_MODES = {"must_keep_origin_dtype", "origin"}

_SWITCH = {"0", "1"}

DONE: dict[str, set[str]] = {
    "mode": {"0", "6"},
    "framework": {"1", "5"},
    "input_format": {"NCHW", "NHWC", "ND"},
    "precision_mode": (HALF_MODES | KEEP_MODES) - {"fp16", "mixed_float16", "origin"},
    "precision_mode_v2": {"fp16", "mixed_float16", "origin"},
    "output_type": {"FP32", "FP16"},
    "op_select_implmode": {
        "high_performance",
        "high_precision",
        "high_performance_for_all",
        "high_precision_for_all",
    },
    "buffer_optimize": {"l1_optimize", "l2_optimize", "off_optimize"},
    "enable_small_channel": _SWITCH,
    "is_input_adjust_hw_layout": {"false"},
    "is_output_adjust_hw_layout": {"false"},
    "log": {"debug", "info", "warning", "error", "null"},
}
"""Values that the emulator can do, by option."""

LACKING: dict[str, set[str]] = {
    "mode": {"1", "3", "5"},
    "framework": {"0", "3"},
    "precision_mode": {"force_fp32", "cube_fp16in_fp32out", "allow_mix_precision_bf16"},
    "precision_mode_v2": {"cube_fp16in_fp32out", "mixed_bfloat16", "cube_hif8", "mixed_hif8"},
    "output_type": {"UINT8", "INT8"},
    "is_input_adjust_hw_layout": {"true"},
    "is_output_adjust_hw_layout": {"true"},
}
"""Values that atc knows and the emulator can't do."""

LACKING_OPTIONS = {
    "insert_op_conf": "AIPP: the model would take uint8 pictures; feed it with what its graph takes",
    "weight": "Caffe's weights: export the model to ONNX",
    "op_precision_mode": "precision by operator",
    "dynamic_image_size": "gears of the image size: convert one model a size",
    "dynamic_dims": "gears of any dimension: convert one model a shape",
    "out_nodes": "other outputs than the graph's: export the model with them",
    "fusion_switch_file": "fusion rules: the emulator fuses nothing",
    "compression_optimize_conf": "compression",
    "check_report": "--mode=3",
    "json": "--mode=1 and 5",
}
"""Options that atc knows and the emulator can't do at all, with the reason."""

FREE = {
    "model",
    "output",
    "soc_version",
    "input_shape",
    "om",
    "input_fp16_nodes",
    "dynamic_batch_size",
    "optypelist_for_implmode",
}

GEARS_LEAST, GEARS_MOST, GEAR_MOST = 2, 100, 2048
"""Number of gears and the largest batch, by atc's documents."""


class AtcError(OmError):
    """atc refuses; the message begins with its code."""


def options_of(arguments: Sequence[str]) -> dict[str, str]:
    """Return the options by name without dashes (`-model` and `--model` are the same), checked. Raises AtcError."""
    options = _read(arguments)
    for name, value in options.items():
        _check_value(name, value)
    if options.get("mode", "0") == "6":
        _require(options, ("om",))
        return options
    _require(options, ("framework", "model", "output", "soc_version"))
    if not SOC.fullmatch(options["soc_version"]):
        raise AtcError(f"E10001: --soc_version={options['soc_version']}: no such SoC; Ascend310, for example")
    if {"precision_mode", "precision_mode_v2"} <= set(options):
        raise AtcError("E10001: --precision_mode and --precision_mode_v2 exclude each other: give one")
    if options["framework"] == "1" and "input_fp16_nodes" in options:
        raise AtcError("E10001: --input_fp16_nodes: not for MindSpore models (--framework=1)")
    if "optypelist_for_implmode" in options and "op_select_implmode" not in options:
        raise AtcError("E10001: --optypelist_for_implmode needs --op_select_implmode")
    gears_of(options)
    return options


def gears_of(options: dict[str, str]) -> tuple[int, ...]:
    """Return the batch sizes of --dynamic_batch_size, rising; none where it is not given. Raises AtcError."""
    text = options.get("dynamic_batch_size")
    if text is None:
        return ()
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*,?", text):
        raise AtcError(f"E10001: --dynamic_batch_size={text}: needs numbers with commas between them: 1,2,4")
    gears = [int(number) for number in text.split(",") if number]
    if len(gears) < GEARS_LEAST:
        raise AtcError(
            f"E10035: --dynamic_batch_size={text}: needs {GEARS_LEAST} gears at least; for one, fix the batch by --input_shape"
        )
    if len(gears) > GEARS_MOST:
        raise AtcError(
            f"E10036: --dynamic_batch_size has {len(gears)} gears, {GEARS_MOST} at most are allowed"
        )
    if not all(1 <= gear <= GEAR_MOST for gear in gears):
        raise AtcError(f"E10038: --dynamic_batch_size={text}: each from 1 to {GEAR_MOST}")
    if len(set(gears)) < len(gears):
        raise AtcError(f"E10039: --dynamic_batch_size={text}: a gear is repeated")
    if "-1" not in options.get("input_shape", ""):
        raise AtcError(
            "E10001: --dynamic_batch_size needs -1 as a first dimension in --input_shape: x:-1,1,224,224"
        )
    return tuple(sorted(gears))


def help_text() -> str:
    """What `atc --help` says."""
    lines = ["Emulated atc of omgate: ONNX, or a stand-in .air, to an emulated .om.", ""]
    lines += [f"  --{name}={'|'.join(sorted(DONE[name]))}" for name in sorted(DONE)]
    lines += [f"  --{name}=..." for name in sorted(FREE)]
    lines += ["", "atc also knows the following, which the emulator lacks:"]
    lines += [f"  --{name}  ({reason})" for name, reason in sorted(LACKING_OPTIONS.items())]
    lines += [f"  --{name}={'|'.join(sorted(values))}" for name, values in sorted(LACKING.items())]
    return "\n".join(lines)


def _read(arguments: Sequence[str]) -> dict[str, str]:
    known = FREE | set(DONE) | set(LACKING_OPTIONS)
    options: dict[str, str] = {}
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        found = re.fullmatch(r"--?([a-z0-9_]+)(?:=(.*))?", argument, re.DOTALL)
        if not found or found[1] not in known:
            raise AtcError(f"E10001: {argument}: unknown option; `atc --help` lists them")
        value = found[2]
        if value is None:  # `--model m.onnx`, as the flags library of atc takes it (unconfirmed)
            if not waiting:
                raise AtcError(f"E10001: {argument}: needs a value: {argument}=...")
            value = waiting.pop(0)
        options[found[1]] = value
    return options


def _require(options: dict[str, str], names: Sequence[str]) -> None:
    for name in names:
        if not options.get(name):
            raise AtcError(f"{'E10007' if name == 'framework' else 'E10054'}: --{name} is required")
        if name in ("model", "output", "om") and not PATH.fullmatch(options[name]):
            raise AtcError(
                f"E10001: --{name}={options[name]}: a path may have letters, digits, Chinese characters and _ - . / alone"
            )


def _check_value(name: str, value: str) -> None:
    if name in LACKING_OPTIONS:
        raise AtcError(
            f"E10001: --{name}={value}: the emulated atc lacks this option ({LACKING_OPTIONS[name]})"
        )
    if name not in DONE or value in DONE[name] or not value:
        return
    code = "E10007" if name == "framework" else "E10001"
    allowed = ", ".join(sorted(DONE[name]))
    by_node = name == "output_type" and re.fullmatch(r"[^;]+:[0-9]+:(FP32|FP16|UINT8|INT8)(;.*)?", value)
    if value in LACKING.get(name, ()) or by_node:
        raise AtcError(
            f"{code}: --{name}={value}: atc knows it, the emulated atc lacks it and does {allowed}"
        )
    raise AtcError(f"{code}: --{name}={value}: no such value; the emulated atc does {allowed}")
