"""What a verdict is: pass, improved, drift, regressed or cannot tell, with its reasons and the numbers it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from reports.numbers import Gate, Number
from reports.reasons import Reason, ReasonCode

__all__ = [
    "Context",
    "Gate",
    "Moved",
    "Number",
    "Reason",
    "ReasonCode",
    "Status",
    "Verdict",
    "cannot_tell",
    "worst",
]

NAMED = 5
"""How many images a sentence names before it says how many more there are."""

EDGE = 1e-9
"""Relative slack at a gate's edge, so that a delta of exactly the tolerance is within it in binary, too."""

EMULATED = "emulated"
"""The `soc` of everything that ran on the emulator."""


class Status(StrEnum):
    """A verdict; the order is that in which many are summed up, the worst first."""

    REGRESSED = "regressed"
    CANNOT_TELL = "cannot-tell"
    DRIFT = "drift"
    IMPROVED = "improved"
    PASS = "pass"


class Moved(msgspec.Struct, frozen=True):
    """An image whose count moved: true, old and new count, and new - old."""

    image: str
    true_count: float
    old: float
    new: float
    difference: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The status first, then why, then the numbers; fields and units in docs/record.md."""

    status: Status
    reasons: tuple[Reason, ...] = ()
    numbers: tuple[Number, ...] = ()
    n: int = 0
    changed: int = 0
    within_numerics: int = 0
    largest_relative_change: float | None = None
    moved: tuple[Moved, ...] = ()

    def number(self, metric: str) -> Number | None:
        """The number of a metric, if the verdict has it."""
        return next((number for number in self.numbers if number.metric == metric), None)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison must know beside the images.

    `same_machine`: processor model and decoder builds are those of the baseline. `expected`: the images that the run set out to
    evaluate. `limited`: it was told to evaluate only some (`--limit`). `case_digest`: of what decides accuracy. `old`: the run that it is
    compared with, where that is no baseline (`omgate diff`).
    """

    run: str
    case: str
    backend: str
    soc: str
    case_digest: str
    expected: tuple[str, ...]
    same_machine: bool
    limited: bool = False
    old: str = ""

    @property
    def against(self) -> str:
        """What the run is compared with, in words."""
        return self.old or "the baseline"

    @property
    def accept(self) -> str:
        """The command that accepts what is seen; empty where the other side is a run, which nothing replaces."""
        return "" if self.old else promote_command(self.run)


def worst(verdicts: Iterable[Verdict | Status]) -> Status:
    """The worst status in the order regressed, cannot-tell, drift, improved, pass; of nothing: cannot-tell."""
    order = list(Status)
    found = [order.index(item.status if isinstance(item, Verdict) else item) for item in verdicts]
    return order[min(found)] if found else Status.CANNOT_TELL


def cannot_tell(code: ReasonCode, message: str, advice: str = "") -> Verdict:
    """The verdict where there is nothing to compare, such as a backend that can't run here."""
    return Verdict(status=Status.CANNOT_TELL, reasons=(_reason(code, message, advice),))


def promote_command(run: str) -> str:
    """The command that makes a run the baseline."""
    return f"omgate baseline promote {run} --reason TEXT"


def show(value: float) -> str:
    """A number for a sentence: two decimals, more digits where two would hide it."""
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"


def _reason(code: ReasonCode, message: str, advice: str = "") -> Reason:
    return Reason(code.value, message, advice)
