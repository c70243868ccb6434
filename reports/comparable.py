"""Which two measurements of speed may be compared: what must match, and how it is said when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from reports.fingerprint import environment_of
from reports.reasons import Reason, ReasonCode
from reports.verdict import EMULATED, promote_command

ON_HOST = ("cpu", EMULATED)
"""What computes on the host's processor, so that this is part of what was measured."""

ANSWERS = "answers"
"""The region of a rate: from answer to answer as they arrive here. Every other one is by a clock where the device is."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What a time was measured under. None: not known, or not a part of it; unknown is compared like a value.

    `region`: the timed stretch. `devices`: how many. `depth`: images in flight. `processor` and `cores`: of the host, for what computes
    there. `case_digest`, `data_digest`: of what decides accuracy, and of pixels and true counts.
    """

    backend: str
    soc: str
    region: str
    scenario: str
    depth: int | None = None
    devices: int = 1
    processor: str | None = None
    cores: int | None = None
    case_digest: str | None = None
    data_digest: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, Any], **fields: Any) -> Conditions:
        """The conditions on the machine with this fingerprint (`environment` of run.json); `fields`: all but its processor and cores."""
        found = environment_of(environment, fields["backend"])
        host = found.get("host") or {}
        if found.get("through") and fields["region"].startswith(ANSWERS):
            fields["region"] += f", through {found['through']}"
        return cls(processor=host.get("processor"), cores=host.get("cores"), **fields)


def comparable(old: Conditions, new: Conditions, run: str) -> Reason | None:
    """Why speeds measured under `old` (the baseline) and `new` (the run with this id) can't be compared; None where they can.

    CANN, driver, firmware, SDK, framework and the model file are the question, never a reason to refuse: they are no part of it.
    """
    own = f"give this machine a baseline of its own: {promote_command(run)}"
    if (old.soc == EMULATED) != (new.soc == EMULATED):
        message = f"the run is on {new.soc}, the baseline on {old.soc}: emulated and device can't be compared"
        return Reason(ReasonCode.EMULATED_VS_DEVICE.value, message, own)
    if old.case_digest != new.case_digest:
        message = "preprocessing, ground-truth rule or metrics are not those of the baseline"
        return Reason(ReasonCode.CASE_DIFFERS.value, message, own)
    if old.data_digest != new.data_digest:
        return Reason(
            ReasonCode.DATA_DIFFERS.value, "the images are not known to be those of the baseline", own
        )
    different = [
        f"{title} {_shown(after)}, the baseline's {_shown(before)}"
        for title, before, after in _compared(old, new)
        if before != after
    ]
    if not different:
        return None
    return Reason(ReasonCode.FINGERPRINT_DIFFERS.value, f"other conditions: {'; '.join(different)}", own)


def _compared(old: Conditions, new: Conditions) -> list[tuple[str, object, object]]:
    rows: list[tuple[str, object, object]] = [
        ("backend", old.backend, new.backend),
        ("region", old.region, new.region),
        ("SoC", old.soc, new.soc),
        ("devices", old.devices, new.devices),
        ("scenario", old.scenario, new.scenario),
        ("images in flight", old.depth, new.depth),
    ]
    if new.soc in ON_HOST:
        rows += [("processor", old.processor, new.processor), ("cores", old.cores, new.cores)]
    return rows


def _shown(value: object) -> str:
    return "unknown" if value is None else str(value)
