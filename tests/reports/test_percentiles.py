from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.percentiles import fewest_for, not_supported, percentile, percentile_support


def test_how_many_samples_each_percentile_asks_for() -> None:
    assert [fewest_for(percent) for percent in (50, 90, 95, 99)] == [1, 64, 130, 662]
    assert percentile_support(1) == (50,)
    assert percentile_support(182) == (50, 90, 95)
    assert percentile_support(662) == (50, 90, 95, 99)


def test_the_number_is_what_it_says() -> None:
    """With 64 samples, two or more lie beyond the 90th percentile in 99 % of the cases."""
    generator = np.random.default_rng(0)
    beyond = (generator.random((20_000, 64)) > 0.9).sum(axis=1)
    assert (beyond >= 2).mean() == pytest.approx(0.99, abs=0.003)


@settings(max_examples=25)
@given(st.lists(st.floats(-1e9, 1e9), min_size=130, max_size=140), st.sampled_from([50, 90, 95]))
def test_it_interpolates_as_numpy_does(samples: list[float], percent: int) -> None:
    assert percentile(samples, percent) == pytest.approx(np.percentile(samples, percent), rel=1e-9, abs=1e-6)


def test_what_is_not_supported_is_said() -> None:
    assert percentile([1.0] * 182, 99) is None
    assert percentile([], 50) is None
    assert not_supported(182) == "not supported (n = 182)"
    with pytest.raises(ValueError, match="from 50"):
        fewest_for(100)
