"""BCa: the bootstrap interval that allows for skew, where few images carry most of the error."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

from reports.statistics import FEWEST, Interval, Statistic, difference_of, paired_terms, resampled_differences

STEADY = 20
"""Pairs below which the acceleration, a third moment, says more about single images than about the difference."""


def bca_bootstrap(
    old_errors: Sequence[float],
    new_errors: Sequence[float],
    statistic: Statistic = "mae",
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The difference new - old of a statistic with its bias-corrected and accelerated interval; images are resampled in pairs.

    Arguments, errors and resamples are those of `paired_bootstrap`; only the quantiles differ: bias correction from the share of
    resamples below the estimate, acceleration from the jackknife (Efron, Better Bootstrap Confidence Intervals, Journal of the American
    Statistical Association 82, 1987). Below 20 pairs, or where all resamples are alike, it is the percentile interval: the acceleration
    of so few is unstable.
    """
    import numpy as np

    before, after = paired_terms(old_errors, new_errors, statistic)
    n = before.size
    estimate = float(difference_of(before.mean(), after.mean(), statistic))
    if n < FEWEST:
        return Interval(None, None, estimate, confidence, n)
    differences = resampled_differences(before, after, statistic, resamples, seed)
    tail = (1.0 - confidence) / 2.0
    tails = (tail, 1.0 - tail)
    if n >= STEADY:
        tails = _corrected(tails, differences, estimate, _jackknife(before, after, statistic))
    low, high = np.quantile(differences, tails)
    return Interval(float(low), float(high), estimate, confidence, n)


def _jackknife(before: Any, after: Any, statistic: Statistic) -> Any:
    """The difference (N,) without each image in turn."""
    n = before.size
    return difference_of((before.sum() - before) / (n - 1), (after.sum() - after) / (n - 1), statistic)


def _corrected(
    tails: tuple[float, float], differences: Any, estimate: float, left_out: Any
) -> tuple[float, float]:
    """The quantiles that the BCa interval takes in place of `tails`."""
    import numpy as np

    normal = NormalDist()
    # Half of the ties count as below: a statistic of equal values is not biased.
    below = float(np.mean(differences < estimate) + np.mean(differences == estimate) / 2.0)
    if not 0.0 < below < 1.0:
        return tails
    bias = normal.inv_cdf(below)
    influence = left_out.mean() - left_out
    size = float((influence**2).sum())
    acceleration = float((influence**3).sum()) / (6.0 * size**1.5) if size > 0 else 0.0

    def moved(tail: float) -> float:
        shifted = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + shifted / (1.0 - acceleration * shifted))

    return moved(tails[0]), moved(tails[1])
