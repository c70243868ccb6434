"""Attribution: where a difference between two ways of running a deliverable comes from, rung by rung. Schema: docs/record.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from reports.verdict import Moved

Factor = Literal["ground-truth", "preprocessing", "framework", "precision", "runtime", "pipeline"]
"""What a rung changes, in the order of the ladder."""

FACTORS: dict[Factor, tuple[str, str]] = {
    "ground-truth": ("ground-truth rule", "真值规则"),
    "preprocessing": ("preprocessing", "预处理"),
    "framework": ("framework", "框架"),
    "precision": ("precision", "精度"),
    "runtime": ("runtime and graph compiler", "运行时与图编译"),
    "pipeline": ("pipeline", "流水线"),
}
"""Names for people, English and Chinese; the OM's graph compiler has no rung of its own, it comes with the runtime."""

Share = Literal["merged", "outside", "none"]
"""Where the share of an absent factor is: in the next rung that could run, outside the ladder, or nowhere (nothing to change)."""

SHARES: dict[Share, tuple[str, str]] = {
    "merged": ("its share is in the next rung", "其影响计入下一级"),
    "outside": ("its share is not in the sum", "其影响不在合计之内"),
    "none": ("nothing to change", "无需改变"),
}
"""The same in words for people, English and Chinese."""


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the ladder: the same images before and after one factor was changed.

    `factors`: what changed; several where a rung between could not run here. `before`, `after`: what ran, in words for people.
    `mae_change` and `bias_change` = after - before (counts), each with its paired 95 % interval; None where too few images support one.
    `changed`: images whose error (predicted - true) moved beyond rounding; `moved`: those that moved most. Their old and new are the predicted
    counts, and in the rung of the ground-truth rule, which moves no prediction, the true counts.
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
    """A factor that has no rung of its own, why, and where its share is."""

    factor: Factor
    reason: str
    share: Share = "merged"


class Attribution(msgspec.Struct, frozen=True, kw_only=True):
    """The whole ladder of a case: `n` images that every rung has; the rungs' changes sum up to `mae_change` and `bias_change`.

    To float64 rounding: 1e-9 of the larger of the change and the MAE. What is shown sums up exactly with `shown`.
    """

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
    bias_start: float = 0.0
    bias_end: float = 0.0


class Shown(msgspec.Struct, frozen=True):
    """Numbers of a ladder as text: its values from `start` to the end, `changes` of the rungs, their sum `total`; all with `decimals`."""

    values: tuple[str, ...]
    changes: tuple[str, ...]
    total: str
    decimals: int


def shown(attribution: Attribution, metric: Literal["mae", "bias"] = "mae") -> Shown:
    """The ladder's MAE or bias in digits that add up: each value plus its rung's change is the next value, and the changes sum to the total.

    The values along the ladder are rounded, and a change is the difference of two rounded values; it can differ from the change itself by one
    in the last digit shown. (Rounding the changes and handing the remainder to the largest, as votes are, would let the column of values
    contradict them.) A rung that changes nothing shows 0,
    one that changes less than the digits tell 0.00.
    """
    if metric == "mae":
        values = [attribution.mae_start, *(rung.mae_after for rung in attribution.rungs)]
    else:
        values = [attribution.bias_start]
        for rung in attribution.rungs:
            values.append(values[-1] + rung.bias_change)
    decimals = _decimals([after - before for before, after in pairwise(values)])
    steps = [round(value * 10**decimals) for value in values]
    return Shown(
        tuple(_fixed(step, decimals) for step in steps),
        tuple(
            _change(values[at + 1] == values[at], steps[at + 1] - steps[at], decimals)
            for at in range(len(steps) - 1)
        ),
        _change(values[-1] == values[0], steps[-1] - steps[0], decimals),
        decimals,
    )


FEWEST_DECIMALS, MOST_DECIMALS = 2, 9
"""Of counts. As many as give the largest change three digits."""


def _decimals(changes: Sequence[float]) -> int:
    largest = max(map(abs, changes), default=0.0)
    if largest == 0:
        return FEWEST_DECIMALS
    return min(MOST_DECIMALS, max(FEWEST_DECIMALS, 2 - math.floor(math.log10(largest))))


def _change(nothing: bool, step: int, decimals: int) -> str:
    return "0" if nothing else f"{'+' if step > 0 else ''}{_fixed(step, decimals)}"


def _fixed(step: int, decimals: int) -> str:
    """A whole number of the last digit's units as text; exact, which a float divided by a power of ten is not."""
    digits = f"{abs(step):0{decimals + 1}d}"
    return f"{'-' if step < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"
