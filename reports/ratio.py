"""By how much the typical time changed: the ratio of two medians, new : old, with its bootstrap interval.

Medians, because latencies have outliers upwards that come from anything but the model. A ratio, because 1 ms is much of 5 ms and
nothing of 5 s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from reports.correlation import correlation_time, wander

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 4_000
"""The end of a 95 % interval has then a standard error of 1 % of the width, for a normal distribution; the seed is fixed anyway."""

FEWEST = 4
"""Independent samples (of each side, after allowing for autocorrelation) below which there is no interval."""


@dataclass(frozen=True)
class Ratio:
    """new : old median with its interval, None where a side is worth fewer than FEWEST independent samples.

    `p_value`: of "the ratio is 1", the level at which the interval would just reach 1. `old_spread`, `new_spread`: standard errors of
    the logarithm of each median; `floor`: that of their difference which no number of samples takes away (runs differ).
    `old_time`, `new_time`: correlation times; `old_wander`, `new_wander`: how far the level moved within the series, relative.
    """

    estimate: float
    low: float | None
    high: float | None
    p_value: float
    old_spread: float
    new_spread: float
    floor: float
    old_time: float
    new_time: float
    old_wander: float
    new_wander: float
    old_samples: int
    new_samples: int


def resampled_medians(samples: Floats, size: int, resamples: int, generator: np.random.Generator) -> Floats:
    """The medians (resamples,) of so many resamples of `size` samples each, drawn with replacement from (N,) float64.

    Drawn without drawing the resamples: the k-th smallest of `size` uniform numbers is Beta(k, size - k + 1), and the sample that it
    falls on is the resample's k-th smallest. The cost does not depend on N.
    """
    import numpy as np

    ordered = np.sort(samples)

    def at(uniform: Floats) -> Floats:
        return ordered[np.minimum((uniform * ordered.size).astype(np.int64), ordered.size - 1)]

    lower = (size + 1) // 2
    first = generator.beta(lower, size - lower + 1, resamples)
    if size % 2:
        return at(first)
    second = first + (1.0 - first) * generator.beta(1, size - lower, resamples)
    return (at(first) + at(second)) / 2.0


def ratio_of_medians(
    old: Sequence[float],
    new: Sequence[float],
    between: float = 0.0,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ratio:
    """The ratio of the medians new : old of two series, in order of time, with its percentile bootstrap interval.

    Samples that follow each other are not independent: each resample draws only as many as the series is worth (N / correlation time,
    m-out-of-n bootstrap), so that the interval grows with the autocorrelation. `between`: relative standard deviation of a run's median
    from run to run, which no sample of one run shows; it is added in quadrature, and so is a level that wanders within a series. Raises ValueError for an empty side, NaN, Inf, or
    a sample of 0 or less.
    """
    import numpy as np

    before, after = _positive(old), _positive(new)
    generator = np.random.default_rng(seed)
    old_time, new_time = correlation_time(old), correlation_time(new)
    worth = before.size / old_time, after.size / new_time
    estimate = math.log(float(np.median(after))) - math.log(float(np.median(before)))
    logs = [
        np.log(resampled_medians(side, max(1, round(size)), resamples, generator))
        for side, size in zip((before, after), worth, strict=True)
    ]
    tail = (1.0 - confidence) / 2.0
    quantile = NormalDist().inv_cdf(1.0 - tail)
    spreads = [float(np.subtract(*np.quantile(side, [1.0 - tail, tail]))) / (2.0 * quantile) for side in logs]
    old_wander, new_wander = wander(old), wander(new)
    floor = math.sqrt(2.0) * between
    unaveraged = math.hypot(floor, old_wander, new_wander)
    if min(worth) < FEWEST:
        low = high = None
        p_value = 1.0
    else:
        below, above = np.quantile(logs[1] - logs[0], [tail, 1.0 - tail])
        student = _student(min(worth), confidence)
        down = math.hypot(max(0.0, estimate - float(below)) * student / quantile, unaveraged * quantile)
        up = math.hypot(max(0.0, float(above) - estimate) * student / quantile, unaveraged * quantile)
        low, high = math.exp(estimate - down), math.exp(estimate + up)
        p_value = _p_value(estimate, (down if estimate > 0 else up) / quantile)
    return Ratio(
        math.exp(estimate),
        low,
        high,
        p_value,
        spreads[0],
        spreads[1],
        floor,
        old_time,
        new_time,
        old_wander,
        new_wander,
        before.size,
        after.size,
    )


def _positive(samples: Sequence[float]) -> Floats:
    import numpy as np

    series = np.asarray(samples, dtype=np.float64)
    if series.ndim != 1 or not series.size:
        raise ValueError(f"a series of samples is needed, seen shape {series.shape}")
    if not (np.isfinite(series).all() and (series > 0).all()):
        raise ValueError("a sample is NaN, Inf, 0 or negative")
    return series


def _student(worth: float, confidence: float) -> float:
    """Student's quantile: that the spread itself is estimated from so few widens the interval."""
    from scipy.special import stdtrit

    return float(stdtrit(max(1.0, worth - 1.0), 1.0 - (1.0 - confidence) / 2.0))


def _p_value(estimate: float, spread: float) -> float:
    if estimate == 0:
        return 1.0
    return 2.0 * NormalDist().cdf(-abs(estimate) / spread) if spread > 0 else 0.0
