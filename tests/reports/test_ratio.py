from __future__ import annotations

import math

import numpy as np
import pytest

from reports.ratio import ratio_of_medians, resampled_medians
from tests.reports.series import TIMES, Source, correlated, independent, quantised, warming, with_outliers


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_medians_of_resamples_are_those_of_drawn_ones(size: int) -> None:
    """The shortcut through order statistics against drawing each resample, by its quantiles."""
    generator = np.random.default_rng(0)
    samples = generator.exponential(1.0, 60)
    found = resampled_medians(samples, size, 40_000, generator)
    drawn = np.median(samples[generator.integers(0, 60, (40_000, size))], axis=1)
    for share in (0.025, 0.25, 0.5, 0.75, 0.975):
        assert (found <= np.quantile(drawn, share)).mean() == pytest.approx(
            (drawn <= np.quantile(drawn, share)).mean(), abs=0.015
        )


def test_the_estimate_is_the_ratio_of_the_medians() -> None:
    assert ratio_of_medians([1, 2, 3, 9, 9], [2, 4, 6, 6, 8]).estimate == pytest.approx(2.0)


def test_too_few_have_no_interval() -> None:
    found = ratio_of_medians([1.0, 1.1, 1.2], [2.0, 2.1, 2.2])
    assert (found.low, found.high, found.p_value) == (None, None, 1.0)


def test_p_reaches_the_level_where_the_interval_reaches_1() -> None:
    generator = np.random.default_rng(3)
    for shift in (1.0, 1.01, 1.015, 1.02, 1.03):
        found = ratio_of_medians(independent(generator)(100), independent(generator)(100) * shift)
        assert found.low is not None
        assert found.high is not None
        assert (found.p_value <= 0.05) == (not found.low <= 1.0 <= found.high)


def test_runs_that_differ_widen_the_interval() -> None:
    generator = np.random.default_rng(4)
    old, new = independent(generator)(200), independent(generator)(200)
    plain, wide = ratio_of_medians(old, new), ratio_of_medians(old, new, between=0.03)
    assert wide.low is not None
    assert wide.high is not None
    assert math.log(wide.high / wide.low) == pytest.approx(2 * 1.96 * 0.03 * math.sqrt(2), rel=0.1)
    assert plain.floor == 0.0


@pytest.mark.parametrize("bad", [[], [0.0, 1.0], [-1.0], [math.nan], [math.inf]])
def test_what_is_no_time_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError):
        ratio_of_medians(bad, [1.0])


SOURCES = {
    "independent": (independent, 40),
    "outliers": (with_outliers, 182),
    "quantised": (quantised, 182),
    "warming": (warming, 182),
    "correlated": (lambda generator: correlated(generator, 0.5), 182),
    "strongly correlated": (lambda generator: correlated(generator, 0.9), 600),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_95_percent_interval_covers_the_true_ratio(name: str) -> None:
    """200 comparisons each; the binomial error of the share is 0.015. Known limit: short, strongly correlated series (glossary)."""
    make, n = SOURCES[name]
    generator = np.random.default_rng(7)
    source: Source = make(generator)
    missed = 0
    for trial in range(200 * TIMES):
        found = ratio_of_medians(source(n), 1.2 * source(n), resamples=800, seed=trial)
        assert found.low is not None
        assert found.high is not None
        missed += not found.low <= 1.2 <= found.high
    assert missed / (200 * TIMES) <= 0.08
