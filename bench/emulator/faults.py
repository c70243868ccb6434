"""Fault knobs of the emulated device: what OMGATE_EMULATOR_FAULT and OMGATE_EMULATOR_DEVICE_SECONDS may say.

A fault belongs to inference number K of the engine's process, counted from 1, or to each (`*`). Only the engine reads them, so
that Python and C++ programs fail alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cases.errors import OmgateError

VARIABLE = "OMGATE_EMULATOR_FAULT"
DEVICE_VARIABLE = "OMGATE_EMULATOR_DEVICE_SECONDS"

ALLOWED = (
    "slow=SECONDS[@K], hang@K, error=CODE@K, empty@K, nan@K, shape@K, crash@K, device-missing"
    " (comma between several; K counts inferences from 1, * is each)"
)

LONGEST_SECONDS = 86400.0
"""A day: a longer wait is a slip of the pen, and time.sleep refuses what does not fit its clock."""

_FAULT = re.compile(r"(?P<kind>[a-z-]+)(?:=(?P<value>[^@]+))?(?:@(?P<which>\*|[1-9][0-9]{0,8}))?")
_CODE = re.compile(r"-?[1-9][0-9]{0,8}")


class FaultError(OmgateError):
    """The variable can't be understood; the message lists what is allowed."""


@dataclass(frozen=True)
class Fault:
    """One fault: what happens, with its seconds or its code, at which inference (None: at each)."""

    kind: str
    value: float = 0.0
    which: int | None = None

    def at(self, inference: int) -> bool:
        """True where the fault strikes the inference of this number, counted from 1."""
        return self.which is None or self.which == inference


@dataclass(frozen=True)
class Faults:
    """All faults of a process, and the seconds of the simulated device (None: graphs are really run)."""

    faults: tuple[Fault, ...] = ()
    device_seconds: float | None = None

    @property
    def device_missing(self) -> bool:
        """True where no device is to be found."""
        return any(fault.kind == "device-missing" for fault in self.faults)

    def at(self, inference: int) -> dict[str, float]:
        """What strikes inference number `inference` (from 1): kind -> its seconds or its code, 0 where it has none."""
        return {fault.kind: fault.value for fault in self.faults if fault.at(inference)}


def read_faults(environ: Mapping[str, str]) -> Faults:
    """Return what the two variables ask for. Raises FaultError, which names the variable."""
    text = environ.get(VARIABLE, "").strip()
    faults = tuple(_fault(part.strip(), text) for part in text.split(",")) if text else ()
    seconds = environ.get(DEVICE_VARIABLE, "").strip()
    if not seconds:
        return Faults(faults)
    device_seconds = _seconds(seconds)
    if device_seconds is None:
        raise FaultError(
            f"{DEVICE_VARIABLE}={seconds}: needs the seconds that an execution takes, 0.010 for example"
        )
    return Faults(faults, device_seconds)


def _fault(part: str, text: str) -> Fault:
    found = _FAULT.fullmatch(part)
    fault = found and _checked(found["kind"], found["value"], found["which"])
    if not fault:
        raise FaultError(f"{VARIABLE}={text}: `{part}` is none of: {ALLOWED}")
    return fault


def _checked(kind: str, value: str | None, which: str | None) -> Fault | None:
    """The fault, or None where its kind does not take this value or this number."""
    number = None if which in (None, "*") else int(which or 0)
    if kind == "device-missing":
        return None if value or which else Fault(kind)
    if kind == "slow":
        seconds = _seconds(value or "")
        return None if seconds is None else Fault(kind, seconds, number)
    if which is None:
        return None
    if kind == "error":
        return Fault(kind, int(value), number) if value and _CODE.fullmatch(value) else None
    if kind in ("hang", "empty", "nan", "shape", "crash"):
        return None if value else Fault(kind, which=number)
    return None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS else None
