from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from reports.equivalence import equivalent
from tests.reports.series import TIMES


def test_it_is_two_one_sided_tests() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 50)
    found = equivalent(values, 0.5)
    below = ttest_1samp(values, -0.5, alternative="greater").pvalue
    above = ttest_1samp(values, 0.5, alternative="less").pvalue
    assert found.p_value == pytest.approx(max(below, above))
    assert found.equivalent == (found.p_value <= 0.05)


def test_the_margin_that_would_pass_is_the_edge() -> None:
    values = np.random.default_rng(1).normal(0.3, 1, 40)
    edge = equivalent(values, 1.0).would_pass
    assert edge is not None
    assert equivalent(values, edge * 1.0001).equivalent
    assert not equivalent(values, edge * 0.9999).equivalent


def test_no_difference_found_is_not_equivalence() -> None:
    """Six pairs that scatter widely: their difference is not significant, and nothing is shown."""
    found = equivalent([5.0, -6.0, 4.0, -3.0, 6.0, -5.0], 1.0)
    assert not found.equivalent


def test_exact_differences_are_judged_by_themselves() -> None:
    assert equivalent([0.0] * 5, 0.1).equivalent
    assert equivalent([0.05] * 5, 0.1).p_value == 0.0
    assert not equivalent([0.2] * 5, 0.1).equivalent
    assert not equivalent([0.0], 0.1).equivalent


@pytest.mark.parametrize(("values", "margin"), [([], 1.0), ([math.nan, 1.0], 1.0), ([1.0, 2.0], 0.0)])
def test_what_makes_no_sense_is_refused(values: list[float], margin: float) -> None:
    with pytest.raises(ValueError):
        equivalent(values, margin)


def test_at_the_margin_it_errs_as_often_as_promised() -> None:
    """1,000 samples whose true mean lies on the margin: 5 % may be called equivalent (error 0.007)."""
    generator = np.random.default_rng(2)
    trials = 1000 * TIMES
    wrong = sum(equivalent(generator.normal(1.0, 1, 30), 1.0).equivalent for _ in range(trials))
    assert 0.025 <= wrong / trials <= 0.075
