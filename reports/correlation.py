"""How many independent samples a series is worth: latencies of one run follow each other, they are not drawn one by one.

A processor that warms up, a clock that steps, a neighbour that comes and goes: each makes a sample resemble the one before it.
Tests that take such samples as independent raise alarms far more often than they promise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 8
"""Samples below which no autocorrelation can be seen; they are taken as independent."""

BLOCKS = 16
"""Consecutive blocks by whose medians a slow change of level is judged."""

UNUSUAL = -1.645
"""Standard deviations of Bartels' ratio from which on the level counts as wandering: 5 % of steady series do."""


def ranks(samples: Floats) -> Floats:
    """The ranks (N,) float64 from 1, ties share their mean."""
    import numpy as np

    _, inverse, counts = np.unique(samples, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse.reshape(-1)]


def correlation_time(samples: Sequence[float]) -> float:
    """The integrated autocorrelation time: how many samples of the series, in order of time, are worth one independent sample.

    1 for independent samples, never less. Of ranks, so that an outlier counts as one sample and not as all of the variance. The larger
    of two estimates: of single samples, and of the means of 16 blocks, in which a slow component shows that noise hides in single
    samples (batch means; Law and Kelton, Simulation Modeling and Analysis).
    """
    import numpy as np

    series = np.asarray(samples, dtype=np.float64)
    n = series.size
    if n < FEWEST:
        return 1.0
    centred = ranks(series) - (n + 1) / 2.0
    variance = float(centred.var())
    if variance <= 0:
        return 1.0
    fine = _time(centred)
    if n < 2 * BLOCKS:
        return fine
    means = np.array([block.mean() for block in np.array_split(centred, BLOCKS)])
    coarse = float(means.var(ddof=1)) * n / BLOCKS / variance * _time(means)
    return max(fine, coarse)


def _time(series: Floats) -> float:
    """The sum over the lags, which ends where Geyer's initial monotone sequence does (Statistical Science 7, 1992, p. 473)."""
    import numpy as np

    n = series.size
    centred = series - series.mean()
    power = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    # Each lag's sum is over n - k products; divided by n, as here, far lags fade instead of dominating.
    covariance = np.fft.irfft(power, 2 * n)[:n]
    if covariance[0] <= 0:
        return 1.0
    pairs = (covariance / covariance[0])[: n - n % 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    kept = pairs[: ends[0]] if ends.size else pairs
    return max(1.0, float(2.0 * np.minimum.accumulate(kept).sum() - 1.0)) if kept.size else 1.0


def wander(samples: Sequence[float]) -> float:
    """The relative standard deviation of the level within a series, where it moves slowly (warm-up, heat); 0 for a steady one.

    A level that moves during a run will be elsewhere in the next, and no number of samples of this run averages that away. The series
    counts as wandering where the medians of its consecutive blocks resemble their predecessors more than those of 95 % of steady series
    do (rank version of von Neumann's ratio; Bartels, Journal of the American Statistical Association 77, 1982). Samples > 0.
    """
    import numpy as np

    series = np.asarray(samples, dtype=np.float64)
    n = min(BLOCKS, series.size)
    if n < FEWEST:
        return 0.0
    levels = np.array([np.log(np.median(block)) for block in np.array_split(series, n)])
    order = ranks(levels)
    spread = float(((order - order.mean()) ** 2).sum())
    if spread <= 0:
        return 0.0
    ratio = float((np.diff(order) ** 2).sum()) / spread
    deviation = math.sqrt(4.0 * (n - 2) * (5 * n * n - 2 * n - 9) / (5.0 * n * (n + 1) * (n - 1) ** 2))
    return float(levels.std(ddof=1)) if ratio < 2.0 + UNUSUAL * deviation else 0.0
