"""What a number of samples can show: the smallest difference that would be found, and the samples that a threshold asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

POWER = 0.8
"""Chance that a difference which is called detectable is found (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988:
the customary value)."""

PLANNED = 0.9
"""Chance that the samples asked for are planned with. The spread that the plan rests on is an estimate, too, from too few samples: planned
with 0.9, simulations find at least 0.8 (tests/reports/test_performance.py); planned with 0.8, 0.68."""

NEW_ALONE = 4.0
"""The run alone is asked for more samples while that takes at most so many times what each side would need, measured again."""


@dataclass(frozen=True)
class Needed:
    """Samples to add: to the run, and to the baseline where the run's alone would not do. None: no number of samples is enough."""

    new: int
    old: int = 0


def reach(alpha: float, power: float = POWER) -> float:
    """How many standard errors a true difference must be away from 0 to be found at level `alpha` (two-sided) with this chance."""
    normal = NormalDist()
    return normal.inv_cdf(1.0 - alpha / 2.0) + normal.inv_cdf(power)


def detectable(spread: float, alpha: float, power: float = POWER) -> float:
    """The smallest relative slow-down that is found with this chance; `spread`: standard error of the logarithm of the ratio."""
    return math.expm1(reach(alpha, power) * spread)


def fewest(alpha: float) -> int:
    """The fewest samples a side at which a rank test can reach `alpha` at all: 2 of the C(2n, n) orders are the most extreme."""
    n = 1
    while 2.0 / math.comb(2 * n, n) > alpha:
        n += 1
    return n


def needed(
    old_spread: float,
    new_spread: float,
    old_samples: int,
    new_samples: int,
    floor: float,
    threshold: float,
    alpha: float,
    power: float = PLANNED,
) -> Needed | None:
    """The samples to add so that a true change by `threshold` (relative) is found; None where runs differ too much by themselves.

    `old_spread`, `new_spread`: standard errors of the logarithms of the medians at the samples there are; they fall with the root of
    the number. `floor`: the part of the standard error that does not fall.
    """
    room = (math.log1p(threshold) / reach(alpha, power)) ** 2 - floor**2
    if room <= 0:
        return None
    old_variance, new_variance = old_spread**2 * old_samples, new_spread**2 * new_samples
    each = (old_variance + new_variance) / room
    left = room - old_spread**2
    alone = new_variance / left if left > 0 else math.inf
    if alone <= NEW_ALONE * each:
        return Needed(max(1, math.ceil(alone) - new_samples))
    more = math.ceil(each)
    return Needed(max(1, more - new_samples), max(0, more - old_samples))
