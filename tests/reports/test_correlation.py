from __future__ import annotations

import numpy as np
import pytest

from reports.correlation import correlation_time, ranks, wander
from tests.reports.series import correlated, independent, recorded_runs, warming


def test_ties_share_their_rank() -> None:
    assert ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_independent_samples_are_worth_themselves() -> None:
    generator = np.random.default_rng(1)
    times = [correlation_time(independent(generator)(400)) for _ in range(50)]
    assert 1.0 <= np.median(times) < 1.4


def test_correlated_samples_are_worth_as_many_as_theory_says() -> None:
    """The time of an autoregressive series of order 1 is (1 + share) / (1 - share); of ranks a little less."""
    generator = np.random.default_rng(2)
    for share, theory in ((0.5, 3.0), (0.9, 19.0)):
        found = np.median([correlation_time(correlated(generator, share)(5000)) for _ in range(20)])
        assert 0.8 * theory < found < 1.35 * theory


def test_an_outlier_is_one_sample() -> None:
    series = independent(np.random.default_rng(3))(300)
    before = correlation_time(series)
    series[100] = 1e6
    assert correlation_time(series) == pytest.approx(before, rel=0.2)


@pytest.mark.parametrize("series", [[1.0], [2.0] * 50, [1.0, 2.0, 3.0]])
def test_what_shows_nothing_counts_as_independent(series: list[float]) -> None:
    assert correlation_time(series) == 1.0
    assert wander(series) == 0.0


def test_a_level_that_moves_is_seen_and_its_size_told() -> None:
    generator = np.random.default_rng(4)
    series = independent(generator, 0.01)(320) * np.exp(np.linspace(0, 0.1, 320))
    assert wander(series) == pytest.approx(0.1 / np.sqrt(12), rel=0.2)


def test_a_steady_series_rarely_counts_as_wandering() -> None:
    generator = np.random.default_rng(5)
    assert sum(wander(independent(generator)(160)) > 0 for _ in range(400)) / 400 < 0.09
    assert sum(wander(warming(generator)(2000)) > 0 for _ in range(40)) / 40 > 0.5


def test_recorded_latencies_are_worth_far_fewer_than_they_are() -> None:
    assert all(correlation_time(run) > 5 for run in recorded_runs())
