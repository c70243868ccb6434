from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from reports.rank import mann_whitney


def test_few_samples_are_enumerated() -> None:
    assert mann_whitney([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]) == pytest.approx(2 / 70)


@given(
    st.lists(st.integers(0, 40), min_size=21, max_size=60),
    st.lists(st.integers(0, 40), min_size=1, max_size=60),
)
def test_many_samples_and_ties_are_as_scipy_has_them(old: list[int], new: list[int]) -> None:
    if len({*old, *new}) == 1:
        assert mann_whitney(old, new) == 1.0
        return
    expected = mannwhitneyu(old, new, method="asymptotic").pvalue
    assert mann_whitney(old, new) == pytest.approx(expected, rel=1e-9)


def test_it_is_symmetric() -> None:
    generator = np.random.default_rng(0)
    old, new = generator.normal(0, 1, 40), generator.normal(0.5, 1, 30)
    assert mann_whitney(old, new) == pytest.approx(mann_whitney(new, old))


def test_samples_that_resemble_each_other_prove_less() -> None:
    generator = np.random.default_rng(1)
    old, new = generator.normal(0, 1, 100), generator.normal(0.5, 1, 100)
    assert mann_whitney(old, new) < 0.01 < 0.1 < mann_whitney(old, new, 9.0, 9.0)


def test_nothing_and_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="both sides"):
        mann_whitney([], [1.0])
    with pytest.raises(ValueError, match="NaN"):
        mann_whitney([math.nan], [1.0])
