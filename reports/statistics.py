"""What a paired difference is worth: bootstrap interval and sign-flip test, seeded, over the same images before and after.

Its neighbours: `bca` (skewed intervals), `equivalence` (parity), `rank`, `ratio`, `correlation` (times), `holm` (many tests at once),
`percentiles`, `detectable` (how many samples).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Statistic = Literal["mae", "rmse", "mean"]

CHUNK_CELLS = 400_000
"""Cells (resample x image) drawn at once: 3 MB of float64, which stays in the processor's cache."""

FEWEST = 2
"""Pairs below which there is no interval."""


class Interval(msgspec.Struct, frozen=True):
    """`estimate` = new - old and its percentile bootstrap interval; None below two pairs. `samples` in pairs."""

    low: float | None
    high: float | None
    estimate: float
    confidence: float
    samples: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the difference is statistically real at this confidence."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def paired_terms(old: Sequence[float], new: Sequence[float], statistic: Statistic) -> tuple[Floats, Floats]:
    """Per-image terms (N,) float64 whose means the statistic is made of."""
    import numpy as np

    before, after = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
    if before.ndim != 1 or before.shape != after.shape:
        raise ValueError(f"pairs are needed: {before.shape} old, {after.shape} new")
    if before.size == 0:
        raise ValueError("no pairs")
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise ValueError("NaN or Inf among the errors")
    if statistic == "mae":
        return np.abs(before), np.abs(after)
    if statistic == "rmse":
        return before**2, after**2
    if statistic == "mean":
        return before, after
    raise ValueError(f"statistic {statistic!r}: mae, rmse and mean are known")


def difference_of(before: Any, after: Any, statistic: Statistic) -> Any:
    """The difference after - before of a statistic whose terms have these means (any shape)."""
    import numpy as np

    if statistic == "rmse":
        return np.sqrt(np.maximum(after, 0.0)) - np.sqrt(np.maximum(before, 0.0))
    return after - before


def resampled_differences(
    before: Floats, after: Floats, statistic: Statistic, resamples: int, seed: int
) -> Floats:
    """The difference (resamples,) float64 of a statistic in each bootstrap resample of the pairs; terms as `paired_terms` gives them.

    Each resample is a row of how often each image was drawn (bincount), so the statistics of many resamples are one matrix product.
    """
    import numpy as np

    n = before.size
    generator = np.random.default_rng(seed)
    terms = np.stack([before, after], axis=1) / n
    rows = max(1, CHUNK_CELLS // n)
    differences = np.empty(resamples, dtype=np.float64)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = generator.integers(0, n, size=(count, n), dtype=np.int64)
        drawn += np.arange(count, dtype=np.int64)[:, None] * n
        times = np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n)
        means = times.astype(np.float64) @ terms
        differences[start : start + count] = difference_of(means[:, 0], means[:, 1], statistic)
    return differences


def paired_bootstrap(
    old_errors: Sequence[float],
    new_errors: Sequence[float],
    statistic: Statistic = "mae",
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The difference new - old of a statistic with its percentile bootstrap interval; images are resampled in pairs.

    `old_errors`, `new_errors`: (N,) signed errors of the same images in the same order, counts ("mean": any per-image value).
    Known limit: the percentile interval is a little too narrow below some 20 pairs, and off centre where few images carry most of the
    error (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13); `reports.bca` allows for the latter.
    Raises ValueError for no pairs, unequal lengths, or NaN and Inf.
    """
    import numpy as np

    before, after = paired_terms(old_errors, new_errors, statistic)
    estimate = float(difference_of(before.mean(), after.mean(), statistic))
    n = before.size
    if n < FEWEST:
        return Interval(None, None, estimate, confidence, n)
    differences = resampled_differences(before, after, statistic, resamples, seed)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(differences, [tail, 1.0 - tail])
    return Interval(float(low), float(high), estimate, confidence, n)


def sign_flip(
    old_errors: Sequence[float],
    new_errors: Sequence[float],
    statistic: Statistic = "mae",
    permutations: int = 10_000,
    seed: int = 0,
) -> float:
    """The two-sided p-value of "old and new are exchangeable, image by image" (sign-flip permutation test).

    All 2^N flips when these are at most `permutations`, else so many drawn ones, and then (1 + hits) / (1 + permutations), which is
    never 0 (Phipson and Smyth 2010). Raises ValueError as `paired_bootstrap` does.
    """
    import numpy as np

    before, after = paired_terms(old_errors, new_errors, statistic)
    n = before.size
    if np.array_equal(before, after):
        return 1.0
    middle, half = (before + after).mean() / 2.0, (after - before) / (2.0 * n)
    observed = abs(float(difference_of(before.mean(), after.mean(), statistic)))
    exact = 2**n <= permutations
    total = 2**n if exact else permutations
    generator = np.random.default_rng(seed)
    rows = max(1, CHUNK_CELLS // n)
    hits = 0
    for start in range(0, total, rows):
        count = min(rows, total - start)
        if exact:
            flips = (np.arange(start, start + count)[:, None] >> np.arange(n)[None, :]) & 1
        else:
            flips = generator.integers(0, 2, size=(count, n), dtype=np.int8)
        shift = (1.0 - 2.0 * flips) @ half
        flipped = np.abs(difference_of(middle - shift, middle + shift, statistic))
        hits += int(np.count_nonzero(flipped >= observed * (1.0 - 1e-12)))
    # Not to flip anything is one of all flips, and as extreme as itself, also where the arithmetic of subnormal numbers says otherwise.
    return max(hits, 1) / total if exact else (1 + hits) / (1 + total)
