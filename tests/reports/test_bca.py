from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from reports.bca import bca_bootstrap
from reports.statistics import Statistic, paired_bootstrap
from tests.reports.series import TIMES


@pytest.mark.parametrize("statistic", ["mae", "rmse"])
def test_it_is_the_interval_that_scipy_gives(statistic: Statistic) -> None:
    generator = np.random.default_rng(1)
    old = generator.exponential(10, 80)
    new = old + generator.exponential(6, 80)

    def difference(before: np.ndarray, after: np.ndarray, axis: int) -> np.ndarray:
        if statistic == "rmse":
            return np.sqrt((after**2).mean(axis=axis)) - np.sqrt((before**2).mean(axis=axis))
        return np.abs(after).mean(axis=axis) - np.abs(before).mean(axis=axis)

    other = bootstrap(
        (old, new), difference, paired=True, vectorized=True, n_resamples=20_000, method="BCa", random_state=2
    ).confidence_interval
    found = bca_bootstrap(old, new, statistic, resamples=20_000)
    width = other.high - other.low
    assert found.low == pytest.approx(other.low, abs=0.04 * width)
    assert found.high == pytest.approx(other.high, abs=0.04 * width)


def test_skew_moves_it_towards_the_long_tail() -> None:
    generator = np.random.default_rng(3)
    new = generator.lognormal(0, 1.5, 60)
    plain, found = paired_bootstrap(np.zeros(60), new, "mean"), bca_bootstrap(np.zeros(60), new, "mean")
    assert found.low is not None
    assert found.high is not None
    assert plain.low is not None
    assert plain.high is not None
    assert found.low > plain.low
    assert found.high > plain.high


def test_it_covers_a_skewed_mean_better_than_the_percentile_interval() -> None:
    """300 samples of 40 from a lognormal distribution; the error of a share is 0.02."""
    generator = np.random.default_rng(4)
    truth = float(np.exp(0.5))
    zeros = np.zeros(40)
    hits = {"plain": 0, "bca": 0}
    trials = 300 * TIMES
    for trial in range(trials):
        new = generator.lognormal(0, 1, 40)
        for name, make in (("plain", paired_bootstrap), ("bca", bca_bootstrap)):
            found = make(zeros, new, "mean", resamples=600, seed=trial)
            hits[name] += bool(found.excludes_zero and found.low <= truth <= found.high)  # type: ignore[operator]
    assert hits["bca"] >= hits["plain"]
    assert hits["bca"] / trials >= 0.87


def test_few_pairs_and_equal_ones_fall_back_to_percentiles() -> None:
    assert bca_bootstrap([1.0], [3.0]).low is None
    old, new = [1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 5.0, 4.0]
    assert bca_bootstrap(old, new) == paired_bootstrap(old, new)
    same = bca_bootstrap([1.0] * 30, [1.0] * 30)
    assert (same.low, same.high) == (0.0, 0.0)


def test_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        bca_bootstrap([], [])
