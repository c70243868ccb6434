"""Attribution: where a difference between two ways of running a deliverable comes from, rung by rung. Schema: docs/record.md."""

from __future__ import annotations

from typing import Literal

import msgspec

from reports.verdict import Moved

Factor = Literal["ground-truth", "preprocessing", "framework", "precision", "runtime", "pipeline"]
"""What a rung changes, in the order of the ladder."""


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the ladder: the same images before and after one factor was changed.

    `factors`: what changed; several where a rung between could not run here. `before`, `after`: what ran, in words for people.
    `mae_change` and `bias_change` = after - before (counts), each with its paired 95 % interval; None where too few images support one.
    """

    factors: tuple[Factor, ...]
    before: str
    after: str
    n: int
    mae_before: float
    mae_after: float
    mae_change: float
    mae_low: float | None = None
    mae_high: float | None = None
    bias_change: float = 0.0
    bias_low: float | None = None
    bias_high: float | None = None
    changed: int = 0
    moved: tuple[Moved, ...] = ()


class Absent(msgspec.Struct, frozen=True):
    """A factor that has no rung of its own, and why: what it would have changed is in the next rung that could run."""

    factor: Factor
    reason: str


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """The whole ladder of a case: `n` images that every rung has; the rungs' changes sum up to `mae_change` and `bias_change`."""

    case: str
    n: int
    expected: int
    start: str
    end: str
    mae_start: float
    mae_end: float
    mae_change: float
    bias_change: float
    rungs: tuple[Rung, ...]
    absent: tuple[Absent, ...] = ()
    warnings: tuple[str, ...] = ()
