"""Mann-Whitney: are the samples of one run larger than those of the other, whatever their distribution?"""

from __future__ import annotations

from collections.abc import Sequence

from reports.correlation import ranks

EXACT = 20
"""Samples a side up to which the p-value is enumerated, where no two samples are equal."""


def mann_whitney(
    old: Sequence[float], new: Sequence[float], old_time: float = 1.0, new_time: float = 1.0
) -> float:
    """The two-sided p-value of "old and new come from one distribution" (Mann and Whitney 1947).

    Exact up to 20 samples a side without ties, else normal with ties and continuity corrected. `old_time`, `new_time`: the series'
    correlation times (`reports.correlation`); the variance of the rank sum grows by them, as that of any mean over a series does. Raises
    ValueError for an empty side, or NaN.
    """
    import numpy as np
    from scipy.special import ndtr
    from scipy.stats import mannwhitneyu

    before, after = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
    if not before.size or not after.size:
        raise ValueError(f"samples are needed on both sides: {before.size} old, {after.size} new")
    if np.isnan(before).any() or np.isnan(after).any():
        raise ValueError("NaN among the samples")
    both = np.concatenate([before, after])
    _, ties = np.unique(both, return_counts=True)
    independent = old_time <= 1.0 and new_time <= 1.0
    if independent and max(before.size, after.size) <= EXACT and ties.size == both.size:
        return float(mannwhitneyu(before, after, method="exact").pvalue)
    n, m, total = before.size, after.size, both.size
    shift = ranks(both)[n:].sum() - m * (m + 1) / 2.0 - n * m / 2.0
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1)) if total > 1 else 0.0
    variance = n * m / 12.0 * (total + 1 - tied) * (old_time / n + new_time / m) / (1.0 / n + 1.0 / m)
    if variance <= 0:  # all samples are equal
        return 1.0
    return min(1.0, float(2.0 * ndtr(-max(0.0, abs(shift) - 0.5) / np.sqrt(variance))))
