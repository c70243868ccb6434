"""Reads the output of finished programs from files: which parser it is for, and several files of one run as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.programs import machine, mcnn_log, sdk_main
from bench.programs.output import ImageOutput, ProgramOutput, lines
from bench.programs.suspicion import judged
from cases.errors import OmgateError

LARGEST_BYTES = 256 << 20
"""Of a file: a run of 10,000 images logs some 20 MB."""

EXPECTED = (
    "expected the machine lines of our Mcnn, the log of the published Mcnn (its stderr, or the SDK's mxsdk.log.*.info.* file), "
    "or what infer/sdk/main.py prints"
)


def parse(text: str, source: str) -> ProgramOutput:
    """Return what a program's output says; kind "nothing" where no line is any program's. Never raises.

    Our own Mcnn prints lines for people, too: where there are machine lines they count alone.
    """
    found = lines(text)
    outputs = [parser.parse(found, source) for parser in (machine, mcnn_log, sdk_main)]
    for output in outputs:
        if output.images or output.complete:
            return output
    # A run that died before its first image still says why; a glog error or a Python traceback.
    begun = [output for output in outputs if len(output.warnings) > 1]
    told = tuple(text for output in begun for text in output.warnings)
    return ProgramOutput(kind="nothing", warnings=told or (f"{source}: no line of a program; {EXPECTED}",))


def read(path: Path) -> ProgramOutput:
    """Return what a file says. Raises OmgateError where it can't be read or holds no line of a program."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise OmgateError(
                f"{path}: {path.stat().st_size >> 20} MiB; at most {LARGEST_BYTES >> 20} are read; {EXPECTED}"
            )
        text = path.read_bytes().decode("utf-8", "backslashreplace")
    except OSError as error:
        raise OmgateError(f"{path}: can't be read ({error.strerror or error}); {EXPECTED}") from error
    output = parse(text, path.name)
    if output.kind == "nothing":
        raise OmgateError(f"{path}: no image's result in it; " + "; ".join(output.warnings[:3]))
    return output


def read_all(paths: Sequence[Path]) -> ProgramOutput:
    """Return one run's output from its files, such as stdout and stderr: of an image in two of them the one with more digits counts.

    Raises OmgateError where a file can't be read, or none holds a result (one of several may hold none).
    """
    outputs, refused = [], []
    for path in paths:
        try:
            outputs.append(read(path))
        except OmgateError as error:
            refused.append(str(error))
    if not outputs:
        raise OmgateError("; ".join(refused))
    best = max(outputs, key=lambda output: (len(output.images), -outputs.index(output)))
    merged = outputs[0] if len(outputs) == 1 else _merged(outputs, best)
    return replace(merged, warnings=(*merged.warnings, *refused))


def _merged(outputs: Sequence[ProgramOutput], best: ProgramOutput) -> ProgramOutput:
    by_name: dict[str, ImageOutput] = {}
    complaints: list[str] = []
    for output in outputs:
        for image in output.images:
            other = by_name.get(image.name)
            if other is not None and _differ(image, other):
                complaints.append(
                    f"{image.name}: {image.predicted} in one file, {other.predicted} in another: not one run"
                )
                image = replace(image, reason="bad-output", detail=complaints[-1])
            elif other is not None and other.precision_digits >= image.precision_digits:
                continue
            by_name[image.name] = image
    final = next((output for output in outputs if output.complete), best)
    merged = replace(
        best,
        images=tuple(by_name.values()),
        final_mae=final.final_mae,
        final_rmse=final.final_rmse,
        complete=final.complete,
        warnings=(),
    )
    warnings = dict.fromkeys([*(text for output in outputs for text in output.warnings), *complaints])
    return replace(judged(merged, "all files"), warnings=tuple(warnings))


def _differ(one: ImageOutput, other: ImageOutput) -> bool:
    if one.predicted is None or other.predicted is None:
        return one.predicted != other.predicted
    return abs(one.predicted - other.predicted) > 1e-4 * max(1.0, abs(one.predicted))
