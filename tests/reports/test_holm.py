from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.holm import holm


def test_the_example_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()
    assert holm([0.2]) == (0.2,)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_it_lies_between_the_plain_and_bonferroni(values: list[float]) -> None:
    for plain, found in zip(values, holm(values), strict=True):
        assert plain <= found <= min(1.0, plain * len(values))


def test_a_family_of_nothing_alarms_as_often_as_one_test() -> None:
    generator = np.random.default_rng(0)
    alarms = sum(min(holm(list(generator.random(10)))) <= 0.05 for _ in range(2000))
    assert alarms / 2000 <= 0.065


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        holm([1.2])
