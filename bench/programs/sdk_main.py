"""Reads what the deliverable's infer/sdk/main.py prints, the published one and ours.

An image a line: `PATH True value: GT predictive value: COUNT`; then the footer with MAE, MSE (a root) and images/seconds. Its exit status
says nothing: every failure that it handles ends with 0, so the footer is what shows that it came to its end.
"""

from __future__ import annotations

import re

from bench.programs.output import FLOAT32_DIGITS, ImageOutput, Line, ProgramOutput, base_name, number
from bench.programs.suspicion import DIVISOR, judged, last_of_each_name

_IMAGE = re.compile(r"(.*?)\s*True value:\s*(\S+)\s+predictive value:\s*(\S+)\s*")
_FINAL = re.compile(r"MAE:\s*(\S+)\s+MSE:\s*(\S+)\s*")
_RATE = re.compile(r"(\S+) images/seconds?\s*")
_TROUBLE = (
    ("Failed to init Stream manager", "the stream manager did not start"),
    ("Failed to create Stream", "the stream was not created"),
    ("Failed to send data to stream", "an image was not accepted; the published program then waits for ever"),
    ("infer_result is null", "no result came; the published program then ends with status 0"),
    ("GetProtobuf error", "a result carried an error code; the published program then ends with status 0"),
    ("could not broadcast", "an image could not be padded"),
    (
        "index can't contain negative values",
        "an image above 1024 pixels can't be padded, and the program ended",
    ),
    ("ZeroDivisionError", "all of it took less than a second, which the published program divides by"),
    ("Traceback (most recent call last)", "a Python error ended it"),
)


def parse(found: list[Line], source: str) -> ProgramOutput:
    """Return what these lines say; what does not belong to the program is passed over."""
    images: list[ImageOutput] = []
    warnings: list[str] = []
    mae: float | None = None
    rmse: float | None = None
    rate: float | None = None
    for line in found:
        if image := _IMAGE.fullmatch(line.text):
            if line.torn:
                warnings.append(f"{source}:{line.number}: the file ends in this line, passed over")
            else:
                images.append(_image(image, line.number))
        elif (final := _FINAL.fullmatch(line.text)) and not line.torn:
            mae, rmse = number(final[1]), number(final[2])
        elif final_rate := _RATE.fullmatch(line.text):
            rate = number(final_rate[1])
        else:
            for sign, meaning in _TROUBLE:
                if sign in line.text:
                    warnings.append(f"{source}:{line.number}: {meaning}: {line.text.strip()[:200]}")
    images, repeated = last_of_each_name(images, source)
    warnings += repeated
    output = ProgramOutput(
        kind="sdk-main",
        images=tuple(images),
        final_mae=mae,
        final_rmse=rmse,
        rate=rate,
        rate_region="reading, padding, transfer, inference and parsing the ground truth; the published program's is "
        f"{DIVISOR} over whole seconds",
        complete=mae is not None,
        warnings=tuple(warnings),
    )
    return judged(output, source)


def _image(match: re.Match[str], line: int) -> ImageOutput:
    return ImageOutput(
        name=base_name(match[1]),
        predicted=number(match[3]),
        true=number(match[2]),
        precision_digits=_digits(match[3]),
        line=line,
    )


def _digits(text: str) -> int:
    """What a count is good for: a float32 printed in full has nine digits at most, a longer one is a float64 (17)."""
    written = text.lower().partition("e")[0]
    return FLOAT32_DIGITS if sum(letter.isdigit() for letter in written.lstrip("-0.")) <= 9 else 17
