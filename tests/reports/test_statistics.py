from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.statistics import Statistic, paired_bootstrap, sign_flip


def index_matrix(old: np.ndarray, new: np.ndarray, resamples: int, rmse: bool) -> np.ndarray:
    """The bootstrap as textbooks write it: a matrix of indices."""
    drawn = np.random.default_rng(3).integers(0, len(old), size=(resamples, len(old)))
    if rmse:
        return np.sqrt((new[drawn] ** 2).mean(axis=1)) - np.sqrt((old[drawn] ** 2).mean(axis=1))
    return np.abs(new[drawn]).mean(axis=1) - np.abs(old[drawn]).mean(axis=1)


@pytest.mark.parametrize("statistic", ["mae", "rmse"])
def test_the_interval_is_that_of_the_index_matrix(statistic: Statistic) -> None:
    generator = np.random.default_rng(1)
    old = generator.normal(0, 30, 182)
    new = old + generator.normal(1, 8, 182)
    found = paired_bootstrap(old, new, statistic)
    low, high = np.quantile(index_matrix(old, new, 20_000, statistic == "rmse"), [0.025, 0.975])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.04 * width)
    assert found.high == pytest.approx(high, abs=0.04 * width)


def test_the_estimates_are_the_definitions() -> None:
    old, new = [3.0, -4.0], [1.0, -1.0]
    assert paired_bootstrap(old, new, "mae").estimate == pytest.approx(1.0 - 3.5)
    assert paired_bootstrap(old, new, "rmse").estimate == pytest.approx(1.0 - math.sqrt(12.5))
    assert paired_bootstrap(old, new, "mean").estimate == pytest.approx(0.0 + 0.5)


def test_the_same_seed_gives_the_same_interval_and_another_another() -> None:
    old, new = np.random.default_rng(0).normal(0, 9, (2, 40))
    assert paired_bootstrap(old, new, seed=4) == paired_bootstrap(old, new, seed=4)
    assert paired_bootstrap(old, new, seed=4) != paired_bootstrap(old, new, seed=5)


def test_chunks_do_not_change_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = np.arange(50.0), np.arange(50.0)[::-1] + 1
    whole = paired_bootstrap(old, new)
    monkeypatch.setattr("reports.statistics.CHUNK_CELLS", 999)
    assert paired_bootstrap(old, new) == whole


@pytest.mark.parametrize("statistic", ["mae", "rmse"])
def test_a_95_percent_interval_covers_95_percent_of_the_time(statistic: Statistic) -> None:
    """600 simulated comparisons of 100 pairs; binomial error of the share is 0.009."""
    generator = np.random.default_rng(11)
    big_old = generator.normal(2, 20, 1_000_000)
    big_new = 1.1 * big_old + generator.normal(0, 6, 1_000_000)
    truth = paired_truth(big_old, big_new, statistic)
    hits = 0
    for trial in range(600):
        chosen = generator.integers(0, len(big_old), 100)
        found = paired_bootstrap(big_old[chosen], big_new[chosen], statistic, resamples=600, seed=trial)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 0.915 <= hits / 600 <= 0.975


def paired_truth(old: np.ndarray, new: np.ndarray, statistic: Statistic) -> float:
    if statistic == "rmse":
        return float(np.sqrt((new**2).mean()) - np.sqrt((old**2).mean()))
    return float(np.abs(new).mean() - np.abs(old).mean())


@pytest.mark.parametrize("statistic", ["mae", "rmse"])
def test_an_a_a_comparison_raises_no_more_alarms_than_promised(statistic: Statistic) -> None:
    """400 comparisons of noise with noise: the sign flip is exact, so at 5 % its alarms are 5 % (error 0.011)."""
    generator = np.random.default_rng(12)
    tests = intervals = 0
    for trial in range(400):
        common = generator.normal(0, 20, 60)
        old, new = common + generator.normal(0, 5, 60), common + generator.normal(0, 5, 60)
        tests += sign_flip(old, new, statistic, permutations=400, seed=trial) <= 0.05
        intervals += paired_bootstrap(old, new, statistic, resamples=400, seed=trial).excludes_zero
    assert 0.02 <= tests / 400 <= 0.08
    assert intervals / 400 <= 0.095


def test_a_real_difference_is_found() -> None:
    generator = random.Random(2)
    old = [generator.gauss(0, 10) for _ in range(80)]
    new = [error * 1.5 for error in old]
    assert paired_bootstrap(old, new, "rmse").excludes_zero
    assert sign_flip(old, new, "mae") < 0.001


def test_few_pairs_are_enumerated() -> None:
    assert sign_flip([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]) == pytest.approx(2 / 8)
    assert sign_flip([1.0], [2.0]) == 1.0


def test_the_same_errors_differ_by_nothing() -> None:
    errors = [1.0, -2.0, 3.5]
    found = paired_bootstrap(errors, errors)
    assert (found.low, found.high, found.estimate) == (0.0, 0.0, 0.0)
    assert not found.excludes_zero
    assert sign_flip(errors, errors) == 1.0


def test_one_pair_has_no_interval() -> None:
    found = paired_bootstrap([1.0], [3.0])
    assert (found.low, found.high, found.estimate, found.samples) == (None, None, 2.0, 1)


@pytest.mark.parametrize(
    ("old", "new"), [([], []), ([1.0], [1.0, 2.0]), ([math.nan], [1.0]), ([1.0], [math.inf])]
)
def test_what_is_no_pairs_of_numbers_is_refused(old: list[float], new: list[float]) -> None:
    with pytest.raises(ValueError):
        paired_bootstrap(old, new)
    with pytest.raises(ValueError):
        sign_flip(old, new)


@example([(0.0, 0.0), (0.0, 2.2250738585e-313)])
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=30))
def test_the_p_value_is_a_probability_and_symmetric(pairs: list[tuple[float, float]]) -> None:
    old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    p = sign_flip(old, new, permutations=200)
    assert 0 < p <= 1
    interval = paired_bootstrap(old, new, resamples=50)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= interval.high
