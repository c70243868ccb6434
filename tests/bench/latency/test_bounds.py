"""When the mean is known well enough."""

from __future__ import annotations

import pytest

from bench.latency.bounds import Bounds


def test_nobody_asked_for_a_precision() -> None:
    assert not Bounds().is_precise([0.01] * 1000)


def test_the_mean_is_precise_when_its_margin_is() -> None:
    # Standard deviation 10 % of the mean: the margin at 95 % is 1.96 * 10 % / sqrt(n).
    samples = [0.9, 1.1] * 200
    wanted = Bounds(precision=0.01, confidence=0.95)
    assert wanted.is_precise(samples)
    assert not wanted.is_precise(samples[:300])


@pytest.mark.parametrize("n", [0, 1, 4])
def test_fewer_than_the_least_are_never_precise(n: int) -> None:
    assert not Bounds(least=5, precision=0.5).is_precise([1.0] * n)
