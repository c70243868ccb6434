"""Reads the machine lines of our own Mcnn: one JSON object an image, {"omgate": 1, ...}, and a last one with "done"."""

from __future__ import annotations

import json
from typing import Any

from bench.programs.output import ImageOutput, Line, ProgramOutput, base_name
from bench.programs.suspicion import judged, last_of_each_name
from reports.reasons import ReasonCode

DIGITS = 17
"""Significant digits that the program prints: a float64 comes back bit for bit."""

REASONS = {
    "unreadable": ReasonCode.BAD_IMAGE,
    "too-large": ReasonCode.TOO_LARGE,
    "no-label": ReasonCode.MISSING_TRUTH,
    "infer-failed": ReasonCode.WORKER_ERROR,
    "not-finite": ReasonCode.NOT_FINITE,
}
"""What the program calls a failure -> its reason code; anything else counts as an error of the program."""

REGIONS = {"transfer_seconds": "transfer", "infer_seconds": "infer", "fetch_seconds": "fetch"}


def message(text: str) -> dict[str, Any] | None:
    """Return a line's object if it is a machine line, else None."""
    if not text.lstrip().startswith("{") or '"omgate"' not in text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("omgate") == 1 else None


def parse(found: list[Line], source: str) -> ProgramOutput:
    """Return what the machine lines among these say; other lines are passed over."""
    images: list[ImageOutput] = []
    warnings: list[str] = []
    done: dict[str, Any] = {}
    for line in found:
        value = message(line.text)
        if value is None:
            if '"omgate"' in line.text:
                warnings.append(f"{source}:{line.number}: a torn machine line, passed over")
        elif value.get("done"):
            done = value
        elif isinstance(value.get("image"), str):
            images.append(_image(value, line.number))
        else:
            warnings.append(f"{source}:{line.number}: a machine line without an image's name, passed over")
    images, repeated = last_of_each_name(images, source)
    warnings += repeated
    seconds = [image.seconds["infer"] for image in images if image.seconds.get("infer")]
    count = _float(done.get("images"))
    if done and count is not None and count != len(images):
        warnings.append(f"{source}: the program names {count:g} images, {len(images)} have a line")
    output = ProgramOutput(
        kind="machine",
        images=tuple(images),
        final_mae=_float(done.get("mae")),
        final_rmse=_float(done.get("rmse")),
        rate=len(seconds) / sum(seconds) if seconds else None,
        rate_region="the device's inference alone",
        expected=int(count) if count is not None and count >= 0 and count == count // 1 else None,
        complete=bool(done),
        warnings=tuple(warnings),
    )
    return judged(output, source)


def _image(value: dict[str, Any], line: int) -> ImageOutput:
    failed = value.get("status") != "ok"
    word = str(value.get("reason") or "no reason given")
    told = f"{word}: {value['detail']}" if value.get("detail") else word
    seconds = {REGIONS[key]: taken for key in REGIONS if (taken := _float(value.get(key))) is not None}
    return ImageOutput(
        name=base_name(value["image"]),
        predicted=None if failed else _float(value.get("predicted")),
        true=_float(value.get("true")),
        precision_digits=DIGITS,
        line=line,
        seconds=seconds,
        reason=REASONS.get(word, ReasonCode.WORKER_ERROR).value if failed else "",
        detail=f"the program failed at it: {told}" if failed else "",
    )


def _float(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None
