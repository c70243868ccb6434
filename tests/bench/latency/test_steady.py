"""Where the warm-up of a series ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench.latency.steady import FEWEST, MOST_SHARE, find_steady

Series = Callable[[np.random.Generator, int], np.ndarray]


def noise(random: np.random.Generator, n: int) -> np.ndarray:
    """Latencies around 10 ms, 2 % of them three times as long."""
    series = 0.01 * np.exp(random.normal(0, 0.02, n))
    series[random.random(n) < 0.02] *= 3
    return series


def share(series: Series, n: int, holds: Callable[[int, bool], bool], times: int = 200) -> float:
    """The share of drawn series of which `holds(warm_up, found)`."""
    random = np.random.default_rng(7)
    found = [find_steady(series(random, n).tolist()) for _ in range(times)]
    return sum(holds(steady.warm_up, steady.found) for steady in found) / times


@pytest.mark.parametrize("n", [20, 50, 100, 200])
def test_in_noise_there_is_no_warm_up(n: int) -> None:
    assert share(noise, n, lambda warm_up, found: found and warm_up <= 0.1 * n) >= 0.9


@pytest.mark.parametrize("n", [50, 100, 200])
@pytest.mark.parametrize("factor", [1.2, 3.0])
def test_a_slow_beginning_is_left_out_whole(n: int, factor: float) -> None:
    def slow(random: np.random.Generator, n: int) -> np.ndarray:
        series = noise(random, n)
        series[:20] *= factor
        return series

    assert share(slow, n, lambda warm_up, found: found and 20 <= warm_up <= 0.5 * n) >= 0.85


def test_a_fast_beginning_is_left_out_too() -> None:
    series = [0.008] * 20 + [0.010] * 80
    assert find_steady(series).warm_up == 20


def test_one_outlier_is_no_warm_up() -> None:
    series = [0.01] * 100
    series[30] = 0.5
    assert find_steady(series).warm_up == 0


def test_the_first_image_of_a_short_series() -> None:
    series = [0.9, *np.random.default_rng(3).normal(0.5, 0.005, 11).tolist()]
    steady = find_steady(series)
    assert steady.found
    assert 1 <= steady.warm_up <= 6


@pytest.mark.parametrize("n", [100, 200])
def test_a_level_that_keeps_moving_is_no_steady_state(n: int) -> None:
    def drift(random: np.random.Generator, n: int) -> np.ndarray:
        return noise(random, n) * (1 + 0.3 * np.arange(n) / n)

    assert share(drift, n, lambda warm_up, found: not found and warm_up == MOST_SHARE * n) >= 0.9


def test_a_constant_series_is_steady_from_the_start() -> None:
    assert find_steady([0.01] * 50) == find_steady([0.02] * 50)
    assert find_steady([0.01] * 50).found
    assert find_steady([0.01] * 50).warm_up == 0


@pytest.mark.parametrize("n", [0, 1, FEWEST - 1])
def test_too_few_images_are_told(n: int) -> None:
    steady = find_steady([0.01] * n)
    assert not steady.found
    assert steady.warm_up == 0
    assert f"{n} images" in steady.why
