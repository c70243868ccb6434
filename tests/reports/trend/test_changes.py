"""Change points, by simulation: noise alone raises few, steps are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.trend.changes import FEWEST, LONGEST, exact_changes, noisy_changes

Draw = Callable[[np.random.Generator, int], np.ndarray]


def spikes(random: np.random.Generator, n: int) -> np.ndarray:
    """One night in twenty is disturbed, by 5 to 20 times the noise."""
    drawn = random.normal(0, 1, n)
    disturbed = random.random(n) < 0.05
    drawn[disturbed] += random.uniform(5, 20, disturbed.sum())
    return drawn


NOISE: dict[str, tuple[Draw, float]] = {
    # The rates promised in reports/trend/changes.py are 1 % and 4 %; what is allowed adds three standard errors of 250 histories.
    "normal": (lambda random, n: random.normal(0, 1, n), 0.03),
    "heavy tails": (lambda random, n: random.standard_t(3, n), 0.03),
    "skewed": (lambda random, n: np.exp(random.normal(0, 0.7, n)), 0.04),
    "spikes": (spikes, 0.08),
}


def history(noise: np.ndarray) -> list[float]:
    """10 ms with 1 % of noise."""
    return [0.010 * (1 + 0.01 * float(value)) for value in noise]


@pytest.mark.parametrize("nights", [FEWEST, 30, 120])
@pytest.mark.parametrize("noise", NOISE)
def test_noise_alone_rarely_raises_a_change_point(noise: str, nights: int) -> None:
    draw, allowed = NOISE[noise]
    random = np.random.default_rng([nights, len(noise)])
    raised = sum(bool(noisy_changes(history(draw(random, nights)))) for _ in range(250))
    assert raised / 250 <= allowed


@pytest.mark.parametrize(("step", "after", "found"), [(5, 30, 0.97), (5, 4, 0.9), (3, 30, 0.9), (8, 3, 0.95)])
def test_a_step_is_found_where_it_is(step: float, after: int, found: float) -> None:
    random = np.random.default_rng([int(step), after])
    hits = 0
    for _ in range(100):
        noise = random.normal(0, 1, 60)
        noise[60 - after :] += step
        hits += any(abs(index - (60 - after)) <= 1 for index in noisy_changes(history(noise)))
    assert hits / 100 >= found


def test_two_steps_are_two() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 90)
    noise[30:60] += 10
    assert noisy_changes(history(noise)) == [30, 60]


def test_one_disturbed_night_is_no_level() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 60)
    noise[40] += 100
    assert noisy_changes(history(noise)) == []


def test_too_few_values_have_no_change_point() -> None:
    assert noisy_changes([0.01] * 5 + [0.02] * (FEWEST - 6)) == []
    assert noisy_changes([0.01] * 6 + [0.02] * (FEWEST - 6)) == [6]


def test_figures_that_repeat_exactly_are_compared_with_some_noise_in_mind() -> None:
    assert noisy_changes([0.01] * 40) == []
    assert noisy_changes([0.01] * 20 + [0.010001] * 20) == []
    assert noisy_changes([0.01] * 20 + [0.011] * 20) == [20]


def test_of_a_very_long_history_the_newest_count() -> None:
    noise = np.random.default_rng(0).normal(0, 1, LONGEST + 300)
    noise[100:] += 10
    noise[LONGEST + 200 :] += 10
    assert noisy_changes(history(noise)) == [LONGEST + 200]


@settings(max_examples=40)
@given(st.lists(st.floats(1e-6, 1e6), max_size=60))
def test_any_positive_figures_have_places_in_order(values: list[float]) -> None:
    found = noisy_changes(values)
    assert found == sorted(set(found))
    assert all(0 < index < len(values) for index in found)


def test_exact_figures_change_beyond_rounding() -> None:
    assert exact_changes([3.0, 3.0, 3.1, 3.1, 3.0], [0.01] * 5) == [2, 4]
    assert exact_changes([3.0, 3.009, 3.0], [0.01] * 3) == []
    assert exact_changes([3.0, float("nan"), 3.0], [0.01] * 3) == [1, 2]
    assert exact_changes([], []) == []
