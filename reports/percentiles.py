"""Percentiles, and how many samples each of them asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHOWN = (50, 90, 95, 99)
"""Percentiles of latency that are reported where the samples support them."""

BEYOND = 2
"""Samples that must lie beyond a percentile. With one it is the maximum under another name."""

SURE = 0.99
"""With which probability they must."""


def fewest_for(percent: float) -> int:
    """The smallest number of samples that supports a percentile from 50 on: 64 for p90, 130 for p95, 662 for p99; 1 for the median.

    Of n independent samples, the number beyond the percentile is Binomial(n, 1 - q). n is the smallest at which at least two are
    beyond it with 99 % probability: the order statistic next to the maximum is then a distribution-free upper bound of the percentile
    (David and Nagaraja, Order Statistics, 2003, section 7.1). Raises ValueError for percents outside 50 .. 100.
    """
    if not 50 <= percent < 100:
        raise ValueError(f"percentile {percent}: from 50 to below 100")
    if percent == 50:
        return 1  # a middle is not at the edge of the samples
    inside = percent / 100.0
    n = BEYOND
    while inside**n + n * (1.0 - inside) * inside ** (n - 1) > 1.0 - SURE:
        n += 1
    return n


def percentile_support(n: int) -> tuple[int, ...]:
    """The percentiles of SHOWN that n samples support."""
    return tuple(percent for percent in SHOWN if n >= fewest_for(percent))


def percentile(samples: Sequence[float], percent: float) -> float | None:
    """A percentile of the samples, None where they do not support it.

    Interpolated between the two order statistics beside it (Hyndman and Fan 1996, definition 7, as NumPy does).
    """
    n = len(samples)
    if n < fewest_for(percent):
        return None
    ordered = sorted(samples)
    place = percent / 100.0 * (n - 1)
    below = math.floor(place)
    above = min(below + 1, n - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def not_supported(n: int) -> str:
    """What is shown in place of a percentile that n samples do not support."""
    return f"not supported (n = {n})"
